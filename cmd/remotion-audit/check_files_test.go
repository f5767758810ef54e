package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// policyFiles writes policy files for tests and returns their folder. good has Remotion's role
// policy, bad grants nothing that is needed, half and rest grant all together, quiet lacks the
// logs, and broken is no policy. needed has a variable without a value; part grants the rest of it.
func policyFiles(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{
		"good.json": policies.Latest().Document(policies.Role),
		"bad.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*",` +
			`"Resource":"*"}]}`,
		"half.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":["s3:*","logs:*"],"Resource":"*"}]}`,
		"rest.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":"lambda:*","Resource":"*"}]}`,
		"quiet.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":["s3:*","lambda:*"],"Resource":"*"}]}`,
		"needed.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","arn:aws:s3:::${aws:userid}/*"]}]}`,
		"part.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}]}`,
		"broken.json": `{"Version":"2012-10-17","Statement":[`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestCheckOfSeveralFiles checks that each argument is a principal of its own, and that the exit
// status is that of the worst.
func TestCheckOfSeveralFiles(t *testing.T) {
	t.Parallel()
	folder := policyFiles(t)
	tests := []struct {
		name, line string
		exit       exitError
		out        []string // parts of the output, in this order
		err        string
	}{
		{"one good file is compliant", "--for role good.json", 0, []string{"COMPLIANT  all"}, ""},
		{"one bad file has gaps", "--for role bad.json", exitGaps, []string{"GAPS  "}, ""},
		{"a bad file after a good one has gaps", "--for role good.json bad.json", exitGaps,
			[]string{"GAPS  2 checked: 1 with gaps, 1 compliant", "POLICY  good.json\nCOMPLIANT",
				"POLICY  bad.json\nGAPS"}, ""},
		{"a bad file before a good one has gaps", "--for role bad.json good.json", exitGaps,
			[]string{"POLICY  bad.json\nGAPS", "POLICY  good.json\nCOMPLIANT"}, ""},
		{"flags can follow files", "bad.json good.json --for role", exitGaps,
			[]string{"POLICY  bad.json\nGAPS"}, ""},
		{"two good files are compliant", "--for role good.json good.json", 0,
			[]string{"COMPLIANT  2 checked: 2 compliant"}, ""},
		{"the halves of a policy are combined by --policy",
			"--for role --policy half.json --policy rest.json", 0, []string{"COMPLIANT  all"}, ""},
		{"the halves of a policy are not combined as arguments",
			"--for role half.json rest.json", exitGaps, []string{"2 checked: 2 with gaps"}, ""},
		{"an argument is not combined with --policy", "--for role --policy half.json rest.json",
			exitGaps, []string{"2 checked: 2 with gaps", "POLICY  half.json", "POLICY  rest.json"}, ""},
		{"a bad --policy before a good argument has gaps", "--for role --policy bad.json good.json",
			exitGaps, []string{"POLICY  bad.json\nGAPS", "POLICY  good.json\nCOMPLIANT"}, ""},
		{"combined policies are one principal beside an argument",
			"--for role --policy half.json --policy rest.json good.json", 0,
			[]string{"POLICY  half.json + rest.json\nCOMPLIANT", "POLICY  good.json\nCOMPLIANT"}, ""},
		{"a boundary applies to each file", "--for role --boundary rest.json good.json good.json",
			exitGaps, []string{"2 checked: 2 with gaps"}, ""},
		{"an unreadable file beside a good one is an error", "--for role good.json broken.json",
			exitUnverified, []string{"UNVERIFIED  2 checked: 1 unreadable, 1 compliant",
				"POLICY  good.json\nCOMPLIANT", "POLICY  broken.json\nUNVERIFIED  broken.json: line 1"},
			"remotion-audit: broken.json: line 1"},
		{"an unreadable file is worse than gaps", "--for role bad.json none.json", exitUnverified,
			[]string{"GAPS  2 checked: 1 unreadable, 1 with gaps"},
			"none.json: no such file or directory"},
		{"an unverified verdict is worse than a compliant one",
			"--required needed.json part.json part.json", exitUnverified,
			[]string{"UNVERIFIED  2 checked: 2 unverified"}, ""},
		{"gaps are worse than an unverified verdict", "--required needed.json part.json bad.json",
			exitGaps, []string{"GAPS  2 checked: 1 with gaps, 1 unverified"}, ""},
		{"--fail-on-unverified makes an unverified verdict the worst",
			"--required needed.json part.json bad.json --fail-on-unverified", exitUnverified,
			[]string{"GAPS  2 checked: 1 with gaps, 1 unverified"}, ""},
		{"a release of an unknown major version is unverified",
			"--for role good.json --remotion-version 5.0.0", exitUnverified,
			[]string{"UNVERIFIED  all ", "permissions that are known are granted",
				"Unverified    Remotion 5.0.0 is of a newer major version than the catalogue, which ends at"},
			"notice: Remotion 5.0.0 is of a newer major version"},
		{"gaps for a release of an unknown major version are gaps",
			"--for role bad.json --remotion-version 5.0.0", exitGaps, []string{"GAPS  "}, "notice: "},
		{"a new release of a known major version is compliant as far as it is known",
			"--for role good.json --remotion-version 4.1.0", 0,
			[]string{"COMPLIANT  all ", "permissions are granted, as far as 4.0.527 tells"}, "notice: "},
		{"gaps below --fail-on do not count", "--for role --fail-on high good.json quiet.json", 0,
			[]string{"GAPS  2 checked: 1 with gaps, 1 compliant"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, diagnostics, exit := checkIn(t, folder, test.line)
			if exit != test.exit || !strings.Contains(diagnostics, test.err) {
				t.Errorf("exit %d, want %d; %s\n%s", exit, test.exit, diagnostics, out)
			}
			rest := out
			for _, want := range test.out {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("no %q, in order, in\n%s", want, out)
				}
				rest = after
			}
		})
	}
}

