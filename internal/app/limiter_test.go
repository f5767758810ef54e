package app

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// rated refuses calls beyond a rate, as IAM does: a bucket of tokens that fills up at a rate.
type rated struct {
	http.Handler
	perSecond, burst float64

	mu     sync.Mutex
	tokens float64
	last   time.Time
	calls  atomic.Int64
}

func (s *rated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls.Add(1)
	s.mu.Lock()
	now := time.Now()
	s.tokens = min(s.burst, s.tokens+s.perSecond*now.Sub(s.last).Seconds())
	s.last = now
	ok := s.tokens >= 1
	if ok {
		s.tokens--
	}
	s.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>" +
			"<Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>"))
		return
	}
	s.Handler.ServeHTTP(w, r)
}

// getUsers reads a user n times at once, and returns how many reads failed, and the virtual time.
func getUsers(t *testing.T, clients Clients, n int) (failed int64, took time.Duration) {
	var failures atomic.Int64
	started := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			name := "ci"
			if _, err := clients.IAM.GetUser(t.Context(),
				&iam.GetUserInput{UserName: &name}); err != nil {
				failures.Add(1)
			}
		})
	}
	wg.Wait()
	return failures.Load(), time.Since(started)
}

func accountWithUser() *awsemu.Account {
	return &awsemu.Account{Users: map[string]awsemu.User{"ci": {}}}
}

// TestAStormOfThrottlingIsSurvived checks in virtual time that all calls succeed, at each rate that
// AWS accepts, and that the calls do not keep AWS busy with refusals.
func TestAStormOfThrottlingIsSurvived(t *testing.T) {
	const calls = 200
	for _, rate := range []float64{3, 5, 10, 20, 50} {
		synctest.Test(t, func(t *testing.T) {
			server := &rated{Handler: &awsemu.Server{Account: accountWithUser()}, perSecond: rate,
				burst: 5, last: time.Now()}
			failed, took := getUsers(t, NewClients(roundtrips.Config(t, server)), calls)
			ideal := time.Duration(calls / rate * float64(time.Second))
			t.Logf("rate %v: %d failed, %d calls, %v of at least %v", rate, failed, server.calls.Load(), took,
				ideal)
			if failed > 0 || server.calls.Load() > 3*calls || took > 3*ideal {
				t.Errorf("rate %v: %d of %d calls failed, AWS was called %d times, in %v instead of %v", rate,
					failed, calls, server.calls.Load(), took, ideal)
			}
		})
	}
}

// TestOneThrottledAnswerDelaysOneCall checks in virtual time that a throttled answer costs at most
// the backoff of the call.
func TestOneThrottledAnswerDelaysOneCall(t *testing.T) {
	took := func(faults ...awsemu.Fault) (d time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			clients := NewClients(roundtrips.Config(t,
				&awsemu.Server{Account: accountWithUser(), Faults: faults}))
			for range 3 {
				failed, more := getUsers(t, clients, 30)
				if failed > 0 {
					t.Errorf("%d calls failed", failed)
				}
				d += more
			}
		})
		return d
	}
	without := took()
	with := took(awsemu.Fault{Operation: "iam:GetUser", Throttle: true, Times: 1})
	if cost := with - without; cost > minBackoff+5*roundtrips.Latency {
		t.Errorf("one throttled answer costs %v in %v", cost, without)
	}
}

// TestACallThatGivesUpLosesNoTurn checks that the turn of a call whose context ended goes to
// another call.
func TestACallThatGivesUpLosesNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(1)
		release, err := l.acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		hurried, stop := context.WithCancel(t.Context())
		gaveUp := make(chan error)
		go func() {
			_, err := l.acquire(hurried)
			gaveUp <- err
		}()
		synctest.Wait()
		done := make(chan error)
		go func() {
			release, err := l.acquire(t.Context())
			if err == nil {
				release(false, false)
			}
			done <- err
		}()
		synctest.Wait()
		stop()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("the call that gave up got %v", err)
		}
		release(false, false)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
