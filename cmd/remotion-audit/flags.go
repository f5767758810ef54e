package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The annotations of flags.
const (
	// aliasOf is on a hidden flag. Its value is the name of the flag that it stands for.
	aliasOf = "remotion-audit/alias-of"
	// valuesOf lists all valid values of a flag.
	valuesOf = "remotion-audit/values"
	// variableOf is the environment variable that a flag overrides.
	variableOf = "remotion-audit/variable"
	// settingOf is on a flag that the settings file set. Its value names the place in the file.
	settingOf = "remotion-audit/setting"
)

// annotate sets an annotation of a flag.
func annotate(cmd *cobra.Command, name, annotation string, values ...string) {
	// An error can only mean that the flag does not exist.
	_ = cmd.Flags().SetAnnotation(name, annotation, values)
}

// setVariable says that a flag overrides an environment variable.
func setVariable(cmd *cobra.Command, name, variable string) {
	annotate(cmd, name, variableOf, variable)
}

// isGiven reports whether the command line sets a flag. A flag of the settings file is not given.
func isGiven(cmd *cobra.Command, name string) bool {
	f := cmd.Flags().Lookup(name)
	return f != nil && f.Changed && f.Annotations[settingOf] == nil
}

// addAlias adds a hidden flag that is another name of a flag. Earlier releases had the name, and
// scripts still use it. Both flags set one value.
func addAlias(cmd *cobra.Command, alias, name string) {
	flags := cmd.Flags()
	canonical := flags.Lookup(name)
	canonical.Value = recording(canonical.Value)
	f := *canonical
	value := aliasValue{canonical.Value, func(text string) error { return flags.Set(name, text) }}
	f.Value = &recorder{Value: value}
	if list, ok := canonical.Value.(pflag.SliceValue); ok {
		f.Value = &sliceRecorder{recorder{Value: value}, list}
	}
	f.Name, f.Shorthand, f.Hidden = alias, "", true
	f.Usage = "old name of --" + name
	f.Annotations = map[string][]string{aliasOf: {name}}
	flags.AddFlag(&f)
}

// aliasValue is the value of an alias. It sets the flag that the alias stands for, so that the
// flag counts as changed.
type aliasValue struct {
	pflag.Value
	set func(string) error
}

// Set implements pflag.Value.
func (v aliasValue) Set(text string) error { return v.set(text) }

// A recorder is the value of a flag that keeps the texts which it is set to.
type recorder struct {
	pflag.Value
	given []string
}

// Set implements pflag.Value.
func (r *recorder) Set(text string) error {
	r.given = append(r.given, text)
	return r.Value.Set(text)
}

// sliceRecorder is a recorder for a flag that has several values.
type sliceRecorder struct {
	recorder
	pflag.SliceValue
}

// recording returns a recorder for a value, or the value if it is one.
func recording(v pflag.Value) pflag.Value {
	switch v.(type) {
	case *recorder, *sliceRecorder:
		return v
	}
	if list, ok := v.(pflag.SliceValue); ok {
		return &sliceRecorder{recorder{Value: v}, list}
	}
	return &recorder{Value: v}
}

// givenTo returns the texts that a recorder was set to.
func givenTo(v pflag.Value) []string {
	switch r := v.(type) {
	case *recorder:
		return r.given
	case *sliceRecorder:
		return r.given
	}
	return nil
}

// canonicalName returns the name of the flag that an alias stands for, or the name of another flag.
func canonicalName(f *pflag.Flag) string {
	if name := f.Annotations[aliasOf]; name != nil {
		return name[0]
	}
	return f.Name
}

// validateFlags returns an error for flags that are empty, that differ from their alias, or whose
// value is none of the valid ones.
func validateFlags(flags *pflag.FlagSet) error {
	for _, check := range []func(*pflag.FlagSet) error{emptyFlags, checkAliases, checkValues} {
		if err := check(flags); err != nil {
			return err
		}
	}
	return nil
}

// checkAliases returns an error for each flag that two of its names set to different values.
func checkAliases(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := canonicalName(f)
		given := givenTo(f.Value)
		if name == f.Name || len(given) == 0 {
			return
		}
		// The alias passes its values to the flag.
		all := givenTo(flags.Lookup(name).Value)
		if len(all) == len(given) {
			return
		}
		for _, text := range all {
			if !slices.Contains(given, text) {
				errs = append(errs, fmt.Errorf("--%s and --%s are two names of one flag, and their values "+
					"differ: set one of them", f.Name, name))
				return
			}
		}
		if list, ok := flags.Lookup(name).Value.(pflag.SliceValue); ok {
			_ = list.Replace(strings.Split(strings.Join(given, ","), ","))
		}
	})
	return errors.Join(errs...)
}

