package infra

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// property returns a pointer to the field of a setting: **string, **[]*string, **bool, **float64,
// or a pointer to an interface of CDK.
func (p *PermissionAuditorProps) property(s settings.Setting) any {
	return reflect.ValueOf(p).Elem().FieldByName(s.Property).Addr().Interface()
}

// properties lists the settings that are properties of the construct.
func properties() []settings.Setting {
	return slices.DeleteFunc(settings.All(), func(s settings.Setting) bool { return s.Property == "" })
}

// validateSettings checks the value of each property by itself.
func (p *PermissionAuditorProps) validateSettings(v *validation) {
	for _, s := range properties() {
		switch field := p.property(s).(type) {
		case **string:
			switch {
			case s.Values != nil:
				v.checkValue(s, *field)
			case s.Property != "TimeZone": // the check of the schedule includes the time zone
				v.check(s.Property, s.Pattern, s.Wanted, *field)
			}
			if value := *field; value != nil && s.ReservedPrefix != "" &&
				strings.HasPrefix(*value, s.ReservedPrefix) {
				v.wrong(s.Property, "%q begins with %s, which is reserved", *value, s.ReservedPrefix)
			}
		case **[]*string:
			if *field != nil && (len(**field) > 0 || !s.Required) {
				v.checkList(s.Property, s.Pattern, s.Wanted, *field)
			}
		case **float64:
			if *field != nil && !*awscdk.Token_IsUnresolved(*field) {
				v.checkNumber(s, **field)
			}
		}
	}
}

// checkValue adds an error if a setting cannot have a value. It ignores nil and tokens.
func (v *validation) checkValue(s settings.Setting, value *string) {
	if value != nil && !*awscdk.Token_IsUnresolved(value) && !slices.Contains(s.Values, *value) {
		v.wrong(s.Property, "%q is not %s", *value, s.Wanted)
	}
}

// checkNumber adds an error if a setting cannot have a number.
func (v *validation) checkNumber(s settings.Setting, number float64) {
	switch least, most := float64(s.Min), float64(s.Max); {
	case s.Values == nil && (number < least || number > most || number != math.Trunc(number)):
		v.wrong(s.Property, "must be a whole number from %v to %v, got %v", least, most, number)
	case s.Values != nil && !slices.Contains(s.Values, strconv.FormatFloat(number, 'f', -1, 64)):
		v.wrong(s.Property, "%v is not %s", number, s.Wanted)
	}
}

// setDefaults sets each property that is nil and has a default. It sets an empty text without a
// default to nil.
func (p *PermissionAuditorProps) setDefaults() {
	for _, s := range properties() {
		switch field := p.property(s).(type) {
		case **string:
			switch {
			case *field == nil && s.Default != "":
				*field = jsii.String(s.Default)
			case *field != nil && **field == "" && s.Default == "":
				*field = nil
			}
		case **[]*string:
			if *field == nil && s.Default != "" {
				*field = jsii.Strings(strings.Split(s.Default, ",")...)
			}
		case **bool:
			if *field == nil {
				*field = jsii.Bool(s.Default == "yes")
			}
		case **float64:
			if *field == nil {
				number, _ := strconv.Atoi(s.Default) // a test parses all defaults
				*field = jsii.Number(number)
			}
		}
	}
}

// environment returns the function's environment. It sets every variable, so that the console shows
// all of them.
func (a *permissionAuditor) environment(p PermissionAuditorProps) *map[string]*string {
	variables := p.variables()
	// These two can be new resources of the stack.
	variables[settings.EnvTopicARN] = a.topic.TopicArn()
	variables[settings.EnvEvidenceBucket] = a.evidence.BucketName()
	return &variables
}

// variables returns the environment variables whose values are texts and lists of the props.
func (p *PermissionAuditorProps) variables() map[string]*string {
	variables := map[string]*string{}
	for _, s := range properties() {
		if s.Variable == "" {
			continue
		}
		switch field := p.property(s).(type) {
		case **string:
			variables[s.Variable] = *field
		case **[]*string:
			variables[s.Variable] = commaSeparated(*field)
		}
	}
	return variables
}

// validateEnvironment adds an error if Lambda would reject the environment for its size. Values
// that only AWS knows do not count, except those of new resources.
func (p *PermissionAuditorProps) validateEnvironment(v *validation) {
	set := *p
	set.setDefaults()
	variables := set.variables()
	if set.AlertTopic != nil {
		variables[settings.EnvTopicARN] = set.AlertTopic.TopicArn()
	}
	known := map[string]string{}
	for name, value := range variables {
		if value != nil && !*awscdk.Token_IsUnresolved(value) {
			known[name] = *value
		}
	}
	if err := settings.CheckEnvironment(known); err != nil {
		v.wrong("Environment", "%v", err)
	}
}
