package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/settingsfile"
)

// TestSettingsAreFlags checks that each key of the settings file is a flag of the commands that it
// is declared for, with the same values.
func TestSettingsAreFlags(t *testing.T) {
	t.Parallel()
	for _, k := range settingsfile.Keys() {
		commands := slices.Clone(k.Commands)
		if k.Check {
			commands = append(commands, "check")
		}
		for _, name := range commands {
			cmd, _, err := rootCommand().Find([]string{name})
			if err != nil || cmd.Name() != name || cmd.Flags().Lookup("no-config") == nil {
				t.Errorf("%s: the command %s does not read the file", k.Name, name)
				continue
			}
			f := cmd.Flags().Lookup(k.Name)
			if f == nil {
				t.Errorf("%s is no flag of %s", k.Name, name)
				continue
			}
			if values := f.Annotations[valuesOf]; values != nil && !slices.Equal(values, k.Values) {
				t.Errorf("%s of %s has the values %v, and the key %v", k.Name, name, values, k.Values)
			}
			_, isList := f.Value.(pflag.SliceValue)
			if isList != (k.Kind == settingsfile.List || k.Kind == settingsfile.Levels) {
				t.Errorf("%s is a list as a flag of %s: %t, unlike the key", k.Name, name, isList)
			}
			if (f.Value.Type() == "bool") != (k.Kind == settingsfile.YesNo) {
				t.Errorf("%s of %s is of the type %s", k.Name, name, f.Value.Type())
			}
		}
	}
}

// TestSettingsDoNotLeaveTheRepository checks that links in a repository do not lead the command to
// other files of the machine.
func TestSettingsDoNotLeaveTheRepository(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "repository")
	outside := filepath.Join(filepath.Dir(root), "secret.json")
	for _, dir := range []string{root, filepath.Join(root, "infra")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{outside, filepath.Join(root, "real.json")} {
		if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"out.json": outside, "up": filepath.Dir(root),
		"in.json": "real.json", "none.json": "nowhere", "relative.json": "../secret.json"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Skip("SKIPPED, NOT TESTED: the system makes no links: ", err)
		}
	}
	for name, want := range map[string]bool{"real.json": false, "in.json": false, "infra": false,
		"none.json": false, "absent.json": false, "out.json": true, "relative.json": true, "up": true,
		"up/secret.json": true, "up/repository/real.json": false, "infra/../out.json": true,
		"../secret.json": false} {
		if got := leavesThroughLink(filepath.Join(root, name), root); got != want {
			t.Errorf("%s leaves the repository: %t, want %t", name, got, want)
		}
	}
}
