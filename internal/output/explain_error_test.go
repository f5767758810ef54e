package output

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/denial"
	"github.com/remotion-audit/remotion-audit/internal/denial/advice"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func textOf(t *testing.T, errorMessage string) string {
	t.Helper()
	var b bytes.Buffer
	if err := errorText(&b, advice.For(denial.Read(errorMessage)), textfmt.View{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestErrorText(t *testing.T) {
	const user = "User: arn:aws:iam::123456789012:user/remotion-user is not authorized to perform: "
	for name, text := range map[string]string{
		"identity-policy": user + "lambda:InvokeFunction on resource: " +
			"arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec" +
			" because no identity-based policy allows the lambda:InvokeFunction action",
		"service-control-policy": "An error occurred (AccessDenied) when calling the CreateBucket " +
			"operation: " + user + `s3:CreateBucket on resource: "arn:aws:s3:::remotionlambda-useast1-abc" ` +
			"with an explicit deny in a service control policy: " +
			"arn:aws:organizations::987654321098:policy/o-qv5af4abcd/service_control_policy/p-2kgnabcd",
		"bare": "AccessDenied: Access Denied\n    at throwDefaultError (index.js:1:1)",
		"encoded": "You are not authorized to perform this operation. Encoded authorization failure " +
			"message: " + strings.Repeat("Ab-_", 20),
		"function-role": "InvalidParameterValueException: The provided execution role does not have " +
			"permissions to call CreateNetworkInterface on EC2",
		"rate":    "TooManyRequestsException: Rate Exceeded.",
		"unknown": "It does not work.",
	} {
		t.Run(name, func(t *testing.T) {
			golden.Compare(t, filepath.Join("testdata", "explain-error-"+name+".txt"),
				[]byte(textOf(t, text)))
		})
	}
}

// TestHostileErrorTexts checks that nothing of an error text reaches a terminal or a shell as more
// than text.
func TestHostileErrorTexts(t *testing.T) {
	for _, text := range []string{
		"User: arn:aws:iam::123456789012:user/$(id) is not authorized to perform: s3:PutObject on " +
			"resource: \"arn:aws:s3:::b/`id`;$(reboot) 'x' | y\" because no identity-based policy allows the " +
			"s3:PutObject action",
		"User: arn:aws:iam::123456789012:user/a\x1b]0;title\a is not authorized to perform: " +
			"s3:PutObject on resource: \"arn:aws:s3:::b/\x1b[2J\u202egpj.exe\" because no identity-based policy " +
			"allows the s3:PutObject action",
		"<script>alert(1)</script> AccessDenied \x00\x07\x9b31m",
		"Encoded authorization failure message: " + strings.Repeat("A", 40) + "'; rm -rf ~; '",
		strings.Repeat("User: arn:aws:iam::123456789012:user/a is not authorized to perform: ", 5000),
		strings.Repeat("{", 100_000),
		strings.Repeat(`\\\\"`, 50_000),
		strings.Repeat("Encoded authorization failure message: ", 6000),
	} {
		out := textOf(t, text)
		for _, r := range out {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%U in the text for %.60q", r, text)
			}
		}
		if len(out) > 30_000 {
			t.Errorf("%d bytes for %.60q", len(out), text)
		}
		for line := range strings.Lines(out) {
			command := strings.TrimSpace(line)
			if strings.HasPrefix(command, "aws ") || strings.HasPrefix(command, "remotion-audit ") {
				outside := withoutQuoted(command)
				if strings.ContainsAny(outside, "$`;|&<>(){}") {
					t.Errorf("the command is not quoted: %s", command)
				}
			}
		}
	}
}

// withoutQuoted returns a command line without its parts in single quotes.
func withoutQuoted(line string) string {
	var b strings.Builder
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}

// TestDocumentedErrors compares the examples of docs/explain.md with the output.
func TestDocumentedErrors(t *testing.T) {
	content, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, block := range strings.Split(string(content), "```text\n")[1:] {
		text, ok := strings.CutPrefix(block, "$ remotion-audit explain --error '")
		if !ok {
			continue
		}
		examples++
		errorMessage, rest, _ := strings.Cut(text, "'\n\n")
		if want, _, _ := strings.Cut(rest, "```"); textOf(t, errorMessage) != want {
			t.Errorf("docs/explain.md shows\n%s\nthe command prints\n%s", want, textOf(t, errorMessage))
		}
	}
	if examples < 2 {
		t.Errorf("%d examples, want 2", examples)
	}
}
