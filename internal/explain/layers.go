package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// traced is a policy with the part that each of its statements takes in the decision.
type traced struct {
	policy     string
	level      int
	statements int
	traces     []iampolicy.Trace
}

func traceAll(layer iampolicy.Layer, level int, list []iampolicy.Policy,
	r iampolicy.Request) (all []traced) {
	for i := range list {
		t := traced{policy: list[i].ID, level: level, traces: list[i].Trace(layer, r)}
		t.statements = len(t.traces)
		all = append(all, t)
	}
	return all
}

// effectOf combines statements of policies that are a union: each may allow, and each may deny.
func effectOf(all []traced) Effect {
	allow, deny := iampolicy.No, iampolicy.No
	for _, p := range all {
		for _, t := range p.traces {
			if applies := applies(t); t.Effect == iampolicy.Allow {
				allow = max(allow, applies)
			} else {
				deny = max(deny, applies)
			}
		}
	}
	switch {
	case deny == iampolicy.Yes:
		return Denies
	case allow == iampolicy.No:
		return DoesNotAllow
	case deny == iampolicy.Open || allow == iampolicy.Open:
		return Undecided
	}
	return Allows
}

// applies says whether a statement applies to its request.
func applies(t iampolicy.Trace) iampolicy.Truth {
	if !t.Action {
		return iampolicy.No
	}
	return min(t.Resource, t.Condition)
}

// identity derives the layer of the identity policies.
func (s Subject) identity(r iampolicy.Request, j judged) Layer {
	all := traceAll(iampolicy.Identity, 0, s.grants.Identity, r)
	l := Layer{Kind: IdentityLayer, Effect: effectOf(all)}
	for _, p := range s.unread() {
		if !isBoundaryProblem(p) {
			l.Unread = append(l.Unread, p)
		}
	}
	switch {
	case l.Unread != nil && l.Effect != Denies:
		l.Note = "the policies that were read " + map[Effect]string{Allows: "allow",
			DoesNotAllow: "do not allow", Undecided: "do not decide"}[l.Effect] +
			" the request, and a policy that was not read may change that"
		l.Effect = UnknownEffect
	case len(all) == 0:
		l.Note = "no policy is attached"
	}
	s.finish(&l, all, r, j)
	return l
}

// boundary derives the layer of the permissions boundary.
func (s Subject) boundary(r iampolicy.Request, j judged) Layer {
	l := Layer{Kind: BoundaryLayer, Effect: Absent}
	for _, p := range s.unread() {
		if isBoundaryProblem(p) {
			l.Unread = append(l.Unread, p)
		}
	}
	switch {
	case s.grants.Boundary != nil:
		all := traceAll(iampolicy.Boundary, 0, []iampolicy.Policy{*s.grants.Boundary}, r)
		l.Effect = effectOf(all)
		s.finish(&l, all, r, j)
	case l.Unread != nil:
		l.Effect = UnknownEffect
	case s.target != nil && s.target.Presence == audit.PresenceUnknown:
		l.Effect, l.Note = UnknownEffect, "the principal could not be read"
	case s.target == nil:
		l.Note = "no file is given with --boundary"
	}
	return l
}

func isBoundaryProblem(p audit.Problem) bool {
	return strings.HasPrefix(p.What, "permissions boundary")
}

// organization derives the layer of the service control policies. Mostly their documents are not
// visible, and the answer of the simulator is all that is known.
func (s Subject) organization(r iampolicy.Request, j judged, answer Simulation) Layer {
	l := Layer{Kind: OrganizationLayer, Effect: UnknownEffect}
	if levels := s.grants.Organization; levels != nil {
		var all []traced
		l.Effect = Allows
		for i, level := range levels {
			one := traceAll(iampolicy.Organization, i+1, level, r)
			effect := effectOf(one)
			if effect == DoesNotAllow && l.Effect != Denies {
				l.Note = fmt.Sprintf("level %d does not allow the request", i+1)
			}
			l.Effect = worseOf(l.Effect, effect)
			all = append(all, one...)
		}
		s.finish(&l, all, r, j)
		if answer.OrganizationDenies && l.Effect == Allows {
			l.Effect, l.Note = Denies, "AWS's simulator reports that another service control policy "+
				"denies the request"
		}
		return l
	}
	const hidden = "the documents are not visible to the account; AWS's simulator applies them, and "
	switch {
	case s.target == nil:
		l.Note = "no file is given with --scp"
	case answer.Decision == "":
		l.Note = "the documents are not visible to the account, and AWS's simulator, which applies " +
			"them, gave no answer"
	case answer.OrganizationDenies && answer.Otherwise == iampolicy.Allowed.String():
		l.Effect = Undecided
		l.Note = hidden + "reports that one of them denies the request, but not with other values of " +
			textfmt.Enumerate(answer.OtherwiseKeys, 4)
	case answer.OrganizationDenies:
		l.Effect = Denies
		l.Note = hidden + "reports that one of them denies the request. An administrator of the " +
			"organization can read it: give the documents with --scp"
	case answer.Decision == iampolicy.Allowed.String():
		l.Effect = Allows
		l.Note = hidden + "allows the request"
	default:
		l.Note = hidden + "does not name them as a cause"
	}
	return l
}

