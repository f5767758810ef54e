package policies

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestCallsPage checks that the tables in docs/remotion-calls.md equal the record of the calls.
func TestCallsPage(t *testing.T) {
	for _, who := range Kinds {
		compareTable(t, "../../docs/remotion-calls.md", "calls of the "+string(who), callsTable(who))
	}
}

// callsTable returns a Markdown table of the calls of one identity.
func callsTable(who PolicyKind) string {
	var all []string // the recorded releases
	for _, c := range Calls() {
		all = append(all, c.Releases...)
	}
	slices.SortFunc(all, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case Release{Version: a}.Before(b):
			return -1
		}
		return 1
	})
	all = slices.Compact(all)
	var b strings.Builder
	b.WriteString("| operation | action | resource | without it | releases | where |\n" +
		"|---|---|---|---|---|---|\n")
	for _, c := range Calls() {
		if c.Who != who {
			continue
		}
		releases := "all"
		if !slices.Equal(c.Releases, all) {
			releases = strings.Join(c.Releases, ", ")
		}
		action := "`" + c.Action + "`"
		if c.Optional {
			action += " (changes the reply)"
		}
		where := strings.Join(c.In, "; ")
		if c.How == "read" {
			where = "read: " + where
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", c.Operation, action, c.Resource, c.Denied,
			releases, where)
	}
	return b.String()
}

func TestCallsNameKnownReleasesAndWords(t *testing.T) {
	for _, c := range Calls() {
		for _, version := range c.Releases {
			if _, err := Find(version); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if !slices.Contains([]string{"run", "read"}, c.How) ||
			!slices.Contains([]Breakage{Hard, Warned, Swallowed, Feature}, c.Denied) {
			t.Errorf("%+v", c)
		}
	}
}
