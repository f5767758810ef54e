// Package alerttest has reports and stories of runs for tests of alerts.
package alerttest

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// Fixture returns a report from the test data of package report.
func Fixture(t testing.TB, name string) audit.Report {
	t.Helper()
	raw, err := os.ReadFile(repo.Path(t, "internal/report/testdata/"+name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Report returns a report of findings. Each target has the given findings about it. If none of
// them is about the action a, b or c, the target also has a satisfied finding about that action, so
// that no target is entirely unverified.
func Report(targets []string, findings ...audit.Finding) audit.Report {
	r := audit.Report{SchemaVersion: audit.SchemaVersion, Status: audit.StatusCompliant,
		Account: "123456789012", Partition: "aws", Regions: []string{"us-east-1", "eu-west-1"},
		Remotion: audit.Remotion{Requested: "auto", Since: "4.0.418",
			Release: "Remotion 4.0.418 and later"}, Targets: []audit.TargetReport{},
		Findings: []audit.Finding{}, Problems: []audit.Problem{}, AssumedContext: []string{}}
	for _, name := range targets {
		list := slices.DeleteFunc(slices.Clone(findings), func(f audit.Finding) bool {
			return f.Target != name
		})
		for _, action := range []string{"a", "b", "c"} {
			if !slices.ContainsFunc(list, func(f audit.Finding) bool { return f.Action == action }) {
				list = append(list, Finding(name, action, audit.Satisfied, policies.High))
			}
		}
		s := audit.Summary{}
		for _, f := range list {
			s.Requirements++
			switch f.Status {
			case audit.Satisfied:
				s.Satisfied++
			case audit.Unverified:
				s.Unverified++
			default:
				s.Gaps++
				if f.Severity == policies.Critical {
					s.GapsCritical++
				}
			}
		}
		r.Findings = append(r.Findings, list...)
		r.Targets = append(r.Targets,
			audit.TargetReport{Name: name, ARN: "arn:aws:iam::123456789012:" + name, Kind: audit.Caller,
				Purpose: policies.All, Summary: s})
		r.Summary = r.Summary.Plus(s)
	}
	switch {
	case r.Summary.Gaps > 0:
		r.Status = audit.StatusGaps
	case r.Summary.Unverified > 0:
		r.Status = audit.StatusUnverified
	}
	return r
}

// Finding returns a finding about an action of a target.
func Finding(target, action string, status audit.Status, severity policies.Severity) audit.Finding {
	f := audit.Finding{Target: target, Policy: policies.User, Sid: "Storage", Action: action,
		Resource: "arn:aws:s3:::remotionlambda-*", Status: status, Severity: severity,
		Asked: 1, Reason: "stores renders", Impact: action + " fails", Breakage: policies.Hard,
		Source: "https://www.remotion.dev/docs/lambda/permissions"}
	switch {
	case status == audit.Unverified:
		f.Why = "no simulation"
	case status.Gap():
		f.Cause, f.Why, f.ExampleARN, f.Region = audit.NoGrant, "no statement grants the action",
			"arn:aws:s3:::remotionlambda-useast1-x", "us-east-1"
	default:
		f.Covered = 1
	}
	return f
}

// WithNotices returns the report with the notices.
func WithNotices(r audit.Report, notices ...audit.Notice) audit.Report {
	r.Notices = notices
	return r
}

// Triggered returns the report with a run that IAM changes triggered.
func Triggered(r audit.Report, changes ...audit.IAMChange) audit.Report {
	r.Run.Trigger = &audit.Trigger{By: audit.TriggeredByChanges, Changes: changes}
	return r
}

// Misconfigured returns the report of a run with an invalid configuration.
func Misconfigured() audit.Report {
	return audit.Evaluate(audit.Facts{Account: "123456789012", Partition: "aws",
		Problems: []audit.Problem{{What: audit.ProblemConfiguration, Why: "CALLERS: is not set",
			Remedy: "correct the parameter of the stack or the property of the construct, not only the " +
				"function's environment"}}})
}
