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
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

const (
	render527 = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
	render240 = "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec"
	render31  = "remotion-render-3-3-31-mem2048mb-disk2048mb-120sec"
	arnOfRole = "arn:aws:iam::123456789012:role/"
)

// deploy adds functions to the account. A function without a role gets the default render role.
func deploy(a *awsemu.Account, functions ...awsemu.LambdaFunction) {
	for _, f := range functions {
		if f.Role == "" {
			f.Role = policies.RoleName
		}
		a.Functions = append(a.Functions, f)
	}
}

// clips returns a function with a custom name.
func clips(region string, tags map[string]string) awsemu.LambdaFunction {
	return awsemu.LambdaFunction{Name: "clips", Region: region,
		Description: "Renders a Remotion video.", Tags: tags}
}

// addRegions adds regions that are audited only if they have functions, as REGIONS=auto does.
func addRegions(p *collect.Plan) {
	p.Further = []string{"eu-west-1", "eu-west-2", "af-south-1"}
	p.OnlyWithFunctions = true
}

func notices(r audit.Report) (list []string) {
	for _, n := range r.Notices {
		list = append(list, string(n.Kind)+": "+n.Text)
	}
	return list
}

func problems(r audit.Report) (list []string) {
	for _, p := range r.Problems {
		list = append(list,
			strings.TrimSuffix(fmt.Sprintf("%s: %s: %s: %s", p.Target, p.What, p.Why, p.Grant), ": "))
	}
	return list
}

// refuse returns an error of lambda:ListFunctions in a region.
func refuse(region, code, message string, status int) awsemu.Fault {
	return awsemu.Fault{Operation: "lambda:ListFunctions", Region: region,
		Error: &awsemu.FaultError{Code: code, Message: message, Status: status}}
}

const (
	customName = "custom-name: the documented policies cover only functions named " +
		"remotion-render-*, but not "
	notEnabled = "the region is not enabled in this account"
	unlisted   = "a service control policy of the organization denies lambda:ListFunctions in this " +
		"region, and "
	refused = "neither Lambda nor STS accepts the credentials there, but "
	byAnSCP = "User: arn:aws:sts::123456789012:assumed-role/audit/x is not authorized to " +
		"perform: lambda:ListFunctions on resource: * with an explicit deny in a service control policy"
	denied = "access denied: User: arn:aws:iam::123456789012:user/administrator is not " +
		"authorized to perform: lambda:ListFunctions on resource: * because no identity-based policy " +
		"allows the lambda:ListFunctions action"
)

