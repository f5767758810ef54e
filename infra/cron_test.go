package infra

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDays(t *testing.T) {
	// February 2025 begins on a Saturday and has 28 days; August ends on a Sunday.
	tests := []struct {
		days  string // the fields for the day of the month and the day of the week
		month time.Month
		want  []int
	}{
		{"1W ?", time.February, []int{3}},
		{"2W ?", time.February, []int{3}},
		{"15W ?", time.February, []int{14}},
		{"16W ?", time.February, []int{17}},
		{"18W ?", time.February, []int{18}},
		{"30W ?", time.February, nil},
		{"31W ?", time.August, []int{29}},
		{"L ?", time.February, []int{28}},
		{"LW ?", time.August, []int{29}},
		{"29-31,2 ?", time.February, []int{2}},
		{"*/10 ?", time.February, []int{1, 11, 21}},
		{"25/3 ?", time.February, []int{25, 28}},
		{"? L", time.February, []int{1, 8, 15, 22}},
		{"? 7L", time.February, []int{22}},
		{"? SAT#1", time.February, []int{1}},
		{"? SAT#5", time.February, nil},
		{"? 1#5", time.August, []int{31}},
		{"? TUE-THU", time.February, []int{4, 5, 6, 11, 12, 13, 18, 19, 20, 25, 26, 27}},
	}
	for _, tt := range tests {
		fields := strings.Fields(tt.days)
		c, err := parseCron("0 9 " + fields[0] + " * " + fields[1] + " *")
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for date := time.Date(2025, tt.month, 1, 0, 0, 0, 0,
			time.UTC); date.Month() == tt.month; date = date.AddDate(0, 0, 1) {
			if c.on(date) {
				got = append(got, date.Day())
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s in %s: %v, want %v", tt.days, tt.month, got, tt.want)
		}
	}
}

// TestLongestIntervalByTheMinute compares longestInterval with a search minute by minute. The
// expressions are random, and the dates are around the changes of the clocks.
func TestLongestIntervalByTheMinute(t *testing.T) {
	expressions := 100
	if testing.Short() {
		expressions = 10
	}
	zones := []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut",
		"Asia/Kolkata", "Pacific/Kiritimati"}
	random := rand.New(rand.NewPCG(5, 10))
	for range expressions {
		expression, zoneName := randomCron(random), zones[random.IntN(len(zones))]
		zone, err := time.LoadLocation(zoneName)
		if err != nil {
			t.Fatal(err)
		}
		c, err := parseCron(expression)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		from := time.Date(2025, []time.Month{3, 9}[random.IntN(2)], 25, 0, 0, 0, 0, time.UTC)
		until := from.AddDate(0, 0, 42)
		got := c.longestInterval(zone, from, until)
		want := longestIntervalByMinute(expression, zone, from, until)
		if got.length != want.length || !got.from.Equal(want.from) || !got.to.Equal(want.to) {
			t.Errorf("cron(%s) in %s\n got %s%s\nwant %s%s", expression, zoneName, words(got.length),
				got.where(), words(want.length), want.where())
		}
	}
}

// randomCron returns a random expression, without cron(…), that probably runs within a month.
func randomCron(random *rand.Rand) string {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	number := func(first, last int) string { return fmt.Sprint(first + random.IntN(last-first+1)) }
	some := func(first, last int) string {
		low := first + random.IntN(last-first)
		high := fmt.Sprint(low + 1 + random.IntN(last-low))
		switch random.IntN(6) {
		case 0:
			return "*/" + number(1, last)
		case 1:
			return fmt.Sprintf("%d-%s", low, high)
		case 2:
			return fmt.Sprintf("%d-%s/%s", low, high, number(1, last))
		case 3:
			return fmt.Sprintf("%d/%s", low, number(1, last))
		case 4:
			return fmt.Sprintf("%d,%s,%s", low, number(first, last), number(first, last))
		default:
			return fmt.Sprint(low)
		}
	}
	days := pick("* {m} ?", "* {m} ?", some(1, 31)+" {m} ?", "L {m} ?", "LW {m} ?",
		number(1, 31)+"W {m} ?",
		"? {m} "+pick("*", "L", "MON-FRI", "SUN,WED", "2,4-6", "7", number(1, 7)+"L", "FRIL",
			number(1, 7)+"#"+number(1, 5)))
	days = strings.ReplaceAll(days, "{m}", pick("*", "*", "*", "MAR-NOV", "4,10", "3/7"))
	return pick(some(0, 59), "0", "30", "*") + " " + pick(some(0, 23), "*", "*", "0-3") + " " + days +
		" " + pick("*", "2025", "2024-2026", "2020/5")
}

