package alert_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// hostileTimes are times that no clock of an auditor shows.
var hostileTimes = map[string]time.Time{
	"the year 9999":     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	"the year 0":        time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC),
	"the year 1":        time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC),
	"a zone west of it": time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -14*3600)),
	"tomorrow":          start.Add(day),
	"in a month":        start.Add(30 * day),
	"before 1970":       time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC),
}

// maxShownAge is the highest age that a message or a metric may show.
const maxShownAge = 3650 * day

// TestHostileTimes checks each time of the state with each hostile time: the run is not outdated,
// ages are bounded, a gap and an error get their reminders, and nothing is announced twice.
func TestHostileTimes(t *testing.T) {
	targets := []string{"user/u", "user/v"}
	r := reportOf(targets, finding("user/u", "a", audit.Missing, high),
		finding("user/v", "b", audit.Unverified, high))
	r = withNotices(r, audit.Notice{Kind: audit.NoticeUpgrade, Text: "n"})
	recovered := withNotices(reportOf(targets, finding("user/v", "b", audit.Unverified, high)),
		r.Notices...)
	fields := map[string]func(s *alert.State, at time.Time){
		"run.at":          func(s *alert.State, at time.Time) { s.Run.At = at },
		"baseline":        func(s *alert.State, at time.Time) { s.Baseline = at },
		"gap since":       func(s *alert.State, at time.Time) { s.Gaps[0].Since = at },
		"gap announced":   func(s *alert.State, at time.Time) { s.Gaps[0].Notified = at },
		"error since":     func(s *alert.State, at time.Time) { s.Errors[0].Since = at },
		"error announced": func(s *alert.State, at time.Time) { s.Errors[0].Notified = at },
		"notice seen":     func(s *alert.State, at time.Time) { s.Notices[0].Seen = at },
		"every gap time":  func(s *alert.State, at time.Time) { s.Gaps[0].Since, s.Gaps[0].Notified = at, at },
	}
	for field, set := range fields {
		for name, at := range hostileTimes {
			t.Run(field+", "+name, func(t *testing.T) {
				s := newStory(t)
				s.Run(r)
				s.After(hour, r)
				set(&s.State, at)
				// The texts of the messages are written, too.
				p := s.After(hour, r)
				if got := announcements(p); strings.Contains(got, "opened") ||
					strings.Contains(got, "baseline") || strings.Contains(got, "notice") &&
					(field != "notice seen" || at.After(start)) { // an old notice may return
					t.Errorf("announced again: %q", got)
				}
				bounded(t, p)
				p = s.After(day, r)
				if got := announcements(p); s.State.Run.ID != p.Report.Run.ID ||
					!strings.Contains(got+announcements(s.After(2*day, r)), "reminder a") {
					t.Errorf("no reminder; announced %q\n%s", got, s.State.JSON())
				}
				bounded(t, p)
				p = s.After(hour, recovered)
				if got := announcements(p); got != "recovered a ended" {
					t.Errorf("after the recovery: announced %q", got)
				}
				bounded(t, p)
				if !strings.Contains(announcements(s.After(8*day, recovered)), "reminder user/v") {
					t.Errorf("no reminder of the error\n%s", s.State.JSON())
				}
			})
		}
	}
}

// bounded checks the ages of a plan, and that its message can be written.
func bounded(t *testing.T, p alert.Planned) {
	t.Helper()
	if age := p.OldestGapAge; age == nil || *age < 0 || *age > maxShownAge {
		t.Errorf("the oldest gap has the age %v", age)
	}
	if p.Digest == nil {
		return
	}
	for _, c := range p.Digest.Gaps {
		if age := p.Digest.Now.Sub(c.Gap.Since); age < 0 || age > maxShownAge {
			t.Errorf("gap %v has the age %s", c.Gap.Identity, age)
		}
	}
	for _, e := range p.Digest.Errors {
		if age := p.Digest.Now.Sub(e.Error.Since); age < 0 || age > maxShownAge {
			t.Errorf("error %q has the age %s", e.Error.Target, age)
		}
	}
	if m := message(p); m.Zero() || strings.Contains(m.Bodies["email"], " 9999 ") {
		t.Errorf("the message shows a time that is not believed\n%s", m.Bodies["email"])
	}
}

