package iampolicy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus/oracle"
)

var updateOracle = flag.Bool("oracle", false,
	"regenerate the requests, and record the oracle's verdicts on the requests and the corpus")

const (
	generatedDir = "testdata/generated"
	verdictsFile = "testdata/oracle/verdicts.json"
)

// verdicts holds the decisions of the oracle in its last run.
type verdicts struct {
	Package   string            `json:"package"`
	Version   string            `json:"version"`
	Decisions map[string]string `json:"decisions"`
}

// A difference is a case that the oracle decides differently, with the reason why the engine is
// right.
type difference struct {
	Name    string `json:"name"`
	Ours    string `json:"ours"`
	Oracle  string `json:"oracle"`
	Because string `json:"because"`
}

// TestOracle checks that the engine agrees with the recorded decisions of
// @cloud-copilot/iam-simulate on the corpus and on generated requests. Every difference must be
// listed with its reason, and every listed difference must exist.
func TestOracle(t *testing.T) {
	if *updateOracle {
		generate(t)
		writeVerdicts(t)
	}
	var recorded verdicts
	readJSON(t, verdictsFile, &recorded)
	if recorded.Version != oracle.Version {
		t.Fatalf("the verdicts come from version %s, want %s: run `make oracle`", recorded.Version,
			oracle.Version)
	}
	var list []difference
	readJSON(t, "testdata/oracle/differences.json", &list)
	listed := make(map[string]difference)
	for _, d := range list {
		if d.Because == "" {
			t.Errorf("the difference on %q has no reason", d.Name)
		}
		listed[d.Name] = d
	}
	for _, c := range oracleCases(t) {
		theirs, decided := recorded.Decisions[c.Name]
		delete(recorded.Decisions, c.Name)
		ours := grantsOf(t, c).Evaluate(requestOf(c)).Decision.String()
		d, known := listed[c.Name]
		delete(listed, c.Name)
		switch {
		case !decided:
			t.Errorf("%q has no verdict of the oracle: run `make oracle`", c.Name)
		case known && ours == theirs:
			t.Errorf("%q: the engine and the oracle decide %s: remove the case from differences.json",
				c.Name, ours)
		case known && (ours != d.Ours || theirs != d.Oracle):
			t.Errorf("%q: the engine decides %s, the oracle %s; differences.json has %s and %s", c.Name,
				ours,
				theirs, d.Ours, d.Oracle)
		case !known && ours != theirs:
			text, _ := json.Marshal(c)
			t.Errorf("%q: the engine decides %s, the oracle %s, for\n%s", c.Name, ours, theirs, text)
		}
	}
	for name := range recorded.Decisions {
		t.Errorf("the verdict on %q has no case: run `make oracle`", name)
	}
	for name := range listed {
		t.Errorf("the difference on %q has no case", name)
	}
}

// TestGenerated checks that the engine decides the generated requests as the plain evaluator did
// when generate wrote them.
func TestGenerated(t *testing.T) {
	for _, c := range casesIn(t, generatedDir) {
		if got := grantsOf(t, c).Evaluate(requestOf(c)).Decision.String(); got != c.Want.Decision {
			t.Errorf("%s: the engine decides %s, want %s", c.Name, got, c.Want.Decision)
		}
	}
}

func oracleCases(t testing.TB) []corpus.Case {
	return append(casesIn(t, corpusDir), casesIn(t, generatedDir)...)
}

func casesIn(t testing.TB, dir string) (cases []corpus.Case) {
	t.Helper()
	files, err := corpus.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		cases = append(cases, f.Cases...)
	}
	return cases
}

// generate writes 400 random requests with their policies as a file of the corpus. A quarter of
// them may contain disputed input.
func generate(t *testing.T) {
	file := corpus.File{About: "Requests that generate_test.go generates for `make oracle`. The " +
		"wanted decision is the plain evaluator's."}
	for seed := range 400 {
		undisputed := seed%4 != 0
		c := newGenerator(uint64(1_000_000+seed), undisputed).newCase()
		c.Name = fmt.Sprintf("generated %d", seed)
		c.Source = "generated"
		c.Want.Decision = plainEvaluate(plainGrantsOf(c), c.Action, c.Resource,
			c.Context).decision.String()
		file.Cases = append(file.Cases, c)
	}
	writeJSON(t, generatedDir+"/generated.json", file)
}

// writeVerdicts records the current decisions of the oracle. It also logs how long the oracle takes
// for one benchmark request.
func writeVerdicts(t *testing.T) {
	pkg := oracle.Package{Dir: "../corpus/oracle"}
	cases := oracleCases(t)
	decisions, err := pkg.Decide(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	current := verdicts{Package: oracle.Name, Version: oracle.Version, Decisions: map[string]string{}}
	for i, c := range cases {
		current.Decisions[c.Name] = decisions[i]
	}
	writeJSON(t, verdictsFile, current)

	policy, err := os.ReadFile("../policies/data/user-4.0.418.json")
	if err != nil {
		t.Fatal(err)
	}
	took, err := pkg.Time(t.Context(), oracle.Timed(string(policy)), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s decided %d cases; one request on Remotion's user policy takes %v",
		oracle.Name, oracle.Version, len(cases), took)
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
