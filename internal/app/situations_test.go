package app

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// TestSituations audits accounts that were rebuilt from public reports, and accounts like them. A
// line of want is a gap: target, action, status, severity and impact. The URL of a situation is the
// report or the page that it follows.
func TestSituations(t *testing.T) {
	const (
		user = "user/remotion-user "
		role = "role/remotion-lambda-role "

		uploads = "renders with large input props cannot start"
		unnamed = uploads + " unless they name the bucket (forceBucketName)"
		listed  = "`remotion lambda render` and getFunctions() fail: renders start only with " +
			"renderMediaOnLambda() and the name of the function"
		unlisted = "renders stop unless they set overwrite, because S3 returns 403 instead of 404 for " +
			"an output that does not exist"
		progress = "progress cannot be read directly from the bucket (skipLambdaInvocation), only by " +
			"invoking the function"
		uncancelled = "renders cannot be cancelled with cancelRenderOnLambda()"
		undeletable = "renders with outputs in this bucket cannot be deleted with deleteRender()"
		downloads   = "outputs cannot be downloaded with downloadMedia() or the CLI"
	)
	for _, test := range []struct {
		name, file, source string
		environment        map[string]string
		change             func(*awsemu.Account)
		status             audit.ReportStatus
		want               []string
		// notices are parts of the texts of notices.
		notices []string
	}{
		{name: "an output bucket needs what the role calls for outputs", file: "output-bucket",
			source: "https://www.remotion.dev/docs/lambda/custom-destination",
			status: audit.StatusGaps, want: []string{user + "s3:DeleteObject missing low " + undeletable},
			notices: []string{"assumes that it only receives outputs"}},
		{name: "a caller that deletes no renders does not need to delete outputs", file: "output-bucket",
			source:      "https://www.remotion.dev/docs/lambda/custom-destination",
			environment: map[string]string{"CALLERS": "user/remotion-user=deploy+render"},
			status:      audit.StatusCompliant},
		{name: "an output bucket without ACLs does not need PutObjectAcl", file: "output-bucket",
			source:      "https://www.remotion.dev/docs/lambda/custom-destination",
			environment: map[string]string{"BUCKETS": "acme-output=output+no-acl", "CALLERS": "none"},
			change:      func(a *awsemu.Account) { ungrant(a, "output", "s3:PutObjectAcl") },
			status:      audit.StatusCompliant},
		{name: "an output bucket without PutObject stops the renders", file: "output-bucket",
			source:      "https://www.remotion.dev/docs/lambda/custom-destination",
			environment: map[string]string{"BUCKETS": "acme-output=output", "CALLERS": "none"},
			change: func(a *awsemu.Account) {
				ungrant(a, "output", "s3:PutObject")
				ungrant(a, "output", "s3:PutObjectAcl")
			}, status: audit.StatusGaps, want: []string{
				role + "s3:PutObjectAcl missing critical renders stop when they write to the bucket",
				role + "s3:PutObject missing critical renders stop when they write to the bucket"}},
		{name: "an output bucket with the word insights in its name is like any other",
			file: "output-bucket", source: "https://www.remotion.dev/docs/lambda/custom-destination",
			environment: map[string]string{"BUCKETS": "acme-insights=output+no-acl", "CALLERS": "none"},
			status:      audit.StatusGaps, want: []string{
				role + "s3:ListBucket missing critical " + unlisted,
				role + "s3:GetObject missing critical renders with this output bucket stop unless they " +
					"set overwrite",
				role + "s3:PutObject missing critical renders stop when they write to the bucket"}},
		{name: "releases before 4.0.473 do not look for an output in its bucket",
			file: "output-bucket", source: "@remotion/serverless 4.0.471, find-output-file-in-bucket.js",
			environment: map[string]string{"BUCKETS": "acme-output=output", "CALLERS": "none"},
			change: func(a *awsemu.Account) {
				deploy(a, "remotion-render-4-0-471-mem2048mb-disk2048mb-120sec")
				ungrant(a, "output", "s3:GetObject")
				ungrant(a, "output", "s3:ListBucket")
			}, status: audit.StatusCompliant},
		{name: "4.0.473 looks for an output in its bucket", file: "output-bucket",
			source:      "@remotion/serverless-client 4.0.473, find-output-file-in-bucket.js",
			environment: map[string]string{"BUCKETS": "acme-output=output", "CALLERS": "none"},
			change: func(a *awsemu.Account) {
				deploy(a, "remotion-render-4-0-473-mem2048mb-disk2048mb-120sec")
				ungrant(a, "output", "s3:ListBucket")
			}, status: audit.StatusGaps, want: []string{
				role + "s3:ListBucket missing critical " + unlisted}},
		{name: "renders of 4.0.153 fail if their chunks cannot be removed", file: "output-bucket",
			source:      "@remotion/lambda 4.0.153, merge-chunks.js",
			environment: map[string]string{"BUCKETS": "", "CALLERS": "none"},
			change: func(a *awsemu.Account) {
				deploy(a, "remotion-render-4-0-153-mem2048mb-disk2048mb-120sec")
				ungrant(a, "remotion-lambda-role-policy", "s3:DeleteObject")
			}, status: audit.StatusGaps, want: []string{role + "s3:DeleteObject missing critical " +
				"renders are marked as failed at their end, and renders with large input props are marked " +
				"as failed at their end"}},
		{name: "made-up actions grant nothing", file: "made-up-actions",
			source: "a public repository", status: audit.StatusGaps, want: []string{
				role + "s3:ListAllMyBuckets missing critical renders stop if they do not name a bucket",
				role + "s3:CreateBucket missing low " + roleBucketImpact,
				role + "s3:PutBucketAcl missing low " + roleBucketImpact,
				role + "s3:PutObjectAcl missing critical renders stop when they write to the bucket"},
			notices: []string{"s3:GetBucketLocation is documented but not granted"}},
		{name: "a web service that knows function, bucket and URL misses features only",
			file: "minimal-web-service", source: "a public repository", status: audit.StatusGaps,
			want: []string{
				"role/apprunner-video s3:PutObjectAcl missing medium " + uploads,
				"role/apprunner-video s3:PutObject missing medium " + uploads,
				"role/apprunner-video s3:ListAllMyBuckets missing medium " + unnamed,
				"role/apprunner-video lambda:ListFunctions missing medium " + listed}},
		{name: "a web service that only invokes is compliant", file: "minimal-web-service",
			source:      "a public repository",
			environment: map[string]string{"CALLERS": "role/apprunner-video=invoke"},
			status:      audit.StatusCompliant},
		{name: "layers of the account's own need permissions of their own", file: "own-layers",
			source: "https://www.remotion.dev/docs/lambda/custom-layers", status: audit.StatusGaps,
			want: []string{
				user + "lambda:GetLayerVersion missing high functions cannot be deployed",
				user + "lambda:GetLayerVersion missing high functions cannot be deployed",
				user + "lambda:GetFunctionConfiguration missing high the next deploy with " +
					"customLayerArns fails",
				user + "lambda:UpdateFunctionConfiguration missing high a deploy that changes " +
					"customLayerArns fails"}},
		{name: "a layer with the word insights in its name is like any other", file: "own-layers",
			source:      "https://www.remotion.dev/docs/lambda/custom-layers",
			environment: map[string]string{"CALLERS": "user/remotion-user=deploy"},
			change: func(a *awsemu.Account) {
				a.Functions[0].Layers = []string{"arn:aws:lambda:us-east-1:123456789012:layer:insights:1"}
				setUserPolicies(a, map[string]string{"p": `{"Version":"2012-10-17","Statement":[{"Effect":
					"Allow","NotAction":"lambda:GetLayerVersion","Resource":"*"},{"Effect":"Allow",
					"Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:*:123456789012:layer:insights:*"
					},{"Effect":"Allow","Action":"lambda:GetLayerVersion",
					"Resource":"arn:aws:lambda:*:580247275435:layer:LambdaInsightsExtension*"}]}`})
			}, status: audit.StatusCompliant},
		{name: "a layer on a function that Remotion deployed before own layers is not Remotion's",
			file: "own-layers", source: "https://docs.datadoghq.com/serverless/aws_lambda",
			change: func(a *awsemu.Account) {
				a.Functions[0].Name = "remotion-render-4-0-508-mem2048mb-disk2048mb-120sec"
				a.Functions[0].Layers = []string{
					"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:18",
					"arn:aws:lambda:us-east-1:464622532012:layer:Datadog-Extension-ARM:50"}
			}, status: audit.StatusCompliant},
		{name: "a layer beside Remotion's may be of another tool", file: "own-layers",
			source: "https://docs.datadoghq.com/serverless/aws_lambda",
			change: func(a *awsemu.Account) {
				a.Functions[0].Layers = []string{
					"arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-chromium-arm64:30",
					"arn:aws:lambda:us-east-1:464622532012:layer:Datadog-Extension-ARM:80"}
			}, status: audit.StatusCompliant, notices: []string{"if customLayerArns names them"}},
		{name: "a caller that only reads the progress may also invoke", file: "invoke-only",
			source:      "https://www.remotion.dev/docs/lambda/faster-progress-polling",
			environment: map[string]string{"CALLERS": "user/api=progress-from-bucket"},
			status:      audit.StatusGaps,
			want:        []string{"user/api s3:GetObject missing medium " + progress}},
		{name: "a function in a VPC needs network interfaces", file: "functions-in-a-vpc",
			source: "https://github.com/remotion-dev/remotion/pull/3881", status: audit.StatusGaps,
			want: []string{
				user + "ec2:DescribeSecurityGroups missing high functions cannot be deployed into a VPC",
				user + "ec2:DescribeSubnets missing high functions cannot be deployed into a VPC",
				user + "ec2:DescribeVpcs missing high functions cannot be deployed into a VPC",
				role + "ec2:CreateNetworkInterface missing high " + vpcImpact,
				role + "ec2:DescribeNetworkInterfaces missing high " + vpcImpact,
				role + "ec2:DeleteNetworkInterface missing high " + vpcImpact},
			notices: []string{"ec2:AssignPrivateIpAddresses"}},
		{name: "AWS's managed policy is enough for a role of functions in a VPC",
			file: "functions-in-a-vpc", source: "https://docs.aws.amazon.com/aws-managed-policy/latest/" +
				"reference/AWSLambdaVPCAccessExecutionRole.html",
			environment: map[string]string{"CALLERS": "none"},
			change: func(a *awsemu.Account) {
				a.Roles["remotion-lambda-role"].Inline["vpc"] = `{"Version":"2012-10-17","Statement":[
					{"Effect":"Allow","Action":["ec2:CreateNetworkInterface",
					"ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DeleteNetworkInterface",
					"ec2:AssignPrivateIpAddresses","ec2:UnassignPrivateIpAddresses"],"Resource":"*"}]}`
			}, status: audit.StatusCompliant, notices: []string{"ec2:AssignPrivateIpAddresses"}},
		{name: "a caller that invokes polls by invoking, not from the bucket", file: "invoke-only",
			source: "https://www.remotion.dev/docs/lambda/faster-progress-polling",
			status: audit.StatusGaps, want: []string{
				"user/api s3:GetObject missing medium " + progress + "; " + downloads + "; " + uncancelled,
				"user/api s3:PutObjectAcl missing medium " + uploads + ", and " + uncancelled,
				"user/api s3:PutObject missing medium " + uploads + ", and " + uncancelled,
				"user/api s3:ListAllMyBuckets missing medium " + unnamed,
				"user/api lambda:ListFunctions missing medium " + listed}},
		{name: "a caller that reads the progress from the bucket needs to read it",
			file: "invoke-only", source: "https://www.remotion.dev/docs/lambda/faster-progress-polling",
			environment: map[string]string{"CALLERS": "user/api=invoke+progress-from-bucket"},
			status:      audit.StatusGaps,
			want:        []string{"user/api s3:GetObject missing medium " + progress}},
		{name: "renders of 4.0.527 stop without s3:ListBucket", file: "role-without-listbucket",
			source: "https://github.com/remotion-dev/remotion/pull/1206", status: audit.StatusGaps,
			want: []string{role + "s3:ListBucket missing critical " + unlisted}},
		{name: "renders of 4.0.240 stop without s3:ListBucket", file: "role-without-listbucket",
			source: "https://github.com/remotion-dev/remotion/pull/1206",
			change: func(a *awsemu.Account) {
				a.Functions[0].Name = "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec"
			}, status: audit.StatusGaps,
			want: []string{role + "s3:ListBucket missing critical " + unlisted}},
		{name: "what no release calls is no gap", file: "without-never-called",
			source: "public guides that leave the actions out", status: audit.StatusCompliant,
			notices: []string{"s3:DeleteBucket and lambda:InvokeAsync are documented but not granted; " +
				"nothing fails"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := situation(t, test.file, test.environment, test.change)
			var got []string
			for _, f := range r.Findings {
				if f.Gap() {
					got = append(got, fmt.Sprintf("%s %s %s %s %s", f.Target, f.Action, f.Status, f.Severity,
						f.Impact))
				}
			}
			if r.Status != test.status || !slices.Equal(got, test.want) {
				t.Errorf("%s (%s)\n%s\nwant %s\n%s", r.Status, test.source, strings.Join(got, "\n"),
					test.status, strings.Join(test.want, "\n"))
			}
			for _, want := range test.notices {
				if !slices.ContainsFunc(r.Notices, func(n audit.Notice) bool {
					return strings.Contains(n.Text, want)
				}) {
					t.Errorf("no notice %q in %+v", want, r.Notices)
				}
			}
		})
	}
}

