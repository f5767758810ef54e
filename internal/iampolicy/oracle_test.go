package iampolicy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/corpus"
	"github.com/remotion-audit/remotion-audit/internal/corpus/oracle"
)

var askOracle = flag.Bool("oracle", false,
	"generate requests anew, and ask the oracle about them and the corpus")

const (
	generatedDir = "testdata/generated"
	verdictsFile = "testdata/oracle/verdicts.json"
)

// verdicts are what the oracle said when it was last asked.
type verdicts struct {
	Package   string            `json:"package"`
	Version   string            `json:"version"`
	Decisions map[string]string `json:"decisions"`
}

// A difference is a case that the oracle answers otherwise than we, and why we stand by ours.
type difference struct {
	Name    string `json:"name"`
	Ours    string `json:"ours"`
	Oracle  string `json:"oracle"`
	Because string `json:"because"`
}

// What we say and what @cloud-copilot/iam-simulate said, on the corpus and on generated requests.
// Every difference is listed with its reason, and a listed one has to be there.
func TestOracle(t *testing.T) {
	if *askOracle {
		generate(t)
		ask(t)
	}
	var said verdicts
	readJSON(t, verdictsFile, &said)
	if said.Version != oracle.Version {
		t.Fatalf("the verdicts are those of version %s, and %s is wanted: run `make oracle`",
			said.Version, oracle.Version)
	}
	var list []difference
	readJSON(t, "testdata/oracle/differences.json", &list)
	listed := make(map[string]difference)
	for _, d := range list {
		if d.Because == "" {
			t.Errorf("no reason is given for the difference on %q", d.Name)
		}
		listed[d.Name] = d
	}
	for _, c := range oracleCases(t) {
		theirs, asked := said.Decisions[c.Name]
		delete(said.Decisions, c.Name)
		ours := grantsOf(t, c).Evaluate(requestOf(c)).Decision.String()
		d, known := listed[c.Name]
		delete(listed, c.Name)
		switch {
		case !asked:
			t.Errorf("%q: the oracle has not been asked: run `make oracle`", c.Name)
		case known && ours == theirs:
			t.Errorf("%q: both say %s now: take it out of differences.json", c.Name, ours)
		case known && (ours != d.Ours || theirs != d.Oracle):
			t.Errorf("%q: we say %s and the oracle %s, and differences.json has %s and %s", c.Name, ours,
				theirs, d.Ours, d.Oracle)
		case !known && ours != theirs:
			text, _ := json.Marshal(c)
			t.Errorf("%q: we say %s and the oracle %s, of\n%s", c.Name, ours, theirs, text)
		}
	}
	for name := range said.Decisions {
		t.Errorf("%q is a verdict on a case that is gone: run `make oracle`", name)
	}
	for name := range listed {
		t.Errorf("%q is in differences.json and no case", name)
	}
}

// The generated requests are decided as the plain evaluator decided them when they were written.
func TestGenerated(t *testing.T) {
	for _, c := range casesIn(t, generatedDir) {
		if got := grantsOf(t, c).Evaluate(requestOf(c)).Decision.String(); got != c.Want.Decision {
			t.Errorf("%s: %s, want %s", c.Name, got, c.Want.Decision)
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

// generate writes some hundreds of requests, wild and tame, as a file of the corpus.
func generate(t *testing.T) {
	file := corpus.File{About: "Requests out of generate_test.go, written by `make oracle`. The " +
		"wanted decision is the plain evaluator's."}
	for seed := range 400 {
		tame := seed%4 != 0
		c := newGenerator(uint64(1_000_000+seed), tame).generated()
		c.Name = fmt.Sprintf("generated %d", seed)
		c.Source = "generated"
		c.Want.Decision = plainEvaluate(plainGrantsOf(c), c.Action, c.Resource,
			c.Context).decision.String()
		file.Cases = append(file.Cases, c)
	}
	writeJSON(t, generatedDir+"/generated.json", file)
}

// ask writes what the oracle says now, and how long it takes.
func ask(t *testing.T) {
	pkg := oracle.Package{Dir: "../corpus/oracle"}
	cases := oracleCases(t)
	decisions, err := pkg.Decide(t.Context(), cases)
	if err != nil {
		t.Fatal(err)
	}
	said := verdicts{Package: oracle.Name, Version: oracle.Version, Decisions: map[string]string{}}
	for i, c := range cases {
		said.Decisions[c.Name] = decisions[i]
	}
	writeJSON(t, verdictsFile, said)

	policy, err := os.ReadFile("../policies/data/user-4.0.418.json")
	if err != nil {
		t.Fatal(err)
	}
	took, err := pkg.Time(t.Context(), oracle.Timed(string(policy)), 20_000)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("asked %s %s about %d cases; it takes %v to evaluate one request on Remotion's user policy",
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
