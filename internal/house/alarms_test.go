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

// extraPeriods are the numbers of further periods that CloudWatch may read when data is missing.
// CloudWatch does not document the number, so every scenario must end the same for all.
var extraPeriods = []int{0, 1, 2, 5}

// scenario is a sequence of events and the states that one alarm must take.
type scenario struct {
	name  string
	alarm string
	// arrange changes a timeline in which all runs succeed and find no gap. It returns the time ranges
	// of the expected transitions; without them, a transition may happen at any time.
	arrange func(w *timeline, a cwalarm.Alarm) []timeRange
	// want are the states after INSUFFICIENT_DATA, in order. A further state means that the alarm
	// flaps, a lacking one that it misses the event.
	want []cwalarm.State
}

// timeRange is the time in which a transition must happen.
type timeRange struct {
	from, to time.Time
	// untilExpired says that the transition waits for data to leave the window. The further CloudWatch
	// reads back, the later it happens.
	untilExpired bool
}

var anyTime = timeRange{}

var (
	staysOK         = []cwalarm.State{cwalarm.OK}
	alarmsOnce      = []cwalarm.State{cwalarm.OK, cwalarm.InAlarm, cwalarm.OK}
	alarmsUntilEnd  = []cwalarm.State{cwalarm.OK, cwalarm.InAlarm}
	alarmsFromStart = []cwalarm.State{cwalarm.InAlarm, cwalarm.OK}
)

// slack is the longest time between readable data and the evaluation that uses it. An alarm with a
// window of more than a day is evaluated every hour, with data up to the last full hour: two hours.
func slack(a cwalarm.Alarm) time.Duration {
	if a.Window() > 24*time.Hour {
		return 2 * time.Hour
	}
	return 2 * time.Minute
}

// noticed is the time range in which an alarm reacts to data that is readable by the given time.
func noticed(a cwalarm.Alarm, from, readable time.Time) timeRange {
	return timeRange{from, readable.Add(slack(a)), false}
}

// expired is the time range in which data leaves the alarm's window, a time after it was readable.
// A period may begin or end with the data.
func expired(a cwalarm.Alarm, from, readable time.Time, after time.Duration) timeRange {
	return timeRange{from, readable.Add(after + slack(a) + 2*time.Duration(a.Period)*time.Second),
		true}
}

func noEvent(*timeline, cwalarm.Alarm) []timeRange { return nil }

var deadManScenarios = []scenario{
	{"runs go on", "DeadManAlarm", noEvent, staysOK},
	{"IAM changes start further runs", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.addIAMChangeRuns(w.middleRun())
		return nil
	}, staysOK},
	{"one run is late", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.delay(w.middleRun())
		return nil
	}, staysOK},
	{"one run is lost", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.drop(w.middleRun(), 1)
		return nil
	}, staysOK},
	{"one run fails", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.runs[w.middleRun()].failures = 2
		return nil
	}, staysOK},
	{"the first run is late", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.delay(0)
		return nil
	}, staysOK},
	{"runs stop and resume", "DeadManAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		i := w.middleRun()
		w.drop(i, 8)
		last, next := w.runs[i-1], w.runs[i]
		return []timeRange{anyTime, expired(a, last.start.Add(2*w.every), last.readableBy(),
			2*w.every+30*time.Minute), noticed(a, next.start, next.readableBy())}
	}, alarmsOnce},
	{"every run fails", "DeadManAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		i := w.middleRun()
		w.modify(i, len(w.runs)-i, func(r *run) { r.failures = 2 })
		last := w.runs[i-1]
		return []timeRange{anyTime, expired(a, last.start, last.readableBy(), 2*w.every+30*time.Minute)}
	}, alarmsUntilEnd},
	{"no run since the deploy", "DeadManAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		w.runs = nil
		return []timeRange{noticed(a, w.created.Add(a.WarmUp), w.created.Add(a.WarmUp))}
	}, []cwalarm.State{cwalarm.InAlarm}},
}

func makeUnverified(r *run) { r.unverified = true }

