// Package infra deploys remotion-audit with the AWS CDK: a function that audits the permissions
// of Remotion Lambda on a schedule, publishes metrics and sends alerts to a topic.
//
//	infra.NewPermissionAuditor(stack, "RemotionAudit", &infra.PermissionAuditorProps{
//		Callers:    jsii.Strings("user/render", "role/web=render"),
//		AlertEmail: jsii.String("ops@example.com"),
//	})
//
// template.yaml deploys the same resources with SAM; a test compares both. The package is a module
// of its own, so that the function does not depend on CDK.
package infra

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// PermissionAuditorProps are the props of NewPermissionAuditor. Only Callers is required. In the
// other fields, nil means the default. Validate does not check tokens: values that CDK does not
// know at synth. ReadScope, ScheduleExpression, TimeZone and the list of NamedPrincipals must be
// known at synth.
type PermissionAuditorProps struct {
	// Callers are the users and roles that run Remotion's CLI or SDK: user/NAME, role/NAME,
	// sso/PERMISSION-SET, or an ARN of a user or role. Each can end in =render, =deploy or =all (the
	// default) for its purpose. "none" audits the render roles only. Required.
	Callers *[]*string
	// RenderRole is the name of the execution role of Remotion's functions. Default:
	// remotion-lambda-role.
	RenderRole *string
	// RemotionVersion is the Remotion release to audit for: "auto" (the releases of the deployed
	// functions, else the newest known one), "latest", or a release such as 4.0.418. Default: auto.
	RemotionVersion *string
	// Regions are the regions to audit: "auto" (the stack's region and every region with Remotion
	// functions), "all", or a list. Default: auto.
	Regions *[]*string
	// Buckets are buckets that Remotion uses in addition to remotionlambda-*: custom site and output
	// buckets. Default: none.
	Buckets *[]*string
	// AssumedContext is the request context that policies of the account require and that real
	// requests have, each entry as key=value. Default: only the context that every audit assumes.
	AssumedContext *[]*string
	// ReadScope is the auditor's access to IAM. With "account", the auditor can read all users, roles,
	// groups and policies of the account, because the roles of functions are known only at run time.
	// With "named", it can read only NamedPrincipals, and does not discover functions, the roles of
	// functions or permission sets. Default: account.
	ReadScope *string
	// NamedPrincipals are the ARNs that the auditor can read with ReadScope "named": the callers and
	// render roles, the groups of the users, and the managed policies and permissions boundaries of
	// these principals. AWS managed policies are always readable. Default: none.
	NamedPrincipals *[]*string
	// ScheduleExpression is the schedule of the audit in the syntax of EventBridge Scheduler: rate(…)
	// or cron(…). Validate rejects a schedule if the time between two runs is longer than one alarm
	// can watch (3 days 11 hours 45 minutes) or shorter than 5 minutes. Default: rate(1 hour).
	ScheduleExpression *string
	// TimeZone is the IANA name of the schedule's time zone. Default: UTC.
	TimeZone *string
	// ReactToChanges also starts an audit a few minutes after an IAM change. The alert then names the
	// change and its author. ReactToChanges needs a CloudTrail trail. An auditor outside us-east-1 (in
	// China outside cn-north-1) also needs a change forwarder in that region: NewChangeForwarder.
	// Default: false.
	ReactToChanges *bool
	// AlertEmail is the mail address that receives the alerts. First confirm the subscription in the
	// mail from AWS. Default: no subscription.
	AlertEmail *string
	// AlertTopic receives the alerts. It must be a standard topic in the stack's region. The policy
	// and the key of the topic must allow CloudWatch alarms and the function to publish. Default: a
	// new topic with a key.
	AlertTopic awssns.ITopic
	// OpsTopic receives the alarms about the auditor: stopped, incomplete or failed audits. Default:
	// the topic of the alerts.
	OpsTopic awssns.ITopic
	// PagerTopic receives only the alarm for critical gaps. Default: none, because the alert contains
	// more details than the alarm.
	PagerTopic awssns.ITopic
	// AlertTopicKey is the key of AlertTopic or, without AlertTopic, of the new topic. The policy of
	// the key must allow CloudWatch and the account's roles to use the key. Default: for a new topic a
	// new key, and for AlertTopic the key that CDK knows for the topic.
	AlertTopicKey awskms.IKey
	// HTTPSFormat is the form of messages to https subscribers: "chat", a card for Slack and Teams
	// through Amazon Q Developer, or "json", the form for programs. Default: chat.
	HTTPSFormat *string
	// RepeatAfter is the time until the first reminder of an unchanged gap, such as 24h or 90m, up to
	// 720h. 0s sends a reminder on every run. Default: 24h.
	RepeatAfter *string
	// MetricNamespace is the CloudWatch namespace of the metrics. Two auditors in one account and
	// region need different namespaces. Default: RemotionAudit.
	MetricNamespace *string
	// AuditorID is the name of this auditor in alerts. Two auditors in one account need different
	// names. Default: remotion-audit.
	AuditorID *string
	// EvidenceBucket is the name of an existing S3 bucket of the stack's account and region for state,
	// mutes and reports. It must be encrypted with S3 managed keys, because the function has no access
	// to other keys. Default: a new bucket, which remains when the stack is deleted.
	EvidenceBucket *string
	// ReportRetentionDays is the number of days after which a new bucket deletes reports. State and
	// mutes do not expire. Default: 400.
	ReportRetentionDays *float64
	// LogRetentionDays is the number of days after which the function's logs expire. It must be a
	// retention that CloudWatch Logs supports, such as 30, 90 or 365. Default: 30.
	LogRetentionDays *float64
	// Dashboard creates a CloudWatch dashboard. Three dashboards in an account are free, and each
	// additional dashboard costs $3 a month. Default: true.
	Dashboard *bool
	// RolePath is the path of the new roles. Default: /.
	RolePath *string
	// PermissionsBoundary is the permissions boundary of the new roles. Default: none.
	PermissionsBoundary awsiam.IManagedPolicy
	// Code is the function's code, a bootstrap for arm64. By default, NewPermissionAuditor builds the
	// version in go.mod from source, which needs the go command.
	Code awslambda.Code
}

