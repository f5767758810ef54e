package terraform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/policyfiletest"
)

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
			golden.Compare(t, "testdata/"+dir+"/principals.golden", []byte(policyfiletest.Describe(t, p.File("", nil))))
			golden.Compare(t, "testdata/"+dir+"/located.golden",
				[]byte(policyfiletest.Describe(t, p.File("infra", sourcesOf(t, dir, p)))))
		})
	}
}
