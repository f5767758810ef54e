package repository

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/publish"
)

// markdownPages returns the text of every Markdown file of the repository, by its path.
func markdownPages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	err := filepath.WalkDir("../..", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "dist", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(file) != ".md":
			return nil
		}
		text, err := os.ReadFile(file)
		pages[strings.TrimPrefix(filepath.ToSlash(file), "../../")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages["README.md"] == "" || pages["docs/README.md"] == "" {
		t.Fatal("README.md or docs/README.md is missing")
	}
	return pages
}

func TestReadmeHasAtMost900Words(t *testing.T) {
	if words := len(strings.Fields(markdownPages(t)["README.md"])); words > 900 {
		t.Errorf("README.md has %d words: move some of it to docs/", words)
	}
}

var (
	codeBlock   = regexp.MustCompile("(?ms)^```.*?^```$")
	inlineCode  = regexp.MustCompile("`[^`\n]*`")
	link        = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading     = regexp.MustCompile(`(?m)^#+ (.+)$`)
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the URL fragments that GitHub generates for the headings of a page.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		text := strings.ToLower(strings.TrimSpace(m[1]))
		found[strings.ReplaceAll(notInAnchor.ReplaceAllString(text, ""), " ", "-")] = true
	}
	return found
}

// TestLinksLeadToFiles checks that the relative links of every Markdown file lead to an existing
// file and heading.
func TestLinksLeadToFiles(t *testing.T) {
	pages := markdownPages(t)
	links := 0
	for name, text := range pages {
		text = inlineCode.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			links++
			file, fragment, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if _, err := os.Stat("../../" + target); err != nil {
				t.Errorf("%s links to %s: %v", name, m[1], err)
			} else if fragment != "" && path.Ext(target) == ".md" && !anchors(pages[target])[fragment] {
				t.Errorf("%s links to %s, which has no such heading", name, m[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("the pages have %d relative links: the test does not find them", links)
	}
}

// TestDocsIndexIsComplete checks that docs/README.md links to every page in docs.
func TestDocsIndexIsComplete(t *testing.T) {
	pages := markdownPages(t)
	for name := range pages {
		page, ok := strings.CutPrefix(name, "docs/")
		if ok && page != "README.md" && !strings.Contains(pages["docs/README.md"], "]("+page+")") {
			t.Errorf("docs/README.md does not link to %s", page)
		}
	}
}

// tableRows returns the cells of each table row that begins with inline code. The key is the text
// of the code.
func tableRows(page string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.SplitSeq(page, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows[strings.Trim(cells[0], "`")] = cells
	}
	return rows
}

// metrics lists the metrics that a run publishes.
func metrics() (names []string) {
	for _, datum := range publish.Datums(audit.Report{Status: audit.StatusCompliant},
		publish.Delivery{OldestGapAge: new(time.Duration), NoSubscribers: new(bool)}, time.Time{}) {
		names = append(names, *datum.MetricName)
	}
	return names
}

// TestMetricsPageIsComplete checks that docs/metrics.md has a row for every metric.
func TestMetricsPageIsComplete(t *testing.T) {
	rows := tableRows(markdownPages(t)["docs/metrics.md"])
	for _, name := range metrics() {
		if rows[name] == nil {
			t.Errorf("docs/metrics.md has no row for %s", name)
		}
	}
}
