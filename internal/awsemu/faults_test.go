package awsemu_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// oneCallPerService returns a call of each service except S3. The keys are the services' names.
func oneCallPerService(t *testing.T, c emutest.Clients) map[string]func() error {
	return map[string]func() error{
		"iam": func() error {
			_, err := c.IAM.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r2")})
			return err
		},
		"sts": func() error {
			_, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		},
		"sns": func() error {
			_, err := c.SNS.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(emutest.Alerts),
				Message: aws.String("x")})
			return err
		},
		"lambda": func() error {
			_, err := c.Lambda.GetFunction(t.Context(),
				&lambda.GetFunctionInput{FunctionName: aws.String("clips")})
			return err
		},
		"cloudwatch": func() error {
			_, err := c.CloudWatch.PutMetricData(t.Context(),
				&cloudwatch.PutMetricDataInput{Namespace: aws.String("N"),
					MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("x"), Value: aws.Float64(1)}}})
			return err
		},
	}
}

// withServices returns the account video with a topic and a function.
func withServices() *awsemu.Account {
	a := emutest.Video()
	a.Topics = []string{"alerts"}
	a.Functions = []awsemu.LambdaFunction{{Name: "clips", Role: "r2"}}
	return a
}

func TestEachServiceHasItsOwnThrottlingAndDenialErrors(t *testing.T) {
	srv := &awsemu.Server{Account: withServices()}
	calls := oneCallPerService(t, emutest.Connect(t, srv))
	throttled := map[string]string{"iam": "Throttling", "sts": "Throttling", "sns": "Throttled",
		"cloudwatch": "ThrottlingException", "lambda": "TooManyRequestsException"}
	const who = "User: arn:aws:iam::123456789012:user/administrator is not authorized to perform: "
	denied := map[string][2]string{
		"iam": {"AccessDenied",
			who + "iam:GetRole on resource: arn:aws:iam::123456789012:role/r2 because no identity-based " +
				"policy allows the iam:GetRole action"},
		"sts": {"AccessDenied",
			who + "sts:GetCallerIdentity because no identity-based policy allows the " +
				"sts:GetCallerIdentity action"},
		"sns": {"AuthorizationError",
			who + "SNS:Publish on resource: " + emutest.Alerts +
				" because no identity-based policy allows the SNS:Publish action"},
		"lambda": {"AccessDeniedException",
			who + "lambda:GetFunction on resource: arn:aws:lambda:us-east-1:123456789012:function:clips " +
				"because no identity-based policy allows the lambda:GetFunction action"},
		"cloudwatch": {"AccessDenied",
			who + "cloudwatch:PutMetricData because no identity-based policy allows the " +
				"cloudwatch:PutMetricData action"},
	}
	for service, call := range calls {
		t.Run(service, func(t *testing.T) {
			srv.SetFaults(awsemu.Fault{Throttle: true})
			emutest.WantError(t, call(), throttled[service], "Rate exceeded")
			srv.SetFaults(awsemu.Fault{Operation: service + ":*", Deny: true})
			emutest.WantError(t, call(), denied[service][0], denied[service][1])
			srv.SetFaults()
			if err := call(); err != nil {
				t.Errorf("without faults: %v", err)
			}
		})
	}
}