func TestFunctions(t *testing.T) {
	tests := []struct {
		name     string
		change   func(*awsemu.Account, *collect.Plan)
		regions  string
		releases string
		want     []string
		notices  []string
		problems []string
		status   audit.ReportStatus
	}{
		{name: "without functions, the newest release is audited in the configured region",
			change:  func(_ *awsemu.Account, p *collect.Plan) { addRegions(p) },
			regions: "us-east-1", releases: "4.0.418 and later", status: audit.StatusCompliant},
		{name: "a region with functions is audited too",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				deploy(a, awsemu.LambdaFunction{Name: render527, Region: "eu-west-2"},
					awsemu.LambdaFunction{Name: "web", Region: "eu-west-1"})
			}, regions: "us-east-1 eu-west-2", releases: "4.0.527", status: audit.StatusCompliant},
		{name: "a region without functions is audited if OnlyWithFunctions is false",
			change: func(_ *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				p.Further, p.OnlyWithFunctions = p.Further[:2], false
			}, regions: "us-east-1 eu-west-1 eu-west-2", releases: "4.0.418 and later",
			status: audit.StatusCompliant},
		{name: "an old release needs less than the newest",
			change: func(a *awsemu.Account, p *collect.Plan) {
				deploy(a, awsemu.LambdaFunction{Name: render240})
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"s3:PutBucketPolicy"`,
						`"s3:PutBucketPolicy-no"`, 1)
				})
			}, regions: "us-east-1", releases: "4.0.240", notices: []string{
				"document: inline policy \"remotion\": this is the user policy of Remotion 4.0.61-4.0.417 " +
					"except for 1 permission: it adds s3:PutBucketPolicy-no on arn:aws:s3:::remotionlambda-*",
				`unknown-action: inline policy "remotion": s3:PutBucketPolicy-no is no action: ` +
					"s3:PutBucketPolicy?",
				"upgrade: Remotion 4.0.418 and later needs permissions that are not granted: s3:PutBucketPolicy for " +
					"user/ci"},
			status: audit.StatusCompliant},
		{name: "an action of AWS's own policy that does not exist has no notice",
			change: func(a *awsemu.Account, p *collect.Plan) {
				a.Policies = map[string]awsemu.ManagedPolicy{
					"ViewOnlyAccess": {ARN: "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess",
						Document: statement(`"Effect":"Allow","Action":"s3:ListObjects","Resource":"*"`)},
					"mine": {Document: statement(`"Effect":"Allow","Action":"s3:HeadObject","Resource":"*"`)},
				}
				changeUser(a, func(u *awsemu.User) { u.Managed = []string{"ViewOnlyAccess", "mine"} })
			}, regions: "us-east-1", releases: "4.0.418 and later", notices: []string{
				`unknown-action: managed policy "mine": s3:HeadObject is no action: s3:GetObject?`},
			status: audit.StatusCompliant},
		{name: "three deployed releases need all their permissions",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				deploy(a, awsemu.LambdaFunction{Name: render527},
					awsemu.LambdaFunction{Name: render240, Region: "eu-west-1"},
					awsemu.LambdaFunction{Name: "remotion-render-2022-04-20-mem2048mb-disk512mb-120sec"})
			}, regions: "us-east-1 eu-west-1", releases: "3.0.0-3.3.7, 4.0.240 and 4.0.527", want: []string{
				"user/ci iam:GetUser missing no-grant", "user/ci s3:PutBucketWebsite missing no-grant",
			}, notices: []string{"document: inline policy \"remotion\": this is the user policy of " +
				"Remotion 4.0.418 and later, unchanged",
				"uncalled: s3:DeleteBucketWebsite is documented but not granted; nothing fails, because " +
					"Remotion does not call it"}, status: audit.StatusGaps},
		{name: "a configured release overrides the deployed releases",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Requested = "latest"
				deploy(a, awsemu.LambdaFunction{Name: render31})
			}, regions: "us-east-1", releases: "4.0.418 and later", status: audit.StatusCompliant},
		{name: "a release newer than the catalogue has a notice",
			change: func(a *awsemu.Account, p *collect.Plan) {
				deploy(a, awsemu.LambdaFunction{Name: "remotion-render-4-0-541-mem2048mb-disk2048mb-120sec"})
			}, regions: "us-east-1", releases: "4.0.541", notices: []string{
				"newer-release: Remotion 4.0.541 is newer than 4.0.527, the newest release in this " +
					"catalogue: the policies of 4.0.418 and later apply",
			}, status: audit.StatusCompliant},
		{name: "a custom name with a tag is not covered by the documented policy",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				deploy(a, awsemu.LambdaFunction{Name: render527},
					clips("", map[string]string{"remotion-version": "4.0.527"}))
				p.Callers[0].Purpose = policies.Render
			}, regions: "us-east-1", releases: "4.0.527", want: []string{
				"user/ci lambda:InvokeFunction partial narrower-grant",
				"role/remotion-lambda-role lambda:InvokeFunction partial narrower-grant",
				"role/remotion-lambda-role logs:CreateLogStream partial narrower-grant",
				"role/remotion-lambda-role logs:PutLogEvents partial narrower-grant",
			}, notices: []string{
				"document: inline policy \"remotion\": this is the user policy of Remotion 4.0.418 and " +
					"later, unchanged",
				"document: inline policy \"remotion\": this is the role policy of Remotion 4.0.61 and later, " +
					"unchanged",
				customName + "clips (us-east-1)",
				"deploy-rights: the caller does not deploy, but may use lambda:CreateFunction, " +
					"lambda:DeleteFunction, iam:PassRole, servicequotas:GetServiceQuota and 20 more; the " +
					"audit knows only what Remotion needs",
			}, status: audit.StatusGaps},
		{name: "a function of an unknown release needs the newest known release",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				deploy(a, awsemu.LambdaFunction{Name: render240},
					awsemu.LambdaFunction{Name: "remotion-render-bds9aab"})
			}, regions: "us-east-1", releases: "4.0.240 and 4.0.527", notices: []string{
				"unknown-release: neither name nor tags show the Remotion release of remotion-render-bds9aab " +
					"(us-east-1); the account must also satisfy the newest known release",
			}, status: audit.StatusCompliant},
		{name: "a function that is deleted before its tags are read is ignored",
			change: func(a *awsemu.Account, p *collect.Plan) {
				deploy(a, awsemu.LambdaFunction{Name: render527}, clips("", nil))
				a.Faults = []awsemu.Fault{{Operation: "lambda:ListTags",
					Error: &awsemu.FaultError{Code: "ResourceNotFoundException", Message: "Function not found",
						Status: 404}},
					{Operation: "lambda:ListFunctions", After: 1,
						Corrupt: func([]byte) []byte { return []byte(`{"Functions":[]}`) }}}
			}, regions: "us-east-1", releases: "4.0.527", status: audit.StatusCompliant},
		{name: "a function that Lambda lists twice but does not find is a problem",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				deploy(a, awsemu.LambdaFunction{Name: render527},
					awsemu.LambdaFunction{Name: "remotion-render-bds9aab"})
				a.Faults = []awsemu.Fault{{Operation: "lambda:ListTags",
					Error: &awsemu.FaultError{Code: "ResourceNotFoundException", Message: "Function not found",
						Status: 404}}}
			}, regions: "us-east-1", releases: "4.0.527", notices: []string{
				"unknown-release: neither name nor tags show the Remotion release of remotion-render-bds9aab " +
					"(us-east-1); the account must also satisfy the newest known release"},
			problems: []string{"the account: the tags of functions in us-east-1: Lambda contradicts " +
				"itself: it lists function remotion-render-bds9aab, but does not find it"},
			status: audit.StatusUnverified},
		{name: "a function that a second list says nothing about is a problem",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				deploy(a, awsemu.LambdaFunction{Name: render527},
					awsemu.LambdaFunction{Name: "remotion-render-bds9aab"})
				denied := refuse("", "AccessDeniedException", "denied by a service control policy", 403)
				denied.After = 1
				a.Faults = []awsemu.Fault{denied, {Operation: "lambda:ListTags",
					Error: &awsemu.FaultError{Code: "ResourceNotFoundException", Message: "Function not found",
						Status: 404}}}
			}, regions: "us-east-1", releases: "4.0.527", notices: []string{
				"unknown-release: neither name nor tags show the Remotion release of remotion-render-bds9aab " +
					"(us-east-1); the account must also satisfy the newest known release"},
			problems: []string{"the account: the tags of functions in us-east-1: Lambda contradicts " +
				"itself: it lists function remotion-render-bds9aab, but does not find it"},
			status: audit.StatusUnverified},
		{name: "denied tags are a problem and leave the release unknown",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				deploy(a, awsemu.LambdaFunction{Name: render527},
					awsemu.LambdaFunction{Name: "remotion-render-bds9aab"})
				a.Faults = []awsemu.Fault{{Operation: "lambda:ListTags", Deny: true}}
			}, regions: "us-east-1", releases: "4.0.527", notices: []string{
				"unknown-release: neither name nor tags show the Remotion release of remotion-render-bds9aab " +
					"(us-east-1); the account must also satisfy the newest known release",
			}, problems: []string{"the account: the tags of functions in us-east-1: access denied: User: " +
				"arn:aws:iam::123456789012:user/administrator is not authorized to perform: lambda:ListTags " +
				"on resource: arn:aws:lambda:us-east-1:123456789012:function:remotion-render-bds9aab because " +
				"no identity-based policy allows the lambda:ListTags action: lambda:ListTags"},
			status: audit.StatusUnverified},
		{name: "regions in Further that are forbidden or not enabled are skipped",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				a.DisabledRegions = []string{"af-south-1"}
				a.Faults = []awsemu.Fault{{Operation: "lambda:*", Region: "eu-west-1", Deny: true},
					refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403)}
			}, regions: "us-east-1", releases: "4.0.418 and later", notices: []string{
				"region-skipped: not audited: eu-west-2: a service control policy of the organization denies " +
					"lambda:ListFunctions in this region",
				"region-skipped: not audited: af-south-1: " + notEnabled,
			}, problems: []string{"the account: the functions in eu-west-1: " + denied +
				": lambda:ListFunctions", "the account: the functions in eu-west-2: " + unlisted +
				"AWS's simulator allows lambda:InvokeFunction there"}, status: audit.StatusUnverified},
		{name: "configured regions are skipped only if they are not enabled",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1", "eu-west-2", "af-south-1"}
				a.DisabledRegions = []string{"af-south-1"}
				a.Faults = []awsemu.Fault{{Operation: "lambda:*", Region: "eu-west-1", Deny: true},
					refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403)}
			}, regions: "us-east-1 eu-west-1 eu-west-2", releases: "4.0.418 and later", notices: []string{
				"region-skipped: audited without a list of functions: eu-west-2: a service control policy of " +
					"the organization denies lambda:ListFunctions in this region",
				"region-skipped: not audited: af-south-1: " + notEnabled,
			}, problems: []string{"the account: the functions in eu-west-1: " + denied +
				": lambda:ListFunctions", "the account: the functions in eu-west-2: " + unlisted +
				"REGIONS names the region"}, status: audit.StatusUnverified},
		{name: "a list of functions that is denied in all regions is one problem",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				a.Faults = []awsemu.Fault{{Operation: "lambda:*", Deny: true}}
			}, regions: "us-east-1", releases: "4.0.418 and later",
			problems: []string{"the account: the functions in us-east-1, eu-west-1, eu-west-2, " +
				"af-south-1: " + denied + ": lambda:ListFunctions"}, status: audit.StatusUnverified},
		{name: "an account without an enabled region is unverified",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers, p.Regions, a.DisabledRegions = nil, []string{"ap-east-1"}, []string{"ap-east-1"}
			}, regions: "ap-east-1", releases: "4.0.418 and later",
			notices:  []string{"region-skipped: not audited: ap-east-1: " + notEnabled},
			problems: []string{"the account: any region: none of ap-east-1 is enabled in this account"},
			status:   audit.StatusUnverified},
		{name: "a region that no account can disable is not skipped if Lambda refuses the credentials",
			change: func(a *awsemu.Account, p *collect.Plan) {
				a.DisabledRegions = []string{"us-east-1"}
			}, regions: "us-east-1", releases: "4.0.418 and later",
			problems: []string{"the account: the functions in us-east-1: UnrecognizedClientException: " +
				"The security token included in the request is invalid."},
			status: audit.StatusUnverified},
		{name: "a region is not skipped if only Lambda refuses the credentials",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				a.Faults = []awsemu.Fault{refuse("af-south-1", "OptInRequired", "sorry", 403)}
			}, regions: "us-east-1", releases: "4.0.418 and later",
			problems: []string{"the account: the functions in af-south-1: OptInRequired: sorry"},
			status:   audit.StatusUnverified},
		{name: "a region that an SCP denies as a whole is skipped",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"*","Resource":"*",
					"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-2"}}`)
				a.Faults = []awsemu.Fault{refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403)}
			}, regions: "us-east-1", releases: "4.0.418 and later", notices: []string{
				"region-skipped: not audited: eu-west-2: a service control policy of the organization denies " +
					"lambda:ListFunctions in this region"}, status: audit.StatusCompliant},
		{name: "a region in which an SCP denies outside a network is unverified",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"*","Resource":"*",
					"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-2"},
					"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}`)
				a.Faults = []awsemu.Fault{refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403)}
			}, regions: "us-east-1", releases: "4.0.418 and later", notices: []string{
				"region-skipped: not audited: eu-west-2: a service control policy of the organization denies " +
					"lambda:ListFunctions in this region"},
			problems: []string{"the account: the functions in eu-west-2: " + unlisted +
				"AWS's simulator allows lambda:InvokeFunction there"}, status: audit.StatusUnverified},
		{name: "a region that an SCP denies is unverified if BUCKETS has a bucket there",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				p.Callers, p.Buckets = nil, policytest.Buckets(t, "remotionlambda-euwest2-abcdefghij")
				a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"lambda:*","Resource":"*",
					"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`)
				a.Faults = []awsemu.Fault{refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403)}
			}, regions: "us-east-1 eu-west-2", releases: "4.0.418 and later", notices: []string{
				"region-skipped: audited without a list of functions: eu-west-2: a service control policy " +
					"of the organization denies lambda:ListFunctions in this region"},
			problems: []string{"the account: the functions in eu-west-2: " + unlisted +
				"BUCKETS has a bucket of the region"}, status: audit.StatusUnverified},
		{name: "a region that an SCP denies is unverified if an earlier audit found functions there",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				p.Callers, p.SeenRegions = nil, func() []string { return []string{"eu-west-2"} }
				a.Faults = []awsemu.Fault{refuse("eu-west-2", "AccessDeniedException", byAnSCP, 403)}
			}, regions: "us-east-1 eu-west-2", releases: "4.0.418 and later", notices: []string{
				"region-skipped: audited without a list of functions: eu-west-2: a service control policy " +
					"of the organization denies lambda:ListFunctions in this region"},
			problems: []string{"the account: the functions in eu-west-2: " + unlisted +
				"an earlier audit found functions in the region"}, status: audit.StatusUnverified},
		{name: "a region that refuses the credentials is unverified if BUCKETS has a bucket there",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				p.Callers, p.Buckets = nil, policytest.Buckets(t, "remotionlambda-afsouth1-abcdefghij")
				a.DisabledRegions = []string{"af-south-1"}
			}, regions: "us-east-1", releases: "4.0.418 and later",
			notices: []string{"region-skipped: not audited: af-south-1: " + notEnabled},
			problems: []string{"the account: the functions in af-south-1: " + refused +
				"BUCKETS has a bucket of the region"}, status: audit.StatusUnverified},
		{name: "a region that refuses the credentials is unverified if it had functions",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				p.Callers, p.SeenRegions = nil, func() []string { return []string{"af-south-1"} }
				a.DisabledRegions = []string{"af-south-1"}
			}, regions: "us-east-1", releases: "4.0.418 and later",
			notices: []string{"region-skipped: not audited: af-south-1: " + notEnabled},
			problems: []string{"the account: the functions in af-south-1: " + refused +
				"an earlier audit found functions in the region"}, status: audit.StatusUnverified},
		{name: "a role of functions is audited, and callers must be able to pass it",
			change: func(a *awsemu.Account, p *collect.Plan) {
				addRegions(p)
				a.Roles["clips"] = awsemu.Role{Path: "/video/",
					Inline: map[string]string{"x": statement(`"Effect":"Allow","Action":["s3:*","lambda:InvokeFunction"],"Resource":"*"`)}}
				deploy(a, awsemu.LambdaFunction{Name: render527},
					awsemu.LambdaFunction{Name: render527, Region: "eu-west-1", Role: "clips"})
			}, regions: "us-east-1 eu-west-1", releases: "4.0.527", want: []string{
				"user/ci iam:PassRole partial narrower-grant",
				"role/clips logs:CreateLogGroup missing no-grant",
				"role/clips logs:CreateLogStream missing no-grant",
				"role/clips logs:CreateLogStream missing no-grant",
				"role/clips logs:PutLogEvents missing no-grant",
				"role/clips logs:PutLogEvents missing no-grant",
			}, notices: []string{"document: inline policy \"remotion\": this is the user policy of " +
				"Remotion 4.0.418 and later, unchanged", "service-wildcard: inline policy \"x\" allows s3:* " +
				"on all resources; the audit knows only what Remotion needs"},
			status: audit.StatusGaps},
		{name: "a role of functions that does not exist is a gap",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				deploy(a, awsemu.LambdaFunction{Name: render527},
					awsemu.LambdaFunction{Name: render240, Role: arnOfRole + "service-role/gone"})
			}, regions: "us-east-1", releases: "4.0.240 and 4.0.527",
			want: []string{"role/gone  missing target-missing"}, status: audit.StatusGaps},
		{name: "a role of functions that does not trust Lambda is a gap",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				changeRole(a, func(r *awsemu.Role) { r.Trust = "ec2.amazonaws.com" })
				deploy(a, awsemu.LambdaFunction{Name: render527})
			}, regions: "us-east-1", releases: "4.0.527",
			want: []string{"role/remotion-lambda-role sts:AssumeRole missing trust-policy"},
			notices: []string{"document: inline policy \"remotion\": this is the role policy of Remotion " +
				"4.0.61 and later, unchanged"}, status: audit.StatusGaps},
		{name: "a role of functions that now has another path is a gap",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				deploy(a,
					awsemu.LambdaFunction{Name: render527, Role: arnOfRole + "service-role/remotion-lambda-role"})
			}, regions: "us-east-1", releases: "4.0.527",
			want: []string{"role/remotion-lambda-role sts:AssumeRole missing target-missing"},
			notices: []string{"document: inline policy \"remotion\": this is the role policy of Remotion " +
				"4.0.61 and later, unchanged"}, status: audit.StatusGaps},
		{name: "the default role may be missing if all functions use another one",
			change: func(a *awsemu.Account, p *collect.Plan) {
				a.Roles["clips"] = a.Roles[policies.RoleName]
				delete(a.Roles, policies.RoleName)
				deploy(a, awsemu.LambdaFunction{Name: render527, Role: "clips"})
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], "role/remotion-lambda-role",
						"role/clips", 1)
				})
			}, regions: "us-east-1", releases: "4.0.527", notices: []string{
				"render-role: there is no role remotion-lambda-role, and no deployed function uses it: the " +
					"role is not audited"}, status: audit.StatusCompliant},
		{name: "a role of another account is a problem",
			change: func(a *awsemu.Account, p *collect.Plan) {
				deploy(a, awsemu.LambdaFunction{Name: render527, Role: "arn:aws:iam::210987654321:role/x"})
			}, regions: "us-east-1", releases: "4.0.527", problems: []string{
				"the account: the role of function " + render527 +
					` (us-east-1): "arn:aws:iam::210987654321:role/x" is not a role of this account`},
			status: audit.StatusUnverified},
		{name: "function names with wildcards, line breaks or escapes are problems",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				for _, name := range []string{"*", "remotion-render-*-mem1mb-disk1mb-1sec", "a\nCRITICAL",
					"${aws:username}", "\x1b[31mred"} {
					deploy(a, awsemu.LambdaFunction{Name: name, Description: "Renders a Remotion video."})
				}
			}, regions: "us-east-1", releases: "4.0.418 and later", problems: []string{
				`the account: the functions in us-east-1: "\x1b[31mred" is not a valid function name`,
				`the account: the functions in us-east-1: "${aws:username}" is not a valid function name`,
				`the account: the functions in us-east-1: "*" is not a valid function name`,
				`the account: the functions in us-east-1: "a\nCRITICAL" is not a valid function name`,
				`the account: the functions in us-east-1: "remotion-render-*-mem1mb-disk1mb-1sec" is not a valid function name`,
			}, status: audit.StatusUnverified},
		{name: "the documented policy does not cover a bucket with a custom name",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers, p.Buckets = nil, policytest.Buckets(t,
					"remotionlambda-useast1-abcdefghij", "videos.example")
			}, regions: "us-east-1", releases: "4.0.418 and later", want: []string{
				"role/remotion-lambda-role s3:ListBucket missing narrower-grant",
				"role/remotion-lambda-role s3:GetObject missing narrower-grant",
				"role/remotion-lambda-role s3:PutObjectAcl missing narrower-grant",
				"role/remotion-lambda-role s3:PutObject missing narrower-grant",
			}, notices: []string{"document: inline policy \"remotion\": this is the role policy of " +
				"Remotion 4.0.61 and later, unchanged",
				"custom-name: the documented policies cover only buckets named remotionlambda-*, but not " +
					"videos.example",
				"bucket-role: BUCKETS names no role for videos.example (output): the audit assumes that it " +
					"only receives outputs; write NAME=output or NAME=site"}, status: audit.StatusGaps},
		{name: "a layer of Insights that the document does not grant is a gap",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "af-south-1"}
				deploy(a, awsemu.LambdaFunction{Name: render527, Region: "af-south-1", Layers: []string{
					"arn:aws:lambda:af-south-1:678892195805:layer:remotion-binaries-chromium-arm64:30",
					"arn:aws:lambda:af-south-1:012438385374:layer:LambdaInsightsExtension-Arm64:5"}})
			}, regions: "us-east-1 af-south-1", releases: "4.0.527",
			want: []string{"user/ci lambda:GetLayerVersion missing narrower-grant"},
			notices: []string{"document: inline policy \"remotion\": this is the user policy of Remotion " +
				"4.0.418 and later, unchanged"}, status: audit.StatusGaps},
		{name: "regions where Insights is not enabled are one notice",
			change: func(_ *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "af-south-1", "ap-east-1", "ap-northeast-3", "eu-south-1"}
			}, regions: "us-east-1 af-south-1 ap-east-1 ap-northeast-3 eu-south-1",
			releases: "4.0.418 and later", notices: []string{"insights: the documented policy does not " +
				"cover the layers of Lambda Insights in af-south-1, ap-east-1, ap-northeast-3, eu-south-1: " +
				"functions with Insights cannot be deployed there until lambda:GetLayerVersion is granted " +
				"on them"}, status: audit.StatusCompliant},
		{name: "the user policy on the role is recognized",
			change: func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["remotion"] = policies.Latest().Document(policies.User)
				})
			}, regions: "us-east-1", releases: "4.0.418 and later", want: []string{
				"role/remotion-lambda-role logs:CreateLogGroup missing narrower-grant",
				"role/remotion-lambda-role logs:CreateLogStream missing no-grant",
				"role/remotion-lambda-role logs:CreateLogStream missing no-grant",
				"role/remotion-lambda-role logs:PutLogEvents missing no-grant",
				"role/remotion-lambda-role logs:PutLogEvents missing no-grant",
			}, notices: []string{"document: inline policy \"remotion\": this is the user policy of " +
				"Remotion 4.0.418 and later, unchanged; the role policy is expected instead",
				"user-policy-on-role: inline policy \"remotion\" is the user policy of Remotion, with " +
					"which the functions could deploy: a render role needs the role policy; the audit " +
					"knows only what Remotion needs"},
			status: audit.StatusGaps},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			account, plan := compliant(t), plan()
			test.change(account, &plan)
			r, _ := judge(t, account, plan)
			if got := strings.Join(r.Regions, " "); got != test.regions ||
				r.Remotion.Release != test.releases || r.Status != test.status {
				t.Errorf("%s, %s, %s\nwant %s, %s, %s", r.Status, got, r.Remotion.Release, test.status,
					test.regions, test.releases)
			}
			for what, lists := range map[string][2][]string{"findings": {unsatisfied(r), test.want},
				"notices": {notices(r), test.notices}, "problems": {problems(r), test.problems}} {
				if !slices.Equal(lists[0], lists[1]) {
					t.Errorf("%s\n%s\nwant\n%s", what, strings.Join(lists[0], "\n"), strings.Join(lists[1], "\n"))
				}
			}
		})
	}
}

