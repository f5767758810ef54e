// Package emutest has clients and accounts for the tests of the embedded AWS.
package emutest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// Clients are real SDK clients of a server under test.
type Clients struct {
	IAM        *iam.Client
	STS        *sts.Client
	SNS        *sns.Client
	CloudWatch *cloudwatch.Client
	Lambda     *lambda.Client
	S3         *s3.Client
	URL        string
}

// Listen serves srv until the test ends.
func Listen(t testing.TB, srv *awsemu.Server) string {
	t.Helper()
	end, err := srv.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end.Close(); err != nil {
			t.Error(err)
		}
	})
	return end.URL
}

// Dial returns clients that sign with an access key. A key of no user identifies the administrator.
func Dial(t testing.TB, url, key string) Clients {
	t.Helper()
	cfg := aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		// A test that expects an error must not wait for retries.
		RetryMaxAttempts: 1,
		HTTPClient:       plainBodies{awshttp.NewBuildableClient()},
	}
	return Clients{
		Lambda: lambda.NewFromConfig(cfg, func(o *lambda.Options) { o.BaseEndpoint = &url }),

		IAM:        iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &url }),
		STS:        sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = &url }),
		SNS:        sns.NewFromConfig(cfg, func(o *sns.Options) { o.BaseEndpoint = &url }),
		CloudWatch: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) { o.BaseEndpoint = &url }),
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = &url
			// A configuration that is loaded from the environment has these values by default.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		}),
		URL: url,
	}
}

// plainBodies hides the method WriteTo of request bodies. With this method, net/http drops a
// connection and its reply about once in a hundred runs (smithy-go 1.28.9).
type plainBodies struct{ aws.HTTPClient }

func (c plainBodies) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return c.HTTPClient.Do(req)
}

// AnyKey is an access key of no user. It identifies the administrator.
const AnyKey = "AKIAUNLISTEDKEY00000"

// Connect serves srv until the test ends, and returns clients of the administrator.
func Connect(t testing.TB, srv *awsemu.Server) Clients {
	t.Helper()
	return Dial(t, Listen(t, srv), AnyKey)
}

// WantText checks that a body contains all pieces.
func WantText(t testing.TB, body string, pieces ...string) {
	t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(body, piece) {
			t.Errorf("got\n%s\nwithout %q", body, piece)
		}
	}
}

// Noon is the time of [AtNoon].
var Noon = time.Date(2026, 11, 14, 12, 0, 0, 0, time.UTC)

// AtNoon is a clock that stands still at noon.
func AtNoon() time.Time { return Noon }

