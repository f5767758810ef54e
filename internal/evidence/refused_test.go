package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// realPlan plans the report as the function does.
func realPlan(r audit.Report, run string, at time.Time) func(View) Plan {
	r.Run = audit.Run{ID: run, At: at}
	return func(v View) Plan {
		o := alert.Options{RepeatAfter: 24 * time.Hour, Stateless: v.Stateless}
		p := Plan{Planned: alert.Plan(v.State, r, nil, at, o)}
		if p.Digest != nil {
			p.Message = render.Message(*p.Digest, render.Sender{})
		}
		return p
	}
}

// pickyTopic is a topic that refuses messages for good. It keeps the messages that it accepted.
type pickyTopic struct {
	refuse   func(alert.Message) *alert.RefusedError
	calls    int
	accepted []alert.Message
}

func (p *pickyTopic) publish(_ context.Context, m alert.Message) error {
	p.calls++
	if err := p.refuse(m); err != nil {
		return err
	}
	p.accepted = append(p.accepted, m)
	return nil
}

func contentRefused(code string) *alert.RefusedError {
	return &alert.RefusedError{Err: errors.New(code), Content: true}
}

// longerThan refuses messages with a mail that is longer than limit.
func longerThan(limit int) func(alert.Message) *alert.RefusedError {
	return func(m alert.Message) *alert.RefusedError {
		if len(m.Structure()) > limit {
			return contentRefused("InvalidParameter: Invalid parameter: Message too long")
		}
		return nil
	}
}

// manyGaps returns a report whose message has more than 64 KiB.
func manyGaps() audit.Report {
	var gaps []audit.Finding
	for i := range 150 {
		f := alerttest.Finding("user/u", fmt.Sprint("action", i), audit.Missing, policies.High)
		f.Why = fmt.Sprintf("cause %d: %s", i, strings.Repeat("x", 200))
		gaps = append(gaps, f)
	}
	return alerttest.Report([]string{"user/u"}, gaps...)
}

func announceReport(m *memoryBucket, topic *pickyTopic, r audit.Report, run string,
	at time.Time) (Outcome, error) {
	l := &Ledger{Objects: m, Key: key, Owner: run, Run: run, Now: func() time.Time { return at }}
	return l.Announce(context.Background(), true, realPlan(r, run, at), topic.publish)
}

// TestARefusedAlertIsShortened checks that a message that the topic refuses is sent in a shorter
// form by the same run, which says so, and that the next run announces nothing.
func TestARefusedAlertIsShortened(t *testing.T) {
	for _, bucket := range []*memoryBucket{{}, {put: func(context.Context, string) error {
		return errors.New("denied")
	}}} {
		topic := &pickyTopic{refuse: longerThan(64 << 10)}
		out, err := announceReport(bucket, topic, manyGaps(), "1", begin)
		if err != nil || out.Published != 1 || topic.calls != 2 || len(out.StateErrors) == 0 {
			t.Fatalf("outcome %+v, error %v, %d calls", out.StateErrors, err, topic.calls)
		}
		mail := topic.accepted[0].Bodies["email"]
		if !strings.Contains(mail, "an alert was given up") || !strings.Contains(mail, "too long") ||
			!strings.Contains(mail, "not shown for lack of space") {
			t.Errorf("the mail does not say that an alert was refused\n%.900s", mail)
		}
		if bucket.put != nil {
			continue
		}
		if s := bucket.state(t); s.Refused != nil || s.Pending != nil || len(s.Gaps) != 150 {
			t.Errorf("state: refused %+v, %d gaps", s.Refused, len(s.Gaps))
		}
		out, err = announceReport(bucket, topic, manyGaps(), "2", begin.Add(time.Hour))
		if err != nil || topic.calls != 2 || out.StateErrors != nil {
			t.Errorf("the next run: outcome %+v, error %v, %d calls", out.StateErrors, err, topic.calls)
		}
	}
}

// TestAlertsGetShorterUntilTheTopicAcceptsOne checks that the alert arrives even if the topic
// accepts much less than SNS documents, within few runs.
func TestAlertsGetShorterUntilTheTopicAcceptsOne(t *testing.T) {
	topic, m := &pickyTopic{refuse: longerThan(5000)}, &memoryBucket{}
	for run := range 3 {
		_, err := announceReport(m, topic, manyGaps(), fmt.Sprint(run),
			begin.Add(time.Duration(run)*time.Hour))
		if sent := len(topic.accepted) > 0; sent != (err == nil) {
			t.Fatalf("run %d: %d accepted, error %v", run, len(topic.accepted), err)
		}
	}
	if len(topic.accepted) != 1 || topic.calls > 4 {
		t.Errorf("%d accepted of %d", len(topic.accepted), topic.calls)
	}
}

