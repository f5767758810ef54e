package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// hostile is what a test changes in an account with gaps: an object of the evidence bucket, or the
// reply to one operation.
type hostile struct {
	key, object      string
	operation, reply string
}

// run runs the function once. It returns the result, the only message and the allocated bytes.
func (h hostile) run(t *testing.T) (RunResult, awsemu.Message, uint64, *awsemu.Server) {
	t.Helper()
	drifted, err := account.Load(examples.FS, "drifted/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if h.key != "" {
		drifted.Buckets["remotion-audit-evidence"] = awsemu.Bucket{Versioned: true,
			Objects: map[string]string{h.key: h.object}}
	}
	server := &awsemu.Server{Account: drifted}
	reply := []byte(h.reply)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if h.operation != "" && (bytes.Contains(body, []byte("Action="+h.operation+"&")) ||
			h.operation == "ListFunctions" && strings.HasSuffix(r.URL.Path, "/functions")) {
			_, _ = w.Write(reply)
			return
		}
		server.ServeHTTP(w, r)
	}))
	defer front.Close()
	environment := drifted.Function.Environment
	environment["REGIONS"] = "us-east-1"
	cfg, err := ConfigFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	a := App{Config: cfg, Clients: load(t, front.URL), Function: "remotion-audit",
		Log: slog.New(slog.DiscardHandler)}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r1",
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"})
	var result RunResult
	allocated := memory.Allocated(func() {
		result, err = a.Handle(ctx, json.RawMessage(`{"command":"audit"}`))
	})
	if err != nil {
		t.Error(err)
	}
	messages := server.Messages()
	if len(messages) != 1 || !result.Announced || !result.Measured {
		t.Fatalf("%d messages, result %+v; want one alert and the metrics", len(messages), result)
	}
	return result, messages[0], allocated, server
}