var unverifiedScenarios = []scenario{
	{"runs go on", "BlindAlarm", noEvent, staysOK},
	{"one unverified run", "BlindAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.modify(w.middleRun(), 1, makeUnverified)
		return nil
	}, staysOK},
	{"one unverified run, the next is lost", "BlindAlarm",
		func(w *timeline, _ cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.modify(i, 1, makeUnverified)
			w.drop(i+1, 1)
			return nil
		}, staysOK},
	{"one unverified run, then no more runs", "BlindAlarm",
		func(w *timeline, _ cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.modify(i, 1, makeUnverified)
			w.drop(i+1, len(w.runs)-i-1)
			return nil
		}, staysOK},
	{"every fifth run is unverified", "BlindAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		for i := w.middleRun() % 5; i < len(w.runs); i += 5 {
			w.runs[i].unverified = true
		}
		return nil
	}, staysOK},
	{"the first run is unverified", "BlindAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.modify(0, 1, makeUnverified)
		return nil
	}, staysOK},
	{"the simulation is denied", "BlindAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		return w.unverifiedFor(w.middleRun(), 8, a)
	}, alarmsOnce},
	{"the simulation is denied, and IAM changes start runs", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.addIAMChangeRuns(i)
			return w.unverifiedFor(i, 8, a)
		}, alarmsOnce},
	{"the simulation is denied, and one run is late", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.delay(i + 2)
			return w.unverifiedFor(i, 8, a)
		}, alarmsOnce},
	{"the simulation is denied, and one run is lost", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.drop(i+1, 1)
			return w.unverifiedFor(i, 8, a)
		}, alarmsOnce},
	{"the simulation is denied, then runs stop for long", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.drop(i+3, 6)
			return w.unverifiedFor(i, 3, a)
		}, alarmsOnce},
	{"all runs from the first on are unverified", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.unverifiedFor(0, 8, a)[1:]
		}, alarmsFromStart},
}

// unverifiedFor makes n runs unverified. The alarm must open at the second or third of them, and
// close when a run is verified again.
func (w *timeline) unverifiedFor(i, n int, a cwalarm.Alarm) []timeRange {
	w.modify(i, n, makeUnverified)
	second, third, next := w.runs[i+1], w.runs[w.runAfterPeriods(i, 3, a)], w.runs[i+n]
	return []timeRange{anyTime, noticed(a, second.start, third.readableBy()),
		expired(a, next.start, next.readableBy(), w.every+15*time.Minute)}
}

// gapsFor makes n runs find gaps, fail to send the alert, and see no confirmed subscription. Alarms
// must open with the first of them and close with the first run after them.
func (w *timeline) gapsFor(i, n int, a cwalarm.Alarm) []timeRange {
	w.modify(i, n, func(r *run) { r.gaps, r.critical, r.alertFailures, r.noSubscribers = 3, 1, 1, 1 })
	return []timeRange{anyTime, noticed(a, w.runs[i].start, w.runs[i].readableBy()),
		expired(a, w.runs[i+n].start, w.runs[i+n].readableBy(), 5*time.Minute)}
}

// lastRunScenarios are for the alarms that repeat the result of the last run.
func lastRunScenarios(alarm string) []scenario {
	return []scenario{
		{"runs go on", alarm, noEvent, staysOK},
		{"a gap opens and closes", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.gapsFor(w.middleRun(), 5, a)
		}, alarmsOnce},
		{"one run finds a gap", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.gapsFor(w.middleRun(), 1, a)
		}, alarmsOnce},
		{"a gap opens and closes, and IAM changes start runs", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				w.addIAMChangeRuns(i)
				w.gapsFor(i, 9, a)
				return nil // of two runs in one minute, the worse value counts
			}, alarmsOnce},
		{"a gap closes while two runs share a minute", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				w.gapsFor(i, 5, a)
				w.runs[i+5].start, w.runs[i+5].took = w.runs[i+4].start, w.runs[i+4].took
				return []timeRange{anyTime, noticed(a, w.runs[i].start, w.runs[i].readableBy()),
					expired(a, w.runs[i+6].start, w.runs[i+6].readableBy(), 5*time.Minute)}
			}, alarmsOnce},
		{"a gap, then runs stop for long", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.drop(i+3, 6)
			return w.gapsFor(i, 3, a)
		}, alarmsOnce},
		{"no gap, then runs stop for long", alarm, func(w *timeline, _ cwalarm.Alarm) []timeRange {
			w.drop(w.middleRun(), 8)
			return nil
		}, staysOK},
		{"no gap, then no more runs", alarm, func(w *timeline, _ cwalarm.Alarm) []timeRange {
			w.runs = w.runs[:w.middleRun()]
			return nil
		}, staysOK},
		{"a gap, then no more runs", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			spans := w.gapsFor(i, 3, a)
			w.runs = w.runs[:i+3]
			return spans[:2]
		}, alarmsUntilEnd},
	}
}

