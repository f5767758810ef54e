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
	// deadMan triggers if no period has a run. The periods span two intervals and half an hour, so
	// that one run can be missed and the next one late.
	deadMan window
	// warmUpMinutes is the warm-up of the dead man alarm.
	warmUpMinutes int
	// unverified spans two runs in succession, errors four.
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
	longestSpan      = 7 * 24 * time.Hour
	longestShortSpan = 24 * time.Hour
	longestWarmUp    = 48 * time.Hour
)

const (
	watchSlack = 30 * time.Minute
	// longestWatched is the longest gap between runs that a dead man alarm can watch.
	longestWatched = (longestSpan - watchSlack) / 2
	// shortestGap is the shortest interval. A run ends before the next one starts.
	shortestGap = 5 * time.Minute
)

// watchOf returns the alarm windows for a schedule expression of EventBridge Scheduler in a time
// zone with an IANA name; "" means UTC. It reads no clock. It returns an error for an invalid
// expression, one that no single alarm can watch, one that ends, and one that runs more often than
// every five minutes.
func watchOf(expression, zone string) (watch, error) {
	longest, err := longestGap(expression, zone)
	if err != nil {
		return watch{}, err
	}
	if longest.length > longestWatched {
		return watch{},
			fmt.Errorf("%s: the gap between two runs can be %s%s, but an alarm can watch at most %s",
				expression, words(longest.length), longest.where(), words(longestWatched))
	}
	return watchGap(longest.length), nil
}

// flexible returns the minutes by which Scheduler may delay a run, so that the runs of many
// accounts do not start at once: ten, or none if the interval is shorter than a quarter of an hour,
// because two runs would overlap. watchOf must accept the expression.
func flexible(expression string) int {
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

// watchGap returns the alarm windows for runs that are at most gap apart. gap must not exceed
// longestWatched.
func watchGap(gap time.Duration) watch {
	// Short periods, so that the alarm triggers soon after the deadline.
	dead := spanning(2*gap+watchSlack, 5*time.Minute)
	if 2*gap+watchSlack > longestShortSpan {
		dead = spanning(2*gap+watchSlack, time.Hour)
	}
	return watch{
		deadMan: dead, warmUpMinutes: min(dead.period*dead.periods/60, int(longestWarmUp.Minutes())),
		unverified: runsApart(gap), errors: runsApart(3 * gap),
	}
}

func spanning(span, period time.Duration) window {
	return window{int(period.Seconds()), ceil(span, period)}
}

// runsApart returns a window that holds two runs with a given gap, each in its own period. Periods
// slide by the minute, so that with periods as long as the gap, two runs would be in one period at
// one minute and not at the next. The window adds Scheduler's flexible window (10 minutes), a run,
// its metric (2 minutes) and the next evaluation. An alarm that reads back more than a day sees
// only full hours.
func runsApart(gap time.Duration) window {
	span := gap + 15*time.Minute
	if span <= longestShortSpan {
		return spanning(span, time.Minute)
	}
	w := spanning(span, time.Hour)
	w.periods = min(w.periods+1, int(longestSpan/time.Hour))
	return w
}

func ceil(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

// gap is the time between two successive runs.
type gap struct {
	length   time.Duration
	from, to time.Time // in the schedule's time zone; zero for a rate, whose gaps are equal
}

func (g gap) where() string {
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

// The unit can be singular or plural for any number.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
var ratePattern = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)

// longestGap returns the longest gap of a schedule, including changes of the clocks.
func longestGap(expression, timeZone string) (gap, error) {
	zone, err := time.LoadLocation(timeZone)
	if err != nil || timeZone == "Local" {
		return gap{}, fmt.Errorf("time zone %q is not an IANA name, such as Europe/Berlin", timeZone)
	}
	kind, fields, _ := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	wrong := func(format string, args ...any) (gap, error) {
		return gap{}, fmt.Errorf("%s: %w", expression, fmt.Errorf(format, args...))
	}
	switch rate := ratePattern.FindStringSubmatch(expression); {
	case rate != nil:
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour,
			"day": 24 * time.Hour}[rate[2]]
		n, err := strconv.ParseUint(rate[1], 10, 16)
		switch every := time.Duration(n) * unit; {
		case err != nil: // too long in every unit
			return wrong("too long: an alarm can watch at most %s between two runs",
				words(longestWatched))
		case every < shortestGap:
			return wrong("runs more often than every %s", words(shortestGap))
		default:
			return gap{length: every}, nil
		}
	case kind == "at":
		return wrong("runs only once: use rate(…) or cron(…)")
	case kind != "cron" || !strings.HasSuffix(expression, ")"):
		return gap{}, fmt.Errorf("%q is not a schedule, such as rate(6 hours) or cron(0 9 * * ? *)",
			expression)
	}
	c, err := parseCron(fields)
	if err != nil {
		return wrong("%w", err)
	}
	for year := yearField.first; year <= yearField.last; year++ {
		if !c.years[year] {
			return wrong("omits years, in which the dead man alarm would trigger: use * for the year")
		}
	}
	for i, minute := range c.minutes[1:] {
		if time.Duration(minute-c.minutes[i])*time.Minute < shortestGap {
			return wrong("runs more often than every %s", words(shortestGap))
		}
	}
	// After 28 years dates and clock changes fall on the same days of the week.
	longest := c.longestGap(zone, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2053, 1, 1, 0, 0, 0, 0, time.UTC))
	if longest.length == 0 {
		return wrong("runs less than twice in 28 years")
	}
	return longest, nil
}

// longestGap returns the first of the longest gaps between runs on the dates from one to another
// (midnights in UTC, the last one excluded). It is zero with fewer than two runs. As in Scheduler,
// a time that the clocks skip has no run, and a time that occurs twice has one.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
func (c cron) longestGap(zone *time.Location, from, until time.Time) gap {
	var longest gap
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
		// A zone's midnight is at most 14 hours from UTC's.
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
				longest = gap{length, before, run}
			}
			before = run
		}
	}
	return longest
}

// landmarks returns the indices of the minutes that matter on a day without a change of the clocks:
// the first, the last, and the two around the longest gap. This keeps thousands of such days cheap.
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

// atWall returns the first moment at which the clocks of a zone show a time, which is given as if
// it were UTC. The offsets, in seconds, are the possible offsets of the zone at that time, in
// order. There is no such moment if the clocks skip the time.
func atWall(wall time.Time, zone *time.Location, offsets ...int) (time.Time, bool) {
	for _, offset := range offsets {
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, got := t.Zone(); got == offset {
			return t, true
		}
	}
	return time.Time{}, false
}
