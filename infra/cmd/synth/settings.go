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

// The forms of ARNs, which are those of template.yaml's parameters.
const (
	topicForm  = `^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$`
	keyForm    = `^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$`
	policyForm = `^(arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+)?$`
)

// settings reads the props from the context or, failing that, the environment, and remembers what
// cannot be read.
type settings struct {
	node     constructs.Node
	getenv   func(string) string
	problems []error
}

// err is every problem there is.
func (s *settings) err(more error) error { return errors.Join(append(s.problems, more)...) }

// one is a setting, nil where it is not said.
func (s *settings) one(context, env string) *string {
	said, _ := s.node.TryGetContext(jsii.String(context)).(string)
	if said = cmp.Or(said, s.getenv(env)); said == "" {
		return nil
	}
	return &said
}

func (s *settings) list(context, env string) *[]*string {
	said := s.one(context, env)
	if said == nil {
		return nil
	}
	var values []*string
	for value := range strings.SplitSeq(*said, ",") {
		values = append(values, jsii.String(strings.TrimSpace(value)))
	}
	return &values
}

func (s *settings) formed(context, env, form, want string) *string {
	said := s.one(context, env)
	if said != nil && !regexp.MustCompile(form).MatchString(*said) {
		s.problems = append(s.problems, fmt.Errorf("%s: %q is not %s", context, *said, want))
		return nil
	}
	return said
}

func (s *settings) yes(context, env string) *bool {
	said := s.formed(context, env, `^(yes|no)$`, `"yes" or "no"`)
	if said == nil {
		return nil
	}
	return jsii.Bool(*said == "yes")
}

func (s *settings) days(context, env string) *float64 {
	said := s.formed(context, env, `^[0-9]{1,6}$`, "a number of days")
	if said == nil {
		return nil
	}
	n, _ := strconv.Atoi(*said)
	return jsii.Number(n)
}

func (s *settings) topic(scope constructs.Construct, context, env string) awssns.ITopic {
	if arn := s.formed(context, env, topicForm,
		"the ARN of a standard topic (not .fifo)"); arn != nil {
		return awssns.Topic_FromTopicArn(scope, jsii.String(context), arn)
	}
	return nil
}

// read returns the props of the auditor. With reactToChanges and the auditor's region, it also
// returns those of the change forwarder.
func (s *settings) read(scope awscdk.Stack) (*infra.PermissionAuditorProps,
	*infra.ChangeForwarderProps) {
	p := &infra.PermissionAuditorProps{
		Callers:             s.list("callers", contract.EnvCallers),
		RenderRole:          s.one("renderRole", contract.EnvRenderRole),
		RemotionVersion:     s.one("remotionVersion", contract.EnvRemotionVersion),
		Regions:             s.list("regions", contract.EnvRegions),
		Buckets:             s.list("buckets", contract.EnvBuckets),
		AssumedContext:      s.list("assumedContext", contract.EnvAssumedContext),
		ReadScope:           s.one("readScope", contract.EnvReadScope),
		NamedPrincipals:     s.list("namedPrincipals", "NAMED_PRINCIPALS"),
		ScheduleExpression:  s.one("scheduleExpression", "SCHEDULE_EXPRESSION"),
		TimeZone:            s.one("timeZone", "TIME_ZONE"),
		ReactToChanges:      s.yes("reactToChanges", "REACT_TO_CHANGES"),
		AlertEmail:          s.one("alertEmail", "ALERT_EMAIL"),
		AlertTopic:          s.topic(scope, "alertTopicArn", "ALERT_TOPIC_ARN"),
		OpsTopic:            s.topic(scope, "opsTopicArn", "OPS_TOPIC_ARN"),
		PagerTopic:          s.topic(scope, "pagerTopicArn", "PAGER_TOPIC_ARN"),
		HTTPSFormat:         s.one("httpsFormat", contract.EnvHTTPSFormat),
		RepeatAfter:         s.one("repeatAfter", contract.EnvRepeatAfter),
		EvidenceBucket:      s.one("evidenceBucket", contract.EnvEvidenceBucket),
		ReportRetentionDays: s.days("reportRetentionDays", "REPORT_RETENTION_DAYS"),
		LogRetentionDays:    s.days("logRetentionDays", "LOG_RETENTION_DAYS"),
		MetricNamespace:     s.one("metricNamespace", contract.EnvMetricNamespace),
		AuditorID:           s.one("auditorId", contract.EnvAuditorID),
		Dashboard:           s.yes("dashboard", "DASHBOARD"),
		RolePath:            s.one("rolePath", "ROLE_PATH"),
	}
	if arn := s.formed("kmsKeyArn", "KMS_KEY_ARN", keyForm,
		"the ARN of a key (not of an alias)"); arn != nil {
		p.AlertTopicKey = awskms.Key_FromKeyArn(scope, jsii.String("kmsKeyArn"), arn)
	}
	if arn := s.formed("permissionsBoundaryArn", "PERMISSIONS_BOUNDARY_ARN", policyForm,
		"the ARN of a managed policy"); arn != nil {
		p.PermissionsBoundary = awsiam.ManagedPolicy_FromManagedPolicyArn(scope,
			jsii.String("permissionsBoundaryArn"), arn)
	}
	home := s.one("homeRegion", "HOME_REGION")
	if home == nil || p.ReactToChanges == nil || !*p.ReactToChanges || s.changeRegion(*home) == *home {
		return p, nil
	}
	return p, &infra.ChangeForwarderProps{HomeRegion: home, RolePath: p.RolePath,
		PermissionsBoundary: p.PermissionsBoundary}
}

// changeRegion is the region of IAM's events in the partition of a region.
func (s *settings) changeRegion(home string) string {
	if strings.HasPrefix(home, "cn-") {
		return "cn-north-1"
	}
	return "us-east-1"
}
