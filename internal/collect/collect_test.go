package collect_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func parseDocument(t testing.TB, kind policies.PolicyKind) string {
	t.Helper()
	return policies.Latest().Document(kind)
}

// compliant returns a compliant account. Tests change it.
func compliant(t testing.TB) *awsemu.Account {
	t.Helper()
	return &awsemu.Account{
		Users: map[string]awsemu.User{"ci": {Path: "/bots/",
			Inline: map[string]string{"remotion": parseDocument(t, policies.User)}}},
		Roles: map[string]awsemu.Role{"remotion-lambda-role": {Inline: map[string]string{"remotion": parseDocument(t, policies.Role)}}},
	}
}

// plan audits user/ci and the render role in us-east-1.
func plan() collect.Plan {
	return collect.Plan{
		Account: "123456789012", Partition: "aws", Regions: []string{"us-east-1"},
		Release: policies.Latest(), Requested: "auto",
		Callers:     []collect.Caller{{Name: "user/ci", Purpose: policies.All}},
		RenderRoles: []string{"remotion-lambda-role"},
	}
}

// collector calls the server as the function does, but without waits between attempts.
func collector(t testing.TB, server *awsemu.Server) collect.Collector {
	t.Helper()
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endpoint.Close() })
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 3
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint.URL, Retryer: func() aws.Retryer { return retryer },
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	}
	return collect.Collector{IAM: iam.NewFromConfig(cfg), Lambda: lambda.NewFromConfig(cfg)}
}

func judge(t testing.TB, account *awsemu.Account,
	plan collect.Plan) (audit.Report, *awsemu.Server) {
	t.Helper()
	server := &awsemu.Server{Account: account}
	return audit.Evaluate(collector(t, server).Collect(t.Context(), plan)), server
}

// wrong lists the findings that are not satisfied: target action status cause.
func wrong(r audit.Report) (list []string) {
	for _, f := range r.Findings {
		if f.Status != audit.Satisfied {
			list = append(list,
				strings.TrimSpace(fmt.Sprintf("%s %s %s %s", f.Target, f.Action, f.Status, f.Cause)))
		}
	}
	return list
}

func spoilUser(account *awsemu.Account, spoil func(*awsemu.User)) {
	u := account.Users["ci"]
	spoil(&u)
	account.Users["ci"] = u
}

func spoilRole(account *awsemu.Account, spoil func(*awsemu.Role)) {
	r := account.Roles["remotion-lambda-role"]
	spoil(&r)
	account.Roles["remotion-lambda-role"] = r
}

