package house

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/cwalarm"
)

// extras are how many periods further back CloudWatch may look where data is missing. It does not
// say how many, so every story has to end alike for all.
var extras = []int{0, 1, 2, 5}

// A story is what happens, and what an alarm makes of it.
type story struct {
	name  string
	alarm string
	// tell changes a world in which runs go on and find nothing. Its answer says when the changes of
	// state have to be; without one, they may be whenever.
	tell func(w *world, a cwalarm.Alarm) []span
	// want are the states after INSUFFICIENT_DATA, in order. One more is an alarm that flaps, one less
	// an alarm that misses it.
	want []cwalarm.State
}

// A span is the time in which a change has to be.
type span struct {
	from, to time.Time
	// forgets is that the change waits for data to leave the window: later, the further CloudWatch
	// looks back.
	forgets bool
}

var whenever = span{}

var (
	stays  = []cwalarm.State{cwalarm.OK}
	once   = []cwalarm.State{cwalarm.OK, cwalarm.InAlarm, cwalarm.OK}
	lasts  = []cwalarm.State{cwalarm.OK, cwalarm.InAlarm}
	atOnce = []cwalarm.State{cwalarm.InAlarm, cwalarm.OK}
)

// slack is how much later than its data an alarm may see it: its next evaluation, which is at most
// two hours off where its window is longer than a day, as it then looks every hour at what was up
// to the full one.
func slack(a cwalarm.Alarm) time.Duration {
	if a.Window() > 24*time.Hour {
		return 2 * time.Hour
	}
	return 2 * time.Minute
}

// seen is that an alarm sees data that can be read from a time on.
func seen(a cwalarm.Alarm, from, told time.Time) span {
	return span{from, told.Add(slack(a)), false}
}

// forgotten is that an alarm does not look at data any more, a time after they could be read. Its
// periods may begin with them, and end with them.
func forgotten(a cwalarm.Alarm, from, told time.Time, after time.Duration) span {
	return span{from, told.Add(after + slack(a) + 2*time.Duration(a.Period)*time.Second), true}
}

func nothing(*world, cwalarm.Alarm) []span { return nil }

var deadMan = []story{
	{"runs go on", "DeadManAlarm", nothing, stays},
	{"changes start runs too", "DeadManAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.changes(w.some())
		return nil
	}, stays},
	{"one run is late", "DeadManAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.late(w.some())
		return nil
	}, stays},
	{"one run is lost", "DeadManAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.lose(w.some(), 1)
		return nil
	}, stays},
	{"one run fails", "DeadManAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.runs[w.some()].failures = 2
		return nil
	}, stays},
	{"the first run is late", "DeadManAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.late(0)
		return nil
	}, stays},
	{"runs stop, and resume", "DeadManAlarm", func(w *world, a cwalarm.Alarm) []span {
		i := w.some()
		w.lose(i, 8)
		last, next := w.runs[i-1], w.runs[i]
		return []span{whenever, forgotten(a, last.start.Add(2*w.every), last.told(),
			2*w.every+30*time.Minute), seen(a, next.start, next.told())}
	}, once},
	{"every run fails", "DeadManAlarm", func(w *world, a cwalarm.Alarm) []span {
		i := w.some()
		w.during(i, len(w.runs)-i, func(r *run) { r.failures = 2 })
		last := w.runs[i-1]
		return []span{whenever, forgotten(a, last.start, last.told(), 2*w.every+30*time.Minute)}
	}, lasts},
	{"no run ever", "DeadManAlarm", func(w *world, a cwalarm.Alarm) []span {
		w.runs = nil
		return []span{seen(a, w.created.Add(a.WarmUp), w.created.Add(a.WarmUp))}
	}, []cwalarm.State{cwalarm.InAlarm}},
}

func becomeBlind(r *run) { r.blind = true }

