package collect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// addAuditor adds the user auditor, who may read only the named principals and AWS's policies.
func addAuditor(a *awsemu.Account, named ...string) {
	read := statement(
		`"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:SimulatePrincipalPolicy"],"Resource":["arn:aws:iam::aws:policy/*","` + strings.Join(named, `","`) + `"]`)
	a.Users["auditor"] = awsemu.User{AccessKeys: []string{"AKIA"},
		Inline: map[string]string{"read": read}}
}

// judgeEnforced is like judge, but the server enforces the permissions of the auditor.
func judgeEnforced(t *testing.T, account *awsemu.Account, plan collect.Plan) audit.Report {
	t.Helper()
	server := &awsemu.Server{Account: account, EnforceIAM: true}
	return evaluate(collector(t, server).Collect(t.Context(), plan))
}

// TestNamedDiscoversNothing checks that a plan with Named makes no discovery calls, and that the
// report has a notice about this.
func TestNamedDiscoversNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*collect.Plan)
		regions int
	}{
		{"auto audits only the configured region", addRegions, 1},
		{"all audits all regions", func(p *collect.Plan) {
			p.Callers, p.Further = nil, policies.Regions(policies.AWS)[1:]
		}, len(policies.Regions(policies.AWS))},
	} {
		account, p := compliant(t), plan()
		deploy(account, awsemu.LambdaFunction{Name: render240, Region: "eu-west-1"}, clips("", nil))
		p.Named = true
		test.change(&p)
		r, server := judge(t, account, p)
		for _, call := range server.Calls() {
			if slices.Contains([]string{"ListFunctions", "ListTags", "ListRoles"}, call.Operation) {
				t.Errorf("%s: called %s %v", test.name, call.Operation, call.Params)
			}
		}
		if r.Status != audit.StatusCompliant || len(r.Regions) != test.regions ||
			r.Remotion.Releases != nil || r.Remotion.Since != policies.Latest().Since {
			t.Errorf("%s: status %s, findings %q, regions %q, releases %+v", test.name, r.Status, unsatisfied(r), r.Regions, r.Remotion)
		}
		if got := notices(r); len(got) != 1 ||
			!strings.HasPrefix(got[0], "read-scope: READ_SCOPE=named: deployed functions are not listed") {
			t.Errorf("%s: notices %q", test.name, got)
		}
	}
}

