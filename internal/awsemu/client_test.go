package awsemu

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// clients are real SDK clients that reach a server under test.
type clients struct {
	iam *iam.Client
	sts *sts.Client
	sns *sns.Client
	cw  *cloudwatch.Client
	s3  *s3.Client
	url string
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
	}
	return clients{
		iam: iam.NewFromConfig(cfg, func(o *iam.Options) { o.BaseEndpoint = &url }),
		sts: sts.NewFromConfig(cfg, func(o *sts.Options) { o.BaseEndpoint = &url }),
		sns: sns.NewFromConfig(cfg, func(o *sns.Options) { o.BaseEndpoint = &url }),
		cw:  cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) { o.BaseEndpoint = &url }),
		s3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.BaseEndpoint = &url
			// As a configuration that is loaded from the environment has it.
			o.RequestChecksumCalculation, o.ResponseChecksumValidation = aws.RequestChecksumCalculationWhenSupported, aws.ResponseChecksumValidationWhenSupported
		}),
		url: url,
	}
}

const anyKey = "AKIAANYBODYATALL0000"

func connect(t testing.TB, srv *Server) clients {
	t.Helper()
	return dial(t, listen(t, srv), anyKey)
}

// contextType lets the paginators' common interface be written down.
type contextType = context.Context
