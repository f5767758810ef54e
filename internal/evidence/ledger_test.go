package evidence

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
)

// memoryBucket is a bucket in memory, for one run at a time.
type memoryBucket struct {
	objects map[string]string
	// get and put run before each Get and Put. If they return an error, Get and Put return that error.
	get, put func(ctx context.Context, key string) error
}

func (m *memoryBucket) Get(ctx context.Context, key string) ([]byte, string, error) {
	if m.get != nil {
		if err := m.get(ctx, key); err != nil {
			return nil, "", err
		}
	}
	text, exists := m.objects[key]
	if !exists {
		return nil, "", ErrMissing
	}
	return []byte(text), text, nil
}

func (m *memoryBucket) Put(ctx context.Context, key string, body []byte,
	when Condition) (string, error) {
	if m.put != nil {
		if err := m.put(ctx, key); err != nil {
			return "", err
		}
	}
	text, exists := m.objects[key]
	if when.absent && exists || when.etag != "" && when.etag != text {
		return "", ErrChanged
	}
	if m.objects == nil {
		m.objects = map[string]string{}
	}
	m.objects[key] = string(body)
	return string(body), nil
}

const key = "state/123456789012/audit.json"

func (m *memoryBucket) state(t *testing.T) alert.State {
	t.Helper()
	s, err := alert.ParseState([]byte(m.objects[key]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fakeTopic is a topic that records the subjects of the published messages.
type fakeTopic struct {
	subjects []string
	err      error
}

func (s *fakeTopic) publish(_ context.Context, m alert.Message) error {
	if s.err == nil {
		s.subjects = append(s.subjects, m.Subject)
	}
	return s.err
}

// announce calls Announce for a run that finds the gap g.
func announce(ctx context.Context, objects Objects, topic *fakeTopic, hasSubscriber bool,
	run string) (Outcome, error) {
	l := &Ledger{Objects: objects, Key: key, Owner: run, Run: run, Now: time.Now}
	return l.Announce(ctx, hasSubscriber, plan([]string{"g"}, run), topic.publish)
}

func TestSecondRunPublishesNothing(t *testing.T) {
	var m memoryBucket
	var topic fakeTopic
	for _, run := range []string{"1", "2"} {
		if out, err := announce(t.Context(), &m, &topic, true, run); err != nil ||
			out.StateErrors != nil {
			t.Fatalf("outcome %+v, error %v", out, err)
		}
	}
	if s := m.state(t); len(topic.subjects) != 1 || s.Run.ID != "2" || s.Pending != nil {
		t.Errorf("sent %q, state %+v", topic.subjects, s)
	}
}

func TestNextRunAnnouncesWhatFailedToPublish(t *testing.T) {
	var m memoryBucket
	topic := fakeTopic{err: errors.New("the topic is down")}
	out, err := announce(t.Context(), &m, &topic, true, "1")
	if !errors.Is(err, topic.err) || out.Published != 0 || out.Plan.Message.Subject != "g" {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if s := m.state(t); s.Pending != nil || len(s.Gaps) != 0 {
		t.Errorf("after the failed publish the state is %+v", s)
	}
	topic.err = nil
	if out, err := announce(t.Context(), &m, &topic, true, "2"); err != nil || out.Published != 1 {
		t.Errorf("the next run: outcome %+v, error %v", out, err)
	}
}

func TestWithoutSubscriberNothingCountsAsAnnounced(t *testing.T) {
	var m memoryBucket
	var topic fakeTopic
	for _, hasSubscriber := range []bool{false, false, true, true} {
		if _, err := announce(t.Context(), &m, &topic, hasSubscriber, "r"); err != nil {
			t.Fatal(err)
		}
		if hasSubscriber != (len(topic.subjects) == 1) {
			t.Fatalf("has subscriber: %v, sent %q", hasSubscriber, topic.subjects)
		}
		if s := m.state(t); hasSubscriber != (len(s.Gaps) == 1) || s.Run.ID != "r" {
			t.Errorf("has subscriber: %v, state %+v", hasSubscriber, s)
		}
	}
}

func TestStateErrorsDoNotPreventTheAlert(t *testing.T) {
	refuse := func(context.Context, string) error { return errors.New("AccessDenied") }
	valid := string(alert.State{}.JSON())
	newer := strings.Replace(valid, `"`+alert.StateVersion+`"`, `"99"`, 1)
	tests := []struct {
		name    string
		bucket  *memoryBucket
		want    map[string]string // the objects after the run; nil means not checked
		wantErr string
	}{
		{"reading the state is denied", &memoryBucket{objects: map[string]string{key: valid}, get: refuse},
			map[string]string{key: valid}, "AccessDenied"},
		{"writing the state is denied", &memoryBucket{objects: map[string]string{key: valid}, put: refuse},
			map[string]string{key: valid}, "AccessDenied"},
		{"every write conflicts with another run", &memoryBucket{put: func(context.Context, string) error {
			return ErrChanged
		}}, nil, ErrChanged.Error()},
		{"a newer release wrote the state", &memoryBucket{objects: map[string]string{key: newer}},
			map[string]string{key: newer}, "newer release"},
		{"the state is damaged", &memoryBucket{objects: map[string]string{key: "{"}}, nil, "not JSON"},
		{"the state is damaged, and copying it is denied", &memoryBucket{objects: map[string]string{key: "{"},
			put: func(_ context.Context, k string) error {
				if k != key {
					return errors.New("no")
				}
				return nil
			}}, nil, "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var topic fakeTopic
			var views []View
			l := &Ledger{Objects: tt.bucket, Key: key, Owner: "o", Run: "r7", Now: time.Now}
			out, err := l.Announce(t.Context(), true, func(v View) Plan {
				views = append(views, v)
				return plan([]string{"g"}, "r7")(v)
			}, topic.publish)
			if err != nil || len(topic.subjects) != 1 || out.Published != 1 {
				t.Errorf("sent %q, outcome %+v, error %v", topic.subjects, out, err)
			}
			if len(out.StateErrors) == 0 || !strings.Contains(errors.Join(out.StateErrors...).Error(),
				tt.wantErr) {
				t.Errorf("state errors %v, want %s", out.StateErrors, tt.wantErr)
			}
			if tt.want != nil && !maps.Equal(tt.bucket.objects, tt.want) {
				t.Errorf("objects %q, want %q", tt.bucket.objects, tt.want)
			}
			last := views[len(views)-1]
			if unreadable := tt.bucket.get != nil || tt.want[key] == newer; last.Stateless != unreadable {
				t.Errorf("planned from %+v, want Stateless %v", last, unreadable)
			}
			wantProblem := tt.name != "writing the state is denied" &&
				tt.name != "every write conflicts with another run"
			if (last.Problem != nil) != wantProblem {
				t.Errorf("planned from %+v, want a problem: %v", last, wantProblem)
			}
		})
	}
}

func TestDamagedStateIsCopiedAndReplaced(t *testing.T) {
	m := &memoryBucket{objects: map[string]string{key: "{damaged"}}
	var topic fakeTopic
	if _, err := announce(t.Context(), m, &topic, true, "r7"); err != nil {
		t.Fatal(err)
	}
	if got := m.objects["state/123456789012/audit.broken-r7.json"]; got != "{damaged" {
		t.Errorf("the copy is %q; objects %q", got, slices.Sorted(maps.Keys(m.objects)))
	}
	if s := m.state(t); len(s.Gaps) != 1 {
		t.Errorf("state %+v", s)
	}
	if out, err := announce(t.Context(), m, &topic, true, "r8"); err != nil ||
		out.StateErrors != nil ||
		len(topic.subjects) != 1 {
		t.Errorf("the next run: outcome %+v, error %v, sent %q", out, err, topic.subjects)
	}
}

func TestWithoutBucketEveryRunAnnounces(t *testing.T) {
	var topic fakeTopic
	for range 2 {
		if out, err := announce(t.Context(), nil, &topic, true, "r"); err != nil ||
			out.StateErrors != nil {
			t.Errorf("outcome %+v, error %v", out, err)
		}
	}
	if len(topic.subjects) != 2 {
		t.Errorf("sent %q", topic.subjects)
	}
}

// bucketWithClaim returns a bucket with a claim of the run "gone". The lease of the claim ends at
// until.
func bucketWithClaim(until time.Time) *memoryBucket {
	p := plan([]string{"old"}, "gone")(View{})
	s := alert.State{Pending: &alert.Pending{ID: "gone", DedupKey: p.Digest.DedupKey,
		Message: p.Message, Next: p.Next, Owner: "gone", Until: until}}
	return &memoryBucket{objects: map[string]string{key: string(s.JSON())}}
}

func TestClaimOfDeadRunIsTakenOverAfterItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bucketWithClaim(time.Now().Add(Lease))
		var topic fakeTopic
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		started := time.Now()
		out, err := announce(ctx, m, &topic, true, "r")
		if took := time.Since(started); err != nil || took < Lease || took > Lease+maxPoll {
			t.Errorf("error %v after %s", err, took)
		}
		// The run sends the message of the dead run unchanged, then its own message.
		if want := []string{"old", "g"}; !slices.Equal(topic.subjects, want) || out.Published != 2 {
			t.Errorf("sent %q, want %q", topic.subjects, want)
		}
		if s := m.state(t); len(s.Gaps) != 2 || s.Pending != nil {
			t.Errorf("state %+v", s)
		}
	})
}

