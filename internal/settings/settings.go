// Package settings declares each setting of the auditor once: its environment variable, template
// parameter, CDK property and flag, with default, pattern and texts. `go generate` writes from it
// the parameters and the environment in template.yaml, the tables in docs/configuration.md,
// app.Config and infra.PermissionAuditorProps. The construct, the command and the tests read the
// declarations directly.
//
// The function uses only constants of this package, so that the texts are not in its binary.
package settings

import (
	"cmp"
	"strings"
)

//go:generate go run ./generate

// Kind is the kind of a setting's value.
type Kind int

// The kinds of values, with the type of the CDK property.
const (
	Text          Kind = iota // *string
	List                      // *[]*string; text with commas in variables, parameters and flags
	YesNo                     // *bool; yes or no in parameters
	Number                    // *float64
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
	// FlagAlias is the name of the flag in earlier releases. It stays as a hidden flag.
	FlagAlias string
	// Field is the field of app.Config; empty if it has the name of Property.
	Field string
	// FieldType is a type of package app that parses the variable. If it is empty, `go generate`
	// writes a type with the name of the field, which accepts what matches Pattern.
	FieldType string
	// ContextKey is the CDK context key of infra/cmd/synth. If the declaration leaves it empty, it is
	// the parameter or the property, with a small first letter.
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
	// Min and Max are the bounds of a number; 0 for no bound.
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
	// Wanted describes the valid values in errors of the construct, for the end of "... is not". If
	// the declaration leaves it empty, it follows from Constraint.
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

// All lists the settings in the order of the parameters in template.yaml. It sets ContextKey and
// Wanted where the declaration leaves them empty.
func All() []Setting {
	all := declared()
	for i := range all {
		s := &all[i]
		if name := cmp.Or(s.Parameter, s.Property); s.ContextKey == "" {
			s.ContextKey = strings.ToLower(name[:1]) + name[1:]
		}
		if s.Wanted == "" {
			s.Wanted = strings.TrimSuffix(strings.TrimSuffix(s.Constraint, "."), ", or nothing")
		}
	}
	return all
}
