package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// TestCheckSaysWhatToDoAboutAnUnreadableFile checks that each text that is not a policy document
// gets one line that names the file and the remedy.
func TestCheckSaysWhatToDoAboutAnUnreadableFile(t *testing.T) {
	t.Parallel()
	const statement = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",%s}]}`
	utf16 := func(text string, littleEndian bool) string {
		b := []byte{0xfe, 0xff}
		if littleEndian {
			b = []byte{0xff, 0xfe}
		}
		for i := range len(text) {
			pair := []byte{0, text[i]}
			if littleEndian {
				pair = []byte{text[i], 0}
			}
			b = append(b, pair...)
		}
		return string(b)
	}
	valid := fmt.Sprintf(statement, `"Action":"*","Resource":"*"`)
	tests := []struct{ name, text, want string }{
		{"an empty file", "", "the text is empty"},
		{"YAML", "Version: '2012-10-17'\nStatement:\n  - Effect: Allow\n", "the text is YAML, not JSON"},
		{"YAML after a comment", "# the role\n---\nVersion: '2012-10-17'\n", "the text is YAML, not JSON"},
		{"a list in YAML", "- Effect: Allow\n  Action: '*'\n", "the text is YAML, not JSON"},
		{"a resource in HCL", "# role\nresource \"aws_iam_policy\" \"p\" {\n  name = \"p\"\n}\n",
			"give plan.json"},
		{"a policy document in HCL", "data \"aws_iam_policy_document\" \"p\" {\n  statement {\n",
			"give plan.json"},
		{"an object in HCL", "{\n  Version = \"2012-10-17\"\n}\n", "the text is HCL, not JSON"},
		{"an object in HCL with a key in lower case", "{\n  version = \"2012-10-17\"\n}\n",
			"the text is HCL, not JSON"},
		{"a call in HCL", "jsonencode({ Version = \"2012-10-17\" })", "the text is HCL, not JSON"},
		{"single quotes", "{'Version': '2012-10-17'}", "JSON needs double quotes, not single quotes"},
		{"curly quotes", "{“Version”: “2012-10-17”}", `use the plain double quote "`},
		{"keys without quotes", `{Version: "2012-10-17"}`, "put keys and text in double quotes"},
		{"a value without quotes", `{"Version": latest}`, "put text in double quotes"},
		{"a comment", "{\n  // the role\n  \"Version\": \"2012-10-17\"}", "JSON has no comments, remove it"},
		{"a comma after the last value", fmt.Sprintf(statement, `"Action":["s3:*",],"Resource":"*"`),
			"remove the comma before it"},
		{"a comma after the last key", fmt.Sprintf(statement, `"Action":"*","Resource":"*",`),
			"remove the comma before it"},
		{"a comma after the last statement", `{"Statement":[{"Effect":"Allow","Action":"*",` +
			`"Resource":"*"},]}`, "remove the comma before it"},
		{"UTF-16 without a byte-order mark", utf16(valid, true)[2:],
			"the file is UTF-16 without a byte order mark, or binary: save it as UTF-8"},
		{"half of UTF-16", utf16(valid, true)[:7], "the file is not UTF-16, but begins like it"},
		{"UTF-32", "\xff\xfe\x00\x00{\x00\x00\x00", "the file is UTF-32: save it as UTF-8"},
		{"Latin-1", "{\"Id\":\"\xe9\"}", "line 1: the file is not UTF-8: save it as UTF-8"},
		{"an action that is a service", fmt.Sprintf(statement, `"Action":"s3","Resource":"*"`),
			`Action: "s3" has no service: write s3:* for all actions`},
		{"a variable that does not close", fmt.Sprintf(statement,
			`"Action":"*","Resource":"arn:aws:s3:::${aws:username"`), "has no closing brace: write ${name}"},
		{"a function of CloudFormation", fmt.Sprintf(statement,
			`"Action":"*","Resource":{"Fn::Sub":"x"}`), "replace a template's function by its value"},
		{"a placeholder of a template", `{{ policy }}`, `expected a quoted key, got "{"`},
		{"an empty answer of the AWS CLI", `{"PolicyVersion":{"Document":{}}}`,
			"the policy document has no Statement"},
		{"a resource that is no ARN", fmt.Sprintf(statement, `"Action":"*","Resource":"*cw*"`),
			`"*cw*" is neither an ARN nor "*": write an ARN, such as`},
		{"a line break in a value", fmt.Sprintf(statement, `"Action":"a\nb","Resource":"*"`),
			`"a\nb" has no service`},
		{"too many bytes", strings.Repeat(" ", iampolicy.MaxText) + valid,
			"at most 1048576 are read: split the document"},
		{"too many bytes without white space", fmt.Sprintf(statement, `"Resource":"*","Action":["s3:A`+
			strings.Repeat(`","s3:A`, iampolicy.MaxMinified/7)+`"]`), "at most 262144 are read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"policy.json", "a\nb\x1b[2J.json"} {
				path := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
					t.Fatal(err)
				}
				checkOneLine(t, path, test.want)
			}
		})
	}
	checkOneLine(t, filepath.Join(t.TempDir(), "a\nb"), "no such file or directory")
	checkOneLine(t, t.TempDir(), "the directory has no .json file")
}

