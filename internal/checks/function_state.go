package checks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

var functionState = Check{
	ID:      FunctionState,
	Subject: "functions",
	Fails: "critical if the state of a function is Failed; medium if it is Inactive; a failed last " +
		"update is a notice",
	Reads:  []string{"lambda:GetFunctionConfiguration"},
	Source: "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html",
	judge:  judgeFunctionState,
}

func judgeFunctionState(j *judge, c Check) {
	for _, fn := range j.Functions {
		if fn.Skipped {
			continue
		}
		f := j.functionFinding(c, fn)
		f.Reason, f.Impact = "runs renders", "no render can use the function"
		if fn.Settings == nil {
			j.addUnread(f, fn.SettingsUnread)
			continue
		}
		s := *fn.Settings
		reason := because(s.StateReasonCode, s.StateReason)
		switch s.State {
		case "Active":
		case "Inactive":
			f.Status, f.Cause, f.Severity = audit.Conditional, audit.BrokenFunction, policies.Medium
			f.Stops = policies.SomeRenders
			f.Why = "the state of the function is Inactive, because it was idle" + reason
			f.Impact = "the first render fails while Lambda restores the function; later renders work"
			f.Remedy = "start a render, and repeat it when the state of the function is Active"
		case "Failed":
			f.Status, f.Cause = audit.Denied, audit.BrokenFunction
			f.Why = "the state of the function is Failed" + reason
			j.stops(f, fn.Function)
			f.Remedy = "repair the reason, or delete the function and deploy it again"
		case "Pending":
			f.Status, f.Why = audit.Unverified, "Lambda still creates or restores the function"+reason
		default:
			f.Status, f.Why = audit.Unverified, fmt.Sprintf("the state %.40q of the function is unknown",
				s.State)
		}
		j.add(f)
		if s.LastUpdate == "Failed" {
			j.notice(audit.NoticeFunctionUpdate, "the last update of function "+fn.String()+
				" failed, so that it runs with its settings before the update"+
				because(s.LastUpdateReasonCode, s.LastUpdateReason))
		}
	}
}

// maxReason is the number of characters that a finding quotes of a text of Lambda.
const maxReason = 300

// because returns the reason that Lambda gives, as the end of a sentence without a full stop.
func because(code, reason string) string {
	code = textfmt.Truncate(textfmt.OneLine(code), maxReason)
	reason = strings.TrimSuffix(textfmt.Truncate(textfmt.OneLine(reason), maxReason), ".")
	switch {
	case reason == "" && code == "":
		return ""
	case reason == "":
		return " (" + code + ")"
	case code == "":
		return ": " + reason
	}
	return " (" + code + "): " + reason
}

// functionFinding returns a satisfied finding of a check about a function, without which renders
// stop. For a gap, sayWhatStops decides whether all do.
func (j *judge) functionFinding(c Check, fn Function) audit.Finding {
	f := j.finding(c, "function/"+fn.Region+"/"+fn.Name, "lambda:InvokeFunction",
		j.arn("lambda", fn.Region, "function:"+fn.Name), fn.Region)
	f.Breakage, f.Severity, f.Stops = policies.Hard, policies.Critical, policies.SomeRenders
	if len(j.Functions) == 1 {
		f.Stops = policies.Renders
	}
	f.Releases = releaseNames([]audit.Function{fn.Function})
	return f
}

// notice adds a notice once.
func (j *judge) notice(kind audit.NoticeKind, text string) {
	if n := (audit.Notice{Kind: kind, Text: text}); !slices.Contains(j.result.Notices, n) {
		j.result.Notices = append(j.result.Notices, n)
	}
}
