package infra

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is a parsed cron expression of EventBridge Scheduler.
type cron struct {
	minutes []int // times of the runs on a day: minutes since midnight, local time, in order
	months  map[int]bool
	years   map[int]bool
	day     func(date time.Time) bool
}

// on reports whether c runs on a date. The date is midnight in UTC.
func (c cron) on(date time.Time) bool {
	return c.years[date.Year()] && c.months[int(date.Month())] && c.day(date)
}

// cronField is one of the six fields of a cron expression.
type cronField struct {
	name        string
	first, last int
	names       []string // of the values, starting with first; nil if the values are only numbers
}

var (
	minuteField     = cronField{name: "minutes", first: 0, last: 59}
	hourField       = cronField{name: "hours", first: 0, last: 23}
	dayOfMonthField = cronField{name: "day of month", first: 1, last: 31}
	monthField      = cronField{name: "month", first: 1, last: 12,
		names: []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV",
			"DEC"}}
	dayOfWeekField = cronField{name: "day of week", first: 1, last: 7,
		names: []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}}
	yearField = cronField{name: "year", first: 1970, last: 2199}
)

// parseCron parses the text between the parentheses of cron(…): minutes, hours, day of month,
// month, day of week, year.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
func parseCron(text string) (cron, error) {
	fields := strings.Fields(strings.ToUpper(text))
	if len(fields) != 6 {
		return cron{},
			fmt.Errorf("%d fields, want 6: minutes, hours, day of month, month, day of week, year",
				len(fields))
	}
	minutes, err := minuteField.parse(fields[0])
	if err != nil {
		return cron{}, err
	}
	hours, err := hourField.parse(fields[1])
	if err != nil {
		return cron{}, err
	}
	var c cron
	for hour := range hours {
		for minute := range minutes {
			c.minutes = append(c.minutes, 60*hour+minute)
		}
	}
	slices.Sort(c.minutes)
	if c.months, err = monthField.parse(fields[3]); err != nil {
		return cron{}, err
	}
	if c.years, err = yearField.parse(fields[5]); err != nil {
		return cron{}, err
	}
	switch ofMonth, ofWeek := fields[2], fields[4]; {
	case (ofMonth == "?") == (ofWeek == "?"):
		return cron{},
			fmt.Errorf("the day of month is %s and the day of week %s: exactly one of the two must be ?",
				ofMonth, ofWeek)
	case ofWeek == "?":
		c.day, err = parseDayOfMonth(ofMonth)
	default:
		c.day, err = parseDayOfWeek(ofWeek)
	}
	return c, err
}

// parseDayOfMonth returns a function that reports whether a date matches the field for the day of
// the month. In addition to days, the field can be L (the last day), LW (the last weekday) or 15W
// (the weekday of the month that is nearest to the 15th). 31W matches no date in a month without a
// 31st.
func parseDayOfMonth(text string) (func(time.Time) bool, error) {
	switch text {
	case "L":
		return func(date time.Time) bool { return date.Day() == daysIn(date) }, nil
	case "LW":
		return func(date time.Time) bool { return date.Day() == weekdayNear(date, daysIn(date)) }, nil
	}
	if number, ok := strings.CutSuffix(text, "W"); ok {
		day, err := dayOfMonthField.value(number)
		return func(date time.Time) bool {
			return day <= daysIn(date) && date.Day() == weekdayNear(date, day)
		}, err
	}
	days, err := dayOfMonthField.parse(text)
	return func(date time.Time) bool { return days[date.Day()] }, err
}

// parseDayOfWeek returns a function that reports whether a date matches the field for the day of
// the week. In addition to days, the field can be L (Saturday, the last day of the week), 6L (the
// last Friday of the month) or 6#3 (the third Friday of the month).
func parseDayOfWeek(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(date time.Time) bool { return date.Weekday() == time.Saturday }, nil
	}
	if name, ok := strings.CutSuffix(text, "L"); ok {
		day, err := dayOfWeekField.value(name)
		return func(date time.Time) bool {
			return int(date.Weekday())+1 == day && date.Day()+7 > daysIn(date)
		}, err
	}
	if name, which, ok := strings.Cut(text, "#"); ok {
		nth, err := cronField{name: "day of week, after #", first: 1, last: 5}.value(which)
		if err != nil {
			return nil, err
		}
		day, err := dayOfWeekField.value(name)
		return func(date time.Time) bool {
			return int(date.Weekday())+1 == day && (date.Day()+6)/7 == nth
		}, err
	}
	if strings.Contains(text, "/") {
		return nil,
			fmt.Errorf("day of week: %q has a step, which this field does not support: list the days", text)
	}
	days, err := dayOfWeekField.parse(text)
	return func(date time.Time) bool { return days[int(date.Weekday())+1] }, err
}

func daysIn(date time.Time) int {
	return time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// weekdayNear returns the weekday nearest to day within the month of date, as a day of the month.
func weekdayNear(date time.Time, day int) int {
	switch time.Date(date.Year(), date.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == daysIn(date) {
			return day - 2
		}
		return day + 1
	}
	return day
}

// parse returns the values of a field: *, a value, a range or a step, or a list of these.
func (f cronField) parse(text string) (map[int]bool, error) {
	values := map[int]bool{}
	for item := range strings.SplitSeq(text, ",") {
		span, every, stepped := strings.Cut(item, "/")
		low, high, step := f.first, f.last, 1
		var err error
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			if low, err = f.value(from); err != nil {
				return nil, err
			}
			if ranged {
				high, err = f.value(to)
			} else if !stepped {
				high = low
			}
			if err != nil {
				return nil, err
			}
		}
		if low > high {
			return nil, fmt.Errorf("%s: the range %s ends before it starts: use two ranges", f.name, span)
		}
		if stepped {
			if step, err = (cronField{name: f.name + ", after /", first: 1,
				last: f.last}).value(every); err != nil {
				return nil, err
			}
		}
		for v := low; v <= high; v += step {
			values[v] = true
		}
	}
	return values, nil
}

func (f cronField) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.first + i, nil
	}
	v, err := strconv.ParseUint(text, 10, 16)
	if err != nil || int(v) < f.first || int(v) > f.last {
		or := ""
		if f.names != nil {
			or = fmt.Sprintf(" or %s-%s", f.names[0], f.names[len(f.names)-1])
		}
		return 0, fmt.Errorf("%s: %q is not one of %d-%d%s", f.name, text, f.first, f.last, or)
	}
	return int(v), nil
}
