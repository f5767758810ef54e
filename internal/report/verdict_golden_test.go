package report

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// verdictReports are reports for each verdict, in the order of the golden file.
func verdictReports() []struct {
	name   string
	report audit.Report
} {
	finding := func(action string, status audit.Status, severity policies.Severity,
		stops policies.Stops) audit.Finding {
		return audit.Finding{Target: "role/remotion-lambda-role", Policy: policies.Role, Action: action,
			Status: status, Cause: audit.NoGrant, Severity: severity, Stops: stops}
	}
	caller := func(f audit.Finding) audit.Finding {
		f.Target, f.Policy = "user/ci", policies.User
		return f
	}
	read := finding("s3:GetObject", audit.Missing, policies.Critical, policies.Renders)
	publicBuckets := caller(finding("s3:PutBucketPolicy", audit.Missing, policies.High,
		policies.BucketPrivacy))
	unread := finding("s3:GetObject", audit.Unverified, policies.Critical, policies.Renders)
	unread.Cause, unread.Why = "", "not all policies could be read, and AWS did not simulate the request"
	muted := read
	muted.Muted = &audit.Mute{Owner: "ann"}
	absent := caller(finding("", audit.Missing, policies.Critical, policies.Renders))
	absent.Cause = audit.TargetMissing
	noRole := finding("", audit.Missing, policies.Critical, policies.Renders)
	noRole.Cause = audit.TargetMissing
	unusable := finding("sts:AssumeRole", audit.Missing, policies.Critical, policies.Renders)
	unusable.Cause, unusable.Sid = audit.TrustPolicy, audit.TrustSid
	assumed := read
	assumed.Status, assumed.Cause, assumed.UnderAssumedContext = audit.Denied, audit.SCP, true

	denied := audit.Problem{Target: "role/remotion-lambda-role", What: "inline policies",
		Why: "access denied", Grant: "iam:ListRolePolicies"}
	slow := audit.Problem{Target: "user/ci", What: "the judgement of user/ci",
		Why: "the time limit was reached"}
	known := func(r audit.Report) audit.Report {
		r.Remotion.KnownUntil = "4.0.527"
		return r
	}
	return []struct {
		name   string
		report audit.Report
	}{
		{"renders will fail", reportOf(nil, read)},
		{"a denied permission", reportOf(nil, finding("s3:GetObject", audit.Denied, policies.Critical,
			policies.Renders))},
		{"some renders will fail: a part of the resources", reportOf(nil, finding("s3:GetObject",
			audit.Partial, policies.Critical, policies.Renders))},
		{"some renders will fail: a rare call", reportOf(nil, finding("s3:DeleteObject", audit.Missing,
			policies.Critical, policies.SomeRenders))},
		{"renders may fail: a condition", reportOf(nil, finding("s3:GetObject", audit.Conditional,
			policies.Medium, policies.Renders))},
		{"renders may fail: a service control policy under an assumed context", reportOf(nil, assumed)},
		{"deploys will fail", reportOf(nil, caller(finding("lambda:CreateFunction", audit.Missing,
			policies.High, policies.Deploys)))},
		{"some deploys will fail", reportOf(nil, caller(finding("ec2:DescribeVpcs", audit.Missing,
			policies.High, policies.SomeDeploys)))},
		{"new buckets may be public", reportOf(nil, publicBuckets)},
		{"no public bucket without a bucket", reportOf(nil, publicBuckets,
			caller(finding("s3:CreateBucket", audit.Missing, policies.High, policies.Deploys)))},
		{"some features will fail", reportOf(nil, caller(finding("servicequotas:GetServiceQuota",
			audit.Missing, policies.Low, policies.Features)))},
		{"renders, deploys and buckets", reportOf(nil, publicBuckets, read, caller(finding(
			"lambda:CreateFunction", audit.Missing, policies.High, policies.Deploys)))},
		{"a caller does not exist", reportOf(nil, absent)},
		{"a caller does not exist, and renders will fail", reportOf(nil, absent, read)},
		{"a render role does not exist", reportOf(nil, noRole)},
		{"a render role cannot be used", reportOf(nil, unusable)},
		{"unverified: AWS denies the auditor", reportOf([]audit.Problem{denied}, unread)},
		{"unverified: another reason", reportOf([]audit.Problem{slow}, unread)},
		{"unverified: only the finding knows why", reportOf(nil, unread)},
		{"unverified: a problem alone", reportOf([]audit.Problem{slow})},
		{"unverified: all regions", reportOf([]audit.Problem{{Target: audit.AccountTarget,
			What: "the functions in us-east-1, us-east-2, us-west-1, us-west-2, af-south-1",
			Why:  "access denied", Grant: "lambda:ListFunctions"}})},
		{"unverified and gaps", reportOf([]audit.Problem{denied}, unread, publicBuckets)},
		{"unverified and muted", reportOf(nil, unread, muted)},
		{"compliant", reportOf(nil)},
		{"compliant as far as a release is known", known(reportOf(nil))},
		{"muted gaps only", reportOf(nil, muted)},
		{"a wrong configuration", audit.Report{Status: audit.StatusUnverified,
			Problems: []audit.Problem{{Target: audit.AccountTarget, What: "the configuration",
				Why: "CALLERS must name a user or a role, got \"ci\""}}}},
	}
}