// checkIn runs the check command with the files of a folder, and removes the folder from its
// output.
func checkIn(t *testing.T, folder, line string) (out, diagnostics string, exit exitError) {
	t.Helper()
	out, diagnostics, err := runCommand(t, checkCommand(), inFolder(folder, line))
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	clean := strings.NewReplacer(folder+string(filepath.Separator), "")
	return clean.Replace(out), clean.Replace(diagnostics), exit
}

// inFolder adds the folder to the words of a line that name files or directories in it.
func inFolder(folder, line string) string {
	words := strings.Fields(line)
	for i, word := range words {
		info, err := os.Stat(filepath.Join(folder, word))
		if strings.HasSuffix(word, ".json") || err == nil && info.IsDir() {
			words[i] = filepath.Join(folder, word)
		}
	}
	return strings.Join(words, " ")
}

// TestCheckOfSeveralFilesFollowsTheSchema checks the JSON of one and of several principals.
func TestCheckOfSeveralFilesFollowsTheSchema(t *testing.T) {
	t.Parallel()
	folder := policyFiles(t)
	for line, schema := range map[string]string{
		"--for role good.json":                                  "check.schema.json",
		"--for role good.json --remotion-version 5.0.0":         "check.schema.json",
		"--for role good.json --remotion-version 4.9.9":         "check.schema.json",
		"--for role --policy bad.json --excess":                 "check.schema.json",
		"--for role --policy half.json --policy rest.json":      "check.schema.json",
		"--for role good.json bad.json broken.json --excess":    "check-results.schema.json",
		"--for role --policy half.json rest.json":               "check-results.schema.json",
		"--required needed.json good.json bad.json broken.json": "check-results.schema.json",
	} {
		out, _, _ := checkIn(t, folder, "--format json "+line)
		if err := schematest.Validate(t, schematest.Compile(t, schema), []byte(out)); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// TestCheckOfOneUnreadableFile checks that one unreadable policy is an error without a document,
// however it is named.
func TestCheckOfOneUnreadableFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(policyFiles(t), "broken.json")
	for _, line := range []string{path, "--policy " + path} {
		out, _, err := runCommand(t, checkCommand(), "--for role "+line)
		if err == nil || !strings.Contains(err.Error(), line+": line 1") || out != "" {
			t.Errorf("%s: %v, output %q", line, err, out)
		}
	}
}

// write writes a file into a folder.
func write(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
