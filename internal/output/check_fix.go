package output

import (
	"bytes"
	"fmt"
	"io"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// checkText writes the verdicts as text, and then the fix of each principal with gaps.
func checkText(w io.Writer, r check.Results, v textfmt.View) error {
	if err := report.CheckText(w, r, v); err != nil {
		return err
	}
	var b bytes.Buffer
	for _, result := range r.Results {
		if result.Verdict != nil && result.Verdict.Fix != nil {
			writeCheckFix(&b, result, v)
		}
	}
	_, err := b.WriteTo(w)
	return err
}

// The lines of a diff that the text of a check shows, and the unchanged lines around each change.
const (
	maxCheckDiff     = 60
	checkDiffContext = 1
)

// writeCheckFix writes the edits of the files of one principal.
func writeCheckFix(b *bytes.Buffer, result check.Result, v textfmt.View) {
	fix := *result.Verdict.Fix
	fmt.Fprintf(b, "\n%s  %s\n", v.Painted(textfmt.Strong, "FIX"), textfmt.OneLine(result.Name()))
	paragraph := func(text string) {
		for _, line := range textfmt.Wrap(textfmt.OneLine(text), v.Columns()-2) {
			b.WriteString("  " + line + "\n")
		}
	}
	if len(fix.Closes) == 0 {
		why := fix.Withheld
		if why == "" && len(fix.Remaining) > 0 {
			why = fix.Remaining[0].Why
		}
		paragraph("none is shown: " + why)
		return
	}
	for _, edit := range fix.Edits {
		for _, text := range changeTexts(edit) {
			paragraph(text)
		}
		writeDiff(b, edit, v)
	}
	proved := fmt.Sprintf("Proof: the policy engine closes %d of %s with the new documents. What was "+
		"allowed stays allowed, except for misspelt patterns. Nothing is allowed beyond what Remotion's "+
		"documents grant in the same statements.", len(fix.Closes), textfmt.Plural(fix.Gaps, "gap"))
	if len(fix.Remaining) > 0 {
		proved += " Not closed: " + fix.Remaining[0].Action + ", " + fix.Remaining[0].Why
		if n := len(fix.Remaining) - 1; n > 0 {
			proved += " " + textfmt.More(n, "gap")
		}
		proved += "."
	}
	proved += " The whole new document is in --format json."
	if result.Verdict.Principal != nil {
		proved += " The documents are written as JSON: write the change in the language of the file."
	}
	paragraph(proved)
}

// changeTexts describes the changes of an edit. Changes of one kind to one policy have one text.
func changeTexts(edit remedy.Edit) (list []string) {
	if edit.Before == nil {
		return []string{"Create " + edit.Policy}
	}
	counts := map[string]int{}
	for _, c := range edit.Changes {
		if counts[c.Text]++; counts[c.Text] == 1 {
			list = append(list, c.Text)
		}
	}
	for i, text := range list {
		list[i] = textfmt.Capitalize(text)
		if n := counts[text]; n > 1 {
			list[i] += fmt.Sprintf(" (%d times)", n)
		}
	}
	return list
}

// writeDiff writes the changed lines of an edit.
func writeDiff(b *bytes.Buffer, edit remedy.Edit, v textfmt.View) {
	tones := map[byte]textfmt.Tone{'+': textfmt.Added, '-': textfmt.Removed}
	written := 0
	for i, h := range edit.Hunks(checkDiffContext) {
		if i > 0 {
			b.WriteString("    ...\n")
		}
		for _, line := range h.Lines {
			if written++; written > maxCheckDiff {
				b.WriteString("    ... further lines are in --format json\n")
				return
			}
			op := line.Op
			if op == '^' {
				op = ' '
			}
			b.WriteString("    " + v.Painted(tones[line.Op],
				textfmt.OneLine(string(op)+" "+line.Text)) + "\n")
		}
	}
}

// verdictFixes returns the fixes of the gaps of a verdict by the positions of the findings.
// Findings with one explanation share a fix.
func verdictFixes(v check.Verdict) map[int]*fixText {
	if v.Fix == nil {
		return nil
	}
	type key struct {
		status iampolicy.Status
		cause  iampolicy.Cause
		why    string
	}
	positions := map[key][]int{}
	for i, f := range v.Findings {
		if f.Status.Gap() {
			k := key{f.Status, f.Cause, f.Why}
			positions[k] = append(positions[k], i)
		}
	}
	fixes := map[int]*fixText{}
	for _, list := range positions {
		var gaps []remedy.Need
		for _, i := range list {
			f := v.Findings[i]
			gaps = append(gaps, remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource})
		}
		e, ok := remedy.ExcerptFor([]remedy.Fix{*v.Fix}, v.Fix.Target, v.Fix.Policy, gaps, 0,
			maxFixDiff)
		if !ok {
			continue
		}
		fix := &fixText{text: e.Text, diff: e.Diff}
		for _, i := range list {
			fixes[i] = fix
		}
	}
	return fixes
}