// The patterns of the props, equal to those of template.yaml's parameters.
const (
	callerForm = `((user|role|sso)/|arn:aws[a-z-]*:iam::[0-9]{12}:(user|role)/)` +
		`[A-Za-z0-9_+.@/-]+(=([A-Za-z0-9_+.@/-]+=)*(render|deploy|all))?`
	callersForm         = `^(none|` + callerForm + `( *, *` + callerForm + `)*)$`
	renderRoleForm      = `^[A-Za-z0-9_+=,.@-]{1,64}$`
	remotionVersionForm = `^(auto|latest|[0-9]+\.[0-9]+\.[0-9]+)$`
	regionForm          = `[a-z]{2}(-[a-z]+)+-[0-9]+`
	regionsForm         = `^(auto|all|` + regionForm + `( *, *` + regionForm + `)*)$`
	bucketForm          = `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`
	bucketsForm         = `^(` + bucketForm + `( *, *` + bucketForm + `)*)?$`
	contextForm         = `[A-Za-z0-9_.-]+:[A-Za-z0-9_./:-]+=[^,\n]+`
	assumedContextForm  = `^(` + contextForm + `(, *` + contextForm + `)*)?$`
	readScopeForm       = `^(account|named)$`
	namedForm           = `arn:aws[a-z-]*:iam::[0-9]{12}:(user|role|group|policy)/[A-Za-z0-9_+=.@/-]+`
	namedPrincipalsForm = `^(` + namedForm + `(,` + namedForm + `)*)?$`
	timeZoneForm        = `^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`
	alertEmailForm      = `^([^@\s]+@[^@\s]+\.[^@\s]+)?$`
	metricNamespaceForm = `^[A-Za-z0-9_./#-][A-Za-z0-9_./#:-]{0,254}$` // Validate also rejects AWS/…
	auditorIDForm       = `^[A-Za-z0-9_-]{1,64}$`
	httpsFormatForm     = `^(chat|json)$`
	repeatAfterForm     = `^(([0-9]{1,2}|[1-6][0-9]{2}|7[01][0-9]|720)h|` +
		`([0-9]{1,4}|[1-3][0-9]{4}|4[0-2][0-9]{3}|43[01][0-9]{2}|43200)m|0s)$`
	evidenceBucketForm = `^(` + bucketForm + `)?$`
	rolePathForm       = `^/([A-Za-z0-9_+=,.@-]+/)*$`
)

