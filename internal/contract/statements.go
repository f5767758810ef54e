package contract

// ScopeNamed is the set of principals, groups and policies that a deployment with READ_SCOPE=named
// names, and all managed policies of AWS.
const ScopeNamed Scope = "named"

// Statement is a policy statement that grants actions on one scope.
type Statement struct {
	Scope   Scope
	Sid     string
	Actions []string
}

// sids lists the Sids of the scopes, in the order of the auditor's policy.
var sids = []Statement{
	{Scope: ScopeNamed, Sid: "ReadNamed"},
	{Scope: ScopePrincipals, Sid: "SimulatePrincipals"},
	{Scope: ScopeUsers, Sid: "ReadUsers"},
	{Scope: ScopeGroups, Sid: "ReadGroups"},
	{Scope: ScopeRoles, Sid: "ReadRoles"},
	{Scope: ScopeAny, Sid: "List"},
	{Scope: ScopeFunctions, Sid: "ReadFunctions"},
	{Scope: ScopePolicies, Sid: "ReadPolicies"},
	{Scope: ScopeEvidence, Sid: "FindEvidence"},
	{Scope: ScopeEvidenceReads, Sid: "ReadEvidence"},
	{Scope: ScopeEvidenceWrites, Sid: "KeepEvidence"},
	{Scope: ScopeTopic, Sid: "Alert"},
	{Scope: ScopeNamespace, Sid: "PublishMetrics"},
	{Scope: ScopeLog, Sid: "WriteLogs"},
	{Scope: ScopeFailureQueue, Sid: "KeepFailures"},
	{Scope: ScopeChangeQueue, Sid: "TakeChanges"},
	{Scope: ScopeTopicKey, Sid: "EncryptAlerts"},
}

// Statements returns the statements that grant the permissions for a value of READ_SCOPE, in the
// order of the policy. Scopes without permissions have no statement. With ReadScopeNamed, one
// statement has all reads, because each copy of the ARNs counts towards the size quota of inline
// policies.
func Statements(readScope string, permissions []Permission) []Statement {
	var list []Statement
	for _, s := range sids {
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
