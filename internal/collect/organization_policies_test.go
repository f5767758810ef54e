package collect_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

const (
	denyOneFurtherRegion = `"Sid":"Tokyo","Effect":"Deny","Action":"s3:PutObject",` +
		`"Resource":"arn:aws:s3:::remotionlambda-apnortheast1-*"`
	controlObjects = `"Sid":"Objects","Effect":"Deny","Principal":"*","Action":"s3:PutObject",` +
		`"Resource":"*"`
	controlOthers = `"Sid":"Perimeter","Effect":"Deny","Principal":"*","Action":"s3:*",` +
		`"Resource":"*","Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-r3m0t10n4u"}}`
	controlTLS = `"Sid":"Tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",` +
		`"Condition":{"Bool":{"aws:SecureTransport":"false"}}`
	controlNetwork = `"Sid":"Net","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*",` +
		`"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`
)

// levelsWith returns a root with AWS's policy, and an account with AWS's policy and the statements.
func levelsWith(bodies ...string) awsemu.Organization {
	account := []string{awsemu.FullAWSAccess}
	for _, body := range bodies {
		account = append(account, statement(body))
	}
	return awsemu.Organization{{awsemu.FullAWSAccess}, {awsemu.FullAWSAccess}, account}
}

func controlWith(bodies ...string) awsemu.Organization {
	var account []string
	for _, body := range bodies {
		account = append(account, statement(body))
	}
	return awsemu.Organization{{}, {}, account}
}

// judgeOrganization audits an account and reads the policies of its organization.
func judgeOrganization(t *testing.T, account *awsemu.Account, p collect.Plan) (audit.Report,
	*awsemu.Server) {
	t.Helper()
	server := &awsemu.Server{Account: account}
	return judgeOrganizationAs(t, server, "AKIA", p), server
}

// judgeOrganizationAs is judgeOrganization with an access key for the reads of the organization.
func judgeOrganizationAs(t *testing.T, server *awsemu.Server, key string,
	p collect.Plan) audit.Report {
	t.Helper()
	c := collector(t, server)
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endpoint.Close() })
	c.Organizations = organizations.NewFromConfig(aws.Config{Region: "us-east-1",
		BaseEndpoint: &endpoint.URL, Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", "")})
	r := evaluate(c.Collect(t.Context(), p))
	if err := r.CheckConsistent(); err != nil {
		t.Error(err)
	}
	return r
}

// TestOrganizationPermissions checks that the permissions for reading the organization are enough,
// and that each of them is needed.
func TestOrganizationPermissions(t *testing.T) {
	t.Parallel()
	var actions []string
	for _, p := range contract.OrganizationPermissions() {
		actions = append(actions, p.Action)
	}
	problems := func(actions []string) []audit.Problem {
		account := compliant(t)
		account.ServiceControlPolicies = levelsWith(denyNothing)
		account.ResourceControlPolicies = controlWith(controlTLS)
		account.Users["auditor"] = awsemu.User{AccessKeys: []string{"AKIAIOSFODNN7EXAMPLE"},
			Inline: map[string]string{"audit": statement(`"Effect":"Allow","Resource":"*","Action":["` +
				strings.Join(actions, `","`) + `"]`)}}
		server := &awsemu.Server{Account: account, EnforceIAM: true}
		return judgeOrganizationAs(t, server, "AKIAIOSFODNN7EXAMPLE", plan()).Problems
	}
	if got := problems(actions); len(got) != 0 {
		t.Errorf("with all permissions, there are problems: %+v", got)
	}
	for i, action := range actions {
		got := problems(slices.Delete(slices.Clone(actions), i, i+1))
		if len(got) != 1 || got[0].Grant != action {
			t.Errorf("without %s, the problems are %+v", action, got)
		}
	}
}

// TestFixBesideResourceControl checks that a resource control policy that denies nothing of the
// organization does not take the fix from another gap.
func TestFixBesideResourceControl(t *testing.T) {
	t.Parallel()
	account := compliant(t)
	account.ServiceControlPolicies = levelsWith()
	account.ResourceControlPolicies = controlWith(controlOthers)
	changeUser(account, func(u *awsemu.User) {
		u.Inline["remotion"] = strings.ReplaceAll(u.Inline["remotion"], `"s3:PutObject"`,
			`"s3:PutObjectTagging"`)
	})
	r, _ := judgeOrganization(t, account, plan())
	if r.Summary.Gaps == 0 || len(r.Fixes) != 1 || len(r.Fixes[0].Edits) == 0 ||
		len(r.Fixes[0].Guards) > 0 {
		t.Errorf("%d gaps, fixes %+v", r.Summary.Gaps, r.Fixes)
	}
}

// organizationCalls counts the calls to Organizations by operation.
func organizationCalls(server *awsemu.Server) map[string]int {
	n := map[string]int{}
	for _, c := range server.Calls() {
		if c.Service == "organizations" {
			n[c.Operation]++
		}
	}
	return n
}

// TestOrganizationPolicies checks what an audit says that reads the policies of the organization.
func TestOrganizationPolicies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                     string
		service, resource        awsemu.Organization
		change                   func(*awsemu.Account, *collect.Plan)
		caller, role             string // statuses
		cause                    string // part of the explanation of a gap
		list, describe, problems int
	}{
		{name: "no organization", caller: "satisfied", role: "satisfied"},
		{name: "policies that deny nothing of Remotion", service: levelsWith(denyNothing),
			resource: controlWith(controlTLS), caller: "satisfied", role: "satisfied", list: 6, describe: 2},
		{name: "a service control policy for one service is named", service: levelsWith(denyLambda),
			caller: "denied scp, satisfied", role: "denied scp, satisfied",
			cause: "(Sid NoLambda) of service control policy", list: 6, describe: 1},
		{name: "a service control policy for one action in one further region is not missed",
			service: levelsWith(denyOneFurtherRegion), change: func(_ *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "ap-northeast-1"}
			}, caller: "partial scp, satisfied", role: "partial scp, satisfied",
			cause: "(Sid Tokyo) of service control policy", list: 6, describe: 1},
		{name: "a resource control policy is named", service: levelsWith(),
			resource: controlWith(controlObjects), caller: "denied rcp, satisfied",
			role: "denied rcp, satisfied", cause: "(Sid Objects) of resource control policy", list: 6,
			describe: 1},
		{name: "a resource control policy for other organizations", service: levelsWith(),
			resource: controlWith(controlOthers), caller: "satisfied", role: "satisfied", list: 6,
			describe: 1},
		{name: "a resource control policy for a network", service: levelsWith(),
			resource: controlWith(controlNetwork), caller: "conditional rcp, satisfied",
			role: "conditional rcp, satisfied", cause: "(Sid Net) of resource control policy", list: 6,
			describe: 1},
		{name: "no policy affects the management account", service: levelsWith(denyLambda),
			resource: controlWith(controlObjects), change: func(a *awsemu.Account, _ *collect.Plan) {
				a.OrganizationAccess = "management"
			}, caller: "satisfied", role: "satisfied"},
		{name: "policies that are given take the place of those that are read",
			service: levelsWith(denyNothing), resource: controlWith(controlObjects),
			change: func(_ *awsemu.Account, p *collect.Plan) {
				p.ResourceControl = [][]iampolicy.Policy{}
			}, caller: "satisfied", role: "satisfied", list: 3, describe: 1},
		{name: "a member may not read them", service: levelsWith(denyNothing),
			change: func(a *awsemu.Account, _ *collect.Plan) { a.OrganizationAccess = "member" },
			caller: "satisfied", role: "satisfied", list: 2, problems: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			account, p := compliant(t), plan()
			account.ServiceControlPolicies, account.ResourceControlPolicies = test.service, test.resource
			if test.change != nil {
				test.change(account, &p)
			}
			r, server := judgeOrganization(t, account, p)
			if got := statuses(r, "user/ci"); got != test.caller {
				t.Errorf("the caller is %s, want %s", got, test.caller)
			}
			if got := statuses(r, "role/remotion-lambda-role"); got != test.role {
				t.Errorf("the role is %s, want %s", got, test.role)
			}
			for _, f := range r.Findings {
				if f.Status.Gap() && !strings.Contains(f.Why, test.cause) {
					t.Errorf("%s: %s, want %q", f.Action, f.Why, test.cause)
				}
			}
			n := organizationCalls(server)
			if n["ListPoliciesForTarget"] != test.list && test.name != "a member may not read them" ||
				n["DescribePolicy"] != test.describe || n["DescribeOrganization"] > 1 {
				t.Errorf("%v calls, want %d lists and %d descriptions", n, test.list, test.describe)
			}
			if len(r.Problems) != test.problems || test.problems > 0 &&
				r.Status == audit.StatusCompliant {
				t.Errorf("%s with problems %+v, want %d", r.Status, r.Problems, test.problems)
			}
			if unread := slices.Contains(r.NotChecked, "resource control policies"); unread !=
				(test.problems > 0) {
				t.Errorf("not checked: %q", r.NotChecked)
			}
		})
	}
}

