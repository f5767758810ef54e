package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/policies/recognize"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// overGrantUnits is the work that the over-grants of one target may take, in units of
// iampolicy.UnitOfWork.
const overGrantUnits = 16

// maxTightened is the number of over-grants of a report with tightened documents: the judge keeps
// the documents of these until the end.
const maxTightened = 50

// OverGrantKinds lists the kinds of notices about over-grants, the worst first.
func OverGrantKinds() []NoticeKind {
	return []NoticeKind{NoticeAdministrator, NoticeServiceWildcard, NoticeUserPolicyOnRole,
		NoticeDeployRights, NoticeUnneeded}
}

// OverGrant reports whether the notice is about a target that may do more than Remotion needs.
// Reports show such notices; messages do not.
func (n Notice) OverGrant() bool { return slices.Contains(OverGrantKinds(), n.Kind) }

// onlyRemotion ends the text about an over-grant: another use may need the rights.
const onlyRemotion = "; the audit knows only what Remotion needs"

// overGrants returns the notices about what a target may do beyond the needs of Remotion, at most
// one for each kind. It needs all documents of the target. Rights under a condition do not count,
// and neither do rights that a Deny, the boundary or the organization denies.
func (j *Judge) overGrants(t TargetFacts, required []policies.Requirement) (list []Notice) {
	if t.Presence != Present || len(t.Unread) > 0 || j.stopped() {
		return nil
	}
	g := &overGrantSearch{judge: j, t: t, required: required,
		releases: t.judgedBy(j.facts.judgedBy()),
		budget:   iampolicy.NewBudget(j.context(), overGrantUnits*iampolicy.UnitOfWork)}
	if n, ok := g.administrator(); ok {
		return []Notice{n} // it contains all others
	}
	for _, find := range []func() (Notice, bool){g.serviceWildcards, g.userPolicyOnRole,
		g.deployRights, g.unneeded} {
		if j.stopped() {
			return list
		}
		if n, ok := find(); ok {
			list = append(list, n)
		}
	}
	return list
}

// An overGrantSearch is the search for the over-grants of one target.
type overGrantSearch struct {
	judge    *Judge
	t        TargetFacts
	required []policies.Requirement
	releases []policies.Release
	budget   *iampolicy.Budget
	least    *iampolicy.Document // see leastPrivilege
}

// notice returns the notice, with the tightened documents if they are proved.
func (g *overGrantSearch) notice(kind NoticeKind, severity policies.Severity, text string,
	wide []remedy.WideGrant) Notice {
	n := Notice{Kind: kind, Severity: severity, Target: g.t.Name, Text: text + onlyRemotion}
	if len(wide) == 0 || g.judge.tightened == maxTightened || g.judge.stopped() {
		return n
	}
	least := g.leastPrivilege()
	if least == nil {
		return n
	}
	var needed []needs.Need
	for _, r := range g.required {
		needed = append(needed, g.t.Scope.Needed(r)...)
	}
	target := remedy.Target{Name: g.t.Name, Grants: g.t.withoutResourceControl().Grants,
		Context: g.t.context}
	n.Tightened = remedy.Tighten(g.budget, target, wide, least, needed, g.t.Scope.DeployedResources)
	if n.Tightened != nil {
		g.judge.tightened++
		n.Command = textfmt.ShellWords("remotion-audit", "fix", "--tighten", string(kind), "--target",
			g.t.Name)
	}
	return n
}

// leastPrivilege returns the least policy for the target, or nil if it cannot be written.
func (g *overGrantSearch) leastPrivilege() *iampolicy.Document {
	if g.least == nil {
		d, err := iampolicy.Parse(needs.LeastPrivilege(g.releases, g.t.Kind.Policy(), g.t.Purpose,
			g.t.Scope))
		if err != nil {
			return nil
		}
		g.least = d
	}
	return g.least
}

// bySeverity returns the severity for a render role, else low: a caller is often a person or a CI
// role that does other work, too.
func (g *overGrantSearch) bySeverity(role policies.Severity) policies.Severity {
	if g.t.Kind == RenderRole {
		return role
	}
	return policies.Low
}

// statements calls f for each Allow statement without conditions, until f returns false.
func (g *overGrantSearch) statements(f func(policy, statement int, s *iampolicy.Statement)) {
	for i, p := range g.t.Grants.Identity {
		if p.Document == nil {
			continue
		}
		for k := range p.Document.Statements {
			if s := &p.Document.Statements[k]; s.Effect == iampolicy.Allow && len(s.Conditions) == 0 {
				f(i, k, s)
			}
		}
	}
}

// allows reports whether all policies together allow a request.
func (g *overGrantSearch) allows(action, resource string) bool {
	return g.t.grants(needs.SimulationRequest{Action: action, Resource: resource,
		Region: g.t.Scope.Regions[0]}, resource)
}

// other returns the ARN of a resource that Remotion does not use.
func (g *overGrantSearch) other(service, resource string) string {
	region, account := g.t.Scope.Regions[0], g.t.Scope.Account
	switch service {
	case "s3":
		region, account = "", ""
	case "iam":
		region = ""
	}
	return arn.ARN{Partition: g.t.Scope.Partition, Service: service, Region: region, Account: account,
		Resource: resource}.String()
}

