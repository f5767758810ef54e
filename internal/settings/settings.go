// Package settings declares each setting of the auditor once: its environment variable, template
// parameter, CDK property and flag, with default, pattern and texts. `go generate` writes from it
// the parameters and the environment in template.yaml, the tables in docs/configuration.md,
// app.Config and infra.PermissionAuditorProps. The construct, the command and the tests read the
// declarations directly.
//
// The function uses only constants of this package, so that the texts are not in its binary.
package settings

import (
	"strings"
	"unicode"
)

//go:generate go run ./generate

// Kind is the kind of a setting's value.
type Kind int

// The kinds of values, with the type of the CDK property.
const (
	Text          Kind = iota // *string
	List                      // *[]*string; text with commas in variables, parameters and flags
	YesNo                     // *bool; yes or no in parameters
	Days                      // *float64
	Topic                     // awssns.ITopic; an ARN in parameters
	Key                       // awskms.IKey; an ARN in parameters
	ManagedPolicy             // awsiam.IManagedPolicy; an ARN in parameters
)

// Setting is the declaration of one setting. A name that is empty means that the setting does not
// exist there.
type Setting struct {
	// Variable is the environment variable of the function.
	Variable string
	// Parameter is the parameter of template.yaml.
	Parameter string
	// Property is the field of infra.PermissionAuditorProps.
	Property string
	// Flag is the flag of `remotion-audit audit`, without --. The flag overrides Variable.
	Flag string
	// Field is the field of app.Config; empty if it has the name of Property.
	Field string
	// FieldType is a type of package app that parses the variable. If it is empty, `go generate`
	// writes a type with the name of the field, which accepts what matches Pattern.
	FieldType string
	// ContextKey is the CDK context key of infra/cmd/synth; empty for the usual key: see Context.
	ContextKey string

	Kind Kind
	// Required means that the setting has no default.
	Required bool
	// Default is the default of the variable, the parameter and the property. An empty default means
	// that the setting is not set.
	Default string
	// FunctionDefault describes the default of the variable if the function has another default than
	// the deployment.
	FunctionDefault string
	// Pattern is the regular expression of valid values, without Java's or Go's extensions.
	Pattern string
	// ReservedPrefix is a prefix that a valid value does not have.
	ReservedPrefix string
	// Values are all valid values.
	Values []string
	// Min and Max are the bounds of a number of days; 0 for no bound.
	Min, Max int
	// Valid and Invalid are examples, with which tests check the template, the construct and the
	// function. One valid example is not the default. An empty text is an invalid example unless it
	// means that the setting is not set.
	Valid, Invalid []string
	// Reference is the value of the variable in template.yaml. If it is empty, the value is the
	// parameter.
	Reference string

	// Group and Label place and name the parameter in the CloudFormation console.
	Group, Label string
	// Help describes the parameter.
	Help string
	// Constraint describes the valid values of the parameter. CloudFormation shows it with an error.
	Constraint string
	// Wanted describes the valid values in errors of the construct; empty for Constraint.
	Wanted string
	// FunctionWanted describes the valid values in errors of a type that `go generate` writes; empty
	// for Wanted.
	FunctionWanted string
	// PropertyDoc is the comment of the property, without its default.
	PropertyDoc string
	// PropertyDefault describes the default of the property if Default does not.
	PropertyDefault string
	// Usage is the help of the flag.
	Usage string
	// Docs is the meaning in docs/configuration.md, in Markdown.
	Docs string
}

// Find returns the setting with a variable, parameter or property.
func Find(name string) (Setting, bool) {
	for _, s := range All() {
		if name != "" && (s.Variable == name || s.Parameter == name || s.Property == name) {
			return s, true
		}
	}
	return Setting{}, false
}

// Variables lists the environment variables of the function.
func Variables() []string {
	var names []string
	for _, s := range All() {
		if s.Variable != "" {
			names = append(names, s.Variable)
		}
	}
	return names
}

// Want describes the valid values for the end of "... is not".
func (s Setting) Want() string {
	if s.Wanted != "" {
		return s.Wanted
	}
	return strings.TrimSuffix(strings.TrimSuffix(s.Constraint, "."), ", or nothing")
}

// Context returns the CDK context key of infra/cmd/synth: the name of the parameter or of the
// property, with a small first letter.
func (s Setting) Context() string {
	name := s.Parameter
	switch {
	case s.ContextKey != "":
		return s.ContextKey
	case name == "":
		name = s.Property
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// SynthVariable returns the environment variable of infra/cmd/synth: the context key in capitals,
// such as KMS_KEY_ARN for kmsKeyArn.
func (s Setting) SynthVariable() string {
	var b strings.Builder
	for _, r := range s.Context() {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}
