package alert

import "time"

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
