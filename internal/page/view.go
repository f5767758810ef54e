package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A view is the data of the template. All of its texts are clean: they have no control characters.
type view struct {
	Frame any
	// Subject is what the page is about in the title of its last section.
	Subject string
	// Tone is the class of the verdict: critical, high, medium, low, unverified or ok.
	Title, Tone, Verdict, Meaning, Further string
	Facts                                  []fact
	Tiles                                  []tile
	Notes                                  []string
	Filters                                filters
	Cards, Muted, Unverified               []card
	Problems                               []problem
	Access                                 *access
	Matrices                               []matrix
	Passed                                 []passed
	PassedCount                            int
	History                                *historyView
	Listings                               []listing
	Notices                                []notice
	Changes                                []string
	MoreChanges                            string
	Assumptions                            []fact
	NotChecked                             []string
	// Raw is the script element with the report as JSON, empty if it is left out. NoRaw says why.
	Raw      template.HTML
	RawTitle string
	NoRaw    string
}

// A fact is a label with a text. Code is true for names that a reader copies.
type fact struct {
	Label, Text string
	Code        bool
}

type tile struct {
	// Class is a severity or a status.
	Class, Label string
	Count        int
	Href         string
}

type filters struct {
	Severities []string
	Statuses   []string
	Targets    []string
	HasMuted   bool
	Total      int
}

type problem struct{ Target, What, Why, Remedy string }

type notice struct{ Severity, Target, Text, Command string }

type access struct {
	Principal, Error, AttachTo, Policy string
	Lacks                              []fact
}

// passed are the satisfied permissions of one target.
type passed struct {
	Target, Kind string
	Rows         []passedRow
}

type passedRow struct{ Action, Resource, By string }

// A listing is a section with permissions. Empty is its text without rows.
type listing struct {
	ID, Title, Problem, Intro, Empty string
	Rows                             []row
}

// clean makes a text from AWS safe to show on one line.
func clean(s string) string { return textfmt.OneLine(s) }

// sentence cleans a text, and begins it with a capital letter unless it begins with the name of an
// action or a resource. Unlike textfmt.Capitalize, it accepts any text.
func sentence(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz,:-") == "" &&
		!strings.Contains(strings.TrimSuffix(word, ":"), ":") {
		s = textfmt.Capitalize(s)
	}
	return clean(s)
}

func newView(d Document, most limits) (*view, error) {
	r := d.Report
	v := &view{Frame: frame, Subject: "this audit", RawTitle: "The report as JSON"}
	v.setVerdict(r)
	v.Notes = textfmt.OneLines(d.Notes)
	if d.Timeline != nil {
		v.History = newHistoryView(*d.Timeline)
	}
	v.setFacts(r)
	v.setTiles(r)
	fixes := newFixes(r, most.fixes)
	since := opened(d.Open)
	v.Cards = newCards(r, report.Gaps(r), fixes, since)
	v.Muted = newCards(r, report.Grouped(where(r, func(f audit.Finding) bool {
		return f.Muted != nil
	})), nil, since)
	v.Unverified = newCards(r, report.Grouped(where(r, func(f audit.Finding) bool {
		return f.Status == audit.Unverified
	})), nil, nil)
	v.number()
	v.setProblems(r)
	v.Matrices = newMatrices(r)
	v.setPassed(r)
	v.setUpgrade(r)
	v.setNotices(r)
	v.setChanges(r)
	v.setAssumptions(r)
	v.setFilters(r)
	return v, v.setRaw(r, len(r.Findings), most.raw, "remotion-audit audit --format json")
}

// number gives each card an id.
func (v *view) number() {
	number := 0
	for _, list := range [][]card{v.Cards, v.Muted, v.Unverified} {
		for i := range list {
			number++
			list[i].ID = fmt.Sprintf("card-%d", number)
		}
	}
}

func where(r audit.Report, want func(audit.Finding) bool) (list []audit.Finding) {
	for _, f := range r.Findings {
		if want(f) {
			list = append(list, f)
		}
	}
	return list
}

// opened returns when each gap opened.
func opened(gaps []alert.Gap) map[alert.Identity]time.Time {
	since := make(map[alert.Identity]time.Time, len(gaps))
	for _, g := range gaps {
		if at, ok := since[g.Identity]; !ok || g.Since.Before(at) {
			since[g.Identity] = g.Since
		}
	}
	return since
}

