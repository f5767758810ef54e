package baseline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A gap is a short form of a finding.
type gap struct {
	action   string
	status   audit.Status
	severity policies.Severity
	muted    bool
}

func reportOf(gaps ...gap) audit.Report {
	r := audit.Report{Account: "123456789012", Partition: policies.AWS,
		Run: audit.Run{At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}}
	for _, g := range gaps {
		f := audit.Finding{Target: "user/ci", Policy: policies.User, Sid: "Storage", Action: g.action,
			Resource: "*", Status: g.status, Severity: g.severity}
		if g.muted {
			f.Muted = &audit.Mute{Owner: "kim"}
		}
		r.Findings = append(r.Findings, f)
	}
	return r
}

func TestReport(t *testing.T) {
	t.Parallel()
	const get = "s3:GetObject"
	missing := gap{get, audit.Missing, policies.High, false}
	satisfied := gap{get, audit.Satisfied, policies.High, false}
	unverified := gap{get, audit.Unverified, policies.High, false}
	muted := gap{get, audit.Missing, policies.High, true}
	tests := map[string]struct {
		base, now []gap
		state     audit.BaselineState
		gone      audit.GoneState
	}{
		"the same gap is known":               {[]gap{missing}, []gap{missing}, audit.BaselineKnown, ""},
		"a gap of a satisfied one is new":     {[]gap{satisfied}, []gap{missing}, audit.BaselineNew, ""},
		"a gap of an unverified one is new":   {[]gap{unverified}, []gap{missing}, audit.BaselineNew, ""},
		"a gap of a muted one is new":         {[]gap{muted}, []gap{missing}, audit.BaselineNew, ""},
		"a gap of a new requirement is new":   {nil, []gap{missing}, audit.BaselineNew, ""},
		"a satisfied requirement is closed":   {[]gap{missing}, []gap{satisfied}, "", audit.GoneClosed},
		"an unverified one is not closed":     {[]gap{missing}, []gap{unverified}, "", audit.GoneUnverified},
		"a muted gap is gone, but not closed": {[]gap{missing}, []gap{muted}, "", audit.GoneMuted},
		"what is not judged is not closed":    {[]gap{missing}, nil, "", audit.GoneNotJudged},
		"a higher severity is worse": {[]gap{{get, audit.Missing, policies.Low, false}},
			[]gap{missing}, audit.BaselineWorse, ""},
		"a lower severity is known": {[]gap{missing},
			[]gap{{get, audit.Missing, policies.Low, false}}, audit.BaselineKnown, ""},
		"a denial is worse than a missing grant": {[]gap{missing},
			[]gap{{get, audit.Denied, policies.High, false}}, audit.BaselineWorse, ""},
		"a part is known where all was missing": {[]gap{missing},
			[]gap{{get, audit.Partial, policies.High, false}}, audit.BaselineKnown, ""},
		"another action is new": {[]gap{{"s3:PutObject", audit.Missing, policies.High, false}},
			[]gap{missing}, audit.BaselineNew, audit.GoneNotJudged},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := reportOf(test.now...)
			r, err := Report(before, reportOf(test.base...))
			if err != nil {
				t.Fatal(err)
			}
			var state audit.BaselineState
			for _, f := range r.Findings {
				state = f.Baseline
			}
			var gone audit.GoneState
			for _, g := range r.Baseline.Gone {
				gone = g.State
			}
			if state != test.state || gone != test.gone {
				t.Errorf("state %q and gone %q, want %q and %q", state, gone, test.state, test.gone)
			}
			if r.Baseline.At.IsZero() || len(before.Findings) > 0 && before.Findings[0].Baseline != "" {
				t.Error("the time of the baseline is lost, or the argument changed")
			}
			counts := r.Baseline.Known + r.Baseline.New + r.Baseline.Worse
			if gaps := slices.DeleteFunc(slices.Clone(r.Findings), func(f audit.Finding) bool {
				return !f.Gap()
			}); counts != len(gaps) {
				t.Errorf("%d gaps counted, want %d", counts, len(gaps))
			}
		})
	}
}

// TestEqualIdentities checks that a second gap with the identity of a known one is new.
func TestEqualIdentities(t *testing.T) {
	t.Parallel()
	g := gap{"s3:GetObject", audit.Missing, policies.High, false}
	r, err := Report(reportOf(g, g), reportOf(g))
	if err != nil || r.Baseline.Known != 1 || r.Baseline.New != 1 {
		t.Errorf("%+v, %v: want one known gap and one new", r.Baseline, err)
	}
	r, err = Report(reportOf(g), reportOf(g, g))
	if err != nil || r.Baseline.Known != 1 || len(r.Baseline.Gone) != 1 {
		t.Errorf("%+v, %v: want one known gap and one gone", r.Baseline, err)
	}
}

func TestReportRefusesAnotherAccount(t *testing.T) {
	t.Parallel()
	base := reportOf()
	base.Account = "210987654321"
	if _, err := Report(reportOf(), base); err == nil ||
		!strings.Contains(err.Error(), `about account "210987654321"`) {
		t.Errorf("error %v", err)
	}
}

