package main

import (
	"errors"
	"os"
	"strings"
	"testing"
)

func TestDiffCommand(t *testing.T) {
	goldens(t, map[string]string{
		"diff-upgrade.txt": "diff --from 4.0.240 --to 4.0.527",
		"diff-mixed.txt":   "diff --from 3.3.8,4.0.51 --to 4.1.0",
		"diff-role.txt":    "diff --from 4.0.60 --to 4.0.61 --for role",
		"diff-back.json":   "diff --from 4.0.418 --to 4.0.417 --format json",
		"diff-china.json":  "diff --from 4.0.510 --to latest --partition aws-cn --for user --format json",
	})
}

// TestDiffOnThePage checks that docs/releases.md shows the output of the command.
func TestDiffOnThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/releases.md")
	if err != nil {
		t.Fatal(err)
	}
	const line = "diff --from 4.0.240 --to 4.0.527"
	out, _, err := runCommand(t, policiesCommand(), line)
	if err != nil || !strings.Contains(string(page), "$ remotion-audit policies "+line+"\n"+out) {
		t.Errorf("docs/releases.md does not show what `policies %s` prints: %v\n%s", line, err, out)
	}
}

// TestDiffWithUnknownReleases checks that a comparison with a release of an unknown major version
// is unverified, and that a comparison with another new release says how far it tells.
func TestDiffWithUnknownReleases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		line, want string
		exit       exitError
	}{
		{"diff --from 4.0.520 --to latest", "Remotion 4.0.520 to 4.0.527: no change\n\nuser policy: no change\n", 0},
		{"diff --from 4.0.520 --to 4.0.541", "user policy: no change, as far as 4.0.527 tells\n", 0},
		{"diff --from 4.0.520 --to 5.0.0", "user policy: no known change, which is unverified\n",
			exitUnverified},
		{"diff --from 4.0.240 --to 5.0.0", "user policy: 1 added, 0 dropped\n", exitUnverified},
		{"diff --from 5.0.0 --to 4.0.527", "user policy: no known change, which is unverified\n",
			exitUnverified},
		{"diff --from 4.0.520 --to 5.0.0 --format json",
			`"problem": "Remotion 5.0.0 is of a newer major version than the catalogue, which ends at ` +
				`4.0.527"`, exitUnverified},
		{"diff --from 4.0.520 --to 4.0.541 --format json", `"knownUntil": "4.0.527"`, 0},
	} {
		out, _, err := runCommand(t, policiesCommand(), test.line)
		var exit exitError
		if err != nil && !errors.As(err, &exit) || exit != test.exit ||
			!strings.Contains(out, test.want) {
			t.Errorf("%s: %v, want exit status %d and %q in\n%s", test.line, err, test.exit, test.want, out)
		}
	}
}

func TestDiffCommandRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"diff":                                       "--from is required",
		"diff --from ,":                              `--from: "" is not a Remotion release`,
		"diff --from 4.0.240,latest,nonsense":        `--from: "nonsense" is not a Remotion release`,
		"diff --from 2.6.0":                          "--from: release \"2.6.0\" is older than the catalogue",
		"diff --from 4.0.240 --to new":               `--to: "new" is not a Remotion release`,
		"diff --from 4.0.240 --for admin":            `--for must be user or role, got "admin"`,
		"diff --from 4.0.240 --format xml":           `got "xml": did you mean junit?`,
		"diff --from 4.0.240 --partition aws-us-gov": `--partition: partition "aws-us-gov" (GovCloud) is not supported`,
		"diff --from 4.0.240 --partition aws-cn": "--from: partition aws-cn needs " +
			"Remotion 4.0.510 or later",
		"diff --from 4.0.240 4.0.527": `diff takes no argument, got "4.0.527"`,
		"diff --from 4.0.512 --to 4.0.9 --partition aws-cn": "--to: partition aws-cn needs " +
			"Remotion 4.0.510 or later",
	} {
		out, _, err := runCommand(t, policiesCommand(), line)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v, want %q; it printed %q", line, err, want, out)
		}
	}
}