// emptyFlags returns an error for each flag that is set to an empty value. Mostly the value is a
// variable of a shell that is not set. Without the error, `check --boundary "$FILE"` would pass
// without the boundary.
func emptyFlags(flags *pflag.FlagSet) error {
	var errs []error
	flags.Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if wasSetByAlias(flags, f) {
			return // the error names the alias
		}
		if len(values) == 0 || slices.ContainsFunc(values, isBlank) {
			errs = append(errs, fmt.Errorf("--%s must not be empty: give a value, or leave the flag out",
				f.Name))
		}
	})
	return errors.Join(errs...)
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

// wasSetByAlias reports whether only aliases set a flag.
func wasSetByAlias(flags *pflag.FlagSet, f *pflag.Flag) bool {
	n := 0
	flags.Visit(func(alias *pflag.Flag) {
		if alias != f && canonicalName(alias) == f.Name {
			n += len(givenTo(alias.Value))
		}
	})
	return n > 0 && n == len(givenTo(f.Value))
}

// limitTo says that a flag has a value of a list. A mistyped value is an error that suggests the
// nearest one, and shells complete the values.
func limitTo(cmd *cobra.Command, name string, values ...string) {
	annotate(cmd, name, valuesOf, values...)
	complete(cmd, name, values...)
}

// complete lets shells complete the values of a flag.
func complete(cmd *cobra.Command, name string, values ...string) {
	// An error can only mean that the flag does not exist.
	_ = cmd.RegisterFlagCompletionFunc(name,
		cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// checkValues returns an error for each flag of limitTo that has another value.
func checkValues(flags *pflag.FlagSet) error {
	var errs []error
	flags.Visit(func(f *pflag.Flag) {
		values := f.Annotations[valuesOf]
		if text := f.Value.String(); values != nil && !slices.Contains(values, text) {
			errs = append(errs, fmt.Errorf("--%s must be %s, got %s%s", f.Name, textfmt.Or(values),
				textfmt.Quote(text, 100), textfmt.DidYouMean(text, "", values)))
		}
	})
	return errors.Join(errs...)
}

// flagError returns the error for a command line that pflag cannot read.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if cmd.HasSubCommands() && cmd.Flags().NArg() > 0 {
		return subcommandOnly(cmd, cmd.Flags().Args())
	}
	help := "\nsee " + cmd.CommandPath() + " --help"
	var unknown *pflag.NotExistError
	var noValue *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	switch {
	case errors.As(err, &unknown):
		return errors.New(unknownFlag(cmd, unknown) + help)
	case errors.As(err, &noValue):
		name := noValue.GetSpecifiedName()
		if noValue.GetSpecifiedShortnames() != "" {
			return fmt.Errorf("-%s needs a value%s", name, help)
		}
		return fmt.Errorf("--%s needs a value%s", name, help)
	case errors.As(err, &invalid):
		name, cause := invalid.GetFlag().Name, invalid.Unwrap()
		got := textfmt.Quote(invalid.GetValue(), 100)
		switch invalid.GetFlag().Value.Type() {
		case "duration":
			return fmt.Errorf("--%s must be a duration such as 30s or 5m, got %s", name, got)
		case "bool":
			return fmt.Errorf("--%s must be true or false, got %s", name, got)
		}
		return fmt.Errorf("--%s: %w", name, cause)
	}
	return fmt.Errorf("%w%s", err, help)
}

// unknownFlag says which flag the user may mean, or which commands have the flag.
func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) string {
	name, short := e.GetSpecifiedName(), e.GetSpecifiedShortnames()
	if short != "" && len(short) > 1 {
		// A long flag with one hyphen, such as -region.
		word, _, _ := strings.Cut(short, "=")
		if f := cmd.Flags().Lookup(word); f != nil {
			return fmt.Sprintf("unknown flag -%s: did you mean --%s?", textfmt.OneLine(word), f.Name)
		}
	}
	if short != "" {
		return "unknown flag -" + textfmt.OneLine(name)
	}
	about := "unknown flag --" + textfmt.Head(textfmt.OneLine(name), 100)
	var names, commands []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	near := textfmt.DidYouMean(name, "--", names)
	for _, other := range allCommands(cmd.Root()) {
		if f := other.Flags().Lookup(name); f != nil && other != cmd {
			commands = append(commands, strings.TrimPrefix(other.CommandPath(), cmd.Root().Name()+" "))
		}
	}
	if commands == nil {
		return about + near
	}
	return fmt.Sprintf("%s: it is a flag of %s, not of %s%s", about, textfmt.Enumerate(commands, 10),
		strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "),
		strings.Replace(near, ":", ";", 1))
}

