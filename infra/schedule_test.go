package infra

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/jsii-runtime-go"
)

// TestIntervalsEqualTheTemplate checks that Every has the values of template.yaml's parameter, and
// that each value has the expression and the alarm windows of template.yaml's mapping.
func TestIntervalsEqualTheTemplate(t *testing.T) {
	sam := samTemplate(t)
	allowed := sam.Section("Parameters")["Every"].(map[string]any)["AllowedValues"].([]any)
	mapped := sam.Section("Mappings")["Intervals"].(map[string]any)
	if len(allowed) != len(intervals) || len(mapped) != len(intervals) {
		t.Errorf("template.yaml allows %v and maps %v, the construct has %v", allowed,
			slices.Sorted(maps.Keys(mapped)), slices.Sorted(maps.Keys(intervals)))
	}
	for _, value := range allowed {
		every := value.(string)
		s, ok := intervals[every]
		if !ok {
			t.Errorf("the construct has no interval %s", every)
			continue
		}
		w := watchInterval(s.longest)
		want := spelling(map[string]any{"Expression": s.expression,
			"DeadManPeriod": float64(w.deadMan.period), "DeadManPeriods": float64(w.deadMan.periods),
			"DeadManWarmUp": float64(w.warmUpMinutes),
			"BlindPeriod":   float64(w.unverified.period), "BlindPeriods": float64(w.unverified.periods),
			"ErrorsPeriod": float64(w.errors.period), "ErrorsPeriods": float64(w.errors.periods)})
		if got := spelling(mapped[every]); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n SAM %v\n CDK %v", every, got, want)
		}
	}
}

// TestScheduleOfProps checks the expression, the longest interval and the possible delay of a run.
func TestScheduleOfProps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		props PermissionAuditorProps
		want  schedule
	}{
		{"an interval", PermissionAuditorProps{Every: jsii.String("1d")},
			schedule{"rate(1 day)", 24 * time.Hour, 10 * time.Minute}},
		{"an expression is never delayed", PermissionAuditorProps{
			ScheduleExpression: jsii.String("cron(0 9 ? * MON-FRI *)"),
			LongestInterval:    jsii.String("73h")},
			schedule{"cron(0 9 ? * MON-FRI *)", 73 * time.Hour, 0}},
	} {
		if got := tt.props.schedule(); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// TestAlarmWindows checks the alarm windows for intervals that template.yaml does not have.
func TestAlarmWindows(t *testing.T) {
	for interval, want := range map[time.Duration]watch{
		5 * time.Minute:   {window{300, 8}, 40, window{60, 20}, window{60, 30}},
		31 * time.Minute:  {window{300, 19}, 95, window{60, 46}, window{60, 108}},
		239 * time.Minute: {window{300, 102}, 510, window{60, 254}, window{60, 732}},
		4 * time.Hour:     {window{300, 102}, 510, window{60, 255}, window{60, 735}},
		21 * time.Hour:    {window{3600, 43}, 2580, window{60, 1275}, window{3600, 65}},
		25 * time.Hour:    {window{3600, 51}, 2880, window{3600, 27}, window{3600, 77}},
		73 * time.Hour:    {window{3600, 147}, 2880, window{3600, 75}, window{3600, 168}},
		// the window is exactly seven days
		longestWatched: {window{3600, 168}, 2880, window{3600, 85}, window{3600, 168}},
	} {
		if got := watchInterval(interval); got != want {
			t.Errorf("%s: %+v, want %+v", interval, got, want)
		}
	}
}

// TestWindowsOfAllIntervals checks the alarm windows for every possible interval: CloudWatch
// accepts the windows, and they are long enough.
func TestWindowsOfAllIntervals(t *testing.T) {
	for interval := shortestInterval; interval <= longestWatched; interval += time.Minute {
		w := watchInterval(interval)
		seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
		span := func(w window) time.Duration { return seconds(w.period * w.periods) }
		if got := span(w.deadMan); got < 2*interval+watchSlack ||
			got >= 2*interval+watchSlack+seconds(w.deadMan.period) {
			t.Errorf("%s: the window of the dead man alarm is %s", interval, got)
		}
		if got := span(w.unverified); got < interval+15*time.Minute {
			t.Errorf("%s: the window for two runs is %s", interval, got)
		}
		for _, alarm := range []window{w.deadMan, w.unverified, w.errors} {
			limit := 24 * time.Hour
			if alarm.period >= 3600 {
				limit = longestSpan
			}
			if span(alarm) > limit || alarm.period%60 != 0 || alarm.periods < 3 {
				t.Errorf("%s: an alarm does not accept %d periods of %d s", interval, alarm.periods,
					alarm.period)
			}
		}
		if w.warmUpMinutes < 1 || w.warmUpMinutes > 2880 {
			t.Errorf("%s: the warm-up is %d minutes", interval, w.warmUpMinutes)
		}
	}
}
