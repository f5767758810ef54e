package app

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

func load(t *testing.T, url string) Clients {
	t.Helper()
	clients, _, err := LoadClients(t.Context(), slog.New(slog.DiscardHandler),
		config.WithRegion("us-east-1"), config.WithBaseEndpoint(url),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIA", "secret", "")))
	if err != nil {
		t.Fatal(err)
	}
	return clients
}

// TestClientsTrustTheCABundle checks that the clients trust the certificates in AWS_CA_BUNDLE. A
// proxy that inspects TLS needs this.
func TestClientsTrustTheCABundle(t *testing.T) {
	server := httptest.NewTLSServer(&awsemu.Server{})
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, cert, 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if _, err := load(t, server.URL).STS.GetCallerIdentity(t.Context(),
		&sts.GetCallerIdentityInput{}); err != nil {
		t.Error(err)
	}
}

func TestClientsLimitConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inFlight, most atomic.Int64
		emu := &awsemu.Server{}
		clients := NewClients(roundtrips.Config(t, http.HandlerFunc(
			func(w http.ResponseWriter, r *http.Request) {
				n := inFlight.Add(1)
				defer inFlight.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(time.Second) // in virtual time, until all possible calls have arrived
				emu.ServeHTTP(w, r)
			})))
		var wg sync.WaitGroup
		for i := range 3 * maxInFlight {
			wg.Go(func() {
				name := fmt.Sprintf("user%d", i)
				// The user does not exist; only the request matters.
				_, _ = clients.IAM.GetUser(t.Context(), &iam.GetUserInput{UserName: &name})
			})
		}
		wg.Wait()
		if got := most.Load(); got != maxInFlight {
			t.Errorf("%d concurrent calls, want %d", got, maxInFlight)
		}
	})
}

func TestClientsCountThrottling(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	server := httptest.NewServer(&awsemu.Server{Faults: []awsemu.Fault{{Operation: "sts:*",
		Throttle: true, Times: 1}}})
	defer server.Close()
	clients := load(t, server.URL)
	if _, err := clients.STS.GetCallerIdentity(t.Context(),
		&sts.GetCallerIdentityInput{}); err != nil {
		t.Fatal(err)
	}
	if got := clients.Throttled(); got != 1 {
		t.Errorf("%d throttled answers, want 1", got)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }

// TestClientsHideTheBodysWriteTo checks that the HTTP client receives a body without WriteTo. With
// WriteTo, net/http can lose the reply: see bounded.Do.
func TestClientsHideTheBodysWriteTo(t *testing.T) {
	b := &bounded{slots: make(chan struct{}, 1),
		client: roundTrip(func(r *http.Request) (*http.Response, error) {
			if _, ok := r.Body.(io.WriterTo); ok {
				t.Error("the body has WriteTo")
			}
			if text, err := io.ReadAll(r.Body); err != nil || string(text) != "text" {
				t.Errorf("the body is %q, %v", text, err)
			}
			return &http.Response{}, nil
		})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1",
		bytes.NewReader([]byte("text")))
	if err != nil {
		t.Fatal(err)
	}
	req.Body = struct {
		io.ReadCloser
		io.WriterTo
	}{req.Body, bytes.NewReader([]byte("text"))}
	if _, err := b.Do(req); err != nil {
		t.Error(err)
	}
}
