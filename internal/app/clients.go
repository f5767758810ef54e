package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/remotion-audit/remotion-audit/internal/awsanswer"
)

const (
	// maxAttempts is the largest number of attempts for one call. The waits between them take at most
	// 10 seconds.
	maxAttempts = 8
	// maxInFlight is the largest number of concurrent calls. IAM has one endpoint for all regions and
	// throttles accounts with many calls. An audit of one caller and one role in one region makes
	// about 25 calls in two waves. The second wave consists of 16 to 20 calls.
	maxInFlight = 20
	// maxRegions is the largest number of concurrent calls to Lambda, which has an endpoint in each
	// region.
	maxRegions = 32
	// callTimeout bounds one attempt.
	callTimeout = 10 * time.Second
	// maxBackoff bounds the wait before a retry, well below the function's timeout.
	maxBackoff = 4 * time.Second
)

// Clients holds the AWS clients of a run. All except Lambda share one limit for concurrent calls.
// All calls to IAM and STS share one limiter, so that throttled calls slow the others down.
type Clients struct {
	IAM        *iam.Client
	Lambda     *lambda.Client
	STS        *sts.Client
	SNS        *sns.Client
	S3         *s3.Client
	CloudWatch *cloudwatch.Client

	throttled *atomic.Int64
}

// Throttled returns the number of throttled answers since the clients were created.
func (c Clients) Throttled() int64 { return c.throttled.Load() }

// LoadClients creates the clients of the command from the environment and the files of the AWS CLI,
// as the AWS CLI does: credentials, region, AWS_ENDPOINT_URL and so on. The SDK logs to log.
func LoadClients(ctx context.Context, log *slog.Logger,
	options ...func(*config.LoadOptions) error) (Clients, aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		append([]func(*config.LoadOptions) error{config.WithLogger(sdkLogger(ctx, log))},
			options...)...)
	if err != nil {
		return Clients{}, cfg, err
	}
	return NewClients(cfg), cfg, nil
}

// sdkLogger returns the logger of the SDK.
func sdkLogger(ctx context.Context, log *slog.Logger) logging.Logger {
	return logging.LoggerFunc(func(class logging.Classification, format string, v ...any) {
		log.DebugContext(ctx, "AWS SDK", "class", string(class), "message", fmt.Sprintf(format, v...))
	})
}

// NewClients creates the clients from cfg.
func NewClients(cfg aws.Config) Clients {
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient) // trusts AWS_CA_BUNDLE
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	replies := replyLimiter{large: make(chan struct{}, 1)}
	atMost := func(n int) *bounded {
		return &bounded{
			client: base.WithTimeout(callTimeout).WithTransportOptions(func(t *http.Transport) {
				t.MaxIdleConnsPerHost, t.MaxResponseHeaderBytes = n, maxReplyHeader
			}),
			slots: make(chan struct{}, n), replies: replies,
		}
	}
	cfg.HTTPClient = atMost(maxInFlight)
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), awsanswer.AddTo)
	throttled := &atomic.Int64{}
	shared := newRetryer(throttled, maxInFlight)
	cfg.Retryer = func() aws.Retryer { return shared }
	lambdaConfig := cfg.Copy()
	lambdaConfig.HTTPClient = atMost(maxRegions)
	lambdaConfig.Retryer = func() aws.Retryer { return newRetryer(throttled, maxRegions) }
	sinkConfig := cfg.Copy()
	sinkConfig.Retryer = func() aws.Retryer { return newRetryer(throttled, maxInFlight) }
	return Clients{
		IAM: iam.NewFromConfig(cfg), STS: sts.NewFromConfig(cfg),
		Lambda: lambda.NewFromConfig(lambdaConfig),
		SNS:    sns.NewFromConfig(sinkConfig), S3: s3.NewFromConfig(sinkConfig),
		CloudWatch: cloudwatch.NewFromConfig(sinkConfig),
		throttled:  throttled,
	}
}

// retryer is the SDK's standard retryer with a limiter. It also counts throttled answers. The SDK's
// adaptive retryer would learn a rate from the first calls of a run: one throttled answer then
// costs seconds.
type retryer struct {
	*retry.Standard
	limiter   *limiter
	throttled *atomic.Int64
}

// newRetryer returns a retryer for up to most concurrent calls. It has no quota of retries: with a
// quota, a storm would make calls fail whose deadline is far ahead.
func newRetryer(throttled *atomic.Int64, most int) aws.RetryerV2 {
	return retryer{throttled: throttled, limiter: newLimiter(most),
		Standard: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff = maxAttempts, maxBackoff
			o.Backoff = retry.BackoffDelayerFunc(backoff)
			o.RateLimiter = ratelimit.None
		})}
}

// IsErrorRetryable counts throttled answers. The SDK calls it once for each failed attempt.
func (r retryer) IsErrorRetryable(err error) bool {
	if awsanswer.IsThrottle(err) {
		r.throttled.Add(1)
	}
	return r.Standard.IsErrorRetryable(err)
}

// GetAttemptToken waits until the limiter lets an attempt start. The SDK calls the returned
// function with the outcome of the attempt.
func (r retryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	release, err := r.limiter.acquire(ctx)
	if err != nil {
		return nil, err
	}
	return func(err error) error {
		release(awsanswer.IsThrottle(err), err != nil)
		return nil
	}, nil
}

// bounded limits concurrent requests, and the replies that it returns. A call that waits for a
// retry holds no slot.
type bounded struct {
	client  aws.HTTPClient
	slots   chan struct{}
	replies replyLimiter
}

func (b *bounded) Do(req *http.Request) (*http.Response, error) {
	select {
	case b.slots <- struct{}{}:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	defer func() { <-b.slots }()
	if req.Body != nil && req.Body != http.NoBody {
		// The SDK closes the body as soon as Do returns, while net/http still checks it for surplus
		// bytes. With WriteTo, the closed body then reports a failed write to net/http, which closes the
		// connection and sometimes loses the reply. Therefore WriteTo is hidden (smithy-go 1.28.9).
		req.Body = struct {
			io.Reader
			io.Closer
		}{req.Body, req.Body}
	}
	reply, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	b.replies.limit(req, reply)
	return reply, nil
}
