package house

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/cwalarm"
)

// intervals are the values of the parameter Every.
var intervals = map[string]time.Duration{"15m": 15 * time.Minute, "1h": time.Hour,
	"6h": 6 * time.Hour, "12h": 12 * time.Hour, "1d": 24 * time.Hour}

// What runs are like at most.
const (
	flexible   = 10 * time.Minute // after the scheduled time: AuditSchedule's FlexibleTimeWindow
	retriedFor = time.Hour        // until Scheduler has delivered an event: its RetryPolicy
	longestRun = time.Minute      // the function's Timeout
	// until Lambda tries again:
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
	retryAfter   = time.Minute
	longestDelay = 2 * time.Minute // until a metric can be read
)

// A run is one run of the function, with what it finds.
type run struct {
	start       time.Time
	took, delay time.Duration // delay is until its metrics can be read
	failures    int           // of its two attempts
	blind       bool          // nothing could be verified

	gaps, critical, alertFailures, noSubscribers float64
}

// A world is a deployment and its runs, in order. What Scheduler and AWS leave open is random, and
// the same for a seed.
type world struct {
	*rand.Rand
	every          time.Duration
	created, until time.Time
	runs           []run
	lost           *message // in the failure queue
}

// newWorld deploys at some minute of the hour, and runs for some weeks. Half of all begin with a
// run at once, as a rate does
// (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html), the others after an
// interval.
func newWorld(every time.Duration, seed uint64) *world {
	w := &world{Rand: rand.New(rand.NewPCG(seed, uint64(every))), every: every}
	w.created = time.Date(2026, 3, 2, 10, int(seed*7%60), int(seed*13%60), 0, time.UTC)
	w.until = w.created.Add(max(14*24*time.Hour, 50*every))
	for at := w.created.Add(w.upTo(time.Minute) +
		time.Duration(seed%2)*every); at.Before(w.until.Add(-2 * flexible)); at = at.Add(every) {
		w.runs = append(w.runs, w.runAt(at.Add(w.upTo(flexible))))
	}
	return w
}

// upTo is a time up to another, and often nothing or all of it.
func (w *world) upTo(d time.Duration) time.Duration {
	switch w.IntN(4) {
	case 0:
		return 0
	case 1:
		return d
	}
	return time.Duration(w.Int64N(int64(d)))
}

func (w *world) runAt(start time.Time) run {
	return run{start: start, took: w.upTo(longestRun), delay: w.upTo(longestDelay)}
}

// sort puts runs into the order of their ends: what a run finds is what there is then.
func (w *world) sort() {
	slices.SortStableFunc(w.runs, func(a, b run) int { return a.end().Compare(b.end()) })
}

func (r run) end() time.Time { return r.start.Add(r.took) }

// some is a run that is not among the first or the last.
func (w *world) some() int { return 10 + w.IntN(len(w.runs)-30) }

// changes adds runs that changes in IAM start: some here and there, and some in the same minute as
// another.
func (w *world) changes(around int) {
	for range 12 {
		r := w.runs[around-5+w.IntN(10)]
		w.runs = append(w.runs, w.runAt(r.start.Add(w.upTo(w.every))),
			w.runAt(r.start.Truncate(time.Minute).Add(w.upTo(time.Minute))))
	}
	w.sort()
}

// late delivers one run late.
func (w *world) late(i int) {
	w.runs[i].start = w.runs[i].start.Add(w.upTo(retriedFor))
	w.sort()
}

// lose loses n runs wholly.
func (w *world) lose(i, n int) { w.runs = slices.Delete(w.runs, i, i+n) }

// during changes n runs.
func (w *world) during(i, n int, change func(*run)) {
	for j := range n {
		change(&w.runs[i+j])
	}
}

// An attempt is one invocation of the function.
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

// told is when the metrics of a run can be read at the latest.
func (r run) told() time.Time {
	list := r.attempts()
	return list[len(list)-1].end.Add(longestDelay)
}

// points are the values of a metric of the runs, by the rules of internal/publish and of Lambda.
func (w *world) points(t testing.TB, metric string) (points []cwalarm.Point) {
	t.Helper()
	if metric == "ApproximateNumberOfMessagesVisible" {
		return w.queue()
	}
	for _, r := range w.runs {
		for _, a := range r.attempts() {
			if metric == "Errors" {
				// Every invocation has a value, and its time is when that began:
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
				if r.blind {
					value = 7
				}
			case contract.MetricGaps:
				value, published = r.gaps, !r.blind
			case contract.MetricGapsCritical:
				value, published = r.critical, !r.blind
			case contract.MetricAlertFailures:
				value = r.alertFailures
			case contract.MetricNoSubscribers:
				value = r.noSubscribers
			default:
				t.Fatalf("no run has a metric %s", metric)
			}
			if published {
				points = append(points, cwalarm.Point{Time: a.end, Value: value, Delay: r.delay})
			}
		}
	}
	// What was published first can be read first.
	slices.SortStableFunc(points, func(p, q cwalarm.Point) int { return p.Time.Compare(q.Time) })
	for i := 1; i < len(points); i++ {
		before := points[i-1].Time.Add(points[i-1].Delay)
		points[i].Delay = max(points[i].Delay, before.Sub(points[i].Time))
	}
	return points
}

// A message is in the failure queue from when it is sent until the queue is purged; whoever looks
// at it has it for a while.
type message struct {
	sent, purged time.Time
	looks        []time.Time
}

// What a queue tells CloudWatch:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/monitoring-using-cloudwatch.html
const (
	// after the last call, "if it contains any messages or if any action accesses it"
	awake        = 6 * time.Hour
	longestSleep = 15 * time.Minute // that a queue may take to tell again
	visibility   = 30 * time.Second // of a message that was received: FailureQueue's VisibilityTimeout
)

// message loses a run, and purges the queue after a time. What comes a day later is no matter to
// the queue.
func (w *world) message(after time.Duration) *message {
	sent := w.runs[10+w.IntN(10)].told()
	w.lost = &message{sent: sent, purged: sent.Add(after)}
	w.until = w.lost.purged.Add(24 * time.Hour)
	return w.lost
}

// queue is how many messages are visible, minute by minute, while the queue is awake. Whether it
// sleeps with a message in it, the page leaves open: it does in half of the worlds.
func (w *world) queue() (points []cwalarm.Point) {
	m := w.lost
	if m == nil {
		m = &message{sent: w.until, purged: w.until}
	}
	calls := append([]time.Time{w.created, m.sent, m.purged}, m.looks...)
	sleeps, asleep, wakes := w.IntN(2) == 0, true, w.created
	for now := w.created; now.Before(w.until); now = now.Add(time.Minute) {
		holds := !now.Before(m.sent) && now.Before(m.purged)
		called := slices.ContainsFunc(calls, func(c time.Time) bool {
			return !now.Before(c) &&
				now.Before(c.Add(awake))
		})
		if !called && (!holds || sleeps) {
			asleep = true
			continue
		}
		if asleep {
			// not before the minute is over
			asleep, wakes = false, now.Add(max(time.Minute, w.upTo(longestSleep)))
		}
		if now.Before(wakes) {
			continue
		}
		value := 0.0
		if holds &&
			!slices.ContainsFunc(m.looks, func(c time.Time) bool {
				return !now.Before(c) &&
					now.Before(c.Add(visibility))
			}) {
			value = 1
		}
		points = append(points, cwalarm.Point{Time: now, Value: value, Delay: w.upTo(longestDelay)})
	}
	return points
}
