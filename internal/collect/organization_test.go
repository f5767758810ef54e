package collect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// The bodies of service control policies.
const (
	denyOutsideOffice = `"Sid":"Office","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:ViaAWSService":"false"}}`
	denyWithoutMFA = `"Sid":"Mfa","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`
	denyOutsideVPC = `"Sid":"Vpc","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"StringNotEqualsIfExists":{"aws:SourceVpc":"vpc-1"}}`
	denyOtherOrganizations = `"Sid":"Perimeter","Effect":"Deny","Action":"s3:*","Resource":"*",` +
		`"Condition":{"StringNotEqualsIfExists":{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}`
	denyUntagged = `"Sid":"Tag","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"StringNotEquals":{"aws:PrincipalTag/team":"video"}}`
	denyLambda = `"Sid":"NoLambda","Effect":"Deny","Action":"lambda:*","Resource":"*"`
	denyBucket = `"Sid":"NoBucket","Effect":"Deny","Action":"s3:*",` +
		`"Resource":"arn:aws:s3:::remotionlambda-*"`
	denyNothing = `"Effect":"Deny","Action":"sqs:*","Resource":"*"`
)

// calls counts the simulations that a server received, by principal. It does not count further
// pages of an answer.
func calls(server *awsemu.Server) map[string]int {
	n := map[string]int{}
	for _, c := range server.Calls() {
		if c.Operation == "SimulatePrincipalPolicy" && c.Params["Marker"] == "" {
			n[c.Params["PolicySourceArn"]]++
		}
	}
	return n
}