// unverifiedGapScenarios are for the gap alarms while runs are unverified.
func unverifiedGapScenarios(alarm string) []scenario {
	return []scenario{
		{"no gap, and the simulation is denied", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			w.unverifiedFor(w.middleRun(), 8, a)
			return nil
		}, staysOK},
		{"a gap, and the simulation is denied", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			spans := w.gapsFor(i, 12, a)
			w.unverifiedFor(i+2, 8, a)
			return spans
		}, alarmsOnce},
		{"a gap closes while runs are unverified", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			spans := w.gapsFor(i, 3, a)
			w.modify(i+2, 6, makeUnverified)
			return []timeRange{anyTime, spans[1], expired(a, w.runs[i+8].start, w.runs[i+8].readableBy(),
				5*time.Minute)}
		}, alarmsOnce},
	}
}

var errorScenarios = []scenario{
	{"runs go on", "ErrorsAlarm", noEvent, staysOK},
	{"every seventh run fails, and its retry succeeds", "ErrorsAlarm",
		func(w *timeline, _ cwalarm.Alarm) []timeRange {
			for i := w.middleRun() % 7; i < len(w.runs); i += 7 {
				w.runs[i].failures = 1
			}
			return nil
		}, staysOK},
	{"one run and its retry fail", "ErrorsAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.runs[w.middleRun()].failures = 2
		return nil
	}, staysOK},
	{"eight runs and their retries fail", "ErrorsAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.failFor(w.middleRun(), 8, 2, a)
		}, alarmsOnce},
	{"eight runs fail and their retries succeed", "ErrorsAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.failFor(w.middleRun(), 8, 1, a)
		}, alarmsOnce},
	{"eight runs fail, one of them late", "ErrorsAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.delay(i + 1)
			return w.failFor(i, 8, 2, a)
		}, alarmsOnce},
	{"twelve runs fail, and IAM changes start runs", "ErrorsAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.addIAMChangeRuns(i)
			w.failFor(i, 12, 2, a)
			return nil // several failed runs in one minute count once
		}, alarmsOnce},
	{"the first runs fail", "ErrorsAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		w.failFor(0, 8, 2, a)
		return nil
	}, alarmsOnce},
}

// failureQueueScenarios are for the alarm on the failure queue. The queue holds events whose run
// failed with all retries or never began, and no other messages.
var failureQueueScenarios = []scenario{
	{"runs go on", "FailureQueueAlarm", noEvent, staysOK},
	{"a run is lost, and the queue is purged a day later", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.loseRun(24 * time.Hour)
			return []timeRange{anyTime, noticed(a, m.sent, m.sent.Add(longestSleep+longestDelay)),
				expired(a, m.purged, m.purged.Add(longestSleep+longestDelay), 5*time.Minute)}
		}, alarmsOnce},
	{"a run is lost, and the queue is purged soon", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.loseRun(30 * time.Minute)
			return []timeRange{anyTime, noticed(a, m.sent, m.sent.Add(longestSleep+longestDelay)),
				expired(a, m.purged, m.purged.Add(longestDelay), 5*time.Minute)}
		}, alarmsOnce},
	{"a run is lost, and the message is received several times", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.loseRun(40 * time.Hour)
			for after := time.Hour; after < 40*time.Hour; after += 8 * time.Hour {
				m.receives = append(m.receives, m.sent.Add(after+w.randomUpTo(6*time.Hour)))
			}
			return nil
		}, alarmsOnce},
	{"a run is lost, and the queue is not purged", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.loseRun(72 * time.Hour)
			w.until = m.purged
			return []timeRange{anyTime, noticed(a, m.sent, m.sent.Add(longestSleep+longestDelay))}
		}, alarmsUntilEnd},
}

// failFor makes n runs fail. The alarm must open at the second or third of them.
func (w *timeline) failFor(i, n, failures int, a cwalarm.Alarm) []timeRange {
	w.modify(i, n, func(r *run) { r.failures = failures })
	second, third, last := w.runs[i+1], w.runs[w.runAfterPeriods(i, 3, a)], w.runs[i+n-1]
	return []timeRange{anyTime, noticed(a, second.start, third.readableBy()),
		expired(a, last.start, last.readableBy(), 3*w.every+15*time.Minute)}
}

