package collect_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// TestFailedReads checks that a failed read is unverified: it is neither a gap nor satisfied.
func TestFailedReads(t *testing.T) {
	deny := func(operation string) awsemu.Fault {
		return awsemu.Fault{Operation: operation, Deny: true}
	}
	tests := []struct {
		name       string
		faults     []awsemu.Fault
		change     func(*awsemu.Account)
		unverified int
		problem    string // part of the first problem: what, why and grant
	}{
		{"a denied simulation leaves requirements unverified",
			[]awsemu.Fault{deny("iam:SimulatePrincipalPolicy")}, nil, 45,
			"the simulation of user/ci: access denied: User: arn:aws:iam::123456789012:user/administrator " +
				"is not authorized to perform: iam:SimulatePrincipalPolicy"},
		{"the denial of all calls leaves requirements unverified", []awsemu.Fault{deny("*")}, nil, 46,
			`the user "ci" itself: access denied`},
		{"denied documents are a problem",
			[]awsemu.Fault{deny("iam:GetUserPolicy"), deny("iam:GetRolePolicy")}, nil, 45,
			`inline policy "remotion": access denied`},
		{"a denied list of policies is a problem", []awsemu.Fault{deny("iam:ListUserPolicies")}, nil, 31,
			"the list of inline policies: access denied"},
		{"a denied read of the role leaves requirements unverified",
			[]awsemu.Fault{deny("iam:GetRole")}, nil, 16,
			`the role "remotion-lambda-role" itself: access denied`},
		{"endless throttling leaves requirements unverified",
			[]awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Throttle: true}},
			nil, 45, "throttled, and all retries failed"},
		{"an error of the service leaves requirements unverified",
			[]awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy",
				Error: &awsemu.FaultError{Code: "ServiceFailure", Message: "sorry", Status: 500}}}, nil, 45,
			"ServiceFailure: sorry"},
		{"a document that does not parse is a problem", nil, func(a *awsemu.Account) {
			changeUser(a, func(u *awsemu.User) { u.Inline["broken"] = "{\n  \"Statement\": [,]\n}" })
		}, 31, `inline policy "broken": line 2, column 17: Statement: expected "{", got ","`},
		{"a trust policy that does not parse leaves a requirement unverified",
			nil, func(a *awsemu.Account) {
				changeRole(a, func(r *awsemu.Role) { r.Trust = `{"Statement":{}}` })
			}, 1, "trust policy: line 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			account := compliant(t)
			account.Faults = test.faults
			if test.change != nil {
				test.change(account)
			}
			r, _ := judge(t, account, plan())
			if r.Status != audit.StatusUnverified || r.Summary.Unverified != test.unverified ||
				r.Summary.Gaps != 0 {
				t.Errorf("%s, %d unverified, findings %q; want unverified, %d unverified, no gaps", r.Status,
					r.Summary.Unverified, unsatisfied(r), test.unverified)
			}
			if len(r.Problems) == 0 || !strings.Contains(r.Problems[0].What+": "+r.Problems[0].Why,
				test.problem) {
				t.Fatalf("problems %+v, want %q", r.Problems, test.problem)
			}
			for _, p := range r.Problems {
				if strings.Contains(p.Why, "access denied") &&
					(p.Grant == "" || !strings.Contains(p.Why, p.Grant)) {
					t.Errorf("the reason %q does not name the action to grant, %q", p.Why, p.Grant)
				}
			}
		})
	}
}

// TestRecovers checks that the client, which makes three attempts, recovers from any two failures.
func TestRecovers(t *testing.T) {
	for name, fault := range map[string]awsemu.Fault{
		"two throttled calls": {Operation: "*", Throttle: true, Times: 2},
		"two lost replies":    {Operation: "*", LoseReply: true, Times: 2},
		"two errors of the service": {Operation: "iam:GetRole",
			Error: &awsemu.FaultError{Code: "ServiceFailure", Status: 500}, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			account := compliant(t)
			account.Faults = []awsemu.Fault{fault}
			if r, _ := judge(t, account, plan()); r.Status != audit.StatusCompliant {
				t.Errorf("status %s, findings %q, problems %+v", r.Status, unsatisfied(r), r.Problems)
			}
		})
	}
}

