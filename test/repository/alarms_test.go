package repository

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cwalarm"
)

// extraPeriods lists possible numbers of older periods that CloudWatch reads when data is missing.
// CloudWatch does not document the number, so a scenario must have the same result with each
// number.
var extraPeriods = []int{0, 1, 2, 5}

// scenario is a sequence of events and the states that one alarm must take.
type scenario struct {
	name  string
	alarm string
	// arrange changes a timeline in which all runs succeed and find no gap. It returns the time ranges
	// of the first transitions, in order. The other transitions may happen at any time.
	arrange func(w *timeline, a cwalarm.Alarm) []timeRange
	// want lists the states after INSUFFICIENT_DATA, in order. An additional state means that the
	// alarm flaps. A missing state means that the alarm misses the event.
	want []cwalarm.State
}

// timeRange is the time in which a transition must happen.
type timeRange struct {
	from, to time.Time
	// untilExpired is true if the transition happens when data leaves the evaluation range. The more
	// extra periods CloudWatch reads, the later the transition happens.
	untilExpired bool
}

var anyTime = timeRange{}

var (
	staysOK         = []cwalarm.State{cwalarm.OK}
	alarmsOnce      = []cwalarm.State{cwalarm.OK, cwalarm.InAlarm, cwalarm.OK}
	alarmsUntilEnd  = []cwalarm.State{cwalarm.OK, cwalarm.InAlarm}
	alarmsFromStart = []cwalarm.State{cwalarm.InAlarm, cwalarm.OK}
)

// evaluationDelay returns the longest time from when data is readable to the evaluation that uses
// it. CloudWatch evaluates an alarm with a window of more than a day every hour, and reads data up
// to the last full hour, so the delay of such an alarm can be two hours.
func evaluationDelay(a cwalarm.Alarm) time.Duration {
	if a.Window() > 24*time.Hour {
		return 2 * time.Hour
	}
	return 2 * time.Minute
}

// noticed returns the time range in which an alarm must react to data: it starts at from, and ends
// one evaluation delay after readable, the latest time at which the data becomes readable.
func noticed(a cwalarm.Alarm, from, readable time.Time) timeRange {
	return timeRange{from, readable.Add(evaluationDelay(a)), false}
}

// expired returns the time range of a transition that happens when data leaves the alarm's window.
// The range starts at from. The data leaves the window at the latest when lifetime has passed since
// readable, plus two periods, because the data can be at the start or at the end of a period.
func expired(a cwalarm.Alarm, from, readable time.Time, lifetime time.Duration) timeRange {
	periods := 2 * time.Duration(a.Period) * time.Second
	return timeRange{from, readable.Add(lifetime + evaluationDelay(a) + periods), true}
}

func noEvent(*timeline, cwalarm.Alarm) []timeRange { return nil }

var deadManScenarios = []scenario{
	{"all runs succeed, and no run finds a gap", "DeadManAlarm", noEvent, staysOK},
	{"IAM changes start additional runs", "DeadManAlarm",
		func(w *timeline, _ cwalarm.Alarm) []timeRange {
			w.addIAMChangeRuns(w.middleRun())
			return nil
		}, staysOK},
	{"one run is late", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.delay(w.middleRun())
		return nil
	}, staysOK},
	{"one run never starts", "DeadManAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
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
	{"all runs fail from one run on", "DeadManAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		i := w.middleRun()
		w.modify(i, len(w.runs)-i, func(r *run) { r.failures = 2 })
		last := w.runs[i-1]
		return []timeRange{anyTime, expired(a, last.start, last.readableBy(), 2*w.every+30*time.Minute)}
	}, alarmsUntilEnd},
	{"no run starts after the deployment", "DeadManAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			w.runs = nil
			return []timeRange{noticed(a, w.created.Add(a.WarmUp), w.created.Add(a.WarmUp))}
		}, []cwalarm.State{cwalarm.InAlarm}},
}

