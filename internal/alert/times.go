package alert

import "time"

const (
	// maxSkew is how far the clock of another run may be ahead. AWS refuses a request that is signed
	// with a clock that differs by more than 15 minutes.
	// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (RequestTimeTooSkewed)
	maxSkew = 15 * time.Minute
	// maxAge bounds the age of everything in the state. Ages are shown and measured.
	maxAge = 10 * 365 * 24 * time.Hour
	// maxCount bounds each counter in the state, so that no counter overflows.
	maxCount = 1_000_000
)

// believable returns a time of the state as Plan uses it. The state may have any time: a clock was
// wrong, or the state was edited. A time that is slightly ahead counts as now. A time further ahead
// is not believed, and instead is returned. A time that is older than maxAge has the age maxAge. No
// time stays no time.
func believable(t, now, instead time.Time) time.Time {
	switch {
	case t.IsZero():
		return t
	case t.After(now.Add(maxSkew)):
		t = instead
	case t.After(now):
		t = now
	}
	if oldest := now.Add(-maxAge); t.Before(oldest) {
		return oldest.UTC()
	}
	return t
}

// at returns the state with times that can be believed at now, and with bounded counters. run is
// when the run began that reads the state.
func (s State) at(now, run time.Time) State {
	if s.Run.At.After(now) { // a run of the future does not make this run outdated
		s.Run.At = run
	}
	s.Run.At = believable(s.Run.At, now, run)
	s.Baseline = believable(s.Baseline, now, now)
	s.Gaps, s.Errors = append([]Gap(nil), s.Gaps...), append([]Error(nil), s.Errors...)
	for i := range s.Gaps {
		g := &s.Gaps[i]
		g.Since = believable(g.Since, now, now)
		// An announcement that is not believed counts as the one at the opening, so that it delays no
		// reminder.
		g.Notified = believable(g.Notified, now, g.Since)
		g.Closed = believable(g.Closed, now, now)
		bound(&g.Opened, &g.Reminders, &g.Missed)
	}
	for i := range s.Errors {
		e := &s.Errors[i]
		e.Since = believable(e.Since, now, now)
		e.Notified = believable(e.Notified, now, e.Since)
		bound(&e.Runs, &e.Reminders, &e.Missed)
	}
	if s.Notices != nil { // nil has a meaning
		s.Notices = append([]SeenNotice{}, s.Notices...)
	}
	for i := range s.Notices {
		s.Notices[i].Seen = believable(s.Notices[i].Seen, now, now)
	}
	s.Regions = append([]SeenRegion(nil), s.Regions...)
	for i := range s.Regions {
		bound(&s.Regions[i].Functions, &s.Regions[i].Missed)
	}
	if s.Refused != nil {
		refused := *s.Refused
		refused.At = believable(refused.At, now, now)
		bound(&refused.Times)
		s.Refused = &refused
	}
	return s
}

// bound limits counters to 0 and maxCount.
func bound(counters ...*int) {
	for _, c := range counters {
		*c = min(max(*c, 0), maxCount)
	}
}
