// Package contract holds the names that the code, the templates, the dashboards and the users'
// scripts share: metrics, and the AWS actions that the function calls. Because each name is
// declared only here, alarms, roles and widgets cannot drift from the code. The package imports
// nothing, so that infra/ can read the names without the function's dependencies. Package settings
// has the settings.
package contract

// Namespace is the default CloudWatch namespace of all metrics. METRIC_NAMESPACE overrides it.
const Namespace = "RemotionAudit"

// The metrics of the function, in the order in which they are published. Metrics of the account
// have no dimensions. Gaps, GapsCritical and RequirementsUnverified are also published for each
// target, with DimensionTarget.
const (
	// MetricGaps counts unmuted gaps (Count). An incomplete audit without gaps omits it.
	MetricGaps = "Gaps"
	// MetricGapsCritical counts unmuted gaps of severity critical (Count). An incomplete audit without
	// critical gaps omits it.
	MetricGapsCritical = "GapsCritical"
	// MetricGapsMuted counts muted gaps (Count).
	MetricGapsMuted = "GapsMuted"
	// MetricRequirementsTotal counts the requirements of all targets (Count).
	MetricRequirementsTotal = "RequirementsTotal"
	// MetricRequirementsUnverified counts the unverified requirements (Count).
	MetricRequirementsUnverified = "RequirementsUnverified"
	// MetricCompliancePercent is satisfied/total (Percent). It is omitted if MetricGaps is omitted.
	MetricCompliancePercent = "CompliancePercent"
	// MetricOldestGapAge is the age of the oldest unmuted gap, 0 without gaps (Seconds). It is omitted
	// without state, and an incomplete audit omits a zero.
	MetricOldestGapAge = "OldestGapAge"
	// MetricAuditCompleted is the heartbeat: 1 if the deadline cut off no target, else 0 (Count).
	MetricAuditCompleted = "AuditCompleted"
	// MetricAlertFailures counts alerts that were due and could not be sent (Count).
	MetricAlertFailures = "AlertFailures"
	// MetricNoSubscribers is 1 if the topic has no confirmed subscription, else 0 (Count). It is
	// omitted without a topic, or if the subscriptions could not be read.
	MetricNoSubscribers = "NoSubscribers"
	// MetricStateErrors counts errors of the evidence bucket (Count).
	MetricStateErrors = "StateErrors"
	// MetricThrottledCalls counts throttled answers from AWS (Count).
	MetricThrottledCalls = "ThrottledCalls"
)

// DimensionTarget is the dimension with the audited principal: user/NAME or role/NAME.
const DimensionTarget = "Target"

// The values of READ_SCOPE.
const (
	// ReadScopeAccount permits the auditor to read all users, roles, groups and policies of the
	// account, and to discover functions and the roles of permission sets.
	ReadScopeAccount = "account"
	// ReadScopeNamed permits the auditor to read only the principals that the deployment names. It
	// disables discovery.
	ReadScopeNamed = "named"
)

// Scope is a set of resources that an action in the auditor's own policy covers.
type Scope string

// The scopes of the auditor's permissions.
const (
	// ScopePrincipals is every user and role of the account. The audit does not simulate groups.
	ScopePrincipals Scope = "principals"
	// ScopeUsers is every user of the account.
	ScopeUsers Scope = "users"
	// ScopeRoles is every role of the account.
	ScopeRoles Scope = "roles"
	// ScopeGroups is every group of the account.
	ScopeGroups Scope = "groups"
	// ScopeFunctions is every function of the account, in any region.
	ScopeFunctions Scope = "functions"
	// ScopePolicies is every managed policy of the account and of AWS.
	ScopePolicies Scope = "policies"
	// ScopeAny is "*", for actions that support no narrower resource.
	ScopeAny Scope = "any"
	// ScopeTopic is the alert topic.
	ScopeTopic Scope = "topic"
	// ScopeNamespace is any resource, with a condition on the metric namespace.
	ScopeNamespace Scope = "namespace"
	// ScopeEvidence is the evidence bucket.
	ScopeEvidence Scope = "evidence"
	// ScopeEvidenceReads are the objects that the function reads: state/ACCOUNT/* and mutes.yaml.
	ScopeEvidenceReads Scope = "remembered"
	// ScopeEvidenceWrites are the objects that the function writes: state/ACCOUNT/* and reports/*.
	ScopeEvidenceWrites Scope = "recorded"
	// ScopeLog is the function's log group.
	ScopeLog Scope = "log"
	// ScopeFailureQueue is the queue of failed events.
	ScopeFailureQueue Scope = "failures"
	// ScopeChangeQueue is the queue of IAM changes.
	ScopeChangeQueue Scope = "changes"
	// ScopeEvidenceKey is the key of the evidence bucket. Without a key of the user, no statement has
	// this scope.
	ScopeEvidenceKey Scope = "evidence key"
	// ScopeTopicKey is the key of the alert topic.
	ScopeTopicKey Scope = "topic key"
)

// Permission is an IAM action that the code calls, or that AWS calls with the function's role.
type Permission struct {
	Action string
	Scope  Scope
	// Purpose describes what the permission is used for.
	Purpose string
}

// Discovers reports whether the permission is for discovery. READ_SCOPE=named omits such
// permissions, because they cover all resources.
func (p Permission) Discovers() bool { return p.Scope == ScopeAny || p.Scope == ScopeFunctions }

