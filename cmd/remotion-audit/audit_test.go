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
	blind := []audit.Problem{{Target: audit.AccountTarget}}
	for _, test := range []struct {
		name   string
		report audit.Report
		failOn policies.Severity
		wins   bool
		want   int
	}{
		{"nothing wrong", audit.Report{}, policies.Low, false, 0},
		{"a gap", audit.Report{Findings: gaps(policies.Low)}, policies.Low, false, 1},
		{"a gap that is not bad enough", audit.Report{Findings: gaps(policies.Medium)}, policies.High,
			false, 0},
		{"a gap after the upgrade", audit.Report{Upgrade: &audit.Upgrade{Findings: gaps(policies.High)}},
			policies.High, false, 1},
		{"one there that is not bad enough",
			audit.Report{Upgrade: &audit.Upgrade{Findings: gaps(policies.Medium)}}, policies.High, false, 0},
		{"blind", audit.Report{Problems: blind}, policies.Low, false, 2},
		{"a gap, and blind", audit.Report{Findings: gaps(policies.High), Problems: blind}, policies.Low,
			false, 1},
		{"a gap, and blind, which wins", audit.Report{Findings: gaps(policies.High), Problems: blind},
			policies.Low, true, 2},
	} {
		if got := exitStatus(worstOf(test.report), test.report.Unverified(), test.failOn,
			test.wins); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}