// TestAnAnnouncementOfTheFutureSilencesNothing checks that a reminder comes at once if the time of
// the last announcement is not believed, and that a clock that is slightly ahead causes none.
func TestAnAnnouncementOfTheFutureSilencesNothing(t *testing.T) {
	r := reportOf([]string{"user/u"}, finding("user/u", "a", audit.Missing, high))
	for _, tt := range []struct {
		ahead time.Duration
		want  string
	}{{10 * time.Minute, ""}, {hour, "reminder a"}, {1000 * day, "reminder a"}} {
		s := newStory(t)
		s.Run(r)
		s.After(day, r)
		s.State.Gaps[0].Notified = s.Now.Add(hour).Add(tt.ahead)
		s.State.Gaps[0].Reminders = 0
		if got := announcements(s.After(hour, r)); got != tt.want {
			t.Errorf("announced %s ahead: got %q, want %q", tt.ahead, got, tt.want)
		}
	}
}

// TestCountersDoNotOverflow checks that a state with the highest counters is still written.
func TestCountersDoNotOverflow(t *testing.T) {
	r := reportOf([]string{"user/u"}, finding("user/u", "a", audit.Missing, critical))
	s := newStory(t)
	s.Run(r)
	g := &s.State.Gaps[0]
	g.Opened, g.Reminders, g.Missed = math.MaxInt, math.MaxInt, math.MaxInt
	for i := range 3 { // Story fails if the next state cannot be read
		s.After(2*day, r)
		s.After(hour, reportOf([]string{"user/u"}))
		if g := s.State.Gaps[0]; g.Opened < 1 || g.Opened > 2_000_000 {
			t.Errorf("run %d: opened %d times", i, g.Opened)
		}
	}
}

// FuzzStateTimes checks that a state with any times and counters silences no gap for longer than a
// week, shows bounded ages, and takes memory in proportion to its size.
func FuzzStateTimes(f *testing.F) {
	for _, at := range hostileTimes {
		f.Add(at.Unix(), at.Unix(), at.Unix(), at.Unix(), 1, 0)
	}
	f.Add(int64(0), int64(math.MaxInt64), int64(math.MinInt64), start.Unix(), math.MaxInt, math.MaxInt)
	f.Add(start.Unix(), start.Add(hour).Unix(), start.Unix(), start.Add(40*day).Unix(), 2, 3)
	r := reportOf([]string{"user/u"}, finding("user/u", "a", audit.Missing, high))
	f.Fuzz(func(t *testing.T, run, since, notified, seen int64, opened, reminders int) {
		at := func(seconds int64) time.Time { // a time that JSON can have
			const year0, year9999 = -62167219200, 253402300799
			return time.Unix(min(max(seconds, year0), year9999), 0).UTC()
		}
		text := alert.State{Run: audit.Run{ID: "x", At: at(run)}, Baseline: at(run),
			Gaps: []alert.Gap{{Identity: alert.IdentityOf(r.Findings[0]), Status: audit.Missing,
				Cause: audit.NoGrant, Severity: high, Since: at(since), Notified: at(notified),
				NotifiedStatus: audit.Missing, NotifiedSeverity: high, Opened: opened,
				Reminders: reminders}},
			Notices: []alert.SeenNotice{{Kind: audit.NoticeUpgrade, Text: "n", Seen: at(seen)}},
			Regions: []alert.SeenRegion{{Region: "us-east-1", Functions: opened, Missed: reminders}},
		}.JSON()
		state, err := alert.ParseState(text)
		if err != nil {
			return
		}
		s := newStory(t)
		s.State = state
		bounded(t, s.Run(r))
		announced := strings.Contains(announcements(s.Last), " a")
		for range 8 {
			bounded(t, s.After(day, r))
			announced = announced || strings.Contains(announcements(s.Last), " a")
		}
		if !announced {
			t.Errorf("no message about the gap in eight days; state %s", text)
		}
	})
}