func makeUnverified(r *run) { r.unverified = true }

var unverifiedScenarios = []scenario{
	{"all runs succeed, and no run finds a gap", "BlindAlarm", noEvent, staysOK},
	{"one run is unverified", "BlindAlarm", func(w *timeline, _ cwalarm.Alarm) []timeRange {
		w.modify(w.middleRun(), 1, makeUnverified)
		return nil
	}, staysOK},
	{"one run is unverified, and the next never starts", "BlindAlarm",
		func(w *timeline, _ cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.modify(i, 1, makeUnverified)
			w.drop(i+1, 1)
			return nil
		}, staysOK},
	{"one run is unverified, and no later run starts", "BlindAlarm",
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
	{"eight runs are denied the simulation", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.unverifiedFor(w.middleRun(), 8, a)
		}, alarmsOnce},
	{"eight runs are denied the simulation, and IAM changes start runs", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.addIAMChangeRuns(i)
			return w.unverifiedFor(i, 8, a)
		}, alarmsOnce},
	{"eight runs are denied the simulation, and one of them is late", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.delay(i + 2)
			return w.unverifiedFor(i, 8, a)
		}, alarmsOnce},
	{"eight runs are denied the simulation, and one run between them never starts", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.drop(i+1, 1)
			return w.unverifiedFor(i, 8, a)
		}, alarmsOnce},
	{"three runs are denied the simulation, and the next six never start", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			i := w.middleRun()
			w.drop(i+3, 6)
			return w.unverifiedFor(i, 3, a)
		}, alarmsOnce},
	{"the first eight runs are unverified", "BlindAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.unverifiedFor(0, 8, a)[1:]
		}, alarmsFromStart},
}

// unverifiedFor makes n runs unverified, from the i-th on, and returns the time ranges of the
// transitions. The alarm must open between the second unverified run and the first run in the third
// alarm period. It must close after the first run that is verified again.
func (w *timeline) unverifiedFor(i, n int, a cwalarm.Alarm) []timeRange {
	w.modify(i, n, makeUnverified)
	second, latest, next := w.runs[i+1], w.runs[w.firstRunOfPeriod(i, 3, a)], w.runs[i+n]
	return []timeRange{anyTime, noticed(a, second.start, latest.readableBy()),
		expired(a, next.start, next.readableBy(), w.every+15*time.Minute)}
}

// gapsFor makes n runs find gaps, fail to send the alert, and find no confirmed subscription, from
// the i-th run on. It returns the time ranges of the transitions. An alarm must open after the
// first of these runs, and close after the first run that follows them.
func (w *timeline) gapsFor(i, n int, a cwalarm.Alarm) []timeRange {
	w.modify(i, n, func(r *run) { r.gaps, r.critical, r.alertFailures, r.noSubscribers = 3, 1, 1, 1 })
	return []timeRange{anyTime, noticed(a, w.runs[i].start, w.runs[i].readableBy()),
		expired(a, w.runs[i+n].start, w.runs[i+n].readableBy(), 5*time.Minute)}
}

