// Package check compares policy documents with the requirements of a Remotion release or of another
// document. It needs no AWS account, so a repository can check its policies before they are
// applied.
//
//	target := check.Target{Kind: policies.Role}
//	required, err := check.ReleaseRequirements(target, policies.Latest())
//	verdict, err := check.Evaluate(ctx, check.Exactly(grants), required, nil)
//
// The package decides with package iampolicy alone and does not call AWS. It does not consider
// other policies of a principal or the service control policies of an organization.
package check

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// SchemaVersion is the version of a Verdict's JSON form: docs/check.schema.json.
const SchemaVersion = "1"

// Verdict is the result of a check.
type Verdict struct {
	SchemaVersion string `json:"schemaVersion"`
	// Tool is the command that made the verdict. It is nil in Results, which have their own.
	Tool *contract.Tool `json:"tool,omitempty"`
	// Status is gaps if there is an unmuted gap, else unverified if there is an unverified finding,
	// else compliant.
	Status audit.ReportStatus `json:"status"`
	// Policies are the names of the policy files as given. They are nil in Results.
	Policies []string `json:"policies,omitempty"`
	// Sources are the files of the policies, in the order of the layers.
	Sources []Source `json:"sources,omitempty"`
	// Principal is the principal that a template or a plan declares; nil for policy documents.
	Principal *Principal `json:"principal,omitempty"`
	// Open lists parts of the policies that the files leave open, at most 100.
	Open []Open `json:"open,omitempty"`
	// Policy is the kind of policy that is required; empty for the requirements of a file.
	Policy policies.PolicyKind `json:"policy,omitempty"`
	// Required is the name of the requirements: a release of Remotion, or a file.
	Required string `json:"required"`
	// Problem says why the verdict is at best unverified: the release is of an unknown major version.
	// KnownUntil is the newest release of the catalogue, if the release is newer.
	Problem    string `json:"problem,omitempty"`
	KnownUntil string `json:"knownUntil,omitempty"`
	// Assumed lists the request context as key=value, ordered by key.
	Assumed []string `json:"assumedContext"`
	// Baseline compares the verdict with an earlier check. It is nil without one, and in Results,
	// which have their own.
	Baseline *audit.Comparison `json:"baseline,omitempty"`
	// Requirements is the sum of Satisfied, Gaps, GapsMuted and Unverified.
	Requirements int `json:"requirements"`
	Satisfied    int `json:"satisfied"`
	Gaps         int `json:"gaps"`
	GapsMuted    int `json:"gapsMuted,omitempty"`
	Unverified   int `json:"unverified"`
	// Findings are in the order of the requirements, one for each Sid, action and resource.
	Findings []Finding `json:"findings"`
	// Fix has the edits of the policy files that close gaps, if the check searched for them; nil for
	// none.
	Fix *remedy.Fix `json:"fix,omitempty"`
	// Notes are sentences, without a full stop: what is assumed about the target, and the actions of
	// the policies that do not exist.
	Notes []string `json:"notes,omitempty"`
	// Excess lists the grants that no requirement needs, if the check searched for them.
	// ExcessIncomplete is true if the list may be incomplete.
	Excess           []iampolicy.Excess `json:"excess,omitempty"`
	ExcessIncomplete bool               `json:"excessIncomplete,omitempty"`
}

// Source is the file of a policy.
type Source struct {
	// Policy is the name of the policy in the findings.
	Policy string `json:"policy"`
	// File is the path of the file, with slashes; empty for standard input.
	File string `json:"file,omitempty"`
}

// policiesOf yields the policies of all layers: identity, boundary, organization, and those of
// resource control.
func policiesOf(grants iampolicy.Grants) iter.Seq[iampolicy.Policy] {
	layers := [][]iampolicy.Policy{grants.Identity}
	if grants.Boundary != nil {
		layers = append(layers, []iampolicy.Policy{*grants.Boundary})
	}
	return func(yield func(iampolicy.Policy) bool) {
		for _, layer := range slices.Concat(layers, grants.Organization, grants.ResourceControl) {
			for _, p := range layer {
				if !yield(p) {
					return
				}
			}
		}
	}
}

