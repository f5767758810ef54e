package render

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// topLines is the number of unindented lines of a mail that must have the cause and the repair of
// the first open gap.
const topLines = 10

// checkTop checks that the cause and the repair of the first announced open gap are in the first
// unindented lines of a mail, and that each command is a line of its own.
func checkTop(t *testing.T, name string, p rendered) {
	t.Helper()
	mail := p.Message.Bodies["email"]
	var top []string
	for _, line := range strings.Split(mail, "\n") {
		if !strings.HasPrefix(line, " ") && len(top) < topLines {
			top = append(top, line)
		}
		if strings.Contains(line, " --") && !strings.HasPrefix(line, "  remotion-audit ") &&
			!strings.HasPrefix(line, "  aws ") && name != "organization" {
			t.Errorf("%s: a command begins in the middle of the line %q", name, line)
		}
	}
	open := false
	for _, c := range p.Digest.Gaps {
		open = open || c.Gap.Closed.IsZero() && c.Reason != alert.ReasonReclassified
	}
	if text := strings.Join(top, "\n"); open && (!strings.HasPrefix(text, "[") ||
		!strings.Contains(text, "\nWho: ") || !strings.Contains(text, "\nCause: ") ||
		!strings.Contains(text, "\nFix")) {
		t.Errorf("%s: the first %d lines do not have the cause and the repair:\n%s", name, topLines, text)
	}
	for _, line := range strings.Split(mail, "\n") {
		if strings.Contains(strings.TrimLeft(line, " +-"), "   ") {
			t.Errorf("%s: a column in the line %q", name, line)
		}
	}
}

