package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// describe returns what a file declares as text.
func describe(t *testing.T, f policyfile.File) string {
	t.Helper()
	var b strings.Builder
	document := func(label string, d policyfile.Document) {
		fmt.Fprintf(&b, "  %s %s%s\n", label, d.Name, at(d.At))
		for i, s := range d.AtMost.Statements {
			if d.AtLeast == d.AtMost || i < len(d.AtMost.Statements) && s.Brace.Line > 0 {
				fmt.Fprintf(&b, "    statement %d at %d:%d\n", i, s.Brace.Line, s.Brace.Column)
			}
		}
		for _, doc := range []struct {
			name  string
			value any
		}{{"at least", d.AtLeast}, {"at most ", d.AtMost}} {
			text, err := json.Marshal(doc.value)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "    %s %s\n", doc.name, text)
			if d.AtLeast == d.AtMost {
				break
			}
		}
		for _, o := range d.Open {
			fmt.Fprintf(&b, "    open: %s%s\n", o.Name, at(policyfile.Place{Place: o.At}))
		}
	}
	for _, p := range f.Principals {
		fmt.Fprintf(&b, "%s %s name %q%s\n", p.Kind, p.Address, p.Name, at(p.At))
		for _, d := range p.Policies {
			document("policy", d)
		}
		if p.Boundary != nil {
			document("boundary", *p.Boundary)
		}
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	return b.String()
}

func at(p policyfile.Place) string {
	if p.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" at %s:%d:%d", p.File, p.Line, p.Column)
}

// readFile returns a file of testdata.
func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sourcesOf returns the *.tf files of a plan in testdata, with paths that begin with infra/.
func sourcesOf(t *testing.T, dir string, p *Plan) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, module := range p.Directories() {
		names, err := filepath.Glob(filepath.Join("testdata", dir, module, "*.tf"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			rel, err := filepath.Rel(filepath.Join("testdata", dir), name)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files["infra/"+filepath.ToSlash(rel)] = text
		}
	}
	return files
}

func TestPlansOfTestdata(t *testing.T) {
	for _, dir := range []string{"create"} {
		t.Run(dir, func(t *testing.T) {
			p, err := Parse(readFile(t, dir+"/plan.json"))
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, "testdata/"+dir+"/principals.golden", []byte(describe(t, p.File("", nil))))
			golden.Compare(t, "testdata/"+dir+"/located.golden",
				[]byte(describe(t, p.File("infra", sourcesOf(t, dir, p)))))
		})
	}
}