// TestFailedReadsOfTheOrganization checks that no failed read makes the report good: there is one
// problem, and the answers of the simulator decide.
func TestFailedReadsOfTheOrganization(t *testing.T) {
	t.Parallel()
	failures := map[string]awsemu.Fault{
		"denied":    {Deny: true},
		"throttled": {Throttle: true},
		"failed":    {Error: &awsemu.FaultError{Code: "ServiceException", Message: "sorry", Status: 500}},
		"lost":      {LoseReply: true},
		"empty":     {Corrupt: func([]byte) []byte { return []byte("{}") }},
		"no JSON":   {Corrupt: func([]byte) []byte { return []byte("<html>") }},
		"cut":       {Corrupt: func(body []byte) []byte { return body[:len(body)/2] }},
		"other ids": {Corrupt: func(body []byte) []byte {
			return bytes.ReplaceAll(bytes.ReplaceAll(body, []byte(`"Id":"`), []byte(`"Id":"../`)),
				[]byte(`"Content":"{`), []byte(`"Content":"[{`))
		}},
	}
	for _, operation := range []string{"DescribeOrganization", "ListParents",
		"ListPoliciesForTarget", "DescribePolicy"} {
		for name, fault := range failures {
			t.Run(operation+" "+name, func(t *testing.T) {
				t.Parallel()
				account := compliant(t)
				account.ServiceControlPolicies = levelsWith(denyNothing)
				account.ResourceControlPolicies = controlWith(controlTLS)
				fault.Operation = "organizations:" + operation
				account.Faults = []awsemu.Fault{fault}
				r, _ := judgeOrganization(t, account, plan())
				if len(r.Problems) != 1 || r.Status != audit.StatusUnverified || r.Summary.Gaps != 0 {
					t.Errorf("%s, %d gaps, problems %+v", r.Status, r.Summary.Gaps, r.Problems)
				}
				if p := r.Problems; len(p) == 1 && p[0].Grant == "" && p[0].Remedy == "" {
					t.Errorf("the problem has no remedy: %+v", p[0])
				}
			})
		}
	}
}
