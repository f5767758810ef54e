package calls

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

var (
	whole  = flag.Bool("whole", false, "record all releases, from the packages in node_modules")
	update = flag.Bool("update-calls", false, "with -whole, rewrite internal/policies/data/calls.json")
)

// recorded are the releases of the record. They stand on both sides of changes in the calls.
var recorded = []string{"3.3.54", "4.0.418", "4.0.521", "4.0.523", "4.0.527"}

const file = "../../../../internal/policies/data/calls.json"

// release returns a release whose package and dependencies are installed below releases/VERSION.
func release(t *testing.T, version string) Release {
	t.Helper()
	r := Release{version, filepath.Join(here(t), "releases", version, "node_modules", "@remotion",
		"lambda")}
	if _, err := os.Stat(r.Package); err != nil {
		t.Fatalf("%v: run `make calls`, which installs the packages", err)
	}
	return r
}

// TestRecord is `make calls`.
func TestRecord(t *testing.T) {
	if !*whole {
		t.Skip("`make calls` records all releases")
	}
	var releases []Release
	for _, version := range recorded {
		releases = append(releases, release(t, version))
	}
	studies, err := Examine(t.Context(), releases, here(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, study := range studies {
		for _, command := range Unexplained(study) {
			t.Errorf("Remotion %s constructs %s: add a scenario, or explain it in reviewed.go",
				study.Release.Version, command)
		}
	}
	got, err := Encode(Record(studies))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
}

// TestCallsOfTheNewestRelease is the short form of TestRecord: one release, and no denials.
func TestCallsOfTheNewestRelease(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out Remotion's own code")
	}
	newest := recorded[len(recorded)-1]
	r := Release{newest, filepath.Join(here(t), "..", "node_modules", "@remotion", "lambda")}
	if _, err := os.Stat(r.Package); err != nil {
		t.Skip("SKIPPED, NOT TESTED: run `make node_modules`: " + err.Error())
	}
	h, err := start(t.Context(), r, here(t))
	if err != nil {
		t.Fatal(err)
	}
	defer h.close()
	type fact struct {
		who              policies.PolicyKind
		operation        string
		action, resource string
	}
	got, want := map[fact]bool{}, map[fact]bool{}
	for _, s := range scenarios {
		out, err := h.perform(t.Context(), s, denial{})
		if err != nil {
			t.Fatal(err)
		}
		if out.err != nil && s.faults == nil {
			t.Errorf("%s: %v", s.name, out.err)
		}
		for _, u := range usesOf(s, out) {
			got[fact{u.Who, u.Operation, u.Action, u.Resource}] = true
		}
	}
	for _, c := range policies.Calls() {
		if c.How == "run" && slices.Contains(c.Releases, newest) {
			want[fact{c.Who, c.Operation, c.Action, c.Resource}] = true
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("run `make calls`:\ngot  %v\nwant %v", got, want)
	}
}

// compare shows the lines that only one of two records has.
func compare(t *testing.T, got, want []byte) {
	t.Helper()
	lines := func(text []byte) (list []string) {
		for line := range strings.Lines(string(text)) {
			list = append(list, strings.TrimRight(line, ",\n"))
		}
		return list
	}
	g, w := lines(got), lines(want)
	for _, line := range g {
		if !slices.Contains(w, line) {
			t.Errorf("the code calls, but the record lacks:\n%s", line)
		}
	}
	for _, line := range w {
		if !slices.Contains(g, line) {
			t.Errorf("the record has, but the code does not call:\n%s", line)
		}
	}
	if !t.Failed() && !bytes.Equal(got, want) {
		t.Error("the record has another order: run `make calls UPDATE=1`")
	}
}

func TestTheRecordIsInOrder(t *testing.T) {
	list := policies.Calls()
	if !slices.IsSortedFunc(list, inOrder) {
		t.Error("run `make calls UPDATE=1`")
	}
	for _, call := range list {
		if !slices.Contains(operations, call.Operation) || !slices.Contains(policies.Kinds, call.Who) ||
			len(call.Releases) == 0 || len(call.In) == 0 || call.Denied == "" {
			t.Errorf("incomplete: %+v", call)
		}
	}
}