const otherName = "no-resource-of-remotion"

// administrator finds statements that allow all actions, or all but a few, on everything.
func (g *overGrantSearch) administrator() (n Notice, ok bool) {
	if len(g.t.Scope.Regions) == 0 || !g.allows("dynamodb:DeleteTable",
		g.other("dynamodb", "table/"+otherName)) || !g.allows("s3:DeleteBucket",
		g.other("s3", otherName)) || !g.allows("lambda:DeleteFunction",
		g.other("lambda", "function:"+otherName)) {
		return n, false
	}
	var wide []remedy.WideGrant
	var names []string
	g.statements(func(policy, statement int, s *iampolicy.Statement) {
		if (s.NotAction != nil || slices.Contains(s.Action, "*") || slices.Contains(s.Action, "*:*")) &&
			slices.Contains(s.Resource, "*") {
			wide = append(wide, remedy.WideGrant{Policy: policy, Statement: statement})
			names = textfmt.AppendNew(names, g.t.Grants.Identity[policy].ID)
		}
	})
	if wide == nil {
		return n, false
	}
	what := "every action on every resource"
	if !g.allows("iam:CreateAccessKey", g.other("iam", "user/"+otherName)) {
		what = "almost every action on every resource"
	}
	return g.notice(NoticeAdministrator, g.bySeverity(policies.High), fmt.Sprintf(
		"administrator access: %s %s %s", textfmt.Enumerate(names, maxEnumerated),
		textfmt.Verb(len(names), "allows", "allow"), what), wide), true
}

// wildcardSamples are the services of Remotion with a request that Remotion never makes.
var wildcardSamples = []struct{ service, action, resource string }{
	{"iam", "iam:CreateAccessKey", "user/" + otherName},
	{"lambda", "lambda:DeleteFunction", "function:" + otherName},
	{"s3", "s3:DeleteBucket", otherName},
}

// serviceWildcards finds statements that allow every action of a service on all of its resources.
func (g *overGrantSearch) serviceWildcards() (n Notice, ok bool) {
	var wide []remedy.WideGrant
	var found, names []string
	for _, sample := range wildcardSamples {
		if !g.allows(sample.action, g.other(sample.service, sample.resource)) {
			continue
		}
		all := sample.service + ":*"
		g.statements(func(policy, statement int, s *iampolicy.Statement) {
			at := slices.IndexFunc(s.Action, func(a string) bool { return strings.EqualFold(a, all) })
			if at < 0 || !slices.Contains(s.Resource, "*") &&
				!slices.Contains(s.Resource, "arn:"+g.t.Scope.Partition+":s3:::*") {
				return
			}
			found = textfmt.AppendNew(found, all)
			names = textfmt.AppendNew(names, g.t.Grants.Identity[policy].ID)
			i := slices.IndexFunc(wide, func(w remedy.WideGrant) bool {
				return w.Policy == policy && w.Statement == statement
			})
			if i < 0 {
				i = len(wide)
				wide = append(wide, remedy.WideGrant{Policy: policy, Statement: statement})
			}
			wide[i].Actions = append(wide[i].Actions, s.Action[at])
		})
	}
	if wide == nil {
		return n, false
	}
	return g.notice(NoticeServiceWildcard, g.bySeverity(policies.Medium), fmt.Sprintf(
		"%s %s %s on all resources", textfmt.Enumerate(names, maxEnumerated),
		textfmt.Verb(len(names), "allows", "allow"), textfmt.Enumerate(found, maxEnumerated)),
		wide), true
}

// userPolicyOnRole finds the user policy on a render role.
func (g *overGrantSearch) userPolicyOnRole() (n Notice, ok bool) {
	if g.t.Kind != RenderRole || !g.allows("lambda:CreateFunction",
		g.other("lambda", "function:"+policies.FunctionPrefix+"x")) {
		return n, false
	}
	var wide []remedy.WideGrant
	var names []string
	for i, p := range g.t.Grants.Identity {
		if r, ok := g.judge.recognize(p.Document, policies.Role); !ok || r.Kind != policies.User {
			continue
		}
		names = append(names, p.ID)
		for k, s := range p.Document.Statements {
			if s.Effect == iampolicy.Allow {
				wide = append(wide, remedy.WideGrant{Policy: i, Statement: k})
			}
		}
	}
	if wide == nil {
		return n, false
	}
	return g.notice(NoticeUserPolicyOnRole, policies.Medium, fmt.Sprintf("%s %s the user policy of "+
		"Remotion, with which the functions could deploy: a render role needs the role policy",
		textfmt.Enumerate(names, maxEnumerated), textfmt.Verb(len(names), "is", "are")), wide), true
}

