package collect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// functionOf returns a function with the name that a release gives.
func functionOf(version string) awsemu.LambdaFunction {
	return awsemu.LambdaFunction{Name: "remotion-render-" + strings.ReplaceAll(version, ".", "-") +
		"-mem2048mb-disk2048mb-120sec"}
}

// TestInstalledRelease checks that an installed release is added to the deployed ones, and that it
// is judged as a deployed release is.
func TestInstalledRelease(t *testing.T) {
	const old, newest, unknown, unknownMajor = "4.0.31", "4.0.527", "4.9.0", "5.0.0"
	for _, test := range []struct {
		documents, deployed, installed string
		releases                       string
		status                         audit.ReportStatus
	}{
		// An old copy of the policies.
		{old, "", "", "", audit.StatusGaps},
		{old, "", old, old, audit.StatusCompliant},
		{old, "", newest, newest, audit.StatusGaps},
		{old, "", unknown, unknown, audit.StatusGaps},
		{old, "", unknownMajor, unknownMajor, audit.StatusGaps},
		{old, old, "", old, audit.StatusCompliant},
		{old, old, old, old, audit.StatusCompliant},
		{old, old, newest, old + " " + newest, audit.StatusGaps},
		{old, old, unknown, old + " " + unknown, audit.StatusGaps},
		{old, old, unknownMajor, old + " " + unknownMajor, audit.StatusGaps},
		{old, newest, "", newest, audit.StatusGaps},
		{old, newest, old, old + " " + newest, audit.StatusGaps},
		{old, newest, newest, newest, audit.StatusGaps},
		// The newest policies.
		{newest, "", old, old, audit.StatusCompliant},
		{newest, "", newest, newest, audit.StatusCompliant},
		{newest, "", unknown, unknown, audit.StatusCompliant},
		{newest, "", unknownMajor, unknownMajor, audit.StatusUnverified},
		{newest, old, newest, old + " " + newest, audit.StatusCompliant},
		{newest, newest, old, old + " " + newest, audit.StatusCompliant},
		{newest, old, unknown, old + " " + unknown, audit.StatusCompliant},
		{newest, newest, unknown, newest + " " + unknown, audit.StatusCompliant},
		{newest, old, unknownMajor, old + " " + unknownMajor, audit.StatusUnverified},
		{newest, newest, unknownMajor, newest + " " + unknownMajor, audit.StatusUnverified},
	} {
		name := "documents of " + test.documents + ", deployed " + test.deployed + ", installed " +
			test.installed
		judged := func(installed string, deployed ...string) audit.Report {
			account, p := compliant(t), plan()
			documents := policytest.Release(t, test.documents)
			changeUser(account, func(u *awsemu.User) {
				u.Inline["remotion"] = documents.Document(policies.User)
			})
			changeRole(account, func(r *awsemu.Role) {
				r.Inline["remotion"] = documents.Document(policies.Role)
			})
			for _, version := range deployed {
				deploy(account, functionOf(version))
			}
			if installed != "" {
				release := policytest.Release(t, installed)
				p.Installed = &release
			}
			r, _ := judge(t, account, p)
			return r
		}
		var deployed []string
		if test.deployed != "" {
			deployed = []string{test.deployed}
		}
		r := judged(test.installed, deployed...)
		if got := strings.Join(r.Remotion.Releases, " "); got != test.releases ||
			r.Status != test.status || r.Remotion.Installed != test.installed ||
			r.Remotion.Requested != "auto" {
			t.Errorf("%s: %s by releases %s, installed %s; want %s by %s", name, r.Status, got,
				r.Remotion.Installed, test.status, test.releases)
		}
		if test.installed == "" || test.deployed == test.installed {
			continue
		}
		// The same account with a function of the installed release.
		same := judged("", append(deployed, test.installed)...)
		if !slices.Equal(unsatisfied(r), unsatisfied(same)) || r.Status != same.Status ||
			!slices.Equal(notices(r), notices(same)) || !slices.Equal(problems(r), problems(same)) ||
			r.Remotion.KnownUntil != same.Remotion.KnownUntil {
			t.Errorf("%s: an installed release is not judged as a deployed one:\n%q\n%q\n%q\n%q\n%q\n%q",
				name, unsatisfied(r), unsatisfied(same), notices(r), notices(same), problems(r),
				problems(same))
		}
	}
}