// longestIntervalByMinute returns the same result as longestInterval, but checks every minute.
func longestIntervalByMinute(expression string, zone *time.Location,
	from, until time.Time) interval {
	fields := strings.Fields(expression)
	var longest interval
	var before, day time.Time
	var today bool
	seen := map[string]bool{} // local times that had a run: a time that occurs twice has one run
	for t := from.Add(-15 * time.Hour); t.Before(until.Add(15 * time.Hour)); t = t.Add(time.Minute) {
		local := t.In(zone)
		date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
		if !date.Equal(day) {
			day, today = date,
				!date.Before(from) && date.Before(until) && holds(fields[3], 1, int(date.Month())) &&
					holds(fields[5], 1970, date.Year()) && dayHolds(fields[2], fields[4], date)
		}
		if !today || !holds(fields[0], 0, local.Minute()) || !holds(fields[1], 0, local.Hour()) {
			continue
		}
		shown := local.Format("01-02 15:04")
		if seen[shown] {
			continue
		}
		seen[shown] = true
		if length := t.Sub(before); !before.IsZero() && length > longest.length {
			longest = interval{length, before.In(zone), local}
		}
		before = t
	}
	return longest
}

// holds reports whether the text of a field includes a value. first is the field's lowest value.
func holds(text string, first, value int) bool {
	number := func(s string) (n int) {
		if _, err := fmt.Sscan(s, &n); err == nil {
			return n
		}
		names := map[string]int{"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "MAR": 3,
			"NOV": 11}
		return names[s]
	}
	for _, item := range strings.Split(text, ",") {
		span, step, stepped := strings.Cut(item, "/")
		low, high, ranged := strings.Cut(strings.Replace(span, "*", fmt.Sprint(first), 1), "-")
		from, to, every := number(low), number(low), 1
		if ranged {
			to = number(high)
		} else if stepped || span == "*" {
			to = value // no upper limit
		}
		if stepped {
			every = number(step)
		}
		for v := from; v <= to; v += every {
			if v == value {
				return true
			}
		}
	}
	return false
}

// dayHolds reports whether the two fields for the day include a date.
func dayHolds(ofMonth, ofWeek string, date time.Time) bool {
	inMonth := func(days int) bool { return date.AddDate(0, 0, days).Month() == date.Month() }
	isWeekday := func(date time.Time) bool {
		return date.Weekday() != time.Saturday &&
			date.Weekday() != time.Sunday
	}
	isDay := func(name string) bool { return holds(name, 1, int(date.Weekday())+1) }
	switch name, nth, numbered := strings.Cut(ofWeek, "#"); {
	case ofMonth == "L":
		return !inMonth(1)
	case ofMonth == "LW":
		later := false
		for days := 1; inMonth(days); days++ {
			later = later || isWeekday(date.AddDate(0, 0, days))
		}
		return isWeekday(date) && !later
	case strings.HasSuffix(ofMonth, "W"):
		// The month must contain the day, and date must be the weekday of the month nearest to it.
		var day, nearest int
		if _, err := fmt.Sscan(strings.TrimSuffix(ofMonth, "W"), &day); err != nil {
			return false
		}
		exists := false
		for d := time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0,
			time.UTC); d.Month() == date.Month(); d = d.AddDate(0, 0, 1) {
			exists = exists || d.Day() == day
			distance := max(d.Day()-day, day-d.Day())
			if isWeekday(d) && (nearest == 0 || distance < max(nearest-day, day-nearest)) {
				nearest = d.Day()
			}
		}
		return exists && date.Day() == nearest
	case ofMonth != "?":
		return holds(ofMonth, 1, date.Day())
	case ofWeek == "L":
		return date.Weekday() == time.Saturday
	case strings.HasSuffix(ofWeek, "L"):
		return isDay(strings.TrimSuffix(ofWeek, "L")) && !inMonth(7)
	case numbered:
		count := 1
		for days := -7; inMonth(days); days -= 7 {
			count++
		}
		return isDay(name) && fmt.Sprint(count) == nth
	}
	return isDay(ofWeek)
}
