package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// runCommand runs a command as a user types it, and returns what it writes to standard output and
// to standard error.
func runCommand(t *testing.T, cmd *cobra.Command,
	line string) (out, diagnostics string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(strings.Fields(line))
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	err = cmd.Execute()
	return stdout.String(), stderr.String(), err
}

// goldens compares the output of `remotion-audit policies` with golden files. The keys of lines are
// the names of the files, the values are the arguments of the command.
func goldens(t *testing.T, lines map[string]string) {
	for name, line := range lines {
		t.Run(name, func(t *testing.T) {
			got, diagnostics, err := runCommand(t, policiesCommand(), line)
			if err != nil || diagnostics != "" {
				t.Fatalf("%v\n%s", err, diagnostics)
			}
			golden.Compare(t, filepath.Join("testdata", name), []byte(got))
		})
	}
}
