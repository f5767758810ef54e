package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// The patterns of ARNs. They equal the patterns of the parameters in template.yaml.
const (
	topicForm  = `^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$`
	keyForm    = `^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$`
	policyForm = `^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+)?$`
)

// settings reads the props from the CDK context or the environment, and collects the errors.
type settings struct {
	node   constructs.Node
	getenv func(string) string
	errs   []error
}

// err returns the collected errors, joined with another error.
func (s *settings) err(more error) error { return errors.Join(append(s.errs, more)...) }

// text returns a setting, or nil if the setting is missing or empty.
func (s *settings) text(context, env string) *string {
	value, _ := s.node.TryGetContext(jsii.String(context)).(string)
	if value = cmp.Or(value, s.getenv(env)); value == "" {
		return nil
	}
	return &value
}

func (s *settings) list(context, env string) *[]*string {
	text := s.text(context, env)
	if text == nil {
		return nil
	}
	var values []*string
	for value := range strings.SplitSeq(*text, ",") {
		values = append(values, jsii.String(strings.TrimSpace(value)))
	}
	return &values
}

// matching returns a setting, or nil if the setting is missing or does not match the pattern. It
// collects an error if the setting does not match; want describes the pattern in the error.
func (s *settings) matching(context, env, pattern, want string) *string {
	value := s.text(context, env)
	if value != nil && !regexp.MustCompile(pattern).MatchString(*value) {
		s.errs = append(s.errs, fmt.Errorf("%s: %q is not %s", context, *value, want))
		return nil
	}
	return value
}

func (s *settings) boolean(context, env string) *bool {
	value := s.matching(context, env, `^(yes|no)$`, `"yes" or "no"`)
	if value == nil {
		return nil
	}
	return jsii.Bool(*value == "yes")
}

func (s *settings) days(context, env string) *float64 {
	value := s.matching(context, env, `^[0-9]{1,6}$`, "a number of days")
	if value == nil {
		return nil
	}
	n, _ := strconv.Atoi(*value) // the pattern allows only digits
	return jsii.Number(n)
}

func (s *settings) topic(scope constructs.Construct, context, env string) awssns.ITopic {
	if arn := s.matching(context, env, topicForm,
		"the ARN of a standard topic (not .fifo)"); arn != nil {
		return awssns.Topic_FromTopicArn(scope, jsii.String(context), arn)
	}
	return nil
}

// props returns the props of the auditor and of the change forwarder. The auditor needs a forwarder
// only if the home region is set, the auditor reacts to changes, and IAM's events are in another
// region. Otherwise the props of the forwarder are nil.
func (s *settings) props(scope awscdk.Stack) (*infra.PermissionAuditorProps,
	*infra.ChangeForwarderProps) {
	p := &infra.PermissionAuditorProps{
		Callers:             s.list("callers", contract.EnvCallers),
		RenderRole:          s.text("renderRole", contract.EnvRenderRole),
		RemotionVersion:     s.text("remotionVersion", contract.EnvRemotionVersion),
		Regions:             s.list("regions", contract.EnvRegions),
		Buckets:             s.list("buckets", contract.EnvBuckets),
		AssumedContext:      s.list("assumedContext", contract.EnvAssumedContext),
		ReadScope:           s.text("readScope", contract.EnvReadScope),
		NamedPrincipals:     s.list("namedPrincipals", "NAMED_PRINCIPALS"),
		ScheduleExpression:  s.text("scheduleExpression", "SCHEDULE_EXPRESSION"),
		TimeZone:            s.text("timeZone", "TIME_ZONE"),
		ReactToChanges:      s.boolean("reactToChanges", "REACT_TO_CHANGES"),
		AlertEmail:          s.text("alertEmail", "ALERT_EMAIL"),
		AlertTopic:          s.topic(scope, "alertTopicArn", "ALERT_TOPIC_ARN"),
		OpsTopic:            s.topic(scope, "opsTopicArn", "OPS_TOPIC_ARN"),
		PagerTopic:          s.topic(scope, "pagerTopicArn", "PAGER_TOPIC_ARN"),
		HTTPSFormat:         s.text("httpsFormat", contract.EnvHTTPSFormat),
		RepeatAfter:         s.text("repeatAfter", contract.EnvRepeatAfter),
		EvidenceBucket:      s.text("evidenceBucket", contract.EnvEvidenceBucket),
		ReportRetentionDays: s.days("reportRetentionDays", "REPORT_RETENTION_DAYS"),
		LogRetentionDays:    s.days("logRetentionDays", "LOG_RETENTION_DAYS"),
		MetricNamespace:     s.text("metricNamespace", contract.EnvMetricNamespace),
		AuditorID:           s.text("auditorId", contract.EnvAuditorID),
		Dashboard:           s.boolean("dashboard", "DASHBOARD"),
		RolePath:            s.text("rolePath", "ROLE_PATH"),
	}
	if arn := s.matching("kmsKeyArn", "KMS_KEY_ARN", keyForm,
		"the ARN of a key (not of an alias)"); arn != nil {
		p.AlertTopicKey = awskms.Key_FromKeyArn(scope, jsii.String("kmsKeyArn"), arn)
	}
	if arn := s.matching("permissionsBoundaryArn", "PERMISSIONS_BOUNDARY_ARN", policyForm,
		"the ARN of a managed policy"); arn != nil {
		p.PermissionsBoundary = awsiam.ManagedPolicy_FromManagedPolicyArn(scope,
			jsii.String("permissionsBoundaryArn"), arn)
	}
	home := s.text("homeRegion", "HOME_REGION")
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
