package explain

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// A Subject is what is known about the principal of a request: an audited target, or policy files.
type Subject struct {
	principal Principal
	scope     needs.Scope
	releases  []policies.Release
	grants    iampolicy.Grants
	// target holds the facts about an audited target; nil for policy files.
	target *audit.TargetFacts
	// findings are those of the report about the target.
	findings []audit.Finding
	// notVisible lists what may decide about a request and what is never read.
	notVisible []string
	context    func(q needs.SimulationRequest) iampolicy.Context
}

// otherLayers are the layers of IAM that neither the audit nor AWS's simulator evaluates for it.
var otherLayers = []string{"session policies", unreadControl,
	"policies of resources such as buckets and keys", "policies of VPC endpoints"}

const unreadControl = "resource control policies"

// visible returns the names of layers without those that the grants have.
func visible(layers []string, g iampolicy.Grants) []string {
	return slices.DeleteFunc(slices.Clone(layers), func(name string) bool {
		return name == unreadControl && g.ResourceControl != nil
	})
}

// OfTarget returns the subject for a target of an audit. r is the report about the target.
func OfTarget(facts audit.Facts, t audit.TargetFacts, r audit.Report) Subject {
	t.Assumed = facts.Assumed
	s := Subject{
		principal: Principal{Name: t.Name, ARN: t.ARN, Kind: t.Kind, Policy: t.Kind.Policy(),
			Purpose: t.Purpose},
		scope: t.Scope, releases: facts.JudgedBy(t), grants: t.Grants, target: &t,
		notVisible: visible(otherLayers, t.Grants), context: t.DecisionContext,
	}
	for _, f := range r.Findings {
		if f.Target == t.Name && f.Policy == t.Kind.Policy() {
			s.findings = append(s.findings, f)
		}
	}
	return s
}

// Simulated returns the requests about a target that a question needs, at most most of them. They
// are for AWS's simulator. releases are those with the needs of the target.
func Simulated(t audit.TargetFacts, releases []policies.Release, q Question,
	most int) []needs.SimulationRequest {
	s := OfTarget(audit.Facts{Releases: releases}, t, audit.Report{})
	s.releases = releases
	return s.requests(q, most)
}

// OfFiles returns the subject for the policy files of a principal. name names the files, and extra
// is the context that the user gives.
func OfFiles(name string, t check.Target, grants iampolicy.Grants, release policies.Release,
	extra iampolicy.Context) Subject {
	kind := audit.Caller
	if t.Kind == policies.Role {
		kind = audit.RenderRole
	}
	purpose := t.Purpose
	if purpose == "" || kind == audit.RenderRole {
		purpose = policies.All
	}
	scope := t.Scope(release)
	s := Subject{
		principal: Principal{Name: name, ARN: t.Principal, Kind: kind, Policy: t.Kind,
			Purpose: purpose},
		scope: scope, releases: []policies.Release{release}, grants: grants,
		notVisible: slices.Concat([]string{"other policies of the principal"}, otherLayers),
		context: func(q needs.SimulationRequest) iampolicy.Context {
			return audit.Overridden(t.RequestContext(q), extra)
		},
	}
	if t.Kind == policies.Role {
		s.notVisible = append(s.notVisible, "the trust policy of the role")
	}
	return s
}

// unread returns the documents of the subject that could not be read.
func (s Subject) unread() []audit.Problem {
	if s.target == nil {
		return nil
	}
	return s.target.Unread
}

// requirement is a requirement of the subject with one of its needs.
type requirement struct {
	policies.Requirement
	need needs.Need
}

// maxNeeds is the number of needs of one action that are derived. An account with many regions and
// functions has more.
const maxNeeds = 200

// requirements returns what Remotion needs the action on, for the purpose of the subject.
func (s Subject) requirements(action string) (list []requirement) {
	for _, r := range s.scope.Requirements(s.releases, s.principal.Policy, s.principal.Purpose) {
		if !strings.EqualFold(r.Action, action) {
			continue
		}
		for _, n := range s.scope.Needed(r) {
			if len(list) == maxNeeds {
				return list
			}
			list = append(list, requirement{r, n})
		}
	}
	return list
}

// Kinds returns the policies of Remotion with an action, documented or not. They say which
// principals a question is about.
func Kinds(action, partition string) (kinds []policies.PolicyKind) {
	if strings.EqualFold(action, assumeRole) {
		return []policies.PolicyKind{policies.Role}
	}
	releases := policies.Releases(partition)
	for _, kind := range policies.Kinds {
		if slices.ContainsFunc(append(policies.Union(releases, kind),
			policies.Undocumented(releases, kind, policies.Regions(partition))...),
			func(r policies.Requirement) bool { return strings.EqualFold(r.Action, action) }) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

const assumeRole = "sts:AssumeRole"
