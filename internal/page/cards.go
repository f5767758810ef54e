package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A card shows the findings with one root cause.
type card struct {
	ID string
	// Severity and Status are classes.
	Severity, Status string
	Target, Kind     string
	// Title says what is wrong, Cause why.
	Title, Cause string
	// RowsTitle is the title of the rows.
	RowsTitle string
	Facts     []fact
	Rows      []row
	FixText   string
	Diff      []diffLine
	Command   string
	// Fix is the fix of the target; nil if another card shows it, or if there is none. FixRef is the
	// number of that fix.
	Fix    *fixView
	FixRef int
}

// A row is one finding of a card.
type row struct {
	Target, Action, Resource, Impact, Severity, Status string
	Muted                                              bool
}

// A diffLine is one line of a diff with its class: add, del, mark or same.
type diffLine struct{ Class, Text string }

// maxDiff is the number of lines of a diff that a card shows. The tabs have the whole documents.
const maxDiff = 24

func newRow(f audit.Finding) row {
	impact := f.Impact
	if f.UnderAssumedContext && impact != "" {
		impact = "possibly: " + impact
	}
	resource := f.ExampleARN
	if resource == "*" && f.Region != "" {
		resource = "* in " + f.Region
	}
	return row{Target: clean(f.Target), Action: clean(f.Action), Resource: clean(cmp.Or(resource,
		f.Resource)), Impact: sentence(impact), Severity: tone(f.Severity),
		Status: status(f.Status), Muted: f.Muted != nil}
}

// newCards returns a card for each group. fixes and since may be nil.
func newCards(r audit.Report, groups []report.Group, fixes *fixes,
	since map[alert.Identity]time.Time) []card {
	cards := make([]card, 0, len(groups))
	for _, g := range groups {
		c := card{Severity: tone(g.Severity), Status: status(g.Status), Target: clean(g.Target),
			Kind: kindOf(g.Policy), Title: titleOf(g), RowsTitle: "What breaks"}
		if g.RootCause() == "" && g.Why != "" {
			c.Cause = sentence(g.Why)
		}
		for _, f := range g.Findings {
			c.Rows = append(c.Rows, newRow(f))
		}
		c.addFacts(r, g, since)
		if fixes != nil {
			if stops := clean(g.Title(r)); stops != "" {
				if !g.IsCheck() { // its title begins with an id
					c.Title = lower(c.Title)
				}
				c.Title = stops + ": " + c.Title
			}
			c.addFix(r, g, fixes)
		}
		cards = append(cards, c)
	}
	return cards
}

// lower returns a title as the end of a sentence. The title of a group begins with a word, a number
// or an action.
func lower(title string) string {
	if len(title) > 1 && 'A' <= title[0] && title[0] <= 'Z' && title[1] >= 'a' {
		return strings.ToLower(title[:1]) + title[1:]
	}
	return title
}

// titleOf says what is wrong in a few words.
func titleOf(g report.Group) string {
	actions := textfmt.OneLines(g.Actions())
	n := textfmt.Plural(len(g.Findings), "permission")
	switch {
	case len(actions) == 0:
		return "The principal does not exist"
	case g.RootCause() != "":
		return sentence(g.Why)
	case g.Cause == audit.TrustPolicy:
		return "The trust policy does not let Lambda assume the role"
	case g.IsCheck():
		return checkTitle(textfmt.OneLine(g.Findings[0].Sid), g.Status)
	case len(actions) == 1:
		n = actions[0]
	}
	if g.Status == audit.Denied && g.Findings[0].UnderAssumedContext {
		return n + " denied under the assumed context"
	}
	return statusTitle(n, g.Status)
}

// checkTitle says that a check has a status.
func checkTitle(id string, s audit.Status) string {
	switch s {
	case audit.Conditional:
		return id + " fails under a condition"
	case audit.Unverified:
		return id + " not verified"
	}
	return id + " fails"
}