// maxStateBytes is how many bytes reading a state and planning from it may allocate for each byte
// of the state, and stateOverhead what a small state may need in addition.
const (
	maxStateBytes = 200
	stateOverhead = 8 << 20
)

// FuzzStateMemory checks that reading and planning take memory in proportion to the state.
func FuzzStateMemory(f *testing.F) {
	for _, name := range []string{"v1.json", "2026-11/state.json", "2026-11-read-scope/state.json"} {
		raw, err := os.ReadFile(repo.Path(f, "internal/alert/testdata/state/"+name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	many := alert.State{Baseline: start}
	for i := range 2000 {
		many.Gaps = append(many.Gaps, alert.Gap{Identity: alert.Identity{Target: "user/u",
			Policy: policies.User, Action: fmt.Sprint("a", i)}, Status: audit.Missing,
			Cause: audit.NoGrant, Severity: high, Since: start, Opened: 1})
		many.Errors = append(many.Errors, alert.Error{Target: fmt.Sprint("user/", i), Since: start,
			Notified: start, Runs: 2})
		many.Regions = append(many.Regions, alert.SeenRegion{Region: fmt.Sprint("r", i), Functions: 1})
	}
	f.Add(many.JSON())
	f.Add([]byte(`{"schemaVersion":"1","gaps":` + strings.Repeat("[", 9000) + `}`))
	f.Add([]byte(`{"schemaVersion":"1","pending":{"id":"p","dedupKey":"k","owner":"o",` +
		`"until":"9999-12-31T23:59:59Z","message":{"subject":"` + strings.Repeat("s", 100_000) +
		`"},"next":{"schemaVersion":"1"}}}`))
	r := reportOf([]string{"user/u"}, finding("user/u", "a", audit.Missing, high))
	f.Fuzz(func(t *testing.T, text []byte) {
		memory.AtMost(t, uint64(maxStateBytes*len(text)+stateOverhead), func() {
			state, err := alert.ParseState(text)
			if err != nil {
				return
			}
			r.Run = audit.Run{ID: "r", At: start}
			p := alert.Plan(state, r, nil, start, alert.Options{RepeatAfter: day})
			if p.Next.JSON() == nil {
				t.Error("no next state")
			}
		})
	})
}

// oldState is the part of the state that earlier releases know.
type oldState struct {
	SchemaVersion string          `json:"schemaVersion"`
	Run           audit.Run       `json:"run"`
	Baseline      time.Time       `json:"baseline"`
	Announced     string          `json:"announced"`
	Gaps          json.RawMessage `json:"gaps"`
	Errors        json.RawMessage `json:"errors"`
	Mutes         json.RawMessage `json:"mutes"`
	Notices       json.RawMessage `json:"notices"`
}

// TestAnEarlierReleaseMayWriteTheStateBetween checks that nothing is announced again if an earlier
// release, which drops the fields that it does not know, wrote the state between two runs.
func TestAnEarlierReleaseMayWriteTheStateBetween(t *testing.T) {
	targets := []string{"user/u", "role/r"}
	r := withFunctions(reportOf(targets, finding("user/u", "a", audit.Missing, high)),
		map[string]int{"us-east-1": 3})
	s := newStory(t)
	s.Options.Configured = alert.Configuration{Targets: targets, Regions: r.Regions, Settings: "s"}
	s.Run(r)
	if s.State.Configured == nil || len(s.State.Regions) != 1 {
		t.Fatalf("the state lacks what this release stores\n%s", s.State.JSON())
	}
	var old oldState
	if err := json.Unmarshal(s.State.JSON(), &old); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	if s.State, err = alert.ParseState(text); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for range 2 {
		if got := announcements(s.After(hour, r)); got != "" {
			t.Errorf("announced %q", got)
		}
	}
}