var blind = []story{
	{"runs go on", "BlindAlarm", nothing, stays},
	{"one blind run", "BlindAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.during(w.some(), 1, becomeBlind)
		return nil
	}, stays},
	{"one blind run, the next is lost", "BlindAlarm", func(w *world, _ cwalarm.Alarm) []span {
		i := w.some()
		w.during(i, 1, becomeBlind)
		w.lose(i+1, 1)
		return nil
	}, stays},
	{"one blind run, and no more runs", "BlindAlarm", func(w *world, _ cwalarm.Alarm) []span {
		i := w.some()
		w.during(i, 1, becomeBlind)
		w.lose(i+1, len(w.runs)-i-1)
		return nil
	}, stays},
	{"a blind run now and then", "BlindAlarm", func(w *world, _ cwalarm.Alarm) []span {
		for i := w.some() % 5; i < len(w.runs); i += 5 {
			w.runs[i].blind = true
		}
		return nil
	}, stays},
	{"the first run is blind", "BlindAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.during(0, 1, becomeBlind)
		return nil
	}, stays},
	{"a lost right to simulate", "BlindAlarm", func(w *world, a cwalarm.Alarm) []span {
		return w.blindFor(w.some(), 8, a)
	}, once},
	{"a lost right to simulate, and runs by changes", "BlindAlarm",
		func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			w.changes(i)
			return w.blindFor(i, 8, a)
		}, once},
	{"a lost right to simulate, a run late", "BlindAlarm", func(w *world, a cwalarm.Alarm) []span {
		i := w.some()
		w.late(i + 2)
		return w.blindFor(i, 8, a)
	}, once},
	{"a lost right to simulate, a run lost", "BlindAlarm", func(w *world, a cwalarm.Alarm) []span {
		i := w.some()
		w.lose(i+1, 1)
		return w.blindFor(i, 8, a)
	}, once},
	{"a lost right to simulate, then runs stop for long", "BlindAlarm",
		func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			w.lose(i+3, 6)
			return w.blindFor(i, 3, a)
		}, once},
	{"blind from the first run on", "BlindAlarm", func(w *world, a cwalarm.Alarm) []span {
		return w.blindFor(0, 8, a)[1:]
	}, atOnce},
}

// blindFor blinds n runs: the alarm is to say so at the second or third of them, and to end when
// runs see again.
func (w *world) blindFor(i, n int, a cwalarm.Alarm) []span {
	w.during(i, n, becomeBlind)
	second, third, sees := w.runs[i+1], w.runs[w.apart(i, 3, a)], w.runs[i+n]
	return []span{whenever, seen(a, second.start, third.told()),
		forgotten(a, sees.start, sees.told(), w.every+15*time.Minute)}
}

// troubleFor has n runs find gaps, and nobody to tell: alarms are to open with the first of them
// and to close with the first without it.
func (w *world) troubleFor(i, n int, a cwalarm.Alarm) []span {
	w.during(i, n, func(r *run) { r.gaps, r.critical, r.alertFailures, r.noSubscribers = 3, 1, 1, 1 })
	return []span{whenever, seen(a, w.runs[i].start, w.runs[i].told()),
		forgotten(a, w.runs[i+n].start, w.runs[i+n].told(), 5*time.Minute)}
}

// lastRun are the stories of the alarms that say what the last run said.
func lastRun(alarm string) []story {
	return []story{
		{"runs go on", alarm, nothing, stays},
		{"a gap opens and closes", alarm, func(w *world, a cwalarm.Alarm) []span {
			return w.troubleFor(w.some(), 5, a)
		}, once},
		{"a gap that one run sees", alarm, func(w *world, a cwalarm.Alarm) []span {
			return w.troubleFor(w.some(), 1, a)
		}, once},
		{"a gap opens and closes, and runs by changes", alarm, func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			w.changes(i)
			w.troubleFor(i, 9, a)
			return nil // two runs in one minute cannot be told apart: the worse counts
		}, once},
		{"a gap that closes while two runs share a minute", alarm,
			func(w *world, a cwalarm.Alarm) []span {
				i := w.some()
				w.troubleFor(i, 5, a)
				w.runs[i+5].start, w.runs[i+5].took = w.runs[i+4].start, w.runs[i+4].took
				return []span{whenever, seen(a, w.runs[i].start, w.runs[i].told()),
					forgotten(a, w.runs[i+6].start, w.runs[i+6].told(), 5*time.Minute)}
			}, once},
		{"a gap, and runs stop for long", alarm, func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			w.lose(i+3, 6)
			return w.troubleFor(i, 3, a)
		}, once},
		{"no gap, and runs stop for long", alarm, func(w *world, _ cwalarm.Alarm) []span {
			w.lose(w.some(), 8)
			return nil
		}, stays},
		{"no gap, and no more runs", alarm, func(w *world, _ cwalarm.Alarm) []span {
			w.runs = w.runs[:w.some()]
			return nil
		}, stays},
		{"a gap, and no more runs", alarm, func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			spans := w.troubleFor(i, 3, a)
			w.runs = w.runs[:i+3]
			return spans[:2]
		}, lasts},
	}
}

