package page

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// WriteCheck writes the verdicts on policy files.
func WriteCheck(w io.Writer, r check.Results) error {
	v := &view{Frame: frame, Subject: "this check", RawTitle: "The results as JSON"}
	v.setCheckVerdict(r)
	m := matrix{Title: "Policies"}
	rows := map[permission]int{}
	findings := 0
	for _, result := range r.Results {
		name := clean(result.Name())
		column := len(m.Columns)
		m.Columns = append(m.Columns, newColumn(name, result))
		if result.Verdict == nil {
			v.Problems = append(v.Problems, problem{Target: name, What: "not read",
				Why: clean(result.Error)})
			continue
		}
		findings += len(result.Verdict.Findings)
		v.addCheck(name, *result.Verdict)
		for _, f := range result.Verdict.Findings {
			key := permission{f.Sid, f.Action, f.Resource}
			i, ok := rows[key]
			if !ok {
				i = len(m.Rows)
				rows[key] = i
				m.Rows = append(m.Rows, matrixRow{Action: clean(f.Action), Resource: clean(f.Resource),
					Cells: make([]cell, len(r.Results))})
			}
			m.Rows[i].Cells[column] = cell{status(f.Status), status(f.Status)}
			if f.Muted != nil {
				m.Rows[i].Cells[column] = cell{"muted", status(f.Status) + ", muted"}
			}
		}
	}
	if len(m.Rows) > 0 {
		v.Matrices = []matrix{m}
	}
	v.number()
	most := limits{raw: rawBase + rawPerFinding*findings}
	if err := v.setRaw(r, findings, most.raw, "remotion-audit check --format json"); err != nil {
		return err
	}
	return execute(w, v)
}

func newColumn(name string, r check.Result) column {
	if r.Verdict == nil {
		return column{name, "not read"}
	}
	return column{Name: name}
}

// setCheckVerdict sets the title, the tiles and the names of the requirements.
func (v *view) setCheckVerdict(r check.Results) {
	counts := map[string]int{}
	var required, assumed []string
	for _, result := range r.Results {
		if result.Verdict == nil {
			continue
		}
		required = textfmt.AppendNew(required, result.Verdict.Required)
		for _, text := range result.Verdict.Assumed {
			assumed = textfmt.AppendNew(assumed, text)
		}
		for _, f := range result.Verdict.Findings {
			v.Filters.Total++
			v.Filters.HasMuted = v.Filters.HasMuted || f.Muted != nil
			v.Filters.Statuses = textfmt.AppendNew(v.Filters.Statuses, status(f.Status))
			switch s := status(f.Status); {
			case f.Muted != nil:
				counts["muted"]++
			case f.Status.Gap():
				counts[severityOf(f)]++
			default:
				counts[s]++
			}
		}
	}
	v.Filters.Severities = []string{"critical", "high", "medium", "low"}
	switch r.Status {
	case audit.StatusGaps:
		v.Verdict, v.Tone = "The policies do not grant all required permissions", "critical"
		if worst := r.Worst(); worst > 0 {
			v.Tone = tone(worst)
		}
	case audit.StatusCompliant:
		v.Verdict, v.Tone = "The policies grant all required permissions", "ok"
	default:
		v.Verdict, v.Tone = "The check is incomplete", "unverified"
	}
	v.Title = v.Verdict
	v.Meaning = textfmt.Plural(len(r.Results), "principal") + " checked."
	if r.Baseline != nil {
		v.Meaning += " " + textfmt.Capitalize(report.BaselineText(*r.Baseline)) + "."
	}
	for _, label := range required {
		v.Facts = append(v.Facts, fact{"Required", clean(label), false})
	}
	for _, text := range assumed {
		v.Assumptions = append(v.Assumptions, fact{"All requests", clean(text), true})
	}
	for _, t := range []tile{{"gap", "Gaps", 0, ""}, {"critical", "Critical", 0, ""},
		{"high", "High", 0, ""}, {"medium", "Medium", 0, ""}, {"low", "Low", 0, ""},
		{"unverified", "Unverified", 0, ""}, {"muted", "Muted", 0, "#muted"},
		{"satisfied", "Passed", 0, ""}} {
		if t.Count = counts[t.Class]; t.Class != "gap" && t.Class != "muted" || t.Count > 0 {
			v.Tiles = append(v.Tiles, t)
		}
	}
}

// severityOf returns the class of a finding's severity. A requirement from a file has none.
func severityOf(f check.Finding) string {
	if f.Severity == 0 {
		return "gap"
	}
	return tone(f.Severity)
}

// addCheck adds the cards, the passed permissions and the notices of a verdict.
func (v *view) addCheck(name string, r check.Verdict) {
	v.Filters.Targets = textfmt.AppendNew(v.Filters.Targets, name)
	if r.Problem != "" {
		v.Problems = append(v.Problems, problem{Target: name, What: clean(r.Required),
			Why: clean(r.Problem)})
	}
	one := passed{Target: name, Kind: "policies"}
	for _, f := range r.Findings {
		if f.Status == iampolicy.Satisfied {
			one.Rows = append(one.Rows, passedRow{clean(f.Action), clean(f.Resource), grantedBy(f)})
			v.PassedCount++
		}
	}
	for _, group := range checkGroups(r.Findings) {
		c := newCheckCard(name, group)
		switch {
		case c.Status == "unverified":
			v.Unverified = append(v.Unverified, c)
		case group[0].Muted != nil:
			v.Muted = append(v.Muted, c)
		default:
			v.Cards = append(v.Cards, c)
		}
	}
	if len(one.Rows) > 0 {
		v.Passed = append(v.Passed, one)
	}
	for _, note := range r.Notes {
		v.Notices = append(v.Notices, notice{Target: name, Text: sentence(note)})
	}
	for _, e := range r.Excess {
		v.Notices = append(v.Notices, notice{Target: name, Text: fmt.Sprintf(
			"Excess: %s grants %s on %s (%s), such as %s on %s", clean(e.Statement.String()),
			clean(e.Action), clean(e.Resource), clean(string(e.Kind)), clean(e.ExampleAction),
			clean(e.ExampleARN))})
	}
	if r.ExcessIncomplete {
		v.Notices = append(v.Notices, notice{Target: name, Text: "There may be more excess: " +
			r.WhyIncomplete()})
	}
}