// TestUpgrade checks that gaps after a planned upgrade are compared with those of the same upgrade.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	planned := func(to string) audit.Report {
		r := reportOf(gap{"s3:PutObject", audit.Satisfied, policies.Low, false})
		r.Upgrade = &audit.Upgrade{To: to,
			Findings: reportOf(gap{"s3:GetObject", audit.Missing, policies.High, false}).Findings}
		return r
	}
	same, err := Report(planned("latest"), planned("latest"))
	if err != nil || same.Upgrade.Findings[0].Baseline != audit.BaselineKnown ||
		same.WorstNew() != 0 {
		t.Errorf("%+v, %v: want a known gap", same.Upgrade.Findings, err)
	}
	other, err := Report(planned("latest"), planned("4.0.0"))
	if err != nil || other.Upgrade.Findings[0].Baseline != audit.BaselineNew ||
		other.WorstNew() != policies.High {
		t.Errorf("%+v, %v: want a new gap", other.Upgrade.Findings, err)
	}
	closed := planned("latest")
	closed.Upgrade.Findings = nil
	r, err := Report(closed, planned("latest"))
	if err != nil || len(r.Baseline.Gone) != 1 || r.Baseline.Gone[0].State != audit.GoneClosed ||
		!r.Baseline.Gone[0].AfterUpgrade {
		t.Errorf("%+v, %v: want a closed gap", r.Baseline, err)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	results := func(file string, actions ...string) check.Results {
		v := check.Verdict{Policy: policies.Role, Sources: []check.Source{{Policy: "x", File: file}}}
		for i, action := range actions {
			v.Findings = append(v.Findings, check.Finding{Sid: string(rune('0' + i)), Action: action,
				Resource: "*", Status: audit.Missing, Severity: policies.High})
		}
		return check.Results{Results: []check.Result{{Policies: []string{file}, Verdict: &v},
			{Policies: []string{"broken"}, Error: "no JSON"}}}
	}
	// The Sids of the role policy shift, and the base may come from another directory on Windows.
	r := Results(results("infra/role.json", "a:B", "a:C"), results(`infra\role.json`, "a:C", "a:D"))
	c := *r.Baseline
	if c.Known != 1 || c.New != 1 || len(c.Gone) != 1 || c.Gone[0].Action != "a:D" ||
		c.Gone[0].State != audit.GoneNotJudged || r.WorstNew() != policies.High {
		t.Errorf("comparison %+v", c)
	}
	if all := Results(results("a.json", "a:B"), results("a.json", "a:B")); all.WorstNew() != 0 ||
		all.Worst() != policies.High {
		t.Errorf("a known gap counts: %+v", all.Baseline)
	}
	if moved := Results(results("b.json", "a:B"), results("a.json", "a:B")); moved.Baseline.New != 1 {
		t.Errorf("a gap of another file is known: %+v", moved.Baseline)
	}
}

// TestPartsOfARequirement checks that a known gap in one part of a requirement does not hide one in
// another part.
func TestPartsOfARequirement(t *testing.T) {
	t.Parallel()
	finding := func(s audit.Status, cause audit.Cause, example, region string,
		uncovered int) audit.Finding {
		return audit.Finding{Target: "user/ci", Policy: policies.User, Action: "s3:PutObject",
			Resource: "arn:aws:s3:::remotionlambda-*/*", Status: s, Severity: policies.High, Cause: cause,
			ExampleARN: example, Region: region, Asked: 4, Covered: 4 - uncovered}
	}
	frankfurt := finding(audit.Partial, "scp", "arn:aws:s3:::b/x", "eu-central-1", 1)
	tests := map[string]struct {
		base, now audit.Finding
		want      audit.BaselineState
	}{
		"the same part": {frankfurt, frankfurt, audit.BaselineKnown},
		"another region": {frankfurt, finding(audit.Partial, "scp", "arn:aws:s3:::b/x", "us-east-1", 1),
			audit.BaselineNew},
		"another resource": {frankfurt,
			finding(audit.Partial, "scp", "arn:aws:s3:::c/x", "eu-central-1", 1), audit.BaselineNew},
		"another cause": {frankfurt,
			finding(audit.Partial, "identity-deny", "arn:aws:s3:::b/x", "eu-central-1", 1),
			audit.BaselineNew},
		"more parts": {frankfurt,
			finding(audit.Partial, "scp", "arn:aws:s3:::b/x", "eu-central-1", 2), audit.BaselineWorse},
		"fewer parts": {finding(audit.Partial, "scp", "arn:aws:s3:::b/x", "eu-central-1", 2), frankfurt,
			audit.BaselineKnown},
		"a part of a missing one": {finding(audit.Missing, "no-grant", "arn:aws:s3:::z", "us-east-1", 4),
			frankfurt, audit.BaselineKnown},
		"all of it": {frankfurt, finding(audit.Denied, "scp", "arn:aws:s3:::z", "us-east-1", 4),
			audit.BaselineWorse},
		"another condition": {finding(audit.Conditional, "condition", "arn:aws:s3:::b", "", 1),
			finding(audit.Conditional, "condition", "arn:aws:s3:::c", "", 1), audit.BaselineNew},
	}
	for name, c := range tests {
		base, now := reportOf(), reportOf()
		base.Findings, now.Findings = []audit.Finding{c.base}, []audit.Finding{c.now}
		r, err := Report(now, base)
		if err != nil || r.Findings[0].Baseline != c.want {
			t.Errorf("%s: %q, %v, want %q", name, r.Findings[0].Baseline, err, c.want)
		}
	}
	// Each of several gaps is compared with the one in its place.
	base, now := reportOf(), reportOf()
	b := finding(audit.Partial, "scp", "arn:aws:s3:::b/x", "us-east-1", 1)
	base.Findings, now.Findings = []audit.Finding{frankfurt, b}, []audit.Finding{b, frankfurt}
	r, err := Report(now, base)
	if err != nil || r.Baseline.Known != 2 || len(r.Baseline.Gone) != 0 {
		t.Errorf("%+v, %v: want two known gaps", r.Baseline, err)
	}
}
