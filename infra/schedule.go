package infra

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines without a time zone database
)

// watch holds the windows of the alarms for a schedule.
type watch struct {
	// deadMan is the window of the dead man alarm, which triggers if no period contains a run. The
	// window spans two intervals and half an hour, so that one run can be missing and the next run can
	// be late.
	deadMan window
	// warmUpMinutes is the warm-up of the dead man alarm.
	warmUpMinutes int
	// unverified spans two successive runs, and errors spans four.
	unverified, errors window
}

// window is the evaluation window of an alarm.
type window struct {
	period  int // seconds
	periods int
}

// The limits of an alarm.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const (
	// longestSpan is the limit of all periods together if a period is an hour or longer.
	longestSpan = 7 * 24 * time.Hour
	// longestShortSpan is the limit of all periods together if a period is shorter than an hour.
	longestShortSpan = 24 * time.Hour
	longestWarmUp    = 48 * time.Hour
)

const (
	watchSlack = 30 * time.Minute
	// longestWatched is the longest interval between two runs that a dead man alarm can watch.
	longestWatched = (longestSpan - watchSlack) / 2
	// shortestInterval is long enough that a run ends before the next run starts.
	shortestInterval = 5 * time.Minute
)

// watchOf returns the alarm windows for a schedule expression of EventBridge Scheduler. zone is the
// IANA name of a time zone; "" means UTC. The result does not depend on the current time. watchOf
// returns an error if the expression is invalid, omits years or runs more often than every five
// minutes, or if the interval between two runs is longer than an alarm can watch.
func watchOf(expression, zone string) (watch, error) {
	longest, err := longestInterval(expression, zone)
	if err != nil {
		return watch{}, err
	}
	if longest.length > longestWatched {
		return watch{},
			fmt.Errorf("%s: the time between two runs can be %s%s, but an alarm can watch at most %s",
				expression, words(longest.length), longest.where(), words(longestWatched))
	}
	return watchInterval(longest.length), nil
}

// flexibleMinutes returns the number of minutes for which Scheduler may delay a run, so that the
// runs of many accounts do not start at once. The number is ten, or zero if an interval is shorter
// than a quarter of an hour, because a delayed run could overlap the next run. watchOf must accept
// the expression.
func flexibleMinutes(expression string) int {
	const window, shortest = 10, 15 * time.Minute
	closest := 24 * time.Hour
	if rate := ratePattern.FindStringSubmatch(expression); rate != nil {
		if n, err := strconv.Atoi(rate[1]); err == nil && rate[2] == "minute" {
			closest = time.Duration(n) * time.Minute
		}
	} else if c, err := parseCron(strings.TrimSuffix(strings.TrimPrefix(expression, "cron("),
		")")); err == nil {
		before := c.minutes[len(c.minutes)-1] - 24*60 // the last run of the day before
		for _, minute := range c.minutes {
			closest = min(closest, time.Duration(minute-before)*time.Minute)
			before = minute
		}
	}
	if closest < shortest {
		return 0
	}
	return window
}

// watchInterval returns the alarm windows for runs that are at most interval apart. interval must
// not exceed longestWatched.
func watchInterval(interval time.Duration) watch {
	// Prefer short periods, so that the alarm triggers soon after the deadline.
	dead := spanning(2*interval+watchSlack, 5*time.Minute)
	if 2*interval+watchSlack > longestShortSpan {
		dead = spanning(2*interval+watchSlack, time.Hour)
	}
	return watch{
		deadMan: dead, warmUpMinutes: min(dead.period*dead.periods/60, int(longestWarmUp.Minutes())),
		unverified: runsApart(interval), errors: runsApart(3 * interval),
	}
}

func spanning(span, period time.Duration) window {
	return window{int(period.Seconds()), ceil(span, period)}
}

// runsApart returns a window that contains two runs with this interval, each in its own period. A
// period must be shorter than the interval: CloudWatch moves the periods every minute, so that a
// period of the same length could contain both runs in one minute and one run in the next. The
// window also covers Scheduler's flexible window (10 minutes), a run, the metric of the run (2
// minutes) and the next evaluation. An alarm with a window of more than a day evaluates only full
// hours, so the window gets an additional hour.
func runsApart(interval time.Duration) window {
	span := interval + 15*time.Minute
	if span <= longestShortSpan {
		return spanning(span, time.Minute)
	}
	w := spanning(span, time.Hour)
	w.periods = min(w.periods+1, int(longestSpan/time.Hour))
	return w
}

func ceil(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

// interval is the time between two successive runs.
type interval struct {
	length   time.Duration
	from, to time.Time // in the schedule's time zone; zero for a rate, with its equal intervals
}

func (g interval) where() string {
	if g.from.IsZero() {
		return ""
	}
	const layout = "Mon 2006-01-02 15:04 MST"
	return fmt.Sprintf(" (from %s to %s)", g.from.Format(layout), g.to.Format(layout))
}

// words returns a duration of whole minutes as text.
func words(d time.Duration) string {
	var parts []string
	for _, unit := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := d / unit.of; n == 1 {
			parts = append(parts, "1 "+unit.name)
		} else if n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", n, unit.name))
		}
		d %= unit.of
	}
	return strings.Join(parts, " ")
}