func (v *view) setVerdict(r audit.Report) {
	verdict := report.VerdictOf(r)
	v.Verdict = clean(verdict.Title)
	if len(verdict.Meaning) > 0 {
		v.Meaning = clean(verdict.Meaning[0])
		v.Further = clean(strings.Join(verdict.Meaning[1:], " "))
	}
	v.Tone = "ok"
	switch r.Status {
	case audit.StatusGaps:
		v.Tone = tone(r.Worst())
	case audit.StatusUnverified:
		v.Tone = "unverified"
	}
	v.Title = v.Verdict + " (" + clean(r.Account) + ")"
}

// tone returns the class of a severity. A severity that no release writes has the class of low.
func tone(s policies.Severity) string {
	switch s {
	case policies.Critical, policies.High, policies.Medium:
		return s.String()
	}
	return "low"
}

func (v *view) setFacts(r audit.Report) {
	add := func(label, text string, code bool) {
		if text != "" {
			v.Facts = append(v.Facts, fact{label, clean(text), code})
		}
	}
	add("Account", r.Account, true)
	if !r.Run.At.IsZero() {
		add("Audited", textfmt.Time(r.Run.At), false)
	}
	add("Regions", strings.Join(r.Regions, ", "), false)
	add("Remotion", cmp.Or(r.Remotion.Release, strings.Join(r.Remotion.Releases, ", ")), false)
	add("Installed", r.Remotion.Installed, false)
	add("Auditor", strings.TrimSpace(r.Run.Auditor+" "+r.Run.Version), false)
	add("Run", r.Run.ID, true)
}

func (v *view) setTiles(r audit.Report) {
	counts := map[string]int{}
	for _, f := range r.Findings {
		switch {
		case f.Gap():
			counts[tone(f.Severity)]++
		case f.Muted != nil:
			counts["muted"]++
		case f.Status == audit.Unverified:
			counts["unverified"]++
		case f.Status == audit.Satisfied:
			counts["satisfied"]++
		}
	}
	for _, t := range []tile{
		{"critical", "Critical", 0, "#findings"}, {"high", "High", 0, "#findings"},
		{"medium", "Medium", 0, "#findings"}, {"low", "Low", 0, "#findings"},
		{"unverified", "Unverified", 0, "#unverified"}, {"muted", "Muted", 0, "#muted"},
		{"satisfied", "Passed", 0, "#passed"}} {
		t.Count = counts[t.Class]
		if t.Class == "unverified" && t.Count == 0 && len(r.Problems) > 0 {
			t.Label, t.Count = textfmt.Capitalize(textfmt.Verb(len(r.Problems), "problem", "problems")),
				len(r.Problems)
		}
		if t.Count == 0 || t.Class != "satisfied" && t.Class != "muted" && t.Class != "unverified" &&
			len(where(r, audit.Finding.Gap)) == 0 {
			t.Href = ""
		}
		v.Tiles = append(v.Tiles, t)
	}
}

func (v *view) setProblems(r audit.Report) {
	for _, p := range r.Problems {
		if p.Grant != "" && r.Access() != nil {
			continue // the section about the auditor has it
		}
		v.Problems = append(v.Problems, problem{clean(p.Target), clean(p.What), clean(p.Why),
			clean(p.Remedy)})
	}
	a := r.Access()
	if a == nil {
		return
	}
	v.Access = &access{Principal: clean(a.Principal), Error: clean(a.Error),
		AttachTo: clean(a.AttachTo)}
	for _, d := range a.Lacks {
		targets := textfmt.OneLines(d.Targets)
		text := textfmt.Some(targets, len(targets))
		if d.More > 0 {
			text += " " + textfmt.More(d.More, "target")
		}
		if d.Layer != "" {
			text += ", denied by " + clean(d.Layer)
		}
		v.Access.Lacks = append(v.Access.Lacks, fact{clean(d.Action), text, true})
	}
	if a.Policy != nil {
		v.Access.Policy = textfmt.Lines(a.Policy.Text())
	}
}

func (v *view) setPassed(r audit.Report) {
	index := map[[2]string]int{}
	for _, f := range r.Findings {
		if f.Status != audit.Satisfied {
			continue
		}
		key := [2]string{f.Target, kindOf(f.Policy)}
		i, ok := index[key]
		if !ok {
			i = len(v.Passed)
			index[key] = i
			v.Passed = append(v.Passed, passed{Target: clean(f.Target), Kind: key[1]})
		}
		by := make([]string, len(f.Statements))
		for j, s := range f.Statements {
			by[j] = clean(s.String())
		}
		text := textfmt.Some(by, maxStatements)
		if f.IsCheck() {
			text = "check " + clean(f.Sid)
		}
		if text == "" {
			text = "not recorded"
			if f.Simulated != "" {
				text = "AWS simulator: " + clean(f.Simulated)
			}
		}
		v.Passed[i].Rows = append(v.Passed[i].Rows, passedRow{clean(f.Action), clean(f.Resource), text})
		v.PassedCount++
	}
}

