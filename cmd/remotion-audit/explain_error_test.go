package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/denial/advice"
)

// runExplain runs explain with arguments and a text on standard input.
func runExplain(t *testing.T, stdin string, args ...string) (stdout string, status int, err error) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	cmd := rootCommand()
	cmd.SetArgs(append([]string{"explain"}, args...))
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&diagnostics)
	err = cmd.Execute()
	var exit exitError
	if errors.As(err, &exit) {
		return out.String(), int(exit), nil
	}
	return out.String(), 0, err
}

func TestExplainError(t *testing.T) {
	const denied = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: " +
		"lambda:ListFunctions on resource: * because no identity-based policy allows the " +
		"lambda:ListFunctions action"
	tests := []struct {
		name, stdin string
		args        []string
		status      int
		out, err    string
	}{
		{"a text in the flag", "", []string{"--error", denied}, 0,
			"ACCESS DENIED  lambda:ListFunctions: no identity-based policy allows it", ""},
		{"a text on standard input", denied, []string{"--error", "-"}, 0, "Target         user/ci", ""},
		{"standard input without a flag", denied, nil, 0, "Target         user/ci", ""},
		{"a problem without a policy", "Error: ENOSPC: no space left on device", nil, 0,
			"NO PERMISSION PROBLEM  disk space of the function", ""},
		{"an unknown text", "it does not work", nil, 2, "UNKNOWN ERROR TEXT", ""},
		{"an empty standard input", " \n", nil, 0, "", "give the text of the error"},
		{"a text and an action", "", []string{"s3:GetObject", "--error", denied}, 0, "",
			"--error and ACTION exclude each other"},
		{"a flag of a request", "", []string{"--error", denied, "--target", "user/ci"}, 0, "",
			"--target needs ACTION: it does not apply to an error text"},
		{"a request in the account, as JSON", "", []string{"--error", denied, "--verify", "--format", "json"},
			0, "", "--verify prints text only"},
		{"a text without an action", "AccessDenied: Access Denied", []string{"--verify"}, 0,
			"ACCESS DENIED  action unknown", "the text names no denied action"},
		{"an unknown format", denied, []string{"--format", "html"}, 0, "",
			`--format must be text or json, got "html"`},
		{"megabytes", strings.Repeat(denied+"\n", 20_000), nil, 0, "its middle was not read", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, status, err := runExplain(t, tt.stdin, tt.args...)
			if status != tt.status || !strings.Contains(out, tt.out) {
				t.Errorf("status %d, want %d\n%s\nwant %s", status, tt.status, out, tt.out)
			}
			if tt.err == "" && err != nil ||
				tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestExplainErrorAsJSON(t *testing.T) {
	out, status, err := runExplain(t, "it does not work", "--format", "json")
	if err != nil || status != exitUnverified {
		t.Fatalf("status %d, %v", status, err)
	}
	var a struct {
		SchemaVersion string
		Error         map[string]any
	}
	if err := json.Unmarshal([]byte(out), &a); err != nil || a.SchemaVersion != advice.SchemaVersion ||
		a.Error["kind"] != "unknown" || a.Error["action"] != "unknown" {
		t.Errorf("%v\n%s", err, out)
	}
}
