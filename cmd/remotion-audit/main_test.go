package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestEmptyFlags checks that no flag of any command accepts an empty value. A flag without effect
// would be a false result, such as that of a check without the boundary.
func TestEmptyFlags(t *testing.T) {
	t.Parallel()
	flags := 0
	var walk func(path []string, cmd *cobra.Command)
	walk = func(path []string, cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(append(path[:len(path):len(path)], sub.Name()), sub)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if !cmd.Runnable() || f.Value.Type() == "bool" || f.Value.Type() == "duration" {
				return
			}
			flags++
			for _, value := range []string{"", " "} {
				root := rootCommand()
				root.SetArgs(append(path[:len(path):len(path)], "--"+f.Name+"="+value))
				root.SetOut(io.Discard)
				root.SetErr(io.Discard)
				want := "--" + f.Name + " must not be empty: give a value, or leave the flag out"
				if err := root.Execute(); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s --%s=%q: %v, want %q", strings.Join(path, " "), f.Name, value, err, want)
				}
			}
		})
	}
	walk(nil, rootCommand())
	if flags < 40 {
		t.Errorf("%d flags, want all", flags)
	}
}
