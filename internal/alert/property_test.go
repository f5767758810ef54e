package alert

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// model is a simple second implementation of the lifecycle of one requirement, without groups,
// order and texts. TestRandomDrift compares Plan with the model.
type model struct {
	open, notified   bool
	notifiedStatus   audit.Status
	notifiedSeverity policies.Severity
	notifiedAt       time.Time // when the gap was last announced
	reminders        int
	closed           time.Time
	openings         int // the number of openings, like Gap.Opened
	// announcedOpenings and announcedClosings count announcements over the whole test.
	announcedOpenings, announcedClosings int
}

// update updates the model with a finding of a run, and returns the reason for which the model
// announces the finding, or "". For an unchanged gap that was announced and is not muted, update
// returns ReasonReminder, even if no reminder is due.
func (m *model) update(f audit.Finding, baseline, muted bool, now time.Time) Reason {
	rank := map[audit.Status]int{audit.Conditional: 1, audit.Partial: 2, audit.Missing: 3,
		audit.Denied: 3}
	switch f.Status {
	case audit.Unverified:
		return ""
	case audit.Satisfied:
		if !m.open {
			return ""
		}
		notified := m.notified
		m.open, m.notified, m.closed = false, false, now
		if !notified {
			m.openings-- // no message announced the opening
			return ""
		}
		if muted {
			return ""
		}
		return ReasonRecovered
	}
	if !m.open {
		if now.Sub(m.closed) >= closedRetention {
			m.openings = 0
		}
		m.open, m.openings, m.reminders = true, m.openings+1, 0
	}
	switch {
	case muted:
		return ""
	case !m.notified && baseline:
		return ReasonBaseline
	case !m.notified && m.openings > 1:
		return ReasonReopened
	case !m.notified:
		return ReasonOpened
	case f.Severity > m.notifiedSeverity || rank[f.Status] > rank[m.notifiedStatus]:
		return ReasonWorse
	case f.Severity < m.notifiedSeverity || rank[f.Status] < rank[m.notifiedStatus]:
		return ReasonPartlyRecovered
	}
	return ReasonReminder
}

// drift is an account in which the status of requirements changes at random.
type drift struct {
	rand     *rand.Rand
	targets  []string
	findings map[string]audit.Finding
}

func newDrift(seed uint64) *drift {
	d := &drift{rand: rand.New(rand.NewPCG(seed, 4)), targets: []string{"user/u", "user/v", "user/w"},
		findings: map[string]audit.Finding{}}
	for _, target := range d.targets {
		for _, action := range []string{"a", "b", "c"} {
			d.findings[target+action] = finding(target, action, audit.Satisfied, policies.High)
		}
	}
	return d
}

// step changes up to three requirements, and returns the report of the account.
func (d *drift) step() audit.Report {
	statuses := []audit.Status{audit.Satisfied, audit.Satisfied, audit.Satisfied, audit.Missing,
		audit.Denied, audit.Partial, audit.Conditional, audit.Unverified}
	for range d.rand.IntN(4) {
		keys := slices.Sorted(maps.Keys(d.findings))
		key := keys[d.rand.IntN(len(keys))]
		f := d.findings[key]
		g := finding(f.Target, f.Action, statuses[d.rand.IntN(len(statuses))],
			policies.Severity(1+d.rand.IntN(4)))
		if g.Status.Gap() {
			g.Cause = audit.Causes()[d.rand.IntN(6)]
			g.ExampleARN = fmt.Sprintf("arn:aws:s3:::x%d", d.rand.Int())
		}
		d.findings[key] = g
	}
	return reportOf(d.targets, slices.Collect(maps.Values(d.findings))...)
}

