package alert_test

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
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
func (m *model) update(f audit.Finding, baseline, muted bool, now time.Time) alert.Reason {
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
		return alert.ReasonRecovered
	}
	if !m.open {
		if now.Sub(m.closed) >= 30*day {
			m.openings = 0
		}
		m.open, m.openings, m.reminders = true, m.openings+1, 0
	}
	switch {
	case muted:
		return ""
	case !m.notified && baseline:
		return alert.ReasonBaseline
	case !m.notified && m.openings > 1:
		return alert.ReasonReopened
	case !m.notified:
		return alert.ReasonOpened
	case f.Severity > m.notifiedSeverity || rank[f.Status] > rank[m.notifiedStatus]:
		return alert.ReasonWorse
	case f.Severity < m.notifiedSeverity || rank[f.Status] < rank[m.notifiedStatus]:
		return alert.ReasonPartlyRecovered
	}
	return alert.ReasonReminder
}

// reminderDue reports whether a reminder of the gap is due at now, and whether it is early: due
// within twelve hours, so that it joins another reminder.
func (m *model) reminderDue(severity policies.Severity, now time.Time) (due, early bool) {
	factor := []time.Duration{1, 3, 7}[min(m.reminders, 2)]
	if severity == policies.Critical {
		factor = 1
	}
	if !now.After(m.notifiedAt) {
		return false, false
	}
	at := m.notifiedAt.Add(factor*day - day/100)
	due = !now.Before(at)
	return due, !due && !now.Before(at.Add(-12*hour))
}

// accountModel is the model of all requirements of an account.
type accountModel struct {
	models map[alert.Identity]*model
	// before holds the models before the last run.
	before map[alert.Identity]model
}

// run updates the models with the findings of a run, and returns the announcements of the run.
func (a *accountModel) run(r audit.Report, baseline bool, mutes mute.List,
	now time.Time) map[alert.Identity]alert.Reason {
	want, anyDue, early := map[alert.Identity]alert.Reason{}, false, []alert.Identity{}
	a.before = map[alert.Identity]model{}
	mutes = mutes.InForce(now)
	for _, f := range r.Findings {
		id := alert.IdentityOf(f)
		m := a.models[id]
		if m == nil {
			m = &model{}
			a.models[id] = m
		}
		a.before[id] = *m
		muted := mutes.LongestFor(f) != nil || f.Status == audit.Satisfied &&
			mutes.LongestFor(audit.Finding{Target: f.Target, Action: f.Action}) != nil
		event := m.update(f, baseline, muted, now)
		if event == alert.ReasonReminder {
			due, soon := m.reminderDue(f.Severity, now)
			if soon {
				early = append(early, id)
			}
			if !due {
				continue
			}
			anyDue = true
		}
		if event != "" {
			want[id] = event
		}
	}
	if anyDue {
		for _, id := range early {
			want[id] = alert.ReasonReminder
		}
	}
	return want
}

// undelivered updates the models if the topic has no subscriber, so that no announcement of the
// last run counts. Each gap in the message is open in the stored state, so that a later run can
// announce it.
func (a *accountModel) undelivered(announced map[alert.Identity]alert.Reason) {
	for id, m := range a.before {
		current := a.models[id]
		reason, wasAnnounced := announced[id]
		switch {
		case wasAnnounced:
			openings := current.openings
			*current = m
			if current.open = m.open || reason != alert.ReasonRecovered; current.open && !m.open {
				current.openings, current.reminders, current.notified = openings, 0, false
			}
		case !current.open && m.open && m.notified:
			*current = m // the gap closed while muted: NextUndelivered does not store the closing
		}
	}
}

