package main

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func TestExitStatus(t *testing.T) {
	gaps := func(severities ...policies.Severity) (list []audit.Finding) {
		for _, s := range severities {
			list = append(list, audit.Finding{Status: audit.Missing, Severity: s})
		}
		return list
	}
	unverified := []audit.Problem{{Target: audit.AccountTarget}}
	for _, test := range []struct {
		name           string
		report         audit.Report
		failOn         policies.Severity
		unverifiedWins bool
		want           int
	}{
		{"a compliant report", audit.Report{}, policies.Low, false, 0},
		{"a gap", audit.Report{Findings: gaps(policies.Low)}, policies.Low, false, 1},
		{"a gap below --fail-on", audit.Report{Findings: gaps(policies.Medium)}, policies.High,
			false, 0},
		{"a gap after the upgrade", audit.Report{Upgrade: &audit.Upgrade{Findings: gaps(policies.High)}},
			policies.High, false, 1},
		{"a gap after the upgrade below --fail-on",
			audit.Report{Upgrade: &audit.Upgrade{Findings: gaps(policies.Medium)}}, policies.High, false, 0},
		{"an incomplete audit without gaps", audit.Report{Problems: unverified}, policies.Low, false, 2},
		{"a gap in an incomplete audit",
			audit.Report{Findings: gaps(policies.High), Problems: unverified}, policies.Low,
			false, 1},
		{"a gap in an incomplete audit with --fail-on-unverified",
			audit.Report{Findings: gaps(policies.High), Problems: unverified},
			policies.Low, true, 2},
	} {
		if got := exitStatus(worstOf(test.report), test.report.Unverified(), test.failOn,
			test.unverifiedWins); got != test.want {
			t.Errorf("%s: exit status %d, want %d", test.name, got, test.want)
		}
	}
}
