package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestCheckOfHostileFiles checks that files and directories of any size end with an error that says
// what to do.
func TestCheckOfHostileFiles(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		write func(t *testing.T, folder string)
		want  string
	}{
		{"a file of 200 MB", func(t *testing.T, folder string) {
			write(t, folder, "x.json", "{")
			if err := os.Truncate(filepath.Join(folder, "x.json"), 200<<20); err != nil {
				t.Fatal(err)
			}
		}, "x.json: the file has more than 64 MiB"},
		{"10,000 nested lists in a policy", func(t *testing.T, folder string) {
			write(t, folder, "x.json", `{"Statement":`+strings.Repeat("[", 10_000))
		}, "x.json: line 1"},
		{"10,000 nested objects in a template", func(t *testing.T, folder string) {
			write(t, folder, "x.json", `{"Resources":`+strings.Repeat(`{"a":`, 10_000)+"1"+
				strings.Repeat("}", 10_000)+`,"AWS::IAM::":1}`)
		}, "x.json: at most 100 objects and lists may be nested"},
		{"10,000 nested objects in a plan", func(t *testing.T, folder string) {
			write(t, folder, "x.json", `{"format_version":"1.2","a":`+strings.Repeat(`{"a":`, 10_000)+"1"+
				strings.Repeat("}", 10_001)+`"aws_iam_"`)
		}, "x.json: at most 100 objects and lists may be nested"},
		{"10,000 nested lists in YAML", func(t *testing.T, folder string) {
			write(t, folder, "x.yaml", "Resources: "+strings.Repeat("[", 10_000)+" # AWS::IAM::Role")
		}, "x.yaml: "},
		{"no file with a known extension", func(t *testing.T, folder string) {
			write(t, folder, "x.txt", "")
		}, "no file with the extension"},
		{"a deep directory", func(t *testing.T, folder string) {
			if err := os.MkdirAll(filepath.Join(folder, strings.Repeat("d/", 40)), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "more than 32 directories are nested"},
		{"a directory with many files", func(t *testing.T, folder string) {
			write(t, folder, "0.json", "{}")
			for i := range maxFound {
				name := filepath.Join(folder, fmt.Sprintf("a%d.json", i))
				err := os.Link(filepath.Join(folder, "0.json"), name)
				if err != nil {
					t.Fatal(err)
				}
			}
		}, "more than 1000 files: name a directory further down, or a pattern"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			test.write(t, folder)
			out, _, err := runCommand(t, checkCommand(), "--for role "+folder)
			if err == nil || !strings.Contains(err.Error(), test.want) || out != "" {
				t.Errorf("%v, output %.200q; want %q", err, out, test.want)
			}
		})
	}
}

// TestASearchCountsEntries checks that a search for files ends after a number of entries, also of
// files with other extensions.
func TestASearchCountsEntries(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "0.txt", "")
	for i := range 100 {
		if err := os.Link(filepath.Join(folder, "0.txt"),
			filepath.Join(folder, fmt.Sprintf("a%d.txt", i))); err != nil {
			t.Fatal(err)
		}
	}
	s := search{files: &files{ctx: t.Context()}, entries: maxEntries - 50,
		matches: func(string) bool { return true }}
	if err := s.directory(folder, 0); err == nil || !strings.Contains(err.Error(),
		"more than 50000 files and directories") {
		t.Errorf("%v, want a limit", err)
	}
}

// TestCheckOfATemplateFollowsTheSchema checks the JSON about principals of a template with open
// parts.
func TestCheckOfATemplateFollowsTheSchema(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "t.yaml", "Parameters: {B: {Type: String}}\nResources:\n  RemotionRole:\n"+
		"    Type: AWS::IAM::Role\n    Properties:\n      Policies:\n        - PolicyName: p\n"+
		"          PolicyDocument:\n            Statement:\n"+
		"              - {Effect: Allow, Action: \"s3:*\", Resource: !Ref B}\n"+
		"  Remotion2: {Type: AWS::IAM::User}\n")
	write(t, folder, "all.json",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	file, all := filepath.Join(folder, "t.yaml"), filepath.Join(folder, "all.json")
	for line, schema := range map[string]string{
		"--for role --excess " + file:                            "check.schema.json",
		"--for role --resource Remotion* " + file:                "check-results.schema.json",
		"--for role " + all + " --instead-of " + file:            "check-replacement.schema.json",
		"--for role --policy " + file + " --instead-of " + all:   "check-replacement.schema.json",
		"--for role --policy " + file + " --policy " + all + " ": "check.schema.json",
	} {
		out, diagnostics, _ := runCommand(t, checkCommand(), "--format json "+line)
		if err := schematest.Validate(t, schematest.Compile(t, schema), []byte(out)); err != nil {
			t.Errorf("%s: %v\n%s%s", line, err, diagnostics, out)
		}
	}
}