// maxStatements is the number of granting statements that a passed permission lists.
const maxStatements = 2

// kindOf names the kind of principal that needs a policy, or says that a check is no principal.
func kindOf(k policies.PolicyKind) string {
	switch k {
	case policies.Role:
		return "render role"
	case audit.CheckKind:
		return "check"
	}
	return "caller"
}

func (v *view) setUpgrade(r audit.Report) {
	u := r.Upgrade
	if u == nil {
		return
	}
	list := listing{ID: "upgrade", Title: "Upgrade to " + clean(u.To), Problem: clean(u.Problem),
		Intro: "Permissions that the upgrade needs and that the account does not grant, as far as " +
			"verified:", Empty: "The upgrade needs no further permissions."}
	if u.Problem != "" {
		list.Empty = ""
	}
	for _, f := range u.Findings {
		one := newRow(f)
		one.Impact = one.Target + ", " + one.Status + ": " + one.Impact
		list.Rows = append(list.Rows, one)
	}
	v.Listings = append(v.Listings, list)
}

func (v *view) setNotices(r audit.Report) {
	for _, n := range r.Notices {
		one := notice{Target: clean(n.Target), Text: sentence(n.Text),
			Command: clean(n.Command)}
		if n.Severity != 0 {
			one.Severity = tone(n.Severity)
		}
		v.Notices = append(v.Notices, one)
	}
}

func (v *view) setChanges(r audit.Report) {
	t := r.Run.Trigger
	if t == nil {
		return
	}
	for _, c := range t.Changes {
		v.Changes = append(v.Changes, changeText(c))
	}
	if t.More > 0 {
		v.MoreChanges = textfmt.More(t.More, "change")
	}
	if t.Unreadable > 0 {
		v.Changes = append(v.Changes, textfmt.Plural(t.Unreadable, "message")+" could not be read")
	}
}

// changeText describes an IAM change with its time and its actor.
func changeText(c audit.IAMChange) string {
	text := clean(c.Description()) + " by " + cmp.Or(clean(c.Actor), "an unknown actor")
	if !c.At.IsZero() {
		text += ", " + textfmt.Time(c.At)
	}
	return text
}

func (v *view) setAssumptions(r audit.Report) {
	for _, text := range r.AssumedContext {
		v.Assumptions = append(v.Assumptions, fact{"All requests", clean(text), true})
	}
	for _, t := range r.Targets {
		for _, text := range t.Context {
			v.Assumptions = append(v.Assumptions, fact{clean(t.Name), clean(text), true})
		}
	}
	v.NotChecked = textfmt.OneLines(r.NotChecked)
}

func (v *view) setFilters(r audit.Report) {
	for _, f := range r.Findings {
		s := status(f.Status)
		v.Filters.Statuses = textfmt.AppendNew(v.Filters.Statuses, s)
		v.Filters.Targets = textfmt.AppendNew(v.Filters.Targets, clean(f.Target))
		v.Filters.HasMuted = v.Filters.HasMuted || f.Muted != nil
		v.Filters.Total++
	}
	slices.SortFunc(v.Filters.Statuses, func(a, b string) int {
		return audit.Status(b).Rank() - audit.Status(a).Rank()
	})
	v.Filters.Severities = []string{"critical", "high", "medium", "low"}
}

// status returns a status as a class. A status that no release writes counts as unverified.
func status(s audit.Status) string {
	switch s {
	case audit.Satisfied, audit.Conditional, audit.Partial, audit.Missing, audit.Denied:
		return string(s)
	}
	return string(audit.Unverified)
}

// setRaw embeds the report as JSON. The encoder escapes <, >, & and the line separators of
// JavaScript, so no text of the report ends the element. What a reader does not see, such as a
// character that turns the direction of text, is escaped, too.
func (v *view) setRaw(r any, findings, most int, command string) error {
	rest := "`" + command + "` writes it"
	if findings > MaxFindings {
		v.NoRaw = fmt.Sprintf("The page leaves out the JSON of reports with more than %d findings: %s.",
			MaxFindings, rest)
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the report as JSON: %w", err)
	}
	if len(text) > most {
		v.NoRaw = "The page leaves out the JSON of this report, because it is long: " + rest + "."
		return nil
	}
	v.Raw = template.HTML(`<script type="application/json" id="raw">` + escapeInvisible(text) +
		"</script>")
	return nil
}

// escapeInvisible escapes the characters of JSON that are not printable.
func escapeInvisible(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
