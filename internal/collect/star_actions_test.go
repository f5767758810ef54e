package collect_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// TestActionsOnStar audits one account for each way in which a statement can miss or meet a request
// that Remotion documents on "*": the request names no resource, or it names one, or AWS's pages
// disagree. All tests change the policies of user/ci.
func TestActionsOnStar(t *testing.T) {
	const (
		listFunctions = "lambda:ListFunctions"
		listBuckets   = "s3:ListAllMyBuckets"
		simulate      = "iam:SimulatePrincipalPolicy"
		increase      = "servicequotas:RequestServiceQuotaIncrease"
		getQuota      = "servicequotas:GetServiceQuota"
		history       = "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota"
		getDefault    = "servicequotas:GetAWSDefaultServiceQuota"

		itself       = "arn:aws:iam::123456789012:user/bots/ci"
		quota        = "arn:aws:servicequotas:us-east-1:123456789012:lambda/L-B99A9384"
		everyBucket  = "arn:aws:s3:::*"
		oneBucket    = "arn:aws:s3:::company-secrets*"
		oneFunction  = "arn:aws:lambda:*:*:function:other-*"
		everyLambda  = "arn:aws:lambda:*:*:*"
		anotherUser  = "arn:aws:iam::123456789012:user/other"
		anotherQuota = "arn:aws:servicequotas:*:*:ec2/*"
	)
	type account = *awsemu.Account
	deny := func(action, resource string) func(account) {
		return func(a account) {
			changeUser(a, func(u *awsemu.User) {
				u.Inline["extra"] = statement(fmt.Sprintf(`"Effect":"Deny","Action":%q,"Resource":%q`, action,
					resource))
			})
		}
	}
	// only replaces the documented grants of the actions.
	only := func(resource string, actions ...string) func(account) {
		return func(a account) {
			changeUser(a, func(u *awsemu.User) {
				for _, action := range actions {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"`+action+`"`,
						`"`+action+`No"`, 1)
				}
				u.Inline["extra"] = statement(fmt.Sprintf(`"Effect":"Allow","Action":["%s"],"Resource":%q`,
					strings.Join(actions, `","`), resource))
			})
		}
	}
	scp := func(action, resource string) func(account) {
		return func(a account) {
			a.ServiceControlPolicies = organization(fmt.Sprintf(`"Effect":"Deny","Action":%q,"Resource":%q`,
				action, resource))
		}
	}
	tests := []struct {
		name   string
		change func(account)
		want   []string
	}{
		{"no resource: a Deny on a function does not apply", deny("lambda:*", oneFunction), nil},
		{"no resource: a Deny on every ARN of the service does not apply",
			deny(listFunctions, everyLambda), nil},
		{"no resource: an SCP on a role does not apply", scp("*", "arn:aws:iam::*:role/admin*"), nil},
		{"no resource: a Deny on * applies", deny(listFunctions, "*"),
			[]string{"lambda:ListFunctions denied identity-deny high"}},
		{"no resource: an SCP on * applies", scp(listFunctions, "*"),
			[]string{"lambda:ListFunctions denied scp high"}},
		{"no resource: an Allow on every ARN of the service grants nothing",
			only(everyLambda, listFunctions),
			[]string{"lambda:ListFunctions missing narrower-grant high"}},
		{"no resource: an Allow on the quota grants nothing", only(quota, getDefault),
			[]string{"servicequotas:GetAWSDefaultServiceQuota missing narrower-grant low"}},
		{"no resource: a Deny on the quota does not apply", deny(getDefault, quota), nil},

		{"the caller: an Allow on its ARN is enough", only(itself, simulate), nil},
		{"the caller: an Allow on another user grants nothing", only(anotherUser, simulate),
			[]string{"iam:SimulatePrincipalPolicy missing narrower-grant low"}},
		{"the caller: a Deny on another user does not apply", deny(simulate, anotherUser), nil},
		{"the caller: a Deny on its ARN applies", deny(simulate, itself),
			[]string{"iam:SimulatePrincipalPolicy denied identity-deny low"}},
		{"the caller: an SCP on its ARN applies", scp(simulate, itself),
			[]string{"iam:SimulatePrincipalPolicy denied scp low"}},
		{"the quota: an Allow on its ARN is enough", only(quota, getQuota, increase, history), nil},
		{"the quota: an Allow on another quota grants nothing", only(anotherQuota, increase),
			[]string{"servicequotas:RequestServiceQuotaIncrease missing narrower-grant low"}},
		{"the quota: a Deny on another quota does not apply", deny("servicequotas:*", anotherQuota), nil},
		{"the quota: a Deny on its ARN applies to the actions that name it",
			deny("servicequotas:*", quota), []string{
				"servicequotas:GetServiceQuota denied identity-deny low",
				"servicequotas:RequestServiceQuotaIncrease denied identity-deny low",
				"servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota denied identity-deny low"}},
		{"the quota: an SCP on its ARN applies", scp(increase, "arn:aws:servicequotas:*:*:lambda/*"),
			[]string{"servicequotas:RequestServiceQuotaIncrease denied scp low"}},

		{"contested: a Deny on one bucket does not apply", deny("s3:*", oneBucket), nil},
		{"contested: an SCP on one bucket does not apply", scp("s3:*", oneBucket), nil},
		{"contested: a Deny on * applies", deny(listBuckets, "*"),
			[]string{"s3:ListAllMyBuckets denied identity-deny high"}},
		{"contested: an Allow on one bucket grants nothing", only(oneBucket, listBuckets),
			[]string{"s3:ListAllMyBuckets missing narrower-grant high"}},
		{"contested: a Deny on every bucket may apply", deny(listBuckets, everyBucket),
			[]string{"s3:ListAllMyBuckets partial identity-deny medium disputed"}},
		{"contested: an Allow on every bucket may be enough", only(everyBucket, listBuckets),
			[]string{"s3:ListAllMyBuckets partial narrower-grant medium disputed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := compliant(t)
			test.change(a)
			r, _ := judge(t, a, plan())
			var got []string
			for _, f := range r.Findings {
				if f.Status == audit.Satisfied {
					continue
				}
				line := fmt.Sprintf("%s %s %s %s", f.Action, f.Status, f.Cause, f.Severity)
				notes := strings.Join(f.Notes, " ")
				if strings.Contains(notes, "/list_amazons3.html") &&
					strings.Contains(notes, "/reference_policies_elements_statement.html") {
					line += " disputed"
				}
				got = append(got, line)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if compliant := r.Status == audit.StatusCompliant; compliant != (test.want == nil) {
				t.Errorf("the report is %s", r.Status)
			}
		})
	}
}

// TestABroadRoleWithADenyOnSecretsIsCompliant checks that a Deny on buckets that Remotion does not
// use makes no gap for a render role.
func TestABroadRoleWithADenyOnSecretsIsCompliant(t *testing.T) {
	a := compliant(t)
	changeRole(a, func(r *awsemu.Role) {
		r.Inline = map[string]string{
			"broad":   statement(`"Effect":"Allow","Action":["s3:*","lambda:*","logs:*"],"Resource":"*"`),
			"secrets": statement(`"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::company-secrets*"`),
		}
	})
	if r, _ := judge(t, a, plan()); r.Status != audit.StatusCompliant {
		t.Errorf("the report is %s: %q", r.Status, unsatisfied(r))
	}
}