func statement(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

// organization has a service control policy at its root beside the one that allows everything.
func organization(body string) awsemu.Organization {
	return awsemu.Organization{{awsemu.FullAWSAccess, statement(body)}}
}

func TestAudit(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(*awsemu.Account, *collect.Plan)
		want   []string
		status audit.ReportStatus
	}{
		{"documented policies, unmodified, are enough", func(*awsemu.Account, *collect.Plan) {}, nil,
			audit.StatusCompliant},
		{"the older answer of the simulator is understood", func(a *awsemu.Account, _ *collect.Plan) {
			a.Simulator.Shape = "old"
		}, nil, audit.StatusCompliant},
		{"the older answer with two buckets", func(a *awsemu.Account, p *collect.Plan) {
			a.Simulator.Shape = "old"
			p.Buckets = []string{"remotionlambda-useast1-abcdefghij", "remotionlambda-useast1-bcdefghijk"}
		}, nil, audit.StatusCompliant},
		{"a refused mixture of actions is split", func(a *awsemu.Account, _ *collect.Plan) {
			a.Simulator.Ungrouped = []string{"lambda:InvokeAsync", "s3:PutBucketOwnershipControls"}
		}, nil, audit.StatusCompliant},
		{"policies may come from a group", func(a *awsemu.Account, _ *collect.Plan) {
			a.Groups = map[string]awsemu.Group{"renderers": {Inline: a.Users["ci"].Inline}}
			spoilUser(a, func(u *awsemu.User) { u.Inline, u.Groups = nil, []string{"renderers"} })
		}, nil, audit.StatusCompliant},
		{"and from a managed policy, by its default version", func(a *awsemu.Account, _ *collect.Plan) {
			a.Policies = map[string]awsemu.ManagedPolicy{"remotion": {
				OlderVersions: []string{statement(`"Effect":"Deny","Action":"*","Resource":"*"`)},
				Document:      a.Users["ci"].Inline["remotion"],
			}}
			spoilUser(a, func(u *awsemu.User) { u.Inline, u.Managed = nil, []string{"remotion"} })
		}, nil, audit.StatusCompliant},
		{"a typo in a bucket ARN", func(a *awsemu.Account, _ *collect.Plan) {
			spoilRole(a, func(r *awsemu.Role) {
				r.Inline["remotion"] = strings.ReplaceAll(r.Inline["remotion"], ":function:remotion-render-",
					":function:remotoin-render-")
			})
		}, []string{"role/remotion-lambda-role lambda:InvokeFunction missing narrower-grant"},
			audit.StatusGaps},
		{"a deny in a group policy beats allow on the user", func(a *awsemu.Account, _ *collect.Plan) {
			a.Groups = map[string]awsemu.Group{"all": {Inline: map[string]string{"no-roles": statement(`"Effect":"Deny","Action":"iam:PassRole","Resource":"*"`)}}}
			spoilUser(a, func(u *awsemu.User) { u.Groups = []string{"all"} })
		}, []string{"user/ci iam:PassRole denied identity-deny"}, audit.StatusGaps},
		{"a boundary that forgets logs", func(a *awsemu.Account, _ *collect.Plan) {
			a.Policies = map[string]awsemu.ManagedPolicy{"limits": {Document: statement(`"Effect":"Allow","NotAction":"logs:*","Resource":"*"`)}}
			spoilUser(a, func(u *awsemu.User) { u.Boundary = "limits" })
		}, []string{"user/ci logs:CreateLogGroup denied permissions-boundary",
			"user/ci logs:PutRetentionPolicy denied permissions-boundary"}, audit.StatusGaps},
		{"a service control policy", func(a *awsemu.Account, _ *collect.Plan) {
			a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"s3:PutBucketPolicy","Resource":"*"`)
		}, []string{"user/ci s3:PutBucketPolicy denied scp"}, audit.StatusGaps},
		{"a region-deny policy leaves the audited region alone",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.ServiceControlPolicies = organization(
					`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`)
			}, nil, audit.StatusCompliant},
		{"a condition that the assumed context meets", func(a *awsemu.Account, _ *collect.Plan) {
			spoilUser(a, func(u *awsemu.User) {
				u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"Sid": "LambdaInvokation",`,
					`"Sid": "LambdaInvokation", "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},`, 1)
			})
		}, nil, audit.StatusCompliant},
		{"a condition that a real request does not meet", func(a *awsemu.Account, _ *collect.Plan) {
			spoilUser(a, func(u *awsemu.User) {
				u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"Sid": "LambdaInvokation",`,
					`"Sid": "LambdaInvokation", "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},`, 1)
			})
		}, []string{"user/ci iam:PassRole missing condition"}, audit.StatusGaps},
		{"a condition on an unknown key", func(a *awsemu.Account, _ *collect.Plan) {
			spoilUser(a, func(u *awsemu.User) {
				u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"Sid": "LambdaInvokation",`,
					`"Sid": "LambdaInvokation", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},`, 1)
			})
		}, []string{"user/ci iam:PassRole conditional condition"}, audit.StatusGaps},
		{"an unrelated condition does not make a missing permission conditional",
			func(a *awsemu.Account, _ *collect.Plan) {
				spoilUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.Replace(u.Inline["remotion"], `"iam:PassRole"`,
						`"iam:PassRole-no"`, 1)
					u.Inline["other"] = statement(
						`"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)
				})
			}, []string{"user/ci iam:PassRole missing no-grant"}, audit.StatusGaps},
		{"a render role with a path is found, and PassRole has to reach it",
			func(a *awsemu.Account, _ *collect.Plan) {
				spoilRole(a, func(r *awsemu.Role) { r.Path = "/service-role/" })
			}, []string{"user/ci iam:PassRole missing narrower-grant"}, audit.StatusGaps},
		{"a role that does not trust Lambda", func(a *awsemu.Account, _ *collect.Plan) {
			spoilRole(a, func(r *awsemu.Role) { r.Trust = "ec2.amazonaws.com" })
		}, []string{"role/remotion-lambda-role sts:AssumeRole missing trust-policy"}, audit.StatusGaps},
		{"an unknown user is one finding", func(_ *awsemu.Account, p *collect.Plan) {
			p.Callers = []collect.Caller{{Name: "user/absent", Purpose: policies.All}}
		}, []string{"user/absent  missing target-missing"}, audit.StatusGaps},
		{"an unknown role is one finding, even if other reads fail",
			func(a *awsemu.Account, _ *collect.Plan) {
				a.Roles = nil
				a.Faults = []awsemu.Fault{{Operation: "iam:ListRolePolicies", Deny: true}}
			}, []string{"role/remotion-lambda-role  missing target-missing"}, audit.StatusGaps},
		{"a caller that only renders needs less", func(a *awsemu.Account, p *collect.Plan) {
			p.Callers[0].Purpose = policies.Render
			spoilUser(a, func(u *awsemu.User) {
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
		{"a policy narrowed to one region is partial where two are audited",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				spoilRole(a, func(r *awsemu.Role) {
					r.Inline["remotion"] = strings.ReplaceAll(r.Inline["remotion"], "arn:aws:lambda:*:",
						"arn:aws:lambda:us-east-1:")
				})
			}, []string{"role/remotion-lambda-role lambda:InvokeFunction partial narrower-grant"},
			audit.StatusGaps},
		{"a policy narrowed to one region, of a service whose probe is not",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				p.Callers[0].Purpose = policies.Render
				spoilUser(a, func(u *awsemu.User) {
					u.Inline["remotion"] = strings.ReplaceAll(u.Inline["remotion"], "arn:aws:lambda:*:*:function",
						"arn:aws:lambda:us-east-1:*:function")
				})
			}, []string{"user/ci lambda:InvokeAsync partial narrower-grant",
				"user/ci lambda:InvokeFunction partial narrower-grant"}, audit.StatusGaps},
		{"a deny on the second region's bucket", func(a *awsemu.Account, p *collect.Plan) {
			p.Regions = []string{"us-east-1", "eu-west-1"}
			spoilRole(a, func(r *awsemu.Role) {
				r.Inline["no"] = statement(
					`"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-euwest1-*"`)
			})
		}, []string{"role/remotion-lambda-role s3:GetObject partial identity-deny"}, audit.StatusGaps},
		{"a conditional deny in a further region, in any order of regions",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				spoilRole(a, func(r *awsemu.Role) {
					r.Inline["no"] = statement(
						`"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-euwest1-*","Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`)
				})
			}, []string{"role/remotion-lambda-role s3:GetObject partial condition"}, audit.StatusGaps},
		{"a probe that is denied everywhere hides no region", func(a *awsemu.Account, p *collect.Plan) {
			p.Regions, p.Callers = []string{"us-east-1", "eu-west-1"}, nil
			a.ServiceControlPolicies = organization(
				`"Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`)
			spoilRole(a, func(r *awsemu.Role) {
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
			"role/remotion-lambda-role s3:GetBucketLocation partial scp",
		}, audit.StatusGaps},
		{"a bucket by another name, and one of a region that is not audited",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Buckets = []string{"remotionlambda-sites", "remotionlambda-euwest1-abcdefghij"}
				spoilRole(a, func(r *awsemu.Role) {
					r.Inline["no"] = statement(
						`"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-sites/*"`)
					r.Inline["nor"] = statement(
						`"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::remotionlambda-euwest1-abcdefghij/*"`)
				})
			}, []string{"role/remotion-lambda-role s3:GetObject partial identity-deny",
				"role/remotion-lambda-role s3:PutObject partial identity-deny"}, audit.StatusGaps},
		{"an organization's denial is not softened by a condition",
			func(a *awsemu.Account, p *collect.Plan) {
				p.Callers = nil
				a.ServiceControlPolicies = organization(`"Effect":"Deny","Action":"lambda:InvokeFunction","Resource":"*"`)
				spoilRole(a, func(r *awsemu.Role) {
					r.Inline["remotion"] = strings.Replace(r.Inline["remotion"], `"Sid": "2",`,
						`"Sid": "2", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}},`, 1)
				})
			}, []string{"role/remotion-lambda-role lambda:InvokeFunction denied scp"}, audit.StatusGaps},
		{"a region an organization forbids is found there", func(a *awsemu.Account, p *collect.Plan) {
			p.Regions = []string{"us-east-1", "eu-west-1"}
			p.Callers = nil
			a.ServiceControlPolicies = organization(
				`"Effect":"Deny","Action":"lambda:*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`)
		}, []string{"role/remotion-lambda-role lambda:InvokeFunction partial scp"}, audit.StatusGaps},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			account, plan := compliant(t), plan()
			test.spoil(account, &plan)
			r, _ := judge(t, account, plan)
			if got := wrong(r); !slices.Equal(got, test.want) || r.Status != test.status {
				t.Errorf("got  %s %q\nwant %s %q\nproblems %+v", r.Status, got, test.status, test.want,
					r.Problems)
			}
		})
	}
}

