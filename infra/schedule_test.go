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
		// What template.yaml has for each value of Every.
		{"rate(15 minutes)", "", watch{300, 12, 60, 900, 3}},
		{"rate(1 hour)", "", watch{900, 10, 150, 3600, 3}},
		{"rate(6 hours)", "", watch{3600, 13, 780, 21600, 3}},
		{"rate(12 hours)", "", watch{3600, 25, 1500, 43200, 3}},
		{"rate(1 day)", "UTC", watch{3600, 49, 2880, 86400, 3}},

		{"rate(5 minutes)", "", watch{300, 8, 40, 300, 3}},
		{"rate(31 minutes)", "", watch{900, 7, 105, 1860, 3}},
		{"rate(239 minutes)", "", watch{900, 34, 510, 14340, 3}},
		{"rate(4 hours)", "", watch{3600, 9, 540, 14400, 3}},
		{"rate(1 days)", "", watch{3600, 49, 2880, 86400, 3}}, // what Scheduler's console writes
		{"rate(3 days)", "", watch{3600, 145, 2880, 86400, 7}},
		{"rate(5025 minutes)", "", watch{3600, 168, 2880, 86400, 7}}, // seven days to the minute

		{"cron(0 9 * * ? *)", "", watch{3600, 49, 2880, 86400, 3}},
		{"cron(0 9 * * ? *)", berlin, watch{3600, 51, 2880, 86400, 4}},   // 25 hours in October
		{"cron(30 2 * * ? *)", newYork, watch{3600, 95, 2880, 86400, 5}}, // no 2:30 in March
		{"cron(0 9,12 * * ? *)", "", watch{3600, 43, 2580, 75600, 3}},
		{"cron(0 * * * ? *)", "", watch{900, 10, 150, 3600, 3}},
		{"cron(0 * * * ? *)", newYork, watch{900, 18, 270, 7200, 3}}, // 1:00 comes twice in November, and has one run
		{"cron(0 0/6 ? * SUN-SAT *)", "", watch{3600, 13, 780, 21600, 3}},
		{"cron(0 9 ? * mon-fri *)", berlin, watch{3600, 147, 2880, 86400, 7}},
		{"cron(0 9 1/3 * ? */1)", "Asia/Tokyo", watch{3600, 145, 2880, 86400, 7}},
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