// AsJSON returns v as indented JSON, for the messages of tests.
func AsJSON(v any) string {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Authorization returns the header of that name for a request that an access key signs for a
// service. The server does not check the signature itself.
func Authorization(key, region, service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20260101/" + region + "/" + service +
		"/aws4_request, SignedHeaders=host, Signature=0"
}

// Do sends a request without an AWS client, and returns the reply and its body.
func Do(t testing.TB, method, url string, header map[string]string,
	body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// Post sends a Query request without an AWS client, and returns the body.
func Post(t testing.TB, endpoint, service string, params map[string]string) string {
	t.Helper()
	return PostAs(t, endpoint, AnyKey, service, params)
}

// PostAs sends a Query request that is signed with an access key, and returns the body.
func PostAs(t testing.TB, endpoint, key, service string, params map[string]string) string {
	t.Helper()
	values := url.Values{}
	for k, v := range params {
		values.Set(k, v)
	}
	_, body := Do(t, http.MethodPost, endpoint, map[string]string{
		"Content-Type":  "application/x-www-form-urlencoded",
		"Authorization": Authorization(key, "us-east-1", service)}, values.Encode())
	return body
}

// CallJSON sends a request in the protocol AWS JSON 1.1 that an access key signs, and returns the
// status and the body of the reply. target is the value of X-Amz-Target.
func CallJSON(t testing.TB, endpoint, key, service, target, body string) (status int,
	reply string) {
	t.Helper()
	resp, reply := Do(t, http.MethodPost, endpoint+"/", map[string]string{
		"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target,
		"Authorization": Authorization(key, "us-east-1", service)}, body)
	return resp.StatusCode, reply
}

// AllowAll is a document that allows all actions.
const AllowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// Statements of policies.
const (
	AllowRead    = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::remotionlambda-*"}`
	DenySecret   = `{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::remotionlambda-secret*"}`
	AllowPublish = `{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}`
	AllowList    = `{"Effect":"Allow","Action":"lambda:ListFunctions","Resource":"*"}`
	AllowS3      = `{"Effect":"Allow","Action":["s3:*"],"Resource":"*"}`
	DenyDelete   = `{"Effect":"Deny","Action":"s3:DeleteBucket","Resource":"*"}`
	AllowPass    = `{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}}`
	AllowOwn     = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:username}/*"}`
	DenyRead     = `{"Effect":"Deny","Action":"s3:Get*","Resource":"*"}`
	// allowAny is the statement of allowAll.
	AllowAny = `{"Effect":"Allow","Action":"*","Resource":"*"}`
)

// DocumentOf returns a policy document with the statements.
func DocumentOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// ARNOf returns the ARN of an entity or policy of the account, such as user/bots/ci.
func ARNOf(entity string) *string { return aws.String("arn:aws:iam::123456789012:" + entity) }

// Video returns an account with entities of all kinds, and with more than one page of most kinds.
func Video() *awsemu.Account {
	return &awsemu.Account{
		Alias: "video",
		Groups: map[string]awsemu.Group{
			"g1": {Inline: map[string]string{"a": AllowAll, "b": AllowAll, "c": AllowAll},
				Managed: []string{"p1", "p2", "p3"}},
			"g2": {Path: "/teams/"},
			"g3": {},
		},
		Users: map[string]awsemu.User{
			"ci": {
				Path: "/bots/",
				Inline: map[string]string{"a": AllowAll, "b": AllowAll,
					"c": "{\n  \"Sid\": \"+ *~-._/é&<\"\n}"},
				Managed:    []string{"p1", "p2", "arn:aws:iam::aws:policy/service-role/ReadOnly"},
				Boundary:   "p3",
				Groups:     []string{"g1", "g2", "g3"},
				AccessKeys: []string{"AKIACI0000000000", "AKIACI0000000001", "AKIACI0000000002"},
			},
			"ann": {Groups: []string{"g1"}}, "bob": {Groups: []string{"g1"}},
		},
		Roles: map[string]awsemu.Role{
			"remotion-lambda-role": {
				Path:     "/service-role/",
				Inline:   map[string]string{"a": AllowAll, "b": AllowAll, "c": AllowAll},
				Managed:  []string{"p1", "p2", "p3"},
				Boundary: "p1",
			},
			"r2": {Trust: "ec2.amazonaws.com"}, "r3": {Path: "/service-role/x/"},
		},
		Policies: map[string]awsemu.ManagedPolicy{
			"p1":       {Document: AllowAll, OlderVersions: []string{AllowAll, AllowAll}},
			"p2":       {Document: AllowAll, Path: "/teams/"},
			"p3":       {Document: AllowAll},
			"ReadOnly": {Document: AllowAll, ARN: "arn:aws:iam::aws:policy/service-role/ReadOnly"},
		},
	}
}

// CallerWith returns an account with the user caller, which has the key userKey, one policy and the
// tag team=video.
func CallerWith(document string) *awsemu.Account {
	a := Video()
	a.Topics = []string{"alerts"}
	a.Users["caller"] = awsemu.User{AccessKeys: []string{UserKey},
		Inline: map[string]string{"own": document}, Tags: map[string]string{"team": "video"}}
	return a
}

// UserKey is the access key of the user in [CallerWith].
const UserKey = "AKIACALLER000000"

// Alerts is the ARN of the topic alerts.
const Alerts = "arn:aws:sns:us-east-1:123456789012:alerts"

// TrustLambda is the default trust policy of a role.
const TrustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// Padded returns a document of exactly size characters, not counting its white space.
func Padded(size int) *string {
	const frame = `{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Action":"*","Resource":"*"}]}`
	text := strings.Replace(frame, `"Sid":""`, `"Sid":"`+strings.Repeat("a", size-len(frame))+`"`, 1)
	return aws.String(strings.Replace(text, ":[", " :\n\t[", 1)) // white space does not count
}

// OneMetric returns the input that puts one metric.
func OneMetric(namespace string) *cloudwatch.PutMetricDataInput {
	return &cloudwatch.PutMetricDataInput{Namespace: &namespace,
		MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("x"), Value: aws.Float64(1)}}}
}

// Evidence returns an account with own and foreign buckets.
func Evidence() *awsemu.Account {
	return &awsemu.Account{Buckets: map[string]awsemu.Bucket{
		"evidence": {Versioned: true, Objects: map[string]string{"mutes.yaml": "mutes: []\n"}},
		"foreign":  {Owner: "999999999999"},
		"far":      {Region: "eu-central-1"},
	}}
}

// A paginator is the common interface of the SDK's paginators.
type paginator[O, F any] interface {
	HasMorePages() bool
	NextPage(ctx context.Context, optFns ...func(*F)) (*O, error)
}

// Pages calls each for every page of a paginator.
func Pages[O, F any](t *testing.T, p paginator[O, F], each func(*O)) error {
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			return err
		}
		each(out)
	}
	return nil
}

// WantError checks the code and the message of an error. An empty message matches all messages.
func WantError(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("error %v, want %s", err, code)
	}
	if api.ErrorCode() != code || message != "" && api.ErrorMessage() != message {
		t.Errorf("got  %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), code, message)
	}
}

// DenyOutside returns a service control policy that denies an action outside some regions.
func DenyOutside(action string, regions ...string) string {
	return DocumentOf(`{"Effect":"Deny","Action":"` + action +
		`","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["` +
		strings.Join(regions, `","`) + `"]}}}`)
}
