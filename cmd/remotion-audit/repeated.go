package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// repeated returns the flags of the audit that a command for one of its fixes repeats, so that it
// audits the same account in the same way. It leaves out --callers: the command names the caller
// whose fix it prints.
func (o accountFlags) repeated(cmd *cobra.Command) (words []string) {
	names := append([]string{"scp", "rcp", organizationFlag, "config", "no-config"},
		accessFlagNames...)
	for variable, flag := range o.flags {
		if variable != settings.EnvCallers {
			names = append(names, flag)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		f := cmd.Flags().Lookup(name)
		if f == nil || !f.Changed {
			continue
		}
		switch list, ok := f.Value.(pflag.SliceValue); {
		case ok && f.Value.Type() == "stringArray": // a value may contain commas
			for _, value := range list.GetSlice() {
				words = append(words, "--"+name, value)
			}
		case f.NoOptDefVal != "" && f.Value.Type() == "bool":
			words = append(words, "--"+name)
		default:
			words = append(words, "--"+name, strings.TrimSpace(f.Value.String()))
		}
	}
	return words
}