// roleBucketImpact and vpcImpact are impacts on a render role.
const (
	roleBucketImpact = "the first render in a region without a bucket fails; since 3.3.87 it fails " +
		"in any case, because Remotion's role policy does not grant the next call, " +
		"s3:PutBucketOwnershipControls: create the bucket before the first render"
	vpcImpact = "functions cannot be deployed into the VPC, and Lambda cannot restore idle ones"
)

// situation audits an account of testdata/situations. environment overrides the settings in the
// file.
func situation(t *testing.T, file string, environment map[string]string,
	change func(*awsemu.Account)) audit.Report {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "")
	a, err := account.Load(os.DirFS("testdata/situations"), file+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(a)
	}
	end, err := (&awsemu.Server{Account: a}).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	cfg, err := ConfigFromEnv(func(name string) string {
		if value, ok := environment[name]; ok {
			return value
		}
		return a.Function.Environment[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	auditor := App{Config: cfg, Clients: load(t, end.URL), Function: "remotion-audit"}
	r, err := auditor.Report(t.Context(), Location{"123456789012", policies.AWS, "us-east-1"}, "run")
	if err == nil {
		err = r.CheckConsistent()
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// setUserPolicies sets the inline policies of the caller.
func setUserPolicies(a *awsemu.Account, inline map[string]string) {
	user := a.Users["remotion-user"]
	user.Inline = inline
	a.Users["remotion-user"] = user
}

// deploy sets the only function of the account.
func deploy(a *awsemu.Account, name string) {
	a.Functions = []awsemu.LambdaFunction{{Name: name, Role: "remotion-lambda-role"}}
}

// ungrant renames an action in an inline policy of the render role.
func ungrant(a *awsemu.Account, policy, action string) {
	inline := a.Roles["remotion-lambda-role"].Inline
	inline[policy] = strings.Replace(inline[policy], `"`+action+`"`, `"`+action+`Not"`, 1)
}

// TestOneThingIsOneEntry checks that a target without its policy is one entry, with the command
// that prints the policy, and that the findings still name each permission.
func TestOneThingIsOneEntry(t *testing.T) {
	documented := func(kind policies.PolicyKind) string { return policies.Latest().Document(kind) }
	for _, test := range []struct {
		name, file  string
		environment map[string]string
		change      func(*awsemu.Account)
		// want has principal, summary and command of each group of gaps.
		want []string
	}{
		{name: "a user without a policy", file: "user-without-policy", want: []string{
			"user/remotion-user (caller) | no policy is attached: 31 missing permissions | " +
				"remotion-audit policies user"}},
		{name: "a caller that only renders, without a policy", file: "user-without-policy",
			environment: map[string]string{"CALLERS": "user/remotion-user=render+quotas"},
			want: []string{"user/remotion-user (caller) | no policy is attached: 10 missing permissions " +
				"| remotion-audit policies user --purpose render+quotas"}},
		{name: "a user with a policy about something else", file: "user-without-policy",
			change: func(a *awsemu.Account) {
				setUserPolicies(a, map[string]string{"queues": `{"Version":"2012-10-17",
					"Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}`})
			}, want: []string{`user/remotion-user (caller) | inline policy "queues" grants nothing that ` +
				"Remotion needs: 31 missing permissions | remotion-audit policies user"}},
		{name: "a role with the user policy", file: "user-without-policy",
			environment: map[string]string{"CALLERS": "none"},
			change: func(a *awsemu.Account) {
				a.Roles["remotion-lambda-role"].Inline["remotion-lambda-role-policy"] =
					documented(policies.User)
			}, want: []string{"role/remotion-lambda-role (render role) | inline policy " +
				`"remotion-lambda-role-policy" is the user policy of Remotion, and the role policy is ` +
				"missing: 5 missing permissions | remotion-audit policies role"}},
		{name: "a user with the role policy", file: "user-without-policy",
			change: func(a *awsemu.Account) {
				setUserPolicies(a, map[string]string{"p": documented(policies.Role)})
			}, want: []string{`user/remotion-user (caller) | inline policy "p" is the role policy of ` +
				"Remotion, and the user policy is missing: 21 missing permissions | " +
				"remotion-audit policies user"}},
		{name: "a role that is also a caller needs both policies", file: "user-without-policy",
			environment: map[string]string{"CALLERS": "role/remotion-lambda-role"},
			want: []string{`role/remotion-lambda-role (caller) | inline policy ` +
				`"remotion-lambda-role-policy" is the role policy of Remotion, and the user policy is ` +
				"missing: 21 missing permissions | remotion-audit policies user"}},
		{name: "a user with a policy of its own, which lacks something, and the role policy",
			file: "user-without-policy", change: func(a *awsemu.Account) {
				setUserPolicies(a, map[string]string{"own": `{"Version":"2012-10-17","Statement":[{
					"Effect":"Allow","NotAction":["lambda:CreateFunction","lambda:TagResource"],
					"Resource":"*"}]}`, "role": documented(policies.Role)})
			}, want: []string{"user/remotion-user (caller) | high: lambda:CreateFunction; " +
				"medium: lambda:TagResource | "}},
		{name: "a single missing permission is named", file: "user-without-policy",
			change: func(a *awsemu.Account) {
				setUserPolicies(a, map[string]string{"p": strings.Replace(
					documented(policies.User), `"lambda:CreateFunction",`, "", 1)})
			}, want: []string{"user/remotion-user (caller) | lambda:CreateFunction | "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := situation(t, test.file, test.environment, test.change)
			var got []string
			for _, g := range report.Gaps(r) {
				got = append(got, g.Principal()+" | "+g.Summary()+" | "+g.Findings[0].Command)
				if len(g.Actions()) == 0 {
					t.Errorf("%s has no actions", g.Principal())
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

// TestDocumentNotices checks which policies are compared with Remotion's documents.
func TestDocumentNotices(t *testing.T) {
	user := policies.Latest().Document(policies.User)
	without := strings.Replace(user, `"lambda:CreateFunction",`, "", 1)
	closing := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:CreateFunction",
		"Resource":"arn:aws:lambda:*:*:function:remotion-render-*"}]}`
	old := policies.Releases(policies.AWS)[0].Document(policies.User)
	for _, test := range []struct {
		name   string
		inline map[string]string
		want   []string
	}{
		{"a policy that lacks a permission", map[string]string{"base": without}, []string{
			`inline policy "base": this is the user policy of Remotion 4.0.418 and later except for 1 ` +
				"permission: it lacks lambda:CreateFunction"}},
		{"a lack that a second policy closes", map[string]string{"base": without, "more": closing}, nil},
		{"an old document beside the newest one", map[string]string{"base": user, "old": old}, nil},
		{"an old document alone", map[string]string{"old": old},
			[]string{`inline policy "old": this is the user policy of Remotion 3.0.0-3.3.7, unchanged`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := situation(t, "user-without-policy", nil, func(a *awsemu.Account) {
				setUserPolicies(a, test.inline)
			})
			var got []string
			for _, n := range r.Notices {
				if n.Kind == audit.NoticeDocument {
					got = append(got, n.Text)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}