// reportOf returns a report with findings and problems, and 40 satisfied requirements.
func reportOf(problems []audit.Problem, findings ...audit.Finding) audit.Report {
	r := audit.Report{Status: audit.StatusCompliant, Account: "123456789012",
		Findings: findings, Problems: problems,
		NotChecked: []string{"session policies", "bucket and key policies", "quotas"},
		Targets: []audit.TargetReport{{Name: "user/ci", Kind: audit.Caller},
			{Name: "role/remotion-lambda-role", Kind: audit.RenderRole}}}
	r.Summary.Requirements, r.Summary.Satisfied = 40+len(findings), 40
	for _, f := range findings {
		switch {
		case f.Muted != nil:
			r.Summary.GapsMuted++
		case f.Gap():
			r.Summary.Gaps++
		default:
			r.Summary.Unverified++
		}
	}
	switch {
	case r.Summary.Gaps > 0:
		r.Status = audit.StatusGaps
	case r.Unverified():
		r.Status = audit.StatusUnverified
	}
	return r
}

// TestVerdicts compares each verdict with a file: what will happen, and what that means.
func TestVerdicts(t *testing.T) {
	var b strings.Builder
	for _, test := range verdictReports() {
		p := newPage(test.report, textfmt.View{Width: 80})
		p.writeVerdictOf(VerdictOf(test.report))
		fmt.Fprintf(&b, "## %s\n%s\n", test.name, p.b.String())
	}
	golden.Compare(t, filepath.Join("testdata", "verdicts.txt"), []byte(b.String()))
}

// TestOneCauseInSeveralStatements checks that a condition on several statements of a policy is one
// group, that another policy and another condition are not, and that two guards of the same gaps
// are both named.
func TestOneCauseInSeveralStatements(t *testing.T) {
	finding := func(action, policy string, index int, condition string) audit.Finding {
		at := audit.StatementRef{Policy: policy, Index: index, Sid: fmt.Sprintf("S%d", index)}
		return audit.Finding{Target: "user/ci", Policy: policies.User, Action: action,
			Status: audit.Missing, Cause: audit.Condition, Severity: policies.High,
			Why:        at.String() + " grants the action only under the condition " + condition,
			Statements: []audit.StatementRef{at}}
	}
	groups := Grouped([]audit.Finding{
		finding("s3:GetObject", `inline policy "p"`, 1, "a=b"),
		finding("s3:PutObject", `inline policy "p"`, 2, "a=b"),
		finding("s3:ListBucket", `inline policy "p"`, 3, "a=b"),
		finding("iam:PassRole", `inline policy "p"`, 3, "c=d"),
		finding("lambda:InvokeFunction", `inline policy "q"`, 1, "a=b"),
	})
	var got []string
	for _, g := range groups {
		got = append(got, strings.Join(g.Actions(), ",")+" | "+g.Why)
	}
	want := []string{
		`s3:GetObject,s3:PutObject,s3:ListBucket | statement 1 (Sid S1) of inline policy "p" grants ` +
			"the action only under the condition a=b; the same holds for statement 2 (Sid S2) and " +
			"3 (Sid S3)",
		`iam:PassRole | statement 3 (Sid S3) of inline policy "p" grants the action only under the ` +
			"condition c=d",
		`lambda:InvokeFunction | statement 1 (Sid S1) of inline policy "q" grants the action only ` +
			"under the condition a=b",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
