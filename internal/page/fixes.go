package page

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/fixformat"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A fixView is the fix of one target in the formats of its readers.
type fixView struct {
	Number        int
	Target        string
	Summary       string
	Owner         string
	Live          string
	Groups        []tabs
	Asks          []ask
	Remaining     []string
	MoreRemaining string
	Others        []fact
	// LeftOut says why there are no tabs although there are edits.
	LeftOut, Command string
}

// tabs are the formats of one variant of a fix.
type tabs struct {
	Title, Warning string
	// Preferred is the format that the owner of the documents takes; empty if no owner is known.
	Preferred string
	Tabs      []tab
}

type tab struct{ Name, Text string }

// An ask is a text to send to the owner of a guard.
type ask struct{ Owner, Text string }

// fixes holds the fixes that no card shows yet.
type fixes struct {
	report audit.Report
	number map[string]int // the index of a fix plus 1
	shown  map[string]bool
	// space is the number of bytes left for tabs.
	space int
}

func newFixes(r audit.Report, space int) *fixes {
	all := &fixes{report: r, number: map[string]int{}, shown: map[string]bool{}, space: space}
	for i, f := range r.Fixes {
		if key := fixKey(f.Target, f.Policy); all.number[key] == 0 {
			all.number[key] = i + 1
		}
	}
	return all
}

func fixKey(target string, policy policies.PolicyKind) string {
	return string(policy) + " " + target
}

// take returns the fix of a target for the first card that asks for it, and its number for all
// others.
func (all *fixes) take(target string, policy policies.PolicyKind) (*fixView, int) {
	key := fixKey(target, policy)
	i := all.number[key]
	if i == 0 {
		key = fixKey(target, "")
		if i = all.number[key]; i == 0 {
			return nil, 0
		}
	}
	if all.shown[key] {
		return nil, i
	}
	all.shown[key] = true
	return all.newFixView(all.report.Fixes[i-1], i), i
}

// maxRemaining is the number of remaining gaps that a fix lists.
const maxRemaining = 10

func (all *fixes) newFixView(f remedy.Fix, number int) *fixView {
	h := fixformat.FromReport(all.report, f)
	h.Settings = all.report.Run.Flags
	v := &fixView{Number: number, Target: clean(f.Target),
		Summary: fmt.Sprintf("Closes %d of %s", len(f.Closes), textfmt.Plural(f.Gaps, "gap"))}
	if !h.Empty() {
		v.Owner = clean(f.Owner.Text())
	}
	if f.Withheld != "" {
		v.Summary = "No edit is shown: " + clean(f.Withheld)
	}
	if f.Live != nil {
		v.Live = fmt.Sprintf("AWS's simulator allows %d of %s with the edited documents", f.Live.Allowed,
			textfmt.Plural(f.Live.Requests, "request"))
		if f.Live.NotSimulated > 0 {
			v.Live += fmt.Sprintf("; it was not asked about %d: %s", f.Live.NotSimulated,
				clean(f.Live.Why))
		}
	}
	all.addTabs(v, h, fixformat.Default, "", "")
	all.addTabs(v, h, fixformat.Guard, "With an exception from a guard",
		"This variant weakens a guard: a Deny, a boundary, an organization policy, a trust policy or a "+
			"condition. Its owner has to agree.")
	for _, g := range f.Guards {
		if g.Ask != "" && all.spend(len(g.Ask)) {
			v.Asks = append(v.Asks, ask{clean(g.Owner), textfmt.Lines(g.Ask)})
		}
		if g.Why != "" {
			v.Others = append(v.Others, fact{"Guard", clean(g.Policy) + ": " + clean(g.Why), false})
		}
		if g.AlsoAllows != nil {
			v.Others = append(v.Others, fact{"Also allows", clean(g.AlsoAllows.Action) + " on " +
				clean(g.AlsoAllows.Resource) + " (exception in " + clean(g.Policy) + ")", false})
		}
	}
	for i, gap := range f.Remaining {
		if i == maxRemaining {
			v.MoreRemaining = textfmt.More(len(f.Remaining)-i, "gap")
			break
		}
		v.Remaining = append(v.Remaining, clean(gap.Action)+": "+clean(gap.Why))
	}
	command := func(label string, variant fixformat.Variant) {
		text := h.Command("text", variant)
		v.Others = append(v.Others, fact{label, clean(text), true})
	}
	if f.Wider != nil {
		command("Wider correction", fixformat.Wider)
	}
	if f.Undo != nil {
		command("Earlier document", fixformat.Undo)
	}
	return v
}

// spend takes bytes from the space for tabs. It returns false if there are not enough.
func (all *fixes) spend(n int) bool {
	if n > all.space {
		return false
	}
	all.space -= n
	return true
}

// addTabs adds the formats of a variant. It adds nothing if the variant has no edits, and a command
// in their place if the page has no space for them.
func (all *fixes) addTabs(v *fixView, h fixformat.Handover, variant fixformat.Variant, title,
	warning string) {
	edits, err := h.Edits(variant)
	if err != nil {
		return // the fix has no such variant, or says in Withheld why
	}
	leave := func(why string) {
		if v.Command == "" {
			v.LeftOut, v.Command = why, clean(h.Command(h.Format(), variant))
		}
	}
	if len(all.report.Findings) > MaxFindings {
		leave(fmt.Sprintf("The page leaves out the documents of the fixes, because the report has more "+
			"than %d findings. This command prints them:", MaxFindings))
		return
	}
	group := tabs{Title: title, Warning: warning}
	if h.Fix.Owner.Tool != "" {
		group.Preferred = labels[h.Format()]
	}
	size := 0
	for _, e := range edits {
		text := textfmt.Lines(strings.TrimRight(e.After.Text(), "\n"))
		name := "JSON"
		if len(edits) > 1 {
			name += ": " + clean(e.Policy)
		}
		group.Tabs = append(group.Tabs, tab{name, text})
		size += len(text)
	}
	for _, name := range []string{"cli", "terraform", "cloudformation"} {
		format, err := fixformat.Find(name)
		if err != nil {
			continue
		}
		var b bytes.Buffer
		if err := format.Write(&b, h, variant); err != nil {
			// A format can refuse a fix, for example for a document of another owner.
			group.Tabs = append(group.Tabs, tab{labels[name], "Not available: " + clean(err.Error())})
			continue
		}
		text := textfmt.Lines(strings.TrimRight(b.String(), "\n"))
		group.Tabs = append(group.Tabs, tab{labels[name], text})
		size += len(text)
	}
	if !all.spend(size) {
		leave("The page leaves out the documents of this fix to stay small. This command prints them:")
		return
	}
	v.Groups = append(v.Groups, group)
}

// labels are the names of the formats of a fix for people.
var labels = map[string]string{"json": "JSON", "cli": "CLI", "terraform": "Terraform",
	"cloudformation": "CloudFormation"}