// statuses lists the statuses of the findings about a target, except for the trust policy, with the
// number of findings: "conditional scp 31".
func statuses(r audit.Report, target string) string {
	n := map[string]int{}
	for _, f := range r.Findings {
		if f.Target == target && f.Sid != audit.TrustSid {
			status := strings.TrimSpace(fmt.Sprintf("%s %s", f.Status, f.Cause))
			if f.UnderAssumedContext {
				status += " assumed"
			}
			n[status]++
		}
	}
	var list []string
	for status := range n {
		list = append(list, status)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// TestDenialsByAnOrganization checks what the report says about a compliant account with a service
// control policy that the audit cannot read, and that it makes at most two more calls for a target
// and region.
func TestDenialsByAnOrganization(t *testing.T) {
	_, server := judge(t, compliant(t), plan())
	const caller, role = "arn:aws:iam::123456789012:user/bots/ci",
		"arn:aws:iam::123456789012:role/remotion-lambda-role"
	usual := calls(server)
	function := []awsemu.LambdaFunction{{Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec",
		Region: "us-east-1", Role: "remotion-lambda-role"}}
	inVPC := slices.Clone(function)
	inVPC[0].Subnets, inVPC[0].SecurityGroups = []string{"subnet-1"}, []string{"sg-1"}
	tests := []struct {
		name, scp    string
		change       func(*awsemu.Account, *collect.Plan)
		caller, role string // statuses
		// more is the number of calls for the caller and the role in addition to those of an account
		// without an organization.
		more [2]int
	}{
		{"an SCP that denies nothing costs no call", denyNothing, nil, "satisfied", "satisfied",
			[2]int{}},
		{"an SCP that denies outside the office", denyOutsideOffice, nil,
			"conditional scp", "denied scp assumed", [2]int{2, 2}},
		{"an SCP that denies outside the office, and the office is given", denyOutsideOffice,
			func(_ *awsemu.Account, p *collect.Plan) {
				p.Assumed = iampolicy.Context{"aws:SourceIp": {"203.0.113.7"}}
			}, "satisfied", "denied scp assumed", [2]int{0, 2}},
		{"an SCP that denies outside the office, and another network is given", denyOutsideOffice,
			func(_ *awsemu.Account, p *collect.Plan) {
				p.Assumed = iampolicy.Context{"aws:SourceIp": {"192.0.2.7"}}
			}, "denied scp", "denied scp assumed", [2]int{2, 2}},
		{"an SCP that denies without MFA", denyWithoutMFA, nil, "conditional scp", "denied scp assumed",
			[2]int{2, 2}},
		{"an SCP that denies outside a VPC, without functions", denyOutsideVPC, nil, "conditional scp",
			"conditional scp", [2]int{2, 2}},
		{"an SCP that denies outside a VPC, with a function outside a VPC", denyOutsideVPC,
			func(a *awsemu.Account, _ *collect.Plan) { a.Functions = function }, "conditional scp",
			"denied scp assumed", [2]int{2, 2}},
		{"an SCP that denies buckets of other organizations", denyOtherOrganizations, nil,
			"conditional scp, satisfied", "conditional scp, satisfied", [2]int{2, 2}},
		{"an SCP that wants a tag, and the principals have it", denyUntagged,
			func(a *awsemu.Account, _ *collect.Plan) {
				changeUser(a, func(u *awsemu.User) { u.Tags = map[string]string{"team": "video"} })
				changeRole(a, func(r *awsemu.Role) { r.Tags = map[string]string{"Team": "video"} })
			}, "satisfied", "satisfied", [2]int{}},
		{"an SCP that wants a tag, and the principals have another", denyUntagged,
			func(a *awsemu.Account, _ *collect.Plan) {
				changeUser(a, func(u *awsemu.User) { u.Tags = map[string]string{"team": "sound"} })
			}, "denied scp assumed", "denied scp assumed", [2]int{2, 2}},
		{"a blanket SCP for one service", denyLambda, nil, "denied scp assumed, satisfied",
			"denied scp assumed, satisfied", [2]int{2, 1}},
		{"a blanket SCP for buckets", denyBucket, nil, "denied scp assumed, satisfied",
			"denied scp assumed, satisfied", [2]int{1, 1}},
		{"in the old shape of AWS", denyOutsideOffice, func(a *awsemu.Account, _ *collect.Plan) {
			a.Simulator.Shape = "old"
		}, "conditional scp", "denied scp assumed", [2]int{2, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			account, p := compliant(t), plan()
			account.ServiceControlPolicies = organization(test.scp)
			if test.change != nil {
				test.change(account, &p)
			}
			r, server := judge(t, account, p)
			if got := statuses(r, "user/ci"); got != test.caller {
				t.Errorf("the caller is %s, want %s", got, test.caller)
			}
			if got := statuses(r, "role/remotion-lambda-role"); got != test.role {
				t.Errorf("the role is %s, want %s", got, test.role)
			}
			now := calls(server)
			if more := [2]int{now[caller] - usual[caller], now[role] - usual[role]}; more != test.more {
				t.Errorf("%d more calls, want %d", more, test.more)
			}
			for _, f := range r.Findings {
				if f.Status == audit.Conditional && f.Severity > policies.Medium {
					t.Errorf("%s is conditional with severity %s", f.Action, f.Severity)
				}
			}
		})
	}
	t.Run("a function in a VPC", func(t *testing.T) {
		account := compliant(t)
		account.ServiceControlPolicies, account.Functions = organization(denyOutsideVPC), inVPC
		r, _ := judge(t, account, plan())
		if got := statuses(r, "role/remotion-lambda-role"); !strings.Contains(got, "conditional scp") ||
			strings.Contains(got, "denied scp") {
			t.Errorf("the role is %s, want conditional", got)
		}
	})
}

// TestKnownServiceControlPolicies checks what the report says if the service control policies are
// given. The audit then makes no more calls.
func TestKnownServiceControlPolicies(t *testing.T) {
	_, server := judge(t, compliant(t), plan())
	usual := calls(server)
	for _, test := range []struct {
		name, scp, given string
		caller, role     string
		more             int
	}{
		{"a blanket Deny", denyLambda, denyLambda, "denied scp, satisfied", "denied scp, satisfied", 0},
		{"a condition on the network", denyOutsideOffice, denyOutsideOffice, "conditional scp",
			"denied scp", 0},
		{"a condition on the network of a VPC", denyOutsideVPC, denyOutsideVPC, "conditional scp",
			"conditional scp", 0},
		{"a condition on MFA", denyWithoutMFA, denyWithoutMFA, "conditional scp", "denied scp", 0},
		{"a tag that the user does not have", denyUntagged, denyUntagged, "denied scp", "denied scp", 0},
		{"an SCP that AWS does not apply", denyNothing, denyLambda, "satisfied, unverified",
			"satisfied, unverified", 0},
		{"an SCP that does not explain the denial", denyOutsideOffice, denyNothing, "conditional scp",
			"denied scp assumed", 4},
		{"an SCP that explains a part of the denials", denyOutsideOffice, denyBucket,
			"conditional scp, denied scp", "denied scp, denied scp assumed", 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			account, p := compliant(t), plan()
			account.ServiceControlPolicies = organization(test.scp)
			for _, level := range organization(test.given) {
				var list []iampolicy.Policy
				for i, text := range level {
					list = append(list, iampolicy.Policy{ID: fmt.Sprintf("service control policy %d", i+1),
						Document: policytest.Parse(t, text)})
				}
				p.Organization = append(p.Organization, list)
			}
			r, server := judge(t, account, p)
			if got := statuses(r, "user/ci"); got != test.caller {
				t.Errorf("the caller is %s, want %s", got, test.caller)
			}
			if got := statuses(r, "role/remotion-lambda-role"); got != test.role {
				t.Errorf("the role is %s, want %s", got, test.role)
			}
			more := 0
			for arn, n := range calls(server) {
				more += n - usual[arn]
			}
			if more != test.more {
				t.Errorf("%d more calls, want %d", more, test.more)
			}
		})
	}
}

// TestCallsForUnknownKeysInSeveralRegions checks that each region has at most two more calls for a
// target. IAM counts as us-east-1.
func TestCallsForUnknownKeysInSeveralRegions(t *testing.T) {
	account, p := compliant(t), plan()
	p.Regions = []string{"eu-west-1", "eu-central-1"}
	account.ServiceControlPolicies = organization(denyOutsideOffice)
	_, server := judge(t, account, p)
	more := map[string]int{}
	for _, c := range server.Calls() {
		key := ""
		for name, value := range c.Params {
			if n, ok := strings.CutSuffix(name, ".ContextKeyName"); ok && value == "aws:RequestedRegion" {
				key += c.Params[n+".ContextKeyValues.member.1"]
			}
		}
		if withPlausibleValues(c) {
			more[c.Params["PolicySourceArn"][len("arn:aws:iam::123456789012:"):]+" "+key]++
		}
	}
	want := map[string]int{"user/bots/ci us-east-1": 1, "user/bots/ci eu-west-1": 2,
		"user/bots/ci eu-central-1": 2, "role/remotion-lambda-role eu-west-1": 2,
		"role/remotion-lambda-role eu-central-1": 2}
	if fmt.Sprint(more) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", more, want)
	}
}

