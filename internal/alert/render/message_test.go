package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// checkMessage checks the message of a plan: its sizes, bodies and attributes, and that it contains
// no muted gap. A plan without announcements has no message.
func checkMessage(t *testing.T, p rendered) {
	t.Helper()
	m := p.Message
	if m.Zero() {
		if p.Digest != nil {
			t.Errorf("no message for the announcements %q", p.Digest.Reasons)
		}
		return
	}
	checkSizes(t, m)
	if p.from.Format != JSON {
		checkCard(t, m.Bodies["https"])
	}
	checkFindings(t, p)
	checkAttributes(t, p)
}

// checkSizes checks that no part of a message is empty or too long.
func checkSizes(t *testing.T, m alert.Message) {
	t.Helper()
	if size := sizeOf(m); size > MaxBytes {
		t.Errorf("the message has %d bytes: %s", size, m.Subject)
	}
	checkSubject(t, m.Subject)
	if sms := m.Bodies["sms"]; len(sms) > smsLimit {
		t.Errorf("SMS of %d bytes: %q", len(sms), sms)
	}
	for _, body := range []string{"default", "email", "https", "sms"} {
		if m.Bodies[body] == "" {
			t.Errorf("no %s body", body)
		}
	}
}

func checkSubject(t *testing.T, s string) {
	t.Helper()
	if len(s) > subjectLimit || s == "" || s[0] == ' ' {
		t.Errorf("subject %q of %d bytes", s, len(s))
	}
	for _, c := range s {
		if c < ' ' || c > '~' {
			t.Errorf("%q in subject %q", c, s)
		}
	}
}

// checkCard checks that a body is a card with the fields that Amazon Q Developer requires.
func checkCard(t *testing.T, body string) {
	t.Helper()
	var c card
	if err := json.Unmarshal([]byte(body), &c); err != nil ||
		len(c.Content.Description) > maxCardText+300 || c.Metadata.ThreadID == "" ||
		c.Version != "1.0" || c.Source != "custom" {
		t.Errorf("card of %d bytes, %v: %+v", len(c.Content.Description), err, c)
	}
}

// checkFindings checks that the default body contains no satisfied finding and no muted gap.
func checkFindings(t *testing.T, p rendered) {
	t.Helper()
	d := decoded(p.Message)
	if d.Report == nil {
		d.Report = &audit.Report{} // the fallback message for very long names has no report
	}
	for _, f := range d.Report.Findings {
		if f.Muted != nil || f.Status == audit.Satisfied {
			t.Errorf("the message contains a muted or satisfied finding: %+v", f)
		}
	}
	for _, a := range d.Announcements {
		for _, f := range p.Report.Findings {
			if f.Muted != nil && f.Target == a.Target && f.Action == a.Action {
				t.Errorf("a muted gap is announced: %+v", a)
			}
		}
	}
}

// checkAttributes checks that the attributes are not empty, and that they agree with the digest and
// the default body.
func checkAttributes(t *testing.T, p rendered) {
	t.Helper()
	m, body := p.Message, decoded(p.Message)
	if (attribute(m, "truncated") == "true") != body.Truncated {
		t.Errorf("the attribute truncated is %s, the field of the body %t", attribute(m, "truncated"),
			body.Truncated)
	}
	reasons, key := p.Digest.Reasons, p.Digest.DedupKey
	if len(reasons) == 0 || attribute(m, "events") != textfmt.JSON(reasons) ||
		attribute(m, "dedupKey") != key || body.DedupKey != key {
		t.Errorf("the reasons %q or the key %s differ from the attributes %+v", reasons, key,
			m.Attributes)
	}
	for _, a := range m.Attributes {
		if a.Value == "" {
			t.Errorf("attribute %s is empty: SNS refuses empty attributes", a.Name)
		}
	}
}

// TestMessagesOfRandomDrift checks the messages of random drift.
func TestMessagesOfRandomDrift(t *testing.T) {
	alerttest.EachDrift(t, func(t *testing.T, d *alerttest.Drift, runs int) {
		s, messages := newStory(t), 0
		s.Mutes = d.Mutes()
		for range runs {
			s.NoSubscribers = d.Rand.IntN(10) == 0
			p := s.after(d.Wait(), d.Step())
			checkMessage(t, p)
			if !p.Message.Zero() {
				messages++
			}
		}
		if messages < runs/10 {
			t.Errorf("%d runs sent only %d messages", runs, messages)
		}
	})
}

// TestManyErrorsOfTheMutesFile checks that a message with the most errors of the mutes file fits,
// and counts the others.
func TestManyErrorsOfTheMutesFile(t *testing.T) {
	s := newStory(t)
	s.run(reportOf([]string{"user/u"}))
	_, s.Options.MuteErrors = mute.Parse([]byte("mutes:\n"+
		strings.Repeat("  - target: user/x\n", 2000)), start)
	p := s.after(hour, reportOf([]string{"user/u"}))
	checkMessage(t, p)
	if mail := p.Message.Bodies["email"]; !strings.Contains(mail, "5900 more errors") {
		t.Errorf("the mail does not count the other errors\n%s", mail)
	}
}

// FuzzStoredState checks the messages that are planned from any state that can be read.
func FuzzStoredState(f *testing.F) {
	r := fixture(f, "drifted")
	alerttest.FuzzStates(f, func(t *testing.T, state alert.State) {
		s := newStory(t)
		s.State = state
		checkMessage(t, s.run(r))
		checkMessage(t, s.after(day, r))
	})
}
