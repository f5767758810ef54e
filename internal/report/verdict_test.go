package report

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestVerdictTitles checks that a verdict says what the gaps prove, and not more.
func TestVerdictTitles(t *testing.T) {
	gap := func(status audit.Status, severity policies.Severity,
		stops policies.Stops) audit.Finding {
		return audit.Finding{Target: "role/r", Status: status, Severity: severity, Stops: stops}
	}
	assumed := gap(audit.Missing, policies.Critical, policies.Renders)
	assumed.UnderAssumedContext = true
	muted := gap(audit.Missing, policies.Critical, policies.Renders)
	muted.Muted = &audit.Mute{Owner: "a"}
	for name, test := range map[string]struct {
		findings []audit.Finding
		want     string
	}{
		"a missing permission that each render needs": {
			[]audit.Finding{gap(audit.Missing, policies.Critical, policies.Renders)}, "Renders will fail"},
		"a denied one": {
			[]audit.Finding{gap(audit.Denied, policies.Critical, policies.Renders)}, "Renders will fail"},
		"a grant on some resources": {
			[]audit.Finding{gap(audit.Partial, policies.Critical, policies.Renders)},
			"Some renders will fail"},
		"a permission that only renders without overwrite need": {
			[]audit.Finding{gap(audit.Missing, policies.Critical, policies.SomeRenders)},
			"Some renders will fail"},
		"a condition that the audit cannot decide": {
			[]audit.Finding{gap(audit.Conditional, policies.Medium, policies.Renders)},
			"Renders may fail"},
		"a denial under an assumed context": {[]audit.Finding{assumed}, "Renders may fail"},
		"a gap that only one of two sources sees": {
			[]audit.Finding{gap(audit.Missing, policies.Medium, policies.Renders)}, "Renders may fail"},
		"only gaps of deploys": {
			[]audit.Finding{gap(audit.Missing, policies.High, policies.Deploys)}, "Deploys will fail"},
		"deploys into a VPC": {
			[]audit.Finding{gap(audit.Missing, policies.High, policies.SomeDeploys)},
			"Some deploys will fail"},
		"the privacy of new buckets": {
			[]audit.Finding{gap(audit.Missing, policies.High, policies.BucketPrivacy)},
			"New buckets may be public"},
		"a feature": {
			[]audit.Finding{gap(audit.Missing, policies.Low, policies.Features)},
			"Some features will fail"},
		"a report of an older auditor": {
			[]audit.Finding{gap(audit.Missing, policies.Critical, 0)}, "Some renders will fail"},
		"certain deploys before uncertain renders": {
			[]audit.Finding{gap(audit.Conditional, policies.Medium, policies.Renders),
				gap(audit.Missing, policies.High, policies.Deploys)}, "Deploys will fail"},
		"only muted gaps": {[]audit.Finding{muted}, "No missing permission found, except muted gaps"},
		"nothing":         {nil, "No missing permission found"},
	} {
		r := audit.Report{Status: audit.StatusCompliant, Findings: test.findings,
			Targets: []audit.TargetReport{{Name: "role/r"}}}
		for _, f := range test.findings {
			if f.Muted != nil {
				r.Summary.GapsMuted++
			} else {
				r.Status = audit.StatusGaps
			}
		}
		if got := VerdictOf(r).Title; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestVerdictOfSeveralPrincipals checks that what stops for one principal only is not said of all.
func TestVerdictOfSeveralPrincipals(t *testing.T) {
	gap := func(target, action string, stops policies.Stops, status audit.Status) audit.Finding {
		f := audit.Finding{Target: target, Policy: policies.User, Action: action, Status: status,
			Severity: policies.Critical, Stops: stops, Operations: policies.All.Operations()}
		if strings.HasPrefix(target, "role/") {
			f.Policy, f.Operations = policies.Role, nil
		}
		return f
	}
	invoke := func(target string, status audit.Status) audit.Finding {
		return gap(target, "lambda:InvokeFunction", policies.Renders, status)
	}
	create := func(target string) audit.Finding {
		return gap(target, "lambda:CreateFunction", policies.Deploys, audit.Missing)
	}
	private := func(target string, status audit.Status) audit.Finding {
		return gap(target, "s3:PutBucketPolicy", policies.BucketPrivacy, status)
	}
	muted := invoke("user/b", audit.Missing)
	muted.Muted = &audit.Mute{Owner: "a"}
	absent := invoke("user/b", audit.Missing)
	absent.Cause = audit.TargetMissing
	both := policies.All
	for name, test := range map[string]struct {
		b        policies.Purpose
		findings []audit.Finding
		want     string
	}{
		"one of two callers": {both, []audit.Finding{invoke("user/a", audit.Missing)},
			"Some renders will fail"},
		"both callers": {both, []audit.Finding{invoke("user/a", audit.Missing),
			invoke("user/b", audit.Denied)}, "Renders will fail"},
		"both callers, one muted": {both, []audit.Finding{invoke("user/a", audit.Missing), muted},
			"Renders will fail"},
		"one surely, one perhaps": {both, []audit.Finding{invoke("user/a", audit.Missing),
			invoke("user/b", audit.Conditional)}, "Some renders will fail"},
		"one fully, one in part": {both, []audit.Finding{invoke("user/a", audit.Missing),
			invoke("user/b", audit.Partial)}, "Some renders will fail"},
		"one perhaps": {both, []audit.Finding{invoke("user/a", audit.Conditional)},
			"Some renders may fail"},
		"the other caller only deploys": {policies.Deploy,
			[]audit.Finding{invoke("user/a", audit.Missing)}, "Renders will fail"},
		"the other caller does not exist": {both,
			[]audit.Finding{invoke("user/a", audit.Missing), absent}, "Renders will fail"},
		"deploys of one of two callers": {both, []audit.Finding{create("user/a")},
			"Some deploys will fail"},
		"deploys of the only caller that deploys": {policies.Render, []audit.Finding{create("user/a")},
			"Deploys will fail"},
		"buckets of one of two callers": {both, []audit.Finding{private("user/a", audit.Missing)},
			"New buckets may be public"},
		"some buckets of the only caller that creates any": {policies.Render,
			[]audit.Finding{private("user/a", audit.Partial)}, "New buckets may be public"},
		"some buckets, perhaps": {both, []audit.Finding{private("user/a", audit.Conditional)},
			"New buckets may be public"},
		"one of two render roles": {both, []audit.Finding{gap("role/r", "s3:GetObject",
			policies.Renders, audit.Missing)}, "Some renders will fail"},
		"both render roles": {both, []audit.Finding{gap("role/r", "s3:GetObject", policies.Renders,
			audit.Missing), gap("role/s", "s3:PutObject", policies.Renders, audit.Missing)},
			"Renders will fail"},
		"a target that is not audited any more": {both,
			[]audit.Finding{invoke("user/gone", audit.Missing)}, "Renders will fail"},
	} {
		r := audit.Report{Status: audit.StatusGaps, Findings: test.findings,
			Targets: []audit.TargetReport{
				{Name: "user/a", Kind: audit.Caller, Operations: policies.All.Operations()},
				{Name: "user/b", Kind: audit.Caller, Operations: test.b.Operations()},
				{Name: "role/r", Kind: audit.RenderRole}, {Name: "role/s", Kind: audit.RenderRole}}}
		if got := VerdictOf(r).Title; got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestVerdictOfUnverified checks that a report that could not look does not read as good.
func TestVerdictOfUnverified(t *testing.T) {
	r := audit.Report{Status: audit.StatusUnverified,
		Summary: audit.Summary{Requirements: 46, Unverified: 46},
		Targets: []audit.TargetReport{{Name: "role/r"}, {Name: "user/u"}},
		Findings: []audit.Finding{{Target: "role/r", Status: audit.Unverified},
			{Target: "user/u", Status: audit.Unverified}}}
	const want = "Could not check: 46 of 46 requirements"
	if got := VerdictOf(r).Title; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
