package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/output"
)

// TestFormatFlag checks that the help and the completion of --format list the formats of the
// document.
func TestFormatFlag(t *testing.T) {
	for command, names := range map[string][]string{
		"audit":         output.AuditFormats().Names(),
		"check":         output.CheckFormats().Names(),
		"convert":       output.AuditFormats().Names(),
		"policies diff": output.DiffFormats().Names(),
	} {
		cmd, _, err := rootCommand().Find(strings.Fields(command))
		if err != nil {
			t.Fatal(err)
		}
		flag := cmd.Flags().Lookup("format")
		if flag == nil || !strings.Contains(flag.Usage, "default "+names[0]) || flag.Shorthand != "f" {
			t.Fatalf("%s: the flag is %+v, want the default %s", command, flag, names[0])
		}
		for _, name := range names {
			if !strings.Contains(flag.Usage, name) {
				t.Errorf("%s: the help %q lacks %s", command, flag.Usage, name)
			}
		}
		out, _, err := runCommand(t, rootCommand(), cobra.ShellCompRequestCmd+" "+command+" --format=")
		if want := strings.Join(names, "\n") + "\n:4\n"; err != nil || out != want {
			t.Errorf("%s: the completion is %q, %v, want %q", command, out, err, want)
		}
	}
}
