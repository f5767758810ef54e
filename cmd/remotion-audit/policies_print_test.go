package main

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestDocumentCommand checks that the policy equals Remotion's output byte for byte if no flag
// narrows the policy.
func TestDocumentCommand(t *testing.T) {
	for line, want := range map[string]struct {
		since string
		kind  policies.PolicyKind
	}{
		"user":                           {"4.0.418", policies.User},
		"user --remotion-version 4.0.61": {"4.0.61", policies.User},
		"user --remotion-version 3.3.10": {"3.3.8", policies.User},
		"role":                           {"4.0.418", policies.Role},
		"role --remotion-version 4.0.60": {"4.0.51", policies.Role},
		"role --remotion-version auto":   {"4.0.418", policies.Role},
	} {
		release := policytest.Release(t, want.since)
		out, diagnostics, err := runCommand(t, policiesCommand(), line)
		if err != nil || diagnostics != "" || out != release.Document(want.kind) {
			t.Errorf("policies %s: %v %s\n%s\nwant the %s policy of %s", line, err, diagnostics, out,
				want.kind, release)
		}
	}
	china := policies.Releases(policies.China)[0]
	for _, kind := range policies.Kinds {
		if out, _, err := runCommand(t, policiesCommand(),
			string(kind)+" --partition aws-cn"); err != nil || out != china.Document(kind) {
			t.Errorf("policies %s --partition aws-cn: %v\n%s", kind, err, out)
		}
	}
}

func TestNarrowedDocuments(t *testing.T) {
	goldens(t, map[string]string{
		"user-one-region.json": "user --account 123456789012 --regions eu-central-1",
		"user-renders.json":    "user --account 123456789012 --regions us-east-1,ap-east-1 --purpose render",
		"user-3.0.31.json":     "user --purpose deploy --remotion-version 3.0.31",
		"user-china.json": "user --partition aws-cn --regions cn-north-1 --regions cn-northwest-1 " +
			"--account 123456789012 --purpose render",
		"role-two-regions.json": "role --account 123456789012 --regions us-east-1 --regions eu-south-1",
	})
}

// TestAuditorInChina checks that all ARNs in the auditor's own policy are in the given partition.
func TestAuditorInChina(t *testing.T) {
	out, _, err := runCommand(t, policiesCommand(),
		"auditor --partition aws-cn --account 123456789012")
	if err != nil || strings.Contains(out, "arn:aws:") ||
		!strings.Contains(out, "arn:aws-cn:iam::123456789012:role/*") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, _, err := runCommand(t, policiesCommand(), "auditor --partition aws-us-gov"); err == nil ||
		!strings.Contains(err.Error(), "is not supported") {
		t.Errorf("GovCloud: %v", err)
	}
}

// TestDocumentNotices checks that notices go to standard error, not into the policy.
func TestDocumentNotices(t *testing.T) {
	for line, want := range map[string]string{
		"user --remotion-version 4.0.600": "notice: Remotion " +
			"4.0.600 is newer than " + policies.Latest().Until + ", the newest release in this catalogue",
		"user --account 123456789012 --regions us-east-1,us-east-2,us-west-1": "notice: attach this policy as a " +
			"managed policy: it has ",
	} {
		out, diagnostics, err := runCommand(t, policiesCommand(), line)
		if err != nil || !strings.HasPrefix(diagnostics, want) || !strings.HasPrefix(out, "{\n") {
			t.Errorf("policies %s: %v %q, want %q", line, err, diagnostics, want)
		}
	}
}

func TestDocumentCommandRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"user --remotion-version 2.6.0": "--remotion-version: release",
		"user --remotion-version 4.x":   `--remotion-version: "4.x" is not a Remotion release`,
		"user --partition aws-us-gov": "--partition: partition \"aws-us-gov\" " +
			"(GovCloud) is not supported by Remotion",
		"role --partition aws-cn --remotion-version 4.0.2": "--remotion-version: partition " +
			"aws-cn needs Remotion 4.0.510 or later",
		"user --account 1234":                "--account must be",
		"user --account *":                   "--account must be",
		"user --regions eu-central-9":        `--regions: "eu-central-9" is not a region of Remotion Lambda in aws`,
		"user --regions cn-north-1":          `--regions: "cn-north-1" is not a region of Remotion Lambda in aws`,
		"user --regions us-east-1,us-east-1": "--regions: duplicate us-east-1",
		"user --purpose watch":               `--purpose: unknown operation "watch": write some of all, deploy, render, sites`,
		"role --purpose render":              "unknown flag: --purpose",
	} {
		out, _, err := runCommand(t, policiesCommand(), line)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("policies %s: %v, want %q; it printed %q", line, err, want, out)
		}
	}
}