// TestAnUnnamedPrincipalIsOneProblem checks that a principal that the deployment does not name is
// one problem with the ARN to add.
func TestAnUnnamedPrincipalIsOneProblem(t *testing.T) {
	const (
		user, group, role = "arn:aws:iam::123456789012:user/bots/ci",
			"arn:aws:iam::123456789012:group/teams/renderers",
			"arn:aws:iam::123456789012:role/remotion-lambda-role"
		shared, limits = "arn:aws:iam::123456789012:policy/shared",
			"arn:aws:iam::123456789012:policy/bounds/limits"
		unlisted = "access denied: NamedPrincipals does not list "
		path     = " (its path is unknown)"
	)
	all := []string{user, group, role, shared, limits}
	account := func(named []string) *awsemu.Account {
		a := compliant(t)
		open := statement(`"Effect":"Allow","Action":"*","Resource":"*"`)
		a.Policies = map[string]awsemu.ManagedPolicy{
			"shared": {Document: open}, "limits": {Path: "/bounds/", Document: open},
			"ViewOnlyAccess": {ARN: "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", Document: open},
		}
		a.Groups = map[string]awsemu.Group{"renderers": {Path: "/teams/",
			Managed: []string{"shared", "ViewOnlyAccess"}}}
		changeUser(a, func(u *awsemu.User) {
			u.Groups, u.Managed, u.Boundary = []string{"renderers"}, []string{"shared", "limits"}, "limits"
		})
		addAuditor(a, named...)
		return a
	}
	tests := []struct {
		name, omitted, what, arn string
		unverified               int
	}{
		{"an auditor that may read all principals has no problem", "", "", "", 0},
		{"an omitted caller is one problem",
			user, `the user "ci" itself`, "arn:aws:iam::123456789012:user/ci" + path, 31},
		{"an omitted render role is one problem",
			role, `the role "remotion-lambda-role" itself`, role + path, 16},
		{"an omitted group is one problem", group, `group "renderers"`, group, 31},
		{"an omitted policy with two attachments is one problem",
			shared, `managed policy "shared"`, shared, 31},
		{"an omitted policy that is also a boundary is one problem",
			limits, `managed policy "limits"`, limits, 31},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			named := slices.DeleteFunc(slices.Clone(all), func(arn string) bool {
				return arn == test.omitted
			})
			p := plan()
			p.Named = true
			r := judgeEnforced(t, account(named), p)
			if test.omitted == "" {
				if r.Status != audit.StatusCompliant {
					t.Errorf("status %s, findings %q, problems %+v", r.Status, unsatisfied(r), r.Problems)
				}
				return
			}
			if r.Status != audit.StatusUnverified || r.Summary.Unverified != test.unverified ||
				len(r.Problems) != 1 {
				t.Fatalf("%s, %d unverified, %d problems %q", r.Status, r.Summary.Unverified, len(r.Problems),
					problems(r))
			}
			if got := r.Problems[0]; got.What != test.what || got.Why != unlisted+test.arn ||
				!strings.HasPrefix(got.Remedy, "add ") || got.Grant != "" {
				t.Errorf("problem %+v", got)
			}
		})
	}

	// The problem contains the path if the ARN of the caller is configured.
	p := plan()
	p.Named, p.Callers[0].ARN = true, user
	if r := judgeEnforced(t, account([]string{role}), p); len(r.Problems) != 1 ||
		r.Problems[0].Why != unlisted+user {
		t.Errorf("with a configured ARN: problems %+v", r.Problems)
	}
	// Without Named, each denied action is one problem.
	p = plan()
	if r := judgeEnforced(t, account([]string{role}), p); len(r.Problems) != 6 ||
		r.Problems[0].Grant != "iam:GetUser" {
		t.Errorf("without Named: problems %q", problems(r))
	}
}

// TestTheFixNamesAnARNOnlyIfThatHelps checks that a problem does not suggest to name an ARN that
// can be read in part, or an ARN that another layer denies.
func TestTheFixNamesAnARNOnlyIfThatHelps(t *testing.T) {
	const named = "arn:aws:iam::123456789012:*"
	tests := []struct {
		name   string
		change func(*awsemu.Account)
		grant  string
	}{
		{"one denied read is a missing permission of the auditor", func(a *awsemu.Account) {
			a.Faults = []awsemu.Fault{{Operation: "iam:GetUser", Deny: true}}
		}, "iam:GetUser"},
		{"a denial by the organization is not a missing ARN", func(a *awsemu.Account) {
			a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"iam:*","Resource":"*"`)
		}, "iam:GetUser"},
		{"a denied read of an AWS managed policy is not a missing ARN", func(a *awsemu.Account) {
			a.Policies = map[string]awsemu.ManagedPolicy{"ViewOnlyAccess": {ARN: "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess", Document: statement(`"Effect":"Allow","Action":"*","Resource":"*"`)}}
			changeUser(a, func(u *awsemu.User) { u.Managed = []string{"ViewOnlyAccess"} })
			auditor := a.Users["auditor"]
			auditor.Inline = map[string]string{"read": strings.Replace(auditor.Inline["read"],
				`"arn:aws:iam::aws:policy/*",`, "", 1)}
			a.Users["auditor"] = auditor
		}, "iam:GetPolicy"},
	}
	for _, test := range tests {
		account, p := compliant(t), plan()
		addAuditor(account, named)
		test.change(account)
		p.Named = true
		r := judgeEnforced(t, account, p)
		if len(r.Problems) == 0 || r.Problems[0].Grant != test.grant ||
			strings.Contains(fmt.Sprint(r.Problems), "NamedPrincipals") {
			t.Errorf("%s: problems %q", test.name, problems(r))
		}
	}
}
