package policies

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// TestReleasesPage checks that the table in docs/releases.md equals the history in the catalogue.
func TestReleasesPage(t *testing.T) {
	const file = "../../docs/releases.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- history: `make golden` writes it -->\n\n", "\n<!-- end of history -->"
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q and %q", file, begin, end)
	}
	want := before + begin + history() + end + after
	golden.Compare(t, file, []byte(want))
	for _, r := range releases {
		if !strings.Contains(want, r.Since) {
			t.Errorf("%s does not mention %s", file, r.Since)
		}
	}
}

// history returns a Markdown table of the changes from each range to the next.
func history() string {
	var b strings.Builder
	b.WriteString("| since | policy | added | dropped | impact if missing |\n|---|---|---|---|---|\n")
	list := Releases(AWS)
	for i, r := range list[1:] {
		for _, kind := range Kinds {
			c := Diff(list[i:i+1], r, kind)
			if len(c.Added)+len(c.Dropped) == 0 {
				continue
			}
			var impacts []string
			for _, a := range c.Added {
				impact := fmt.Sprintf("%s (%s, %s)", a.Impact, a.Breakage, a.Severity)
				if !slices.Contains(impacts, impact) {
					impacts = append(impacts, impact)
				}
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.Since, kind, cell(c.Added), cell(c.Dropped),
				strings.Join(impacts, "; "))
		}
	}
	return b.String()
}

func cell(reqs []Requirement) string {
	var list []string
	for _, r := range reqs {
		text := "`" + r.Action + "`"
		if strings.Contains(r.Resource, insights) {
			text += " for Lambda Insights"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