func TestUnwatchableSchedules(t *testing.T) {
	const limit = "one alarm can watch for at most 3 days 11 hours 45 minutes"
	tests := []struct{ name, expression, zone, want string }{
		{"four days", "rate(4 days)", "", "rate(4 days): 4 days may pass between two runs, and " + limit},
		{"a minute too long", "rate(5026 minutes)", "", "3 days 11 hours 46 minutes may pass between two runs, and " + limit},
		{"a number that does not fit", "rate(99999999999999999999 days)", "", limit},
		{"the gap of a cron is named", "cron(0 9 ? * MON,THU *)", "Europe/Berlin",
			"4 days 1 hour may pass between two runs (from Thu 2025-10-23 09:00 CEST to Mon 2025-10-27 09:00 CET), and " + limit},
		{"weekly", "cron(0 9 ? * L *)", "", "7 days may pass between two runs (from Sat 2025-01-04 09:00 UTC to Sat 2025-01-11 09:00 UTC)"},
		{"monthly", "cron(0 9 L * ? *)", "", "31 days may pass"},
		{"the last weekday", "cron(0 9 LW * ? *)", "", "33 days may pass"},
		{"a weekday near the 15th", "cron(0 9 15W * ? *)", "", "32 days may pass"},
		{"the first Monday", "cron(0 9 ? * MON#1 *)", "", "35 days may pass"},
		{"the last Friday", "cron(0 9 ? * 6L *)", "", "35 days may pass"},
		{"a winter", "cron(0 9 * JAN-MAR ? *)", "", "276 days may pass between two runs (from Mon 2025-03-31 09:00 UTC to Thu 2026-01-01 09:00 UTC)"},
		{"never", "cron(0 9 30 2 ? *)", "", "runs less than twice in 28 years"},
		{"once in 28 years", "cron(0 9 ? 2 1#5 *)", "", "runs less than twice in 28 years"},
		{"too often", "rate(4 minutes)", "", "rate(4 minutes): runs more often than every 5 minutes"},
		{"too often, by the clock", "cron(0/4 * * * ? *)", "", "more often than every 5 minutes"},
		{"too often, across the hour", "cron(0,58 * * * ? *)", "", "more often than every 5 minutes"},
		{"one-time", "at(2030-01-01T00:00:00)", "", "at(2030-01-01T00:00:00): runs once"},
		{"years that end", "cron(0 9 * * ? 2025-2030)", "", "cron(0 9 * * ? 2025-2030): leaves out years"},
		{"every other year", "cron(0 9 * * ? */2)", "", "leaves out years"},

		{"nothing", "", "", `"" is not a schedule, such as rate(6 hours)`},
		{"a bare word", "hourly", "", `"hourly" is not a schedule`},
		{"no closing bracket", "cron(0 9 * * ? *", "", "is not a schedule"},
		{"no unit", "rate(5)", "", "is not a schedule"},
		{"a mistyped unit", "rate(1 dayz)", "", "is not a schedule"},
		{"a negative rate", "rate(-1 hours)", "", "is not a schedule"},
		{"a rate of nothing", "rate(0 hours)", "", "more often than"},
		{"Unix's five fields", "cron(0 9 * * *)", "", "5 fields, want 6"},
		{"seconds", "cron(0 0 9 * * ? *)", "", "7 fields, want 6"},
		{"a star for both days", "cron(0 9 * * * *)", "", "one of the two, and not both, has to be ?"},
		{"neither day", "cron(0 9 ? * ? *)", "", "one of the two, and not both, has to be ?"},
		{"a minute too many", "cron(60 9 * * ? *)", "", `minutes: "60" is not one of 0-59`},
		{"hour 24", "cron(0 24 * * ? *)", "", `hours: "24" is not one of 0-23`},
		{"day 0", "cron(0 9 0 * ? *)", "", `day of month: "0" is not one of 1-31`},
		{"a month by a name of its own", "cron(0 9 * JUNE ? *)", "", `month: "JUNE" is not one of 1-12 or JAN-DEC`},
		{"Unix's Sunday", "cron(0 9 ? * 0 *)", "", `day of week: "0" is not one of 1-7 or SUN-SAT`},
		{"a year too late", "cron(0 9 * * ? 2200)", "", `year: "2200" is not one of 1970-2199`},
		{"a range backwards", "cron(0 22-2 * * ? *)", "", "hours: 22-2 runs backwards: write it as two ranges"},
		{"half a range", "cron(0 9- * * ? *)", "", `hours: "" is not one of`},
		{"an empty entry", "cron(0 9, * * ? *)", "", `hours: "" is not one of`},
		{"a step of zero", "cron(0/0 * * * ? *)", "", `minutes, after /: "0" is not one of 1-59`},
		{"a step of an hour", "cron(*/60 * * * ? *)", "", `minutes, after /: "60"`},
		{"a step without a start", "cron(/15 * * * ? *)", "", `minutes: "" is not one of`},
		{"a step between days of the week", "cron(0 9 ? * 2/2 *)", "", "day of week: \"2/2\" has a step"},
		{"a sixth Monday", "cron(0 9 ? * 2#6 *)", "", `day of week, after #: "6" is not one of 1-5`},
		{"two numbered days", "cron(0 9 ? * 3#1,6#3 *)", "", "day of week, after #"},
		{"a last day with others", "cron(0 9 1,L * ? *)", "", `day of month: "L"`},
		{"a weekday near the 32nd", "cron(0 9 32W * ? *)", "", `day of month: "32"`},
		{"a question mark for hours", "cron(0 ? * * ? *)", "", `hours: "?"`},

		{"a zone that is none", "rate(1 hour)", "Mars/Olympus", `time zone "Mars/Olympus" is not one of IANA's`},
		{"the zone of whoever synthesizes", "rate(1 hour)", "Local", `time zone "Local"`},
		{"a path for a zone", "rate(1 hour)", "../etc/passwd", "is not one of IANA's"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := watchOf(tt.expression, tt.zone); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: got %+v, %v, want an error with %q", tt.expression, got, err, tt.want)
			}
		})
	}
}

// TestWatchesAreAlarms holds every gap that can be watched to what CloudWatch takes, and to what the dead man promises.
func TestWatchesAreAlarms(t *testing.T) {
	for gap := shortestGap; gap <= longestWatched; gap += time.Minute {
		w := watchGap(gap)
		seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
		window := seconds(w.period * w.periods)
		if window < 2*gap+watchSlack || window >= 2*gap+watchSlack+seconds(w.period) {
			t.Errorf("%s: a window of %s", gap, window)
		}
		limit := 24 * time.Hour
		if w.period >= 3600 {
			limit = longestSpan
		}
		if window > limit || w.period%60 != 0 {
			t.Errorf("%s: %d periods of %d s are more than an alarm takes", gap, w.periods, w.period)
		}
		if w.warmUpMinutes < 1 || w.warmUpMinutes > 2880 {
			t.Errorf("%s: a warm-up of %d minutes", gap, w.warmUpMinutes)
		}
		if all := seconds(w.interval * w.intervals); w.interval%60 != 0 || w.interval > 86400 || all > longestSpan || w.interval < 3600 && all > 24*time.Hour {
			t.Errorf("%s: %d intervals of %d s are more than an alarm takes", gap, w.intervals, w.interval)
		}
	}
}
