package settings

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// The environment variables that code names.
const (
	EnvCallers         = "CALLERS"
	EnvReadScope       = "READ_SCOPE"
	EnvRegions         = "REGIONS"
	EnvTopicARN        = "TOPIC_ARN"
	EnvMetricNamespace = "METRIC_NAMESPACE"
	EnvEvidenceBucket  = "EVIDENCE_BUCKET"
)

// The patterns of list elements, and patterns of several settings.
const (
	arnOfIAM = `arn:` + awsname.Partition + `:iam::` + awsname.Account + `:`
	// A session of a role is read as the role.
	arnOfCaller = `arn:` + awsname.Partition + `:(iam::` + awsname.Account + `:(user|role)|sts::` +
		awsname.Account + `:assumed-role)/`
	caller = `((user|role|sso)/|` + arnOfCaller + `)` +
		// A name that contains = needs a purpose, so that its end is no purpose.
		`[\w+.@-]+((/[\w+.@-]+)*|([=/][\w+.@-]+)*([=+](all|deploy|render|sites|invoke|stills|` +
		`progress-from-bucket|quotas|delete-render|validate))+)`
	bucket         = awsname.Bucket + `([=+](output|site|no-acl))*`
	contextPair    = `[A-Za-z0-9_.-]+:[A-Za-z0-9_./:-]+=[^,\n]+`
	namedPrincipal = arnOfIAM + `(user|role|group|policy)/[A-Za-z0-9_+=.@/-]+`
	keyARN         = `^(arn:` + awsname.Partition + `:kms:` + awsname.Region + `:` + awsname.Account +
		`:key/[A-Za-z0-9-]+)?$`
	topicARN = `^(arn:` + awsname.Partition + `:sns:` + awsname.Region + `:` + awsname.Account +
		`:` + awsname.Topic + `)?$`
	yesNo = `^(yes|no)$`
)

