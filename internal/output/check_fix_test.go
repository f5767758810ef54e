package output

import (
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

func TestChangesWithOneTextAreOneSentence(t *testing.T) {
	added := remedy.Change{Kind: remedy.AddStatement, Text: "add a statement to inline policy render"}
	replaced := remedy.Change{Text: "replace a by b in statement 1 of inline policy render"}
	edit := remedy.Edit{Policy: "inline policy render", Before: &iampolicy.Document{},
		Changes: []remedy.Change{added, replaced, added}}
	want := []string{"Add a statement to inline policy render (2 times)",
		"Replace a by b in statement 1 of inline policy render"}
	if got := changeTexts(edit); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	edit.Before = nil
	if got := changeTexts(edit); !slices.Equal(got, []string{"Create inline policy render"}) {
		t.Errorf("a new policy: got %q", got)
	}
}
