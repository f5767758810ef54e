package infra

import (
	"strings"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	const berlin, newYork = "Europe/Berlin", "America/New_York"
	tests := []struct {
		expression, zone string
		want             watch
	}{
		// The values of Every in template.yaml.
		{"rate(15 minutes)", "", watch{window{300, 12}, 60, window{60, 30}, window{60, 60}}},
		{"rate(1 hour)", "", watch{window{300, 30}, 150, window{60, 75}, window{60, 195}}},
		{"rate(6 hours)", "", watch{window{300, 150}, 750, window{60, 375}, window{60, 1095}}},
		{"rate(12 hours)", "", watch{window{3600, 25}, 1500, window{60, 735}, window{3600, 38}}},
		{"rate(1 day)", "UTC", watch{window{3600, 49}, 2880, window{3600, 26}, window{3600, 74}}},

		{"rate(5 minutes)", "", watch{window{300, 8}, 40, window{60, 20}, window{60, 30}}},
		{"rate(31 minutes)", "", watch{window{300, 19}, 95, window{60, 46}, window{60, 108}}},
		{"rate(239 minutes)", "", watch{window{300, 102}, 510, window{60, 254}, window{60, 732}}},
		{"rate(4 hours)", "", watch{window{300, 102}, 510, window{60, 255}, window{60, 735}}},
		// the spelling of Scheduler's console
		{"rate(1 days)", "", watch{window{3600, 49}, 2880, window{3600, 26}, window{3600, 74}}},
		{"rate(3 days)", "", watch{window{3600, 145}, 2880, window{3600, 74}, window{3600, 168}}},
		// the window is exactly seven days
		{"rate(5025 minutes)", "", watch{window{3600, 168}, 2880, window{3600, 85}, window{3600, 168}}},

		{"cron(0 9 * * ? *)", "", watch{window{3600, 49}, 2880, window{3600, 26}, window{3600, 74}}},
		// one interval in October is 25 hours
		{"cron(0 9 * * ? *)", berlin, watch{window{3600, 51}, 2880, window{3600, 27}, window{3600, 77}}},
		// 2:30 does not exist on one day in March
		{"cron(30 2 * * ? *)", newYork, watch{window{3600, 95}, 2880, window{3600, 49},
			window{3600, 143}}},
		{"cron(0 9,12 * * ? *)", "", watch{window{3600, 43}, 2580, window{60, 1275}, window{3600, 65}}},
		{"cron(0 * * * ? *)", "", watch{window{300, 30}, 150, window{60, 75}, window{60, 195}}},
		// 1:00 occurs twice on one day in November, but has one run
		{"cron(0 * * * ? *)", newYork, watch{window{300, 54}, 270, window{60, 135}, window{60, 375}}},
		{"cron(0 0/6 ? * SUN-SAT *)", "", watch{window{300, 150}, 750, window{60, 375},
			window{60, 1095}}},
		{"cron(0 9 ? * mon-fri *)", berlin, watch{window{3600, 147}, 2880, window{3600, 75},
			window{3600, 168}}},
		{"cron(0 9 1/3 * ? */1)", "Asia/Tokyo", watch{window{3600, 145}, 2880, window{3600, 74},
			window{3600, 168}}},
	}
	for _, tt := range tests {
		t.Run(strings.TrimSpace(tt.expression+" "+tt.zone), func(t *testing.T) {
			got, err := watchOf(tt.expression, tt.zone)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestInvalidSchedulesAreErrors(t *testing.T) {
	const limit = "an alarm can watch at most 3 days 11 hours 45 minutes"
	tests := []struct{ name, expression, zone, want string }{
		{"every four days", "rate(4 days)", "",
			"rate(4 days): the time between two runs can be 4 days, but " +
				limit},
		{"one minute more than the limit", "rate(5026 minutes)", "",
			"the time between two runs can be 3 days 11 hours 46 minutes, but " + limit},
		{"a number that does not fit into an integer", "rate(99999999999999999999 days)", "", limit},
		{"the error for a cron expression names the two runs", "cron(0 9 ? * MON,THU *)", "Europe/Berlin",
			"the time between two runs can be 4 days 1 hour (from Thu 2025-10-23 09:00 CEST to Mon " +
				"2025-10-27 09:00 CET), but " + limit},
		{"weekly", "cron(0 9 ? * L *)", "",
			"the time between two runs can be 7 days (from Sat 2025-01-04 09:00 UTC to Sat 2025-01-11 " +
				"09:00 UTC)"},
		{"monthly", "cron(0 9 L * ? *)", "", "the time between two runs can be 31 days (from"},
		{"the last weekday", "cron(0 9 LW * ? *)", "", "the time between two runs can be 33 days (from"},
		{"a weekday near the 15th", "cron(0 9 15W * ? *)", "",
			"the time between two runs can be 32 days (from"},
		{"the first Monday", "cron(0 9 ? * MON#1 *)", "",
			"the time between two runs can be 35 days (from"},
		{"the last Friday", "cron(0 9 ? * 6L *)", "", "the time between two runs can be 35 days (from"},
		{"only in winter", "cron(0 9 * JAN-MAR ? *)", "",
			"the time between two runs can be 276 days (from Mon 2025-03-31 09:00 UTC to Thu 2026-01-01 " +
				"09:00 UTC)"},
		{"a date that does not exist", "cron(0 9 30 2 ? *)", "", "runs fewer than two times in 28 years"},
		{"once in 28 years", "cron(0 9 ? 2 1#5 *)", "", "runs fewer than two times in 28 years"},
		{"a rate of four minutes", "rate(4 minutes)", "",
			"rate(4 minutes): runs more often than every 5 minutes"},
		{"a cron expression with a step of four minutes", "cron(0/4 * * * ? *)", "",
			"more often than every 5 minutes"},
		{"two minutes from the last run of an hour to the next hour", "cron(0,58 * * * ? *)", "",
			"more often than every 5 minutes"},
		{"a one-time schedule", "at(2030-01-01T00:00:00)", "", "at(2030-01-01T00:00:00): runs only once"},
		{"a last year", "cron(0 9 * * ? 2025-2030)", "",
			"cron(0 9 * * ? 2025-2030): some years have no run"},
		{"every other year", "cron(0 9 * * ? */2)", "", "some years have no run"},

		{"an empty expression", "", "", `"" is not a schedule, such as rate(6 hours)`},
		{"a bare word", "hourly", "", `"hourly" is not a schedule`},
		{"no closing bracket", "cron(0 9 * * ? *", "", "is not a schedule"},
		{"no unit", "rate(5)", "", "is not a schedule"},
		{"a mistyped unit", "rate(1 dayz)", "", "is not a schedule"},
		{"a negative rate", "rate(-1 hours)", "", "is not a schedule"},
		{"a rate of zero", "rate(0 hours)", "", "more often than"},
		{"Unix's five fields", "cron(0 9 * * *)", "", "5 fields, want 6"},
		{"an additional field for seconds", "cron(0 0 9 * * ? *)", "", "7 fields, want 6"},
		{"a star for both days", "cron(0 9 * * * *)", "", "exactly one of the two must be ?"},
		{"a question mark for both days", "cron(0 9 ? * ? *)", "", "exactly one of the two must be ?"},
		{"minute 60", "cron(60 9 * * ? *)", "", `minutes: "60" is not one of 0-59`},
		{"hour 24", "cron(0 24 * * ? *)", "", `hours: "24" is not one of 0-23`},
		{"day 0", "cron(0 9 0 * ? *)", "", `day of month: "0" is not one of 1-31`},
		{"a month by its full name", "cron(0 9 * JUNE ? *)", "",
			`month: "JUNE" is not one of 1-12 or JAN-DEC`},
		{"Unix's Sunday", "cron(0 9 ? * 0 *)", "", `day of week: "0" is not one of 1-7 or SUN-SAT`},
		{"year 2200", "cron(0 9 * * ? 2200)", "", `year: "2200" is not one of 1970-2199`},
		{"a range backwards", "cron(0 22-2 * * ? *)", "",
			"hours: the range 22-2 ends before it starts: use two ranges"},
		{"a range without an end", "cron(0 9- * * ? *)", "", `hours: "" is not one of`},
		{"an empty entry", "cron(0 9, * * ? *)", "", `hours: "" is not one of`},
		{"a step of zero", "cron(0/0 * * * ? *)", "", `minutes, after /: "0" is not one of 1-59`},
		{"a step of 60 minutes", "cron(*/60 * * * ? *)", "", `minutes, after /: "60"`},
		{"a step without a start", "cron(/15 * * * ? *)", "", `minutes: "" is not one of`},
		{"a step between days of the week", "cron(0 9 ? * 2/2 *)", "", "day of week: \"2/2\" has a step"},
		{"a sixth Monday", "cron(0 9 ? * 2#6 *)", "", `day of week, after #: "6" is not one of 1-5`},
		{"two numbered days", "cron(0 9 ? * 3#1,6#3 *)", "", "day of week, after #"},
		{"L in a list of days", "cron(0 9 1,L * ? *)", "", `day of month: "L"`},
		{"a weekday near the 32nd", "cron(0 9 32W * ? *)", "", `day of month: "32"`},
		{"a question mark for hours", "cron(0 ? * * ? *)", "", `hours: "?"`},

		{"an unknown zone", "rate(1 hour)", "Mars/Olympus",
			`time zone "Mars/Olympus" is not an IANA name`},
		{"the local zone", "rate(1 hour)", "Local", `time zone "Local"`},
		{"a path instead of a zone", "rate(1 hour)", "../etc/passwd", "is not an IANA name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := watchOf(tt.expression, tt.zone); err == nil ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: got %+v, %v, want an error with %q", tt.expression, got, err, tt.want)
			}
		})
	}
}

// TestFlexibleMinutes checks that a delayed run never overlaps the next run.
func TestFlexibleMinutes(t *testing.T) {
	for expression, want := range map[string]int{
		"rate(5 minutes)": 0, "rate(14 minutes)": 0, "rate(15 minutes)": 10, "rate(1 hour)": 10,
		"rate(1 minutes)": 0, "rate(1 days)": 10,
		"cron(0/10 * * * ? *)": 0, "cron(0/15 * * * ? *)": 10, "cron(0,50 * * * ? *)": 0,
		"cron(0 9 ? * MON-FRI *)": 10,
		"cron(0,55 0,23 * * ? *)": 0, // 23:55, and 0:00 on the next day
	} {
		if got := flexibleMinutes(expression); got != want {
			t.Errorf("%s: %d minutes, want %d", expression, got, want)
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
