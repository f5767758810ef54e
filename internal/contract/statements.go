package contract

// ScopeNamed is the set of principals, groups and policies that a deployment with READ_SCOPE=named
// names, and all managed policies of AWS.
const ScopeNamed Scope = "named"

// ScopeOrganization is the organization of the account. Its ARNs contain the management account.
const ScopeOrganization Scope = "organization"

// Statement is a policy statement that grants actions on one scope.
type Statement struct {
	Scope   Scope
	Sid     string
	Actions []string
	// Resources are the ARNs of the scope, with the references ${…} of template.yaml.
	// ${NamedPrincipals} stands for a list of ARNs.
	Resources []string
	// Condition limits the statement further; the zero value is no condition.
	Condition Condition
}

// Condition is a condition of a policy statement with one key. Value can have references.
type Condition struct{ Operator, Key, Value string }

const (
	arn         = "arn:${AWS::Partition}:"
	account     = "${AWS::AccountId}"
	principal   = arn + "iam::" + account + ":"
	awsPolicies = arn + "iam::aws:policy/*"
	evidence    = arn + "s3:::${EvidenceBucket}"
	state       = evidence + "/state/" + account + "/*"
)

// scopes declares the statement of each scope, in the order of the auditor's policy.
var scopes = []Statement{
	{Scope: ScopeNamed, Sid: "ReadNamed", Resources: []string{"${NamedPrincipals}", awsPolicies}},
	{Scope: ScopePrincipals, Sid: "SimulatePrincipals",
		Resources: []string{principal + "user/*", principal + "role/*"}},
	{Scope: ScopeUsers, Sid: "ReadUsers", Resources: []string{principal + "user/*"}},
	{Scope: ScopeGroups, Sid: "ReadGroups", Resources: []string{principal + "group/*"}},
	{Scope: ScopeRoles, Sid: "ReadRoles", Resources: []string{principal + "role/*"}},
	{Scope: ScopeAny, Sid: "List", Resources: []string{"*"}},
	{Scope: ScopeFunctions, Sid: "ReadFunctions",
		Resources: []string{arn + "lambda:*:" + account + ":function:*"}},
	{Scope: ScopePolicies, Sid: "ReadPolicies",
		Resources: []string{principal + "policy/*", awsPolicies}},
	{Scope: ScopeOrganization, Sid: "ReadOrganization", Resources: []string{"*"}},
	// With s3:ListBucket, S3 answers 404 instead of 403 for a missing object. No condition limits the
	// action to a prefix, because a GetObject request contains no prefix.
	{Scope: ScopeEvidence, Sid: "FindEvidence", Resources: []string{evidence}},
	{Scope: ScopeEvidenceReads, Sid: "ReadEvidence",
		Resources: []string{state, evidence + "/mutes.yaml"}},
	{Scope: ScopeEvidenceWrites, Sid: "KeepEvidence",
		Resources: []string{state, evidence + "/reports/*"}},
	// The wildcard is for China: service names end in .cn in some places, and KMS does not document
	// which form it compares. Only AWS sets this context key.
	{Scope: ScopeEvidenceKey, Sid: "EncryptEvidence", Resources: []string{"${EvidenceKmsKeyArn}"},
		Condition: Condition{"StringLike", "kms:ViaService", "s3.${AWS::Region}.amazonaws.com*"}},
	{Scope: ScopeTopic, Sid: "Alert", Resources: []string{"${AlertTopic}"}},
	// PutMetricData supports no resource. The condition limits it to one namespace.
	{Scope: ScopeNamespace, Sid: "PublishMetrics", Resources: []string{"*"},
		Condition: Condition{"StringEquals", "cloudwatch:namespace", "${MetricNamespace}"}},
	{Scope: ScopeLog, Sid: "WriteLogs", Resources: []string{"${AuditLogGroup.Arn}"}},
	{Scope: ScopeFailureQueue, Sid: "KeepFailures", Resources: []string{"${FailureQueue.Arn}"}},
	{Scope: ScopeChangeQueue, Sid: "TakeChanges", Resources: []string{"${ChangeQueue.Arn}"}},
	{Scope: ScopeTopicKey, Sid: "EncryptAlerts", Resources: []string{"${AlertTopicKey.Arn}"},
		Condition: Condition{"StringLike", "kms:ViaService", "sns.${AWS::Region}.amazonaws.com*"}},
}

// Statements returns the statements that grant the permissions for a value of READ_SCOPE, in the
// order of the policy. Scopes without permissions have no statement. With ReadScopeNamed, one
// statement has all reads, because each copy of the ARNs counts towards the size quota of inline
// policies.
func Statements(readScope string, permissions []Permission) []Statement {
	var list []Statement
	for _, s := range scopes {
		for _, p := range permissions {
			if p.scopeWith(readScope) == s.Scope {
				s.Actions = append(s.Actions, p.Action)
			}
		}
		if s.Actions != nil {
			list = append(list, s)
		}
	}
	return list
}

// scopeWith returns the permission's scope for a value of READ_SCOPE; empty if that value does not
// grant the permission.
func (p Permission) scopeWith(readScope string) Scope {
	if readScope != ReadScopeNamed {
		return p.Scope
	}
	switch p.Scope {
	case ScopePrincipals, ScopeUsers, ScopeGroups, ScopeRoles, ScopePolicies:
		return ScopeNamed
	}
	if p.Discovers() {
		return ""
	}
	return p.Scope
}
