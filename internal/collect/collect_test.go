package collect_test

import (
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsanswer"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func latestDocument(kind policies.PolicyKind) string {
	return policies.Latest().Document(kind)
}

// compliant returns a compliant account. Tests change it.
func compliant(t testing.TB) *awsemu.Account {
	t.Helper()
	return &awsemu.Account{
		Users: map[string]awsemu.User{"ci": {Path: "/bots/",
			Inline: map[string]string{"remotion": latestDocument(policies.User)}}},
		Roles: map[string]awsemu.Role{"remotion-lambda-role": {Inline: map[string]string{"remotion": latestDocument(policies.Role)}}},
	}
}

// plan returns a plan that audits user/ci and the render role in us-east-1.
func plan() collect.Plan {
	return collect.Plan{
		Account: "123456789012", Partition: "aws", Regions: []string{"us-east-1"},
		Release: policies.Latest(), Requested: "auto",
		Callers:     []collect.Caller{{Name: "user/ci", Purpose: policies.All}},
		RenderRoles: []string{"remotion-lambda-role"},
	}
}

// collector returns a Collector that calls the server like the function, but does not wait between
// attempts.
func collector(t testing.TB, server *awsemu.Server) collect.Collector {
	t.Helper()
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endpoint.Close() })
	return collectorAt(endpoint.URL)
}

// collectorAt returns a Collector that calls an endpoint.
func collectorAt(url string) collect.Collector {
	return collectorWith(aws.Config{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
}

// collectorWith returns a collector whose clients retry at once.
func collectorWith(cfg aws.Config) collect.Collector {
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
	cfg.Retryer = func() aws.Retryer { return retryer }
	cfg.APIOptions = append(cfg.APIOptions, awsanswer.AddTo)
	return collect.Collector{IAM: iam.NewFromConfig(cfg), Lambda: lambda.NewFromConfig(cfg),
		STS: sts.NewFromConfig(cfg)}
}

func judge(t testing.TB, account *awsemu.Account,
	plan collect.Plan) (audit.Report, *awsemu.Server) {
	t.Helper()
	server := &awsemu.Server{Account: account}
	r := evaluate(collector(t, server).Collect(t.Context(), plan))
	if err := r.CheckConsistent(); err != nil {
		t.Error(err)
	}
	return r, server
}

// evaluate judges the results of Collect.
func evaluate(facts audit.Facts, targets iter.Seq2[int, audit.TargetFacts]) audit.Report {
	judge := audit.NewJudge(facts, nil)
	for i, t := range targets {
		judge.Add(i, t)
	}
	return judge.Report()
}

// unsatisfied lists the findings that are not satisfied: target action status cause.
func unsatisfied(r audit.Report) (list []string) {
	for _, f := range r.Findings {
		if f.Status != audit.Satisfied {
			list = append(list,
				strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.Target, f.Action, f.Status, f.Cause)))
		}
	}
	return list
}

func changeUser(account *awsemu.Account, change func(*awsemu.User)) {
	u := account.Users["ci"]
	change(&u)
	account.Users["ci"] = u
}

func changeRole(account *awsemu.Account, change func(*awsemu.Role)) {
	r := account.Roles["remotion-lambda-role"]
	change(&r)
	account.Roles["remotion-lambda-role"] = r
}

