package awsemu

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// clients are real SDK clients that reach a server under test.
type clients struct {
	iam    *iam.Client
	sts    *sts.Client
	sns    *sns.Client
	cw     *cloudwatch.Client
	lambda *lambda.Client
	s3     *s3.Client
	url    string
}

// listen serves srv until the test ends.
func listen(t testing.TB, srv *Server) string {
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

// dial returns clients that sign with an access key. An unknown one is the administrator's.
func dial(t testing.TB, url, key string) clients {
	t.Helper()
	cfg := aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		// A test that expects a refusal must not wait for the SDK to try again.
		RetryMaxAttempts: 1,
		HTTPClient:       plainBodies{awshttp.NewBuildableClient()},
	}
	return clients{
		lambda: lambda.NewFromConfig(cfg, func(o *lambda.Options) { o.BaseEndpoint = &url }),

		iam: iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &url }),
		sts: sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = &url }),
		sns: sns.NewFromConfig(cfg, func(o *sns.Options) { o.BaseEndpoint = &url }),
		cw:  cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) { o.BaseEndpoint = &url }),
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = &url
			// As a configuration that is loaded from the environment has it.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		}),
		url: url,
	}
}

// plainBodies sends bodies without their WriteTo, for which net/http would drop a connection, and
// the reply with it, about once in a hundred runs (smithy-go 1.28.9).
type plainBodies struct{ aws.HTTPClient }

func (c plainBodies) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return c.HTTPClient.Do(req)
}

const anyKey = "AKIAANYBODYATALL0000"

func connect(t testing.TB, srv *Server) clients {
	t.Helper()
	return dial(t, listen(t, srv), anyKey)
}

// contextType lets the paginators' common interface be written down.
type contextType = context.Context

// wantText looks for pieces of a body.
func wantText(t testing.TB, body string, pieces ...string) {
	t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(body, piece) {
			t.Errorf("got\n%s\nwithout %q", body, piece)
		}
	}
}
