package infra

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // so that time zones are known where the machine has none
)

// A watch is how alarms watch a schedule.
type watch struct {
	// deadMan fires when none of its periods saw a run. They span two gaps between runs and half an
	// hour, so that one run may be missed, and the next one late.
	deadMan window
	// warmUpMinutes is how long the dead man waits before its first judgement.
	warmUpMinutes int
	// blind and errors hold two runs in a row, and four.
	blind, errors window
}

// A window is what an alarm looks back at.
type window struct {
	period  int // seconds
	periods int
}

// What one alarm can do.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const (
	// of all periods, where one is an hour or longer; else it is a day
	longestSpan      = 7 * 24 * time.Hour
	longestByMinutes = 24 * time.Hour
	longestWarmUp    = 48 * time.Hour
)

const (
	watchSlack = 30 * time.Minute
	// longestWatched is the longest gap that a dead man can watch.
	longestWatched = (longestSpan - watchSlack) / 2
	// shortestGap is how often the audit may run: often enough for anyone, and so seldom that a run is
	// over when the next one starts.
	shortestGap = 5 * time.Minute
)

// watchOf is how to watch a schedule: an expression as EventBridge Scheduler takes it, in a time
// zone by its IANA name ("" is UTC). It reads no clock. What is no expression is an error, and so
// is one that no single alarm can watch, one that comes to an end, and one that runs more often
// than every five minutes.
func watchOf(expression, zone string) (watch, error) {
	longest, err := longestGap(expression, zone)
	if err != nil {
		return watch{}, err
	}
	if longest.length > longestWatched {
		return watch{},
			fmt.Errorf("%s: %s may pass between two runs%s, and one alarm can watch for at most %s",
				expression, words(longest.length), longest.where(), words(longestWatched))
	}
	return watchGap(longest.length), nil
}

// flexible is how many minutes Scheduler may put a run off, so that not everybody's runs start at
// the same moment: ten, and none where runs follow each other within a quarter of an hour, of which
// two would meet. The expression is one that watchOf takes.
func flexible(expression string) int {
	const window, shortest = 10, 15 * time.Minute
	closest := 24 * time.Hour
	if rate := ratePattern.FindStringSubmatch(expression); rate != nil {
		if n, err := strconv.Atoi(rate[1]); err == nil && rate[2] == "minute" {
			closest = time.Duration(n) * time.Minute
		}
	} else if c, err := parseCron(strings.TrimSuffix(strings.TrimPrefix(expression, "cron("),
		")")); err == nil {
		before := c.minutes[len(c.minutes)-1] - 24*60 // of the day before, if there is a run on it
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

// watchGap is how to watch for runs that are at most gap apart, which is at most longestWatched.
func watchGap(gap time.Duration) watch {
	// short periods, so that it fires soon after its time is over
	dead := spanning(2*gap+watchSlack, 5*time.Minute)
	if 2*gap+watchSlack > longestByMinutes {
		dead = spanning(2*gap+watchSlack, time.Hour)
	}
	return watch{
		deadMan: dead, warmUpMinutes: min(dead.period*dead.periods/60, int(longestWarmUp.Minutes())),
		blind: runsApart(gap), errors: runsApart(3 * gap),
	}
}

func spanning(span, period time.Duration) window {
	return window{int(period.Seconds()), ceil(span, period)}
}

// runsApart is a window that holds two runs which are at most so far apart, as an alarm has it that
// counts runs: each has a period of its own. Periods slide by the minute, so in one as long as a
// gap two runs would meet at one minute and not at the next. Beyond the gap there is Scheduler's
// flexible window (10 minutes), a run, its metric (2) and the next evaluation. An alarm that looks
// further back than a day sees full hours alone.
func runsApart(gap time.Duration) window {
	span := gap + 15*time.Minute
	if span <= longestByMinutes {
		return spanning(span, time.Minute)
	}
	w := spanning(span, time.Hour)
	w.periods = min(w.periods+1, int(longestSpan/time.Hour))
	return w
}

func ceil(d, unit time.Duration) int { return int((d + unit - 1) / unit) }

// A gap is the time between two runs that follow each other.
type gap struct {
	length   time.Duration
	from, to time.Time // in the schedule's time zone; zero for a rate, whose gaps are all the same
}

func (g gap) where() string {
	if g.from.IsZero() {
		return ""
	}
	const layout = "Mon 2006-01-02 15:04 MST"
	return fmt.Sprintf(" (from %s to %s)", g.from.Format(layout), g.to.Format(layout))
}

// words spells a duration of whole minutes.
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

// The unit may be singular or plural, whatever the number.
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
var ratePattern = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)s?\)$`)

// longestGap is the longest gap that a schedule ever has, changes of the clocks included.
func longestGap(expression, timeZone string) (gap, error) {
	zone, err := time.LoadLocation(timeZone)
	if err != nil || timeZone == "Local" {
		return gap{}, fmt.Errorf("time zone %q is not one of IANA's, such as Europe/Berlin", timeZone)
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
		case err != nil: // more than 45 days, in every unit
			return wrong("too long: one alarm can watch for at most %s between two runs",
				words(longestWatched))
		case every < shortestGap:
			return wrong("runs more often than every %s", words(shortestGap))
		default:
			return gap{length: every}, nil
		}
	case kind == "at":
		return wrong("runs once; an audit wants rate(…) or cron(…)")
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
			return wrong("leaves out years, in which the alarm for missing runs would fire; the year has " +
				"to be *")
		}
	}
	for i, minute := range c.minutes[1:] {
		if time.Duration(minute-c.minutes[i])*time.Minute < shortestGap {
			return wrong("runs more often than every %s", words(shortestGap))
		}
	}
	// After 28 years dates fall on the same days of the week, and so do the changes of the clocks.
	longest := c.longestGap(zone, time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2053, 1, 1, 0, 0, 0, 0, time.UTC))
	if longest.length == 0 {
		return wrong("runs less than twice in 28 years")
	}
	return longest, nil
}

// longestGap is the longest gap, the first of several, between the runs on the dates from one to
// another (midnights in UTC, the last one excluded). It is zero if there are fewer than two. As
// Scheduler has it, a time that the clocks skip has no run, and one that comes twice has one.
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
		// Wide enough for every zone: a zone's midnight is at most 14 hours from UTC's.
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
			follows := n == 0 || i == indices[n-1]+1 // nothing runs between before and run
			if length := run.Sub(before); follows && !before.IsZero() && length > longest.length {
				longest = gap{length, before, run}
			}
			before = run
		}
	}
	return longest
}

// landmarks are the indices of the minutes that count on a day without a change of the clocks: the
// first and the last, and the two around the longest gap in between. There are thousands of such
// days.
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

// atWall is the first moment at which the clocks of a zone show a time, which is given as if it
// were UTC. The offsets, in seconds, are those that the zone may have then, in order. There is no
// such moment if the clocks skip the time.
func atWall(wall time.Time, zone *time.Location, offsets ...int) (time.Time, bool) {
	for _, offset := range offsets {
		t := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		if _, got := t.Zone(); got == offset {
			return t, true
		}
	}
	return time.Time{}, false
}