// The order of a report does not depend on the network.
func TestReportsAreStable(t *testing.T) {
	sub, err := fs.Sub(examples.FS, "drifted")
	if err != nil {
		t.Fatal(err)
	}
	account, err := awsemu.Load(sub, "account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := plan()
	p.Callers[0].Name = "user/remotion-user"
	first, _ := judge(t, account, p)
	for range 5 {
		again, _ := judge(t, account, p)
		if a, b := fmt.Sprint(first), fmt.Sprint(again); a != b {
			t.Fatalf("two audits differ:\n%s\n%s", a, b)
		}
	}
}

// All simulated resources are concrete, and all requests have the contract's context.
func TestSimulatedRequests(t *testing.T) {
	_, server := judge(t, compliant(t), plan())
	asked := 0
	for _, call := range server.Calls() {
		if call.Operation != "SimulatePrincipalPolicy" {
			continue
		}
		asked++
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
			t.Errorf("context %v", context)
		}
		if passed := context["iam:PassedToService"]; (passed != "") != (call.Params["ActionNames.member.1"] == "iam:PassRole") {
			t.Errorf("iam:PassedToService=%q with %s", passed, call.Params["ActionNames.member.1"])
		}
	}
	if asked == 0 {
		t.Fatal("nothing was simulated")
	}
}

// A finding notes that its answer was inferred from the first region.
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
	asked := map[string]int{}
	for _, call := range server.Calls() {
		for i := 1; call.Operation == "SimulatePrincipalPolicy" &&
			call.Params["ContextEntries.member.2.ContextKeyValues.member.1"] == "eu-west-1" && i < 20; i++ {
			if action := call.Params[fmt.Sprintf("ActionNames.member.%d", i)]; action != "" {
				asked[call.Params["PolicySourceArn"]]++
			}
		}
	}
	// The services: S3, Lambda, Logs, and for the caller quotas.
	if r.Status != audit.StatusCompliant || noted == 0 ||
		asked["arn:aws:iam::123456789012:user/bots/ci"] != 4 ||
		asked["arn:aws:iam::123456789012:role/remotion-lambda-role"] != 3 {
		t.Errorf("%s, %d findings with a note, simulated in eu-west-1 %v", r.Status, noted, asked)
	}
}