// TestARefusedClaimBlocksNoAlert checks that a claim of a dead run that the topic refuses is
// dropped, and that the same run sends its own alert and says so.
func TestARefusedClaimBlocksNoAlert(t *testing.T) {
	r := alerttest.Report([]string{"user/u"},
		alerttest.Finding("user/u", "a", audit.Missing, policies.High))
	for name, claimed := range map[string]alert.Message{
		"a message that is too long": {Subject: "old", Bodies: map[string]string{
			"default": strings.Repeat("x", 300_000)}},
		"a bad subject": {Subject: "a\nb", Bodies: map[string]string{"default": "{}"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &memoryBucket{objects: map[string]string{key: string(alert.State{Baseline: begin,
				Pending: &alert.Pending{ID: "gone", DedupKey: "k", Message: claimed, Owner: "gone",
					Until: begin.Add(-time.Second)}}.JSON())}}
			topic := &pickyTopic{refuse: func(m alert.Message) *alert.RefusedError {
				if strings.Contains(m.Subject, "\n") {
					return contentRefused("InvalidParameter: Invalid parameter: Subject")
				}
				return longerThan(256 << 10)(m)
			}}
			out, err := announceReport(m, topic, r, "1", begin)
			if err != nil || len(topic.accepted) != 1 || len(out.StateErrors) != 1 {
				t.Fatalf("%d accepted, state errors %v, error %v", len(topic.accepted), out.StateErrors, err)
			}
			mail := topic.accepted[0].Bodies["email"]
			if !strings.Contains(mail, "an alert was given up") ||
				!strings.Contains(mail, "\nCause: no statement grants ") {
				t.Errorf("the mail lacks the refused alert or the gap\n%s", mail)
			}
			if s := m.state(t); s.Pending != nil || s.Refused != nil || len(s.Gaps) != 1 {
				t.Errorf("state %+v", s)
			}
		})
	}
}

// TestATopicThatIsGoneGetsTheAlertWhenItIsBack checks that an alert to a topic that does not exist
// is tried once in each run, leaves no claim, and arrives in full when the topic exists again.
func TestATopicThatIsGoneGetsTheAlertWhenItIsBack(t *testing.T) {
	gone := true
	topic := &pickyTopic{refuse: func(alert.Message) *alert.RefusedError {
		if gone {
			return &alert.RefusedError{Err: errors.New("NotFound: Topic does not exist")}
		}
		return nil
	}}
	m := &memoryBucket{}
	for run := range 3 {
		out, err := announceReport(m, topic, manyGaps(), fmt.Sprint(run),
			begin.Add(time.Duration(run)*time.Hour))
		if err == nil || topic.calls != run+1 || out.StateErrors != nil || m.state(t).Pending != nil {
			t.Fatalf("run %d: %d calls, state errors %v, error %v", run, topic.calls, out.StateErrors, err)
		}
	}
	gone = false
	if _, err := announceReport(m, topic, manyGaps(), "last", begin.Add(4*time.Hour)); err != nil ||
		len(topic.accepted) != 1 {
		t.Fatalf("%d accepted, error %v", len(topic.accepted), err)
	}
	if got := topic.accepted[0]; len(got.Structure()) < 64<<10 ||
		!strings.Contains(got.Bodies["email"], "Topic does not exist") {
		t.Errorf("the message has %d bytes\n%.3000s", len(got.Structure()), got.Bodies["email"])
	}
}