// lastRunScenarios returns the scenarios of an alarm on a result of the last run.
func lastRunScenarios(alarm string) []scenario {
	return []scenario{
		{"all runs succeed, and no run finds a gap", alarm, noEvent, staysOK},
		{"five runs find a gap", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.gapsFor(w.middleRun(), 5, a)
		}, alarmsOnce},
		{"one run finds a gap", alarm, func(w *timeline, a cwalarm.Alarm) []timeRange {
			return w.gapsFor(w.middleRun(), 1, a)
		}, alarmsOnce},
		{"nine runs find a gap, and IAM changes start runs", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				w.addIAMChangeRuns(i)
				w.gapsFor(i, 9, a)
				return nil // the times vary: of two runs in one minute, the worse value counts
			}, alarmsOnce},
		{"the first run without the gap starts in the same minute as the run before", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				w.gapsFor(i, 5, a)
				w.runs[i+5].start, w.runs[i+5].took = w.runs[i+4].start, w.runs[i+4].took
				return []timeRange{anyTime, noticed(a, w.runs[i].start, w.runs[i].readableBy()),
					expired(a, w.runs[i+6].start, w.runs[i+6].readableBy(), 5*time.Minute)}
			}, alarmsOnce},
		{"three runs find a gap, and the next six never start", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				w.drop(i+3, 6)
				return w.gapsFor(i, 3, a)
			}, alarmsOnce},
		{"no run finds a gap, and eight runs never start", alarm,
			func(w *timeline, _ cwalarm.Alarm) []timeRange {
				w.drop(w.middleRun(), 8)
				return nil
			}, staysOK},
		{"no run finds a gap, and then runs stop", alarm, func(w *timeline, _ cwalarm.Alarm) []timeRange {
			w.runs = w.runs[:w.middleRun()]
			return nil
		}, staysOK},
		{"three runs find a gap, and then runs stop", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				i := w.middleRun()
				spans := w.gapsFor(i, 3, a)
				w.runs = w.runs[:i+3]
				return spans[:2]
			}, alarmsUntilEnd},
	}
}

// unverifiedGapScenarios returns the scenarios of a gap alarm in which runs are unverified.
func unverifiedGapScenarios(alarm string) []scenario {
	return []scenario{
		{"no run finds a gap, and eight runs are unverified", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
				w.unverifiedFor(w.middleRun(), 8, a)
				return nil
			}, staysOK},
		{"a gap stays open while eight runs are unverified", alarm,
			func(w *timeline, a cwalarm.Alarm) []timeRange {
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
	{"all runs succeed, and no run finds a gap", "ErrorsAlarm", noEvent, staysOK},
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
			return nil // the times vary: several failed runs in one period count once
		}, alarmsOnce},
	{"the first eight runs fail", "ErrorsAlarm", func(w *timeline, a cwalarm.Alarm) []timeRange {
		w.failFor(0, 8, 2, a)
		return nil // the times vary
	}, alarmsOnce},
}

// failureQueueScenarios lists the scenarios of the alarm on the failure queue. The queue receives
// an event if its run and all retries fail, or if its run never starts.
var failureQueueScenarios = []scenario{
	{"all runs succeed, and no run finds a gap", "FailureQueueAlarm", noEvent, staysOK},
	{"an event reaches the failure queue, and the queue is purged a day later", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.sendToFailureQueue(24 * time.Hour)
			return []timeRange{anyTime, noticed(a, m.sent, m.sent.Add(longestActivation+longestDelay)),
				expired(a, m.purged, m.purged.Add(longestActivation+longestDelay), 5*time.Minute)}
		}, alarmsOnce},
	{"an event reaches the failure queue, and the queue is purged 30 minutes later",
		"FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.sendToFailureQueue(30 * time.Minute)
			return []timeRange{anyTime, noticed(a, m.sent, m.sent.Add(longestActivation+longestDelay)),
				expired(a, m.purged, m.purged.Add(longestDelay), 5*time.Minute)}
		}, alarmsOnce},
	{"an event reaches the failure queue, and is received several times", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.sendToFailureQueue(40 * time.Hour)
			for after := time.Hour; after < 40*time.Hour; after += 8 * time.Hour {
				m.receives = append(m.receives, m.sent.Add(after+w.randomUpTo(6*time.Hour)))
			}
			return nil
		}, alarmsOnce},
	{"an event reaches the failure queue, and the queue is not purged", "FailureQueueAlarm",
		func(w *timeline, a cwalarm.Alarm) []timeRange {
			m := w.sendToFailureQueue(72 * time.Hour)
			w.until = m.purged
			return []timeRange{anyTime, noticed(a, m.sent, m.sent.Add(longestActivation+longestDelay))}
		}, alarmsUntilEnd},
}

