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

// memory is a bucket that one run at a time reaches.
type memory struct {
	objects map[string]string
	// get and put are met before a call: an error is the call's.
	get, put func(ctx context.Context, key string) error
}

func (m *memory) Get(ctx context.Context, key string) ([]byte, string, error) {
	if m.get != nil {
		if err := m.get(ctx, key); err != nil {
			return nil, "", err
		}
	}
	text, there := m.objects[key]
	if !there {
		return nil, "", ErrMissing
	}
	return []byte(text), text, nil
}

func (m *memory) Put(ctx context.Context, key string, body []byte, when Condition) (string, error) {
	if m.put != nil {
		if err := m.put(ctx, key); err != nil {
			return "", err
		}
	}
	text, there := m.objects[key]
	if when.absent && there || when.etag != "" && when.etag != text {
		return "", ErrChanged
	}
	if m.objects == nil {
		m.objects = map[string]string{}
	}
	m.objects[key] = string(body)
	return string(body), nil
}

const key = "state/123456789012/audit.json"

func (m *memory) state(t *testing.T) alert.State {
	t.Helper()
	s, err := alert.ParseState([]byte(m.objects[key]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// told is a topic.
type told struct {
	subjects []string
	err      error
}

func (s *told) publish(_ context.Context, m alert.Message) error {
	if s.err == nil {
		s.subjects = append(s.subjects, m.Subject)
	}
	return s.err
}

// announce lets a run announce a gap.
func announce(ctx context.Context, objects Objects, topic *told, heard bool,
	run string) (Outcome, error) {
	l := &Ledger{Objects: objects, Key: key, Owner: run, Run: run, Now: time.Now}
	return l.Announce(ctx, heard, plan([]string{"g"}, run), topic.publish)
}

func TestTheSecondRunIsSilent(t *testing.T) {
	var m memory
	var topic told
	for _, run := range []string{"1", "2"} {
		if out, err := announce(t.Context(), &m, &topic, true, run); err != nil || out.Trouble != nil {
			t.Fatalf("%+v %v", out, err)
		}
	}
	if s := m.state(t); len(topic.subjects) != 1 || s.Run.ID != "2" || s.Pending != nil {
		t.Errorf("sent %q, state %+v", topic.subjects, s)
	}
}

func TestWhatDidNotGoOutIsAnnouncedAgain(t *testing.T) {
	var m memory
	topic := told{err: errors.New("the topic is down")}
	out, err := announce(t.Context(), &m, &topic, true, "1")
	if !errors.Is(err, topic.err) || out.Published != 0 || out.Planned.Message.Subject != "g" {
		t.Fatalf("%+v %v", out, err)
	}
	if s := m.state(t); s.Pending != nil || len(s.Gaps) != 0 {
		t.Errorf("after a publish that failed the state is %+v", s)
	}
	topic.err = nil
	if out, err := announce(t.Context(), &m, &topic, true, "2"); err != nil || out.Published != 1 {
		t.Errorf("the next run: %+v %v", out, err)
	}
}

func TestWithNobodyListeningNothingCountsAsAnnounced(t *testing.T) {
	var m memory
	var topic told
	for _, heard := range []bool{false, false, true, true} {
		if _, err := announce(t.Context(), &m, &topic, heard, "r"); err != nil {
			t.Fatal(err)
		}
		if heard != (len(topic.subjects) == 1) {
			t.Fatalf("heard %v, sent %q", heard, topic.subjects)
		}
		if s := m.state(t); heard != (len(s.Gaps) == 1) || s.Run.ID != "r" {
			t.Errorf("heard %v, and the state is %+v", heard, s)
		}
	}
}

func TestTroubleWithTheStateKeepsNoAlertBack(t *testing.T) {
	refuse := func(context.Context, string) error { return errors.New("AccessDenied") }
	whole := string(alert.State{}.JSON())
	newer := strings.Replace(whole, `"`+alert.StateVersion+`"`, `"99"`, 1)
	tests := []struct {
		name    string
		bucket  *memory
		want    map[string]string // objects afterwards; nil is not looked at
		trouble string
	}{
		{"it may not be read", &memory{objects: map[string]string{key: whole}, get: refuse},
			map[string]string{key: whole}, "AccessDenied"},
		{"it may not be written", &memory{objects: map[string]string{key: whole}, put: refuse},
			map[string]string{key: whole}, "AccessDenied"},
		{"every write meets another", &memory{put: func(context.Context, string) error {
			return ErrChanged
		}}, nil, ErrChanged.Error()},
		{"it is of a newer release", &memory{objects: map[string]string{key: newer}},
			map[string]string{key: newer}, "newer release"},
		{"it is damaged", &memory{objects: map[string]string{key: "{"}}, nil, "not JSON"},
		{"it is damaged, and there may be no copy", &memory{objects: map[string]string{key: "{"},
			put: func(_ context.Context, k string) error {
				if k != key {
					return errors.New("no")
				}
				return nil
			}}, nil, "not JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var topic told
			var views []View
			l := &Ledger{Objects: tt.bucket, Key: key, Owner: "o", Run: "r7", Now: time.Now}
			out, err := l.Announce(t.Context(), true, func(v View) alert.Planned {
				views = append(views, v)
				return plan([]string{"g"}, "r7")(v)
			}, topic.publish)
			if err != nil || len(topic.subjects) != 1 || out.Published != 1 {
				t.Errorf("sent %q, %+v, %v", topic.subjects, out, err)
			}
			if len(out.Trouble) == 0 || !strings.Contains(errors.Join(out.Trouble...).Error(), tt.trouble) {
				t.Errorf("trouble %v, want %s", out.Trouble, tt.trouble)
			}
			if tt.want != nil && !maps.Equal(tt.bucket.objects, tt.want) {
				t.Errorf("objects %q, want %q", tt.bucket.objects, tt.want)
			}
			last := views[len(views)-1]
			if unreadable := tt.bucket.get != nil || tt.want[key] == newer; last.Stateless != unreadable {
				t.Errorf("planned by %+v", last)
			}
			if about := last.Trouble != nil; about != (tt.name != "it may not be written" &&
				tt.name != "every write meets another") {
				t.Errorf("planned by %+v", last)
			}
		})
	}
}

func TestADamagedStateIsKeptAndReplaced(t *testing.T) {
	m := &memory{objects: map[string]string{key: "{damaged"}}
	var topic told
	if _, err := announce(t.Context(), m, &topic, true, "r7"); err != nil {
		t.Fatal(err)
	}
	if got := m.objects["state/123456789012/audit.broken-r7.json"]; got != "{damaged" {
		t.Errorf("the copy is %q, of %q", got, slices.Sorted(maps.Keys(m.objects)))
	}
	if s := m.state(t); len(s.Gaps) != 1 {
		t.Errorf("state %+v", s)
	}
	if out, err := announce(t.Context(), m, &topic, true, "r8"); err != nil || out.Trouble != nil ||
		len(topic.subjects) != 1 {
		t.Errorf("the next run: %+v %v, sent %q", out, err, topic.subjects)
	}
}

func TestWithoutABucketThereIsNoMemory(t *testing.T) {
	var topic told
	for range 2 {
		if out, err := announce(t.Context(), nil, &topic, true, "r"); err != nil || out.Trouble != nil {
			t.Errorf("%+v %v", out, err)
		}
	}
	if len(topic.subjects) != 2 {
		t.Errorf("sent %q", topic.subjects)
	}
}

// claimed is a bucket with a message that another run claimed.
func claimed(until time.Time) *memory {
	p := plan([]string{"old"}, "gone")(View{})
	s := alert.State{Pending: &alert.Pending{ID: "gone", DedupKey: p.DedupKey, Message: p.Message,
		Next: p.Next, Owner: "gone", Until: until}}
	return &memory{objects: map[string]string{key: string(s.JSON())}}
}

func TestAClaimOfADeadRunIsTakenOverWhenItsLeaseIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimed(time.Now().Add(Lease))
		var topic told
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		started := time.Now()
		out, err := announce(ctx, m, &topic, true, "r")
		if took := time.Since(started); err != nil || took < Lease || took > Lease+longestPoll {
			t.Errorf("%v after %s", err, took)
		}
		// The dead run's message goes out as it was, then this run's own.
		if want := []string{"old", "g"}; !slices.Equal(topic.subjects, want) || out.Published != 2 {
			t.Errorf("sent %q, want %q", topic.subjects, want)
		}
		if s := m.state(t); len(s.Gaps) != 2 || s.Pending != nil {
			t.Errorf("state %+v", s)
		}
	})
}