// statusTitle says that permissions have a status.
func statusTitle(permissions string, s audit.Status) string {
	switch s {
	case audit.Missing:
		return permissions + " missing"
	case audit.Denied:
		return permissions + " denied"
	case audit.Partial:
		return permissions + " granted in part"
	case audit.Conditional:
		return permissions + " granted under a condition"
	}
	return permissions + " not verified"
}

func (c *card) addFacts(r audit.Report, g report.Group, since map[alert.Identity]time.Time) {
	add := func(label, text string, code bool) {
		if text != "" {
			c.Facts = append(c.Facts, fact{label, clean(text), code})
		}
	}
	first := g.Findings[0]
	var oldest time.Time
	var notes, mutes, operations, missing []string
	var states []audit.BaselineState
	for _, f := range g.Findings {
		if at, ok := since[alert.IdentityOf(f)]; ok && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
		for _, note := range f.Notes {
			notes = textfmt.AppendNew(notes, note)
		}
		for _, o := range f.Operations {
			operations = textfmt.AppendNew(operations, string(o))
		}
		for _, key := range f.MissingContext {
			missing = textfmt.AppendNew(missing, key)
		}
		if m := f.Muted; m != nil {
			mutes = textfmt.AppendNew(mutes, mutedBy(*m))
		}
		states = append(states, f.Baseline)
	}
	add("Baseline", baselineText(states), false)
	if !oldest.IsZero() {
		add("Open since", textfmt.Time(oldest), false)
	}
	for _, text := range mutes {
		add("Muted by", text, false)
	}
	add("Breaks", strings.Join(operations, ", "), false)
	if first.Sid != audit.TrustSid && (first.Inspected != "" || first.Simulated != "") {
		add("Evidence", "policy documents: "+cmp.Or(first.Inspected, "unknown")+"; AWS simulator: "+
			cmp.Or(first.Simulated, "unknown"), false)
	}
	add("Missing keys", strings.Join(missing, ", "), true)
	if len(r.Remotion.Releases) > 1 && len(first.Releases) > 0 {
		add("Releases", strings.Join(first.Releases, ", "), false)
	}
	for _, note := range notes {
		add("Note", note, false)
	}
	if t := r.Run.Trigger; t != nil {
		for _, change := range t.Changes {
			if slices.Contains(change.Targets, g.Target) {
				add("IAM change", changeText(change), false)
			}
		}
	}
}

// addFix adds the fix of the group: the changed lines, the command, and the tabs unless an earlier
// card has them.
func (c *card) addFix(r audit.Report, g report.Group, all *fixes) {
	if e, ok := g.Fix(r.Fixes, maxDiff); ok {
		c.FixText = sentence(e.Text)
		for _, line := range e.Diff {
			c.Diff = append(c.Diff, newDiffLine(line))
		}
		if e.Edits {
			c.Command = clean(g.FixCommand(e, r.Targets, r.Run.Flags))
		}
	} else if g.RootCause() != "" {
		c.Command = clean(g.Findings[0].Command)
	}
	c.Fix, c.FixRef = all.take(g.Target, g.Policy)
}

func newDiffLine(line string) diffLine {
	text := clean(line)
	switch {
	case strings.HasPrefix(text, "+"):
		return diffLine{"add", text}
	case strings.HasPrefix(text, "-"):
		return diffLine{"del", text}
	case strings.Contains(text, "^") && strings.Trim(text, " ^") == "":
		return diffLine{"mark", text}
	}
	return diffLine{"same", text}
}

// mutedBy returns the owner, the end and the reason of a mute.
func mutedBy(m audit.Mute) string {
	return m.Owner + " until " + textfmt.Time(m.Until) + ": " + m.Reason
}

// baselineText counts the gaps of a card by their state; empty without a baseline.
func baselineText(states []audit.BaselineState) string {
	counts := map[audit.BaselineState]int{}
	for _, s := range states {
		counts[s]++
	}
	var parts []string
	for _, s := range []audit.BaselineState{audit.BaselineNew, audit.BaselineWorse,
		audit.BaselineKnown} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	return strings.Join(parts, ", ")
}
