package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// An auditedAccount is an account with gaps, in virtual time. The test makes runs of the function
// in it.
type auditedAccount struct {
	t      *testing.T
	server *awsemu.Server
}

func newAuditedAccount(t *testing.T, name string) *auditedAccount {
	t.Helper()
	a, err := account.Load(examples.FS, name+"/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	a.Function.Environment["REGIONS"] = "us-east-1"
	return &auditedAccount{t: t, server: &awsemu.Server{Account: a}}
}

// A process is one run of the function. Its steps are its calls to S3 and SNS, in the order in
// which they reach AWS.
type process struct {
	// dies is the step at which the process is killed, or -1: before or after AWS performs the call.
	dies   int
	after  bool
	random *rand.Rand // delays the steps; nil for no delay
	// silent are the regions in which the account seems to have no functions.
	silent []string

	mutex sync.Mutex
	steps []string
	dead  bool
	kill  context.CancelFunc
}

// next counts a step and reports whether the process is killed before or after the step. dead is
// true if the process was killed before.
func (p *process) next(name string, r *http.Request) (delay time.Duration, dead, before,
	after bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.random != nil {
		delay = time.Duration(p.random.IntN(400)) * time.Millisecond
	}
	if p.dead {
		return delay, true, false, false
	}
	hit := len(p.steps) == p.dies
	p.steps = append(p.steps, name+" "+r.Method)
	return delay, false, hit && !p.after, hit && p.after
}

func (p *process) die() {
	p.mutex.Lock()
	p.dead = true
	p.mutex.Unlock()
	p.kill()
	panic(http.ErrAbortHandler) // the process never sees an answer
}

// handler passes the calls of the process to server, until the process dies.
func (p *process) handler(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service := ""
		for _, name := range []string{"s3", "sns"} {
			if strings.Contains(r.Header.Get("Authorization"), "/"+name+"/aws4_request") {
				service = name
			}
		}
		if slices.ContainsFunc(p.silent, func(region string) bool {
			return strings.Contains(r.Header.Get("Authorization"), "/"+region+"/lambda/")
		}) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Amzn-Requestid", "00000000-0000-4000-8000-000000000000")
			_, _ = io.WriteString(w, `{"Functions":[]}`)
			return
		}
		if service == "" {
			server.ServeHTTP(w, r)
			return
		}
		delay, dead, before, after := p.next(service, r)
		switch {
		case dead:
			panic(http.ErrAbortHandler)
		case before:
			p.die()
		case after:
			server.ServeHTTP(httptest.NewRecorder(), r)
			p.die()
		}
		time.Sleep(delay)
		server.ServeHTTP(w, r)
	})
}

// function returns the function, as the process runs it.
func (a *auditedAccount) function(p *process) *App {
	a.t.Helper()
	environment := a.server.Account.Function.Environment
	cfg, err := ConfigFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		a.t.Fatal(err)
	}
	return &App{Config: cfg, Function: "remotion-audit", Log: slog.New(slog.DiscardHandler),
		Clients: NewClients(roundtrips.Config(a.t, p.handler(a.server)))}
}

// run makes one run, and returns its error. The error of a process that died is that of its calls.
func (a *auditedAccount) run(id string, p *process) error {
	a.t.Helper()
	raw, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(a.t.Context(), time.Minute)
	defer stop()
	p.kill = stop
	_, err = a.function(p).Handle(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       id,
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"}), raw)
	return err
}

// messages returns the number of messages of the topic and their distinct dedupKeys.
func (a *auditedAccount) messages() (copies int, keys []string) {
	for _, m := range a.server.Messages() {
		copies++
		keys = append(keys, m.Attributes["dedupKey"].Value)
	}
	slices.Sort(keys)
	return copies, slices.Compact(keys)
}

// settled fails the test if the state has a claim, or lacks the gaps.
func (a *auditedAccount) settled() {
	a.t.Helper()
	key := evidence.StateKey("123456789012", "remotion-audit")
	s, err := alert.ParseState(a.server.Objects("remotion-audit-evidence")[key])
	if err != nil || s.Pending != nil || len(s.Gaps) == 0 || s.Baseline.IsZero() {
		a.t.Errorf("state %+v, %v", s, err)
	}
}

// TestADeadRunLosesNoAlert kills a run of the function before and after each of its calls to S3 and
// SNS. Two later runs follow. The alert is sent at least once, at most twice and with one key:
// twice only if the run died between the publish and the confirmation.
func TestADeadRunLosesNoAlert(t *testing.T) {
	total, twice := 0, 0
	for dies, reached := 0, true; reached; dies++ {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				a := newAuditedAccount(t, "drifted")
				p := &process{dies: dies, after: after}
				first := a.run("first", p)
				if reached = p.dead; !reached {
					if copies, _ := a.messages(); first != nil || copies != 1 {
						t.Errorf("a run without a crash sent %d messages, error %v", copies, first)
					}
					return
				}
				for i := range 2 {
					time.Sleep(time.Hour)
					if err := a.run(fmt.Sprint("later", i), &process{dies: -1}); err != nil {
						t.Errorf("run %d after the crash: %v", i+1, err)
					}
				}
				copies, keys := a.messages()
				step := p.steps[dies]
				published := slices.Index(p.steps, "sns POST")
				mayRepeat := published >= 0 && dies > published
				if copies < 1 || copies > 2 || len(keys) != 1 || copies == 2 && !mayRepeat {
					t.Errorf("killed at step %d (%s), after: %v: %d copies, keys %q; steps %q", dies, step,
						after, copies, keys, p.steps)
				}
				a.settled()
				total++
				if copies > 1 {
					twice++
				}
			})
		}
	}
	t.Logf("%d crashes, %d of them with a second copy", total, twice)
	if total < 12 || twice == 0 {
		t.Errorf("%d crashes, %d with a second copy: the test no longer reaches the steps", total, twice)
	}
}

// TestOverlappingRunsOfTheFunctionSendOneAlert runs the function 2, 5 and 20 times at once, with
// random delays of all calls to S3 and SNS.
func TestOverlappingRunsOfTheFunctionSendOneAlert(t *testing.T) {
	for n, seeds := range map[int]uint64{2: 6, 5: 4, 20: 1} {
		for seed := range seeds {
			t.Run(fmt.Sprintf("%d runs, seed %d", n, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAuditedAccount(t, "drifted")
					errs := make([]error, n)
					var wg sync.WaitGroup
					for i := range n {
						wg.Go(func() {
							errs[i] = a.run(fmt.Sprint("run", i), &process{dies: -1,
								random: rand.New(rand.NewPCG(seed, uint64(i)))})
						})
					}
					wg.Wait()
					for i, err := range errs {
						if err != nil {
							t.Errorf("run %d: %v", i, err)
						}
					}
					if copies, keys := a.messages(); copies != 1 || len(keys) != 1 {
						t.Errorf("%d copies, keys %q", copies, keys)
					}
					a.settled()
				})
			})
		}
	}
}
