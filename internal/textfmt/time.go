package textfmt

import (
	"fmt"
	"time"
)

// Time formats a time for people, in UTC: Mon 16 Nov 2026 12:00 UTC.
func Time(t time.Time) string { return t.UTC().Format("Mon 2 Jan 2006 15:04 UTC") }

// Duration formats a duration for people, in its two largest units: 2d 3h, 45m. A negative duration
// counts as zero.
func Duration(d time.Duration) string {
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
