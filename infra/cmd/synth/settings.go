package main

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
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
	"github.com/remotion-audit/remotion-audit/internal/awsname"
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
// only if home is set, the auditor reacts to changes, and IAM's events are in another region.
// Otherwise the props of the forwarder are nil.
func (r *reader) props(scope awscdk.Stack, home *string) (*infra.PermissionAuditorProps,
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
	if home == nil || p.ReactToChanges == nil || !*p.ReactToChanges || *home == eventRegion {
		return p, nil
	}
	return p, &infra.ChangeForwarderProps{HomeRegion: home, RolePath: p.RolePath,
		PermissionsBoundary: p.PermissionsBoundary}
}

// eventRegion is the region of IAM's events, in which the change forwarder is deployed.
const eventRegion = "us-east-1"

// homeRegion returns the setting homeRegion, or nil if it is missing or invalid.
func (r *reader) homeRegion() *string {
	return r.matching(settings.Setting{ContextKey: "homeRegion"}, `^`+awsname.Region+`$`,
		"a region, such as eu-central-1")
}

// region returns the region of the auditor's stack: the home region, or the region that cdk found
// in the environment. It returns nil without both; the template then fits any region.
func (r *reader) region(home *string) *string {
	if home != nil {
		return home
	}
	if selected := r.getenv("CDK_DEFAULT_REGION"); selected != "" {
		return &selected
	}
	return nil
}

// forwarderTopic returns the topic of the setting forwarderOpsTopicArn, or nil if the setting is
// missing or invalid. The form is that of opsTopicArn.
func (r *reader) forwarderTopic(scope awscdk.Stack) awssns.ITopic {
	i := slices.IndexFunc(settings.All(), func(s settings.Setting) bool {
		return s.ContextKey == "opsTopicArn"
	})
	s := settings.All()[i]
	s.ContextKey = "forwarderOpsTopicArn"
	topic, _ := r.value(scope, s).(awssns.ITopic)
	return topic
}