// checkOneLine checks that the check of a policy fails with one printable line.
func checkOneLine(t *testing.T, path, want string) {
	t.Helper()
	cmd := checkCommand()
	cmd.SetArgs([]string{"--policy", path, "--for", "role"})
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.Execute()
	if err == nil || !strings.Contains(err.Error(), want) ||
		!strings.Contains(err.Error(), "--policy ") || strings.ContainsAny(err.Error(), "\n\x1b") {
		t.Errorf("%q: %v, want one line with %q", path, err, want)
	}
}

// TestCheckReadsDocumentsOfAnySizeThatAWSUses checks documents as large as the largest managed
// policies of AWS: 135,200 bytes without white space, and twice that with indentation.
func TestCheckReadsDocumentsOfAnySizeThatAWSUses(t *testing.T) {
	t.Parallel()
	var actions []string
	for i := 0; len(strings.Join(actions, `","`)) < 135_000; i += 10 {
		for j := range 10 {
			actions = append(actions, fmt.Sprintf("s3:Describe%d", i+j))
		}
	}
	for _, separator := range []string{`","`, "\",\n" + strings.Repeat(" ", 24) + `"`} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["` +
			strings.Join(actions, separator) + `"],"Resource":"*"}]}`
		path := filepath.Join(t.TempDir(), "policy.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := runCommand(t, checkCommand(), "--policy "+path+" --for role")
		if exit := exitError(0); !errors.As(err, &exit) || exit != exitGaps {
			t.Errorf("a policy of %d bytes: %v, want exit status %d", len(text), err, exitGaps)
		}
	}
}

func TestParseContext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		flags []string
		want  string // as fmt prints a map
		err   string
	}{
		{"a pair", []string{"aws:a=1"}, "map[aws:a:[1]]", ""},
		{"several pairs in one flag", []string{"aws:a=1, aws:b=2"}, "map[aws:a:[1] aws:b:[2]]", ""},
		{"a key that is present and empty", []string{"aws:a="}, "map[aws:a:[]]", ""},
		{"a comma in a value", []string{`aws:a=x\,y,aws:b=z`}, "map[aws:a:[x,y] aws:b:[z]]", ""},
		{"a backslash in a value", []string{`aws:a=DOMAIN\user\\`}, `map[aws:a:[DOMAIN\user\]]`, ""},
		{"an equals sign in a value", []string{"aws:a=b=c"}, "map[aws:a:[b=c]]", ""},
		{"a key twice in different case", []string{"aws:a=1", "AWS:A=2"}, "map[aws:a:[1 2]]", ""},
		{"a text without =", []string{"aws:a=x,y"}, "", `"y" is not key=value (write \, for a comma`},
		{"a key without a service", []string{"username=x"}, "", `"username" is not a context key`},
		{"an address that is present and empty", []string{"aws:SourceIp="}, "map[aws:SourceIp:[]]", ""},
		{"a network as an address", []string{"aws:SourceIp=203.0.113.0/24"}, "", "is a network"},
	}
	for _, test := range tests {
		got, err := parseContext(test.flags)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v, want %q", test.name, err, test.err)
			}
			continue
		}
		if err != nil || fmt.Sprint(map[string][]string(got)) != test.want {
			t.Errorf("%s: %v, %v; want %s", test.name, got, err, test.want)
		}
	}
	if got, _ := parseContext([]string{"aws:a="}); len(got["aws:a"]) != 1 {
		t.Errorf("an empty value is %q, want one empty value", got["aws:a"])
	}
}

// TestCheckEndsWhileItReads checks that the command ends when its context ends, although the file
// is a pipe without a writer and standard input never ends.
func TestCheckEndsWhileItReads(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cmd := checkCommand()
	cmd.SetArgs([]string{"--policy", "-", "--for", "role"})
	cmd.SetIn(in)
	cmd.SetErr(io.Discard)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if exit := exitError(0); !errors.As(cmd.ExecuteContext(ctx), &exit) || exit != exitInterrupted {
		t.Errorf("exit status %d, want %d", exit, exitInterrupted)
	}
}
