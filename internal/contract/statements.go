package contract

// ScopeNamed is whom READ_SCOPE=named names, and AWS's own policies: what all reads reach then.
const ScopeNamed Scope = "named"

// A Statement grants the actions of one scope.
type Statement struct {
	Scope   Scope
	Sid     string
	Actions []string
}

// sids are those of the statements, in the order in which the auditor's policy has them.
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
	{Scope: ScopeRemembered, Sid: "ReadEvidence"},
	{Scope: ScopeRecorded, Sid: "KeepEvidence"},
	{Scope: ScopeTopic, Sid: "Alert"},
	{Scope: ScopeNamespace, Sid: "PublishMetrics"},
	{Scope: ScopeLog, Sid: "WriteLogs"},
	{Scope: ScopeFailures, Sid: "KeepFailures"},
	{Scope: ScopeChanges, Sid: "TakeChanges"},
	{Scope: ScopeTopicKey, Sid: "EncryptAlerts"},
}

// Statements are those that grant the permissions with a value of READ_SCOPE, in the order of the
// policy; a scope without permissions has none. With ReadScopeNamed nothing is discovered, and the
// reads are one statement: each further copy of the names counts towards what a role's inline
// policies may have.
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

// scopeWith is the permission's scope with a value of READ_SCOPE; empty for none.
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