func statement(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

// organization returns an organization with two service control policies at its root: one allows
// everything, the other has the statement.
func organization(body string) awsemu.Organization {
	return awsemu.Organization{{awsemu.FullAWSAccess, statement(body)}}
}

func TestAudit(t *testing.T) {
	tests := []struct {
		name   string
		change func(*awsemu.Account, *collect.Plan)
		want   []string
		status audit.ReportStatus
	}{
		{"the documented policies are compliant", func(*awsemu.Account, *collect.Plan) {}, nil,
			audit.StatusCompliant},
		{"the older form of the simulator's answer is understood",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.Simulator.Shape = "old"
			}, nil, audit.StatusCompliant},
		{"the older form of the answer with two buckets is understood",
			func(a *awsemu.Account, p *collect.Plan) {
				a.Simulator.Shape = "old"
				p.Buckets = policytest.Buckets(t, "remotionlambda-useast1-abcdefghij",
					"remotionlambda-useast1-bcdefghijk")
			}, nil, audit.StatusCompliant},
		{"actions that AWS does not simulate together are split",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.Simulator.Ungrouped = []string{"lambda:InvokeAsync", "s3:PutBucketOwnershipControls"}
			}, nil, audit.StatusCompliant},
		{"the policies of a user's group count", func(a *awsemu.Account, _ *collect.Plan) {
			a.Groups = map[string]awsemu.Group{"renderers": {Inline: a.Users["ci"].Inline}}
			changeUser(a, func(u *awsemu.User) { u.Inline, u.Groups = nil, []string{"renderers"} })
		}, nil, audit.StatusCompliant},
		{"the default version of a managed policy counts", func(a *awsemu.Account, _ *collect.Plan) {
			a.Policies = map[string]awsemu.ManagedPolicy{"remotion": {
				OlderVersions: []string{statement(`"Effect":"Deny","Action":"*","Resource":"*"`)},
				Document:      a.Users["ci"].Inline["remotion"],
			}}
			changeUser(a, func(u *awsemu.User) { u.Inline, u.Managed = nil, []string{"remotion"} })
		}, nil, audit.StatusCompliant},
		{"a typo in a function ARN is a gap", func(a *awsemu.Account, _ *collect.Plan) {
			changeRole(a, func(r *awsemu.Role) {
				r.Inline["remotion"] = strings.ReplaceAll(r.Inline["remotion"], ":function:remotion-render-",
					":function:remotoin-render-")
			})
		}, []string{"role/remotion-lambda-role lambda:InvokeFunction missing narrower-grant"},
			audit.StatusGaps},
		{"a Deny in a group policy overrides an Allow of the user",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.Groups = map[string]awsemu.Group{"all": {Inline: map[string]string{"no-roles": statement(`"Effect":"Deny","Action":"iam:PassRole","Resource":"*"`)}}}
				changeUser(a, func(u *awsemu.User) { u.Groups = []string{"all"} })
			}, []string{"user/ci iam:PassRole denied identity-deny"}, audit.StatusGaps},
		{"a boundary without logs actions denies these actions", func(a *awsemu.Account, _ *collect.Plan) {
			a.Policies = map[string]awsemu.ManagedPolicy{"limits": {Document: statement(`"Effect":"Allow","NotAction":"logs:*","Resource":"*"`)}}
			changeUser(a, func(u *awsemu.User) { u.Boundary = "limits" })
		}, []string{"user/ci logs:CreateLogGroup denied permissions-boundary",
			"user/ci logs:PutRetentionPolicy denied permissions-boundary"}, audit.StatusGaps},
		{"a service control policy denies an action", func(a *awsemu.Account, _ *collect.Plan) {
			a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"s3:PutBucketPolicy","Resource":"*"`)
		}, []string{"user/ci s3:PutBucketPolicy denied scp"}, audit.StatusGaps},
		{"a Deny for all other regions does not affect the audited region",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.ServiceControlPolicies = organization(
					`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`)
			}, nil, audit.StatusCompliant},
		{"a condition that the assumed context meets is satisfied",
			func(a *awsemu.Account, _ *collect.Plan) {
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"Sid": "LambdaInvokation",`,
						`"Sid": "LambdaInvokation", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},`, 1)
				})
			}, nil, audit.StatusCompliant},
		{"a condition that a real request does not meet is a gap",
			func(a *awsemu.Account, _ *collect.Plan) {
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"Sid": "LambdaInvokation",`,
						`"Sid": "LambdaInvokation", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},`, 1)
				})
			}, []string{"user/ci iam:PassRole missing condition"}, audit.StatusGaps},
		{"a condition on an unknown key is conditional", func(a *awsemu.Account, _ *collect.Plan) {
			changeUser(a, func(u *awsemu.User) {
				u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"Sid": "LambdaInvokation",`,
					`"Sid": "LambdaInvokation", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},`, 1)
			})
		}, []string{"user/ci iam:PassRole conditional condition"}, audit.StatusGaps},
		{"an unrelated condition does not make a missing permission conditional",
			func(a *awsemu.Account, _ *collect.Plan) {
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"iam:PassRole"`,
						`"iam:PassRole-no"`, 1)
					u.Inline["other"] = statement(
						`"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)
				})
			}, []string{"user/ci iam:PassRole missing no-grant"}, audit.StatusGaps},
		{"a grant of PassRole without the path of the render role is a gap",
			func(a *awsemu.Account, _ *collect.Plan) {
				changeRole(a, func(r *awsemu.Role) { r.Path = "/service-role/" })
			}, []string{"user/ci iam:PassRole missing narrower-grant"}, audit.StatusGaps},
		{"a role that does not trust Lambda is a gap", func(a *awsemu.Account, _ *collect.Plan) {
			changeRole(a, func(r *awsemu.Role) { r.Trust = "ec2.amazonaws.com" })
		}, []string{"role/remotion-lambda-role sts:AssumeRole missing trust-policy"}, audit.StatusGaps},
		{"an unknown user is one finding", func(_ *awsemu.Account, p *collect.Plan) {
			p.Callers = []collect.Caller{{Name: "user/absent", Purpose: policies.All}}
		}, []string{"user/absent  missing target-missing"}, audit.StatusGaps},
		{"an unknown role is one finding, even if other reads fail",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.Roles = nil
				a.Faults = []awsemu.Fault{{Operation: "iam:ListRolePolicies", Deny: true}}
			}, []string{"role/remotion-lambda-role  missing target-missing"}, audit.StatusGaps},
		{"a caller that only renders does not need the permissions to deploy",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Callers[0].Purpose = policies.Render
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = `{"Version":"2012-10-17","Statement":[
					{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:PutObjectAcl","s3:DeleteObject","s3:ListBucket","s3:GetBucketLocation"],"Resource":"arn:aws:s3:::remotionlambda-*"},
					{"Effect":"Allow","Action":["s3:ListAllMyBuckets","lambda:ListFunctions"],"Resource":"*"},
					{"Effect":"Allow","Action":["lambda:GetFunction","lambda:InvokeFunction","lambda:InvokeAsync"],"Resource":"arn:aws:lambda:*:*:function:remotion-render-*"}]}`
				})
			}, nil, audit.StatusCompliant},
		{"a permission set is found with any suffix", func(a *awsemu.Account, p *collect.Plan) {
			p.Callers = []collect.Caller{{Name: "sso/Video", Purpose: policies.All}}
			a.Roles["AWSReservedSSO_Videos_0123456789abcdef"] = awsemu.Role{
				Path: "/aws-reserved/sso.amazonaws.com/"}
			a.Roles["AWSReservedSSO_Video_fedcba9876543210"] = awsemu.Role{
				Path: "/aws-reserved/sso.amazonaws.com/eu-west-1/", Inline: a.Users["ci"].Inline}
		}, nil, audit.StatusCompliant},
		{"a permission set without a role is one finding", func(_ *awsemu.Account, p *collect.Plan) {
			p.Callers = []collect.Caller{{Name: "sso/Video", Purpose: policies.Render}}
		}, []string{"sso/Video  missing target-missing"}, audit.StatusGaps},
		{"a policy for one of two audited regions is partial",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["remotion"] = strings.ReplaceAll(r.Inline["remotion"], "arn:aws:lambda:*:",
						"arn:aws:lambda:us-east-1:")
				})
			}, []string{"role/remotion-lambda-role lambda:InvokeFunction partial narrower-grant"},
			audit.StatusGaps},
		{"a policy for one of two regions is partial, even if the probe is allowed in both",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				p.Callers[0].Purpose = policies.Render
				changeUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.ReplaceAll(u.Inline["remotion"], "arn:aws:lambda:*:*:function",
						"arn:aws:lambda:us-east-1:*:function")
				})
			}, []string{"user/ci lambda:InvokeFunction partial narrower-grant"}, audit.StatusGaps},
		{"a Deny on the bucket of the second region is partial",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["no"] = statement(
						`"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-euwest1-*"`)
				})
			}, []string{"role/remotion-lambda-role s3:GetObject partial identity-deny"}, audit.StatusGaps},
		{"a conditional Deny in the second region is partial",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["no"] = statement(
						`"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-euwest1-*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`)
				})
			}, []string{"role/remotion-lambda-role s3:GetObject partial condition"}, audit.StatusGaps},
		{"a Deny in the second region is partial, even if the probe is denied in both",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions, p.Callers = []string{"us-east-1", "eu-west-1"}, nil
				a.ServiceControlPolicies = organization(
					`"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`)
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["remotion"] = strings.Replace(r.Inline["remotion"], `"s3:ListAllMyBuckets"`,
						`"s3:ListAllMyBuckets-no"`, 1)
				})
			}, []string{
				"role/remotion-lambda-role s3:ListAllMyBuckets missing no-grant",
				"role/remotion-lambda-role s3:CreateBucket partial scp",
				"role/remotion-lambda-role s3:ListBucket partial scp",
				"role/remotion-lambda-role s3:PutBucketAcl partial scp",
				"role/remotion-lambda-role s3:GetObject partial scp",
				"role/remotion-lambda-role s3:DeleteObject partial scp",
				"role/remotion-lambda-role s3:PutObjectAcl partial scp",
				"role/remotion-lambda-role s3:PutObject partial scp",
			}, audit.StatusGaps},
		{"a Deny on a custom bucket, or on a bucket of a region that is not audited, is partial",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Buckets = policytest.Buckets(t, "remotionlambda-sites", "remotionlambda-euwest1-abcdefghij")
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["no"] = statement(
						`"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-sites/*"`)
					r.Inline["nor"] = statement(
						`"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::remotionlambda-euwest1-abcdefghij/*"`)
				})
			}, []string{"role/remotion-lambda-role s3:GetObject partial identity-deny",
				"role/remotion-lambda-role s3:PutObject partial identity-deny"}, audit.StatusGaps},
		{"a denial by the organization is not conditional",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"lambda:InvokeFunction","Resource":"*"`)
				changeRole(a, func(r *awsemu.Role) {
					r.Inline["remotion"] = strings.Replace(r.Inline["remotion"], `"Sid": "2",`,
						`"Sid": "2", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},`, 1)
				})
			}, []string{"role/remotion-lambda-role lambda:InvokeFunction denied scp"}, audit.StatusGaps},
		{"a denial by the organization in the second region is partial",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				p.Callers = nil
				a.ServiceControlPolicies = organization(
					`"Effect":"Deny","Action":"lambda:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`)
			}, []string{"role/remotion-lambda-role lambda:InvokeFunction partial scp"}, audit.StatusGaps},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			account, plan := compliant(t), plan()
			test.change(account, &plan)
			r, _ := judge(t, account, plan)
			if got := unsatisfied(r); !slices.Equal(got, test.want) || r.Status != test.status {
				t.Errorf("got  %s %q\nwant %s %q\nproblems %+v", r.Status, got, test.status, test.want,
					r.Problems)
			}
		})
	}
}

