// Package browser opens pages in Chromium, for tests. The script and its npm packages are in
// test/page.
package browser

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// scripts is the directory of the script of the browser tests and of its npm packages.
const scripts = "test/page"

// variable is set to "required" where the browser tests must not skip, such as in CI.
const variable = "REMOTION_AUDIT_BROWSER_TESTS"

// Chromium returns the path of Chromium. Without it or the npm packages, the test skips, or fails
// if browser tests are required.
func Chromium(t *testing.T) string {
	t.Helper()
	missing := func(why string) {
		t.Helper()
		if os.Getenv(variable) == "required" {
			t.Fatalf("%s=required: %s", variable, why)
		}
		t.Skip(why)
	}
	dir := repo.Path(t, scripts)
	var manifest struct{ Dependencies map[string]string }
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(manifest.Dependencies)) {
		if err := (node.Package{Dir: dir, Name: name, Version: manifest.Dependencies[name],
			Install: "make node_modules"}).Ready(); err != nil {
			missing(err.Error())
		}
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing("chromium is not installed: install it, for example with `apt-get install chromium`")
	return ""
}

// A Shot is a picture of a page.
type Shot struct {
	// Page is the name of the page, File the file of the picture.
	Page   string `json:"page"`
	File   string `json:"file"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Dark   bool   `json:"dark"`
	// Element is the selector of the element that the picture shows; empty for the top of the page.
	Element string `json:"element,omitempty"`
}

// A Run is what one run of Chromium checks: see test/page/checks.mjs.
type Run struct {
	Chromium string `json:"chromium"`
	// Directory has a file NAME.html for each page. Downloads are stored there.
	Directory string `json:"directory"`
	// Pages are checked in each way, Quiet are only opened. Use is true to use the pages "drifted" and
	// "everything" like a reader.
	Pages []string `json:"pages"`
	Quiet []string `json:"quiet"`
	Use   bool     `json:"use"`
	Shots []Shot   `json:"shots"`
}

// The number of checks of a page, and of its use.
const perPage, perUse = 5, 7

// Do starts Chromium, and fails the test with the problems that it finds.
func (r Run) Do(t *testing.T) {
	t.Helper()
	input, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var results map[string][]string
	if err := (node.Script{Dir: repo.Path(t, scripts), Args: []string{"checks.mjs"},
		Input: input}).Run(t.Context(),
		&results); err != nil {
		t.Fatal(err)
	}
	want := perPage*len(r.Pages) + len(r.Quiet) + len(r.Shots)
	if r.Use {
		want += perUse
	}
	if len(results) != want {
		t.Errorf("%d checks ran, want %d", len(results), want)
	}
	for _, name := range slices.Sorted(maps.Keys(results)) {
		t.Run(name, func(t *testing.T) {
			for _, problem := range results[name] {
				t.Error(problem)
			}
		})
	}
}

// Write writes pages as files into a new directory.
func Write(t *testing.T, pages map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, page := range pages {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