// resourceControl derives the layer of the resource control policies. AWS's simulator does not
// evaluate them.
func (s Subject) resourceControl(r iampolicy.Request, j judged) Layer {
	l := Layer{Kind: ResourceControlLayer, Effect: Allows}
	if !iampolicy.IsControlled(r.Action) {
		l.Note = "resource control policies do not limit this service"
		return l
	}
	if s.target != nil && s.target.Owner(r.Resource) == audit.OwnedByOther {
		l.Note = "they limit the resources of the account only"
		return l
	}
	var all []traced
	for i, level := range s.grants.ResourceControl {
		one := traceAll(iampolicy.ResourceControl, i+1, level, r)
		for _, p := range one {
			for _, t := range p.traces {
				// Each level has RCPFullAWSAccess, so only a Deny matters.
				switch applies := applies(t); {
				case t.Effect == iampolicy.Deny && applies == iampolicy.Yes:
					l.Effect = Denies
				case t.Effect == iampolicy.Deny && applies == iampolicy.Open:
					l.Effect = worseOf(l.Effect, Undecided)
				}
			}
		}
		all = append(all, one...)
	}
	s.finish(&l, all, r, j)
	return l
}

// worseOf returns the worse of two effects of levels that all have to allow.
func worseOf(a, b Effect) Effect {
	order := []Effect{Allows, Undecided, DoesNotAllow, Denies}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// maxSteps is the number of statements that a layer shows.
const maxSteps = 6

// maxOtherActions is the number of statements for other actions that a layer shows. It shows none
// beside statements for the action.
const maxOtherActions = 2

// maxNames is the number of names in the statements of a layer that are compared with AWS's list.
const maxNames = 100

// finish sets the documents of a layer, with the statements that matter.
func (s Subject) finish(l *Layer, all []traced, r iampolicy.Request, j judged) {
	if l.Effect == Undecided && j.finding.Status == audit.Satisfied &&
		j.finding.Inspected == string(audit.Satisfied) {
		l.Effect, l.Note = Allows, "together the statements allow the request for each value of the "+
			"unknown keys"
	}
	d := deriver{effect: l.Effect, request: r, need: j.need.Pattern, names: maxNames,
		otherActions: maxOtherActions}
	if l.Effect == UnknownEffect {
		d.effect = effectOf(all)
	}
	if slices.ContainsFunc(all, d.hasNear) {
		d.otherActions = 0
	}
	type place struct{ document, step int }
	var steps []Step
	var places []place
	for i, p := range all {
		l.Documents = append(l.Documents, Document{Policy: p.policy, Level: p.level,
			Statements: p.statements})
		for _, t := range p.traces {
			if step, ok := d.step(t); ok {
				steps, places = append(steps, step), append(places, place{i, len(steps)})
			}
		}
	}
	order := slices.SortedStableFunc(slices.Values(places), func(a, b place) int {
		return cmp.Compare(importance(steps[a.step]), importance(steps[b.step]))
	})
	shown := map[int]bool{}
	for _, p := range order[:min(len(order), maxSteps)] {
		shown[p.step] = true
	}
	for _, p := range places {
		if doc := &l.Documents[p.document]; shown[p.step] {
			doc.Steps = append(doc.Steps, steps[p.step])
		} else {
			doc.More++
		}
	}
}

// importance orders steps, the most important first.
func importance(s Step) int {
	if s.Decides {
		return 0
	}
	rank := slices.Index([]Role{StatementDenies, DependsOn, StatementAllows, UnmetCondition,
		MisnamedAction, OtherResource, ExcludedResource, ExcludedAction, OtherPrincipal,
		OtherAction}, s.Role)
	near := 0
	if s.Miss != nil && s.Miss.Kind == iampolicy.Narrower {
		near = 1
	}
	return 2 + 2*rank + near
}

// A deriver derives the parts that statements take in a layer with an effect.
type deriver struct {
	effect  Effect
	request iampolicy.Request
	need    string // the pattern that is needed
	// names is the number of names that may still be compared, and otherActions the number of
	// statements for other actions that may still be shown.
	names, otherActions int
}

// hasNear reports whether a policy has an Allow that comes close for another reason than an action.
func (d *deriver) hasNear(p traced) bool {
	return slices.ContainsFunc(p.traces, func(t iampolicy.Trace) bool {
		names := maxNames
		_, misnamed := t.Misnamed(d.request.Action, &names)
		return t.Effect == iampolicy.Allow && (t.Action || misnamed ||
			t.NotAction != nil && t.Resource != iampolicy.No)
	})
}

// step returns the part that a statement takes. ok is false if it does not matter.
func (d *deriver) step(t iampolicy.Trace) (s Step, ok bool) {
	s.Statement = t.Ref()
	s.Statement.Resources = nil
	switch applies(t) {
	case iampolicy.Yes:
		d.setApplied(&s, t)
		return s, true
	case iampolicy.Open:
		s.Role, s.Pattern, s.Decides = DependsOn, t.ResourcePattern, d.effect == Undecided
		s.Text = verb(t) + " the request only for some values: " + cmp.Or(t.ConditionText(),
			"the value of a policy variable in "+textfmt.Head(t.ResourcePattern, maxText)+" is unknown")
		if d.effect == Allows {
			s.Text = verb(t) + " the request for some values as well: " + cmp.Or(t.ConditionText(),
				"the value of a policy variable is unknown")
		}
		return s, true
	}
	if t.Action && t.Resource != iampolicy.No {
		s.Role, s.Pattern = UnmetCondition, t.ResourcePattern
		s.Text = "allows the request only under " + t.ConditionText()
		if t.Effect == iampolicy.Deny {
			s.Text = "does not deny the request: it denies only under " + t.ConditionText()
		}
		return s, true
	}
	if t.Effect == iampolicy.Deny || d.effect == Allows || d.effect == Denies {
		return s, false
	}
	return d.near(s, t)
}

// setApplied sets the part of a statement that applies.
func (d *deriver) setApplied(s *Step, t iampolicy.Trace) {
	s.Role, s.Decides = StatementAllows, d.effect == Allows
	if t.Effect == iampolicy.Deny {
		s.Role, s.Decides = StatementDenies, true
	}
	s.Pattern = t.ResourcePattern
	s.Text = verb(t) + " the request"
	switch {
	case t.NotAction != nil:
		s.Text = fmt.Sprintf("%s every action except %s", verb(t), listed(t.NotAction))
	case t.ActionPattern != "" && !strings.EqualFold(t.ActionPattern, d.request.Action):
		s.Text = fmt.Sprintf("%s %s", verb(t), textfmt.Head(t.ActionPattern, maxText))
	}
	if t.NotResource != nil {
		s.Text += " on every resource except " + listed(t.NotResource)
	} else if t.ResourcePattern != "" && t.ResourcePattern != d.request.Resource {
		s.Text += " on " + textfmt.Head(t.ResourcePattern, maxText)
	}
	if conditions := t.ConditionText(); conditions != "" {
		s.Text += ", under " + conditions
	}
}

// near returns the part of an Allow that does not apply and comes close.
func (d *deriver) near(s Step, t iampolicy.Trace) (Step, bool) {
	switch {
	case t.Action && t.NotResource != nil:
		s.Role, s.Pattern = ExcludedResource, t.ResourcePattern
		s.Text = "allows the action on every resource except " + listed(t.NotResource)
	case t.Action:
		s.Role = OtherResource
		s.Text = "allows the action only on " + listed(t.Statement.Resource)
		if m, ok := t.Miss(d.request.Action, d.need, d.request.Resource); ok {
			s.Pattern, s.Miss = m.Pattern, &m
		}
	case t.NotAction != nil && t.Resource != iampolicy.No:
		s.Role, s.Pattern = ExcludedAction, t.ActionPattern
		s.Text = "allows every action except " + listed(t.NotAction) + ", and the exception includes " +
			"this action"
	default:
		return d.otherAction(s, t)
	}
	return s, true
}

// otherAction returns the part of an Allow for other actions: one whose action does not exist and
// probably means the action, or one for the same service and the same resource.
func (d *deriver) otherAction(s Step, t iampolicy.Trace) (Step, bool) {
	if u, ok := t.Misnamed(d.request.Action, &d.names); ok {
		s.Role, s.Pattern, s.Text = MisnamedAction, u.Action, u.String()
		if t.Resource == iampolicy.No {
			s.Text += " (and the statement does not include the resource)"
		}
		return s, true
	}
	if t.Resource == iampolicy.No || d.otherActions == 0 {
		return s, false
	}
	service, _, _ := strings.Cut(strings.ToLower(d.request.Action), ":")
	var others []string
	for _, a := range t.Statement.Action {
		if strings.HasPrefix(strings.ToLower(a), service+":") {
			others = append(others, a)
		}
	}
	if others == nil {
		return s, false
	}
	d.otherActions--
	s.Role, s.Pattern = OtherAction, t.ResourcePattern
	s.Text = "includes the resource, but allows other actions: " + listed(others)
	return s, true
}

func verb(t iampolicy.Trace) string {
	if t.Effect == iampolicy.Deny {
		return "denies"
	}
	return "allows"
}

// The limits of the lists in a text: the elements, and the characters of each.
const (
	maxListed = 4
	maxText   = 200
)

func listed(patterns []string) string {
	shown := slices.Clone(patterns)
	for i := range shown[:min(len(shown), maxListed)] {
		shown[i] = textfmt.Head(shown[i], maxText)
	}
	return textfmt.Enumerate(shown, maxListed)
}

// trustService is the service that assumes a render role.
const trustService = "lambda.amazonaws.com"

// deriveTrust derives whether the trust policy lets Lambda assume the render role.
func (s Subject) deriveTrust(e *Explanation) {
	f := s.target.JudgeTrust()
	e.Request = Request{Action: assumeRole, By: trustService, Resource: s.principal.ARN,
		Example: s.principal.ARN, Origin: Needed}
	e.Verdict = Verdict{Status: f.Status, Cause: f.Cause, Why: f.Why, Notes: f.Notes}
	e.Requirement = &Requirement{Sid: f.Sid, Resource: f.Resource, Needed: f.Resource}
	e.Requirement.setConsequence(f)
	for i := range s.findings {
		if s.findings[i].Sid == audit.TrustSid {
			e.Finding = &s.findings[i]
		}
	}
	if s.target.Presence == audit.Absent {
		s.setAbsent(e)
		return
	}
	e.Simulation.Why = "AWS's simulator does not evaluate trust policies"
	l := Layer{Kind: TrustLayer, Effect: UnknownEffect}
	if s.target.Trust == nil {
		l.Unread = []audit.Problem{s.target.TrustProblem}
		e.Layers = []Layer{l}
		return
	}
	all := []traced{{policy: "trust policy", traces: s.target.Trust.TraceTrust(trustService)}}
	all[0].statements = len(all[0].traces)
	l.Effect = effectOf(all)
	l.Documents = []Document{{Policy: all[0].policy, Statements: all[0].statements}}
	for _, t := range all[0].traces {
		step, ok := trustStep(t, l.Effect)
		switch {
		case !ok:
		case len(l.Documents[0].Steps) == maxSteps:
			l.Documents[0].More++
		default:
			l.Documents[0].Steps = append(l.Documents[0].Steps, step)
		}
	}
	e.Layers = []Layer{l}
}

// trustStep returns the part that a statement of a trust policy takes.
func trustStep(t iampolicy.Trace, effect Effect) (s Step, ok bool) {
	s.Statement = t.Ref()
	var names []string
	for _, p := range slices.Concat(t.Principal, t.NotPrincipal) {
		names = append(names, strings.TrimPrefix(p.Type+" "+p.Name, " "))
	}
	switch {
	case applies(t) == iampolicy.Yes:
		s.Role, s.Decides = StatementAllows, effect == Allows
		if t.Effect == iampolicy.Deny {
			s.Role, s.Decides = StatementDenies, true
		}
		s.Text = verb(t) + " " + assumeRole + " for " + trustService
		if conditions := t.ConditionText(); conditions != "" {
			s.Text += ", under " + conditions
		}
	case applies(t) == iampolicy.Open:
		s.Role, s.Decides, s.Text = DependsOn, effect == Undecided, t.UndecidedText()
	case t.Effect == iampolicy.Deny:
		return s, false
	case t.Action && t.Resource == iampolicy.No && t.NotPrincipal != nil:
		s.Role = OtherPrincipal
		s.Text = "allows " + assumeRole + " for every principal except " + listed(names)
	case t.Action && t.Resource == iampolicy.No:
		s.Role, s.Text = OtherPrincipal, "allows "+assumeRole+" only for "+listed(names)
	case t.Resource != iampolicy.No:
		s.Role = OtherAction
		s.Text = "names " + trustService + ", but allows other actions: " + listed(t.Statement.Action)
	default:
		return s, false
	}
	return s, true
}