// withPlausibleValues reports whether a call, not for a further page, has values of unknown keys.
func withPlausibleValues(c awsemu.Call) bool {
	return hasKey(c, "aws:ResourceOrgID") && c.Params["Marker"] == ""
}

// hasKey reports whether the context of a call has a key.
func hasKey(c awsemu.Call, key string) bool {
	for _, value := range c.Params {
		if value == key {
			return true
		}
	}
	return false
}

// TestManyResourcesAreAskedInOneCall checks that a denial by the organization is conditional for
// all of many functions, although one call does not contain all of them.
func TestManyResourcesAreAskedInOneCall(t *testing.T) {
	account, p := compliant(t), plan()
	changeUser(account, func(u *awsemu.User) {
		u.Inline["all"] = statement(`"Effect":"Allow","Action":"*","Resource":"*"`)
	})
	for i := range 30 {
		account.Functions = append(account.Functions, awsemu.LambdaFunction{
			Name: fmt.Sprintf("clips-%d", i), Region: "us-east-1", Role: "remotion-lambda-role",
			Description: "Renders a Remotion video."})
	}
	account.ServiceControlPolicies = organization(denyOutsideOffice)
	r, server := judge(t, account, p)
	for _, f := range r.Findings {
		if f.Target == "user/ci" && (f.Status != audit.Conditional || f.Cause != audit.SCP) {
			t.Errorf("%s is %s %s: %s", f.Action, f.Status, f.Cause, f.Why)
		}
	}
	n := 0
	for _, c := range server.Calls() {
		if strings.HasSuffix(c.Params["PolicySourceArn"], "user/bots/ci") && withPlausibleValues(c) {
			n++
			if c.Params["ResourceArns.member.21"] != "" {
				t.Error("a call has more than 20 resources")
			}
		}
	}
	if n != 2 {
		t.Errorf("%d calls with plausible values, want 2", n)
	}
}

