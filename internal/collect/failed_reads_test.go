package collect_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A failed read is unverified: it is neither a gap nor satisfied.
func TestFailedReads(t *testing.T) {
	deny := func(operation string) awsemu.Fault {
		return awsemu.Fault{Operation: operation, Deny: true}
	}
	tests := []struct {
		name       string
		faults     []awsemu.Fault
		spoil      func(*awsemu.Account)
		unverified int
		problem    string // part of the first problem: what, why and grant
	}{
		{"the right to simulate is lost", []awsemu.Fault{deny("iam:SimulatePrincipalPolicy")}, nil, 48,
			"the simulation of user/ci: access denied: User: arn:aws:iam::123456789012:user/administrator " +
				"is not authorized to perform: iam:SimulatePrincipalPolicy"},
		{"every right is lost", []awsemu.Fault{deny("*")}, nil, 49,
			`the user "ci" itself: access denied`},
		{"the right to read documents is lost",
			[]awsemu.Fault{deny("iam:GetUserPolicy"), deny("iam:GetRolePolicy")}, nil, 0,
			`inline policy "remotion": access denied`},
		{"the right to list policies is lost", []awsemu.Fault{deny("iam:ListUserPolicies")}, nil, 0,
			"the list of inline policies: access denied"},
		{"the right to read the role is lost", []awsemu.Fault{deny("iam:GetRole")}, nil, 2,
			`the role "remotion-lambda-role" itself: access denied`},
		{"throttled for good", []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Throttle: true}},
			nil, 48, "throttled, and all retries failed"},
		{"a failing service",
			[]awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy",
				Error: &awsemu.FaultError{Code: "ServiceFailure", Message: "sorry", Status: 500}}}, nil, 48,
			"ServiceFailure: sorry"},
		{"a document that does not parse", nil, func(a *awsemu.Account) {
			spoilUser(a, func(u *awsemu.User) { u.Inline["broken"] = "{\n  \"Statement\": [,]\n}" })
		}, 0, `inline policy "broken": line 2, column 17: Statement: expected "{", got ","`},
		{"a trust policy that does not parse", nil, func(a *awsemu.Account) {
			spoilRole(a, func(r *awsemu.Role) { r.Trust = `{"Statement":{}}` })
		}, 1, "trust policy: line 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			account := compliant(t)
			account.Faults = test.faults
			if test.spoil != nil {
				test.spoil(account)
			}
			r, _ := judge(t, account, plan())
			if r.Status != audit.StatusUnverified || r.Summary.Unverified != test.unverified ||
				r.Summary.Gaps != 0 {
				t.Errorf("%s, %d unverified, gaps %q; want unverified, %d, none", r.Status,
					r.Summary.Unverified, wrong(r), test.unverified)
			}
			if len(r.Problems) == 0 || !strings.Contains(r.Problems[0].What+": "+r.Problems[0].Why,
				test.problem) {
				t.Fatalf("problems %+v, want %q", r.Problems, test.problem)
			}
			for _, p := range r.Problems {
				if strings.Contains(p.Why, "access denied") &&
					(p.Grant == "" || !strings.Contains(p.Why, p.Grant)) {
					t.Errorf("%q does not name the action to grant, %q", p.Why, p.Grant)
				}
			}
		})
	}
}

// The client makes three attempts, so it recovers from any two failures.
func TestRecovers(t *testing.T) {
	for name, fault := range map[string]awsemu.Fault{
		"throttling that ends": {Operation: "*", Throttle: true, Times: 2},
		"a lost reply":         {Operation: "*", LoseReply: true, Times: 2},
		"an error that ends": {Operation: "iam:GetRole",
			Error: &awsemu.FaultError{Code: "ServiceFailure", Status: 500}, Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			account := compliant(t)
			account.Faults = []awsemu.Fault{fault}
			if r, _ := judge(t, account, plan()); r.Status != audit.StatusCompliant {
				t.Errorf("%s %q %+v", r.Status, wrong(r), r.Problems)
			}
		})
	}
}

// If a path is unknown, a grant of the real ARN is not a gap.
func TestUnknownPathsAreNoGaps(t *testing.T) {
	for _, operation := range []string{"iam:GetRole", "iam:GetUser"} {
		account := compliant(t)
		spoilRole(account, func(r *awsemu.Role) { r.Path = "/service-role/" })
		spoilUser(account, func(u *awsemu.User) {
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
			t.Fatalf("without a fault: %s %q", r.Status, wrong(r))
		}
		account.Faults = []awsemu.Fault{{Operation: operation, Deny: true}}
		if r, _ := judge(t, account, plan()); r.Status != audit.StatusUnverified {
			t.Errorf("without %s: %s %q", operation, r.Status, wrong(r))
		}
	}
}

// A default version that is deleted between the two reads was replaced by another one.
func TestReplacedPolicyVersionIsReadAgain(t *testing.T) {
	account := compliant(t)
	account.Policies = map[string]awsemu.ManagedPolicy{
		"remotion": {Document: account.Users["ci"].Inline["remotion"]}}
	spoilUser(account, func(u *awsemu.User) { u.Inline, u.Managed = nil, []string{"remotion"} })
	account.Faults = []awsemu.Fault{{Operation: "iam:GetPolicyVersion", Times: 1,
		Error: &awsemu.FaultError{Code: "NoSuchEntity", Status: 404}}}
	if r, _ := judge(t, account, plan()); r.Status != audit.StatusCompliant {
		t.Errorf("%s %q %+v", r.Status, wrong(r), r.Problems)
	}
}

func TestPermissionSetsCannotBeListed(t *testing.T) {
	account, p := compliant(t), plan()
	account.Faults = []awsemu.Fault{{Operation: "iam:ListRoles", Deny: true}}
	p.Callers = []collect.Caller{{Name: "sso/Video", Purpose: policies.Render}}
	r, _ := judge(t, account, p)
	if r.Status != audit.StatusUnverified || r.Summary.Unverified != 11 || len(r.Problems) != 1 ||
		r.Problems[0].Grant != "iam:ListRoles" {
		t.Errorf("%s %+v %+v", r.Status, r.Summary, r.Problems)
	}
}

// A deadline cuts a target off. Results before it still count.
func TestDeadline(t *testing.T) {
	t.Parallel()
	account := compliant(t)
	account.Faults = []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Target: "user/ci",
		Delay: time.Minute}}
	server := &awsemu.Server{Account: account}
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	r := audit.Evaluate(collector(t, server).Collect(ctx, plan()))
	if r.Completed() || r.Targets[1].CutOff || r.Targets[1].Summary.Satisfied != 16 ||
		r.Targets[0].Summary.Unverified != 33 {
		t.Errorf("completed %v, targets %+v", r.Completed(), r.Targets)
	}
	if r.Status != audit.StatusUnverified || len(r.Problems) != 1 ||
		r.Problems[0].Why != "the deadline ended the read" {
		t.Errorf("%s, problems %+v", r.Status, r.Problems)
	}
}
