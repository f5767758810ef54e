package main

import (
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
