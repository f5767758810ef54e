package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A Question is an action, and a resource or a pattern of resources. An empty resource means the
// resources that Remotion needs.
type Question struct {
	Action, Resource string
}

// maxQuestion is the length of an action and of a resource in bytes. No ARN of AWS is longer.
const maxQuestion = 2048

// Check returns an error for a question that no request can have.
func (q Question) Check() error {
	if len(q.Action) > maxQuestion || len(q.Resource) > maxQuestion {
		return fmt.Errorf("the action and the resource must have at most %d characters each",
			maxQuestion)
	}
	if strings.ContainsAny(q.Action, "*?") {
		return fmt.Errorf("ACTION must be one action such as s3:GetObject, got %s: a request names one",
			textfmt.Quote(q.Action, 200))
	}
	if _, err := iampolicy.NewNeed(q.Action, "*"); err != nil {
		return fmt.Errorf("ACTION: %w", err)
	}
	if u, unknown := iamactions.Check(q.Action); unknown && u.Nearest != "" {
		return fmt.Errorf("ACTION: %s", textfmt.OneLine(u.String()))
	}
	if q.Resource == "" {
		return nil
	}
	if _, err := iampolicy.NewNeed(q.Action, q.Resource); err != nil {
		return fmt.Errorf("RESOURCE: %w", err)
	}
	return nil
}

// isPattern reports whether the question names a pattern of resources. The resource "*" of an
// action that takes no resource is not a pattern.
func (q Question) isPattern() bool {
	return strings.ContainsAny(q.Resource, "*?") && !q.isStar()
}

// isStar reports whether the requests of the question name no resource.
func (q Question) isStar() bool {
	star, known := policies.FindStarAction(q.Action)
	return q.Resource == "*" && (iamactions.TakesNoResource(q.Action) ||
		known && star.Scope != policies.NamedResource)
}

// A candidate is a need that the question may be about, with the requirement that it is of.
type candidate struct {
	need needs.Need
	// requirement is nil if Remotion does not need the request.
	requirement *policies.Requirement
	origin      Origin
}

// candidates returns what the question is about: the needs of its action without a resource, else
// one need.
func (s Subject) candidates(q Question) []candidate {
	required := s.requirements(q.Action)
	if q.Resource == "" {
		var list []candidate
		for _, r := range required {
			list = append(list, candidate{r.need, &r.Requirement, Needed})
		}
		if list == nil {
			q.Resource = "*"
			list = []candidate{{s.asked(q, nil), nil, Chosen}}
		}
		return list
	}
	c := candidate{origin: Asked}
	var of *needs.Need
	for _, r := range required {
		if iampolicy.ResourceMatches(r.need.Pattern, q.Resource) ||
			iampolicy.ResourceMatches(q.Resource, r.need.Resource) || q.Resource == r.Resource {
			of, c.requirement = &r.need, &r.Requirement
			break
		}
	}
	c.need = s.asked(q, of)
	return []candidate{c}
}

// asked returns the need of a question with a resource. of is the need of Remotion that it is a
// part of; nil for none.
func (s Subject) asked(q Question, of *needs.Need) needs.Need {
	n := needs.Need{Pattern: q.Resource, Literal: !q.isPattern()}
	n.Action, n.Resource = q.Action, q.Resource
	n.Region = cmp.Or(regionOf(q.Resource), s.scope.Regions[0])
	if of != nil {
		n.Action, n.Region = of.Action, cmp.Or(regionOf(q.Resource), of.Region)
		if n.Literal && of.Literal {
			n.Contested = of.Contested
		}
	}
	if n.Literal {
		return n
	}
	if of != nil && iampolicy.ResourceMatches(q.Resource, of.Resource) {
		n.Resource = of.Resource
	}
	n.Resource = concrete(n.Resource, n.Region)
	return n
}

// regionOf returns the region in an ARN or in the name of a bucket of Remotion. It is empty if
// there is none, or if it is a pattern.
func regionOf(resource string) string {
	a, _ := arn.Parse(resource)
	if a.Region != "" && !strings.ContainsAny(a.Region, "*?") {
		return a.Region
	}
	for _, partition := range policies.Partitions() {
		for _, region := range policies.Regions(partition) {
			if a.Service == "s3" && strings.HasPrefix(a.Resource, needs.BucketPrefix(region)) {
				return region
			}
		}
	}
	return ""
}

// exampleAccount and exampleName stand for an account and a name that a pattern leaves open.
const (
	exampleAccount = "123456789012"
	exampleName    = "example"
)

// concrete returns a resource that a pattern matches, with real forms of the region and the
// account.
func concrete(pattern, region string) string {
	if !strings.ContainsAny(pattern, "*?") || pattern == "*" {
		return pattern
	}
	fields, n := arn.Split(pattern)
	if region == needs.AnyRegion || region == "" {
		region = "us-east-1"
	}
	for i := range fields[:n] {
		with := exampleName
		switch i {
		case arn.Partition:
			with = policies.AWS
		case arn.Region:
			with = region
		case arn.Account:
			with = exampleAccount
		}
		fields[i] = strings.NewReplacer("*", with, "?", "x").Replace(fields[i])
	}
	return strings.Join(fields[:n], ":")
}