// Validate returns all errors in the props, joined. Each error names the field.
func (p *PermissionAuditorProps) Validate() error {
	if p == nil {
		p = &PermissionAuditorProps{}
	}
	v := &validation{}
	if p.Callers == nil || len(*p.Callers) == 0 {
		v.wrong("Callers", `required: set it to the callers, such as user/render, or to "none"`)
	} else {
		v.checkList("Callers", callersForm,
			`"none", or user/NAME, role/NAME, sso/PERMISSION-SET or ARNs of users and roles, `+
				`each optionally followed by =render, =deploy or =all`, p.Callers)
	}
	v.check("RenderRole", renderRoleForm, "the name of a role, without its path", p.RenderRole)
	v.check("RemotionVersion", remotionVersionForm, `"auto", "latest", or a release such as 4.0.418`,
		p.RemotionVersion)
	v.checkList("Regions", regionsForm, `"auto", "all", or regions such as us-east-1`, p.Regions)
	v.checkList("Buckets", bucketsForm, "bucket names, without s3:// and without paths", p.Buckets)
	v.checkList("AssumedContext", assumedContextForm,
		"key=value, each key with its prefix and no comma in a value, such as "+
			"aws:SourceVpc=vpc-0123456789abcdef0", p.AssumedContext)
	v.check("ReadScope", readScopeForm, `"account" or "named"`, p.ReadScope)
	v.checkList("NamedPrincipals", namedPrincipalsForm, "ARNs of users, roles, groups and policies",
		p.NamedPrincipals)
	p.validateReadScope(v)
	if p.TimeZone != nil && *p.TimeZone == "" {
		v.wrong("TimeZone", "is empty: use UTC, or a name such as Europe/Vienna")
	}
	for _, topic := range p.givenTopics() {
		if topic.Fifo() != nil && *topic.Fifo() {
			v.wrong(topic.field,
				"is a FIFO topic, which delivers neither mail nor chat: use a standard topic")
		}
	}
	if _, err := p.watch(); err != nil {
		v.wrong("ScheduleExpression", "%v", err)
	}
	v.check("AlertEmail", alertEmailForm, "an e-mail address", p.AlertEmail)
	v.check("HTTPSFormat", httpsFormatForm, `"chat" or "json"`, p.HTTPSFormat)
	v.check("RepeatAfter", repeatAfterForm, "hours or minutes, such as 24h or 90m, up to 720h, or 0s",
		p.RepeatAfter)
	v.check("EvidenceBucket", evidenceBucketForm, "a bucket's name, without s3:// and without path",
		p.EvidenceBucket)
	v.check("MetricNamespace", metricNamespaceForm,
		"at most 255 letters, digits and . - _ / # :, not beginning with a colon", p.MetricNamespace)
	if p.MetricNamespace != nil && strings.HasPrefix(*p.MetricNamespace, "AWS/") {
		v.wrong("MetricNamespace", "%q begins with AWS/, which is reserved", *p.MetricNamespace)
	}
	v.check("RolePath", rolePathForm, "a path that begins and ends with a slash", p.RolePath)
	p.validateRetention(v)
	v.check("AuditorID", auditorIDForm, "at most 64 letters, digits, - and _", p.AuditorID)
	if p.Code == nil {
		if _, err := functionSource(); err != nil {
			v.wrong("Code", "%v", err)
		}
	}
	if len(v.errs) == 0 {
		return nil
	}
	return fmt.Errorf("PermissionAuditor: %w", errors.Join(v.errs...))
}

// validateReadScope checks ReadScope together with the fields that depend on it.
func (p *PermissionAuditorProps) validateReadScope(v *validation) {
	if p.ReadScope != nil && *awscdk.Token_IsUnresolved(p.ReadScope) {
		v.wrong("ReadScope",
			"must be known at synth, because it decides the role's policy: use a literal")
	}
	named := p.ReadScope != nil && *p.ReadScope == contract.ReadScopeNamed
	switch hasNames := p.NamedPrincipals != nil && len(*p.NamedPrincipals) > 0; {
	case named && !hasNames:
		v.wrong("NamedPrincipals", `ReadScope "named" needs the ARNs that the auditor may read`)
	case hasNames && !named:
		v.wrong("NamedPrincipals",
			`has no effect with ReadScope "account": set ReadScope to "named", or omit NamedPrincipals`)
	case named && *awscdk.Token_IsUnresolved(p.NamedPrincipals):
		v.wrong("NamedPrincipals",
			"must be a list that is known at synth: use a literal list, whose entries may be tokens")
	case named:
		if size := len(*commaSeparated(p.NamedPrincipals)); size > longestNames {
			v.wrong("NamedPrincipals", "have %d characters, at most %d fit into a role's policy", size,
				longestNames)
		}
	}
	if named && p.Callers != nil {
		for _, caller := range *p.Callers {
			if caller != nil && strings.HasPrefix(*caller, "sso/") {
				v.wrong("Callers",
					`%s: ReadScope "named" does not allow the search for its role: use the ARN of the role`,
					*caller)
			}
		}
	}
}

