package main

import (
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

func TestDiffCommandRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"diff":                                       "--from is required",
		"diff --from ,":                              `--from: "" is not a Remotion release`,
		"diff --from 4.0.240,latest,nonsense":        `--from: "nonsense" is not a Remotion release`,
		"diff --from 2.6.0":                          "--from: release \"2.6.0\" is older than the catalogue",
		"diff --from 4.0.240 --to new":               `--to: "new" is not a Remotion release`,
		"diff --from 4.0.240 --for admin":            `--for must be user or role, got "admin"`,
		"diff --from 4.0.240 --format xml":           `--format must be text or json, got "xml"`,
		"diff --from 4.0.240 --partition aws-us-gov": `--partition: partition "aws-us-gov" (GovCloud) is not supported`,
		"diff --from 4.0.240 --partition aws-cn": "--from: partition aws-cn needs " +
			"Remotion 4.0.510 or later",
		"diff --from 4.0.240 4.0.527": `unknown command "4.0.527"`,
		"diff --from 4.0.512 --to 4.0.9 --partition aws-cn": "--to: partition aws-cn needs " +
			"Remotion 4.0.510 or later",
	} {
		out, _, err := runCommand(t, policiesCommand(), line)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v, want %q; it printed %q", line, err, want, out)
		}
	}
}
