package awsanswer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
)

// reply is a canned answer with status 200. It counts the attempts of the client.
type reply struct {
	body     string
	header   http.Header
	attempts int
}

func (r *reply) Do(req *http.Request) (*http.Response, error) {
	r.attempts++
	return &http.Response{StatusCode: http.StatusOK, Header: r.header.Clone(), Request: req,
		Body: io.NopCloser(strings.NewReader(r.body)), ContentLength: int64(len(r.body))}, nil
}

// config returns a configuration for clients without retries.
func (r *reply) config() aws.Config {
	url := "http://127.0.0.1"
	return aws.Config{Region: "us-east-1", BaseEndpoint: &url, HTTPClient: r,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		APIOptions:  []func(*middleware.Stack) error{AddTo}}
}

// operation is one operation: its smallest valid answer, and the call.
type operation struct {
	result string
	call   func(context.Context, aws.Config) error
}

func call[Client, In, Out, Options any](client func(aws.Config, ...func(*Options)) *Client,
	do func(*Client, context.Context, *In, ...func(*Options)) (*Out, error),
	in *In) func(context.Context, aws.Config) error {
	return func(ctx context.Context, cfg aws.Config) error {
		_, err := do(client(cfg), ctx, in)
		return err
	}
}

var name = aws.String("name")

