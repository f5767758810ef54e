package evidence

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

const account = "123456789012"

// connect starts the server and returns its bucket "evidence". The client of the bucket makes at
// most the given number of attempts per call.
func connect(t *testing.T, srv *awsemu.Server, attempts int) Bucket {
	t.Helper()
	endpoint, err := srv.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	client := s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint.URL, RetryMaxAttempts: attempts,
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "secret", ""),
	})
	return Bucket{Client: client, Name: "evidence", Owner: account}
}

func serverWithBuckets() *awsemu.Server {
	return &awsemu.Server{Account: &awsemu.Account{Buckets: map[string]awsemu.Bucket{
		"evidence": {Objects: map[string]string{MutesKey: "mutes: []\n"}},
		"foreign":  {Owner: "999999999999"}, "far": {Region: "eu-west-1"},
	}}}
}

func TestBucket(t *testing.T) {
	srv := serverWithBuckets()
	b := connect(t, srv, 1)
	ctx := t.Context()
	if _, _, err := b.Get(ctx, "none"); !errors.Is(err, ErrMissing) {
		t.Errorf("a missing object: %v", err)
	}
	if _, err := b.Put(ctx, "k", []byte("1"), IfAbsent()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(ctx, "k", []byte("2"), IfAbsent()); !errors.Is(err, ErrChanged) {
		t.Errorf("a second write under IfAbsent: %v", err)
	}
	body, etag, err := b.Get(ctx, "k")
	if err != nil || string(body) != "1" {
		t.Fatalf("Get returned %q, %v, want 1", body, err)
	}
	if _, err := b.Put(ctx, "k", []byte("3"), IfMatch(etag)); err != nil {
		t.Error(err)
	}
	if _, err := b.Put(ctx, "k", []byte("4"), IfMatch(etag)); !errors.Is(err, ErrChanged) {
		t.Errorf("a write with a stale etag: %v", err)
	}
	if _, err := b.Put(ctx, "gone", []byte("4"), IfMatch(etag)); !errors.Is(err, ErrChanged) {
		t.Errorf("a write with the etag of a missing object: %v", err)
	}
	if _, err := b.Put(ctx, "k", []byte("5"), Condition{}); err != nil {
		t.Errorf("a write without a condition: %v", err)
	}
	state := alert.State{Run: audit.Run{ID: "7"}}
	for name, text := range map[string]string{"a": string(state.JSON()), "b": "{"} {
		if _, err := b.Put(ctx, StateKey(account, name), []byte(text), IfAbsent()); err != nil {
			t.Fatal(err)
		}
	}
	if states, err := b.States(ctx); err != nil || len(states) != 1 || states[0].Run.ID != "7" {
		t.Errorf("states %+v, %v", states, err)
	}
	for _, call := range srv.Calls() {
		if call.Params["X-Amz-Expected-Bucket-Owner"] != account {
			t.Errorf("%s does not name the expected owner: %v", call.Operation, call.Params)
		}
	}
}

func TestBucketErrorsNameTheRemedy(t *testing.T) {
	srv := serverWithBuckets()
	own := connect(t, srv, 1)
	withName := func(name string) Bucket { b := own; b.Name = name; return b }
	tests := []struct {
		name   string
		faults []awsemu.Fault
		call   func(context.Context) error
		want   string
	}{
		{"a denied read", []awsemu.Fault{{Operation: "s3:GetObject", Deny: true}},
			func(ctx context.Context) error { _, _, err := own.Get(ctx, MutesKey); return err },
			"grant s3:GetObject on the object and s3:ListBucket on the bucket"},
		{"a missing key without s3:ListBucket",
			[]awsemu.Fault{{Operation: "s3:ListObjectsV2", Deny: true}}, func(ctx context.Context) error {
				_, _, err := own.Get(ctx, "none")
				return err
			},
			"s3:ListBucket on the bucket"},
		{"a denied write", []awsemu.Fault{{Operation: "s3:PutObject", Deny: true}},
			func(ctx context.Context) error { _, err := own.Put(ctx, "k", nil, Condition{}); return err },
			"grant s3:PutObject on the object"},
		{"a bucket of another account", nil, func(ctx context.Context) error {
			_, err := withName("foreign").Put(ctx, "k", nil, Condition{})
			return err
		}, "check that account " + account + " owns the bucket"},
		{"a missing bucket", nil, func(ctx context.Context) error {
			_, _, err := withName("none").Get(ctx, "k")
			return err
		}, "create it, or correct its name"},
		{"a bucket in another region", nil, func(ctx context.Context) error {
			_, _, err := withName("far").Get(ctx, "k")
			return err
		}, "use a bucket in this region"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv.SetFaults(tt.faults...)
			err := tt.call(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, ErrMissing) ||
				errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), "s3://") {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestLedgerOverS3 runs the protocol over the SDK, whose retries repeat writes.
func TestLedgerOverS3(t *testing.T) {
	conflict := &awsemu.FaultError{Code: "ConditionalRequestConflict", Status: 409}
	for name, fault := range map[string]awsemu.Fault{
		"no fault":                       {},
		"the reply to the claim is lost": {Operation: "s3:PutObject", LoseReply: true, Times: 1},
		"the reply to the confirmation is lost": {Operation: "s3:PutObject", LoseReply: true, After: 1,
			Times: 1},
		"a conflict": {Operation: "s3:PutObject", Error: conflict, Times: 1},
		"one internal error": {Operation: "s3:*",
			Error: &awsemu.FaultError{Code: "InternalError", Status: 500}, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := serverWithBuckets()
			if name != "no fault" {
				srv.Faults = []awsemu.Fault{fault}
			}
			b := connect(t, srv, 3)
			var topic fakeTopic
			for _, run := range []string{"1", "2"} {
				l := &Ledger{Objects: b, Key: key, Owner: run, Run: run, Now: time.Now}
				if out, err := l.Announce(t.Context(), true, plan([]string{"g"}, run),
					topic.publish); err != nil || out.StateErrors != nil {
					t.Fatalf("outcome %+v, error %v", out, err)
				}
			}
			s, err := alert.ParseState(srv.Objects("evidence")[key])
			if len(topic.subjects) != 1 || err != nil || s.Run.ID != "2" {
				t.Errorf("sent %q, state %+v, error %v", topic.subjects, s, err)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	at := time.Date(2026, 1, 2, 23, 0, 0, 0, time.FixedZone("", -2*3600))
	for got, want := range map[string]string{
		StateKey(account, "audit"):                      "state/123456789012/audit.json",
		brokenKey("state/123456789012/audit.json", "r"): "state/123456789012/audit.broken-r.json",
		ReportKey(at, "r"):                              "reports/2026/01/03/r.json",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
