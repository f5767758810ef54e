// Package contract holds the names that the code, the templates, the dashboards and the
// users' scripts share: metrics, environment variables, and the AWS actions the function
// calls. It imports nothing, so that infra/ can read it without pulling in the function's
// dependencies, and so that an alarm, a role or a widget cannot drift from the code it serves.
package contract

// Namespace is the CloudWatch namespace of every metric, unless METRIC_NAMESPACE says otherwise.
const Namespace = "RemotionAudit"

// A metric the function publishes. Those of an account have no dimensions; Gaps, GapsCritical
// and RequirementsUnverified are published once more for each target, with DimensionTarget.
const (
	// MetricGaps counts unmuted gaps (Count). Left out by a run that could not look and found none.
	MetricGaps = "Gaps"
	// MetricGapsCritical counts unmuted gaps of severity critical (Count). Left out as MetricGaps is.
	MetricGapsCritical = "GapsCritical"
	// MetricGapsMuted counts muted gaps (Count).
	MetricGapsMuted = "GapsMuted"
	// MetricRequirementsTotal counts the requirements of all targets (Count).
	MetricRequirementsTotal = "RequirementsTotal"
	// MetricRequirementsUnverified counts the requirements nothing could be learnt about (Count).
	MetricRequirementsUnverified = "RequirementsUnverified"
	// MetricCompliancePercent is satisfied/total (Percent). Left out as MetricGaps is.
	MetricCompliancePercent = "CompliancePercent"
	// MetricOldestGapAge is how long the oldest unmuted gap has been open, 0 without gaps (Seconds).
	// Left out without state, and its zero as that of MetricGaps is.
	MetricOldestGapAge = "OldestGapAge"
	// MetricAuditCompleted is the heartbeat: 1 when no target was cut off by the deadline, else 0
	// (Count).
	MetricAuditCompleted = "AuditCompleted"
	// MetricAlertFailures counts alerts that were due and could not be published (Count).
	MetricAlertFailures = "AlertFailures"
	// MetricNoSubscribers is 1 when no subscription of the topic is confirmed, else 0 (Count). Left
	// out when there is no topic, or when it does not say.
	MetricNoSubscribers = "NoSubscribers"
	// MetricStateErrors counts what went wrong with the evidence bucket (Count).
	MetricStateErrors = "StateErrors"
	// MetricThrottledCalls counts the answers by which AWS slowed the auditor down (Count).
	MetricThrottledCalls = "ThrottledCalls"
)

// DimensionTarget names the audited principal: user/NAME or role/NAME.
const DimensionTarget = "Target"

// Metrics lists every metric in the order it is published.
func Metrics() []string {
	return []string{
		MetricGaps, MetricGapsCritical, MetricGapsMuted, MetricRequirementsTotal,
		MetricRequirementsUnverified, MetricCompliancePercent, MetricOldestGapAge, MetricAuditCompleted,
		MetricAlertFailures, MetricNoSubscribers, MetricStateErrors, MetricThrottledCalls,
	}
}

// An environment variable of the function. What each means is said where it is read: app.Config.
const (
	EnvCallers         = "CALLERS"
	EnvRenderRole      = "RENDER_ROLE"
	EnvRemotionVersion = "REMOTION_VERSION"
	EnvRegions         = "REGIONS"
	EnvBuckets         = "BUCKETS"
	EnvAssumedContext  = "ASSUMED_CONTEXT"
	EnvTopicARN        = "TOPIC_ARN"
	EnvHTTPSFormat     = "HTTPS_FORMAT"
	EnvMetricNamespace = "METRIC_NAMESPACE"
	EnvEvidenceBucket  = "EVIDENCE_BUCKET"
	EnvAuditorID       = "AUDITOR_ID"
	EnvRepeatAfter     = "REPEAT_AFTER"
	EnvReadScope       = "READ_SCOPE"
)

// The values of READ_SCOPE.
const (
	// ReadScopeAccount reads any user, role, group and policy of the account, and discovers functions
	// and the roles of permission sets.
	ReadScopeAccount = "account"
	// ReadScopeNamed reads what the deployment names, and discovers nothing.
	ReadScopeNamed = "named"
)

// Environment lists the environment variables in the order of the README's table.
func Environment() []string {
	return []string{
		EnvCallers, EnvRenderRole, EnvRemotionVersion, EnvRegions, EnvBuckets,
		EnvAssumedContext, EnvTopicARN, EnvHTTPSFormat, EnvMetricNamespace, EnvEvidenceBucket,
		EnvAuditorID, EnvRepeatAfter,
		EnvReadScope,
	}
}

// A Scope says which resources an action of the auditor's own policy has to reach.
type Scope string

const (
	// ScopePrincipals is every user and role of the account: no group is ever simulated.
	ScopePrincipals Scope = "principals"
	// ScopeUsers is every user of the account.
	ScopeUsers Scope = "users"
	// ScopeRoles is every role of the account.
	ScopeRoles Scope = "roles"
	// ScopeGroups is every group of the account.
	ScopeGroups Scope = "groups"
	// ScopeFunctions is every function of the account, in any region.
	ScopeFunctions Scope = "functions"
	// ScopePolicies is every managed policy, the account's and AWS's.
	ScopePolicies Scope = "policies"
	// ScopeAny is "*": AWS has no narrower form for the action.
	ScopeAny Scope = "any"
	// ScopeTopic is the one alert topic.
	ScopeTopic Scope = "topic"
	// ScopeNamespace is any resource, under a condition on the metric namespace.
	ScopeNamespace Scope = "namespace"
	// ScopeEvidence is the evidence bucket itself, ScopeRemembered what is read in it: state/ACCOUNT/*
	// and mutes.yaml; ScopeRecorded what is written: state/ACCOUNT/* and reports/*.
	ScopeEvidence   Scope = "evidence"
	ScopeRemembered Scope = "remembered"
	ScopeRecorded   Scope = "recorded"
	// ScopeLog is the function's log group, ScopeFailures the queue of lost events, ScopeChanges that
	// of changes in IAM, ScopeTopicKey the key of the alert topic.
	ScopeLog      Scope = "log"
	ScopeFailures Scope = "failures"
	ScopeChanges  Scope = "changes"
	ScopeTopicKey Scope = "topic key"
)