const (
	exampleTopic = "arn:aws:sns:us-east-1:123456789012:alerts"
	exampleKey   = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

// The groups of parameters in the CloudFormation console.
const (
	groupAudit      = "Audit"
	groupSchedule   = "Schedule"
	groupAlerts     = "Alerts"
	groupStorage    = "Storage"
	groupDeployment = "Deployment"
)

// Groups lists the groups of parameters in the order of the CloudFormation console.
var Groups = [...]string{groupAudit, groupSchedule, groupAlerts, groupStorage, groupDeployment}

// declared returns the settings in the order of the parameters in template.yaml.
func declared() []Setting {
	return []Setting{
		{
			Variable: EnvCallers, Parameter: "Callers", Property: "Callers", Flag: "callers",
			FieldType: "Callers",
			Kind:      List, Required: true,
			Pattern: `^(none|` + caller + `( *, *` + caller + `)*)$`,
			Valid: []string{"none", "user/render", "user/a=b=all", "role/web=render,user/ci",
				"sso/RemotionDeploy", "arn:aws-cn:iam::123456789012:role/web=render", "role/a/b=c/d=all",
				"user/ci=render+quotas,user/site=sites", "role/poll=progress-from-bucket+delete-render",
				"arn:aws:sts::123456789012:assumed-role/ci/run-7=render"},
			Invalid: []string{"", "render", "group/ops", "user/a=rendr", "none,user/a",
				"arn:aws:sts::123456789012:federated-user/a", "user/a;role/b", "user/a role/b",
				"user/a\nrole/b", "user/", "user/a/", "user//b", "user/a=b", "user/a=render+rendr"},
			Group: groupAudit, Label: "Callers of Remotion",
			Help: "Users and roles that run Remotion's CLI or SDK, comma-separated: user/NAME, " +
				"role/NAME, sso/PERMISSION-SET, or an ARN. Each can end in its purpose, such as =render or " +
				`=deploy+delete-render. "none" audits the render roles only.`,
			Constraint: `"none", or user/NAME, role/NAME, sso/PERMISSION-SET or ARNs, comma-separated, ` +
				"each optionally with a purpose such as =render.",
			Wanted: `"none", or user/NAME, role/NAME, sso/PERMISSION-SET or ARNs of users and roles, ` +
				"each optionally followed by a purpose such as =render or =deploy+delete-render",
			PropertyDoc: "Callers are the users and roles that run Remotion's CLI or SDK: user/NAME, " +
				"role/NAME, sso/PERMISSION-SET, or an ARN of a user or role. Each can end in its purpose, " +
				"operations joined by +, such as =render or =deploy+delete-render; the default is =all. " +
				`"none" audits the render roles only.`,
			Usage: "users and roles that run Remotion: user/NAME, role/NAME, sso/PERMISSION-SET or ARNs, " +
				"with commas, each optionally with a purpose such as =render or =deploy+delete-render; or " +
				"none",
			Docs: "required. The principals that run Remotion's CLI or SDK: `user/NAME`, `role/NAME`, " +
				"`sso/PERMISSION-SET` (its role is found in the account), or the ARN of a user, a role or a " +
				"session of a role (whose role is audited). Each may end in its purpose: " +
				"[operations](operations.md) joined by `+`, such as `=render` or `=deploy+delete-render`; " +
				"the default is `=all`. `none` audits no caller",
		},
		{
			Variable: "RENDER_ROLE", Parameter: "RenderRole", Property: "RenderRole",
			Flag: "render-role", FieldType: "RoleName",
			Default: "remotion-lambda-role",
			Pattern: `^` + awsname.RoleName + `$`,
			Valid:   []string{"remotion-lambda-role", "render"},
			Invalid: []string{"", "arn:aws:iam::123456789012:role/r", "a/b", "a b", strings.Repeat("r", 65)},
			Group:   groupAudit, Label: "Role of the Remotion functions",
			Help:        "Name of the execution role of Remotion's functions.",
			Constraint:  "the name of a role, without its path.",
			PropertyDoc: "RenderRole is the name of the execution role of Remotion's functions.",
			Usage:       "execution role of the functions",
			Docs:        "the name of the role that Remotion's functions run under, without path",
		},
		{
			Variable: "REMOTION_VERSION", Parameter: "RemotionVersion", Property: "RemotionVersion",
			Flag: "remotion-version", FieldType: "RemotionVersion",
			Default: "auto",
			Pattern: `^(auto|latest|[0-9]+\.[0-9]+\.[0-9]+)$`,
			Valid:   []string{"auto", "latest", "4.0.418"},
			Invalid: []string{"", "v4.0.527", "4.0", "newest"},
			Group:   groupAudit, Label: "Remotion release",
			Help: `Remotion release to audit for: "auto" (the releases of the deployed functions, else ` +
				`the newest known one), "latest", or a release such as 4.0.418.`,
			Constraint: `"auto", "latest", or a release such as 4.0.418.`,
			PropertyDoc: `RemotionVersion is the Remotion release to audit for: "auto" (the releases of ` +
				`the deployed functions, else the newest known one), "latest", or a release such as 4.0.418.`,
			Usage: "release to audit for: auto (the deployed releases), latest or x.y.z",
			Docs: "the release to audit for: `auto` (everything that the deployed functions need, else " +
				"the newest known release), `latest` (the newest known release), or x.y.z. A release that " +
				"is newer than the catalogue is judged by the newest known one, and one of a newer major " +
				"version is unverified",
		},
		{
			Variable: EnvRegions, Parameter: "Regions", Property: "Regions", Flag: "regions",
			FieldType: "Regions",
			Kind:      List, Default: "auto",
			Pattern: `^(auto|all|` + awsname.Region + `( *, *` + awsname.Region + `)*)$`,
			Valid:   []string{"auto", "all", "us-east-1, eu-central-1"},
			Invalid: []string{"", "us-east-1a", "everywhere", "us-east-1;eu-central-1",
				"us-east-1 eu-central-1"},
			Group: groupAudit, Label: "Regions",
			Help: `Regions to audit: "auto" (this region and every region with Remotion functions), ` +
				`"all", or a comma-separated list such as us-east-1,eu-central-1.`,
			Constraint: `"auto", "all", or a comma-separated list of regions.`,
			Wanted:     `"auto", "all", or regions such as us-east-1`,
			PropertyDoc: `Regions are the regions to audit: "auto" (the stack's region and every region ` +
				`with Remotion functions), "all", or a list.`,
			Usage: "regions to audit: auto, all, or a list with commas",
			Docs: "the regions to audit: `auto` (the function's own region, and every enabled region with " +
				"Remotion functions), `all`, or a list",
		},
		{
			Variable: "BUCKETS", Parameter: "Buckets", Property: "Buckets", Flag: "buckets",
			FieldType: "Buckets",
			Kind:      List,
			Pattern:   `^(` + bucket + `( *, *` + bucket + `)*)?$`,
			Valid: []string{"", "site,out.put", "acme-output=output+no-acl,acme-site=site",
				"remotionlambda-useast1-abcdefghij"},
			Invalid: []string{"s3://site", "Site", "site/out", "site out", "site;out", "acme=main"},
			Group:   groupAudit, Label: "Further buckets",
			Help: "Buckets that Remotion uses in addition to remotionlambda-*, comma-separated: " +
				"NAME=output or NAME=site, with +no-acl if uploads set no ACL.",
			Constraint: "bucket names without s3:// and paths, each optionally with =output or =site.",
			Wanted: "bucket names, without s3:// and without paths, each optionally followed by =output " +
				"or =site, and +no-acl",
			PropertyDoc: "Buckets are buckets that Remotion uses in addition to remotionlambda-*: " +
				"NAME=output or NAME=site, with +no-acl if uploads set no ACL.",
			Usage: "existing buckets that Remotion uses, with commas: NAME=output or NAME=site, with " +
				"+no-acl if uploads set no ACL",
			Docs: "buckets by name: existing `remotionlambda-…` buckets, which replace the made-up name " +
				"in the requests to AWS, and your own buckets with their role: `NAME=output` only receives " +
				"outputs, `NAME=site` only holds sites; `+no-acl` says that uploads set no ACL (the privacy " +
				"`no-acl`). A name without a role is an output bucket",
		},
		{
			Variable: "ASSUMED_CONTEXT", Parameter: "AssumedContext", Property: "AssumedContext",
			Flag: "context", FlagAlias: "assumed-context", FieldType: "AssumedContext",
			Kind:    List,
			Pattern: `^(` + contextPair + `(, *` + contextPair + `)*)?$`,
			Valid:   []string{"", "aws:SourceVpc=vpc-1,aws:SourceIp=203.0.113.7"},
			Invalid: []string{"aws:SourceVpc", "aws:SourceVpc=", "SourceVpc=vpc-1",
				"aws:SourceVpc=vpc-1,vpc-2"},
			Group: groupAudit, Label: "Further request context",
			Help: "Context keys that policies of this account require, with values of real requests: " +
				"key=value, comma-separated, such as aws:SourceVpc=vpc-0123456789abcdef0.",
			Constraint: "key=value, comma-separated, each key with its prefix, as in aws:SourceVpc.",
			Wanted: "key=value, each key with its prefix and no comma in a value, such as " +
				"aws:SourceVpc=vpc-0123456789abcdef0",
			PropertyDoc: "AssumedContext is the request context that policies of the account require and " +
				"that real requests have, each entry as key=value.",
			PropertyDefault: "only the context that every audit assumes",
			Usage:           "further request context, key=value with commas",
			Docs: "request context that every simulated request has in addition to the defaults, as " +
				"`key=value`. A key may occur several times. Keys of the network are those of the " +
				"callers; keys of a VPC also count for functions in a VPC",
		},
		{
			Variable: "CHECKS", Parameter: "Checks", Property: "Checks", Flag: "checks",
			FieldType: "Checks",
			Kind:      List, Default: "all",
			Pattern: `^-?[A-Za-z]+( *, *-?[A-Za-z]+)*$`,
			Valid:   []string{"all", "none", "ConcurrencyQuota", "-ConcurrencyQuota"},
			Invalid: []string{"", "--ConcurrencyQuota", "ConcurrencyQuota;none", "a b"},
			Group:   groupAudit, Label: "Checks",
			Help: `Checks of what a render needs besides permissions: "all", "none", or ids with commas ` +
				"such as -ConcurrencyQuota; -ID leaves one out.",
			Constraint: `"all", "none", or ids of checks with commas.`,
			Wanted:     `"all", "none", or ids of checks such as ConcurrencyQuota or -ConcurrencyQuota`,
			PropertyDoc: `Checks are the checks of what a render needs besides permissions: "all", ` +
				`"none", or ids, of which -ID leaves one out.`,
			Usage: "checks of what a render needs besides permissions: all, none, or ids with commas; " +
				"-ID leaves one out",
			Docs: "the [checks](checks.md) of what a render needs besides permissions: `all`, `none`, or " +
				"ids with commas. `-ID` leaves one out: `-ConcurrencyQuota` is all but that one. A check " +
				"that is left out is listed as not checked",
		},
		{
			Variable: EnvReadScope, Parameter: "ReadScope", Property: "ReadScope", Flag: "read-scope",
			Default: contract.ReadScopeAccount,
			Pattern: `^(` + contract.ReadScopeAccount + `|` + contract.ReadScopeNamed + `)$`,
			// named is valid only with NamedPrincipals.
			Valid:   []string{"account"},
			Invalid: []string{"", "all"},
			Group:   groupAudit, Label: "Read scope",
			Help: `The auditor's access to IAM: "account" (all users, roles, groups and policies of this ` +
				`account), or "named" (only ` +
				"NamedPrincipals, without discovery of functions, their roles and permission sets).",
			Constraint:     `"account" or "named".`,
			FunctionWanted: "a scope: use account or named",
			PropertyDoc: `ReadScope is the auditor's access to IAM. With "account", the auditor can read ` +
				"all users, roles, groups and policies of the account, because the roles of functions are " +
				`known only at run time. With "named", it can read only NamedPrincipals, and does not ` +
				"discover functions, the roles of functions or permission sets. It must be known at synth.",
			Usage: "account or named; named turns off the discovery of functions and permission sets",
			Docs: "`account`: the auditor may read any user, role, group and policy of the account, and " +
				"discovers functions and permission sets. `named`: it reads what `NamedPrincipals` lists, " +
				"and discovers nothing. Then `REGIONS=auto` is the function's own region, `all` is every " +
				"region, `REMOTION_VERSION=auto` is the newest known release, and a permission set is named " +
				"by the ARN of its role",
		},
		{
			Parameter: "NamedPrincipals", Property: "NamedPrincipals",
			Kind:    List,
			Pattern: `^(` + namedPrincipal + `(,` + namedPrincipal + `)*)?$`,
			Valid:   []string{""},
			Invalid: []string{"user/render", "arn:aws:sts::123456789012:assumed-role/a/b",
				"arn:aws:iam::123456789012:user/*"},
			Group: groupAudit, Label: "Readable principals",
			Help: "With ReadScope=named: the ARNs of the callers, render roles, users' groups, and their " +
				"managed policies and boundaries. AWS managed policies are always readable.",
			Constraint: "ARNs of users, roles, groups and this account's policies, comma-separated, " +
				"without blanks.",
			Wanted: "ARNs of users, roles, groups and policies",
			PropertyDoc: `NamedPrincipals are the ARNs that the auditor can read with ReadScope "named": ` +
				"the callers and render roles, the groups of the users, and the managed policies and " +
				"permissions boundaries of these principals. AWS managed policies are always readable. The " +
				"list must be known at synth.",
			Docs: "with `ReadScope=named`: the ARNs of callers, render roles, the users' groups, and the " +
				"managed policies and boundaries of all of them, with at most 4,096 characters. AWS's own " +
				"policies need no entry ([security.md](security.md#what-it-reads))",
		},
		{
			Parameter: "Every", Property: "Every",
			Default: "1h",
			Values:  []string{"15m", "1h", "6h", "12h", "1d"},
			Valid:   []string{"15m", "1h", "6h", "12h", "1d"},
			Invalid: []string{"", "7d", "rate(1 hour)", "1H"},
			Group:   groupSchedule, Label: "Interval",
			Help:       "Interval of the audit. The alarms on the auditor use the same interval.",
			Constraint: "15m, 1h, 6h, 12h or 1d.",
			PropertyDoc: "Every is the interval of the audit: 15m, 1h, 6h, 12h or 1d. It must be known " +
				"at synth. With ScheduleExpression, it must be nil.",
			Docs: "how often the audit runs: `15m`, `1h`, `6h`, `12h` or `1d`. In CDK also " +
				"[any `rate(…)` or `cron(…)`](deploy.md#a-schedule-of-your-own)",
		},
		{
			Property: "ScheduleExpression",
			Pattern:  `^((rate|cron)\(.+\))?$`, Wanted: "rate(…) or cron(…)",
			PropertyDoc: "ScheduleExpression is a schedule of the user instead of Every, in the syntax of " +
				"EventBridge Scheduler: rate(…) or cron(…). It needs LongestInterval. Its runs have no " +
				"flexible time window.",
			PropertyDefault: "the schedule of Every",
		},
		{
			Property: "LongestInterval",
			Pattern:  `^([0-9]{1,4}h)?([0-9]{1,5}m)?$`,
			Wanted:   "a number of hours and minutes, such as 25h or 1h30m",
			PropertyDoc: "LongestInterval is the longest time between two runs of ScheduleExpression in " +
				"hours and minutes, such as 72h or 1h30m: at least 5m and at most 83h45m, the longest time " +
				"that an alarm can watch. The alarms about stopped, incomplete and failed audits depend on " +
				"it. In a time zone that changes its clocks, add the hour of the change: 25h for a daily " +
				"run. It must be known at synth. Required with ScheduleExpression.",
		},
		{
			Parameter: "TimeZone", Property: "TimeZone",
			Default: "UTC",
			Pattern: `^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$`,
			Valid:   []string{"UTC", "Europe/Vienna", "America/Argentina/Buenos_Aires", "Etc/GMT+3"},
			Invalid: []string{"", "Europe/", "+02:00"},
			Group:   groupSchedule, Label: "Time zone",
			Help:        "Time zone of the schedule, such as Europe/Vienna.",
			Constraint:  "a name of the IANA time zone database, such as UTC or Europe/Vienna.",
			PropertyDoc: "TimeZone is the IANA name of the schedule's time zone.",
			Docs: "the time zone of the schedule. It has no effect on a `rate(…)`, which starts when the " +
				"schedule is created",
		},
		{
			Parameter: "ReactToChanges", Property: "ReactToChanges",
			Kind: YesNo, Default: "no", Pattern: yesNo,
			Valid:   []string{"yes", "no"},
			Invalid: []string{"", "true"},
			Group:   groupSchedule, Label: "Audit after IAM changes",
			Help: `"yes" also audits a few minutes after an IAM change, and the alert names the change ` +
				"and its author. Needs a CloudTrail trail. Outside us-east-1, also deploy " +
				"infra/change-forwarder.yaml in us-east-1: docs/deploy.md.",
			Constraint: `"yes" or "no".`,
			PropertyDoc: "ReactToChanges also starts an audit a few minutes after an IAM change. The " +
				"alert then names the change and its author. ReactToChanges needs a CloudTrail trail. An " +
				"auditor outside us-east-1 also needs a change forwarder in that region: " +
				"NewChangeForwarder. In China it has an effect only in cn-north-1.",
			Docs: "`yes` also audits within minutes after IAM changes, and reports which principal made " +
				"the change. It needs a CloudTrail trail ([deploy.md](deploy.md))",
		},
		{
			Parameter: "AlertEmail", Property: "AlertEmail",
			Pattern: `^([^@\s]+@[^@\s]+\.[^@\s]+)?$`,
			Valid:   []string{"", "ops@example.com"},
			Invalid: []string{"ops", "ops@example", "a b@example.com"},
			Group:   groupAlerts, Label: "E-mail address",
			Help:       "Mail address for alerts. Confirm the subscription in the mail from AWS.",
			Constraint: "an e-mail address, or nothing.",
			PropertyDoc: "AlertEmail is the mail address that receives the alerts. First confirm the " +
				"subscription in the mail from AWS.",
			PropertyDefault: "no subscription",
			Docs: "the address that gets the alerts by mail. It has to be confirmed from the mail that " +
				"AWS sends",
		},
		{
			Variable: EnvTopicARN, Parameter: "AlertTopicArn", Property: "AlertTopic",
			Field: "TopicARN", FieldType: "TopicARN",
			Kind: Topic, Pattern: topicARN,
			Reference: "!If [MakesTopic, !Ref AlertTopic, !Ref AlertTopicArn]",
			Valid:     []string{"", exampleTopic},
			Invalid: []string{"alerts", exampleTopic + ".fifo", "arn:aws:sqs:us-east-1:123456789012:alerts",
				"arn:aws:sns:us-east-1:1234:alerts"},
			Group: groupAlerts, Label: "Existing topic for alerts",
			Help: "Existing SNS topic of this region for alerts. Its policy and its key must allow " +
				"CloudWatch alarms and this function to publish: docs/deploy.md. If empty, the stack " +
				"creates a topic with a key.",
			Constraint: "the ARN of a standard topic (not .fifo), or nothing.",
			PropertyDoc: "AlertTopic receives the alerts. It must be a standard topic in the stack's " +
				"region. The policy and the key of the topic must allow CloudWatch alarms and the function " +
				"to publish.",
			PropertyDefault: "a new topic with a key",
			Docs: "the SNS topic that gets the alerts; a standard topic in the function's region, not " +
				"FIFO. Without it the function publishes metrics only. If the parameter is empty, the stack " +
				"creates a new topic with a key",
		},
		{
			Parameter: "OpsTopicArn", Property: "OpsTopic",
			Kind: Topic, Pattern: topicARN,
			Valid:   []string{"", exampleTopic},
			Invalid: []string{"ops", exampleTopic + ".fifo"},
			Group:   groupAlerts, Label: "Existing topic for alarms about the auditor",
			Help: "Existing SNS topic of this region for alarms about the auditor: stopped, incomplete " +
				"or failed audits. If empty, the topic for alerts.",
			Constraint: "the ARN of a standard topic (not .fifo), or nothing.",
			PropertyDoc: "OpsTopic receives the alarms about the auditor: stopped, incomplete or failed " +
				"audits.",
			PropertyDefault: "the topic of the alerts",
			Docs: "an existing topic for the alarms about the auditor itself. Without it they go to the " +
				"alert topic",
		},
		{
			Parameter: "PagerTopicArn", Property: "PagerTopic",
			Kind: Topic, Pattern: topicARN,
			Valid:   []string{"", exampleTopic},
			Invalid: []string{"pager", exampleTopic + ".fifo"},
			Group:   groupAlerts, Label: "Existing topic for critical gaps",
			Help: "Existing SNS topic of this region for a pager, which receives only the alarm for " +
				"critical gaps. If empty, that alarm notifies no topic.",
			Constraint:      "the ARN of a standard topic (not .fifo), or nothing.",
			PropertyDoc:     "PagerTopic receives only the alarm for critical gaps.",
			PropertyDefault: "none, because the alert contains more details than the alarm",
			Docs: "an existing topic for the alarm on critical gaps. Without it that alarm notifies no " +
				"topic",
		},
		{
			Parameter: "KmsKeyArn", Property: "AlertTopicKey",
			Kind: Key, Pattern: keyARN,
			Valid: []string{"", exampleKey},
			Invalid: []string{"alias/aws/sns", "arn:aws:kms:us-east-1:123456789012:alias/a",
				"1234abcd-12ab-34cd-56ef-1234567890ab"},
			Group: groupAlerts, Label: "Existing key of the alert topic",
			Help: "Existing KMS key of this region for the new topic, or the key of AlertTopicArn. Its " +
				"policy must allow CloudWatch and the roles of this account to use it. If this and " +
				"AlertTopicArn are empty, the stack creates both.",
			Constraint: "the ARN of a key (not of an alias), or nothing.",
			PropertyDoc: "AlertTopicKey is the key of AlertTopic or, without AlertTopic, of the " +
				"new topic. " +
				"The policy of the key must allow CloudWatch and the account's roles to use the key.",
			PropertyDefault: "for a new topic a new key, and for AlertTopic the key that CDK knows " +
				"for the " +
				"topic",
			Docs: "an existing key for a new alert topic, or the key that `AlertTopicArn` is encrypted " +
				"with. If that topic has a key and this parameter is empty, the function may not use that " +
				"key, and alerts fail",
		},
		{
			Variable: "HTTPS_FORMAT", Parameter: "HttpsFormat", Property: "HTTPSFormat",
			Default: "chat",
			Pattern: `^(chat|json)$`,
			Valid:   []string{"chat", "json"},
			Invalid: []string{"", "xml"},
			Group:   groupAlerts, Label: "Format for https subscribers",
			Help: `Form of messages to https subscribers: "chat", a card for Slack and Teams through ` +
				`Amazon Q Developer, or "json", the form for programs.`,
			Constraint:     `"chat" or "json".`,
			FunctionWanted: "a format: use chat or json",
			PropertyDoc: `HTTPSFormat is the form of messages to https subscribers: "chat", a card for ` +
				`Slack and Teams through Amazon Q Developer, or "json", the form for programs.`,
			Docs: "what https subscribers get: `chat` (a card that Amazon Q Developer shows in Slack and " +
				"Teams) or `json`",
		},
		{
			Variable: "REPEAT_AFTER", Parameter: "RepeatAfter", Property: "RepeatAfter",
			FieldType: "RepeatAfter",
			Default:   "24h",
			Pattern: `^(([0-9]{1,2}|[1-6][0-9]{2}|7[01][0-9]|720)h|` +
				`([0-9]{1,4}|[1-3][0-9]{4}|4[0-2][0-9]{3}|43[01][0-9]{2}|43200)m|0s)$`,
			Valid:   []string{"24h", "90m", "0s", "720h", "43200m"},
			Invalid: []string{"", "24", "a day", "-1h", "721h", "999h", "43201m", "1h30m"},
			Group:   groupAlerts, Label: "Time until the first reminder",
			Help: "Time until the first reminder of an unchanged gap, such as 24h or 90m, up to 720h. 0s " +
				"sends a reminder on every run.",
			Constraint: "hours or minutes, such as 24h or 90m, up to 720h, or 0s.",
			PropertyDoc: "RepeatAfter is the time until the first reminder of an unchanged gap, such as " +
				"24h or 90m, up to 720h. 0s sends a reminder on every run.",
			Docs: "the time after which an unchanged gap is announced again, a Go duration up to `720h`: " +
				"first after this time, then after three times and seven times as long; a critical gap " +
				"always after this time. `0s` announces it on every run",
		},
		{
			Variable: EnvMetricNamespace, Parameter: "MetricNamespace", Property: "MetricNamespace",
			Default:        contract.Namespace,
			Pattern:        `^[A-Za-z0-9_./#-][A-Za-z0-9_./#:-]{0,254}$`,
			ReservedPrefix: "AWS/",
			Valid:          []string{"RemotionAudit", "Team/Remotion"},
			Invalid:        []string{"", "AWS/Lambda", "a b", ":a", strings.Repeat("n", 256)},
			Group:          groupDeployment, Label: "Metric namespace",
			Help: "CloudWatch namespace of the metrics. Two auditors in one account and region need " +
				"different ones.",
			Constraint: "at most 255 letters, digits and . - _ / # :, not beginning with AWS/ or a colon.",
			Wanted:     "at most 255 letters, digits and . - _ / # :, not beginning with a colon",
			FunctionWanted: "a custom namespace: use up to 255 letters, digits and . - _ / # :, not " +
				"starting with AWS/",
			PropertyDoc: "MetricNamespace is the CloudWatch namespace of the metrics. Two auditors in one " +
				"account and region need different namespaces.",
			Docs: "the CloudWatch namespace of the metrics. Two auditors in one account and region need " +
				"two namespaces",
		},
		{
			Variable: "AUDITOR_ID", Parameter: "AuditorId", Property: "AuditorID",
			Default: "remotion-audit", FunctionDefault: "the function's name",
			Pattern: `^[A-Za-z0-9_-]{1,64}$`,
			Valid:   []string{"remotion-audit", "second"},
			Invalid: []string{"", "my audit", strings.Repeat("a", 65)},
			Group:   groupDeployment, Label: "Name of this auditor",
			Help: "Name of this auditor in alerts. Two auditors in one account need " +
				"different names.",
			Constraint:     "at most 64 letters, digits, - and _.",
			FunctionWanted: "an auditor id: use up to 64 letters, digits, - and _",
			PropertyDoc: "AuditorID is the name of this auditor in alerts. Two auditors in one account " +
				"need different names.",
			Docs: "the name of this auditor in reports, and of its state in the bucket: up to 64 letters, " +
				"digits, `-` and `_`. Two auditors in one account need two names. The template sets " +
				"`remotion-audit`",
		},
		{
			Variable: EnvEvidenceBucket, Parameter: "EvidenceBucketName", Property: "EvidenceBucket",
			Flag: "evidence-bucket", FieldType: "BucketName", ContextKey: "evidenceBucket",
			Pattern:   `^(` + awsname.Bucket + `)?$`,
			Reference: "!If [MakesEvidenceBucket, !Ref EvidenceBucket, !Ref EvidenceBucketName]",
			Valid:     []string{"", "evidence"},
			Invalid:   []string{"s3://evidence", "evidence/", "E", "a b"},
			Group:     groupStorage, Label: "Evidence bucket",
			Help: "Existing S3 bucket of this account and region for state, mutes and reports, encrypted " +
				"with S3 managed keys or with EvidenceKmsKeyArn. If empty, the stack creates a bucket, " +
				"which remains when the stack is deleted.",
			Constraint: "a bucket's name, without s3:// and without path, or nothing.",
			PropertyDoc: "EvidenceBucket is the name of an existing S3 bucket of the stack's account and " +
				"region for state, mutes and reports. It must be encrypted with S3 managed keys or with " +
				"EvidenceKey, because the function has no access to other keys.",
			PropertyDefault: "a new bucket, which remains when the stack is deleted",
			Usage: "evidence bucket of the deployed auditor: apply its mutes and show the age of gaps " +
				"(read-only)",
			Docs: "the S3 bucket, in this account and region, for state, mutes and each run's report. " +
				"Without it there is no state: every run that finds gaps, or is incomplete, alerts. If the " +
				"parameter is empty, the stack creates a new bucket. An existing bucket must be encrypted " +
				"with S3 managed keys or with `EvidenceKmsKeyArn`, because the function may use no other " +
				"key for it; you manage its policy, versioning and lifecycle",
		},
		{
			Parameter: "EvidenceKmsKeyArn", Property: "EvidenceKey",
			Kind: Key, Pattern: keyARN,
			Valid:   []string{"", exampleKey},
			Invalid: []string{"alias/aws/s3", "arn:aws:kms:us-east-1:123456789012:alias/a"},
			Group:   groupStorage, Label: "Existing key of the evidence bucket",
			Help: "Existing KMS key of this region for the new evidence bucket, or the key of " +
				"EvidenceBucketName. Its policy must let IAM policies of this account allow its use. If " +
				"empty, S3 managed keys encrypt a new bucket.",
			Constraint: "the ARN of a key (not of an alias), or nothing.",
			PropertyDoc: "EvidenceKey is the key of EvidenceBucket or, without EvidenceBucket, of the new " +
				"evidence bucket. The policy of the key must let IAM policies of the account allow its use.",
			PropertyDefault: "a new bucket uses S3 managed keys",
			Docs: "an existing key for the new evidence bucket, or the key that `EvidenceBucketName` is " +
				"encrypted with. Its policy must let IAM policies of this account allow its use. The stack " +
				"grants the function's role the use through S3, and S3 uses a bucket key, so that a run " +
				"needs few requests to KMS. People who read reports or write mutes need the key, too",
		},
		{
			Parameter: "ReportRetentionDays", Property: "ReportRetentionDays",
			Kind: Number, Default: "400", Min: 1, Max: 36500,
			Valid:   []string{"1", "36500"},
			Invalid: []string{"0", "36501", "a year"},
			Group:   groupStorage, Label: "Retention of reports in days",
			Help:       "Days after which a new bucket deletes reports. State and mutes do not expire.",
			Constraint: "1 to 36500 days.",
			PropertyDoc: "ReportRetentionDays is the number of days after which a new bucket deletes " +
				"reports. State and mutes do not expire.",
			Docs: "how many days a new bucket keeps each run's report. State and mutes are kept",
		},
		{
			Parameter: "LogRetentionDays", Property: "LogRetentionDays",
			Kind: Number, Default: "30",
			// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
			Values: []string{"1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365",
				"400", "545", "731", "1096", "1827", "2192", "2557", "2922", "3288", "3653"},
			Valid:   []string{"1", "1096", "2192", "2557", "2922", "3288", "3653"},
			Invalid: []string{"0", "31", "for ever"},
			Group:   groupStorage, Label: "Retention of logs in days",
			Help:       "Days after which the function's logs expire.",
			Constraint: "a retention that CloudWatch Logs supports, such as 30, 90 or 365.",
			Wanted:     "a retention of CloudWatch Logs, such as 30, 90 or 365",
			PropertyDoc: "LogRetentionDays is the number of days after which the function's logs expire. " +
				"It must be a retention that CloudWatch Logs supports, such as 30, 90 or 365.",
			Docs: "how many days the function's log is kept",
		},
		{
			Parameter: "MemorySize", Property: "MemorySize",
			Kind: Number, Default: "256", Min: 128, Max: 10240,
			Valid:   []string{"128", "10240"},
			Invalid: []string{"127", "10241", "1 GB"},
			Group:   groupDeployment, Label: "Memory in MB",
			Help: "Memory of the function in MB, which also sets its share of a processor: 512 for more " +
				"than 50 callers, 1024 for 200.",
			Constraint: "128 to 10240 MB.",
			PropertyDoc: "MemorySize is the memory of the function in MB, which also sets its share of a " +
				"processor: 512 for more than 50 callers, 1024 for 200.",
			Docs: "the memory of the function in MB, from 128 to 10240, which also sets its share of a " +
				"processor ([deploy.md](deploy.md#memory-and-time))",
		},
		{
			Parameter: "Dashboard", Property: "Dashboard",
			Kind: YesNo, Default: "yes", Pattern: yesNo,
			Valid:   []string{"yes", "no"},
			Invalid: []string{"", "false"},
			Group:   groupDeployment, Label: "Dashboard",
			Help: `"yes" creates a CloudWatch dashboard. Three dashboards of an account are free, each ` +
				"further one costs $3 a month.",
			Constraint: `"yes" or "no".`,
			PropertyDoc: "Dashboard creates a CloudWatch dashboard. Three dashboards in an account are " +
				"free, and each additional dashboard costs $3 a month.",
			Docs: "`yes` makes a CloudWatch dashboard",
		},
		{
			Parameter: "RolePath", Property: "RolePath",
			Default: "/",
			Pattern: `^/([A-Za-z0-9_+=,.@-]+/)*$`,
			Valid:   []string{"/", "/audit/", "/a/b/"},
			Invalid: []string{"", "audit", "/audit", "//"},
			Group:   groupDeployment, Label: "Path of the roles",
			Help:        "Path of the two roles that the stack creates.",
			Constraint:  "a path that begins and ends with a slash.",
			PropertyDoc: "RolePath is the path of the new roles.",
			Docs:        "the path of the roles that the stack makes",
		},
		{
			Parameter: "PermissionsBoundaryArn", Property: "PermissionsBoundary",
			Kind: ManagedPolicy,
			Pattern: `^(arn:` + awsname.Partition + `:iam::(` + awsname.Account +
				`|aws):policy/[A-Za-z0-9_+=,.@/-]+)?$`,
			Valid: []string{"", "arn:aws:iam::123456789012:policy/a/b",
				"arn:aws:iam::aws:policy/PowerUserAccess"},
			Invalid: []string{"b", "arn:aws:iam::123456789012:role/b"},
			Group:   groupDeployment, Label: "Permissions boundary of the roles",
			Help: "Managed policy to use as permissions boundary of the roles that the " +
				"stack creates.",
			Constraint:  "the ARN of a managed policy, or nothing.",
			PropertyDoc: "PermissionsBoundary is the permissions boundary of the new roles.",
			Docs: "a managed policy that bounds the roles that the stack makes. It must allow the actions " +
				"in [security.md](security.md#the-functions-role), and `lambda:InvokeFunction` and " +
				"`sqs:SendMessage` for Scheduler's role",
		},
	}
}