// failFor makes n runs fail, from the i-th on, and returns the time ranges of the transitions. The
// alarm must open between the second failed run and the first run in the third alarm period.
func (w *timeline) failFor(i, n, failures int, a cwalarm.Alarm) []timeRange {
	w.modify(i, n, func(r *run) { r.failures = failures })
	second, latest, last := w.runs[i+1], w.runs[w.firstRunOfPeriod(i, 3, a)], w.runs[i+n-1]
	return []timeRange{anyTime, noticed(a, second.start, latest.readableBy()),
		expired(a, last.start, last.readableBy(), 3*w.every+15*time.Minute)}
}

// firstRunOfPeriod returns the index of the first run in the n-th alarm period that contains a run.
// The period of the i-th run is the first.
func (w *timeline) firstRunOfPeriod(i, n int, a cwalarm.Alarm) int {
	period := func(j int) time.Time {
		return w.runs[j].end().Truncate(time.Duration(a.Period) * time.Second)
	}
	for n--; n > 0; n-- {
		for current := period(i); period(i).Equal(current); i++ {
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
		extraTime := time.Duration(extra*a.Period) * time.Second
		if err := compare(changes, s.want, spans, extraTime); err != nil {
			return fmt.Errorf("with %v of extra periods: %w", extraTime, err)
		}
	}
	return nil
}

// compare checks transitions against the expected states and time ranges. The alarm reads data from
// its window and from extraTime before it.
func compare(changes []cwalarm.Transition, want []cwalarm.State, spans []timeRange,
	extraTime time.Duration) error {
	var got []cwalarm.State
	for _, c := range changes {
		got = append(got, c.To)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("states %v, want %v", got, want)
	}
	for i, s := range spans {
		if s.untilExpired {
			s.to = s.to.Add(extraTime)
		}
		if c := changes[i]; s != anyTime && (c.Time.Before(s.from) || c.Time.After(s.to)) {
			return fmt.Errorf("%s at %v, want it from %v to %v", c.To, c.Time, s.from, s.to)
		}
	}
	return nil
}

// TestScenariosUseTheSettingsOfTheTemplate checks that the scenarios use the timeouts and intervals
// of template.yaml.
func TestScenariosUseTheSettingsOfTheTemplate(t *testing.T) {
	resources := readResources(t)
	for _, tt := range []struct {
		id, path string
		want     any
	}{
		{"AuditSchedule", "FlexibleTimeWindow.MaximumWindowInMinutes", startWindow.Minutes()},
		{"AuditSchedule", "Target.RetryPolicy.MaximumEventAgeInSeconds", maxEventAge.Seconds()},
		{"AuditFunction", "Timeout", longestRun.Seconds()},
		{"AuditFunctionEventInvokeConfig", "MaximumRetryAttempts", 1.0},
		{"FailureQueue", "VisibilityTimeout", nil}, // not set: the default is 30 s
	} {
		if got := at(resources[tt.id].Properties, tt.path); got != tt.want {
			t.Errorf("%s: %s is %v; the scenarios use %v", tt.id, tt.path, got, tt.want)
		}
	}
	rates := map[string]string{"15m": "rate(15 minutes)", "1h": "rate(1 hour)", "6h": "rate(6 hours)",
		"12h": "rate(12 hours)", "1d": "rate(1 day)"}
	values := cfn.List(at(readTemplate(t).Section("Parameters"), "Every.AllowedValues"))
	if len(values) != len(intervals) {
		t.Errorf("the parameter Every allows %v; the scenarios use %v", values, intervals)
	}
	for every := range intervals {
		schedule := resourcesWith(t, map[string]string{"Every": every})["AuditSchedule"]
		if got := schedule.Properties["ScheduleExpression"]; got != rates[every] {
			t.Errorf("ScheduleExpression with Every=%s is %v, want %s", every, got, rates[every])
		}
	}
}
