package report

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestCheckListsEachActionUnderItsSeverity checks that a block has findings of one severity, that
// the highest severity comes first, and that unverified findings come after all gaps.
func TestCheckListsEachActionUnderItsSeverity(t *testing.T) {
	t.Parallel()
	finding := func(action string, status iampolicy.Status, severity policies.Severity) check.Finding {
		f := check.Finding{Action: action, Status: status, Why: "no statement grants the action"}
		f.Severity = severity
		return f
	}
	tests := []struct {
		name     string
		findings []check.Finding
		want     []string
	}{
		{"findings with one cause and two severities are two blocks", []check.Finding{
			finding("s3:CreateBucket", iampolicy.Missing, policies.Medium),
			finding("s3:ListAllMyBuckets", iampolicy.Missing, policies.Critical),
			finding("s3:PutBucketAcl", iampolicy.Missing, policies.Medium),
		}, []string{"MISSING  critical: s3:ListAllMyBuckets",
			"MISSING  medium: s3:CreateBucket, s3:PutBucketAcl"}},
		{"unverified findings come after gaps of lower severity", []check.Finding{
			finding("s3:GetObject", iampolicy.Unverified, policies.Critical),
			finding("servicequotas:GetServiceQuota", iampolicy.Missing, policies.Low),
			finding("s3:PutObject", iampolicy.Satisfied, policies.Critical),
		}, []string{"MISSING  low: servicequotas:GetServiceQuota",
			"UNVERIFIED  critical: s3:GetObject"}},
		{"a permission of a file counts as critical and keeps its place", []check.Finding{
			finding("s3:ListAllMyBuckets", iampolicy.Missing, policies.Medium),
			finding("s3:GetObject", iampolicy.Missing, 0),
			finding("s3:PutObject", iampolicy.Denied, 0),
		}, []string{"MISSING: s3:GetObject", "DENIED: s3:PutObject",
			"MISSING  medium: s3:ListAllMyBuckets"}},
	}
	block := regexp.MustCompile(`(?m)^([A-Z]+(?:  [a-z]+)?)\n  Actions +(.*)$`)
	for _, test := range tests {
		var b strings.Builder
		if err := CheckText(&b, check.Results{Results: []check.Result{{
			Verdict: &check.Verdict{Status: "gaps", Findings: test.findings}}}}, textfmt.View{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range block.FindAllStringSubmatch(b.String(), -1) {
			got = append(got, m[1]+": "+m[2])
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q in\n%s", test.name, got, test.want, b.String())
		}
	}
}

// TestCheckListsWhatIsGranted checks that View.All lists the granted permissions with the
// statements that grant them.
func TestCheckListsWhatIsGranted(t *testing.T) {
	t.Parallel()
	at := iampolicy.StatementRef{Policy: "p.json", Index: 2, Sid: "Storage"}
	v := check.Verdict{Status: "gaps", Findings: []check.Finding{
		{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/*", Status: iampolicy.Satisfied,
			Covering: []iampolicy.StatementRef{at}},
		{Action: "s3:ListAllMyBuckets", Resource: "*", Status: iampolicy.Satisfied,
			Covering: []iampolicy.StatementRef{at}},
		{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/*", Status: iampolicy.Missing},
	}}
	const list = `
GRANTED
  Granted by statement 2 (Sid Storage) of p.json
    s3:GetObject on arn:aws:s3:::b/*
    s3:ListAllMyBuckets
`
	for _, all := range []bool{false, true} {
		var b strings.Builder
		if err := CheckText(&b, check.Results{Results: []check.Result{{Verdict: &v}}},
			textfmt.View{All: all}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), list) != all {
			t.Errorf("all %v:\n%s", all, b.String())
		}
	}
}