// TestRefusedCredentialsHaveARemedy checks that the remedy of a region that does not accept the
// credentials fits the region: only where an account has to enable the region, the token of the
// global endpoint of STS is the probable cause.
func TestRefusedCredentialsHaveARemedy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ region, code, want string }{
		{"af-south-1", "UnrecognizedClientException", "a regional endpoint of STS"},
		{"af-south-1", "OptInRequired", "enable the region"},
		{"eu-west-1", "UnrecognizedClientException", "use valid credentials"},
	} {
		account, plan := compliant(t), plan()
		addRegions(&plan)
		account.Faults = []awsemu.Fault{refuse(test.region, test.code, "sorry", 403)}
		r, _ := judge(t, account, plan)
		if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].Remedy, test.want) {
			t.Errorf("%s in %s: %+v, want the remedy %q", test.code, test.region, r.Problems, test.want)
		}
	}
}

// TestGapsNameTheirReleases checks that every gap lists the deployed releases that need the
// permission.
func TestGapsNameTheirReleases(t *testing.T) {
	account := compliant(t)
	deploy(account, awsemu.LambdaFunction{Name: render31}, awsemu.LambdaFunction{Name: render240},
		awsemu.LambdaFunction{Name: render527})
	account.Users["ci"] = awsemu.User{Path: "/bots/",
		Inline: map[string]string{"none": statement(`"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"`)}}
	r, _ := judge(t, account, plan())
	got := map[string]string{}
	for _, f := range r.Findings {
		got[f.Action] = strings.Join(f.Releases, " ")
	}
	for action, want := range map[string]string{
		"lambda:InvokeFunction":             "3.3.31 4.0.240 4.0.527",
		"lambda:PutRuntimeManagementConfig": "4.0.240 4.0.527",
		"s3:PutBucketPolicy":                "4.0.527",
		"sts:AssumeRole":                    "",
	} {
		if got[action] != want {
			t.Errorf("%s: needed by %q, want %q", action, got[action], want)
		}
	}
}

