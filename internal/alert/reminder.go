package alert

import (
	"fmt"
	"time"
)

// reminderFactors are the waits before the first, the second and each later reminder, as multiples
// of RepeatAfter.
var reminderFactors = [...]time.Duration{1, 3, 7}

// reminderInterval returns the wait between the last announcement and the next reminder. It grows
// with the number of reminders sent, except for critical gaps.
func (o Options) reminderInterval(reminders int, critical bool) time.Duration {
	if critical {
		reminders = 0
	}
	return o.RepeatAfter * reminderFactors[min(reminders, len(reminderFactors)-1)]
}

// due reports whether a reminder is due at now, or at most early after now. A hundredth of
// RepeatAfter is subtracted, because a schedule is not exact to the second and reminders would get
// later each day.
func (o Options) due(now, notified time.Time, reminders int, critical bool,
	early time.Duration) bool {
	return now.After(notified) &&
		!now.Before(notified.Add(o.reminderInterval(reminders, critical)-o.RepeatAfter/100-early))
}

// durationText formats a duration in its two largest units: 2d 3h, 45m.
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

// timeText formats a time for texts: Mon 16 Nov 2026 12:00 UTC.
func timeText(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006 15:04 UTC") }
