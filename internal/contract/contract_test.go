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
	for _, p := range slices.Concat(FunctionPermissions(), OnBehalfPermissions()) {
		if service, _, _ := strings.Cut(p.Action, ":"); service == "iam" || service == "lambda" {
			t.Errorf("%s: only auditing has to do with IAM and Lambda", p.Action)
		}
	}
}

// An action is listed once, on one scope: what is taken away from a role is gone.
func TestEachActionIsListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range slices.Concat(ReadPermissions(), FunctionPermissions(), OnBehalfPermissions()) {
		if seen[p.Action] {
			t.Errorf("%s is listed twice", p.Action)
		}
		seen[p.Action] = true
		if p.Why == "" || p.Scope == "" {
			t.Errorf("%s: on %q, for %q", p.Action, p.Scope, p.Why)
		}
	}
}

// No permission is lost on the way into statements, whatever the read scope, but what discovers
// with named.
func TestStatementsGrantEveryPermission(t *testing.T) {
	all := slices.Concat(ReadPermissions(), FunctionPermissions(), OnBehalfPermissions())
	for _, readScope := range []string{ReadScopeAccount, ReadScopeNamed} {
		var got, want []string
		for _, s := range Statements(readScope, all) {
			if s.Sid == "" {
				t.Errorf("%s: no Sid", s.Scope)
			}
			got = append(got, s.Actions...)
		}
		for _, p := range all {
			if readScope == ReadScopeAccount || !p.Discovers() {
				want = append(want, p.Action)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: granted %v, want %v", readScope, got, want)
		}
	}
	// Nothing is granted on the account beside what is named.
	for _, s := range Statements(ReadScopeNamed, ReadPermissions()) {
		if s.Scope != ScopeNamed {
			t.Errorf("%s: a read on %s", s.Sid, s.Scope)
		}
	}
}