func TestAClaimThatCannotBeSentStays(t *testing.T) {
	m := claimed(time.Now().Add(-time.Second))
	topic := told{err: errors.New("the topic is down")}
	out, err := announce(t.Context(), m, &topic, true, "r")
	if !errors.Is(err, topic.err) || out.Planned.Message.Zero() {
		t.Errorf("%+v %v", out, err)
	}
	if p := m.state(t).Pending; p == nil || p.Message.Subject != "old" || p.ID != "gone" ||
		p.Owner != "r" {
		t.Errorf("the claim is %+v", p)
	}
}

func TestALiveClaimIsWaitedForUntilTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimed(time.Now().Add(Lease))
		var topic told
		ctx, stop := context.WithTimeout(t.Context(), Lease/2)
		defer stop()
		out, err := announce(ctx, m, &topic, true, "r")
		if !errors.Is(err, ErrBusy) || ctx.Err() != nil || len(topic.subjects) != 0 ||
			out.Planned.Message.Zero() {
			t.Errorf("%+v %v, sent %q", out, err, topic.subjects)
		}
	})
}

func TestALiveClaimThatIsConfirmedIsNotWaitedForAnyLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := claimed(time.Now().Add(Lease))
		started := time.Now()
		m.get = func(context.Context, string) error {
			if s := m.state(t); s.Pending != nil && s.Pending.ID == "gone" &&
				time.Since(started) >= 3*time.Second {
				m.objects[key] = string(s.Pending.Next.JSON())
			}
			return nil
		}
		var topic told
		if _, err := announce(t.Context(), m, &topic, true, "r"); err != nil ||
			time.Since(started) > 3*time.Second+longestPoll {
			t.Errorf("%v after %s", err, time.Since(started))
		}
		if want := []string{"g"}; !slices.Equal(topic.subjects, want) {
			t.Errorf("sent %q, want %q", topic.subjects, want)
		}
	})
}

func TestNobodyPublishesBeyondTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m memory
		hangs := func(ctx context.Context, _ alert.Message) error {
			<-ctx.Done()
			return ctx.Err()
		}
		l := &Ledger{Objects: &m, Key: key, Owner: "r", Run: "r", Now: time.Now}
		started := time.Now()
		_, err := l.Announce(t.Context(), true, plan([]string{"g"}, "r"), hangs)
		if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || took > Lease-margin {
			t.Errorf("%v after %s", err, took)
		}
		if s := m.state(t); s.Pending != nil {
			t.Errorf("the claim stays: %+v", s)
		}
	})
}

// A bucket that does not answer leaves time for the alert.
func TestABucketThatHangsLeavesTimeForTheAlert(t *testing.T) {
	hang := func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, m := range map[string]*memory{"reading": {get: hang}, "writing": {put: hang}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var topic told
				ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
				defer stop()
				out, err := announce(ctx, m, &topic, true, "r")
				if err != nil || len(topic.subjects) != 1 || len(out.Trouble) == 0 || ctx.Err() != nil {
					t.Errorf("%+v %v, sent %q", out, err, topic.subjects)
				}
			})
		})
	}
}

func ExampleLedger_Announce() {
	var bucket memory // evidence.Bucket, in earnest
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
