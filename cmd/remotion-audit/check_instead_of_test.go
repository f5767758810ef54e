package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestCheckInsteadOf checks what the command prints about proposed policies, and its exit status.
func TestCheckInsteadOf(t *testing.T) {
	t.Parallel()
	folder := policyFiles(t)
	for _, name := range []string{"now", "empty"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(folder, "now"), "a.json", `{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Allow","Action":["s3:*","logs:*"],"Resource":"*"}]}`)
	write(t, filepath.Join(folder, "now"), "b.JSON", `{"Version":"2012-10-17","Statement":[`+
		`{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}`)
	write(t, filepath.Join(folder, "now"), "README.md", "not a policy")
	write(t, filepath.Join(folder, "now"), "terminal\x1b[2J.json", `{"Version":"2012-10-17",`+
		`"Statement":[{"Effect":"Deny","Action":"sqs:*","Resource":"*"}]}`)
	for _, test := range []struct {
		name, line string
		exit       exitError
		out        []string
	}{
		{"a proposal that keeps everything", "--for role good.json --instead-of half.json " +
			"--instead-of rest.json", 0, []string{"LOSES NOTHING  no permission lost; 14 kept"}},
		{"a directory of current policies", "--for role --policy good.json --instead-of now", 0,
			[]string{"LOSES NOTHING", "now/a.json", "now/b.JSON", "now/terminal\ufffd[2J.json"}},
		{"a proposal that drops a policy", "--for role half.json --instead-of now", exitGaps,
			[]string{"LOSES  1 permission lost; 13 kept", "LOST  critical",
				"Actions       lambda:InvokeFunction", "Operation     render",
				"Cause         no-grant: no statement grants the action"}},
		{"a loss below --fail-on", "--for role --policy quiet.json --instead-of now " +
			"--fail-on critical", 0,
			[]string{"LOSES  ", "logs:CreateLogStream"}},
		{"both lack the same", "--for role bad.json --instead-of bad.json", 0,
			[]string{"LOSES NOTHING  no permission lost; 14 missing in both", "MISSING IN BOTH  critical",
				"A check of the proposed policies without --instead-of explains"}},
		{"a proposal that adds", "--for role good.json --instead-of bad.json", 0,
			[]string{"LOSES NOTHING  no permission lost; 14 gained", "GAINED\n  Actions"}},
		{"a requirement that cannot be decided", "--required needed.json part.json --instead-of bad.json",
			exitUnverified, []string{"UNVERIFIED  no loss is proved; 1 unverified, 1 gained",
				"without a value: add --context"}},
		{"an unknown major release", "--for role --remotion-version 5.0.0 good.json " +
			"--instead-of good.json", exitUnverified, []string{"UNVERIFIED  no loss is proved"}},
		{"a boundary limits both", "--for role good.json --instead-of now --boundary quiet.json", 0,
			[]string{"LOSES NOTHING", "missing in both"}},
		{"the account of a function in the proposal", "--for role --function acme good.json " +
			"--instead-of now", exitGaps, []string{"LOST  critical"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, _, exit := checkIn(t, folder, test.line)
			if exit != test.exit {
				t.Errorf("exit status %d, want %d\n%s", exit, test.exit, out)
			}
			for _, want := range test.out {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			out, _, exit = checkIn(t, folder, test.line+" --format json")
			if err := schematest.Validate(t, schematest.Compile(t, "check-replacement.schema.json"),
				[]byte(out)); err != nil || exit != test.exit {
				t.Errorf("exit status %d, %v\n%s", exit, err, out)
			}
		})
	}
	for _, test := range []struct{ line, want string }{
		{"--for role good.json bad.json --instead-of half.json",
			"--instead-of compares the policies of one principal, got 2"},
		{"--for role good.json --instead-of empty",
			"the directory has no .json file: name the policy files"},
		{"--for role good.json --instead-of none.json", "none.json: no such file or directory"},
		{"--for role --policy broken.json --instead-of good.json", "broken.json: line 1"},
		{"--for role --policy - --instead-of -", "standard input is already used"},
		{"--for role --excess good.json --instead-of good.json",
			"--excess cannot be combined with --instead-of"},
		{"good.json --instead-of good.json", "the requirements are missing"},
		{"--for role --instead-of good.json", "a policy file is required"},
	} {
		_, _, err := runCommand(t, checkCommand(), inFolder(folder, test.line))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.line, err, test.want)
		}
	}
}

// TestCheckInsteadOfGolden compares the text about a recommendation that removes unused rights with
// a golden file.
func TestCheckInsteadOfGolden(t *testing.T) {
	t.Parallel()
	out, _, err := runCommand(t, checkCommand(), "--for user --policy "+
		"../../examples/check/unused-access.json --instead-of "+
		"../../examples/compliant/user-policy.json")
	if exit := exitError(0); !errors.As(err, &exit) || exit != exitGaps {
		t.Errorf("%v, want exit status %d", err, exitGaps)
	}
	golden.Compare(t, "testdata/check-instead-of.txt", []byte(out))
}