// allCommands lists the commands that a user can run, in the order of the help.
func allCommands(cmd *cobra.Command) (list []*cobra.Command) {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			list = append(append(list, sub), allCommands(sub)...)
		}
	}
	return list
}

// subcommandOnly is the check for the arguments of a command that only has sub-commands. Without
// arguments, RunE prints the help.
func subcommandOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names, elsewhere []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	word := args[0]
	near := textfmt.DidYouMean(word, "", names)
	for _, other := range allCommands(cmd.Root()) {
		if other.Name() == word {
			elsewhere = append(elsewhere, other.CommandPath())
		}
	}
	switch {
	case near == "" && elsewhere != nil:
		near = ": did you mean " + textfmt.Or(elsewhere) + "?"
	case near == "":
		near = ": use " + textfmt.Or(names)
	}
	return fmt.Errorf("unknown command %s%s\nsee %s --help",
		textfmt.Quote(word, 100), near, cmd.CommandPath())
}

// noArguments is the check for a command without arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	remedy := ""
	if slices.Contains([]string{"true", "false", "yes", "no"}, args[0]) {
		remedy = ": write the value of a yes-or-no flag with =, as in --flag=" + args[0]
	}
	return fmt.Errorf("%s takes no argument, got %s%s\nsee %s --help",
		strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "), textfmt.Quote(args[0], 100),
		remedy, cmd.CommandPath())
}

// flagInText finds the names of flags in the text of an error.
var flagInText = regexp.MustCompile(`--[a-z][a-z-]*[a-z]`)

// withTypedNames returns the text of an error with the names of flags as the user typed them: an
// old name for a flag that only the old name set, the letter for a flag that only its letter set,
// and the place in the settings file for a flag that the file set.
func withTypedNames(cmd *cobra.Command, args []string, text string) string {
	if cmd == nil {
		return text
	}
	flags := cmd.Flags()
	typed := map[string]string{}
	flags.Visit(func(f *pflag.Flag) {
		switch name := canonicalName(f); {
		case f.Annotations[settingOf] != nil:
			typed[name] = f.Annotations[settingOf][0]
		case name != f.Name && wasSetByAlias(flags, flags.Lookup(name)):
			typed[name] = "--" + f.Name
		case f.Shorthand != "" && typedByLetter(flags, args, f):
			typed[f.Name] = "-" + f.Shorthand
		}
	})
	return flagInText.ReplaceAllStringFunc(text, func(found string) string {
		if name := typed[found[len("--"):]]; name != "" {
			return name
		}
		return found
	})
}

// typedByLetter reports whether the arguments of the command set a flag by its letter only.
func typedByLetter(flags *pflag.FlagSet, args []string, f *pflag.Flag) bool {
	byLetter := false
	for _, arg := range args {
		switch name, _, _ := strings.Cut(arg, "="); {
		case arg == "--":
			return byLetter
		case name == "--"+f.Name:
			return false
		case strings.HasPrefix(arg, "--") || !strings.HasPrefix(arg, "-"):
			continue
		}
		for i := range len(arg) - 1 {
			if arg[i+1] >= utf8.RuneSelf {
				break
			}
			known := flags.ShorthandLookup(arg[i+1 : i+2])
			byLetter = byLetter || known == f
			if known == nil || known.NoOptDefVal == "" {
				break // the rest of the argument is the value
			}
		}
	}
	return byLetter
}

// listValue is the value of a flag with a list: texts with commas. The flag can be repeated.
type listValue struct{ texts []string }

// Set implements pflag.Value.
func (v *listValue) Set(text string) error {
	v.texts = append(v.texts, text)
	return nil
}

// String implements pflag.Value.
func (v *listValue) String() string { return strings.Join(v.texts, ",") }

// Type implements pflag.Value.
func (v *listValue) Type() string { return "list" }

// Append implements pflag.SliceValue.
func (v *listValue) Append(text string) error { return v.Set(text) }

// Replace implements pflag.SliceValue.
func (v *listValue) Replace(texts []string) error {
	v.texts = texts
	return nil
}

// GetSlice implements pflag.SliceValue.
func (v *listValue) GetSlice() []string { return v.texts }
