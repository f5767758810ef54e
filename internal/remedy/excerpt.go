package remedy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// An Excerpt is the part of a fix that is about some of its gaps, for a report or a message.
type Excerpt struct {
	// Text describes the changes in one sentence without a full stop.
	Text string
	// Diff has the changed lines, each with its mark in the first column. The common indentation is
	// cut off. The lines can be printed.
	Diff []string
	// Edits is true if the command for the fix prints the changes. Flags are the flags that it needs.
	Edits bool
	Flags []string
	// Changes are the changes that close the gaps.
	Changes []Change
}

// Command returns the command that prints the fix of a target. callers is the target in the syntax
// of --callers, and empty for a render role.
func (e Excerpt) Command(target, callers string, settings ...string) string {
	words := append([]string{"remotion-audit", "fix", "--target", target}, e.Flags...)
	if callers != "" {
		words = append(words, "--callers", callers)
	}
	return textfmt.ShellWords(append(words, settings...)...)
}

// ExcerptFor returns the part of the fixes that is about some gaps of a target. The diff has at
// most most lines, and context unchanged lines around each change. If most is 0, it is not
// computed. ok is false if no fix is about the gaps.
func ExcerptFor(fixes []Fix, target string, policy policies.PolicyKind, gaps []Need, context,
	most int) (e Excerpt, ok bool) {
	i := slices.IndexFunc(fixes, func(f Fix) bool {
		return f.Target == target && (f.Policy == policy || f.Policy == "")
	})
	if i < 0 {
		return e, false
	}
	f := fixes[i]
	about := func(list []Need) bool {
		return slices.ContainsFunc(gaps, func(n Need) bool { return slices.Contains(list, n) })
	}
	if about(f.Closes) {
		e = f.closing(gaps, context, most)
		for _, g := range f.Guards {
			if about(g.Blocks) {
				e.Text += "; for the others, " + g.text()
				break
			}
		}
		return e, true
	}
	for _, g := range f.Guards {
		if about(g.Blocks) {
			e = Excerpt{Text: g.text(), Edits: len(g.Edits) > 0 || g.Ask != ""}
			if len(g.Edits) > 0 {
				e.Flags = append(e.Flags, "--guard")
			}
			if g.Ask != "" {
				e.Flags = append(e.Flags, "--for-admin")
			}
			for _, edit := range g.Edits {
				if e.Changes = append(e.Changes, edit.Changes...); most > 0 {
					e.addAll(edit, context)
				}
			}
			e.cut(most)
			return e, true
		}
	}
	for _, r := range f.Remaining {
		if slices.Contains(gaps, r.Need) {
			return Excerpt{Text: "no edit of the account closes the gap: " + r.Why}, true
		}
	}
	if f.Withheld == "" {
		return e, false
	}
	return Excerpt{Text: "none is shown: " + f.Withheld}, true
}

// text describes the guard as a fix.
func (g Guard) text() string {
	policy := g.Policy
	if len(g.Statements) == 1 {
		policy = g.Statements[0].String()
	}
	switch {
	case g.Ask != "":
		return "ask " + g.Owner + " for an exception in " + policy
	case len(g.Edits) == 0:
		return "change " + policy + ": no exception was proved"
	case g.Cause == iampolicy.UnmetCondition:
		return "grant the permissions without the condition in " + g.Policy + ", which weakens a guard"
	}
	return "an exception in " + policy + ", which weakens a guard"
}

// closing returns the excerpt of the edits that close gaps.
func (f Fix) closing(gaps []Need, context, most int) (e Excerpt) {
	e.Edits = true
	closes := func(c Change) bool {
		return slices.ContainsFunc(gaps, func(n Need) bool { return slices.Contains(c.Closes, n) })
	}
	total := 0
	var texts []string
	for _, edit := range f.Edits {
		total += len(edit.Changes)
		var statements []int
		var added []Hunk
		for _, c := range edit.Changes {
			if closes(c) {
				texts = append(texts, c.in(edit.Policy))
				e.Changes = append(e.Changes, c)
				statements = append(statements, c.Statement)
				if most > 0 {
					added = append(added, edit.addedBy(c)...)
				}
			}
		}
		switch {
		case most == 0:
			continue
		case edit.shortened():
			e.add(edit.patterns(closes))
			continue
		}
		e.add(slices.DeleteFunc(edit.Hunks(context), func(h Hunk) bool {
			return h.Statement == 0 || edit.Before == nil ||
				h.Statement > len(edit.Before.Statements) || !slices.Contains(statements, h.Statement)
		}))
		e.add(added)
	}
	if texts == nil { // the changes do not say what they close
		for _, edit := range f.Edits {
			for _, c := range edit.Changes {
				texts = append(texts, c.in(edit.Policy))
			}
			if e.Changes = append(e.Changes, edit.Changes...); most > 0 {
				e.addAll(edit, context)
			}
		}
	}
	e.Text = textfmt.OneLine(textfmt.Enumerate(texts, maxTexts))
	if more := total - len(texts); more > 0 && len(texts) > 0 {
		e.Text += "; the whole fix has " + textfmt.Plural(more, "further change")
	}
	e.cut(most)
	return e
}

