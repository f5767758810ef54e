package awsemu_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// environment returns the variables that an unchanged AWS client needs to reach a server under
// test. They contain nothing that would let the client reach AWS.
func environment(url, home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"AWS_ENDPOINT_URL=" + url, "AWS_ACCESS_KEY_ID=AKIACI0000000000", "AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_MAX_ATTEMPTS=1", "AWS_PAGER=",
	}
}

// run runs a program and returns its output.
func run(t *testing.T, url string, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = environment(url, t.TempDir())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return out.Bytes()
}

func TestAnUnchangedBoto3Works(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "python3", "-c",
		"import boto3").CombinedOutput(); err != nil {
		t.Skipf("boto3 is not installed, so this test cannot run: python3 -c 'import "+
			"boto3': %v\n%s", err, out)
	}
	account := emutest.Video()
	account.Topics = []string{"alerts"}
	account.Users["bob"] = awsemu.User{AccessKeys: []string{"AKIABOB000000000"}}
	account.Functions = []awsemu.LambdaFunction{{Name: "clips", Role: "r2",
		Tags: map[string]string{"remotion-version": "4.0.540"}}, {Name: "b", Role: "r2"},
		{Name: "a", Role: "r2"}}
	account.DisabledRegions = []string{"af-south-1"}
	account.Buckets = emutest.Evidence().Buckets
	account.VPCEndpoints = []awsemu.VPCEndpoint{{VPC: "vpc-1", Service: "s3"}}
	account.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess},
		{awsemu.FullAWSAccess}}
	account.ResourceControlPolicies = awsemu.Organization{}
	srv := &awsemu.Server{Account: account, EnforceIAM: true}
	out := run(t, emutest.Listen(t, srv), "python3", "testdata/boto3_client.py")

	var got, want map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	document := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`
	simulated := func(action string) string {
		return `["` + action +
			`", "arn:aws:s3:::${BucketName}/${KeyName}", "allowed", ["allowed", "allowed"], 38, [], {}]`
	}
	custom := func(action string) string {
		return `["` + action +
			`", "allowed", ["PolicyInputList.1", "PermissionsBoundaryPolicyInputList.1"]]`
	}
	err := json.Unmarshal([]byte(`{
		"caller": "arn:aws:iam::123456789012:user/bots/ci",
		"inline": ["a", "b", "c"],
		"none": [],
		"document": `+document+`,
		"trust": `+emutest.TrustLambda+`,
		"simulated": [`+simulated("s3:GetObject")+`, `+simulated("s3:PutObject")+`, `+
		simulated("s3:DeleteObject")+`],
		"custom": [`+custom("s3:GetObject")+`, `+custom("sns:Publish")+`, `+
		custom("lambda:InvokeFunction")+`],
		"denied": "403 AccessDenied: User: arn:aws:iam::123456789012:user/bob is not authorized to perform: iam:GetRole on resource: arn:aws:iam::123456789012:role/service-role/remotion-lambda-role because no identity-based policy allows the iam:GetRole action",
		"written": true,
		"unknown": "404 NoSuchEntity: The role with name unknown cannot be found.",
		"topic": "404 NotFound: Topic does not exist",
		"functions": [["a", "arn:aws:iam::123456789012:role/r2"], ["b", "arn:aws:iam::123456789012:role/r2"], ["clips", "arn:aws:iam::123456789012:role/r2"]],
		"tags": {"remotion-version": "4.0.540"},
		"gone": "404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:123456789012:function:gone",
		"disabled": "403 UnrecognizedClientException: The security token included in the request is invalid.",
		"objects": ["state/a", "state/b", "state/c"],
		"object": ["{}", "application/json", "7"],
		"condition": "412 PreconditionFailed: At least one of the pre-conditions you specified did not hold",
		"missing": "404 NoSuchKey: The specified key does not exist.",
		"owner": "403 AccessDenied: Access Denied",
		"subscribers": [["email", "ops@example.com", "PendingConfirmation"], ["sqs", "arn:aws:sqs:us-east-1:123456789012:q", "arn"]],
		"filter": "{\"severity\":[\"critical\"]}",
		"no block": "404 NoSuchPublicAccessBlockConfiguration: The public access block configuration was not found",
		"public policy": "403 AccessDenied: User: arn:aws:iam::123456789012:user/bots/ci is not authorized to perform: s3:PutBucketPolicy on resource: \"arn:aws:s3:::evidence\" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
		"public": true,
		"acl": "400 AccessControlListNotSupported: The bucket does not allow ACLs",
		"lifecycle": ["renders/", 7],
		"region": "us-east-1",
		"encrypted": true,
		"disabled key": "400 KMS.DisabledException: KEY is disabled.",
		"aliases": ["alias/aws/lambda", "alias/aws/s3", "alias/aws/sns", "alias/clips"],
		"quota": 1000,
		"reserved": "400 InvalidParameterValueException: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
		"policy": "404 ResourceNotFoundException: The resource you requested does not exist.",
		"endpoints": [["com.amazonaws.us-east-1.s3", "Allow"]],
		"filter of no kind": "400 InvalidParameterValue: The filter 'colour' is invalid",
		"groups": ["/clips"],
		"parent": "r-r3m0",
		"rcps": ["RCPFullAWSAccess"],
		"metric": "400 InvalidParameterValue: The value AWS/ for parameter Namespace is invalid."
	}`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", emutest.AsJSON(got), emutest.AsJSON(want))
	}
	if m := srv.Messages(); len(m) != 1 || m[0].Body("email") != "ünï + code" ||
		m[0].Attributes["severity"].Value != "high" {
		t.Errorf("messages %+v", m)
	}
	if m := srv.Metrics(); len(m) != 1 || *m[0].Value != 1.5 || m[0].Unit != "Percent" {
		t.Errorf("metrics %s", emutest.AsJSON(m))
	}
}