// TestLargeRepliesAreDecodedOneAfterAnother checks that the clients return a large reply only after
// the SDK has closed the one before.
func TestLargeRepliesAreDecodedOneAfterAnother(t *testing.T) {
	text, received := strings.Repeat("<a>", maxSmall+1), func() {}
	b := &bounded{slots: make(chan struct{}, 3), replies: replyLimiter{large: make(chan struct{}, 1)},
		client: roundTrip(func(*http.Request) (*http.Response, error) {
			received()
			return &http.Response{StatusCode: http.StatusOK,
				Body: io.NopCloser(strings.NewReader(text))}, nil
		})}
	do := func(ctx context.Context) *http.Response {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	first := do(t.Context())
	ended, stop := context.WithCancel(t.Context())
	received = stop
	if _, err := io.ReadAll(do(ended).Body); !errors.Is(err, context.Canceled) {
		t.Errorf("a second large reply while the first is open: %v, want %v", err, context.Canceled)
	}
	if got, err := io.ReadAll(first.Body); err != nil || string(got) != text {
		t.Errorf("the first reply has %d bytes, %v", len(got), err)
	}
	_, _ = first.Body.Close(), first.Body.Close()
	if got, err := io.ReadAll(do(t.Context()).Body); err != nil || string(got) != text {
		t.Errorf("the reply after that has %d bytes, %v", len(got), err)
	}
}

// TestAReplyAboveTheLimitIsNotRetried checks that the SDK returns the limit as an error after one
// call.
func TestAReplyAboveTheLimitIsNotRetried(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		_, _ = w.Write(bytes.Repeat([]byte("<a/>"), maxMarkup+1))
	}))
	defer server.Close()
	_, err := load(t, server.URL).IAM.GetUser(t.Context(), &iam.GetUserInput{})
	if err == nil || calls != 1 || !strings.Contains(err.Error(),
		"the reply of AWS must have at most 100000 tags and attributes") {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// xmlReply returns the reply of an operation in the Query protocol.
func xmlReply(operation, result string) string {
	return "<" + operation + "Response><" + operation + "Result>" + result + "</" + operation +
		"Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></" + operation +
		"Response>"
}

// TestNoInputSilencesTheAlert checks that a run sends its alert, and takes bounded memory, with
// hostile objects in the evidence bucket and hostile replies of AWS.
func TestNoInputSilencesTheAlert(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	const stateKey = "state/123456789012/remotion-audit.json"
	const state = `{"schemaVersion":"1",`
	hostile{}.run(t) // fills the caches of the catalogue
	_, _, plain, _ := hostile{}.run(t)
	for name, test := range map[string]struct {
		hostile
		// text is a part of the mail, and extra the memory above that of a plain run, in MB. A failed
		// read is repeated once.
		text  string
		extra uint64
	}{
		"tags in mutes.yaml": {hostile{key: evidence.MutesKey, object: strings.Repeat("- !\n", 32<<10)},
			"the file must have at most 100 tags", 20},
		"open brackets in mutes.yaml": {hostile{key: evidence.MutesKey,
			object: strings.Repeat("[", 128<<10)}, "invalid YAML: exceeded max depth", 30},
		"nested lists in mutes.yaml": {hostile{key: evidence.MutesKey,
			object: strings.Repeat("- ", 64<<10)}, "invalid YAML: exceeded max depth", 30},
		"many values in mutes.yaml": {hostile{key: evidence.MutesKey,
			object: "mutes:\n" + strings.Repeat("- a\n", 32<<10-2)}, "more errors", 60},
		"a large mutes.yaml": {hostile{key: evidence.MutesKey, object: strings.Repeat("# a\n", 5<<20)},
			"the file must have at most 131072 bytes", 150},
		"empty gaps in the state": {hostile{key: stateKey,
			object: state + `"gaps":[` + strings.Repeat("{},", 5<<20) + `{}]}`},
			"at most 50000 elements", 150},
		"deep nesting in the state": {hostile{key: stateKey,
			object: state + strings.Repeat(`"pending":{"next":{`, 10_000)}, "the auditor's state", 20},
		"a large state": {hostile{key: stateKey, object: state + strings.Repeat(" ", 20<<20) + "}"},
			"the state must have at most 16777216 bytes", 150},
		"many policies of a user": {hostile{operation: "ListUserPolicies", reply: xmlReply(
			"ListUserPolicies", "<PolicyNames>"+strings.Repeat("<member/>", 400_000)+"</PolicyNames>"+
				"<IsTruncated>false</IsTruncated>")}, "the reply of AWS must have at most 100000 tags and attributes",
			150},
		"many simulated actions": {hostile{operation: "SimulatePrincipalPolicy", reply: xmlReply(
			"SimulatePrincipalPolicy", "<EvaluationResults>"+strings.Repeat("<member/>", 400_000)+
				"</EvaluationResults><IsTruncated>false</IsTruncated>")},
			"the reply of AWS must have at most 100000 tags and attributes", 300},
		"a reply of 100 MB": {hostile{operation: "GetUser", reply: strings.Repeat("<a>", 32<<20)},
			"the reply of AWS must have at most 4194304 bytes", 150},
		"many functions": {hostile{operation: "ListFunctions",
			reply: `{"Functions":[` + strings.Repeat("{},", 1<<20) + `{}]}`},
			"reply of AWS: the lists of the text must have at most 10000 elements", 100},
		"simulated actions below the limit": {hostile{operation: "SimulatePrincipalPolicy", reply: xmlReply(
			"SimulatePrincipalPolicy", "<EvaluationResults>"+strings.Repeat("<member/>", 15_000)+
				"</EvaluationResults><IsTruncated>false</IsTruncated>")}, "", 1800},
		"functions at the limit": {hostile{operation: "ListFunctions",
			reply: `{"Functions":[` + strings.Repeat("{},", 9_900) + `{}]}`}, "", 3000},
		"variables at the limit": {hostile{operation: "ListFunctions",
			reply: `{"Functions":[{"Environment":{"Variables":{"a":""` + strings.Repeat(`,"b":""`, 99_000) +
				`}}}]}`}, "", 3000},
		"many subscriptions": {hostile{operation: "ListSubscriptionsByTopic", reply: xmlReply(
			"ListSubscriptionsByTopic", "<Subscriptions>"+strings.Repeat("<member/>", 400_000)+
				"</Subscriptions>")}, "", 100},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && strings.Contains(name, " the limit") {
				t.Skip("the SDK repeats the calls, which takes seconds")
			}
			result, message, allocated, server := test.run(t)
			if body := message.Body("email") + message.Body("default"); !strings.Contains(body, test.text) {
				t.Errorf("the message does not contain %q:\n%s", test.text, body)
			}
			if test.operation != "" && test.operation != "ListSubscriptionsByTopic" &&
				result.Status == audit.StatusCompliant {
				t.Errorf("status %s", result.Status)
			}
			if allocated > plain+memory.Factor*test.extra<<20 {
				t.Errorf("allocated %d MB, and %d MB without the input; want at most %d MB more",
					allocated>>20, plain>>20, memory.Factor*test.extra)
			}
			t.Logf("allocated %d MB, and %d MB without the input", allocated>>20, plain>>20)
			if test.key == stateKey {
				raw := server.Objects("remotion-audit-evidence")[stateKey]
				if _, err := alert.ParseState(raw); err != nil {
					t.Errorf("the run did not replace the damaged state: %v", err)
				}
			}
		})
	}
}
