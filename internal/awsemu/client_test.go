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

// clients are real SDK clients of a server under test.
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

// dial returns clients that sign with an access key. A key of no user identifies the administrator.
func dial(t testing.TB, url, key string) clients {
	t.Helper()
	cfg := aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		// A test that expects an error must not wait for retries.
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
			// A configuration that is loaded from the environment has these values by default.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		}),
		url: url,
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

const anyKey = "AKIAUNLISTEDKEY00000"

func connect(t testing.TB, srv *Server) clients {
	t.Helper()
	return dial(t, listen(t, srv), anyKey)
}

// contextType is the type of the context in the paginators' common interface.
type contextType = context.Context

// wantText checks that a body contains all pieces.
func wantText(t testing.TB, body string, pieces ...string) {
	t.Helper()
	for _, piece := range pieces {
		if !strings.Contains(body, piece) {
			t.Errorf("got\n%s\nwithout %q", body, piece)
		}
	}
}
