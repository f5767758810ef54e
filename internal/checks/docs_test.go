package checks

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// TestChecksPage checks that the table of docs/checks.md lists all checks.
func TestChecksPage(t *testing.T) {
	const file, start, end = "../../docs/checks.md", "<!-- checks: `make golden` writes it -->\n",
		"\n<!-- end of checks -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := "\n| id | checks | fails | reads | source |\n|---|---|---|---|---|\n"
	for _, c := range All() {
		table += fmt.Sprintf("| `%s` | %s | %s | `%s` | [%s](%s) |\n", c.ID, c.Subject, c.Fails,
			strings.Join(c.Reads, "`, `"), c.Source[strings.LastIndexByte(c.Source, '/')+1:], c.Source)
	}
	before, rest, found := strings.Cut(string(text), start)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table of checks", file)
	}
	golden.Compare(t, file, []byte(before+start+table+end+after))
}

// TestTheAuditorMayRead checks that the permissions of the auditor have what the checks read.
func TestTheAuditorMayRead(t *testing.T) {
	granted := map[string]bool{}
	for _, p := range contract.ReadPermissions() {
		granted[p.Action] = true
	}
	for _, c := range All() {
		if len(c.Reads) == 0 {
			t.Errorf("%s reads nothing", c.ID)
		}
		for _, action := range c.Reads {
			if !granted[action] {
				t.Errorf("%s reads %s, which the auditor may not call", c.ID, action)
			}
		}
	}
}