// TestRandomDrift checks that runs of random drift announce what the model announces, and that
// every message passes checkMessage.
func TestRandomDrift(t *testing.T) {
	for seed := range uint64(2) {
		runs := 500
		if testing.Short() {
			runs = 100
		}
		d, s, models := newDrift(seed), newStory(t), map[Identity]*model{}
		s.mutes = mute.List{{Target: "user/w", Action: "a", Owner: "kim", Reason: "r",
			Until: start.Add(200 * day)}}
		keys := map[string]bool{}
		for run := range runs {
			waits := []time.Duration{time.Minute, hour, 7 * hour, 30 * hour}
			r := d.step()
			s.now = s.now.Add(waits[d.rand.IntN(len(waits))])
			baseline := s.state.Baseline.IsZero()
			s.noSubscribers = d.rand.IntN(10) == 0
			p := s.run(r)

			want, due, early := map[Identity]Reason{}, false, map[Identity]bool{}
			before := map[Identity]model{}
			for _, f := range r.Findings {
				id := identityOf(f)
				m := models[id]
				if m == nil {
					m = &model{}
					models[id] = m
				}
				before[id] = *m
				muted := s.mutes.InForce(s.now).LongestFor(f) != nil || f.Status == audit.Satisfied &&
					s.mutes.InForce(s.now).LongestFor(audit.Finding{Target: f.Target, Action: f.Action}) != nil
				event := m.update(f, baseline, muted, s.now)
				if event == ReasonReminder {
					factor := []time.Duration{1, 3, 7}[min(m.reminders, 2)]
					if f.Severity == policies.Critical {
						factor = 1
					}
					at := m.notifiedAt.Add(factor*day - day/100)
					if event = ""; s.now.After(m.notifiedAt) && !s.now.Before(at) {
						event, due = ReasonReminder, true
					} else if !s.now.Before(at.Add(-12*hour)) && s.now.After(m.notifiedAt) {
						early[id] = true
					}
				}
				if event != "" {
					want[id] = event
				}
			}
			if due {
				for id := range early {
					want[id] = ReasonReminder
				}
			}
			got := map[Identity]Reason{}
			others := 0
			if !p.Message.Zero() {
				for _, a := range decoded(p.Message).Announcements {
					id := Identity{a.Target, a.Policy, a.Sid, a.Action, a.Resource}
					if a.Action == "" {
						others++
						continue
					}
					event := a.Event
					if event == ReasonPartlyRecovered && a.Ended {
						event = ReasonRecovered
					}
					got[id] = event
				}
			}
			if !maps.Equal(got, want) {
				t.Fatalf("seed %d, run %d: announced %v, want %v", seed, run+1, got, want)
			}
			if !p.Message.Zero() && len(got)+others == 0 {
				t.Fatalf("seed %d, run %d: a message without announcements: %s", seed, run+1, p.Message.Subject)
			}
			if s.noSubscribers && !p.Message.Zero() {
				// The topic has no subscriber, so no announcement of this message counts. Each gap in the
				// message is open in the stored state, so that a later run can announce it.
				for id, m := range before {
					current := models[id]
					if _, announced := want[id]; announced {
						openings := current.openings
						*current = m
						if current.open = m.open || want[id] != ReasonRecovered; current.open && !m.open {
							current.openings, current.reminders, current.notified = openings, 0, false
						}
					} else if !current.open && m.open && m.notified {
						*current = m // the gap closed while muted: NextUndelivered does not store the closing
					}
				}
			} else {
				for _, f := range r.Findings {
					id := identityOf(f)
					m := models[id]
					switch event := want[id]; event {
					case "":
						continue
					case ReasonRecovered:
						m.announcedClosings++
						continue
					case ReasonReminder:
						m.reminders++
					case ReasonPartlyRecovered:
					default:
						m.reminders = 0
					}
					if want[id] == ReasonOpened || want[id] == ReasonReopened || want[id] == ReasonBaseline {
						m.announcedOpenings++
					}
					m.notified, m.notifiedAt = true, s.now
					m.notifiedStatus, m.notifiedSeverity = f.Status, f.Severity
					if m.announcedClosings > m.announcedOpenings ||
						m.announcedOpenings > m.announcedClosings+1 && f.Target != "user/w" {
						t.Fatalf("seed %d, run %d: announced %d openings and %d closings of %v", seed, run+1,
							m.announcedOpenings, m.announcedClosings, id)
					}
				}
			}
			checkMessage(t, p, s.options)
			if !p.Message.Zero() && !s.noSubscribers {
				if keys[p.DedupKey] {
					t.Fatalf("seed %d, run %d: the message has the key of an earlier one", seed, run+1)
				}
				keys[p.DedupKey] = true
			}
			for _, g := range s.state.Gaps {
				if m := models[g.Identity]; g.Closed.IsZero() != m.open {
					t.Fatalf("seed %d, run %d: %v is open in the state: %v, in the model: %v", seed, run+1,
						g.Identity, g.Closed.IsZero(), m.open)
				}
			}
			if s.noSubscribers {
				continue
			}
			if again := announcements(s.plan(replayed(r, s))); again != "" {
				t.Fatalf("seed %d, run %d: a replay announces %q", seed, run+1, again)
			}
		}
	}
}

// checkMessage checks the message of a plan: its sizes, bodies and attributes, and that it contains
// no muted gap.
func checkMessage(t *testing.T, p Planned, o Options) {
	t.Helper()
	m := p.Message
	if m.Zero() {
		if len(p.Reasons) > 0 || p.DedupKey != "" {
			t.Errorf("a plan without a message has reasons %q and key %q", p.Reasons, p.DedupKey)
		}
		return
	}
	if size := m.size(); size > MaxBytes {
		t.Errorf("the message has %d bytes: %s", size, m.Subject)
	}
	checkSubject(t, m.Subject)
	if sms := m.Bodies["sms"]; len(sms) > smsLimit || sms == "" {
		t.Errorf("SMS of %d bytes: %q", len(sms), sms)
	}
	for _, body := range []string{"default", "email", "https", "sms"} {
		if m.Bodies[body] == "" {
			t.Errorf("no %s body", body)
		}
	}
	if o.Sender.Format != JSON {
		var c card
		if err := json.Unmarshal([]byte(m.Bodies["https"]), &c); err != nil ||
			len(c.Content.Description) > maxCardText+300 || c.Metadata.ThreadID == "" ||
			c.Version != "1.0" ||
			c.Source != "custom" {
			t.Errorf("card of %d bytes, %v: %+v", len(c.Content.Description), err, c)
		}
	}
	d := decoded(m)
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
	if (attribute(m, "truncated") == "true") != d.Truncated {
		t.Errorf("the attribute truncated is %s, the field of the body %t", attribute(m, "truncated"),
			d.Truncated)
	}
	if len(p.Reasons) == 0 || attribute(m, "events") != marshal(p.Reasons) ||
		attribute(m, "dedupKey") != p.DedupKey || d.DedupKey != p.DedupKey {
		t.Errorf("the reasons %q or the key %s differ from the attributes %+v", p.Reasons, p.DedupKey,
			m.Attributes)
	}
	for _, a := range m.Attributes {
		if a.Value == "" {
			t.Errorf("attribute %s is empty: SNS refuses empty attributes", a.Name)
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
