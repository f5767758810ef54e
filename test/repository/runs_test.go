package repository

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/cwalarm"
)

// intervals are the values of the parameter Every.
var intervals = map[string]time.Duration{"15m": 15 * time.Minute, "1h": time.Hour,
	"6h": 6 * time.Hour, "12h": 12 * time.Hour, "1d": 24 * time.Hour}

// The longest durations before, in and after a run.
const (
	startWindow = 10 * time.Minute // AuditSchedule's FlexibleTimeWindow
	maxEventAge = time.Hour        // the MaximumEventAgeInSeconds of AuditSchedule's RetryPolicy
	longestRun  = time.Minute      // the function's Timeout
	// retryAfter is the time after which Lambda retries a failed run:
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
	retryAfter   = time.Minute
	longestDelay = 2 * time.Minute // until a metric is readable
)

// run is one run of the function with its results.
type run struct {
	start       time.Time
	took, delay time.Duration // delay is the time from the end until the metrics are readable
	failures    int           // number of the two attempts that fail
	unverified  bool          // true if no requirement could be verified

	gaps, critical, alertFailures, noSubscribers float64
}

// timeline is a deployment and its runs, in order. Delays that AWS does not specify are random, and
// depend only on the seed.
type timeline struct {
	*rand.Rand
	every          time.Duration
	created, until time.Time
	runs           []run
	failed         *failedMessage // in the failure queue; nil without one
}

// newTimeline returns a timeline of at least two weeks. The minute of the deployment depends on the
// seed. In half of the timelines the first run starts at once, like the first run of a rate
// schedule. In the other half the first run starts after one interval.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func newTimeline(every time.Duration, seed uint64) *timeline {
	w := &timeline{Rand: rand.New(rand.NewPCG(seed, uint64(every))), every: every}
	w.created = time.Date(2026, 3, 2, 10, int(seed*7%60), int(seed*13%60), 0, time.UTC)
	w.until = w.created.Add(max(14*24*time.Hour, 50*every))
	for at := w.created.Add(w.randomUpTo(time.Minute) +
		time.Duration(seed%2)*every); at.Before(w.until.Add(-2 * startWindow)); at = at.Add(every) {
		w.runs = append(w.runs, w.runAt(at.Add(w.randomUpTo(startWindow))))
	}
	return w
}

// randomUpTo returns a random duration from 0 to d. A quarter of the results are 0, and a quarter
// are d.
func (w *timeline) randomUpTo(d time.Duration) time.Duration {
	switch w.IntN(4) {
	case 0:
		return 0
	case 1:
		return d
	}
	return time.Duration(w.Int64N(int64(d)))
}

func (w *timeline) runAt(start time.Time) run {
	return run{start: start, took: w.randomUpTo(longestRun), delay: w.randomUpTo(longestDelay)}
}

// sortByEnd sorts runs by their end, because a run publishes its metrics at its end.
func (w *timeline) sortByEnd() {
	slices.SortStableFunc(w.runs, func(a, b run) int { return a.end().Compare(b.end()) })
}

func (r run) end() time.Time { return r.start.Add(r.took) }

// middleRun returns the index of a random run that is neither among the first nor the last.
func (w *timeline) middleRun() int { return 10 + w.IntN(len(w.runs)-30) }

// addIAMChangeRuns adds runs that IAM changes start, near the run with the index around. Half of
// them start in the same minute as another run.
func (w *timeline) addIAMChangeRuns(around int) {
	for range 12 {
		r := w.runs[around-5+w.IntN(10)]
		w.runs = append(w.runs, w.runAt(r.start.Add(w.randomUpTo(w.every))),
			w.runAt(r.start.Truncate(time.Minute).Add(w.randomUpTo(time.Minute))))
	}
	w.sortByEnd()
}

// delay starts the i-th run up to maxEventAge later.
func (w *timeline) delay(i int) {
	w.runs[i].start = w.runs[i].start.Add(w.randomUpTo(maxEventAge))
	w.sortByEnd()
}

// drop removes n runs, from the i-th on, as if they never started.
func (w *timeline) drop(i, n int) { w.runs = slices.Delete(w.runs, i, i+n) }

// modify applies change to n runs, from the i-th on.
func (w *timeline) modify(i, n int, change func(*run)) {
	for j := range n {
		change(&w.runs[i+j])
	}
}

// attempt is one invocation of the function.
type attempt struct {
	start, end time.Time
	failed     bool
}

func (r run) attempts() []attempt {
	list := []attempt{{r.start, r.end(), r.failures > 0}}
	if r.failures > 0 {
		again := list[0].end.Add(retryAfter)
		list = append(list, attempt{again, again.Add(r.took), r.failures > 1})
	}
	return list
}

