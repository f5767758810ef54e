package repository

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestPureHasNoGoroutines checks the packages that `make test` runs without the race detector: they
// start no goroutines.
func TestPureHasNoGoroutines(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^PURE := (.+)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatal("the Makefile does not define PURE")
	}
	for folder := range strings.FieldsSeq(string(line[1])) {
		names, err := filepath.Glob("../../" + folder + "/*.go")
		if err != nil || len(names) == 0 {
			t.Fatal(folder, ": no Go files: ", err)
		}
		files := token.NewFileSet()
		for _, name := range names {
			p, err := parser.ParseFile(files, name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(p, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					t.Errorf("%s: starts a goroutine", files.Position(n.Pos()))
				case *ast.ImportSpec:
					if path, _ := strconv.Unquote(n.Path.Value); strings.HasPrefix(path, "sync") {
						t.Errorf("%s: imports %s", files.Position(n.Pos()), path)
					}
				case *ast.SelectorExpr:
					if n.Sel.Name == "Parallel" || n.Sel.Name == "RunParallel" {
						t.Errorf("%s: uses %s", files.Position(n.Pos()), n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}
