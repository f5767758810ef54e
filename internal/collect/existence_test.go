package collect_test

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// everyKindOfPolicy returns a compliant account in which each read of a policy is needed: the
// caller has an inline policy, a managed policy, a boundary and a group with both kinds of policy.
func everyKindOfPolicy(t *testing.T) *awsemu.Account {
	account := compliant(t)
	allow := statement(`"Effect":"Allow","Action":"*","Resource":"*"`)
	harmless := statement(`"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"`)
	account.Policies = map[string]awsemu.ManagedPolicy{"all": {Document: allow},
		"harmless": {Document: harmless}}
	account.Groups = map[string]awsemu.Group{"g": {Inline: map[string]string{"inline": harmless},
		Managed: []string{"harmless"}}}
	changeUser(account, func(u *awsemu.User) {
		u.Boundary, u.Managed, u.Groups = "all", []string{"harmless"}, []string{"g"}
	})
	changeRole(account, func(r *awsemu.Role) { r.Managed = []string{"harmless"} })
	return account
}

// TestNoSuchEntityIsNoProof checks that one NoSuchEntity changes nothing, and that an operation
// that always answers NoSuchEntity makes the report unverified if other answers contradict it.
func TestNoSuchEntityIsNoProof(t *testing.T) {
	for _, operation := range []string{"GetUser", "GetRole", "ListUserPolicies", "ListRolePolicies",
		"ListAttachedUserPolicies", "ListAttachedRolePolicies", "ListGroupsForUser",
		"ListGroupPolicies", "ListAttachedGroupPolicies", "GetUserPolicy", "GetRolePolicy",
		"GetGroupPolicy", "GetPolicy", "GetPolicyVersion", "SimulatePrincipalPolicy"} {
		for _, times := range []int{0, 1} {
			account := everyKindOfPolicy(t)
			account.Faults = []awsemu.Fault{{Operation: "iam:" + operation, Times: times,
				Error: &awsemu.FaultError{Code: "NoSuchEntity", Message: "not found", Status: 404}}}
			r, _ := judge(t, account, plan())
			want := audit.StatusCompliant
			if times == 0 {
				want = audit.StatusUnverified
			}
			if r.Status != want || r.Summary.Gaps > 0 {
				t.Errorf("%s answers NoSuchEntity, times %d: status %s, findings %q, problems %+v; want %s",
					operation, times, r.Status, unsatisfied(r), r.Problems, want)
			}
			for _, p := range r.Problems {
				if p.Remedy == "" {
					t.Errorf("%s answers NoSuchEntity: no remedy for %+v", operation, p)
				}
			}
		}
	}
}

// TestAPermissionSetIsLookedUpTwice checks that one list without the role is no proof.
func TestAPermissionSetIsLookedUpTwice(t *testing.T) {
	account, p := compliant(t), plan()
	p.Callers = []collect.Caller{{Name: "sso/Video", Purpose: policies.All}}
	r, server := judge(t, account, p)
	lists := 0
	for _, c := range server.Calls() {
		if c.Operation == "ListRoles" {
			lists++
		}
	}
	if r.Status != audit.StatusGaps || lists != 2 {
		t.Errorf("status %s after %d lists, want gaps after 2", r.Status, lists)
	}
}

// TestAffectedByDoesNotBelieveContradictions checks that a change is not dropped if IAM contradicts
// itself about the principal.
func TestAffectedByDoesNotBelieveContradictions(t *testing.T) {
	for _, test := range []struct {
		operation string
		change    cloudtrail.IAMChange
	}{
		{"ListAttachedUserPolicies", onPolicy("other")},
		{"ListAttachedRolePolicies", onPolicy("other")},
		{"ListAttachedGroupPolicies", onPolicy("other")},
		{"ListGroupsForUser", onPolicy("other")},
		{"ListGroupsForUser", onGroup("other")},
		{"GetUser", onPolicy("other")},
	} {
		account := everyKindOfPolicy(t)
		account.Faults = []awsemu.Fault{{Operation: "iam:" + test.operation,
			Error: &awsemu.FaultError{Code: "NoSuchEntity", Status: 404}}}
		server := &awsemu.Server{Account: account}
		got, problems := collector(t, server).AffectedBy(t.Context(), plan(),
			[]cloudtrail.IAMChange{test.change})
		if len(got) != 1 || len(problems) == 0 || !strings.Contains(problems[0].Why, "IAM") {
			t.Errorf("%s answers NoSuchEntity: %d changes are left, problems %+v; want 1 and a problem",
				test.operation, len(got), problems)
		}
	}
}