// A Permission is one IAM action the code calls, or AWS in the role's name.
type Permission struct {
	Action string
	Scope  Scope
	// Why is what the audit cannot do without it.
	Why string
}

// Discovers reports whether the permission serves to find out what there is. READ_SCOPE=named does
// without: all of them reach every resource.
func (p Permission) Discovers() bool { return p.Scope == ScopeAny || p.Scope == ScopeFunctions }

// ReadPermissions lists what auditing needs, on a laptop as in Lambda. All of it reads.
func ReadPermissions() []Permission {
	return []Permission{
		{"iam:SimulatePrincipalPolicy", ScopePrincipals,
			"asks AWS what a caller or a render role may do"},
		{"iam:GetUser", ScopeUsers, "learns whether a caller exists, its path and its boundary"},
		{"iam:ListUserPolicies", ScopeUsers, "finds a caller's inline policies"},
		{"iam:GetUserPolicy", ScopeUsers, "reads them"},
		{"iam:ListAttachedUserPolicies", ScopeUsers, "finds a caller's managed policies"},
		{"iam:ListGroupsForUser", ScopeUsers, "finds the groups a caller gets policies from"},
		{"iam:ListGroupPolicies", ScopeGroups, "finds their inline policies"},
		{"iam:GetGroupPolicy", ScopeGroups, "reads them"},
		{"iam:ListAttachedGroupPolicies", ScopeGroups, "finds their managed policies"},
		{"iam:GetRole", ScopeRoles,
			"learns whether a role exists, its path, its trust policy and its boundary"},
		{"iam:ListRoles", ScopeAny, "finds the role of an IAM Identity Center permission set (sso/NAME)"},
		{"iam:ListRolePolicies", ScopeRoles, "finds a role's inline policies"},
		{"iam:GetRolePolicy", ScopeRoles, "reads them"},
		{"iam:ListAttachedRolePolicies", ScopeRoles, "finds a role's managed policies"},
		{"iam:GetPolicy", ScopePolicies, "finds a managed policy's default version"},
		{"iam:GetPolicyVersion", ScopePolicies, "reads it"},
		{"lambda:ListFunctions", ScopeAny,
			"finds the deployed functions, their releases and their roles"},
		{"lambda:ListTags", ScopeFunctions,
			"learns the release of a function whose name does not tell it"},
	}
}

// FunctionPermissions lists what the function needs beside ReadPermissions: telling, and
// remembering.
func FunctionPermissions() []Permission {
	return []Permission{
		{"s3:ListBucket", ScopeEvidence,
			"is told that an object is missing, and not that it is forbidden"},
		{"s3:GetObject", ScopeRemembered, "reads what was announced, and what is muted"},
		{"s3:PutObject", ScopeRecorded, "keeps what was announced, and each run's report"},
		{"sns:Publish", ScopeTopic, "sends the alert"},
		{"sns:ListSubscriptionsByTopic", ScopeTopic, "learns whether anybody gets it"},
		{"cloudwatch:PutMetricData", ScopeNamespace, "publishes the metrics"},
	}
}

// OnBehalfPermissions lists what AWS does in the name of the function's role, and the code never
// calls.
func OnBehalfPermissions() []Permission {
	return []Permission{
		{"logs:CreateLogStream", ScopeLog, "Lambda opens a stream for each execution environment"},
		{"logs:PutLogEvents", ScopeLog, "Lambda writes the function's log"},
		{"sqs:SendMessage", ScopeFailures, "Lambda keeps an event that failed with its retry"},
		{"sqs:ReceiveMessage", ScopeChanges, "Lambda polls the queue of changes in IAM"},
		{"sqs:DeleteMessage", ScopeChanges, "Lambda removes those that were handled"},
		{"sqs:GetQueueAttributes", ScopeChanges, "Lambda learns the queue's visibility timeout"},
		{"kms:GenerateDataKey*", ScopeTopicKey, "SNS encrypts a message that the function publishes"},
		{"kms:Decrypt", ScopeTopicKey, "SNS reads the data key that it uses again"},
	}
}

// ChangeEvents lists the calls to IAM that can change what a principal may do, as CloudTrail names
// them. Those that cannot are left out: a new policy is attached to nobody, and a version that is
// not the default has no effect. A group that is renamed grants what it did, but what was done to
// it before names it otherwise.
func ChangeEvents() []string {
	return []string{
		"AddUserToGroup", "AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy",
		"CreatePolicyVersion", "CreateRole", "CreateUser",
		"DeleteGroupPolicy", "DeleteRole", "DeleteRolePermissionsBoundary", "DeleteRolePolicy",
		"DeleteUser",
		"DeleteUserPermissionsBoundary", "DeleteUserPolicy", "DetachGroupPolicy", "DetachRolePolicy",
		"DetachUserPolicy",
		"PutGroupPolicy", "PutRolePermissionsBoundary", "PutRolePolicy", "PutUserPermissionsBoundary",
		"PutUserPolicy",
		"RemoveUserFromGroup", "SetDefaultPolicyVersion", "UpdateAssumeRolePolicy", "UpdateGroup",
		"UpdateUser",
	}
}
