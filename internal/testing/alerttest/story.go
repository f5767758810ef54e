package alerttest

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// Start is the time of the first run of a story.
var Start = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// Story is a sequence of runs. It stores the state between them as a caller of alert.Plan does.
type Story struct {
	State   alert.State
	Now     time.Time
	Mutes   mute.List
	Options alert.Options
	// NoSubscribers is true if the topic has no confirmed subscription.
	NoSubscribers bool
	// Runs counts the runs. Last is the plan of the last run.
	Runs int
	Last alert.Planned

	t testing.TB
}

// NewStory returns a story that begins at Start, without a state.
func NewStory(t testing.TB) *Story {
	return &Story{t: t, Now: Start, Options: alert.Options{RepeatAfter: 24 * time.Hour}}
}

// Run plans the report as that of a new run, and stores the state as JSON, as in the evidence
// bucket.
func (s *Story) Run(r audit.Report) alert.Planned {
	s.t.Helper()
	s.Runs++
	r.Run = audit.Run{ID: time.Duration(s.Runs).String(), At: s.Now, Auditor: "remotion-audit",
		Trigger: r.Run.Trigger}
	return s.Plan(r)
}

// Plan plans the report with its own run, and stores the state.
func (s *Story) Plan(r audit.Report) alert.Planned {
	s.t.Helper()
	p := alert.Plan(s.State, r, s.Mutes, s.Now, s.Options)
	next := p.Next
	if s.NoSubscribers && p.Digest != nil {
		next = p.NextUndelivered
	}
	if !s.Options.Stateless {
		var err error
		if s.State, err = alert.ParseState(next.JSON()); err != nil {
			s.t.Fatalf("the next state cannot be read: %v\n%s", err, next.JSON())
		}
	}
	s.Last = p
	return p
}

// After plans the report of a run at the given time after the last run.
func (s *Story) After(d time.Duration, r audit.Report) alert.Planned {
	s.t.Helper()
	s.Now = s.Now.Add(d)
	return s.Run(r)
}

// Replay plans the report again, as if the last run were repeated.
func (s *Story) Replay(r audit.Report) alert.Planned {
	s.t.Helper()
	r.Run = s.Last.Report.Run
	return s.Plan(r)
}

// FuzzStates calls check with states that can be read, such as a state of the first release.
func FuzzStates(f *testing.F, check func(t *testing.T, state alert.State)) {
	raw, err := os.ReadFile(repo.Path(f, "internal/alert/testdata/state/v1.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, text []byte) {
		if state, err := alert.ParseState(text); err == nil {
			check(t, state)
		}
	})
}

// Announcements returns the announcements of a plan: each reason with its action, target, mute or
// text, and "ended" if the gap or error ended.
func Announcements(p alert.Planned) string {
	if p.Digest == nil {
		return ""
	}
	var list []string
	add := func(reason alert.Reason, subject string, ended bool) {
		if ended {
			subject += " ended"
		}
		list = append(list, string(reason)+" "+subject)
	}
	for _, c := range p.Digest.Gaps {
		add(c.Reason, cmp.Or(c.Gap.Action, c.Gap.Target), !c.Gap.Closed.IsZero())
	}
	for _, e := range p.Digest.Errors {
		add(e.Reason, cmp.Or(e.Error.Target, e.Error.What), e.Ended)
	}
	for _, n := range p.Digest.Mutes {
		add(alert.ReasonNotice, fmt.Sprintf("of %s: %s, %s", n.Mute.Condition(), n.Kind, n.Effect),
			false)
	}
	for _, n := range p.Digest.Notices {
		add(alert.ReasonNotice, cmp.Or(n.Target, n.Text), false)
	}
	return strings.Join(list, ", ")
}