// requests returns the requests of a question for AWS's simulator, at most most of them.
func (s Subject) requests(q Question, most int) (list []needs.SimulationRequest) {
	for _, c := range s.candidates(q) {
		if len(list) < most && !slices.Contains(list, c.need.SimulationRequest) {
			list = append(list, c.need.SimulationRequest)
		}
	}
	return list
}

// judged is a candidate with its judgement.
type judged struct {
	candidate
	finding audit.Finding
}

// judge returns the judgement on a need. For policy files, the documents alone decide.
func (s Subject) judge(n needs.Need) audit.Finding {
	if s.target != nil {
		return s.target.JudgeNeed(n)
	}
	f := audit.Finding{Action: n.Action, Resource: n.Pattern, Region: n.Region}
	requests, err := n.Requests()
	if err != nil {
		f.Status, f.Why = audit.Unverified, err.Error()
		return f
	}
	ctx := s.context(n.SimulationRequest)
	c, dispute := requests.Cover(s.grants, ctx)
	if c.Status.Gap() && !n.Literal && c.ExampleARN != n.Resource {
		// The sample is allowed. Another resource with a usual form is a better example than the
		// shortest one.
		requests.Need = requests.Preferring(concrete(n.Pattern, n.Region))
		c, dispute = requests.Cover(s.grants, ctx)
	}
	f.Status, f.Cause, f.Why, f.ExampleARN = c.Status, c.Cause, c.Explanation(), c.ExampleARN
	f.Inspected, f.Statements = string(c.Status), iampolicy.Refs(c.Deciding)
	if dispute != "" {
		f.Notes = []string{dispute}
	}
	return f
}

// Derive derives the decision on the request of a question. If Remotion needs the action on several
// resources and the question names none, it derives the worst need and lists the others.
func Derive(s Subject, q Question) Explanation {
	e := Explanation{Principal: s.principal, NotVisible: slices.Clone(s.notVisible)}
	if s.principal.Kind == audit.RenderRole && s.target != nil &&
		strings.EqualFold(q.Action, assumeRole) &&
		(q.Resource == "" || q.Resource == s.principal.ARN) {
		s.deriveTrust(&e)
		return e
	}
	var list []judged
	worst := 0
	for i, c := range s.candidates(q) {
		list = append(list, judged{c, s.judge(c.need)})
		if rank(list[i]) > rank(list[worst]) {
			worst = i
		}
	}
	main := list[worst]
	s.describe(&e, main)
	for i, o := range list {
		if i != worst {
			e.Others = append(e.Others, Other{o.need.Pattern, o.need.Region, o.finding.Status,
				o.finding.Cause})
		}
	}
	if u, unknown := iamactions.Check(q.Action); unknown {
		e.Verdict.Notes = append(e.Verdict.Notes, u.String())
	}
	if s.target != nil && s.target.Presence == audit.Absent {
		s.setAbsent(&e)
		return e
	}
	s.setSimulation(&e, main)
	request := iampolicy.Request{Action: main.need.Action, Resource: e.Request.Example,
		Context: s.context(needs.SimulationRequest{Action: main.need.Action,
			Resource: e.Request.Example, Region: main.need.Region})}
	e.Context = audit.ContextLines(request.Context)
	e.Layers = []Layer{s.identity(request, main), s.boundary(request, main),
		s.organization(request, main, e.Simulation)}
	if s.grants.ResourceControl != nil {
		e.Layers = append(e.Layers, s.resourceControl(request, main))
	}
	if strings.EqualFold(q.Action, assumeRole) {
		e.NotVisible = append(e.NotVisible, "the trust policy of the assumed role")
	}
	return e
}

// rank orders judgements, the worst last: by status, then by severity.
func rank(j judged) int {
	severity := 0
	if j.requirement != nil {
		severity = int(j.requirement.Severity)
	}
	return j.finding.Status.Rank()*16 + severity
}

// describe sets the request, the verdict and the requirement of an explanation.
func (s Subject) describe(e *Explanation, j judged) {
	f := j.finding
	e.Request = Request{Action: j.need.Action, Resource: j.need.Pattern, Region: j.need.Region,
		Origin: j.origin, Example: cmp.Or(f.ExampleARN, concrete(j.need.Resource, j.need.Region))}
	if e.Request.Region == needs.AnyRegion {
		e.Request.Region = ""
	}
	e.Verdict = Verdict{Status: f.Status, Cause: f.Cause, Why: f.Why, Notes: slices.Clone(f.Notes)}
	if j.requirement == nil {
		e.NotNeeded = s.notNeeded(j.need)
		return
	}
	r := *j.requirement
	e.Requirement = &Requirement{Sid: r.Sid, Resource: r.Resource, Needed: j.need.Pattern,
		Severity: r.Severity, Operations: r.Operations, Reason: r.Reason, Impact: r.Impact,
		Breakage: r.Breakage, Source: r.Source, Releases: r.NeededBy}
	if j.origin == Asked {
		e.Requirement.Needed = s.neededFor(j)
	}
	for i := range s.findings {
		if o := &s.findings[i]; o.Action == r.Action && o.Resource == r.Resource && o.Sid == r.Sid {
			e.Finding = o
			e.Requirement.setConsequence(*o)
		}
	}
}

