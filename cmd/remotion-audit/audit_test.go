package main

import (
	"cmp"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/arn"
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
		if got := exitStatus(test.report.WorstNew(), test.report.Unverified(), test.failOn,
			test.unverifiedWins); got != test.want {
			t.Errorf("%s: exit status %d, want %d", test.name, got, test.want)
		}
	}
}

// TestIdentities checks which identities of credentials are audited, and that the text about each
// other one says why it is not.
func TestIdentities(t *testing.T) {
	for text, want := range map[string]string{
		"arn:aws:iam::123456789012:user/team/ci":           "user/ci",
		"arn:aws:sts::123456789012:assumed-role/ci/run-7":  "role/ci",
		"arn:aws:iam::123456789012:root":                   "root user of the account",
		"arn:aws:sts::123456789012:federated-user/ann":     "federated user",
		"arn:aws:iam::123456789012:other/x":                "neither a user nor a role",
		"arn:aws:sts::123456789012:assumed-role-x/ci/run7": "neither a user nor a role",
	} {
		id, _ := arn.Parse(text)
		if got := cmp.Or(principalOf(id), notAuditable(id)); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