// runAfterPeriods returns the first run, from the i-th on, by which n of the alarm's periods hold a
// run.
func (w *timeline) runAfterPeriods(i, n int, a cwalarm.Alarm) int {
	period := func(j int) time.Time {
		return w.runs[j].end().Truncate(time.Duration(a.Period) * time.Second)
	}
	for n--; n > 0; n-- {
		for this := period(i); period(i).Equal(this); i++ {
		}
	}
	return i
}

func TestAlarmsOverWeeksOfRuns(t *testing.T) {
	scenarios := slices.Concat(deadManScenarios, unverifiedScenarios, errorScenarios,
		failureQueueScenarios, unverifiedGapScenarios("GapsAlarm"),
		unverifiedGapScenarios("GapsCriticalAlarm"))
	for _, alarm := range []string{"GapsAlarm", "GapsCriticalAlarm", "AlertFailuresAlarm",
		"NoSubscribersAlarm"} {
		scenarios = append(scenarios, lastRunScenarios(alarm)...)
	}
	seeds := 12
	if testing.Short() {
		seeds = 3
	}
	for _, every := range slices.Sorted(maps.Keys(intervals)) {
		alarms := alarmsOf(t, resourcesWith(t, map[string]string{"Every": every}))
		for i, s := range scenarios {
			// Different seeds, so that the scenarios deploy at every minute of the hour.
			for seed := i * seeds; seed < (i+1)*seeds; seed++ {
				if err := s.check(t, intervals[every], seed, alarms[s.alarm]); err != nil {
					t.Errorf("%s, every %s, seed %d: %s: %v", s.alarm, every, seed, s.name, err)
					break
				}
			}
		}
	}
}

func (s scenario) check(t *testing.T, every time.Duration, seed int, a cwalarm.Alarm) error {
	t.Helper()
	w := newTimeline(every, uint64(seed))
	spans := s.arrange(w, a)
	points := w.points(t, a.MetricName)
	for _, extra := range extraPeriods {
		changes, err := a.Transitions(points, cwalarm.Observation{Created: w.created, Until: w.until,
			ExtraPeriods: extra})
		if err != nil {
			return err
		}
		further := time.Duration(extra*a.Period) * time.Second
		if err := compare(changes, s.want, spans, further); err != nil {
			return fmt.Errorf("with %v of further periods: %w", further, err)
		}
	}
	return nil
}

// compare checks transitions against the expected states and time ranges, for an alarm that reads
// the given time further back than its window.
func compare(changes []cwalarm.Transition, want []cwalarm.State, spans []timeRange,
	further time.Duration) error {
	var got []cwalarm.State
	for _, c := range changes {
		got = append(got, c.To)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("states %v, want %v", got, want)
	}
	for i, s := range spans {
		if s.untilExpired {
			s.to = s.to.Add(further)
		}
		if c := changes[i]; s != anyTime && (c.Time.Before(s.from) || c.Time.After(s.to)) {
			return fmt.Errorf("%s at %v, want it from %v to %v", c.To, c.Time, s.from, s.to)
		}
	}
	return nil
}

// The scenarios use the timeouts and intervals of the template.
func TestScenariosUseTheSettingsOfTheTemplate(t *testing.T) {
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
			t.Errorf("%s: %s is %v; the scenarios use %v", tt.id, tt.path, got, tt.want)
		}
	}
	rates := map[string]string{"15m": "rate(15 minutes)", "1h": "rate(1 hour)", "6h": "rate(6 hours)",
		"12h": "rate(12 hours)", "1d": "rate(1 day)"}
	values := cfn.List(at(readTemplate(t).Section("Parameters"), "Every.AllowedValues"))
	if len(values) != len(intervals) {
		t.Errorf("Every is one of %v; the scenarios use %v", values, intervals)
	}
	for every := range intervals {
		schedule := resourcesWith(t, map[string]string{"Every": every})["AuditSchedule"]
		if got := schedule.Properties["ScheduleExpression"]; got != rates[every] {
			t.Errorf("Every %s is %v, want %s", every, got, rates[every])
		}
	}
}
