package publish

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// connect returns the topic "alerts" of a server.
func connect(t *testing.T, srv *awsemu.Server) Topic {
	t.Helper()
	endpoint, err := srv.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	return Topic{sns.New(sns.Options{Region: "us-east-1", BaseEndpoint: &endpoint.URL,
		RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret",
			"")}), "arn:aws:sns:us-east-1:123456789012:alerts"}
}

func TestHasSubscriber(t *testing.T) {
	pending := awsemu.Subscription{Topic: "alerts", Protocol: "email", Endpoint: "a@example.com",
		Pending: true}
	confirmed := awsemu.Subscription{Topic: "alerts", Protocol: "sms", Endpoint: "+15550100"}
	for _, tt := range []struct {
		name  string
		list  []awsemu.Subscription
		want  bool
		calls int // the expected number of calls; a page holds two subscriptions
	}{
		{"a topic without subscriptions has no subscriber", nil, false, 1},
		{"a pending subscription is no subscriber", []awsemu.Subscription{pending}, false, 1},
		{"a confirmed subscription on the third page is found with three calls",
			[]awsemu.Subscription{pending, pending, pending, pending, confirmed}, true, 3},
		{"a confirmed subscription on the first page needs one call",
			[]awsemu.Subscription{confirmed, pending, pending}, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := &awsemu.Server{Account: &awsemu.Account{Topics: []string{"alerts"},
				Subscriptions: tt.list}}
			got, err := connect(t, srv).HasSubscriber(t.Context())
			if n := len(srv.Calls()); got != tt.want || err != nil || n != tt.calls {
				t.Errorf("got %v, %v with %d calls; want %v with %d", got, err, n, tt.want, tt.calls)
			}
		})
	}
}

func TestHasSubscriberNamesTheMissingPermission(t *testing.T) {
	srv := &awsemu.Server{Account: &awsemu.Account{Topics: []string{"alerts"},
		Faults: []awsemu.Fault{{Operation: "sns:*", Deny: true}}}}
	if got, err := connect(t, srv).HasSubscriber(t.Context()); got || err == nil ||
		!strings.Contains(err.Error(), "grant the auditor sns:ListSubscriptionsByTopic") {
		t.Errorf("got %v and error %v, want an error with the permission", got, err)
	}
}
