package infra

import (
	"strings"
	"time"
	_ "time/tzdata" // for machines without a time zone database

	"github.com/aws/aws-cdk-go/awscdk/v2"
)

// schedule describes when the audit runs.
type schedule struct {
	// expression is the schedule in the syntax of EventBridge Scheduler.
	expression string
	// longest is the longest time between two runs. The alarms depend on it.
	longest time.Duration
	// flexible is the time for which Scheduler may delay a run, so that the runs of many accounts do
	// not start at once. Zero means no delay.
	flexible time.Duration
}

// intervals are the schedules of Every, equal to the mapping Intervals of template.yaml. Each
// interval is long enough that a delayed run does not overlap the next run.
var intervals = map[string]schedule{
	"15m": {"rate(15 minutes)", 15 * time.Minute, 10 * time.Minute},
	"1h":  {"rate(1 hour)", time.Hour, 10 * time.Minute},
	"6h":  {"rate(6 hours)", 6 * time.Hour, 10 * time.Minute},
	"12h": {"rate(12 hours)", 12 * time.Hour, 10 * time.Minute},
	"1d":  {"rate(1 day)", 24 * time.Hour, 10 * time.Minute},
}

// schedule returns the schedule of valid props with defaults. A run of ScheduleExpression is never
// delayed, because the shortest time between two of its runs is unknown.
func (p *PermissionAuditorProps) schedule() schedule {
	if p.ScheduleExpression == nil {
		return intervals[*p.Every]
	}
	longest, err := time.ParseDuration(*p.LongestInterval)
	if err != nil {
		panic(err) // Validate reports it
	}
	return schedule{expression: *p.ScheduleExpression, longest: longest}
}

// validateSchedule checks the fields that decide when the audit runs, together. It does not parse
// ScheduleExpression, which EventBridge Scheduler validates in a deployment.
func (p *PermissionAuditorProps) validateSchedule(v *validation) {
	v.checkKnown("Every", p.Every)
	v.checkKnown("LongestInterval", p.LongestInterval)
	given := func(value *string) bool { return value != nil && *value != "" }
	switch hasExpression, hasLongest := given(p.ScheduleExpression), given(p.LongestInterval); {
	case hasExpression && p.Every != nil:
		v.wrong("Every", "has no effect with ScheduleExpression: omit one of them")
	case hasExpression && !hasLongest:
		v.wrong("LongestInterval", "required with ScheduleExpression, because the alarms depend on it: "+
			"set it to the longest time between two runs, such as 25h for a daily run; "+
			"alternatively set Every instead of ScheduleExpression")
	case !hasExpression && hasLongest:
		v.wrong("LongestInterval", "has no effect without ScheduleExpression: omit it")
	case hasLongest && !*awscdk.Token_IsUnresolved(p.LongestInterval):
		validateLongestInterval(v, *p.LongestInterval)
	}
	if p.TimeZone != nil && !*awscdk.Token_IsUnresolved(p.TimeZone) {
		// LoadLocation accepts "" for UTC and Local for the zone of this machine.
		if _, err := time.LoadLocation(*p.TimeZone); err != nil || *p.TimeZone == "" ||
			*p.TimeZone == "Local" {
			v.wrong("TimeZone", "%q is not a name of the IANA time zone database, such as UTC or "+
				"Europe/Vienna", *p.TimeZone)
		}
	}
}

// checkKnown adds an error if a value is a token.
func (v *validation) checkKnown(field string, value *string) {
	if value != nil && *awscdk.Token_IsUnresolved(value) {
		v.wrong(field, "must be known at synth, because the alarms depend on it: use a literal")
	}
}

// validateLongestInterval checks that alarms can watch runs that are at most value apart. It
// ignores a value that does not match the pattern of the setting.
func validateLongestInterval(v *validation, value string) {
	switch longest, err := time.ParseDuration(value); {
	case err != nil: // validateSettings reports it
	case longest < shortestInterval:
		v.wrong("LongestInterval", "must be at least %s, got %s", hoursAndMinutes(shortestInterval),
			value)
	case longest > longestWatched:
		v.wrong("LongestInterval", "must be at most %s, because an alarm cannot watch more, got %s: "+
			"run the audit more often", hoursAndMinutes(longestWatched), value)
	}
}

// hoursAndMinutes returns a duration of whole minutes without its seconds.
func hoursAndMinutes(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }

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