// ratePattern matches rate(…). The unit can be singular or plural for any number.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
var ratePattern = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)

// longestInterval returns the longest interval of a schedule. The result includes changes of the
// clocks.
func longestInterval(expression, timeZone string) (interval, error) {
	zone, err := time.LoadLocation(timeZone)
	if err != nil || timeZone == "Local" {
		return interval{}, fmt.Errorf("time zone %q is not an IANA name, such as Europe/Berlin", timeZone)
	}
	kind, fields, _ := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	wrong := func(format string, args ...any) (interval, error) {
		return interval{}, fmt.Errorf("%s: %w", expression, fmt.Errorf(format, args...))
	}
	switch rate := ratePattern.FindStringSubmatch(expression); {
	case rate != nil:
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour,
			"day": 24 * time.Hour}[rate[2]]
		n, err := strconv.ParseUint(rate[1], 10, 16)
		switch every := time.Duration(n) * unit; {
		case err != nil: // the number is so large that the interval is too long in every unit
			return wrong("the time between two runs is too long: an alarm can watch at most %s between "+
				"two runs",
				words(longestWatched))
		case every < shortestInterval:
			return wrong("runs more often than every %s", words(shortestInterval))
		default:
			return interval{length: every}, nil
		}
	case kind == "at":
		return wrong("runs only once: use rate(…) or cron(…)")
	case kind != "cron" || !strings.HasSuffix(expression, ")"):
		return interval{}, fmt.Errorf("%q is not a schedule, such as rate(6 hours) or cron(0 9 * * ? *)",
			expression)
	}
	c, err := parseCron(fields)
	if err != nil {
		return wrong("%w", err)
	}
	for year := yearField.first; year <= yearField.last; year++ {
		if !c.years[year] {
			return wrong("some years have no run, so the dead man alarm would trigger: use * for the year")
		}
	}
	for i, minute := range c.minutes[1:] {
		if time.Duration(minute-c.minutes[i])*time.Minute < shortestInterval {
			return wrong("runs more often than every %s", words(shortestInterval))
		}
	}
	// After 28 years, all dates and clock changes are on the same days of the week again.
	longest := c.longestInterval(zone, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2053, 1, 1, 0, 0, 0, 0, time.UTC))
	if longest.length == 0 {
		return wrong("runs fewer than two times in 28 years: use a schedule that runs more often")
	}
	return longest, nil
}

// longestInterval returns the longest interval between two runs on the dates that are not before
// from and before until; both are midnight in UTC. If several intervals are the longest, it returns
// the first. With fewer than two runs, it returns zero. As in Scheduler, a local time that the
// clocks skip has no run, and a local time that occurs twice has one run.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
func (c cron) longestInterval(zone *time.Location, from, until time.Time) interval {
	var longest interval
	var before time.Time
	all := make([]int, len(c.minutes))
	for i := range all {
		all[i] = i
	}
	landmarks := c.landmarks()
	for date := from; date.Before(until); date = date.AddDate(0, 0, 1) {
		if !c.on(date) {
			continue
		}
		// These offsets are equal unless the clocks change around the date: midnight in a zone is at most
		// 14 hours from midnight in UTC.
		_, early := date.Add(-24 * time.Hour).In(zone).Zone()
		_, late := date.Add(48 * time.Hour).In(zone).Zone()
		indices := landmarks
		if early != late {
			indices = all
		}
		for n, i := range indices {
			run, exists := atWall(date.Add(time.Duration(c.minutes[i])*time.Minute), zone, early, late)
			if !exists {
				continue
			}
			follows := n == 0 || i == indices[n-1]+1 // no run between before and run
			if length := run.Sub(before); follows && !before.IsZero() && length > longest.length {
				longest = interval{length, before, run}
			}
			before = run
		}
	}
	return longest
}

// landmarks returns the indices of the runs that matter on a day without a change of the clocks:
// the first, the last, and the two around the longest interval. With these few runs,
// longestInterval can check thousands of days quickly.
func (c cron) landmarks() []int {
	last := len(c.minutes) - 1
	widest := 0
	for i := range last {
		if c.minutes[i+1]-c.minutes[i] > c.minutes[widest+1]-c.minutes[widest] {
			widest = i
		}
	}
	return []int{0, widest, min(widest+1, last), last}
}

// atWall returns the first moment at which the clocks of zone show the local time wall. wall has
// the location UTC, although it is local time. offsets are the offsets of zone before and after a
// possible change of the clocks, in seconds. The result is false if the clocks skip the local time.
func atWall(wall time.Time, zone *time.Location, offsets ...int) (time.Time, bool) {
	for _, offset := range offsets {
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, got := t.Zone(); got == offset {
			return t, true
		}
	}
	return time.Time{}, false
}
