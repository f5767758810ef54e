package cdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cloudformation"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/policyfiletest"
)

// files returns a function that reads files of a map, and of no other place.
func files(content map[string]string) func(string) (string, error) {
	return func(name string) (string, error) {
		text, ok := content[name]
		if !ok {
			return "", fs.ErrNotExist
		}
		return text, nil
	}
}

// TestAssembly reads what cdk synth of aws-cdk-lib 2.276.0 wrote for two stacks, one of them in a
// stage, each with a nested stack. Only the paths of the program are others.
func TestAssembly(t *testing.T) {
	fsys := os.DirFS("testdata/assembly")
	stacks, err := Read(func(name string) (string, error) {
		text, err := fs.ReadFile(fsys, name)
		return string(text), err
	}, nil, cloudformation.Values{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, s := range stacks {
		fmt.Fprintf(&b, "# %s: %s %s\n%s\n", s.Name, s.TemplateFile, s.Environment,
			policyfiletest.Describe(t, s.File))
	}
	golden.Compare(t, "testdata/assembly.golden", []byte(b.String()))
}

const (
	emptyStack = `{"artifacts":{"S":{"type":"aws:cloudformation:stack",` +
		`"properties":{"templateFile":"S.template.json"}}}}`
	roleTemplate = `{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"Policies":[` +
		`{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Action":"s3:*","Resource":{"Fn::Sub":"arn:aws:s3:::${Name}"}}]}}]}}},` +
		`"Parameters":{"Name":{"Type":"String"}}}`
)

func TestManifestGivesWhatTheTemplateLacks(t *testing.T) {
	manifest := `{"artifacts":{"S":{"type":"aws:cloudformation:stack",
		"environment":"aws://123456789012/cn-north-1",
		"properties":{"templateFile":"S.template.json","stackName":"videos","parameters":{"Name":"v"}},
		"metadata":{"/S/Render/Resource":[{"type":"aws:cdk:logicalId","data":"Role","trace":[
			"new Role (/app/node_modules/aws-cdk-lib/aws-iam/lib/role.js:1:7639)",
			"new Stack (/app/lib/stack.ts:26:18)","Object.<anonymous> (/app/bin/app.ts:5:1)"]}]}}}}`
	stacks, err := Read(files(map[string]string{Manifest: manifest,
		"S.template.json": roleTemplate}), nil, cloudformation.Values{Account: "210987654321"})
	if err != nil {
		t.Fatal(err)
	}
	s := stacks[0]
	if s.Name != "videos" || s.Environment != "123456789012/cn-north-1" {
		t.Errorf("got stack %q in %q", s.Name, s.Environment)
	}
	p := s.File.Principals[0]
	want := policyfile.Place{File: "/app/lib/stack.ts", Place: tree.Place{Line: 26, Column: 18}}
	if p.Address != "S/Render" || len(p.Aliases) != 1 || p.Aliases[0] != "Role" || p.At != want {
		t.Errorf("got %s (%v) at %v", p.Address, p.Aliases, p.At)
	}
	d := p.Policies[0]
	if d.AtLeast != d.AtMost || d.At != want || d.AtMost.Statements[0].Brace.Line != 26 ||
		d.AtMost.Statements[0].Resource[0] != "arn:aws:s3:::v" {
		t.Errorf("got the document %+v at %v", d.AtMost, d.At)
	}
}

func TestNestedStackWithoutAnAsset(t *testing.T) {
	manifest := `{"artifacts":{"S":{"type":"aws:cloudformation:stack",
		"properties":{"templateFile":"S.template.json"},"additionalMetadataFile":"S.metadata.json"}}}`
	metadata := `{"/S/Storage":[{"type":"aws:cdk:templateFile","data":"N.json"}]}`
	parent := `{"Resources":{"N":{"Type":"AWS::CloudFormation::Stack","Properties":{"Parameters":` +
		`{"Name":"v"}},"Metadata":{"aws:cdk:path":"S/Storage.NestedStack/Storage.NestedStackResource"}},` +
		`"Other":{"Type":"AWS::CloudFormation::Stack"}}}`
	stacks, err := Read(files(map[string]string{Manifest: manifest, "S.metadata.json": metadata,
		"S.template.json": parent, "N.json": roleTemplate}), nil, cloudformation.Values{})
	if err != nil {
		t.Fatal(err)
	}
	if len(stacks) != 2 || stacks[1].Name != "S/N" || len(stacks[1].File.Principals) != 1 {
		t.Fatalf("got %+v, want the stack and its nested stack", stacks)
	}
	if d := stacks[1].File.Principals[0].Policies[0]; len(d.Open) > 0 {
		t.Errorf("open %v, want the parameter of the parent", d.Open)
	}
	note := "the template of the nested stack Other is not in the directory: it is not checked"
	if notes := stacks[0].File.Notes; len(notes) != 1 || notes[0] != note {
		t.Errorf("got notes %q, want %q", notes, note)
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no manifest", nil, "manifest.json: file does not exist: run cdk synth again"},
		{"no JSON", map[string]string{Manifest: "{"}, "manifest.json: unexpected end of JSON input"},
		{"another manifest", map[string]string{Manifest: `{"name":"app"}`},
			"manifest.json: no manifest of CDK: it has no artifacts"},
		{"no template", map[string]string{Manifest: emptyStack},
			"S.template.json: file does not exist: run cdk synth again"},
		{"an invalid template", map[string]string{Manifest: emptyStack,
			"S.template.json": `{"Resources":{"R":{"Type":"AWS::IAM::Role","Condition":"C"}}}`},
			`S.template.json: line 1, column 56: resource R: condition "C" is not in Conditions`},
		{"a file outside the directory", map[string]string{Manifest: strings.Replace(emptyStack,
			"S.template.json", "../S.template.json", 1)},
			`manifest.json: the name of a file is "../S.template.json", which is not in the directory`},
		{"an absolute path", map[string]string{Manifest: strings.Replace(emptyStack,
			"S.template.json", "/etc/passwd", 1)}, "which is not in the directory"},
		{"a stage outside the directory", map[string]string{Manifest: `{"artifacts":{"A":{` +
			`"type":"cdk:cloud-assembly","properties":{"directoryName":"../other"}}}}`},
			`the directory "../other" of A is not in the directory`},
		{"an assembly that contains itself", map[string]string{Manifest: `{"artifacts":{"A":{` +
			`"type":"cdk:cloud-assembly","properties":{"directoryName":"."}}}}`},
			"manifest.json: the assembly names the file twice"},
	} {
		_, err := Read(files(tt.files), nil, cloudformation.Values{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	_, err := Read(files(map[string]string{Manifest: emptyStack, "S.template.json": "["}),
		nil, cloudformation.Values{})
	var at *tree.Error
	if !errors.As(err, &at) {
		t.Errorf("error %v has no place", err)
	}
}

func TestStackWithoutResourcesHasNoPrincipals(t *testing.T) {
	stacks, err := Read(files(map[string]string{Manifest: emptyStack,
		"S.template.json": `{"Rules":{}}`}), nil, cloudformation.Values{})
	if err != nil || len(stacks) != 0 {
		t.Errorf("got %v, %v", stacks, err)
	}
}

func TestSourceIsTheFirstFrameThatCanBeShown(t *testing.T) {
	place := func(source string) string {
		name, _ := strings.CutPrefix(source, "/repository/")
		if name == source {
			return ""
		}
		return name
	}
	frames := []string{"f (/elsewhere/lib.ts:1:1)", "g (/repository/app.ts:2:3)"}
	want := policyfile.Place{File: "app.ts", Place: tree.Place{Line: 2, Column: 3}}
	if got := source(frames, place); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := source(frames[:1], place); got != (policyfile.Place{}) {
		t.Errorf("got %v for a source that is not shown", got)
	}
}

func TestSourceIsTheFirstFrameOfTheUser(t *testing.T) {
	for _, tt := range []struct{ name, frame, file string }{
		{"a source in TypeScript", "new Stack (/app/lib/stack.ts:26:18)", "/app/lib/stack.ts"},
		{"without a function", "at /app/lib/stack.ts:26:18", "/app/lib/stack.ts"},
		{"a module", "file:///app/stack.mjs:26:18", "/app/stack.mjs"},
		{"a path with blanks and parentheses", "new Stack (/my app/lib/stack.ts:26:18)",
			"/my app/lib/stack.ts"},
		{"a path of Windows", `new Stack (C:\app\lib\stack.ts:26:18)`, `C:\app\lib\stack.ts`},
		{"a package", "new Role (/app/node_modules/aws-cdk-lib/aws-iam/lib/role.js:1:7639)", ""},
		{"Node", "Module._compile (node:internal/modules/cjs/loader:1521:14)", ""},
		{"the bridge to other languages", "Kernel.create (/tmp/jsii-runtime.1/lib/program.js:10:5)", ""},
		{"hidden frames", "...new Role2 in aws-cdk-lib...", ""},
		{"another text", "stack traces are disabled", ""},
	} {
		got := source([]string{"...hidden...", tt.frame}, nil)
		want := policyfile.Place{File: tt.file}
		if tt.file != "" {
			want.Place = tree.Place{Line: 26, Column: 18}
		}
		if got != want {
			t.Errorf("%s: got %v, want %v", tt.name, got, want)
		}
	}
}

// FuzzRead checks that no assembly causes a panic or reads a file outside its directory.
func FuzzRead(f *testing.F) {
	own, err := os.ReadFile("testdata/assembly/manifest.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(own), "{}", roleTemplate)
	f.Add(emptyStack, `{"/S/R/Resource":[{"type":"aws:cdk:creationStack","data":["(/a.ts:1:2)"]}]}`,
		roleTemplate)
	f.Fuzz(func(t *testing.T, manifest, metadata, template string) {
		stacks, err := Read(func(name string) (string, error) {
			if !fs.ValidPath(name) {
				t.Errorf("read %q", name)
			}
			switch {
			case strings.HasSuffix(name, Manifest):
				return manifest, nil
			case strings.Contains(name, "metadata"):
				return metadata, nil
			}
			return template, nil
		}, nil, cloudformation.Values{})
		if err != nil {
			return
		}
		if text, err := json.Marshal(stacks); err != nil || len(text) == 0 {
			t.Errorf("%v", err)
		}
	})
}