// operations has the smallest valid answer to each operation in the table.
var operations = map[string]operation{
	"IAM.ListUserPolicies": {"<PolicyNames/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListUserPolicies,
			&iam.ListUserPoliciesInput{UserName: name})},
	"IAM.ListGroupPolicies": {"<PolicyNames/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListGroupPolicies,
			&iam.ListGroupPoliciesInput{GroupName: name})},
	"IAM.ListRolePolicies": {"<PolicyNames><member>p</member></PolicyNames>" +
		"<IsTruncated>true</IsTruncated><Marker>m</Marker>",
		call(iam.NewFromConfig, (*iam.Client).ListRolePolicies,
			&iam.ListRolePoliciesInput{RoleName: name})},
	"IAM.ListAttachedUserPolicies": {"<AttachedPolicies/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListAttachedUserPolicies,
			&iam.ListAttachedUserPoliciesInput{UserName: name})},
	"IAM.ListAttachedGroupPolicies": {"<AttachedPolicies/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListAttachedGroupPolicies,
			&iam.ListAttachedGroupPoliciesInput{GroupName: name})},
	"IAM.ListAttachedRolePolicies": {"<AttachedPolicies><member><PolicyName>p</PolicyName>" +
		"<PolicyArn>arn:aws:iam::123456789012:policy/p</PolicyArn></member></AttachedPolicies>" +
		"<IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListAttachedRolePolicies,
			&iam.ListAttachedRolePoliciesInput{RoleName: name})},
	"IAM.ListGroupsForUser": {"<Groups/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListGroupsForUser,
			&iam.ListGroupsForUserInput{UserName: name})},
	"IAM.ListRoles": {"<Roles/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListRoles, &iam.ListRolesInput{})},
	"IAM.ListUsers": {"<Users/><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).ListUsers, &iam.ListUsersInput{})},
	"IAM.GetUser": {"<User><UserName>u</UserName><Arn>a</Arn></User>",
		call(iam.NewFromConfig, (*iam.Client).GetUser, &iam.GetUserInput{UserName: name})},
	"IAM.GetRole": {"<Role><RoleName>r</RoleName><Arn>a</Arn></Role>",
		call(iam.NewFromConfig, (*iam.Client).GetRole, &iam.GetRoleInput{RoleName: name})},
	"IAM.GetUserPolicy": {"<UserName>u</UserName><PolicyName>p</PolicyName>" +
		"<PolicyDocument>%7B%7D</PolicyDocument>",
		call(iam.NewFromConfig, (*iam.Client).GetUserPolicy,
			&iam.GetUserPolicyInput{UserName: name, PolicyName: name})},
	"IAM.GetGroupPolicy": {"<GroupName>g</GroupName><PolicyName>p</PolicyName>" +
		"<PolicyDocument>%7B%7D</PolicyDocument>",
		call(iam.NewFromConfig, (*iam.Client).GetGroupPolicy,
			&iam.GetGroupPolicyInput{GroupName: name, PolicyName: name})},
	"IAM.GetRolePolicy": {"<RoleName>r</RoleName><PolicyName>p</PolicyName>" +
		"<PolicyDocument>%7B%7D</PolicyDocument>",
		call(iam.NewFromConfig, (*iam.Client).GetRolePolicy,
			&iam.GetRolePolicyInput{RoleName: name, PolicyName: name})},
	"IAM.GetPolicy": {"<Policy><Arn>a</Arn><DefaultVersionId>v1</DefaultVersionId></Policy>",
		call(iam.NewFromConfig, (*iam.Client).GetPolicy, &iam.GetPolicyInput{PolicyArn: name})},
	"IAM.GetPolicyVersion": {"<PolicyVersion><VersionId>v1</VersionId><Document>%7B%7D</Document>" +
		"</PolicyVersion>",
		call(iam.NewFromConfig, (*iam.Client).GetPolicyVersion,
			&iam.GetPolicyVersionInput{PolicyArn: name, VersionId: name})},
	"IAM.SimulatePrincipalPolicy": {"<EvaluationResults><member>" +
		"<EvalActionName>s3:GetObject</EvalActionName><EvalDecision>allowed</EvalDecision></member>" +
		"</EvaluationResults><IsTruncated>false</IsTruncated>",
		call(iam.NewFromConfig, (*iam.Client).SimulatePrincipalPolicy,
			&iam.SimulatePrincipalPolicyInput{PolicySourceArn: name,
				ActionNames: []string{"s3:GetObject"}})},
	"SNS.ListSubscriptionsByTopic": {"<Subscriptions/>",
		call(sns.NewFromConfig, (*sns.Client).ListSubscriptionsByTopic,
			&sns.ListSubscriptionsByTopicInput{TopicArn: name})},
	"SNS.Publish": {"<MessageId>m</MessageId>",
		call(sns.NewFromConfig, (*sns.Client).Publish,
			&sns.PublishInput{TopicArn: name, Message: name})},
	"STS.GetCallerIdentity": {"<Account>123456789012</Account><Arn>a</Arn>",
		call(sts.NewFromConfig, (*sts.Client).GetCallerIdentity, &sts.GetCallerIdentityInput{})},
	"Lambda.ListFunctions": {`{"Functions":[]}`,
		call(lambda.NewFromConfig, (*lambda.Client).ListFunctions, &lambda.ListFunctionsInput{})},
	"Lambda.GetAccountSettings": {`{"AccountLimit":{"ConcurrentExecutions":1000,` +
		`"UnreservedConcurrentExecutions":0}}`, call(lambda.NewFromConfig,
		(*lambda.Client).GetAccountSettings, &lambda.GetAccountSettingsInput{})},
	"Lambda.GetFunctionConfiguration": {`{"FunctionName":"name","State":"Active"}`,
		call(lambda.NewFromConfig, (*lambda.Client).GetFunctionConfiguration,
			&lambda.GetFunctionConfigurationInput{FunctionName: name})},
	"Lambda.GetFunctionConcurrency": {`{}`, call(lambda.NewFromConfig,
		(*lambda.Client).GetFunctionConcurrency,
		&lambda.GetFunctionConcurrencyInput{FunctionName: name})},
	"Lambda.ListTags": {`{"Tags":{}}`,
		call(lambda.NewFromConfig, (*lambda.Client).ListTags, &lambda.ListTagsInput{
			Resource: aws.String("arn:aws:lambda:us-east-1:123456789012:function:f")})},
	"S3.GetObject": {"", call(s3.NewFromConfig, (*s3.Client).GetObject,
		&s3.GetObjectInput{Bucket: name, Key: name})},
	"S3.PutObject": {"", call(s3.NewFromConfig, (*s3.Client).PutObject,
		&s3.PutObjectInput{Bucket: name, Key: name})},
	"S3.ListObjectsV2": {"<ListBucketResult><Name>name</Name><IsTruncated>false</IsTruncated>" +
		"</ListBucketResult>",
		call(s3.NewFromConfig, (*s3.Client).ListObjectsV2, &s3.ListObjectsV2Input{Bucket: name})},
}

// envelope returns the whole answer with a result.
func envelope(name, result string) string {
	service, op, _ := strings.Cut(name, ".")
	if service == "Lambda" || service == "S3" {
		return result
	}
	return "<" + op + "Response><" + op + "Result>" + result + "</" + op + "Result>" +
		"<ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></" + op + "Response>"
}

func fullHeader() http.Header {
	return http.Header{"X-Amzn-Requestid": {"id"}, "Etag": {`"e"`}}
}

// lacks calls an operation and returns what the answer lacks; "" if the check accepts it. It fails
// if the SDK itself refuses an answer that the check accepts.
func lacks(t testing.TB, name string, r *reply) string {
	t.Helper()
	err := operations[name].call(t.Context(), r.config())
	var incomplete *Incomplete
	switch {
	case err == nil:
		return ""
	case !errors.As(err, &incomplete):
		t.Errorf("%s: %v is not Incomplete", name, err)
		return "?"
	}
	if _, op, _ := strings.Cut(name, "."); incomplete.Operation != op {
		t.Errorf("%s: the error names %s", name, incomplete.Operation)
	}
	return incomplete.Lacks
}

func TestEachOperationHasASmallestAnswer(t *testing.T) {
	want := slices.Sorted(maps.Keys(answers))
	if got := slices.Sorted(maps.Keys(operations)); !slices.Equal(got, want) {
		t.Errorf("tested are %q, the table has %q", got, want)
	}
}

func TestASmallestValidAnswerIsRead(t *testing.T) {
	for name, o := range operations {
		if got := lacks(t, name, &reply{body: envelope(name, o.result),
			header: fullHeader()}); got != "" {
			t.Errorf("%s: the smallest valid answer lacks %s", name, got)
		}
	}
}

// TestAnAnswerThatAnswersNothingIsAFailedCall checks the forms in which an answer has no content.
func TestAnAnswerThatAnswersNothingIsAFailedCall(t *testing.T) {
	for name, o := range operations {
		_, op, _ := strings.Cut(name, ".")
		full := envelope(name, o.result)
		bodies := map[string]string{
			"nothing": "", "blanks": " \n", "an empty object": "{}", "null": "null", "a list": "[]",
			"an empty root": "<" + op + "Response/>", "an empty result": envelope(name, ""),
			"no request ID": strings.Replace(full, "<RequestId>id</RequestId>", "", 1),
			"HTML":          "<html><body>It works!</body></html>",
			"old HTML":      "<!DOCTYPE html><p>It works!<br>", "text": "It works!",
			"two answers": full + full,
			"deep":        strings.Repeat("<a>", 1000),
		}
		for other, o := range operations {
			if _, otherOp, _ := strings.Cut(other, "."); !strings.HasPrefix(other, "S3.") &&
				otherOp != op {
				bodies["the answer to "+other] = envelope(other, o.result)
			}
		}
		for cut := range len(full) {
			bodies["the first "+full[:cut]] = full[:cut]
		}
		for what, body := range bodies {
			if body == full || answers[name].form == s3Headers {
				continue
			}
			if lacks(t, name, &reply{body: body, header: fullHeader()}) == "" {
				t.Errorf("%s: %s is read as an answer", name, what)
			}
		}
	}
}

// TestEachMemberIsMissed takes each member out of an answer, and expects its name in the error.
func TestEachMemberIsMissed(t *testing.T) {
	tests := []struct{ operation, body, lacks string }{
		{"IAM.ListUserPolicies", "<IsTruncated>false</IsTruncated>", "PolicyNames[]"},
		{"IAM.ListUserPolicies", "<PolicyNames/>", "IsTruncated"},
		{"IAM.ListUserPolicies", "<PolicyNames/><IsTruncated/>", "IsTruncated"},
		{"IAM.ListUserPolicies", "<PolicyNames><member/></PolicyNames><IsTruncated>false</IsTruncated>",
			"PolicyNames[]"},
		{"IAM.ListUserPolicies", "<PolicyNames>text</PolicyNames><IsTruncated>false</IsTruncated>",
			"PolicyNames[]"},
		{"IAM.ListUserPolicies", "<PolicyNames/><IsTruncated>true</IsTruncated>",
			"a Marker, although it says that the list goes on"},
		{"IAM.ListUserPolicies", "<PolicyNames/><IsTruncated>true</IsTruncated><Marker/>",
			"a Marker, although it says that the list goes on"},
		{"IAM.ListAttachedRolePolicies", "<AttachedPolicies><member><PolicyName>p</PolicyName></member>" +
			"</AttachedPolicies><IsTruncated>false</IsTruncated>", "AttachedPolicies[].PolicyArn"},
		{"IAM.GetRole", "<Role/>", "Role.RoleName"},
		{"IAM.GetRole", "<Role><RoleName>r</RoleName></Role>", "Role.Arn"},
		{"IAM.GetUserPolicy", "<UserName>u</UserName><PolicyName>p</PolicyName><PolicyDocument/>",
			"PolicyDocument"},
		{"IAM.GetPolicy", "<Policy><Arn>a</Arn></Policy>", "Policy.DefaultVersionId"},
		{"IAM.SimulatePrincipalPolicy", "<IsTruncated>false</IsTruncated>",
			"EvaluationResults[].EvalActionName"},
		{"Lambda.ListFunctions", `{"Functions":null}`, "Functions[].FunctionName"},
		{"Lambda.ListFunctions", `{"Functions":{}}`, "Functions[].FunctionName"},
		{"Lambda.ListFunctions", `{"Functions":[{}]}`, "Functions[].FunctionName"},
		{"Lambda.ListTags", `{"Tags":null}`, "Tags{}"},
		{"Lambda.ListTags", `{"Tags":[]}`, "Tags{}"},
		{"SNS.Publish", "<MessageId/>", "MessageId"},
	}
	for _, test := range tests {
		if got := lacks(t, test.operation, &reply{body: envelope(test.operation, test.body),
			header: fullHeader()}); got != test.lacks {
			t.Errorf("%s %s lacks %q, want %q", test.operation, test.body, got, test.lacks)
		}
	}
	for _, name := range []string{"S3.GetObject", "S3.PutObject", "Lambda.ListTags"} {
		if got := lacks(t, name, &reply{body: envelope(name, operations[name].result),
			header: http.Header{}}); !strings.HasPrefix(got, "the header ") {
			t.Errorf("%s without headers lacks %q, want a header", name, got)
		}
	}
}

// TestAnIncompleteAnswerIsRetried checks that the SDK repeats the call, but not a call whose effect
// it would repeat: each copy of an alert reaches the subscribers.
func TestAnIncompleteAnswerIsRetried(t *testing.T) {
	for _, test := range []struct {
		operation, body string
		attempts        int
	}{
		{"IAM.GetRole", "", 2}, {"IAM.GetRole", "<a><b></a>", 2}, {"Lambda.ListFunctions", "{}", 2},
		{"SNS.Publish", "", 1}, {"SNS.Publish", "<a><b></a>", 1},
		{"SNS.Publish", envelope("SNS.Publish", ""), 1},
	} {
		r := &reply{body: test.body, header: http.Header{}}
		cfg := r.config()
		cfg.Retryer = nil
		cfg.RetryMaxAttempts = 2
		if err := operations[test.operation].call(t.Context(), cfg); err == nil ||
			r.attempts != test.attempts {
			t.Errorf("%s, answer %q: %d attempts, error %v; want %d and an error", test.operation,
				test.body, r.attempts, err, test.attempts)
		}
	}
}

// FuzzCheckBody checks that an accepted answer holds each member of the table, and that no body
// stops the check.
func FuzzCheckBody(f *testing.F) {
	names := slices.Sorted(maps.Keys(operations))
	for i, name := range names {
		f.Add(uint8(i), []byte(envelope(name, operations[name].result)))
	}
	f.Add(uint8(0), []byte("<a><b></a>"))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		name := names[int(which)%len(names)]
		a := answers[name]
		_, op, _ := strings.Cut(name, ".")
		if a.form == s3Headers || a.checkBody(op, fullHeader(), body) != nil {
			return
		}
		for _, path := range a.holds {
			word, _, _ := strings.Cut(strings.Trim(path, "[]{}"), ".")
			// A name in JSON can be written with escapes.
			if !bytes.Contains(body, []byte(strings.Trim(word, "[]{}"))) &&
				!bytes.Contains(body, []byte(`\u`)) {
				t.Errorf("%s: %q holds no %s", name, body, path)
			}
		}
	})
}