func TestAnUnchangedAWSCommandLineWorks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts the AWS CLI many times, which takes seconds: make test")
	}
	if out, err := exec.CommandContext(t.Context(), "aws", "--version").CombinedOutput(); err != nil {
		t.Skipf("the AWS CLI is not installed, so this test cannot run: aws --version: "+
			"%v\n%s", err, out)
	}
	account := emutest.Video()
	account.Topics = []string{"alerts"}
	account.Functions = []awsemu.LambdaFunction{{Name: "a", Role: "r2"}, {Name: "b", Role: "r2"},
		{Name: "c", Role: "r2"}}
	account.Buckets = emutest.Evidence().Buckets
	srv := &awsemu.Server{Account: account}
	url := emutest.Listen(t, srv)

	var sim struct {
		EvaluationResults []struct{ EvalActionName, EvalDecision string }
	}
	out := run(t, url, "aws", "iam", "simulate-principal-policy", "--policy-source-arn",
		"arn:aws:iam::123456789012:user/bots/ci",
		"--action-names", "s3:GetObject", "s3:PutObject", "sns:Publish", "--output", "json")
	if err := json.Unmarshal(out, &sim); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := len(sim.EvaluationResults); n != 3 ||
		sim.EvaluationResults[2].EvalActionName != "sns:Publish" ||
		sim.EvaluationResults[0].EvalDecision != "allowed" {
		t.Errorf("results of all pages of the simulation: %+v", sim)
	}
	out = run(t, url, "aws", "iam", "simulate-custom-policy", "--policy-input-list",
		emutest.DocumentOf(emutest.AllowS3), emutest.DocumentOf(emutest.DenyDelete),
		"--action-names", "s3:GetObject", "s3:DeleteBucket", "sns:Publish", "--output", "json")
	if err := json.Unmarshal(out, &sim); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var decisions []string
	for _, r := range sim.EvaluationResults {
		decisions = append(decisions, r.EvalDecision)
	}
	if want := []string{"allowed", "explicitDeny", "implicitDeny"}; !reflect.DeepEqual(decisions,
		want) {
		t.Errorf("decisions about the documents %q, want %q", decisions, want)
	}
	run(t, url, "aws", "sns", "publish", "--topic-arn", emutest.Alerts, "--subject", "cli", "--message",
		"from the command line")
	if m := srv.Messages(); len(m) != 1 || m[0].Subject != "cli" ||
		m[0].Body("email") != "from the command line" {
		t.Errorf("messages %+v", m)
	}
	file := filepath.Join(t.TempDir(), "mutes.yaml")
	if err := os.WriteFile(file, []byte("mutes: [] # of mine\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, url, "aws", "s3", "cp", file, "s3://evidence/mutes.yaml")
	if got := run(t, url, "aws", "s3", "cp", "s3://evidence/mutes.yaml",
		"-"); string(got) != "mutes: [] # of mine\n" {
		t.Errorf("s3 cp gives %q", got)
	}
	if got := string(run(t, url, "aws", "s3", "ls", "s3://evidence/")); !strings.Contains(got,
		" mutes.yaml\n") {
		t.Errorf("s3 ls gives %q", got)
	}
	run(t, url, "aws", "s3api", "put-object", "--bucket", "evidence", "--key", "k", "--body", file,
		"--expected-bucket-owner", "123456789012")
	run(t, url, "aws", "s3", "rm", "s3://evidence/k")
	if objects := srv.Objects("evidence"); len(objects) != 1 {
		t.Errorf("objects %q", objects)
	}
	run(t, url, "aws", "sns", "subscribe", "--topic-arn", emutest.Alerts, "--protocol", "email",
		"--notification-endpoint", "ops@example.com")
	run(t, url, "aws", "sns", "confirm-subscription", "--topic-arn", emutest.Alerts, "--token",
		"ops@example.com")
	if got := string(run(t, url, "aws", "sns", "list-subscriptions-by-topic", "--topic-arn",
		emutest.Alerts)); !strings.Contains(got, "ops@example.com") || strings.Contains(got, "Pending") {
		t.Errorf("subscriptions %s", got)
	}
	run(t, url, "aws", "cloudwatch", "put-metric-data", "--namespace", "N", "--metric-name", "cli",
		"--value", "2", "--dimensions", "Target=user/ci")
	if m := srv.Metrics(); len(m) != 1 || *m[0].Value != 2 ||
		!reflect.DeepEqual(m[0].Dimensions, []awsemu.Dimension{{Name: "Target", Value: "user/ci"}}) {
		t.Errorf("metrics %s", emutest.AsJSON(m))
	}
	wantSettingsAndKeys(t, url)
	var list struct {
		Functions []struct{ FunctionName string }
	}
	if err := json.Unmarshal(run(t, url, "aws", "lambda", "list-functions", "--output", "json"),
		&list); err != nil || len(list.Functions) != 3 {
		t.Errorf("functions of all pages: %+v, %v", list, err)
	}
}

// wantSettingsAndKeys checks that the AWS CLI writes and reads a setting of a bucket, and creates a
// key.
func wantSettingsAndKeys(t *testing.T, url string) {
	t.Helper()
	var block struct {
		PublicAccessBlockConfiguration struct{ BlockPublicPolicy bool }
	}
	run(t, url, "aws", "s3api", "put-public-access-block", "--bucket", "evidence",
		"--public-access-block-configuration", "BlockPublicPolicy=true")
	if err := json.Unmarshal(run(t, url, "aws", "s3api", "get-public-access-block", "--bucket",
		"evidence", "--output", "json"), &block); err != nil ||
		!block.PublicAccessBlockConfiguration.BlockPublicPolicy {
		t.Errorf("block public access %+v, %v", block, err)
	}
	var created struct{ KeyMetadata struct{ KeyState string } }
	if err := json.Unmarshal(run(t, url, "aws", "kms", "create-key", "--output", "json"),
		&created); err != nil || created.KeyMetadata.KeyState != "Enabled" {
		t.Errorf("key %+v, %v", created, err)
	}
}