// setConsequence takes what happens without the permission from a finding: the report knows which
// other permissions are granted.
func (r *Requirement) setConsequence(f audit.Finding) {
	r.Severity, r.Operations, r.Reason, r.Impact = f.Severity, f.Operations, f.Reason, f.Impact
	r.Breakage, r.Source = f.Breakage, f.Source
}

// neededFor returns the pattern of the need that a question with a resource is about.
func (s Subject) neededFor(j judged) string {
	for _, n := range s.scope.Needed(*j.requirement) {
		if iampolicy.ResourceMatches(n.Pattern, j.need.Pattern) ||
			iampolicy.ResourceMatches(j.need.Pattern, n.Resource) {
			return n.Pattern
		}
	}
	return j.requirement.Resource
}

// notNeeded says why Remotion does not need a request of the principal.
func (s Subject) notNeeded(n needs.Need) string {
	has := func(list []policies.Requirement) (r policies.Requirement, ok bool) {
		i := slices.IndexFunc(list, func(r policies.Requirement) bool {
			return strings.EqualFold(r.Action, n.Action)
		})
		if i < 0 {
			return r, false
		}
		return list[i], true
	}
	kind := s.principal.Policy
	if required := s.requirements(n.Action); required != nil {
		var patterns []string
		for _, r := range required {
			patterns = textfmt.AppendNew(patterns, r.need.Pattern)
		}
		return "Remotion needs the action on " + textfmt.Enumerate(patterns, 3) +
			", and not on this resource"
	}
	if r, ok := has(s.scope.Requirements(s.releases, kind, policies.All)); ok {
		return fmt.Sprintf("the purpose %s does not need it; other operations do: %s",
			s.principal.Purpose, joined(r.Operations))
	}
	if _, ok := has(s.scope.Uncalled(s.releases, kind)); ok {
		return fmt.Sprintf("the %s policy of Remotion documents it, but no release in use calls it", kind)
	}
	for _, other := range policies.Kinds {
		if other == kind {
			continue
		}
		if _, ok := has(s.scope.Requirements(s.releases, other, policies.All)); ok {
			return fmt.Sprintf("it is in the %s policy of Remotion, which %s need", other,
				map[policies.PolicyKind]string{policies.User: "callers", policies.Role: "render roles"}[other])
		}
	}
	all := policies.Releases(s.scope.Partition)
	if r, ok := has(policies.Union(all, kind)); ok {
		return "the releases in use do not need it; others do: " + span(r)
	}
	return "no release of Remotion calls it"
}

// span returns the releases with a requirement.
func span(r policies.Requirement) string {
	if r.Until == "" {
		return r.Since + " and later"
	}
	return r.Since + " to " + r.Until
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}

// setAbsent replaces the verdict on a principal that does not exist.
func (s Subject) setAbsent(e *Explanation) {
	e.Verdict = Verdict{Status: audit.Missing, Cause: audit.TargetMissing,
		Why: "the account has no principal " + s.principal.Name}
	e.Layers, e.Others = []Layer{}, nil
	e.Simulation.Why = "the principal does not exist"
	for i := range s.findings {
		if f := &s.findings[i]; f.Cause == audit.TargetMissing {
			e.Verdict.Why, e.Finding = f.Why, f
		}
	}
}

// setSimulation sets the answer of AWS's simulator.
func (s Subject) setSimulation(e *Explanation, j judged) {
	q := j.need.SimulationRequest
	if s.target == nil {
		e.Simulation.Why = "policy files belong to no account"
		return
	}
	e.Simulation.Resource = q.Resource
	a, ok := s.target.Answers[q]
	if !ok {
		e.Simulation.Why = "AWS gave no answer"
		for _, p := range s.target.Unanswered {
			e.Simulation.Why = p.Why
		}
		return
	}
	e.Simulation = Simulation{Resource: q.Resource, Decision: a.Decision.String(),
		Context:    audit.ContextLines(s.target.RequestContext(q)),
		Statements: a.Statements, Missing: a.Missing, OrganizationDenies: a.OrganizationDenies,
		BoundaryDenies: a.BoundaryDenies, OtherwiseKeys: a.UnknownKeys}
	if a.Plausible != nil {
		e.Simulation.Otherwise = a.Plausible.Decision.String()
	}
	if a.Inferred {
		e.Simulation.Why = "inferred from the answers to other requests"
	}
}
