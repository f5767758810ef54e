package check

import (
	"cmp"
	"context"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// ReplacementVersion is the version of the JSON form of a Replacement:
// docs/check-replacement.schema.json.
const ReplacementVersion = "1"

// ReplacementStatus is the overall result of the comparison of two sets of policies.
type ReplacementStatus string

const (
	// Loses means that the proposed policies deny something that is needed and that works today.
	Loses ReplacementStatus = "loses"
	// LossUnverified means that no loss is certain, but that a loss is possible.
	LossUnverified ReplacementStatus = "unverified"
	// LosesNothing means that the proposed policies grant all that is needed and that works today.
	// Both may lack something.
	LosesNothing ReplacementStatus = "loses-nothing"
)

// A Replacement says what a principal would lose and gain if proposed policies took the place of
// its current policies.
type Replacement struct {
	SchemaVersion string `json:"schemaVersion"`
	// Tool is the command that made the comparison.
	Tool *contract.Tool `json:"tool,omitempty"`
	// Status is loses if anything is lost, else unverified if anything is unverified, else
	// loses-nothing.
	Status ReplacementStatus `json:"status"`
	// Current and Proposed are the names of the policy files.
	Current  []string `json:"current"`
	Proposed []string `json:"proposed"`
	// Sources are the files of the policies: the proposed ones, the limits, and the current ones.
	Sources []Source `json:"sources,omitempty"`
	// Policy, Required, Problem, KnownUntil and Assumed are those of a Verdict.
	Policy     policies.PolicyKind `json:"policy,omitempty"`
	Required   string              `json:"required"`
	Problem    string              `json:"problem,omitempty"`
	KnownUntil string              `json:"knownUntil,omitempty"`
	Assumed    []string            `json:"assumedContext"`
	// Requirements is the sum of Kept, Lost, Gained, MissingInBoth and Unverified.
	Requirements  int `json:"requirements"`
	Kept          int `json:"kept"`
	Lost          int `json:"lost"`
	Gained        int `json:"gained"`
	MissingInBoth int `json:"missingInBoth"`
	Unverified    int `json:"unverified"`
	// Changes are in the order of the requirements. A requirement that is kept has no change.
	Changes []Change `json:"changes"`
	// Notes are those of both verdicts.
	Notes []string `json:"notes,omitempty"`
}

// ChangeKind says what a replacement does to a requirement.
type ChangeKind string

const (
	// Lost means that the current policies grant the requirement, or a part of it, and that the
	// proposed ones do not.
	Lost ChangeKind = "lost"
	// Gained means that only the proposed policies grant all of the requirement.
	Gained ChangeKind = "gained"
	// MissingInBoth means that neither grants all of the requirement, and that the proposed policies
	// grant what the current ones grant.
	MissingInBoth ChangeKind = "missing-in-both"
	// ChangeUnverified means that a loss is possible and could not be decided.
	ChangeUnverified ChangeKind = "unverified"
)

// A Change is the effect of a replacement on one requirement.
type Change struct {
	Kind     ChangeKind `json:"change"`
	Sid      string     `json:"sid,omitempty"`
	Action   string     `json:"action"`
	Resource string     `json:"resource"`
	// Before and After are the statuses with the current and with the proposed policies.
	Before iampolicy.Status `json:"before"`
	After  iampolicy.Status `json:"after"`
	// Cause and Why explain After. For a gained requirement they explain Before. Of an unverified
	// change, Why says what could not be decided.
	Cause iampolicy.Cause `json:"cause,omitempty"`
	Why   string          `json:"why,omitempty"`
	// ExampleAction and ExampleARN are a request that is lost, or missing, or undecided.
	ExampleAction string `json:"exampleAction,omitempty"`
	ExampleARN    string `json:"exampleArn,omitempty"`
	// Statements are the statements that decide After.
	Statements []iampolicy.StatementRef `json:"statements,omitempty"`
	// At is the place of the finding that explains the change, and Open what it depends on.
	At   *Place `json:"at,omitempty"`
	Open []Open `json:"open,omitempty"`
	// Severity, Operations, Reason and Impact are set for requirements of Remotion. UsedWhen says when
	// the operations happen.
	Severity   policies.Severity    `json:"severity,omitzero"`
	Operations []policies.Operation `json:"operations,omitempty"`
	UsedWhen   string               `json:"usedWhen,omitempty"`
	Reason     string               `json:"reason,omitempty"`
	Impact     string               `json:"impact,omitempty"`
	// Stops says what stops without the permission; zero for a requirement that is not Remotion's.
	Stops policies.Stops `json:"stops,omitzero"`
}

// Compare evaluates the current and the proposed policies and returns what changes. Both have the
// same limits: the boundary and the organization of current. The error is that of ctx, if ctx ends
// first.
func Compare(ctx context.Context, current, proposed Bounds, required Required,
	extra iampolicy.Context) (Replacement, error) {
	proposed.setLimits(current)
	before, err := Evaluate(ctx, current, required, extra)
	if err != nil {
		return Replacement{}, err
	}
	after, err := Evaluate(ctx, proposed, required, extra)
	if err != nil {
		return Replacement{}, err
	}
	r := Replacement{SchemaVersion: ReplacementVersion, Status: LosesNothing,
		Current: names(current.AtMost), Proposed: names(proposed.AtMost), Policy: after.Policy,
		Required: after.Required,
		Problem:  after.Problem, KnownUntil: after.KnownUntil, Assumed: after.Assumed,
		Requirements: after.Requirements, Changes: []Change{}}
	for _, s := range slices.Concat(after.Sources, before.Sources) {
		if !slices.Contains(r.Sources, s) {
			r.Sources = append(r.Sources, s)
		}
	}
	for _, note := range slices.Concat(before.Notes, after.Notes) {
		if !slices.Contains(r.Notes, note) {
			r.Notes = append(r.Notes, note)
		}
	}
	budget := iampolicy.NewBudget(ctx, maxWork*iampolicy.UnitOfWork)
	// A loss is proved if what is lost is granted in any case now and not at all then. Nothing is lost
	// if that holds for what may be granted now and is granted in any case then.
	comparison := boundsComparison{
		loss: newPartComparison(budget, current.AtLeast, proposed.AtMost, extra)}
	if len(current.Open)+len(proposed.Open) > 0 {
		comparison.keep = newPartComparison(budget, current.AtMost, proposed.AtLeast, extra)
	}
	for i := range required.Requirements {
		change := comparison.change(required.Requirements[i], before.Findings[i], after.Findings[i])
		switch change.Kind {
		case Lost:
			r.Lost++
		case Gained:
			r.Gained++
		case MissingInBoth:
			r.MissingInBoth++
		case ChangeUnverified:
			r.Unverified++
		default:
			r.Kept++
			continue
		}
		r.Changes = append(r.Changes, change)
	}
	switch {
	case r.Lost > 0:
		r.Status = Loses
	case r.HasUnverified():
		r.Status = LossUnverified
	}
	return r, ctx.Err()
}

// setLimits sets the boundary and the organization to those of other bounds.
func (b *Bounds) setLimits(other Bounds) {
	b.AtLeast.Boundary, b.AtLeast.Organization = other.AtLeast.Boundary, other.AtLeast.Organization
	b.AtMost.Boundary, b.AtMost.Organization = other.AtMost.Boundary, other.AtMost.Organization
	b.AtLeast.ResourceControl = other.AtLeast.ResourceControl
	b.AtMost.ResourceControl = other.AtMost.ResourceControl
	identity := func(o Open) bool {
		return slices.ContainsFunc(other.AtMost.Identity, func(p iampolicy.Policy) bool {
			return p.ID == o.Policy
		})
	}
	b.Open = slices.Concat(b.Open, slices.DeleteFunc(slices.Clone(other.Open), identity))
}

func names(g iampolicy.Grants) []string {
	list := []string{}
	for _, p := range g.Identity {
		list = textfmt.AppendNew(list, cmp.Or(p.Location.Name, p.ID))
	}
	return list
}

// A boundsComparison compares what two sets of identity policies with open parts grant.
type boundsComparison struct {
	loss *partComparison // the one that proves losses
	keep *partComparison // the one that proves that nothing is lost; nil if nothing is open
}

// keeps reports whether nothing of a requirement is lost with any value of the open parts.
func (p *boundsComparison) keeps(r Requirement) bool {
	return p.keep != nil && p.keep.compare(r).kind == MissingInBoth
}

// compare decides whether the proposed policies allow what the current ones allow of a requirement.
func (p *boundsComparison) compare(r Requirement) part {
	result := p.loss.compare(r)
	if result.kind == MissingInBoth && p.keep != nil {
		if result = p.keep.compare(r); result.kind == Lost {
			result = part{kind: ChangeUnverified, action: result.action, arn: result.arn,
				why: "it depends on what the files leave open whether the proposed policies grant all that " +
					"the current ones grant"}
		}
	}
	return result
}

// Worst returns the highest severity of the losses, or zero without a loss. A requirement from a
// file has no severity and counts as critical.
func (r Replacement) Worst() (worst policies.Severity) {
	for _, c := range r.Changes {
		if c.Kind == Lost {
			worst = max(worst, cmp.Or(c.Severity, policies.Critical))
		}
	}
	return worst
}

// HasUnverified reports whether a change is unverified, or the needs of the release.
func (r Replacement) HasUnverified() bool { return r.Unverified > 0 || r.Problem != "" }

// change compares the findings about one requirement. A requirement that is kept has no Kind.
func (p *boundsComparison) change(r Requirement, before, after Finding) Change {
	c := Change{Sid: after.Sid, Action: after.Action, Resource: after.Resource,
		Before: before.Status, After: after.Status, Severity: after.Severity, Reason: after.Reason,
		Impact: after.Impact, Stops: after.Stops}
	explain := after
	switch {
	case after.Status == iampolicy.Satisfied && before.Status == iampolicy.Satisfied:
		return c
	case after.Status == iampolicy.Satisfied && before.Status == iampolicy.Unverified:
		return c // nothing can be lost
	case after.Status == iampolicy.Satisfied:
		c.Kind, explain = Gained, before
		c.Severity, c.Reason, c.Impact = before.Severity, before.Reason, before.Impact
	case after.Status == iampolicy.Unverified:
		c.Kind = ChangeUnverified
		if before.Status == iampolicy.Missing || before.Status == iampolicy.Denied || p.keeps(r) {
			c.Kind, explain = MissingInBoth, before // nothing can be lost
		}
	case before.Status == iampolicy.Satisfied:
		c.Kind = Lost
	case before.Status == iampolicy.Missing || before.Status == iampolicy.Denied:
		c.Kind = MissingInBoth
	case before.Status == iampolicy.Unverified && p.keeps(r):
		c.Kind = MissingInBoth
	case before.Status == iampolicy.Unverified:
		c.Kind, explain = ChangeUnverified, before
	default:
		c.Kind = MissingInBoth
		if part := p.compare(r); part.kind != MissingInBoth {
			c.Kind = part.kind
			explain.Cause, explain.Why, explain.Statements = part.cause, part.why, part.statements
			explain.ExampleAction, explain.ExampleARN = part.action, part.arn
		}
	}
	c.Cause, c.Why, c.Statements = explain.Cause, explain.Why, explain.Statements
	c.ExampleAction, c.ExampleARN = explain.ExampleAction, explain.ExampleARN
	c.At, c.Open = explain.At, explain.Open
	if r.remotion != nil {
		c.Operations = r.remotion.Operations
		if r.remotion.Kind == policies.Role {
			c.Operations = []policies.Operation{policies.RenderOperation}
		}
		c.UsedWhen = usedWhen(c.Operations, r.remotion.Kind)
	}
	return c
}

// operationTimes say when a caller performs an operation. They show which rights an unused-access
// finding takes for unused, although they are only used rarely.
var operationTimes = map[policies.Operation]string{
	policies.DeployOperation:    "when functions or buckets are set up, listed or removed",
	policies.Sites:              "when sites are deployed, listed or removed",
	policies.RenderOperation:    "when renders start, report progress or are downloaded",
	policies.Invoke:             "when renders start or report progress",
	policies.Stills:             "when stills are rendered",
	policies.ProgressFromBucket: "when progress is read with skipLambdaInvocation",
	policies.Quotas:             "when quotas are shown or raised",
	policies.DeleteRender:       "when renders are deleted",
	policies.Validate:           "when `remotion lambda policies validate` runs",
}

// usedWhen says when operations happen. The operations of a role happen in the functions.
func usedWhen(operations []policies.Operation, kind policies.PolicyKind) string {
	if kind == policies.Role {
		return "when a function renders"
	}
	text := ""
	for i, o := range operations {
		if i > 0 {
			text += "; "
		}
		text += operationTimes[o]
	}
	return text
}

// part is the result of the comparison of what two sets of policies grant of one requirement.
type part struct {
	kind        ChangeKind // Lost, ChangeUnverified or MissingInBoth
	cause       iampolicy.Cause
	why         string
	statements  []iampolicy.StatementRef
	action, arn string
}

// compare decides whether the proposed policies allow what the current ones allow of a requirement
// that neither satisfies. A proved loss wins over an undecided one.
func (p *partComparison) compare(r Requirement) part {
	result := part{kind: MissingInBoth}
	for _, d := range r.demands {
		one := p.demand(d)
		if one.kind == Lost {
			return one
		}
		if one.kind == ChangeUnverified {
			result = one
		}
	}
	return result
}

func (p *partComparison) demand(d demand) part {
	ctx := audit.Overridden(d.context, p.extra)
	after, _ := d.requests.CoverWithin(p.budget, p.proposed, ctx)
	before, _ := d.requests.CoverWithin(p.budget, p.current, ctx)
	switch {
	case after.Status == iampolicy.Satisfied || before.Status == iampolicy.Missing ||
		before.Status == iampolicy.Denied:
		return part{kind: MissingInBoth}
	case before.Status == iampolicy.Satisfied && after.Status.Gap() && !d.widened:
		return part{kind: Lost, cause: after.Cause, why: after.Explanation(),
			statements: refs(after.Deciding), action: after.ExampleAction, arn: after.ExampleARN}
	case before.Status == iampolicy.Satisfied:
		return part{kind: ChangeUnverified, why: cmp.Or(d.unless, after.Reason),
			action: d.requests.Action, arn: d.requests.Resource}
	}
	result := part{kind: MissingInBoth}
	for _, g := range p.keeping(d.requests.Need) {
		c, _ := d.requests.CoverWithin(p.budget, g, ctx)
		if c.Status == iampolicy.Satisfied {
			continue
		}
		if lost, ok := p.lost(c, ctx); ok && !d.widened {
			return lost
		}
		for _, candidate := range p.candidates(d.requests.Need) {
			if lost, ok := p.lost(candidate, ctx); ok && !d.widened {
				return lost
			}
		}
		result = part{kind: ChangeUnverified, action: d.requests.Action, arn: d.requests.Resource,
			why: "the current policies grant a part of it, and the check cannot decide whether the " +
				"proposed policies grant the same part: add the flags that limit the check to that " +
				"part, such as --account and --regions, or --context"}
	}
	return result
}

// lost describes the example of a coverage as a loss. ok is false if it is none.
func (p *partComparison) lost(c iampolicy.Coverage, ctx iampolicy.Context) (lost part, ok bool) {
	request := iampolicy.Request{Action: c.ExampleAction, Resource: c.ExampleARN, Context: ctx}
	if request.Action == "" || request.Resource == "" {
		return lost, false
	}
	before, after := p.current.Evaluate(request), p.proposed.Evaluate(request)
	if before.Decision != iampolicy.Allowed || before.Conditional ||
		after.Decision == iampolicy.Allowed || after.Conditional {
		return lost, false
	}
	lost = part{kind: Lost, action: c.ExampleAction, arn: c.ExampleARN, cause: iampolicy.NoGrant,
		why: "no statement of the proposed policies allows it"}
	if single, err := iampolicy.NewNeed(c.ExampleAction, c.ExampleARN); err == nil {
		if cover := p.proposed.CoverWithin(p.budget, single, ctx); cover.Status.Gap() {
			lost.cause, lost.why, lost.statements = cover.Cause, cover.Explanation(),
				refs(cover.Deciding)
		}
	}
	return lost, true
}