// couldNotLook are the stories of gap alarms while nothing can be verified.
func couldNotLook(alarm string) []story {
	return []story{
		{"no gap, and a lost right to simulate", alarm, func(w *world, a cwalarm.Alarm) []span {
			w.blindFor(w.some(), 8, a)
			return nil
		}, stays},
		{"a gap, and a lost right to simulate", alarm, func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			spans := w.troubleFor(i, 12, a)
			w.blindFor(i+2, 8, a)
			return spans
		}, once},
		{"a gap closes while nobody can look", alarm, func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			spans := w.troubleFor(i, 3, a)
			w.during(i+2, 6, becomeBlind)
			return []span{whenever, spans[1], forgotten(a, w.runs[i+8].start, w.runs[i+8].told(),
				5*time.Minute)}
		}, once},
	}
}

var errorsAlarm = []story{
	{"runs go on", "ErrorsAlarm", nothing, stays},
	{"an error now and then, and the retry succeeds", "ErrorsAlarm",
		func(w *world, _ cwalarm.Alarm) []span {
			for i := w.some() % 7; i < len(w.runs); i += 7 {
				w.runs[i].failures = 1
			}
			return nil
		}, stays},
	{"one run fails, and so does its retry", "ErrorsAlarm", func(w *world, _ cwalarm.Alarm) []span {
		w.runs[w.some()].failures = 2
		return nil
	}, stays},
	{"every run fails for long", "ErrorsAlarm", func(w *world, a cwalarm.Alarm) []span {
		return w.failFor(w.some(), 8, 2, a)
	}, once},
	{"every run fails first for long", "ErrorsAlarm", func(w *world, a cwalarm.Alarm) []span {
		return w.failFor(w.some(), 8, 1, a)
	}, once},
	{"every run fails for long, a run late", "ErrorsAlarm", func(w *world, a cwalarm.Alarm) []span {
		i := w.some()
		w.late(i + 1)
		return w.failFor(i, 8, 2, a)
	}, once},
	{"every run fails for long, and runs by changes", "ErrorsAlarm",
		func(w *world, a cwalarm.Alarm) []span {
			i := w.some()
			w.changes(i)
			w.failFor(i, 12, 2, a)
			return nil // several runs in a minute fail as one
		}, once},
	{"the first runs fail", "ErrorsAlarm", func(w *world, a cwalarm.Alarm) []span {
		w.failFor(0, 8, 2, a)
		return nil
	}, once},
}

// lostRuns are the stories of the queue that events end in whose run failed with its retries, or
// never began. There is no message in it but by them.
var lostRuns = []story{
	{"runs go on", "FailureQueueAlarm", nothing, stays},
	{"a run is lost, and the queue purged a day later", "FailureQueueAlarm",
		func(w *world, a cwalarm.Alarm) []span {
			m := w.message(24 * time.Hour)
			return []span{whenever, seen(a, m.sent, m.sent.Add(longestSleep+longestDelay)),
				forgotten(a, m.purged, m.purged.Add(longestSleep+longestDelay), 5*time.Minute)}
		}, once},
	{"a run is lost, and the queue purged at once", "FailureQueueAlarm",
		func(w *world, a cwalarm.Alarm) []span {
			m := w.message(30 * time.Minute)
			return []span{whenever, seen(a, m.sent, m.sent.Add(longestSleep+longestDelay)),
				forgotten(a, m.purged, m.purged.Add(longestDelay), 5*time.Minute)}
		}, once},
	{"a run is lost, and the message looked at now and then", "FailureQueueAlarm",
		func(w *world, a cwalarm.Alarm) []span {
			m := w.message(40 * time.Hour)
			for look := time.Hour; look < 40*time.Hour; look += 8 * time.Hour { // asleep and awake
				m.looks = append(m.looks, m.sent.Add(look+w.upTo(6*time.Hour)))
			}
			return nil
		}, once},
	{"a run is lost, and nobody cares", "FailureQueueAlarm", func(w *world, a cwalarm.Alarm) []span {
		m := w.message(72 * time.Hour)
		w.until = m.purged
		return []span{whenever, seen(a, m.sent, m.sent.Add(longestSleep+longestDelay))}
	}, lasts},
}

// failFor lets n runs fail: the alarm is to say so at the second or third of them.
func (w *world) failFor(i, n, failures int, a cwalarm.Alarm) []span {
	w.during(i, n, func(r *run) { r.failures = failures })
	second, third, last := w.runs[i+1], w.runs[w.apart(i, 3, a)], w.runs[i+n-1]
	return []span{whenever, seen(a, second.start, third.told()),
		forgotten(a, last.start, last.told(), 3*w.every+15*time.Minute)}
}

