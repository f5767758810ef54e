package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// denial returns AWS's message about a denied call of a role session.
func denial(action, resource, why string) string {
	return "access denied: User: arn:aws:sts::123456789012:assumed-role/auditor/run is not " +
		"authorized to perform: " + action + " on resource: " + resource + " " + why
}

// TestAuditorAccess checks the one entry about what the auditor may not do.
func TestAuditorAccess(t *testing.T) {
	const user = "arn:aws:iam::123456789012:user/people/ci"
	const noGrant = "because no identity-based policy allows the action"
	problem := func(action, why string) Problem {
		return Problem{Target: "user/ci", What: "a part", Why: denial(action, user, why), Grant: action}
	}
	for _, test := range []struct {
		name     string
		problems []Problem
		named    bool
		lacks    string // action, layer
		attach   string
		policy   string // Sid, actions and resources of each statement
	}{
		{"no denial", []Problem{{Target: "user/ci", What: "x", Why: "throttled"}}, false, "", "", ""},
		{"one action", []Problem{problem("iam:GetUserPolicy", noGrant)}, false, "[iam:GetUserPolicy/]",
			"role/auditor", "ReadUsers [iam:GetUserPolicy] [arn:aws:iam::123456789012:user/*]"},
		{"the actions that follow", []Problem{problem("iam:ListGroupsForUser", noGrant)}, false,
			"[iam:ListGroupsForUser/]", "role/auditor",
			"ReadUsers [iam:ListGroupsForUser] [arn:aws:iam::123456789012:user/*]; " +
				"ReadGroups [iam:ListGroupPolicies iam:ListAttachedGroupPolicies iam:GetGroupPolicy] " +
				"[arn:aws:iam::123456789012:group/*]; ReadPolicies [iam:GetPolicy iam:GetPolicyVersion] " +
				"[arn:aws:iam::123456789012:policy/* arn:aws:iam::aws:policy/*]"},
		{"a service control policy", []Problem{problem("iam:ListUserPolicies",
			"with an explicit deny in a service control policy")}, false,
			"[iam:ListUserPolicies/service control policy]", "role/auditor", ""},
		{"a service control policy in AWS's newer words", []Problem{problem("iam:ListUserPolicies",
			"with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o/p")},
			false, "[iam:ListUserPolicies/service control policy]", "role/auditor", ""},
		{"a boundary", []Problem{problem("iam:ListUserPolicies",
			"because no permissions boundary allows the iam:ListUserPolicies action")}, false,
			"[iam:ListUserPolicies/permissions boundary]", "role/auditor", ""},
		{"a Deny of its own", []Problem{problem("iam:ListUserPolicies",
			"with an explicit deny in an identity-based policy")}, false,
			"[iam:ListUserPolicies/explicit deny]", "role/auditor", ""},
		{"a grant does not include what is blocked", []Problem{
			problem("iam:ListUserPolicies", noGrant),
			problem("iam:GetUserPolicy", "with an explicit deny in a service control policy")}, false,
			"[iam:ListUserPolicies/ iam:GetUserPolicy/service control policy]", "role/auditor",
			"ReadUsers [iam:ListUserPolicies] [arn:aws:iam::123456789012:user/*]"},
		{"an action outside the tables", []Problem{problem("organizations:ListPolicies", noGrant)}, false,
			"[organizations:ListPolicies/]", "role/auditor", "Other [organizations:ListPolicies] [*]"},
		{"the read scope named", []Problem{problem("iam:GetUserPolicy", noGrant)}, true,
			"[iam:GetUserPolicy/]", "role/auditor",
			"ReadNamed [iam:GetUserPolicy] [" + user + " arn:aws:iam::aws:policy/*]"},
		{"a message without names", []Problem{{Target: "user/ci", Why: "access denied: no",
			Grant: "iam:GetUserPolicy"}}, true, "[iam:GetUserPolicy/]", "",
			"ReadNamed [iam:GetUserPolicy] [arn:aws:iam::123456789012:user/ci arn:aws:iam::aws:policy/*]"},
		{"another account", []Problem{{Target: "user/ci", Grant: "iam:GetUserPolicy",
			Why: "User: arn:aws:iam::210987654321:user/x is not authorized to perform: y"}}, false,
			"[iam:GetUserPolicy/]", "",
			"ReadUsers [iam:GetUserPolicy] [arn:aws:iam::123456789012:user/*]"},
		{"several principals", []Problem{problem("iam:GetUserPolicy", noGrant), {Target: "user/ci",
			Grant: "iam:ListRoles", Why: "User: arn:aws:iam::123456789012:user/x is not authorized"}},
			false, "[iam:GetUserPolicy/ iam:ListRoles/]", "",
			"ReadUsers [iam:GetUserPolicy] [arn:aws:iam::123456789012:user/*]; List [iam:ListRoles] [*]"},
		{"no action", []Problem{{Target: "user/ci", Grant: "*\"$(id)", Why: "x"}}, false, "", "", ""},
	} {
		r := Report{Account: "123456789012", Partition: "aws", Problems: test.problems,
			Targets: []TargetReport{{Name: "user/ci", ARN: "arn:aws:iam::123456789012:user/ci"}}}
		if test.named {
			r.Notices = []Notice{{Kind: NoticeReadScope}}
		}
		a := r.Access()
		if a == nil {
			if test.lacks != "" {
				t.Errorf("%s: no entry", test.name)
			}
			continue
		}
		var lacks, statements []string
		for _, d := range a.Lacks {
			lacks = append(lacks, d.Action+"/"+d.Layer)
		}
		if a.Policy != nil {
			for _, s := range a.Policy.Statements {
				statements = append(statements, fmt.Sprint(s.Sid, " ", s.Action, " ", s.Resource))
			}
			text, err := json.Marshal(a.Policy)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := iampolicy.Parse(string(text)); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		if got := fmt.Sprint(lacks); got != test.lacks {
			t.Errorf("%s: lacks %s, want %s", test.name, got, test.lacks)
		}
		if got := strings.Join(statements, "; "); got != test.policy || a.AttachTo != test.attach {
			t.Errorf("%s: attach to %q, %s\nwant %q, %s", test.name, a.AttachTo, got, test.attach,
				test.policy)
		}
	}
}

// TestAuditorAccessIsBounded checks that one action has one entry for any number of targets.
func TestAuditorAccessIsBounded(t *testing.T) {
	r := Report{Account: "123456789012", Partition: "aws"}
	for i := range 200 {
		r.Problems = append(r.Problems, Problem{Target: fmt.Sprintf("user/u%d", i),
			Grant: "iam:GetUserPolicy", Why: "access denied: no"})
	}
	a := r.Access()
	if len(a.Lacks) != 1 || len(a.Lacks[0].Targets) != maxDeniedTargets ||
		a.Lacks[0].More != 200-maxDeniedTargets {
		t.Errorf("%+v, want one entry with %d targets and %d more", a.Lacks, maxDeniedTargets,
			200-maxDeniedTargets)
	}
}