func TestClaimThatFailsToPublishStays(t *testing.T) {
	m := bucketWithClaim(time.Now().Add(-time.Second))
	topic := fakeTopic{err: errors.New("the topic is down")}
	out, err := announce(t.Context(), m, &topic, true, "r")
	if !errors.Is(err, topic.err) || out.Plan.Message.Zero() {
		t.Errorf("outcome %+v, error %v", out, err)
	}
	if p := m.state(t).Pending; p == nil || p.Message.Subject != "old" || p.ID != "gone" ||
		p.Owner != "r" {
		t.Errorf("the claim is %+v", p)
	}
}

func TestRunWaitsForLiveClaimUntilItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bucketWithClaim(time.Now().Add(Lease))
		var topic fakeTopic
		ctx, stop := context.WithTimeout(t.Context(), Lease/2)
		defer stop()
		out, err := announce(ctx, m, &topic, true, "r")
		if !errors.Is(err, ErrBusy) || ctx.Err() != nil || len(topic.subjects) != 0 ||
			out.Plan.Message.Zero() {
			t.Errorf("outcome %+v, error %v, sent %q", out, err, topic.subjects)
		}
	})
}

func TestRunStopsWaitingWhenClaimIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bucketWithClaim(time.Now().Add(Lease))
		started := time.Now()
		m.get = func(context.Context, string) error {
			if s := m.state(t); s.Pending != nil && s.Pending.ID == "gone" &&
				time.Since(started) >= 3*time.Second {
				m.objects[key] = string(s.Pending.Next.JSON())
			}
			return nil
		}
		var topic fakeTopic
		if _, err := announce(t.Context(), m, &topic, true, "r"); err != nil ||
			time.Since(started) > 3*time.Second+maxPoll {
			t.Errorf("error %v after %s", err, time.Since(started))
		}
		if want := []string{"g"}; !slices.Equal(topic.subjects, want) {
			t.Errorf("sent %q, want %q", topic.subjects, want)
		}
	})
}

func TestPublishStopsBeforeTheLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memoryBucket
		publish := func(ctx context.Context, _ alert.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}
		l := &Ledger{Objects: &m, Key: key, Owner: "r", Run: "r", Now: time.Now}
		started := time.Now()
		_, err := l.Announce(t.Context(), true, plan([]string{"g"}, "r"), publish)
		if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) ||
			took > Lease-publishMargin {
			t.Errorf("error %v after %s", err, took)
		}
		if s := m.state(t); s.Pending != nil {
			t.Errorf("the claim stays: %+v", s)
		}
	})
}

func TestBucketThatHangsLeavesTimeForTheAlert(t *testing.T) {
	hang := func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, m := range map[string]*memoryBucket{"a read hangs": {get: hang},
		"a write hangs": {put: hang}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var topic fakeTopic
				ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
				defer stop()
				out, err := announce(ctx, m, &topic, true, "r")
				if err != nil || len(topic.subjects) != 1 || len(out.StateErrors) == 0 || ctx.Err() != nil {
					t.Errorf("outcome %+v, error %v, sent %q", out, err, topic.subjects)
				}
			})
		})
	}
}

func ExampleLedger_Announce() {
	var bucket memoryBucket // in production: evidence.Bucket
	for _, run := range []string{"first", "second"} {
		l := &Ledger{Objects: &bucket, Key: StateKey("123456789012", "audit"), Owner: run, Run: run,
			Now: time.Now}
		out, err := l.Announce(context.Background(), true, plan([]string{"s3:GetObject"}, run),
			func(_ context.Context, m alert.Message) error {
				fmt.Println("published:", m.Subject)
				return nil
			})
		fmt.Println(run, out.Published, err)
	}
	// Output:
	// published: s3:GetObject
	// first 1 <nil>
	// second 0 <nil>
}