// apart is the run from the i-th on with which n of an alarm's periods have seen one.
func (w *world) apart(i, n int, a cwalarm.Alarm) int {
	period := func(j int) time.Time {
		return w.runs[j].end().Truncate(time.Duration(a.Period) * time.Second)
	}
	for n--; n > 0; n-- {
		for this := period(i); period(i) == this; i++ {
		}
	}
	return i
}

func TestAlarmsOverWeeksOfRuns(t *testing.T) {
	stories := slices.Concat(deadMan, blind, errorsAlarm, lostRuns, couldNotLook("GapsAlarm"),
		couldNotLook("GapsCriticalAlarm"))
	for _, alarm := range []string{"GapsAlarm", "GapsCriticalAlarm", "AlertFailuresAlarm",
		"NoSubscribersAlarm"} {
		stories = append(stories, lastRun(alarm)...)
	}
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for _, every := range slices.Sorted(maps.Keys(intervals)) {
		alarms := alarmsOf(t, resourcesWith(t, map[string]string{"Every": every}))
		for i, s := range stories {
			// so that together they deploy at every minute of the hour
			for seed := i * seeds; seed < (i+1)*seeds; seed++ {
				if err := s.check(t, intervals[every], seed, alarms[s.alarm]); err != nil {
					t.Errorf("%s, every %s, seed %d: %s: %v", s.alarm, every, seed, s.name, err)
					break
				}
			}
		}
	}
}

func (s story) check(t *testing.T, every time.Duration, seed int, a cwalarm.Alarm) error {
	t.Helper()
	w := newWorld(every, uint64(seed))
	spans := s.tell(w, a)
	points := w.points(t, a.MetricName)
	for _, extra := range extras {
		changes, err := a.Transitions(points, cwalarm.Life{Created: w.created, Until: w.until,
			Extra: extra})
		if err != nil {
			return err
		}
		further := time.Duration(extra*a.Period) * time.Second
		if err := compare(changes, s.want, spans, further); err != nil {
			return fmt.Errorf("looking %v further back: %w", further, err)
		}
	}
	return nil
}

// compare holds changes to what they should be, for an alarm that looks further back than its
// window.
func compare(changes []cwalarm.Transition, want []cwalarm.State, spans []span,
	further time.Duration) error {
	var got []cwalarm.State
	for _, c := range changes {
		got = append(got, c.To)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("states %v, want %v", got, want)
	}
	for i, s := range spans {
		if s.forgets {
			s.to = s.to.Add(further)
		}
		if c := changes[i]; s != whenever && (c.Time.Before(s.from) || c.Time.After(s.to)) {
			return fmt.Errorf("%s at %v, want it from %v to %v", c.To, c.Time, s.from, s.to)
		}
	}
	return nil
}

// The world of the stories is the one that the template makes.
func TestStoriesAreOfTheTemplate(t *testing.T) {
	resources := readResources(t)
	for _, tt := range []struct {
		id, path string
		want     any
	}{
		{"AuditSchedule", "FlexibleTimeWindow.MaximumWindowInMinutes", flexible.Minutes()},
		{"AuditSchedule", "Target.RetryPolicy.MaximumEventAgeInSeconds", retriedFor.Seconds()},
		{"AuditFunction", "Timeout", longestRun.Seconds()},
		{"AuditFunctionEventInvokeConfig", "MaximumRetryAttempts", 1.0},
		{"FailureQueue", "VisibilityTimeout", nil}, // 30 s
	} {
		if got := at(resources[tt.id].Properties, tt.path); got != tt.want {
			t.Errorf("%s: %s is %v; the stories have %v", tt.id, tt.path, got, tt.want)
		}
	}
	rates := map[string]string{"15m": "rate(15 minutes)", "1h": "rate(1 hour)", "6h": "rate(6 hours)",
		"12h": "rate(12 hours)", "1d": "rate(1 day)"}
	values := cfn.List(at(readTemplate(t).Section("Parameters"), "Every.AllowedValues"))
	if len(values) != len(intervals) {
		t.Errorf("Every is one of %v; the stories are of %v", values, intervals)
	}
	for every := range intervals {
		schedule := resourcesWith(t, map[string]string{"Every": every})["AuditSchedule"]
		if got := schedule.Properties["ScheduleExpression"]; got != rates[every] {
			t.Errorf("Every %s is %v, want %s", every, got, rates[every])
		}
	}
}
