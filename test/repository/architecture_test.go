package repository

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// importRules returns the packages of this module that each package may import, from the table in
// ARCHITECTURE.md. Every package must have a row.
func importRules(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(raw), "\n## Packages and their imports\n")
	section, _, _ = strings.Cut(section, "\n## ")
	quoted := regexp.MustCompile("`([^`]+)`")
	rules := map[string][]string{}
	for line := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(line, "|")
		if !strings.HasPrefix(line, "| `") || len(cells) != 5 {
			continue
		}
		name := strings.Trim(cells[1], " `")
		if _, twice := rules[name]; twice {
			t.Errorf("ARCHITECTURE.md has two rows for %s", name)
		}
		rules[name] = nil
		for _, m := range quoted.FindAllStringSubmatch(cells[3], -1) {
			rules[name] = append(rules[name], m[1])
		}
	}
	if len(rules) == 0 {
		t.Fatal("ARCHITECTURE.md has no table of packages")
	}
	return rules
}

// TestArchitectureNamesFilesThatExist checks that the Go files that ARCHITECTURE.md names exist. A
// file name without a folder belongs to the last folder that the page names before it.
func TestArchitectureNamesFilesThatExist(t *testing.T) {
	raw, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n## One run")
	folder, files := "", 0
	for _, m := range regexp.MustCompile("`([\\w./-]+\\.go)`").FindAllStringSubmatch(text, -1) {
		file := m[1]
		if i := strings.LastIndexByte(file, '/'); i >= 0 {
			folder = file[:i+1]
		} else if file != "main.go" {
			file = folder + file
		} else {
			continue // in cmd/remotion-audit, which the same sentence names
		}
		files++
		if _, err := os.Stat("../../" + file); err != nil {
			t.Errorf("ARCHITECTURE.md names %s: %v", file, err)
		}
	}
	if files < 20 {
		t.Errorf("ARCHITECTURE.md names %d files: the test does not find them", files)
	}
}