// ReadPermissions lists the permissions of an audit, on a laptop or in Lambda. All of them are
// read-only.
func ReadPermissions() []Permission {
	return []Permission{
		{"iam:SimulatePrincipalPolicy", ScopePrincipals,
			"simulates the permissions of a caller or a render role"},
		{"iam:GetUser", ScopeUsers, "reads a caller's path and permissions boundary"},
		{"iam:ListUserPolicies", ScopeUsers, "lists a caller's inline policies"},
		{"iam:GetUserPolicy", ScopeUsers, "reads a caller's inline policies"},
		{"iam:ListAttachedUserPolicies", ScopeUsers, "lists a caller's managed policies"},
		{"iam:ListGroupsForUser", ScopeUsers, "lists a caller's groups"},
		{"iam:ListGroupPolicies", ScopeGroups, "lists a group's inline policies"},
		{"iam:GetGroupPolicy", ScopeGroups, "reads a group's inline policies"},
		{"iam:ListAttachedGroupPolicies", ScopeGroups, "lists a group's managed policies"},
		{"iam:GetRole", ScopeRoles,
			"reads a role's path, trust policy and permissions boundary"},
		{"iam:ListRoles", ScopeAny,
			"finds the role of a permission set of IAM Identity Center (sso/NAME)"},
		{"iam:ListRolePolicies", ScopeRoles, "lists a role's inline policies"},
		{"iam:GetRolePolicy", ScopeRoles, "reads a role's inline policies"},
		{"iam:ListAttachedRolePolicies", ScopeRoles, "lists a role's managed policies"},
		{"iam:GetPolicy", ScopePolicies, "reads the default version number of a managed policy"},
		{"iam:GetPolicyVersion", ScopePolicies, "reads the document of a managed policy"},
		{"lambda:ListFunctions", ScopeAny,
			"lists the deployed functions with their releases and roles"},
		{"lambda:GetAccountSettings", ScopeAny,
			"reads how many functions can run at the same time in a region"},
		{"lambda:GetFunctionConfiguration", ScopeFunctions,
			"reads the state, the timeout and the runtime of a function"},
		{"lambda:GetFunctionConcurrency", ScopeFunctions,
			"reads the reserved concurrency of a function"},
		{"lambda:ListTags", ScopeFunctions,
			"reads the release of a function whose name does not show it"},
	}
}

// OrganizationPermissions lists the permissions to read the policies of the organization. Only its
// management account and a delegated administrator can use them.
func OrganizationPermissions() []Permission {
	return []Permission{
		{"organizations:DescribeOrganization", ScopeOrganization,
			"finds the organization and its management account"},
		{"organizations:ListParents", ScopeOrganization,
			"finds the units above the account, and the root"},
		{"organizations:ListPoliciesForTarget", ScopeOrganization,
			"lists the service and resource control policies of each level"},
		{"organizations:DescribePolicy", ScopeOrganization, "reads the document of such a policy"},
	}
}

// FunctionPermissions lists the permissions for alerts, metrics and evidence. The function needs
// them in addition to ReadPermissions.
func FunctionPermissions() []Permission {
	return []Permission{
		{"s3:ListBucket", ScopeEvidence,
			"lets S3 answer 404 instead of 403 for a missing object"},
		{"s3:GetObject", ScopeEvidenceReads, "reads the state and the mutes"},
		{"s3:PutObject", ScopeEvidenceWrites, "stores the state and each run's report"},
		{"sns:Publish", ScopeTopic, "sends the alert"},
		{"sns:ListSubscriptionsByTopic", ScopeTopic,
			"checks that the topic has a confirmed subscription"},
		{"cloudwatch:PutMetricData", ScopeNamespace, "publishes the metrics"},
	}
}

// OnBehalfPermissions lists the permissions that AWS services use with the function's role. The
// code does not call these actions.
func OnBehalfPermissions() []Permission {
	return []Permission{
		{"logs:CreateLogStream", ScopeLog, "Lambda creates a log stream for each execution environment"},
		{"logs:PutLogEvents", ScopeLog, "Lambda writes the function's log"},
		{"sqs:SendMessage", ScopeFailureQueue, "Lambda stores an event whose run and retry failed"},
		{"sqs:ReceiveMessage", ScopeChangeQueue, "Lambda polls the queue of IAM changes"},
		{"sqs:DeleteMessage", ScopeChangeQueue, "Lambda deletes processed messages"},
		{"sqs:GetQueueAttributes", ScopeChangeQueue, "Lambda reads the queue's visibility timeout"},
		{"kms:GenerateDataKey", ScopeEvidenceKey,
			"with `EvidenceKmsKeyArn`: S3 encrypts the state and the reports"},
		{"kms:Decrypt", ScopeEvidenceKey,
			"with `EvidenceKmsKeyArn`: S3 decrypts the state and the mutes"},
		{"kms:GenerateDataKey*", ScopeTopicKey, "SNS encrypts a message that the function publishes"},
		{"kms:Decrypt", ScopeTopicKey, "SNS decrypts a cached data key"},
	}
}

// ChangeEvents lists the IAM calls, by their names in CloudTrail, that can change the permissions
// of a principal. The list omits CreatePolicy, because a new managed policy has no attachments, and
// DeletePolicyVersion, because IAM does not delete the default version. It includes UpdateGroup,
// although a rename changes no permissions: earlier events have the old name of the group, and the
// audit needs UpdateGroup to match the two names.
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
