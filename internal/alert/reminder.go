package alert

import (
	"fmt"
	"time"
)

// repeats are the waits before the first, the second and every later reminder, in RepeatAfter.
var repeats = [...]time.Duration{1, 3, 7}

// wait is how long after it was last told something is told again. What is critical does not back
// off.
func (o Options) wait(reminders int, critical bool) time.Duration {
	if critical {
		reminders = 0
	}
	return o.RepeatAfter * repeats[min(reminders, len(repeats)-1)]
}

// due reports whether it is time to tell something again, or will be in a while. A schedule is not
// punctual to the second: a hundredth of RepeatAfter is let off, or reminders would wander through
// the day.
func (o Options) due(now, told time.Time, reminders int, critical bool, early time.Duration) bool {
	return now.After(told) &&
		!now.Before(told.Add(o.wait(reminders, critical)-o.RepeatAfter/100-early))
}

// durationText writes how long something took, in the two largest units: 2d 3h, 45m.
func durationText(d time.Duration) string {
	d = max(d, 0)
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%dd %dh", days, hours)
	case days > 0:
		return fmt.Sprintf("%dd", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%dh %dm", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%dh", hours)
	case minutes > 0:
		return fmt.Sprintf("%dm", minutes)
	}
	return "less than a minute"
}

// timeText writes a moment for people.
func timeText(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006 15:04 UTC") }