// checkGroups groups the findings that are not satisfied by status, cause and explanation. The
// findings of a group and the groups are sorted by severity, highest first.
func checkGroups(findings []check.Finding) (groups [][]check.Finding) {
	type key struct {
		status iampolicy.Status
		cause  iampolicy.Cause
		why    string
		muted  audit.Mute
	}
	index := map[key]int{}
	for _, f := range findings {
		if f.Status == iampolicy.Satisfied {
			continue
		}
		k := key{status: f.Status, cause: f.Cause, why: f.Why}
		if f.Muted != nil {
			k.muted = *f.Muted
		}
		i, ok := index[k]
		if !ok {
			i = len(groups)
			index[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	for _, group := range groups {
		slices.SortStableFunc(group, func(a, b check.Finding) int {
			return int(b.Severity) - int(a.Severity)
		})
	}
	slices.SortStableFunc(groups, func(a, b []check.Finding) int {
		return int(b[0].Severity) - int(a[0].Severity)
	})
	return groups
}

// maxPlaces is the number of places that a card names.
const maxPlaces = 4

func newCheckCard(name string, group []check.Finding) card {
	first := group[0]
	c := card{Severity: severityOf(first), Status: status(first.Status), Target: name,
		Kind: "policies", Cause: sentence(first.Why), RowsTitle: "Permissions",
		Title: statusTitle(textfmt.Plural(len(group), "permission"), first.Status)}
	var places []string
	for _, f := range group {
		resource := clean(cmp.Or(f.ExampleARN, f.Resource))
		if f.ExampleAction != "" && f.ExampleAction != f.Action {
			resource = clean(f.ExampleAction) + " on " + resource
		}
		c.Rows = append(c.Rows, row{Target: name, Action: clean(f.Action), Resource: resource,
			Impact: sentence(f.Impact), Severity: severityOf(f), Status: status(f.Status),
			Muted: f.Muted != nil})
		if f.At != nil {
			places = textfmt.AppendNew(places, clean(f.At.String()))
		}
	}
	if places != nil {
		c.Facts = append(c.Facts, fact{"Where", textfmt.Some(places, maxPlaces), true})
	}
	if m := first.Muted; m != nil {
		c.Facts = append(c.Facts, fact{"Muted by", clean(mutedBy(*m)), false})
	}
	states := make([]audit.BaselineState, len(group))
	for i, f := range group {
		states[i] = f.Baseline
	}
	if text := baselineText(states); text != "" {
		c.Facts = append(c.Facts, fact{"Baseline", text, false})
	}
	return c
}

func grantedBy(f check.Finding) string {
	statements := f.Statements
	if len(statements) == 0 {
		statements = f.Covering
	}
	by := make([]string, len(statements))
	for i, s := range statements {
		by[i] = clean(s.String())
	}
	return cmp.Or(textfmt.Some(by, maxStatements), "not recorded")
}

// WriteComparison writes what releases of Remotion document differently.
func WriteComparison(w io.Writer, c policies.Comparison) error {
	v := &view{Frame: frame, Subject: "this comparison", RawTitle: "The comparison as JSON",
		Tone: "ok"}
	v.Verdict = "Remotion " + clean(strings.Join(c.From, ", ")) + " to " + clean(c.To)
	v.Title = v.Verdict
	added := 0
	for _, p := range c.Policies {
		added += len(p.Added)
		v.Listings = append(v.Listings,
			newListing(p.Kind, "added", "The new release needs these permissions, too:", p.Added),
			newListing(p.Kind, "dropped",
				"These permissions can be removed when no older release is in use:", p.Dropped))
	}
	switch {
	case c.Problem != "":
		v.Tone = "unverified"
		v.Problems = []problem{{Target: clean(c.To), What: "unverified", Why: clean(c.Problem)}}
		v.Meaning = "What the releases need is not fully known."
	case added > 0:
		v.Tone = "medium"
		v.Meaning = textfmt.Plural(added, "permission") + " added."
	case c.KnownUntil != "":
		v.Meaning = "No permission added, as far as " + clean(c.KnownUntil) + " tells."
	default:
		v.Meaning = "No permission added."
	}
	if c.Partition != policies.AWS {
		v.Facts = []fact{{"Partition", clean(c.Partition), true}}
	}
	for _, text := range c.Notices {
		v.Notices = append(v.Notices, notice{Text: sentence(text)})
	}
	if err := v.setRaw(c, 0, 1<<20, "remotion-audit policies diff --format json"); err != nil {
		return err
	}
	return execute(w, v)
}

func newListing(kind policies.PolicyKind, change, intro string,
	requirements []policies.Requirement) listing {
	list := listing{ID: string(kind) + "-" + change, Intro: intro, Empty: "None.",
		Title: textfmt.Capitalize(string(kind)) + " policy: " + change}
	for _, r := range requirements {
		list.Rows = append(list.Rows, row{Action: clean(r.Action), Resource: clean(r.Resource),
			Impact: sentence(r.Impact), Severity: tone(r.Severity)})
	}
	return list
}