// TestInstalledReleaseOfRoles checks which render roles must satisfy the installed release: the one
// that Remotion gives to new functions, or else each role of functions.
func TestInstalledReleaseOfRoles(t *testing.T) {
	const old, newest = "4.0.31", "4.0.527"
	for name, test := range map[string]struct {
		functions map[string]string // roles by release
		gone      bool              // remotion-lambda-role does not exist
		want      map[string]string
	}{
		"the role of new functions": {map[string]string{old: policies.RoleName}, false,
			map[string]string{policies.RoleName: old + " " + newest}},
		"not the roles of other functions": {map[string]string{old: "other"}, false,
			map[string]string{policies.RoleName: old + " " + newest, "other": old}},
		"each role, without the role of new functions": {map[string]string{old: "other"}, true,
			map[string]string{"other": old + " " + newest}},
	} {
		account, p := compliant(t), plan()
		account.Roles["other"] = account.Roles[policies.RoleName]
		if test.gone {
			delete(account.Roles, policies.RoleName)
		}
		for version, role := range test.functions {
			f := functionOf(version)
			f.Role = role
			deploy(account, f)
		}
		release := policytest.Release(t, newest)
		p.Installed = &release
		r, _ := judge(t, account, p)
		got := map[string]string{}
		for _, f := range r.Findings {
			role, isRole := strings.CutPrefix(f.Target, "role/")
			if releases := strings.Join(f.Releases, " "); isRole && len(releases) > len(got[role]) {
				got[role] = releases
			}
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		for role, want := range test.want {
			if got[role] != want {
				t.Errorf("%s: %s is judged by %s, want %s", name, role, got[role], want)
			}
		}
	}
}

// TestInstalledReleaseIsOnlyForAuto checks that a configured release is the only one, and that the
// newest known release stands for functions that are not listed or have an unknown release.
func TestInstalledReleaseIsOnlyForAuto(t *testing.T) {
	const installed = "4.0.31"
	newest := policies.Latest().Until
	for name, test := range map[string]struct {
		change func(*awsemu.Account, *collect.Plan)
		want   []string
	}{
		"a configured release": {func(_ *awsemu.Account, p *collect.Plan) {
			p.Requested, p.Release = "4.0.240", policytest.Release(t, "4.0.240")
		}, nil},
		"functions that are not listed": {func(_ *awsemu.Account, p *collect.Plan) { p.Named = true },
			[]string{installed, newest}},
		"a function of an unknown release": {func(a *awsemu.Account, _ *collect.Plan) {
			deploy(a, clips("us-east-1", nil))
		}, []string{installed, newest}},
	} {
		account, p := compliant(t), plan()
		release := policytest.Release(t, installed)
		p.Installed = &release
		test.change(account, &p)
		r, _ := judge(t, account, p)
		if !slices.Equal(r.Remotion.Releases, test.want) ||
			(r.Remotion.Installed == installed) != (test.want != nil) {
			t.Errorf("%s: releases %q and installed %q, want %q", name, r.Remotion.Releases,
				r.Remotion.Installed, test.want)
		}
	}
}

// TestUpgradeToTheInstalledRelease checks that the upgrade to an installed release that no function
// has changes the names of the functions.
func TestUpgradeToTheInstalledRelease(t *testing.T) {
	account, p := compliant(t), plan()
	deploy(account, awsemu.LambdaFunction{Name: render240})
	changeUser(account, func(u *awsemu.User) {
		u.Inline["remotion"] = strings.ReplaceAll(u.Inline["remotion"], "function:remotion-render-*",
			"function:"+render240)
	})
	release := policytest.Release(t, "4.0.527")
	p.Callers[0].Purpose, p.Installed, p.UpgradeTo = policies.Render, &release, &release
	r, _ := judge(t, account, p)
	if !slices.ContainsFunc(r.Upgrade.Findings, func(f audit.Finding) bool {
		return f.Action == "lambda:InvokeFunction"
	}) {
		t.Errorf("the upgrade adds %+v, want a gap for the name of the next function",
			r.Upgrade.Findings)
	}
}