// TestUnknownPathsAreNoGaps checks that a grant of the real ARN is not a gap if the path in that
// ARN could not be read.
func TestUnknownPathsAreNoGaps(t *testing.T) {
	for _, operation := range []string{"iam:GetRole", "iam:GetUser"} {
		account := compliant(t)
		changeRole(account, func(r *awsemu.Role) { r.Path = "/service-role/" })
		changeUser(account, func(u *awsemu.User) {
			u.Inline["remotion"] = strings.ReplaceAll(u.Inline["remotion"], ":role/remotion",
				":role/service-role/remotion")
			u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"iam:SimulatePrincipalPolicy"
      ],
      "Resource": [
        "*"`, `"iam:SimulatePrincipalPolicy"
      ],
      "Resource": [
        "arn:aws:iam::123456789012:user/bots/ci"`, 1)
		})
		if r, _ := judge(t, account, plan()); r.Status != audit.StatusCompliant {
			t.Fatalf("without a fault: status %s, findings %q", r.Status, unsatisfied(r))
		}
		account.Faults = []awsemu.Fault{{Operation: operation, Deny: true}}
		if r, _ := judge(t, account, plan()); r.Status != audit.StatusUnverified {
			t.Errorf("with %s denied: status %s, findings %q", operation, r.Status, unsatisfied(r))
		}
	}
}

// TestReplacedPolicyVersionIsReadAgain checks that a managed policy is read again if its default
// version is deleted between GetPolicy and GetPolicyVersion.
func TestReplacedPolicyVersionIsReadAgain(t *testing.T) {
	account := compliant(t)
	account.Policies = map[string]awsemu.ManagedPolicy{
		"remotion": {Document: account.Users["ci"].Inline["remotion"]}}
	changeUser(account, func(u *awsemu.User) { u.Inline, u.Managed = nil, []string{"remotion"} })
	account.Faults = []awsemu.Fault{{Operation: "iam:GetPolicyVersion", Times: 1,
		Error: &awsemu.FaultError{Code: "NoSuchEntity", Status: 404}}}
	if r, _ := judge(t, account, plan()); r.Status != audit.StatusCompliant {
		t.Errorf("status %s, findings %q, problems %+v", r.Status, unsatisfied(r), r.Problems)
	}
}

// TestDeniedListOfPermissionSets checks that the requirements of a permission set are unverified if
// AWS denies iam:ListRoles.
func TestDeniedListOfPermissionSets(t *testing.T) {
	account, p := compliant(t), plan()
	account.Faults = []awsemu.Fault{{Operation: "iam:ListRoles", Deny: true}}
	p.Callers = []collect.Caller{{Name: "sso/Video", Purpose: policies.Render}}
	r, _ := judge(t, account, p)
	if r.Status != audit.StatusUnverified || r.Summary.Unverified != 6 || len(r.Problems) != 1 ||
		r.Problems[0].Grant != "iam:ListRoles" {
		t.Errorf("status %s, summary %+v, problems %+v", r.Status, r.Summary, r.Problems)
	}
}

// TestDeadline checks that a deadline cuts off a target, and that the results before the deadline
// count.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		account := compliant(t)
		account.Faults = []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Target: "user/ci",
			Delay: time.Minute}}
		server := &awsemu.Server{Account: account}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		r := evaluate(collectorWith(roundtrips.Config(t, server)).Collect(ctx, plan()))
		if r.Completed() || r.Targets[1].CutOff || r.Targets[1].Summary.Satisfied != 15 ||
			r.Targets[0].Summary.Unverified != 31 {
			t.Errorf("completed %v, targets %+v", r.Completed(), r.Targets)
		}
		if r.Status != audit.StatusUnverified || len(r.Problems) != 1 ||
			r.Problems[0].Why != "the deadline ended the read" {
			t.Errorf("%s, problems %+v", r.Status, r.Problems)
		}
	})
}