// TestAFailedSecondQuestionLeavesTheDenial checks that the denial stands if AWS does not answer the
// calls with plausible values.
func TestAFailedSecondQuestionLeavesTheDenial(t *testing.T) {
	account, p := compliant(t), plan()
	p.RenderRoles = nil
	account.ServiceControlPolicies = organization(denyOutsideOffice)
	_, server := judge(t, account, p)
	first := 0
	for _, c := range server.Calls() {
		if c.Operation == "SimulatePrincipalPolicy" && !hasKey(c, "aws:ResourceOrgID") {
			first++
		}
	}
	account.Faults = []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Throttle: true,
		After: first}}
	r, _ := judge(t, account, p)
	if r.Status != audit.StatusGaps || len(r.Problems) > 0 {
		t.Errorf("status %s, problems %+v", r.Status, r.Problems)
	}
	if got := statuses(r, "user/ci"); got != "denied scp assumed" {
		t.Errorf("the caller is %s", got)
	}
}

// TestRequestsHaveTheTagsOfThePrincipal checks that the audit simulates with the tags of each
// principal, and that the report lists them.
func TestRequestsHaveTheTagsOfThePrincipal(t *testing.T) {
	account := compliant(t)
	changeUser(account, func(u *awsemu.User) {
		u.Tags = map[string]string{"team": "video", "empty": "", "path": "a/b+c=d"}
	})
	r, server := judge(t, account, plan())
	if r.Status != audit.StatusCompliant {
		t.Errorf("status %s, %q", r.Status, unsatisfied(r))
	}
	want := []string{"aws:PrincipalTag/empty=", "aws:PrincipalTag/path=a/b+c=d",
		"aws:PrincipalTag/team=video"}
	if got := r.Targets[0].Context; !slices.Equal(got, want) {
		t.Errorf("the report has %q, want %q", got, want)
	}
	if got := r.Targets[1].Context; got != nil {
		t.Errorf("the report has %q for the role without tags", got)
	}
	for _, c := range server.Calls() {
		if c.Operation != "SimulatePrincipalPolicy" {
			continue
		}
		tagged := hasKey(c, "aws:PrincipalTag/team")
		if caller := strings.HasSuffix(c.Params["PolicySourceArn"], "/ci"); tagged != caller {
			t.Errorf("%s: the context has the tag: %t", c.Params["PolicySourceArn"], tagged)
		}
	}
}

// TestTheOrganizationIsReadOnce checks that the id of the organization is read once, and only if
// the organization denies a request, and that a policy about other organizations then denies
// nothing in the account.
func TestTheOrganizationIsReadOnce(t *testing.T) {
	perimeter := strings.Replace(denyOtherOrganizations, `"Action":"s3:*"`,
		`"NotAction":["s3:ListAllMyBuckets","lambda:ListFunctions",`+
			`"servicequotas:GetAWSDefaultServiceQuota"]`, 1)
	for _, test := range []struct {
		name, scp    string
		id           string
		err          error
		caller, role string
		reads        int
	}{
		{"nothing is denied", denyNothing, "o-r3m0t10n4u", nil, "satisfied", "satisfied", 0},
		{"a policy about other organizations denies Remotion's layers only", perimeter,
			"o-r3m0t10n4u", nil, "denied scp assumed, satisfied", "satisfied", 1},
		{"the read is refused", perimeter, "", errors.New("AccessDeniedException"),
			"conditional scp, satisfied", "conditional scp, satisfied", 1},
		{"the answer is no id", perimeter, "r-1", nil, "conditional scp, satisfied",
			"conditional scp, satisfied", 1},
		{"a policy about the office", denyOutsideOffice, "o-r3m0t10n4u", nil, "conditional scp",
			"denied scp assumed", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			account := compliant(t)
			account.ServiceControlPolicies = organization(test.scp)
			c := collector(t, &awsemu.Server{Account: account})
			var reads atomic.Int64
			c.OrganizationID = func(context.Context) (string, error) {
				reads.Add(1)
				return test.id, test.err
			}
			r := evaluate(c.Collect(t.Context(), plan()))
			if got := statuses(r, "user/ci"); got != test.caller {
				t.Errorf("the caller is %s, want %s", got, test.caller)
			}
			if got := statuses(r, "role/remotion-lambda-role"); got != test.role {
				t.Errorf("the role is %s, want %s", got, test.role)
			}
			if int(reads.Load()) != test.reads || len(r.Problems) > 0 {
				t.Errorf("%d reads, problems %+v", reads.Load(), r.Problems)
			}
			for _, f := range r.Findings {
				if test.scp == perimeter && test.reads == 1 && test.id == "o-r3m0t10n4u" &&
					f.Status == audit.Denied && f.Action != "lambda:GetLayerVersion" {
					t.Errorf("%s is %s: %s", f.Action, f.Status, f.Why)
				}
			}
		})
	}
}