func TestFaultsApplyToMatchingCalls(t *testing.T) {
	role := func(name string) func(emutest.Clients) error {
		return func(c emutest.Clients) error {
			_, err := c.IAM.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &name})
			return err
		}
	}
	simulate := func(arn string) func(emutest.Clients) error {
		return func(c emutest.Clients) error {
			_, err := c.IAM.SimulatePrincipalPolicy(t.Context(),
				&iam.SimulatePrincipalPolicyInput{PolicySourceArn: &arn, ActionNames: []string{"s3:GetObject"}})
			return err
		}
	}
	user := func(c emutest.Clients) error {
		_, err := c.IAM.GetUser(t.Context(), &iam.GetUserInput{})
		return err
	}
	failure := &awsemu.FaultError{Code: "ServiceFailure", Message: "try later", Status: 503}
	tests := []struct {
		name   string
		faults []awsemu.Fault
		call   func(emutest.Clients) error
		want   string // a letter for each of five calls: . for success, x for an error
	}{
		{"a fault without a count applies to all calls",
			[]awsemu.Fault{{Operation: "iam:GetRole", Throttle: true}}, role("r2"),
			"xxxxx"},
		{"a fault with Times applies to the first calls",
			[]awsemu.Fault{{Operation: "iam:GetRole", Throttle: true, Times: 2}},
			role("r2"),
			"xx..."},
		{"a fault with After applies to the later calls",
			[]awsemu.Fault{{Operation: "iam:*", Deny: true, After: 3}}, role("r2"),
			"...xx"},
		{"a fault with After and Times applies to the calls in between",
			[]awsemu.Fault{{Operation: "*", Error: failure, After: 1, Times: 2}}, role("r2"),
			".xx.."},
		{"an operation in another case matches", []awsemu.Fault{{Operation: "IAM:getrole", Error: failure}},
			role("r2"), "xxxxx"},
		{"another operation does not match", []awsemu.Fault{{Operation: "iam:GetUser", Error: failure}},
			role("r2"), "....."},
		{"another service does not match", []awsemu.Fault{{Operation: "sns:*", Error: failure}}, role("r2"),
			"....."},
		{"a target matches a role by name", []awsemu.Fault{{Target: "role/r2", Error: failure}}, role("r2"),
			"xxxxx"},
		{"a target does not match another role", []awsemu.Fault{{Target: "role/r3", Error: failure}}, role("r2"),
			"....."},
		{"a target matches a user with a path in the ARN",
			[]awsemu.Fault{{Target: "user/ci", Error: failure}},
			simulate("arn:aws:iam::123456789012:user/bots/ci"), "xxxxx"},
		{"a role as the target does not match a user", []awsemu.Fault{{Target: "role/ci", Error: failure}},
			simulate("arn:aws:iam::123456789012:user/bots/ci"), "....."},
		{"a target matches the caller of a call without a name",
			[]awsemu.Fault{{Target: "user/ci", Error: failure}}, user,
			"xxxxx"},
		{"the first fault decides, and every fault counts the call",
			[]awsemu.Fault{{Throttle: true, Times: 1}, {Deny: true, Times: 2}}, role("r2"), "xx..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			account := withServices()
			account.Faults = tt.faults
			c := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: account}), "AKIACI0000000000")
			var got strings.Builder
			for range 5 {
				if tt.call(c) != nil {
					got.WriteByte('x')
				} else {
					got.WriteByte('.')
				}
			}
			if got.String() != tt.want {
				t.Errorf("the results of five calls are %s, want %s", &got, tt.want)
			}
		})
	}
}

func TestTheSDKRetriesUntilTheThrottlingIsOver(t *testing.T) {
	srv := &awsemu.Server{Account: withServices(), Faults: []awsemu.Fault{{Throttle: true, Times: 2}}}
	url := emutest.Listen(t, srv)
	c := emutest.Dial(t, url, emutest.AnyKey).IAM
	_, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r2")},
		func(o *iam.Options) {
			o.Retryer = retry.NewStandard(func(so *retry.StandardOptions) {
				so.MaxAttempts = 3
				so.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
			})
		})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, call := range srv.Calls() {
		codes = append(codes, call.Code)
	}
	if got := strings.Join(codes, " "); got != "Throttling Throttling " {
		t.Errorf("the codes of three attempts are %q", got)
	}
}

func TestACallWithALostReplyTakesEffect(t *testing.T) {
	srv := &awsemu.Server{Account: withServices(),
		Faults: []awsemu.Fault{{Operation: "sns:Publish", LoseReply: true, Times: 1}}}
	c := emutest.Connect(t, srv).SNS
	in := &sns.PublishInput{TopicArn: aws.String(emutest.Alerts), Message: aws.String("once or twice")}
	if _, err := c.Publish(t.Context(), in); err == nil {
		t.Error("the client received the lost reply")
	}
	if n := len(srv.Messages()); n != 1 {
		t.Errorf("after the lost reply %d messages are published, want 1", n)
	}
	if call := srv.Calls()[0]; !call.Lost || call.Code != "" {
		t.Errorf("recorded as %+v, want Lost and no Code", call)
	}
	if _, err := c.Publish(t.Context(), in); err != nil || len(srv.Messages()) != 2 {
		t.Errorf("the second call: %v, %d messages, want 2", err, len(srv.Messages()))
	}
}

func TestADelayEndsWhenTheClientDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &awsemu.Server{Account: withServices(), Faults: []awsemu.Fault{
			{Operation: "sns:*", Delay: time.Hour},
			{Operation: "iam:*", Delay: 20 * time.Millisecond},
			{Operation: "iam:*", Delay: 20 * time.Millisecond}}}
		config := roundtrips.Config(t, srv)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := sns.NewFromConfig(config).Publish(ctx, &sns.PublishInput{
			TopicArn: aws.String(emutest.Alerts), Message: aws.String("x")}); err == nil {
			t.Error("the client received a reply that is delayed for an hour")
		}
		synctest.Wait() // the server notices the disconnect
		if calls := srv.Calls(); len(calls) != 1 || !calls[0].Lost || len(srv.Messages()) != 0 {
			t.Errorf("the call is recorded as %+v, and %d messages are published", calls,
				len(srv.Messages()))
		}
		started := time.Now()
		if _, err := iam.NewFromConfig(config).GetRole(t.Context(),
			&iam.GetRoleInput{RoleName: aws.String("r2")}); err != nil ||
			time.Since(started) != 40*time.Millisecond+roundtrips.Latency {
			t.Errorf("two delays of 20ms took %s, %v, want 40ms and the latency", time.Since(started), err)
		}
	})
}

func TestCallsThatOverlapAreOneRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &awsemu.Server{Account: withServices(),
			Faults: []awsemu.Fault{{Delay: 30 * time.Millisecond}}}
		c := iam.NewFromConfig(roundtrips.Config(t, srv))
		for range 2 {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					if _, err := c.GetRole(t.Context(),
						&iam.GetRoleInput{RoleName: aws.String("r2")}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		calls := srv.Calls()
		if got := roundtrips.Count(calls); len(calls) != 16 || got != 2 {
			t.Errorf("%d calls in %d rounds, want 16 in 2", len(calls), got)
		}
	})
}

func TestFaultsAreReplacedAtRunTime(t *testing.T) {
	account := withServices()
	account.Faults = []awsemu.Fault{{Operation: "iam:GetRole", Throttle: true}}
	srv := &awsemu.Server{Account: account,
		Faults: []awsemu.Fault{{Operation: "sts:*", Throttle: true}}}
	calls := oneCallPerService(t, emutest.Connect(t, srv))
	for service, fails := range map[string]bool{"iam": true, "sts": true, "sns": false} {
		if err := calls[service](); (err != nil) != fails {
			t.Errorf("%s: %v", service, err)
		}
	}
	srv.SetFaults(awsemu.Fault{Operation: "sns:*", Throttle: true})
	for service, fails := range map[string]bool{"iam": false, "sts": false, "sns": true} {
		if err := calls[service](); (err != nil) != fails {
			t.Errorf("with other faults, %s: %v", service, err)
		}
	}
}

// TestThrottledAndDeniedCallsHaveTheErrorsOfTheirServices sends each request without a client.
func TestThrottledAndDeniedCallsHaveTheErrorsOfTheirServices(t *testing.T) {
	for _, test := range []struct {
		operation, method, path, scope, target, body string
		throttled, denied                            string
	}{
		{"kms:DescribeKey", "POST", "/", "kms", "TrentService.DescribeKey",
			`{"KeyId": "alias/aws/s3"}`, "400 ThrottlingException", "400 AccessDeniedException"},
		{"organizations:ListRoots", "POST", "/", "organizations",
			"AWSOrganizationsV20161128.ListRoots", "{}", "400 TooManyRequestsException",
			"400 AccessDeniedException"},
		{"logs:DescribeLogGroups", "POST", "/", "logs", "Logs_20140328.DescribeLogGroups", "{}",
			"400 ThrottlingException", "400 AccessDeniedException"},
		{"ec2:DescribeVpcEndpoints", "POST", "/?Action=DescribeVpcEndpoints", "ec2", "", "",
			"503 RequestLimitExceeded", "403 UnauthorizedOperation"},
		{"s3control:GetPublicAccessBlock", "GET", "/v20180820/configuration/publicAccessBlock", "s3",
			"", "", "503 SlowDown", "403 AccessDenied"},
		{"s3:GetBucketEncryption", "GET", "/evidence?encryption", "s3", "", "", "503 SlowDown",
			"403 AccessDenied"},
		{"lambda:GetAccountSettings", "GET", "/2016-08-19/account-settings", "lambda", "", "",
			"429 TooManyRequestsException", "403 AccessDeniedException"},
	} {
		t.Run(test.operation, func(t *testing.T) {
			srv := &awsemu.Server{Account: emutest.Evidence()}
			url := emutest.Listen(t, srv)
			for want, fault := range map[string]awsemu.Fault{test.throttled: {Throttle: true},
				test.denied: {Deny: true}} {
				fault.Operation = test.operation
				srv.SetFaults(fault)
				header := map[string]string{"X-Amz-Account-Id": "123456789012",
					"Authorization": emutest.Authorization(emutest.AnyKey, "us-east-1", test.scope)}
				if test.target != "" {
					header["X-Amz-Target"] = test.target
					header["Content-Type"] = "application/x-amz-json-1.1"
				}
				resp, body := emutest.Do(t, test.method, url+test.path, header, test.body)
				status, code, _ := strings.Cut(want, " ")
				if got := strconv.Itoa(resp.StatusCode); got != status {
					t.Errorf("status %s, want %s", got, want)
				}
				emutest.WantText(t, body+resp.Header.Get("X-Amzn-Errortype"), code)
			}
		})
	}
}
