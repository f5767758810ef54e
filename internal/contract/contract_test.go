package contract

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNothingAuditedIsWritten checks that all permissions on IAM and Lambda only read or simulate.
func TestNothingAuditedIsWritten(t *testing.T) {
	// lambda:GetFunction would return a link to the code.
	read := regexp.MustCompile(`^((iam:(Get|List|Simulate)|lambda:List)[A-Za-z]+|` +
		`lambda:Get(AccountSettings|FunctionConfiguration|FunctionConcurrency))$`)
	for _, p := range ReadPermissions() {
		if !read.MatchString(p.Action) {
			t.Errorf("%s: not a read-only action", p.Action)
		}
	}
	for _, p := range slices.Concat(FunctionPermissions(), OnBehalfPermissions()) {
		if service, _, _ := strings.Cut(p.Action, ":"); service == "iam" || service == "lambda" {
			t.Errorf("%s: an action on IAM or Lambda outside ReadPermissions", p.Action)
		}
	}
}

// TestEachActionIsListedOnce checks that each action is listed once, with one scope, so that a
// removal from the list removes the permission. Only actions on the two keys have two scopes.
func TestEachActionIsListedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range slices.Concat(ReadPermissions(), FunctionPermissions(), OnBehalfPermissions()) {
		name := p.Action
		if strings.HasPrefix(name, "kms:") {
			name += " on " + string(p.Scope)
		}
		if seen[name] {
			t.Errorf("%s is listed twice", name)
		}
		seen[name] = true
		if p.Purpose == "" || p.Scope == "" {
			t.Errorf("%s: scope %q, purpose %q", p.Action, p.Scope, p.Purpose)
		}
	}
}

// TestStatementsGrantEveryPermission checks that Statements grants all permissions for each read
// scope, but omits discovery with ReadScopeNamed.
func TestStatementsGrantEveryPermission(t *testing.T) {
	all := slices.Concat(ReadPermissions(), FunctionPermissions(), OnBehalfPermissions())
	for _, readScope := range []string{ReadScopeAccount, ReadScopeNamed} {
		var got, want []string
		for _, s := range Statements(readScope, all) {
			if s.Sid == "" || len(s.Resources) == 0 {
				t.Errorf("%s: Sid %q, resources %q", s.Scope, s.Sid, s.Resources)
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
	// With ReadScopeNamed, the auditor has no read access to the whole account.
	for _, s := range Statements(ReadScopeNamed, ReadPermissions()) {
		if s.Scope != ScopeNamed {
			t.Errorf("%s: read access to %s", s.Sid, s.Scope)
		}
	}
}
