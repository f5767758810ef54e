package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra"
	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// environmentVariable returns the environment variable of a setting: the context key in capitals,
// such as KMS_KEY_ARN for kmsKeyArn.
func environmentVariable(s settings.Setting) string {
	var b strings.Builder
	for _, r := range s.ContextKey {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// reader reads the props from the CDK context or the environment, and collects the errors.
type reader struct {
	node   constructs.Node
	getenv func(string) string
	errs   []error
}

// err returns the collected errors, joined with another error.
func (r *reader) err(more error) error { return errors.Join(append(r.errs, more)...) }

// text returns a setting, or nil if the setting is missing or empty.
func (r *reader) text(context, variable string) *string {
	value, _ := r.node.TryGetContext(jsii.String(context)).(string)
	if value = cmp.Or(value, r.getenv(variable)); value == "" {
		return nil
	}
	return &value
}

// matching returns a setting, or nil if the setting is missing or does not match the pattern. It
// collects an error if the setting does not match; want describes the pattern in the error.
func (r *reader) matching(s settings.Setting, pattern, want string) *string {
	value := r.text(s.ContextKey, environmentVariable(s))
	if value != nil && !regexp.MustCompile(pattern).MatchString(*value) {
		r.errs = append(r.errs, fmt.Errorf("%s: %q is not %s", s.ContextKey, *value, want))
		return nil
	}
	return value
}

// value returns the value of a setting's property, or nil if the setting is missing or invalid. It
// does not check texts and lists, because Validate does.
func (r *reader) value(scope constructs.Construct, s settings.Setting) any {
	pattern, want := s.Pattern, s.Wanted
	switch s.Kind {
	case settings.Text, settings.List:
		pattern = ""
	case settings.Number:
		pattern, want = `^[0-9]{1,6}$`, "a whole number"
	}
	text := r.matching(s, pattern, want)
	if text == nil {
		return nil
	}
	id := jsii.String(s.ContextKey)
	switch s.Kind {
	case settings.List:
		var values []*string
		for value := range strings.SplitSeq(*text, ",") {
			values = append(values, jsii.String(strings.TrimSpace(value)))
		}
		return &values
	case settings.YesNo:
		return jsii.Bool(*text == "yes")
	case settings.Number:
		n, _ := strconv.Atoi(*text) // the pattern allows only digits
		return jsii.Number(n)
	case settings.Topic:
		return awssns.Topic_FromTopicArn(scope, id, text)
	case settings.Key:
		return awskms.Key_FromKeyArn(scope, id, text)
	case settings.ManagedPolicy:
		return awsiam.ManagedPolicy_FromManagedPolicyArn(scope, id, text)
	}
	return text
}

// props returns the props of the auditor and of the change forwarder. The auditor needs a forwarder
// only if the home region is set, the auditor reacts to changes, and IAM's events are in another
// region. Otherwise the props of the forwarder are nil.
func (r *reader) props(scope awscdk.Stack) (*infra.PermissionAuditorProps,
	*infra.ChangeForwarderProps) {
	p := &infra.PermissionAuditorProps{}
	fields := reflect.ValueOf(p).Elem()
	for _, s := range settings.All() {
		if s.Property == "" {
			continue
		}
		if value := r.value(scope, s); value != nil {
			fields.FieldByName(s.Property).Set(reflect.ValueOf(value))
		}
	}
	home := r.text("homeRegion", "HOME_REGION")
	if home == nil || p.ReactToChanges == nil || !*p.ReactToChanges || eventRegion(*home) == *home {
		return p, nil
	}
	return p, &infra.ChangeForwarderProps{HomeRegion: home, RolePath: p.RolePath,
		PermissionsBoundary: p.PermissionsBoundary}
}

// eventRegion returns the region of IAM's events in the partition of a region.
func eventRegion(home string) string {
	if strings.HasPrefix(home, "cn-") {
		return "cn-north-1"
	}
	return "us-east-1"
}
