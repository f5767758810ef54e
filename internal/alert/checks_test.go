package alert_test

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// check returns a finding of a check about a function.
func check(id string, status audit.Status) audit.Finding {
	f := audit.Finding{Target: "function/us-east-1/f", Policy: audit.CheckKind, Sid: id,
		Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:123456789012:function:f",
		Status: status, Severity: critical, Stops: policies.Renders, Why: "it is broken",
		Region: "us-east-1"}
	if status.Gap() {
		f.Cause = audit.Quota
	}
	return f
}

// withChecks returns a report about user/u without gaps, and with findings of checks.
func withChecks(findings ...audit.Finding) audit.Report {
	r := reportOf([]string{"user/u"})
	r.Findings = append(r.Findings, findings...)
	for _, f := range findings {
		r.Summary.Requirements++
		switch {
		case f.Status.Gap():
			r.Summary.Gaps++
			r.Summary.GapsCritical++
			r.Status = audit.StatusGaps
		case f.Status == audit.Unverified:
			r.Summary.Unverified++
			r.Problems = append(r.Problems, audit.Problem{Target: audit.ChecksTarget,
				What: "the limits of Lambda in us-east-1", Why: "access denied", Grant: "lambda:X"})
		default:
			r.Summary.Satisfied++
		}
	}
	return r
}

// TestTheFirstRunWithChecksReclassifies checks that a failed check is reclassified in the first run
// of an auditor that makes the check, and opened in a later run.
func TestTheFirstRunWithChecksReclassifies(t *testing.T) {
	s := judgedStory(t, withChecks())
	upgradeAuditor(s)
	p := s.After(hour, withChecks(check("One", audit.Denied), check("Two", audit.Satisfied)))
	if got := announcements(p); got != "reclassified lambda:InvokeFunction" {
		t.Errorf("the first run with checks: %q", got)
	}
	p = s.After(hour, withChecks(check("One", audit.Denied), check("Two", audit.Denied)))
	if got := announcements(p); got != "opened lambda:InvokeFunction" {
		t.Errorf("a check that was satisfied before: %q", got)
	}
}

// TestChecksOfOneResourceAreTwoGaps checks that the gap of one check is never taken for that of
// another check about the same action of the same resource.
func TestChecksOfOneResourceAreTwoGaps(t *testing.T) {
	s := newStory(t)
	s.Run(withChecks(check("One", audit.Satisfied), check("Two", audit.Satisfied)))
	s.After(hour, withChecks(check("One", audit.Denied), check("Two", audit.Satisfied)))
	p := s.After(hour, withChecks(check("One", audit.Satisfied), check("Two", audit.Denied)))
	if got := announcements(p); got != "opened lambda:InvokeFunction, "+
		"partly_recovered lambda:InvokeFunction ended" {
		t.Errorf("%q", got)
	}
}

// TestAnUnreadCheckKeepsItsGap checks that a check that cannot be made neither closes its gap nor
// keeps other gaps open.
func TestAnUnreadCheckKeepsItsGap(t *testing.T) {
	s := newStory(t)
	s.Run(withChecks(check("One", audit.Denied)))
	for range 3 {
		p := s.After(hour, withChecks(check("One", audit.Unverified)))
		for _, c := range p.Next.Gaps {
			if c.Sid == "One" && !c.Closed.IsZero() {
				t.Error("the gap of an unread check is closed")
			}
		}
		if len(p.Next.Gaps) != 1 {
			t.Errorf("%d gaps, want 1", len(p.Next.Gaps))
		}
	}
	gone := check("Gone", audit.Denied)
	gone.Target = "function/us-east-1/gone"
	s = newStory(t)
	s.Run(withChecks(gone, check("One", audit.Satisfied)))
	s.After(hour, withChecks(check("One", audit.Unverified)))
	p := s.After(hour, withChecks(check("One", audit.Unverified)))
	if got := announcements(p); got != "retired lambda:InvokeFunction ended, "+
		"auditor_error the checks" {
		t.Errorf("a function that is gone: %q", got)
	}
}

// TestACheckThatIsSwitchedOffDoesNotRecover checks that the open gap of a check that the settings
// switch off retires, and that a gap of another check stays open.
func TestACheckThatIsSwitchedOffDoesNotRecover(t *testing.T) {
	s := newStory(t)
	configured := alert.Configuration{Targets: []string{"user/u"}, Regions: []string{"us-east-1"},
		Settings: "all"}
	s.Options.Configured = configured
	s.Run(withChecks(check("One", audit.Denied), check("Two", audit.Denied)))
	configured.Settings = "-One"
	s.Options.Configured = configured
	p := s.After(hour, withChecks(check("Two", audit.Denied)))
	if got := announcements(p); got != "retired lambda:InvokeFunction ended" {
		t.Errorf("switched off: %q", got)
	}
	configured.Settings = "all"
	s.Options.Configured = configured
	p = s.After(hour, withChecks(check("One", audit.Denied), check("Two", audit.Denied)))
	if got := announcements(p); got != "reopened lambda:InvokeFunction" {
		t.Errorf("switched on: %q", got)
	}
}