// TestBriefs checks the cause and the repair of gaps for fixes of different kinds.
func TestBriefs(t *testing.T) {
	gap := finding("user/u", "s3:GetObject", audit.Missing, policies.Critical)
	need := remedy.Need{Sid: gap.Sid, Action: gap.Action, Resource: gap.Resource}
	one := `{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	document := policytest.Parse(t, `{"Version":"2012-10-17","Statement":[`+one+`,`+
		strings.ReplaceAll(one, `"S"`, `"T"`)+`]}`)
	fix := func(before *iampolicy.Document, changes ...remedy.Change) remedy.Fix {
		for i := range changes {
			changes[i].Closes = []remedy.Need{need}
		}
		return remedy.Fix{Target: "user/u", Policy: policies.User, Closes: []remedy.Need{need},
			Edits: []remedy.Edit{{Policy: `inline policy "p"`, Before: before, After: document,
				Changes: changes}}}
	}
	statement := func(sid string) remedy.Change {
		return remedy.Change{Kind: remedy.AddStatement, Sid: sid, Text: "add a statement"}
	}
	typo := remedy.Change{Kind: remedy.CorrectResource, Statement: 2, Sid: "S",
		Old: []string{"a", "b"},
		New: []string{"a", "c"}, Text: "replace", Miss: &iampolicy.NearMatch{Kind: iampolicy.Typo,
			Got: "b", Want: "c"}}
	guarded := fix(document, typo)
	guarded.Guards = []remedy.Guard{{Policy: `inline policy "deny"`, Blocks: []remedy.Need{need},
		Edits: []remedy.Edit{{Policy: `inline policy "deny"`, After: document}}}}
	other := fix(document, typo)
	other.Guards = []remedy.Guard{{Policy: "x", Blocks: []remedy.Need{{Action: "other"}}}}
	more := fix(document, typo)
	more.Edits = append(more.Edits, remedy.Edit{Policy: "q", After: document,
		Changes: make([]remedy.Change, 2)})
	const granted = "Cause: no statement grants s3:GetObject\n"
	const typed = "Cause: typo in statement 2 (Sid S) of inline policy \"p\"\nFix:\n  - \"b\"\n  + \"c\"\n"
	for _, tt := range []struct {
		name string
		fix  []remedy.Fix
		want string
	}{
		{"a correction", []remedy.Fix{fix(document, typo)}, typed + "Print the fix:\n"},
		{"a correction, and a guard of other gaps", []remedy.Fix{other}, typed + "Print the fix:\n"},
		{"a correction, and a guard of the gap", []remedy.Fix{guarded}, granted + "Fix: add c " +
			"to statement 2 (Sid S) of inline policy \"p\"; for the others, "},
		{"further changes", []remedy.Fix{more}, typed + "The whole fix has 2 further changes.\n"},
		{"a wrong name of an action", []remedy.Fix{fix(document, remedy.Change{Statement: 1,
			Kind: remedy.CorrectAction, Old: []string{"s3:Get"}, New: []string{"s3:GetObject"}})},
			"Cause: no such action in statement 1 of inline policy \"p\"\nFix:\n  - \"s3:Get\"\n" +
				"  + \"s3:GetObject\"\n"},
		{"an action", []remedy.Fix{fix(document, remedy.Change{Statement: 1, Kind: remedy.AddAction,
			New: []string{"s3:GetObject"}})}, granted + "Fix in statement 1 of inline policy \"p\":\n" +
			"  + \"s3:GetObject\"\n"},
		{"many statements in a new policy", []remedy.Fix{fix(nil, statement("a"), statement("b"),
			statement("c"), statement("d"))},
			granted + "Fix: add 4 statements to the new inline policy \"p\"\nPrint the fix:\n"},
		{"no fix", nil, granted + "Fix: grant the permissions that Remotion documents\n" +
			"Print the policy:\n  remotion-audit policies user --remotion-version 4.0.418\n"},
		{"a withheld fix", []remedy.Fix{{Target: "user/u", Policy: policies.User, Withheld: "unread"}},
			granted + "Fix: none is shown: unread\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := reportOf([]string{"user/u"}, gap)
			r.Fixes = tt.fix
			p := newStory(t).run(r)
			checkMessage(t, p)
			checkTop(t, tt.name, p)
			if mail := p.Message.Bodies["email"]; !strings.Contains(mail, tt.want) {
				t.Errorf("no %q in\n%s", tt.want, mail)
			}
		})
	}
}

// TestOnPhone checks how the golden files for phones break lines.
func TestOnPhone(t *testing.T) {
	for text, want := range map[string]string{
		"short":  "short\n",
		"a\n\nb": "a\n\nb\n",
		strings.Repeat("1234567 ", 7) + "8": "1234567 1234567 1234567 1234567 1234567\n" +
			"1234567 1234567 8\n",
		strings.Repeat("x", 50):        strings.Repeat("x", 42) + "\n" + strings.Repeat("x", 8) + "\n",
		"  " + strings.Repeat("x", 50): "  " + strings.Repeat("x", 40) + "\n" + strings.Repeat("x", 10) + "\n",
		"a " + strings.Repeat("é", 50): "a\n" + strings.Repeat("é", 42) + "\n" + strings.Repeat("é", 8) + "\n",
	} {
		if got := onPhone(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestALongCauseDoesNotDisplaceTheFirstEntryOfACard checks that the first entry of a card fits,
// however long its texts are.
func TestALongCauseDoesNotDisplaceTheFirstEntryOfACard(t *testing.T) {
	r := fixture(t, "drifted")
	long := strings.Repeat("🎬", 2000)
	for i := range r.Findings {
		if r.Findings[i].Status.Gap() {
			r.Findings[i].Why = long
		}
	}
	for i, fix := range r.Fixes {
		for j := range fix.Edits {
			r.Fixes[i].Edits[j].Policy = long
			for k := range fix.Edits[j].Changes {
				r.Fixes[i].Edits[j].Changes[k].Text = long
			}
		}
	}
	p := newStory(t).run(r)
	checkMessage(t, p)
	if card := p.Message.Bodies["https"]; !strings.Contains(card, `"description":"*CRITICAL  `) {
		t.Errorf("the card does not begin with the first entry:\n%s", card)
	}
}
