package house

import (
	"os"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// The README tells every variable, metric and target of make that there is.
func TestReadmeIsComplete(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(raw)
	for _, name := range contract.Environment() {
		if !strings.Contains(readme, "\n| `"+name+"` |") {
			t.Errorf("the configuration table has no row for %s", name)
		}
	}
	_, metrics, _ := strings.Cut(readme, "\n## Metrics\n")
	metrics, _, _ = strings.Cut(metrics, "\n## ")
	for _, name := range contract.Metrics() {
		if !strings.Contains(metrics, "`"+name+"`") {
			t.Errorf("the metrics table lacks %s", name)
		}
	}
}

// Links to files of the repository lead somewhere.
func TestReadmeLinks(t *testing.T) {
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, part := range strings.Split(string(raw), "](")[1:] {
		link, _, _ := strings.Cut(part, ")")
		if strings.HasPrefix(link, "http") || strings.HasPrefix(link, "#") {
			continue
		}
		links++
		if _, err := os.Stat("../../" + link); err != nil {
			t.Errorf("README links to %s: %v", link, err)
		}
	}
	if links == 0 {
		t.Error("README links to no file: the check sees nothing")
	}
}