// TestReportsAreStable checks that the order of a report does not depend on the network.
func TestReportsAreStable(t *testing.T) {
	sub, err := fs.Sub(examples.FS, "drifted")
	if err != nil {
		t.Fatal(err)
	}
	account, err := account.Load(sub, "account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := plan()
	p.Callers[0].Name = "user/remotion-user"
	first, _ := judge(t, account, p)
	for range 5 {
		again, _ := judge(t, account, p)
		if a, b := textfmt.JSON(first), textfmt.JSON(again); a != b {
			t.Fatalf("two audits differ:\n%s\n%s", a, b)
		}
	}
}

// TestSimulatedRequests checks that all simulated resources are concrete and that all requests have
// the assumed context.
func TestSimulatedRequests(t *testing.T) {
	_, server := judge(t, compliant(t), plan())
	simulations := 0
	for _, call := range server.Calls() {
		if call.Operation != "SimulatePrincipalPolicy" {
			continue
		}
		simulations++
		context := map[string]string{}
		for key, value := range call.Params {
			if strings.HasPrefix(key, "ResourceArns.") && strings.Contains(value, "*") {
				t.Errorf("simulated the pattern %s", value)
			}
			if name, ok := strings.CutSuffix(key, ".ContextKeyName"); ok {
				context[value] = call.Params[name+".ContextKeyValues.member.1"]
			}
		}
		if context["aws:RequestedRegion"] != "us-east-1" || context["aws:SecureTransport"] != "true" ||
			context["aws:ViaAWSService"] != "false" || context["aws:PrincipalIsAWSService"] != "false" {
			t.Errorf("the request has context %v", context)
		}
		if passed := context["iam:PassedToService"]; (passed != "") != (call.Params["ActionNames.member.1"] == "iam:PassRole") {
			t.Errorf("the request has iam:PassedToService %q for %s", passed, call.Params["ActionNames.member.1"])
		}
	}
	if simulations == 0 {
		t.Fatal("nothing was simulated")
	}
}

// TestInferredAnswersHaveANote checks that a finding has a note if its answer was inferred from the
// first region.
func TestInferredAnswersHaveANote(t *testing.T) {
	p := plan()
	p.Regions = []string{"us-east-1", "eu-west-1"}
	r, server := judge(t, compliant(t), p)
	noted := 0
	for _, f := range r.Findings {
		if strings.Contains(strings.Join(f.Notes, " "), "inferred: AWS allowed the action in us-east-1") {
			noted++
		}
	}
	simulated := map[string]int{}
	for _, call := range server.Calls() {
		for i := 1; call.Operation == "SimulatePrincipalPolicy" &&
			call.Params["ContextEntries.member.2.ContextKeyValues.member.1"] == "eu-west-1" && i < 20; i++ {
			if action := call.Params[fmt.Sprintf("ActionNames.member.%d", i)]; action != "" {
				simulated[call.Params["PolicySourceArn"]]++
			}
		}
	}
	// One action of each service is simulated: S3, Lambda and Logs, and Service Quotas for the caller.
	if r.Status != audit.StatusCompliant || noted == 0 ||
		simulated["arn:aws:iam::123456789012:user/bots/ci"] != 4 ||
		simulated["arn:aws:iam::123456789012:role/remotion-lambda-role"] != 3 {
		t.Errorf("%s, %d findings with a note, simulated in eu-west-1 %v", r.Status, noted, simulated)
	}
}