// addAll adds the whole diff of an edit.
func (e *Excerpt) addAll(edit Edit, context int) {
	if edit.shortened() {
		e.add(edit.patterns(func(Change) bool { return true }))
		return
	}
	e.add(edit.Hunks(context))
}

// shortened reports whether the edit lacks a document, as in a message: see Fix.Shortened.
func (e Edit) shortened() bool {
	return e.After == nil || e.Before == nil && slices.ContainsFunc(e.Changes, func(c Change) bool {
		return c.Statement > 0
	})
}

// patterns returns the patterns of changes as removed and added lines.
func (e Edit) patterns(of func(Change) bool) (list []Hunk) {
	for _, c := range e.Changes {
		h := Hunk{Statement: c.Statement, Sid: c.Sid}
		add := func(op byte, list, others []string) {
			for _, text := range list {
				if !slices.Contains(others, text) {
					line := textfmt.OneLine(textfmt.JSON(text))
					h.Lines = append(h.Lines, DiffLine{op, line})
					if marks := e.carets(line, c.Statement); op == '-' && marks != "" {
						h.Lines = append(h.Lines, DiffLine{'^', marks})
					}
				}
			}
		}
		if add('-', c.Old, c.New); of(c) {
			add('+', c.New, c.Old)
			list = append(list, h)
		}
	}
	return list
}

// addedBy returns the new statement of a change as added lines. It is empty for a change of a
// statement that exists.
func (e Edit) addedBy(c Change) (list []Hunk) {
	first := 0
	if e.Before != nil {
		first = len(e.Before.Statements)
	}
	if c.Statement != 0 || e.After == nil {
		return nil
	}
	for i := first; i < len(e.After.Statements); i++ {
		if e.After.Statements[i].Sid != c.Sid {
			continue
		}
		one := iampolicy.Document{Version: e.After.Version,
			Statements: e.After.Statements[i : i+1]}
		h := Hunk{Statement: i + 1, Sid: c.Sid}
		all := splitLines(one.Text())
		for at, statement := range statementsOfLines(all) {
			if statement > 0 {
				h.Lines = append(h.Lines, DiffLine{'+', textfmt.OneLine(all[at])})
			}
		}
		return []Hunk{h}
	}
	return nil
}

// The limits of an excerpt's text: the changes, and the characters of a pattern.
const (
	maxTexts       = 3
	maxPatternText = 200
)

// in describes the change of a policy. A correction names the patterns only: the cause is known.
func (c Change) in(policy string) string {
	text := c.Text
	if c.Kind == CorrectAction || c.Kind == CorrectResource || c.Miss != nil {
		added := slices.DeleteFunc(slices.Clone(c.New), func(p string) bool {
			return slices.Contains(c.Old, p)
		})
		for i := range added {
			added[i] = textfmt.Head(added[i], maxPatternText)
		}
		switch where := (iampolicy.StatementRef{Policy: policy, Index: c.Statement,
			Sid: c.Sid}); {
		case c.Statement == 0 || len(added) == 0:
		case len(c.Old) == 1 && len(added) == len(c.New):
			return "replace " + textfmt.Head(c.Old[0], maxPatternText) + " by " +
				textfmt.Enumerate(added, maxTexts) + " in " + where.String()
		default:
			return "add " + textfmt.Enumerate(added, maxTexts) + " to " + where.String()
		}
	}
	if strings.Contains(text, policy) {
		return text
	}
	return text + " in " + policy
}

// add adds the lines of hunks.
func (e *Excerpt) add(hunks []Hunk) {
	for _, h := range hunks {
		if len(e.Diff) > 0 {
			e.Diff = append(e.Diff, "...")
		}
		e.Diff = append(e.Diff, dedented(h.Lines)...)
	}
}

// dedented returns lines without their common indentation.
func dedented(list []DiffLine) []string {
	common := -1
	for _, l := range list {
		if l.Op == '^' {
			continue
		}
		blanks := len(l.Text) - len(strings.TrimLeft(l.Text, " "))
		if common < 0 || blanks < common {
			common = blanks
		}
	}
	out := make([]string, len(list))
	for i, l := range list {
		l.Text = " " + l.Text[min(max(common, 0), len(l.Text)):]
		out[i] = strings.TrimRight(l.String(), " ")
	}
	return out
}

// cut limits the lines of the diff.
func (e *Excerpt) cut(most int) {
	if more := len(e.Diff) - most; more > 0 {
		e.Diff = append(e.Diff[:most:most], "... "+textfmt.More(more, "line"))
	}
}
