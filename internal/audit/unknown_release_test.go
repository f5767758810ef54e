package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestUnknownReleases checks that a release of an unknown major version makes a compliant account
// unverified, whether it is configured, deployed or planned, and that a gap stays a gap.
func TestUnknownReleases(t *testing.T) {
	t.Parallel()
	find := func(version string) *policies.Release {
		r := policytest.Release(t, version)
		return &r
	}
	configured := func(version string) func(*Facts) {
		return func(f *Facts) { f.Requested, f.Release = version, *find(version) }
	}
	deployed := func(versions ...string) func(*Facts) {
		return func(f *Facts) {
			for _, version := range versions {
				f.Releases = append(f.Releases, *find(version))
			}
		}
	}
	planned := func(version string) func(*Facts) {
		return func(f *Facts) { f.UpgradeTo = find(version) }
	}
	tests := []struct {
		name     string
		change   func(*Facts)
		status   ReportStatus
		problems []string
		// known are KnownUntil of the account and of the upgrade.
		known [2]string
	}{
		{"a known release", configured("4.0.527"), StatusCompliant, nil, [2]string{}},
		{"a newer release of the same major version", configured("4.9.0"), StatusCompliant, nil,
			[2]string{"4.0.527", ""}},
		{"a configured release of an unknown major version", configured("5.0.0"), StatusUnverified,
			[]string{"the needs of Remotion 5"}, [2]string{"4.0.527", ""}},
		{"deployed releases of unknown major versions",
			deployed("4.0.527", "5.0.0", "5.0.1", "6.0.0"), StatusUnverified,
			[]string{"the needs of Remotion 5", "the needs of Remotion 6"}, [2]string{"4.0.527", ""}},
		{"a planned release of the same major version", planned("4.9.0"), StatusCompliant, nil,
			[2]string{"", "4.0.527"}},
		{"a planned release of an unknown major version", planned("5.0.0"), StatusUnverified,
			[]string{"the needs of Remotion 5"}, [2]string{"", "4.0.527"}},
		{"a gap and a planned release of an unknown major version", func(f *Facts) {
			planned("5.0.0")(f)
			f.Targets[0].Grants.Identity[0].Document = policytest.Parse(t, strings.Replace(
				policies.Latest().Document(policies.User), "s3:GetObject", "s3:GetObjectTagging", 1))
			for q := range f.Targets[0].Answers {
				if q.Action == "s3:GetObject" {
					f.Targets[0].Answers[q] = Answer{Decision: iampolicy.ImplicitDeny}
				}
			}
		}, StatusGaps, []string{"the needs of Remotion 5"}, [2]string{"", "4.0.527"}},
	}
	for _, test := range tests {
		facts := compliantFacts(t)
		test.change(&facts)
		r := Evaluate(facts)
		var problems []string
		for _, p := range r.Problems {
			if !p.OfRelease() || p.Target != AccountTarget || p.Why == "" || p.Remedy == "" {
				t.Errorf("%s: %+v", test.name, p)
			}
			problems = append(problems, p.What)
		}
		// A notice about a release says that the policies of the newest known one apply.
		notice := slices.ContainsFunc(r.Notices, func(n Notice) bool {
			return n.Kind == NoticeNewerRelease
		})
		if known := test.known != [2]string{}; notice != (known && test.problems == nil) {
			t.Errorf("%s: a notice about a newer release: %v", test.name, notice)
		}
		known := [2]string{r.Remotion.KnownUntil}
		if r.Upgrade != nil {
			known[1] = r.Upgrade.KnownUntil
			if (r.Upgrade.Problem != "") != (test.status != StatusCompliant) {
				t.Errorf("%s: the problem of the upgrade is %q", test.name, r.Upgrade.Problem)
			}
		}
		if r.Status != test.status || strings.Join(problems, ", ") != strings.Join(test.problems, ", ") ||
			known != test.known {
			t.Errorf("%s: %s, %q, known %q; want %s, %q, %q", test.name, r.Status, problems, known,
				test.status, test.problems, test.known)
		}
		if test.status == StatusUnverified && r.MayImprove() {
			t.Errorf("%s: a second audit may verify it", test.name)
		}
	}
}
