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
	want := compareTable(t, "../../docs/releases.md", "history", history())
	for _, r := range releases {
		if !strings.Contains(want, r.Since) {
			t.Errorf("docs/releases.md does not mention %s", r.Since)
		}
	}
}

// TestStarActionsPage checks that the table in docs/how-it-judges.md equals starActions.
func TestStarActionsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("| action | resource of a request | statements that apply | source |\n" +
		"|---|---|---|---|\n")
	for _, a := range StarActions() {
		applies := map[StarScope]string{
			NoResource:        "those about `*`",
			NamedResource:     "those that match its ARN",
			ContestedResource: "those about `*`; perhaps those that match the text",
		}[a.Scope]
		var sources []string
		for _, url := range a.Sources {
			_, page, _ := strings.Cut(url, "/latest/")
			_, page, _ = strings.Cut(page, "/")
			sources = append(sources, fmt.Sprintf("[%s](%s)", strings.TrimSuffix(page, ".html"), url))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", a.Action, a.Requested, applies,
			strings.Join(sources, ", "))
	}
	compareTable(t, "../../docs/how-it-judges.md", "star actions", b.String())
}

// compareTable compares the named table of a page with want, and returns the page with that table.
func compareTable(t *testing.T, file, name, want string) string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+": `make golden` writes it -->\n\n", "\n<!-- end of "+name+" -->"
	before, rest, ok := strings.Cut(string(page), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no %q and %q", file, begin, end)
	}
	whole := before + begin + want + end + after
	golden.Compare(t, file, []byte(whole))
	return whole
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
		if r.IsInsights() {
			text += " for Lambda Insights"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}