// delivered updates the models if the announcements of the last run were sent. It returns an error
// if the number of announced closings of a gap does not match that of its openings.
func (a *accountModel) delivered(r audit.Report, announced map[alert.Identity]alert.Reason,
	now time.Time) error {
	for _, f := range r.Findings {
		id := alert.IdentityOf(f)
		m := a.models[id]
		switch announced[id] {
		case "":
			continue
		case alert.ReasonRecovered:
			m.announcedClosings++
			continue
		case alert.ReasonReminder:
			m.reminders++
		case alert.ReasonOpened, alert.ReasonReopened, alert.ReasonBaseline:
			m.announcedOpenings++
			m.reminders = 0
		case alert.ReasonWorse:
			m.reminders = 0
		}
		m.notified, m.notifiedAt = true, now
		m.notifiedStatus, m.notifiedSeverity = f.Status, f.Severity
		if m.announcedClosings > m.announcedOpenings ||
			m.announcedOpenings > m.announcedClosings+1 && f.Target != "user/w" {
			return fmt.Errorf("announced %d openings and %d closings of %v", m.announcedOpenings,
				m.announcedClosings, id)
		}
	}
	return nil
}

// compareOpen returns an error if a gap is open in the state and closed in the model, or the other
// way round.
func (a *accountModel) compareOpen(s alert.State) error {
	for _, g := range s.Gaps {
		if m := a.models[g.Identity]; g.Closed.IsZero() != m.open {
			return fmt.Errorf("%v is open in the state: %v, in the model: %v", g.Identity,
				g.Closed.IsZero(), m.open)
		}
	}
	return nil
}

// announcedGaps returns the announced gaps of a plan. A closed gap is recovered, even if its cause
// remains.
func announcedGaps(p alert.Planned) map[alert.Identity]alert.Reason {
	got := map[alert.Identity]alert.Reason{}
	if p.Digest == nil {
		return got
	}
	for _, c := range p.Digest.Gaps {
		got[c.Gap.Identity] = c.Reason
		if c.Reason == alert.ReasonPartlyRecovered && !c.Gap.Closed.IsZero() {
			got[c.Gap.Identity] = alert.ReasonRecovered
		}
	}
	return got
}

// TestRandomDrift checks that runs of random drift announce what the model announces, each message
// with a key of its own, and that a replay of a run announces nothing.
func TestRandomDrift(t *testing.T) {
	alerttest.EachDrift(t, func(t *testing.T, d *alerttest.Drift, runs int) {
		s, keys := newStory(t), map[string]bool{}
		m := &accountModel{models: map[alert.Identity]*model{}}
		s.Mutes = d.Mutes()
		for run := range runs {
			if err := driftOnce(d, s, m, keys); err != nil {
				t.Fatalf("run %d: %v", run+1, err)
			}
		}
		if len(keys) < runs/10 {
			t.Errorf("%d runs sent only %d messages", runs, len(keys))
		}
	})
}

// driftOnce makes one run of the story and the model, and compares them. It adds the key of the
// run's message to keys.
func driftOnce(d *alerttest.Drift, s *story, m *accountModel, keys map[string]bool) error {
	r := d.Step()
	s.Now = s.Now.Add(d.Wait())
	baseline := s.State.Baseline.IsZero()
	s.NoSubscribers = d.Rand.IntN(10) == 0
	p := s.Run(r)
	want := m.run(r, baseline, s.Mutes, s.Now)
	if got := announcedGaps(p); !maps.Equal(got, want) {
		return fmt.Errorf("announced %v, want %v", got, want)
	}
	if p.Digest != nil && announcements(p) == "" {
		return errors.New("a digest without announcements")
	}
	if s.NoSubscribers && p.Digest != nil {
		m.undelivered(want)
	} else if err := m.delivered(r, want, s.Now); err != nil {
		return err
	}
	if err := m.compareOpen(s.State); err != nil || s.NoSubscribers {
		return err
	}
	if p.Digest != nil {
		if keys[key(p)] {
			return errors.New("the message has the key of an earlier one")
		}
		keys[key(p)] = true
	}
	if again := announcements(s.Replay(r)); again != "" {
		return fmt.Errorf("a replay announces %q", again)
	}
	return nil
}