// validateRetention checks the retentions, in days.
func (p *PermissionAuditorProps) validateRetention(v *validation) {
	if days := p.LogRetentionDays; days != nil && !*awscdk.Token_IsUnresolved(days) &&
		!slices.Contains(logRetentions, *days) {
		v.wrong("LogRetentionDays",
			"%v is not a retention of CloudWatch Logs, such as 30, 90 or 365", *days)
	}
	if days := p.ReportRetentionDays; days != nil && !*awscdk.Token_IsUnresolved(days) &&
		(*days < 1 || *days > 36500 || *days != math.Trunc(*days)) {
		v.wrong("ReportRetentionDays", "must be a whole number of days from 1 to 36500, got %v", *days)
	}
}

// validation collects the errors of Validate.
type validation struct{ errs []error }

func (v *validation) wrong(field, format string, args ...any) {
	v.errs = append(v.errs, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

// check adds an error if a value does not match the pattern form. It ignores nil and tokens.
func (v *validation) check(field, form, want string, value *string) {
	if value != nil && !*awscdk.Token_IsUnresolved(value) &&
		!regexp.MustCompile(form).MatchString(*value) {
		v.wrong(field, "%q is not %s", *value, want)
	}
}

// checkList adds an error if an entry is nil, or if the list, joined with commas, does not match
// the pattern form. It ignores a list that is nil or a token.
func (v *validation) checkList(field, form, want string, list *[]*string) {
	if list == nil {
		return
	}
	for i, entry := range *list {
		if entry == nil {
			v.wrong(field, "entry %d is nil", i)
			return
		}
	}
	if !*awscdk.Token_IsUnresolved(list) {
		v.check(field, form, want, commaSeparated(list))
	}
}

// longestNames is the maximum length of NamedPrincipals in characters, with commas. The inline
// policies of a role can have 10,240 characters; the other statements and the quotes need the rest.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
const longestNames = 6_500

// logRetentions are the retentions in days that CloudWatch Logs supports.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
var logRetentions = []float64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827,
	3653}

// withDefaults returns a copy of valid props. It sets the fields whose default is a value, and
// changes an empty AlertEmail or EvidenceBucket to nil. It builds the function if Code is nil, and
// panics if the build fails.
func (p *PermissionAuditorProps) withDefaults() PermissionAuditorProps {
	set := *p
	defaultTo := func(field **string, value string) {
		if *field == nil {
			*field = jsii.String(value)
		}
	}
	defaultTo(&set.RenderRole, "remotion-lambda-role")
	defaultTo(&set.RemotionVersion, "auto")
	defaultTo(&set.ReadScope, contract.ReadScopeAccount)
	defaultTo(&set.ScheduleExpression, defaultSchedule)
	defaultTo(&set.TimeZone, defaultTimeZone)
	defaultTo(&set.RolePath, "/")
	defaultTo(&set.HTTPSFormat, "chat")
	defaultTo(&set.RepeatAfter, "24h")
	defaultTo(&set.MetricNamespace, contract.Namespace)
	defaultTo(&set.AuditorID, "remotion-audit")
	if set.ReactToChanges == nil {
		set.ReactToChanges = jsii.Bool(false)
	}
	if set.Dashboard == nil {
		set.Dashboard = jsii.Bool(true)
	}
	if set.LogRetentionDays == nil {
		set.LogRetentionDays = jsii.Number(30)
	}
	if set.ReportRetentionDays == nil {
		set.ReportRetentionDays = jsii.Number(400)
	}
	if set.Regions == nil {
		set.Regions = jsii.Strings("auto")
	}
	for _, field := range []**string{&set.AlertEmail, &set.EvidenceBucket} {
		if *field != nil && **field == "" {
			*field = nil
		}
	}
	if set.Code == nil {
		directory, err := builtCode()
		if err != nil {
			panic(fmt.Errorf("PermissionAuditor: Code: %w", err))
		}
		set.Code = awslambda.Code_FromAsset(jsii.String(directory), nil)
	}
	return set
}

const (
	defaultSchedule = "rate(1 hour)"
	defaultTimeZone = "UTC"
)

// watch returns the alarm windows for the schedule.
func (p *PermissionAuditorProps) watch() (watch, error) {
	value := func(s *string, or string) string {
		if s == nil {
			return or
		}
		return *s
	}
	expression, zone := value(p.ScheduleExpression, defaultSchedule),
		value(p.TimeZone, defaultTimeZone)
	for _, setting := range []struct{ field, value string }{{"ScheduleExpression", expression},
		{"TimeZone", zone}} {
		if *awscdk.Token_IsUnresolved(jsii.String(setting.value)) {
			return watch{},
				fmt.Errorf("%s must be known at synth, because the alarms depend on it: use a literal",
					setting.field)
		}
	}
	return watchOf(expression, zone)
}
