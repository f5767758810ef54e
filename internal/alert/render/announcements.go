package render

import (
	"cmp"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// errorTitle returns the section title of an auditor error.
func errorTitle(c alert.ErrorTransition) string {
	switch {
	case c.Ended:
		return "VERIFIED AGAIN"
	case !c.Error.LimitsVerification():
		return "AUDITOR ERROR"
	}
	return "UNVERIFIED"
}

// errorText returns one sentence with the error and its cause or impact, or with its duration if
// the error ended.
func errorText(d alert.Digest, c alert.ErrorTransition) string {
	subject := cmp.Or(c.Error.What, c.Error.Target)
	switch {
	case c.Ended && subject == audit.ProblemConfiguration:
		return "the configuration is valid again after " + textfmt.Duration(d.Now.Sub(c.Error.Since))
	case c.Ended:
		return subject + ": verified again after " + textfmt.Duration(d.Now.Sub(c.Error.Since))
	case c.Error.What != "":
		return subject + ": " + cmp.Or(c.Why, c.Impact)
	case c.Error.Unverified:
		return subject + ": not verified at all" + problemSuffix(d.Report, subject)
	}
	return subject + ": not fully verified" + problemSuffix(d.Report, subject)
}

// problemSuffix returns the first problem about a target as the end of a sentence: the permission
// that the auditor lacks, or what failed and why. It returns "" if no problem is about the target.
func problemSuffix(r audit.Report, target string) string {
	for _, p := range r.Problems {
		switch {
		case p.Target != target:
		case p.Grant != "":
			return "; auditor lacks " + p.Grant
		default:
			return "; " + p.What + ": " + p.Why
		}
	}
	return ""
}

// muteSentence returns the notice as a sentence that names the mute.
func muteSentence(n alert.MuteNotice, now time.Time) string {
	return "mute of " + n.Mute.Condition() + ": " + muteStatus(n, now)
}

// muteStatus returns the notice without the name of the mute.
func muteStatus(n alert.MuteNotice, now time.Time) string {
	switch n.Kind {
	case alert.MuteNew:
		return "new mute, " + n.Effect
	case alert.MuteChanged:
		return "changed mute, " + n.Effect
	case alert.MuteExpiring:
		return "ends in " + textfmt.Duration(n.Mute.Until.Sub(now)) + ", " + n.Effect
	case alert.MuteWorse:
		return "now " + n.Effect + ", more or worse gaps than announced before"
	}
	return "hides nothing and can be removed"
}
