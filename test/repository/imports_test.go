package repository

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
)

const module = "github.com/remotion-audit/remotion-audit/"

type goPackage struct {
	ImportPath, Name, Doc string
	Imports, Deps         []string
	Module                *struct{ Path string }
}

// packages returns the packages that go list prints for the arguments.
func packages(t *testing.T, args ...string) (list []goPackage) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Name,Doc,Imports,Deps,Module"},
		args...)...)
	cmd.Dir = "../.."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// TestImportsPointDownwards compares the imports of all packages with the table in ARCHITECTURE.md.
func TestImportsPointDownwards(t *testing.T) {
	rules := importRules(t)
	for _, p := range packages(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		allowed, known := rules[name]
		if !known {
			t.Errorf("%s has no row in the table of ARCHITECTURE.md: add one with the packages that it "+
				"may import", name)
		}
		delete(rules, name)
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which ARCHITECTURE.md does not allow", name, ours)
			}
		}
	}
	for name := range rules {
		t.Errorf("ARCHITECTURE.md has a row for %s, which does not exist", name)
	}
}

// TestCoreStaysPure checks that the core packages depend on no package for the network, processes
// or databases, and on no other module, with the exceptions below.
func TestCoreStaysPure(t *testing.T) {
	for _, p := range packages(t, "./internal/arn", "./internal/awsname", "./internal/contract",
		"./internal/settings", "./internal/textfmt", "./internal/cloudtrail", "./internal/iamactions",
		"./internal/denial/...", "./internal/iampolicy",
		"./internal/policies/...", "./internal/audit", "./internal/check", "./internal/checks",
		"./internal/report",
		"./internal/alert/...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imported := range p.Deps {
			otherModule := strings.Contains(strings.Split(imported, "/")[0], ".") &&
				!strings.HasPrefix(imported, module)
			// mute reads the syntax tree of the YAML file with the mutes. It decodes nothing by reflection.
			yaml := strings.HasPrefix(name, "internal/alert") &&
				imported == "go.yaml.in/yaml/v3"
			if otherModule && !yaml && imported != "golang.org/x/mod/semver" &&
				!strings.HasPrefix(imported, "vendor/") {
				t.Errorf("%s depends on %s", name, imported)
			}
			if slices.Contains([]string{"net", "net/http", "os/exec", "database/sql"}, imported) {
				t.Errorf("%s depends on %s", name, imported)
			}
		}
	}
}

// TestOfflineCheckLinksNoAWSClient checks that the packages behind `remotion-audit check` depend on
// no package of the AWS SDK.
func TestOfflineCheckLinksNoAWSClient(t *testing.T) {
	for _, p := range packages(t, "./internal/check", "./internal/checks",
		"./internal/report", "./internal/output") {
		if !slices.Contains(p.Deps, module+"internal/iampolicy") {
			t.Errorf("%s does not depend on the policy engine: go list prints no dependencies", p.ImportPath)
		}
		for _, dep := range p.Deps {
			if strings.HasPrefix(dep, "github.com/aws/") {
				t.Errorf("%s depends on %s", p.ImportPath, dep)
			}
		}
	}
}

func TestFunctionReachesOnlyWhatItNeeds(t *testing.T) {
	for _, p := range packages(t, "-tags", "lambda.norpc", "./function") {
		for _, dep := range p.Deps {
			for _, banned := range []string{"text/template", "html/template", "github.com/spf13/",
				"github.com/goccy/go-yaml", "github.com/fxamacker/",
				module + "internal/awsemu", module + "internal/awsemu/",
				module + "internal/runtimeapi", module + "internal/output", module + "infra",
				"github.com/aws/aws-cdk-go", "net/rpc", "testing"} {
				if dep == banned || strings.HasSuffix(banned, "/") && strings.HasPrefix(dep, banned) {
					t.Errorf("the function depends on %s", dep)
				}
			}
		}
	}
}

// TestLinkerDropsUnusedMethods checks that the linker can remove unused methods. If the function
// calls reflect's Method or MethodByName with a variable name, the linker keeps every exported
// method of every type. The methods of the SDK's clients alone would make the zip too large.
func TestLinkerDropsUnusedMethods(t *testing.T) {
	if testing.Short() {
		t.Skip("links the function with -dumpdep")
	}
	out, err := gobuild.Command(t.Context(), "../../function", os.DevNull, "-dumpdep",
		gobuild.Lambda...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out[:min(len(out), 2000)])
	}
	if !bytes.Contains(out, []byte("main.main -> ")) {
		t.Fatal("the linker printed no dependencies, so the check would always pass")
	}
	for _, line := range bytes.Split(out, []byte("\n")) {
		if bytes.Contains(line, []byte("<ReflectMethod>")) {
			t.Errorf("the linker keeps unused methods because of %s", line)
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range packages(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		if p.Doc == "" && p.Name != "" && !strings.HasPrefix(name, "test/e2e") {
			t.Errorf("%s has no package comment", name)
		}
	}
}
