package contract

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The auditor changes nothing it audits: of IAM and Lambda it reads, and asks the simulator.
func TestNothingAuditedIsWritten(t *testing.T) {
	read := regexp.MustCompile(`^(iam:(Get|List|Simulate)|lambda:List)[A-Za-z]+$`)
	for _, p := range ReadPermissions() {
		if !read.MatchString(p.Action) {
			t.Errorf("%s: auditing only reads", p.Action)
		}
	}
	for _, p := range slices.Concat(FunctionPermissions(), OnBehalf()) {
		if service, _, _ := strings.Cut(p.Action, ":"); service == "iam" || service == "lambda" {
			t.Errorf("%s: only auditing has to do with IAM and Lambda", p.Action)
		}
	}
}

// An action is listed once, on one scope: what is taken away from a role is gone.
func TestEachActionIsListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range slices.Concat(ReadPermissions(), FunctionPermissions(), OnBehalf()) {
		if seen[p.Action] {
			t.Errorf("%s is listed twice", p.Action)
		}
		seen[p.Action] = true
		if p.Why == "" || p.Scope == "" {
			t.Errorf("%s: on %q, for %q", p.Action, p.Scope, p.Why)
		}
	}
}