// sources returns the files of all policies.
func sources(grants iampolicy.Grants) (list []Source) {
	for p := range policiesOf(grants) {
		if p.Location.Kind != iampolicy.FileLocation {
			continue
		}
		s := Source{p.ID, p.Location.Name}
		if s.File == "-" {
			s.File = ""
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Finding is the judgement on one requirement.
type Finding struct {
	Sid    string `json:"sid,omitempty"`
	Action string `json:"action"`
	// Resource is the required pattern.
	Resource string           `json:"resource"`
	Status   iampolicy.Status `json:"status"`
	Cause    iampolicy.Cause  `json:"cause,omitempty"`
	// ExampleAction and ExampleARN are a request with this status. A satisfied finding has no
	// example.
	ExampleAction string `json:"exampleAction,omitempty"`
	ExampleARN    string `json:"exampleArn,omitempty"`
	Why           string `json:"why,omitempty"`
	// Miss describes how the nearest grant differs from the requirement.
	Miss *iampolicy.NearMatch `json:"miss,omitempty"`
	// Statements are the deciding statements. Covering are the statements that grant the requirement,
	// or the covered part of it.
	Statements []iampolicy.StatementRef `json:"statements,omitempty"`
	Covering   []iampolicy.StatementRef `json:"covering,omitempty"`
	// At is the place in the files to look at, and to edit: the deciding statement, or the policy to
	// which the permission can be added. It is nil for a satisfied finding, and without a file.
	At *Place `json:"at,omitempty"`
	// Open lists parts of the policies, left open by the files, on which the finding depends.
	Open []Open `json:"open,omitempty"`
	// Severity, Reason and Impact are set for requirements of Remotion. A finding about which AWS's
	// documentation disagrees has a severity, too.
	Severity policies.Severity `json:"severity,omitzero"`
	Reason   string            `json:"reason,omitempty"`
	Impact   string            `json:"impact,omitempty"`
	// Stops says what stops without the permission; zero for a requirement that is not Remotion's.
	Stops policies.Stops `json:"stops,omitzero"`
	// Muted is the mute that hides the gap; nil for none.
	Muted *audit.Mute `json:"muted,omitempty"`
	// Baseline compares the gap with an earlier check; empty without one.
	Baseline audit.BaselineState `json:"baseline,omitempty"`
}

// Gap reports whether the finding is an unmuted gap.
func (f Finding) Gap() bool { return f.Status.Gap() && f.Muted == nil }

// maxWork is the work of one check in units of iampolicy.UnitOfWork. Requirements that are left
// when it is spent are unverified. Ordinary documents need less than a hundredth of it.
const maxWork = 24

// Evaluate returns a verdict that states for each requirement whether the policies grant all of it.
// The request context is the context of the requirement with the keys of extra added; extra wins.
// The error is that of ctx, if ctx ends first.
func Evaluate(ctx context.Context, bounds Bounds, required Required,
	extra iampolicy.Context) (Verdict, error) {
	budget := iampolicy.NewBudget(ctx, maxWork*iampolicy.UnitOfWork)
	v := evaluate(budget, bounds, required, extra)
	return v, ctx.Err()
}

func evaluate(budget *iampolicy.Budget, bounds Bounds, required Required,
	extra iampolicy.Context) Verdict {
	r := Verdict{
		SchemaVersion: SchemaVersion,
		Sources:       sources(bounds.AtMost), Open: bounds.Open[:min(len(bounds.Open), maxOpen)],
		Policy: required.kind, Required: required.Name,
		Problem: required.problem, KnownUntil: required.knownUntil,
		Assumed: required.assumed(extra), Findings: []Finding{},
		Notes: slices.Concat(required.notes, misnamed(bounds.AtMost)),
	}
	for _, req := range required.Requirements {
		f := req.evaluate(budget, bounds.AtMost, extra)
		if len(bounds.Open) > 0 {
			least := f
			if !f.Status.Gap() {
				least = req.evaluate(budget, bounds.AtLeast, extra)
			}
			f = bounds.within(f, least, req)
		}
		r.Requirements++
		switch {
		case f.Status == iampolicy.Satisfied:
			r.Satisfied++
		case f.Status.Gap():
			r.Gaps++
		default:
			r.Unverified++
		}
		r.Findings = append(r.Findings, f)
	}
	r.applyAlternatives(required.Requirements)
	r.setPlaces(bounds)
	r.Status = r.status()
	return r
}

// status returns the status that follows from the counts.
func (r Verdict) status() audit.ReportStatus {
	switch {
	case r.Gaps > 0:
		return audit.StatusGaps
	case r.HasUnverified():
		return audit.StatusUnverified
	}
	return audit.StatusCompliant
}

// Muted returns a copy of the verdict with mutes. muteFor returns the mute of a gap, or nil if the
// gap is not muted. A verdict whose gaps are all muted has no fix.
func (r Verdict) Muted(muteFor func(Finding) *audit.Mute) Verdict {
	r.Findings = slices.Clone(r.Findings)
	for i, f := range r.Findings {
		if !f.Gap() {
			continue
		}
		if r.Findings[i].Muted = muteFor(f); r.Findings[i].Muted != nil {
			r.Gaps--
			r.GapsMuted++
		}
	}
	if r.Gaps == 0 {
		r.Fix = nil
	}
	r.Status = r.status()
	return r
}

// maxMisnamed is the number of actions of a document that do not exist and that the notes name.
const maxMisnamed = 20

// misnamed returns a note for each action of the policies that does not exist.
func misnamed(grants iampolicy.Grants) (notes []string) {
	for p := range policiesOf(grants) {
		if p.Document == nil {
			continue
		}
		for _, m := range p.Document.MisnamedActions(maxMisnamed) {
			notes = append(notes, m.In(p.ID))
		}
	}
	return notes
}

// applyAlternatives sets the impact and severity of each gap again, because Remotion can do some
// things with another permission, which may be granted.
func (r *Verdict) applyAlternatives(required []Requirement) {
	granted := func(action string) bool {
		found := false
		for _, f := range r.Findings {
			if f.Action == action && f.Status != iampolicy.Satisfied {
				return false
			}
			found = found || f.Action == action
		}
		return found
	}
	for i := range r.Findings {
		if required[i].remotion != nil {
			c := required[i].remotion.Given(granted)
			f := &r.Findings[i]
			f.Reason, f.Impact, f.Severity = c.Reason, c.Impact, min(f.Severity, c.Severity)
			f.Stops = c.Stops
		}
	}
}

// FindExcess sets Excess and ExcessIncomplete. A grant that a requirement with a Problem, or with a
// variable without a value, may need is no excess, but the list is then incomplete. A Deny of a
// required document does not count: the list compares with what its Allow statements name. For a
// release, Remotion's own documents and the policies of LeastPrivilege have no excess. What the
// files leave open may be further excess. The error is that of ctx, if ctx ends first.
func (r *Verdict) FindExcess(ctx context.Context, bounds Bounds, required Required,
	extra iampolicy.Context) error {
	var wanted []iampolicy.Need
	known := len(bounds.Open) == 0
	for _, req := range required.Requirements {
		wanted = append(wanted, req.unknown...)
		known = known && len(req.unknown) == 0
		for _, d := range req.demands {
			wanted = append(wanted, d.requests.Need)
			known = known && !d.widened
		}
	}
	budget := iampolicy.NewBudget(ctx, maxWork*iampolicy.UnitOfWork)
	if required.accepted != nil { // a document may require an action on any resource
		wanted = withImpossible(append(wanted, required.accepted...))
	}
	list, complete := bounds.AtLeast.ExcessWithin(budget, wanted, extra)
	r.Excess, r.ExcessIncomplete = list, !complete || !known
	return ctx.Err()
}

func (r Requirement) evaluate(budget *iampolicy.Budget, grants iampolicy.Grants,
	extra iampolicy.Context) Finding {
	f := Finding{Sid: textfmt.Head(r.Sid, maxSid), Action: r.Action, Resource: r.Resource,
		Severity: r.Severity, Reason: r.Reason, Impact: r.Impact}
	if r.Problem != "" {
		f.Status, f.Why, f.ExampleAction, f.ExampleARN = iampolicy.Unverified, r.Problem, r.Action,
			r.Resource
		return f
	}
	var worst iampolicy.Coverage
	granted, dispute := false, ""
	for _, d := range r.demands {
		c, disputed := d.requests.CoverWithin(budget, grants, audit.Overridden(d.context, extra))
		if d.widened && c.Status != iampolicy.Satisfied {
			c, disputed = iampolicy.Coverage{Status: iampolicy.Unverified, Reason: d.unless}, ""
		}
		granted = granted || c.Status == iampolicy.Satisfied || c.Status == iampolicy.Partial ||
			c.Status == iampolicy.Conditional
		if worst.Status == "" || c.Status.Rank() > worst.Status.Rank() {
			worst, dispute = c, disputed
		}
	}
	f.Status, f.Cause, f.Why = worst.Status, worst.Cause, worst.Explanation()
	if granted && (f.Status == iampolicy.Missing || f.Status == iampolicy.Denied) {
		f.Status = iampolicy.Partial
	}
	if f.Status == iampolicy.Conditional {
		f.Severity = min(f.Severity, policies.Medium)
	}
	if dispute != "" {
		f.Why += "; " + dispute
		f.Severity = min(cmp.Or(f.Severity, policies.Medium), policies.Medium)
	}
	f.ExampleAction, f.ExampleARN = worst.ExampleAction, worst.ExampleARN
	if f.Status == iampolicy.Unverified {
		f.ExampleAction, f.ExampleARN = r.Action, r.Resource // the whole requirement is unverified
	}
	f.Statements, f.Covering = refs(worst.Deciding), refs(worst.Covering)
	if m := worst.Miss; m != nil && len(m.Pattern)+len(m.Want) <= maxPatterns {
		f.Miss = m
	}
	return f
}

// The limits of what a finding repeats of the policies. Without them, the size of a verdict could
// be the product of the sizes of both documents.
const (
	maxStatements = 40
	maxResources  = 20
	maxPatterns   = 2048 // bytes of the resources of a statement, and of a near miss
	maxSid        = 128  // characters
)

// refs returns references to at most maxStatements statements. A reference to a statement with many
// or long resources does not list them.
func refs(matches []iampolicy.Match) []iampolicy.StatementRef {
	list := iampolicy.Refs(matches[:min(len(matches), maxStatements)])
	for i := range list {
		list[i].Line, list[i].Column = matches[i].Brace.Line, matches[i].Brace.Column
		if len(list[i].Resources) > maxResources || totalSize(list[i].Resources) > maxPatterns {
			list[i].Resources = nil
		}
	}
	return list
}

// Worst returns the highest severity of the unmuted gaps, or zero without gaps. A requirement from
// a file has no severity and counts as critical.
func (r Verdict) Worst() policies.Severity { return r.worst(Finding.Gap) }

// WorstNew is Worst without the gaps of a baseline.
func (r Verdict) WorstNew() policies.Severity {
	return r.worst(func(f Finding) bool { return f.Gap() && f.Baseline != audit.BaselineKnown })
}

func (r Verdict) worst(counts func(Finding) bool) (worst policies.Severity) {
	for _, f := range r.Findings {
		if counts(f) {
			worst = max(worst, cmp.Or(f.Severity, policies.Critical))
		}
	}
	return worst
}

// WhyIncomplete says why the list of excess may be incomplete.
func (r Verdict) WhyIncomplete() string {
	if len(r.Open) > 0 {
		return "the files leave parts of the policies open"
	}
	return "the check reached its limit of work. Split the policies into smaller files and check each"
}

// HasUnverified reports whether a finding is unverified, or the needs of the release.
func (r Verdict) HasUnverified() bool { return r.Unverified > 0 || r.Problem != "" }