// TestFunctionsWithoutARoleAreNamed checks that a missing role, or a role that does not trust
// Lambda, is critical and lists its functions.
func TestFunctionsWithoutARoleAreNamed(t *testing.T) {
	account := compliant(t)
	changeRole(account, func(r *awsemu.Role) { r.Trust = "ec2.amazonaws.com" })
	deploy(account, awsemu.LambdaFunction{Name: render527},
		awsemu.LambdaFunction{Name: render240, Role: arnOfRole + "service-role/gone"})
	r, _ := judge(t, account, plan())
	var got []string
	for _, f := range r.Findings {
		if f.Cause == audit.TargetMissing || f.Cause == audit.TrustPolicy {
			got = append(got, fmt.Sprint(f.Severity, " ", f.ExampleARN, " ", f.Notes))
		}
	}
	want := []string{
		"critical " + arnOfRole + "remotion-lambda-role [deployed functions with this role: " +
			render527 + " (us-east-1)]",
		"critical " + arnOfRole + "service-role/gone [deployed functions with this role: " +
			render240 + " (us-east-1)]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestExactNamesOfFunctions checks that a caller that only renders needs a grant only for the names
// of the deployed functions, and that an upgrade changes these names.
func TestExactNamesOfFunctions(t *testing.T) {
	upgrade := policytest.Release(t, "4.0.530")
	const invoke = "lambda:InvokeFunction"
	exact := func(names ...string) func(*awsemu.User) {
		return func(u *awsemu.User) {
			u.Inline["remotion"] = strings.Replace(u.Inline["remotion"],
				`"arn:aws:lambda:*:*:function:remotion-render-*"`,
				`"arn:aws:lambda:*:*:function:`+strings.Join(names, `", "arn:aws:lambda:*:*:function:`)+`"`, 1)
		}
	}
	for _, test := range []struct {
		name    string
		purpose policies.Purpose
		names   []string
		want    string
		after   string
	}{
		{"the names of both functions satisfy a caller that renders",
			policies.Render, []string{render527, render240}, "satisfied ",
			"partial remotion-render-"},
		{"the older of two names is partial",
			policies.Render, []string{render240}, "partial " + render527, ""},
		{"the newer of two names is partial",
			policies.Render, []string{render527}, "partial " + render240, ""},
		{"a pattern is satisfied, also after an upgrade",
			policies.Render, []string{"remotion-render-*"}, "satisfied ", ""},
		{"the names of both functions are partial for a caller that deploys",
			policies.All, []string{render527, render240},
			"partial remotion-render-", ""},
	} {
		account, p := compliant(t), plan()
		deploy(account, awsemu.LambdaFunction{Name: render527}, awsemu.LambdaFunction{Name: render240})
		changeUser(account, exact(test.names...))
		p.Callers[0].Purpose, p.UpgradeTo = test.purpose, &upgrade
		r, _ := judge(t, account, p)
		invokeFinding := func(findings []audit.Finding) string {
			for _, f := range findings {
				if f.Action == invoke && f.Policy == policies.User {
					return string(f.Status) + " " + f.ExampleARN[strings.LastIndexByte(f.ExampleARN, ':')+1:]
				}
			}
			return ""
		}
		if got, after := invokeFinding(r.Findings), invokeFinding(r.Upgrade.Findings); got != test.want ||
			after != test.after {
			t.Errorf("%s: %q, and %q after an upgrade; want %q and %q", test.name, got, after, test.want,
				test.after)
		}
	}
}

// TestUpgradePreview checks which gaps an upgrade adds, and that these gaps do not change the
// status.
func TestUpgradePreview(t *testing.T) {
	account, p := compliant(t), plan()
	old := policytest.Release(t, "4.0.31")
	changeUser(account, func(u *awsemu.User) { u.Inline["remotion"] = old.Document(policies.User) })
	deploy(account, awsemu.LambdaFunction{Name: "remotion-render-4-0-31-mem2048mb-disk2048mb-120sec"})
	for to, want := range map[string][]string{
		"4.0.31": nil,
		"4.0.60": {"s3:PutLifecycleConfiguration medium", "lambda:TagResource medium"},
		"4.0.527": {"s3:PutBucketPolicy high", "s3:PutLifecycleConfiguration medium",
			"lambda:TagResource medium", "lambda:GetLayerVersion medium"},
	} {
		release := policytest.Release(t, to)
		p.UpgradeTo = &release
		r, _ := judge(t, account, p)
		var got []string
		for _, f := range r.Upgrade.Findings {
			got = append(got, f.Action+" "+f.Severity.String())
		}
		slices.Sort(got)
		slices.Sort(want)
		if r.Status != audit.StatusCompliant || r.Upgrade.To != to || !slices.Equal(got, want) {
			t.Errorf("upgrade to %s: status %s, new gaps %q, want %q", to, r.Status, got, want)
		}
	}
}