// TestAClaimThatNoRunCanSendIsGivenUp checks that a claim whose publish fails without being refused
// is kept for some runs, and then no longer keeps other alerts from being sent.
func TestAClaimThatNoRunCanSendIsGivenUp(t *testing.T) {
	m := bucketWithClaim(begin.Add(-time.Second))
	r := alerttest.Report([]string{"user/u"},
		alerttest.Finding("user/u", "a", audit.Missing, policies.High))
	var sent []string
	publish := func(_ context.Context, msg alert.Message) error {
		if msg.Subject == "old" {
			return errors.New("InternalError")
		}
		sent = append(sent, msg.Subject)
		return nil
	}
	runs := 0
	for at := begin; len(sent) == 0 && runs < 10; at = at.Add(time.Hour) {
		runs++
		run := fmt.Sprint(runs)
		l := &Ledger{Objects: m, Key: key, Owner: run, Run: run, Now: func() time.Time { return at }}
		_, err := l.Announce(t.Context(), true, realPlan(r, run, at), publish)
		if (err == nil) != (len(sent) > 0) {
			t.Fatalf("run %d: sent %q, error %v", runs, sent, err)
		}
	}
	if runs != maxTakeovers+1 {
		t.Errorf("the alert was sent by run %d, want %d", runs, maxTakeovers+1)
	}
	if s := m.state(t); s.Pending != nil || len(s.Gaps) != 1 {
		t.Errorf("state %+v", s)
	}
}

// TestAClaimIsBelievedForOneLease checks that a claim with a lease that ends far in the future
// delays a run for one lease at most, and is then sent once.
func TestAClaimIsBelievedForOneLease(t *testing.T) {
	for name, until := range map[string]func(now time.Time) time.Time{
		"a clock an hour ahead": func(now time.Time) time.Time { return now.Add(time.Hour + Lease) },
		"the year 9999": func(time.Time) time.Time {
			return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
		},
		"the year 9999, west of Greenwich": func(time.Time) time.Time {
			return time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -14*3600))
		},
		"the year 0": func(time.Time) time.Time { return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := bucketWithClaim(until(time.Now()))
				var topic fakeTopic
				ctx, stop := context.WithTimeout(t.Context(), 54*time.Second)
				defer stop()
				started := time.Now()
				_, err := announce(ctx, m, &topic, true, "r")
				if took := time.Since(started); err != nil || took > Lease+maxPoll {
					t.Errorf("error %v after %s", err, took)
				}
				if want := []string{"old", "g"}; !slices.Equal(topic.subjects, want) {
					t.Errorf("sent %q, want %q", topic.subjects, want)
				}
			})
		})
	}
}

// FuzzClaim checks that a state with any claim does not block an alert: the run sends the gap with
// at most three publishes and within one lease, and its memory is bounded.
func FuzzClaim(f *testing.F) {
	f.Add("old", "text", int64(0), "gone", 0, true)
	f.Add("old", "text", int64(1<<40), "gone", 1<<40, false)
	f.Add("", "", int64(-1<<40), "", -5, true)
	f.Add("a\nb", strings.Repeat("x", 1000), int64(5), "r0", 3, false)
	f.Add("old", "text", int64(3600), "r1", 2, true)
	r := alerttest.Report([]string{"user/u"},
		alerttest.Finding("user/u", "a", audit.Missing, policies.High))
	f.Fuzz(func(t *testing.T, subject, body string, ahead int64, owner string, takeovers int,
		refuses bool) {
		synctest.Test(t, func(t *testing.T) {
			now := time.Now()
			const year0, year9999 = -62167219200, 253402300799
			until := time.Unix(min(max(now.Unix()+ahead%(1<<50), year0), year9999), 0).UTC()
			text := alert.State{Baseline: now, Pending: &alert.Pending{ID: owner, DedupKey: subject,
				Message: alert.Message{Subject: subject, Bodies: map[string]string{"default": body}},
				Owner:   owner, Until: until, Takeovers: takeovers}}.JSON()
			m := &memoryBucket{objects: map[string]string{key: string(text)}}
			topic := &pickyTopic{refuse: func(msg alert.Message) *alert.RefusedError {
				if refuses && msg.Subject == subject {
					return contentRefused("InvalidParameter")
				}
				return nil
			}}
			started := time.Now()
			l := &Ledger{Objects: m, Key: key, Owner: "r0", Run: "r0", Now: time.Now}
			var err error
			memory.AtMost(t, uint64(8<<20+200*len(text)), func() {
				_, err = l.Announce(t.Context(), true, realPlan(r, "r0", now), topic.publish)
			})
			if took := time.Since(started); err != nil || took > Lease+maxPoll || topic.calls > 3 {
				t.Errorf("error %v after %s and %d calls", err, took, topic.calls)
			}
			if !slices.ContainsFunc(topic.accepted, func(m alert.Message) bool {
				return strings.Contains(m.Bodies["default"], `"action":"a"`)
			}) {
				t.Errorf("the gap was not sent; state %s", m.objects[key])
			}
		})
	})
}