// deployRights finds the rights of a caller that deploys nothing to create, replace or remove what
// is deployed.
func (g *overGrantSearch) deployRights() (n Notice, ok bool) {
	if g.t.Kind != Caller || g.t.Purpose.Deploys() {
		return n, false
	}
	var actions []string
	for _, r := range g.t.Scope.Requirements(g.releases, policies.User, policies.Deploy) {
		if g.judge.stopped() {
			return n, false
		}
		needed := g.t.Scope.Needed(r)
		if slices.ContainsFunc(g.required, func(o policies.Requirement) bool {
			return o.Action == r.Action
		}) || len(needed) == 0 || !slices.ContainsFunc(needed, func(o needs.Need) bool {
			return g.t.grants(o.SimulationRequest, o.Resource)
		}) {
			continue
		}
		actions = textfmt.AppendNew(actions, r.Action)
	}
	// The others are harmless without these, which come first in the text.
	strong := []string{"lambda:CreateFunction", "lambda:DeleteFunction", "iam:PassRole"}
	strong = slices.DeleteFunc(strong, func(a string) bool { return !slices.Contains(actions, a) })
	if len(strong) == 0 {
		return n, false
	}
	for _, a := range actions {
		strong = textfmt.AppendNew(strong, a)
	}
	var wide []remedy.WideGrant
	g.statements(func(policy, statement int, s *iampolicy.Statement) {
		var patterns []string
		for _, pattern := range s.Action {
			need, err := iampolicy.NewNeed(pattern, "*")
			if err == nil && slices.ContainsFunc(actions, func(a string) bool {
				return need.Includes(a, "")
			}) {
				patterns = append(patterns, pattern)
			}
		}
		if patterns != nil {
			wide = append(wide, remedy.WideGrant{Policy: policy, Statement: statement, Actions: patterns})
		}
	})
	return g.notice(NoticeDeployRights, policies.Medium, "the caller does not deploy, but may use "+
		textfmt.Enumerate(strong, maxEnumerated), wide), true
}

// unneeded finds the rights that were added to a copy of Remotion's document and that neither a
// document of any release nor the target needs. It does not look into other policies: they are for
// other work.
func (g *overGrantSearch) unneeded() (n Notice, ok bool) {
	var wide []remedy.WideGrant
	var found, names []string
	for i, p := range g.t.Grants.Identity {
		if p.Document == nil || p.ByAWS || g.judge.stopped() {
			continue
		}
		r, recognized := g.judge.recognize(p.Document, g.t.Kind.Policy())
		if !recognized || r.Misplaced() {
			continue
		}
		for _, add := range r.Adds {
			if g.judge.stopped() || g.isNeeded(add) {
				continue
			}
			found = textfmt.AppendNew(found, add.Action)
			names = textfmt.AppendNew(names, p.ID)
			for k, s := range p.Document.Statements {
				at := slices.IndexFunc(s.Action, func(a string) bool {
					return strings.EqualFold(a, add.Action)
				})
				if s.Effect == iampolicy.Allow && len(s.Conditions) == 0 && at >= 0 &&
					!slices.ContainsFunc(wide, func(w remedy.WideGrant) bool {
						return w.Policy == i && w.Statement == k && slices.Contains(w.Actions, s.Action[at])
					}) {
					wide = addWide(wide, i, k, s.Action[at])
				}
			}
		}
	}
	if wide == nil {
		return n, false
	}
	return g.notice(NoticeUnneeded, policies.Low, fmt.Sprintf("%s %s %s, which no deployed release "+
		"needs", textfmt.Enumerate(names, maxEnumerated), textfmt.Verb(len(names), "allows", "allow"),
		textfmt.Enumerate(found, maxEnumerated)), wide), true
}

// addWide adds an action pattern to the wide grant of a statement.
func addWide(wide []remedy.WideGrant, policy, statement int, action string) []remedy.WideGrant {
	for i := range wide {
		if wide[i].Policy == policy && wide[i].Statement == statement {
			wide[i].Actions = append(wide[i].Actions, action)
			return wide
		}
	}
	return append(wide, remedy.WideGrant{Policy: policy, Statement: statement,
		Actions: []string{action}})
}

// isNeeded reports whether a grant is within the needs of the target or within a document of any
// release, or whether it grants nothing: an action that does not exist has a notice of its own.
func (g *overGrantSearch) isNeeded(add recognize.Grant) bool {
	if _, unknown := iamactions.Check(add.Action); unknown {
		return true
	}
	need, err := iampolicy.NewNeed(add.Action, iampolicy.Widen(add.Resource))
	if err != nil {
		return true
	}
	if effective := g.t.Grants.CoverWithin(g.budget, need, nil); effective.Status != Satisfied {
		return true // another layer denies a part of it, or the engine cannot decide
	}
	allowed := iampolicy.Grants{}
	if least := g.leastPrivilege(); least != nil {
		allowed.Identity = append(allowed.Identity, iampolicy.Policy{ID: "needed", Document: least})
	}
	for _, release := range policies.Releases(g.t.Scope.Partition) {
		allowed.Identity = append(allowed.Identity, iampolicy.Policy{ID: "documented",
			Document: release.Policy(g.t.Kind.Policy())})
	}
	return allowed.CoverWithin(g.budget, need, nil).Status != Missing
}