// readableBy returns the latest time at which the metrics of a run become readable.
func (r run) readableBy() time.Time {
	list := r.attempts()
	return list[len(list)-1].end.Add(longestDelay)
}

// points returns the values of a metric, as internal/publish, Lambda and SQS publish them.
func (w *timeline) points(t testing.TB, metric string) (points []cwalarm.Point) {
	t.Helper()
	if metric == "ApproximateNumberOfMessagesVisible" {
		return w.visibleMessages()
	}
	for _, r := range w.runs {
		for _, a := range r.attempts() {
			if metric == "Errors" {
				// Every invocation has a value. Its time is the start of the invocation:
				// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
				points = append(points, cwalarm.Point{Time: a.start, Value: map[bool]float64{true: 1}[a.failed],
					Delay: a.end.Sub(a.start) + r.delay})
				continue
			}
			if a.failed {
				continue
			}
			value, published := 0.0, true
			switch metric {
			case contract.MetricAuditCompleted:
				value = 1
			case contract.MetricRequirementsUnverified:
				if r.unverified {
					value = 7
				}
			case contract.MetricGaps:
				value, published = r.gaps, !r.unverified
			case contract.MetricGapsCritical:
				value, published = r.critical, !r.unverified
			case contract.MetricAlertFailures:
				value = r.alertFailures
			case contract.MetricNoSubscribers:
				value = r.noSubscribers
			default:
				t.Fatalf("unknown metric %s", metric)
			}
			if published {
				points = append(points, cwalarm.Point{Time: a.end, Value: value, Delay: r.delay})
			}
		}
	}
	// Values become readable in the order in which they were published.
	slices.SortStableFunc(points, func(p, q cwalarm.Point) int { return p.Time.Compare(q.Time) })
	for i := 1; i < len(points); i++ {
		before := points[i-1].Time.Add(points[i-1].Delay)
		points[i].Delay = max(points[i].Delay, before.Sub(points[i].Time))
	}
	return points
}

// failedMessage is a message that is in the failure queue from sent until purged. After each
// receive, the message is invisible for a while.
type failedMessage struct {
	sent, purged time.Time
	receives     []time.Time
}

// The times at which an SQS queue publishes metrics:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
const (
	// activeFor is how long a queue is active after the last call. A queue is active "if it contains
	// any messages or if any action accesses it".
	activeFor         = 6 * time.Hour
	longestActivation = 15 * time.Minute // until an inactive queue publishes again
	visibility        = 30 * time.Second // FailureQueue's VisibilityTimeout
)

// sendToFailureQueue sends the event of a run to the failure queue, purges the queue after the
// given time, and ends the timeline a day later. It returns the message.
func (w *timeline) sendToFailureQueue(after time.Duration) *failedMessage {
	sent := w.runs[10+w.IntN(10)].readableBy()
	w.failed = &failedMessage{sent: sent, purged: sent.Add(after)}
	w.until = w.failed.purged.Add(24 * time.Hour)
	return w.failed
}

// visibleMessages returns the number of visible messages for each minute in which the queue is
// active. AWS does not document whether a queue with a message can become inactive: in half of the
// timelines the queue does.
func (w *timeline) visibleMessages() (points []cwalarm.Point) {
	m := w.failed
	if m == nil {
		m = &failedMessage{sent: w.until, purged: w.until}
	}
	calls := append([]time.Time{w.created, m.sent, m.purged}, m.receives...)
	canBecomeInactive, inactive, activeAt := w.IntN(2) == 0, true, w.created
	for now := w.created; now.Before(w.until); now = now.Add(time.Minute) {
		hasMessage := !now.Before(m.sent) && now.Before(m.purged)
		called := slices.ContainsFunc(calls, func(c time.Time) bool {
			return !now.Before(c) &&
				now.Before(c.Add(activeFor))
		})
		if !called && (!hasMessage || canBecomeInactive) {
			inactive = true
			continue
		}
		if inactive {
			// The value of a minute is not readable before the minute ends.
			inactive, activeAt = false, now.Add(max(time.Minute, w.randomUpTo(longestActivation)))
		}
		if now.Before(activeAt) {
			continue
		}
		value := 0.0
		if hasMessage &&
			!slices.ContainsFunc(m.receives, func(c time.Time) bool {
				return !now.Before(c) &&
					now.Before(c.Add(visibility))
			}) {
			value = 1
		}
		points = append(points, cwalarm.Point{Time: now, Value: value, Delay: w.randomUpTo(longestDelay)})
	}
	return points
}
