package collect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestNamesakesOfMissingPrincipals checks what the finding about a missing principal says about one
// with almost the same name, and that the collector lists names only for a missing principal.
func TestNamesakesOfMissingPrincipals(t *testing.T) {
	rename := func(name string) func(*awsemu.Account, *collect.Plan) {
		return func(a *awsemu.Account, _ *collect.Plan) {
			a.Roles[name] = a.Roles["remotion-lambda-role"]
			delete(a.Roles, "remotion-lambda-role")
		}
	}
	caller := func(name string) func(*awsemu.Account, *collect.Plan) {
		return func(_ *awsemu.Account, p *collect.Plan) {
			p.Callers = []collect.Caller{{Name: name, Purpose: policies.All}}
		}
	}
	for _, tt := range []struct {
		name string
		edit func(*awsemu.Account, *collect.Plan)
		why  string
		// lists are the operations that list names.
		lists string
	}{
		{"nothing is listed if all principals exist", func(*awsemu.Account, *collect.Plan) {}, "", ""},
		{"a role with a typo", rename("remotion-lamda-role"),
			"the account has no role of this name, under any path: role remotion-lamda-role exists",
			"ListRoles"},
		{"a role with another case", rename("Remotion-Lambda-Role"),
			"the account has no role of this name, under any path: role Remotion-Lambda-Role exists",
			"ListRoles"},
		{"two swapped letters", rename("remotion-labmda-role"),
			"the account has no role of this name, under any path: role remotion-labmda-role exists",
			"ListRoles"},
		{"a role with another name", rename("clips"),
			"the account has no role of this name, under any path", "ListRoles"},
		{"the nearest of several, and of equally near ones the first by name",
			func(a *awsemu.Account, p *collect.Plan) {
				rename("remotion-lambda-role-xy")(a, p)
				for _, name := range []string{"remotion-lambda-roles", "remotion-lambda-role2",
					"remotion-lambda-ro"} {
					a.Roles[name] = awsemu.Role{}
				}
			},
			"the account has no role of this name, under any path: role remotion-lambda-role2 exists",
			"ListRoles"},
		{"a user with a typo", func(a *awsemu.Account, p *collect.Plan) {
			a.Users["remotion-user"] = a.Users["ci"]
			caller("user/remotion-usr")(a, p)
		}, "the account has no user of this name, under any path: user remotion-user exists", "ListUsers"},
		{"a short name must differ in one letter", caller("user/x"),
			"the account has no user of this name, under any path", "ListUsers"},
		{"the deployed function lists no users", func(a *awsemu.Account, p *collect.Plan) {
			p.ListUsers = false
			caller("user/cj")(a, p)
		}, "the account has no user of this name, under any path", ""},
		{"a permission set with a typo, from the lists of its search",
			func(a *awsemu.Account, p *collect.Plan) {
				a.Roles["AWSReservedSSO_Videos_0123456789abcdef"] = awsemu.Role{
					Path: "/aws-reserved/sso.amazonaws.com/"}
				caller("sso/Vdeos")(a, p)
			}, "the account has no role of this name, under any path: permission set Videos exists",
			"ListRoles"},
		{"a refused list is no problem", func(a *awsemu.Account, p *collect.Plan) {
			rename("remotion-lamda-role")(a, p)
			a.Faults = []awsemu.Fault{{Operation: "iam:ListRoles", Deny: true}}
		}, "the account has no role of this name, under any path", "ListRoles"},
		{"the named read scope lists nothing", func(a *awsemu.Account, p *collect.Plan) {
			rename("remotion-lamda-role")(a, p)
			p.Named = true
		}, "the account has no role of this name, under any path", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account, p := compliant(t), plan()
			p.ListUsers = true
			tt.edit(account, &p)
			r, server := judge(t, account, p)
			var why, lists []string
			for _, f := range r.Findings {
				if f.Cause == audit.TargetMissing {
					why = append(why, f.Why)
				}
			}
			for _, c := range server.Calls() {
				if (c.Operation == "ListRoles" || c.Operation == "ListUsers") &&
					!slices.Contains(lists, c.Operation) {
					lists = append(lists, c.Operation)
				}
			}
			if got := strings.Join(lists, " "); got != tt.lists {
				t.Errorf("listed %q, want %q", got, tt.lists)
			}
			if got := strings.Join(why, "\n"); got != tt.why {
				t.Errorf("got %q, want %q", got, tt.why)
			}
			for _, problem := range r.Problems {
				t.Errorf("problem %+v", problem)
			}
		})
	}
}

// TestOneListOfNames checks that several missing roles cost one list.
func TestOneListOfNames(t *testing.T) {
	account, p := compliant(t), plan()
	account.Roles = nil
	p.Callers = []collect.Caller{{Name: "role/first", Purpose: policies.All},
		{Name: "role/second", Purpose: policies.All}}
	_, server := judge(t, account, p)
	lists := 0
	for _, c := range server.Calls() {
		if c.Operation == "ListRoles" {
			lists++
		}
	}
	if lists != 1 {
		t.Errorf("%d lists, want 1", lists)
	}
}
