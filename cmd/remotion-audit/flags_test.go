package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestTypedNames checks that an error names a flag as the user typed it.
func TestTypedNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--regions", "a", "--format", "b"}, "--regions: x; --format: y; --other"},
		{[]string{"--region", "a", "-f", "b"}, "--region: x; -f: y; --other"},
		{[]string{"--region", "a", "--regions", "a", "-f", "b", "--format=c"},
			"--regions: x; --format: y; --other"},
		{[]string{"-qf", "b"}, "--regions: x; -f: y; --other"},
		{[]string{"-fb"}, "--regions: x; -f: y; --other"},
		{[]string{"-q", "--", "-f"}, "--regions: x; --format: y; --other"},
		{[]string{"-é"}, "--regions: x; --format: y; --other"},
	} {
		cmd := &cobra.Command{Use: "x"}
		cmd.Flags().StringSlice("regions", nil, "")
		cmd.Flags().StringP("format", "f", "text", "")
		cmd.Flags().BoolP("quiet", "q", false, "")
		addAlias(cmd, "region", "regions")
		_ = cmd.ParseFlags(test.args) // -é is no flag
		if got := withTypedNames(cmd, test.args, "--regions: x; --format: y; --other"); got != test.want {
			t.Errorf("%q: %s, want %s", test.args, got, test.want)
		}
	}
}

// TestAliases checks that both names of a flag set one value.
func TestAliases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, regions, bucket, err string
	}{
		{"", "", "", ""},
		{"--regions a,b --evidence-bucket x", "a,b", "x", ""},
		{"--region a --region b --bucket x", "a,b", "x", ""},
		{"--region a,b --regions a,b --bucket x --evidence-bucket x", "a,b", "x", ""},
		{"--region a --regions a,b", "", "", "--region and --regions are two names of one flag"},
		{"--bucket x --evidence-bucket y", "", "", "--bucket and --evidence-bucket are two names of one"},
		{"--evidence-bucket y --bucket x", "", "", "--bucket and --evidence-bucket are two names of one"},
		{"--bucket=", "", "", "--bucket must not be empty"},
	} {
		cmd := &cobra.Command{Use: "x"}
		regions := cmd.Flags().StringSlice("regions", nil, "")
		bucket := cmd.Flags().String("evidence-bucket", "", "")
		addAlias(cmd, "region", "regions")
		addAlias(cmd, "bucket", "evidence-bucket")
		if err := cmd.ParseFlags(strings.Fields(test.args)); err != nil {
			t.Errorf("%s: %v", test.args, err)
		}
		err := validateFlags(cmd.Flags())
		switch {
		case test.err != "":
			if err == nil || !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("%s: error %v, want %s", test.args, err, test.err)
			}
		case err != nil || strings.Join(*regions, ",") != test.regions || *bucket != test.bucket,
			cmd.Flags().Changed("regions") != (test.regions != ""):
			t.Errorf("%s: regions %q, bucket %q, error %v", test.args, *regions, *bucket, err)
		}
	}
}

// TestOneNameForOneThing checks that flags with one help text have one name in all commands,
// and that a letter has one meaning.
func TestOneNameForOneThing(t *testing.T) {
	t.Parallel()
	usages, letters := map[string]string{}, map[string]string{}
	for _, cmd := range allCommands(rootCommand()) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if name, known := letters[f.Shorthand]; f.Shorthand != "" && known && name != f.Name {
				t.Errorf("%s: -%s is --%s, and elsewhere --%s", cmd.CommandPath(), f.Shorthand, f.Name, name)
			}
			letters[f.Shorthand] = f.Name
			if f.Hidden || f.Name == "help" {
				return
			}
			if name, known := usages[f.Usage]; known && name != f.Name {
				t.Errorf("%s: --%s and --%s have one meaning: %s", cmd.CommandPath(), f.Name, name, f.Usage)
			}
			usages[f.Usage] = f.Name
		})
	}
}

// TestAliasesAreHidden checks that each alias is hidden and stands for a flag of its command, and
// that the names of earlier releases exist.
func TestAliasesAreHidden(t *testing.T) {
	t.Parallel()
	var got []string
	for _, cmd := range allCommands(rootCommand()) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			name := canonicalName(f)
			if name == f.Name {
				return
			}
			got = append(got, strings.TrimPrefix(cmd.CommandPath(), "remotion-audit ")+" --"+f.Name+
				" is --"+name)
			if !f.Hidden || cmd.LocalFlags().Lookup(name) == nil || f.Shorthand != "" {
				t.Errorf("%s --%s is shown, or has a letter, or stands for no flag", cmd.CommandPath(), f.Name)
			}
		})
	}
	want := []string{"audit --assumed-context is --context", "check --assumed-context is --context",
		"check --bucket is --buckets", "check --region is --regions",
		"explain --assumed-context is --context", "fix --assumed-context is --context",
		"mute --bucket is --evidence-bucket", "policies role --region is --regions",
		"policies user --region is --regions", "unmute --bucket is --evidence-bucket"}
	if !slices.Equal(got, want) {
		t.Errorf("aliases %q, want %q", got, want)
	}
}

// TestConnectionFlags checks that each command that uses credentials takes --profile and --region.
func TestConnectionFlags(t *testing.T) {
	t.Parallel()
	for _, cmd := range allCommands(rootCommand()) {
		connects := cmd.LocalFlags().Lookup("env-file") != nil
		profile, region := cmd.LocalFlags().Lookup("profile"), cmd.LocalFlags().Lookup("region")
		if connects != (profile != nil) || connects && (region == nil || region.Hidden) {
			t.Errorf("%s: --env-file %v, --profile %v, --region %v", cmd.CommandPath(), connects, profile,
				region)
		}
	}
}

// TestErrorsCleanArguments checks that no argument can control the terminal through an error.
func TestErrorsCleanArguments(t *testing.T) {
	t.Parallel()
	const hostile = "\x1b]0;x\a\x1b[2J\r\u202e"
	for _, args := range [][]string{
		{hostile}, {"audit", hostile}, {"audit", "--" + hostile}, {"audit", "-" + hostile},
		{"audit", "--timeout", hostile}, {"audit", "--fail-on", hostile}, {"audit", "--fix=" + hostile},
		{"audit", "--region", hostile}, {"audit", "--callers", hostile}, {"policies", hostile},
		{"policies", "diff", "--from", hostile}, {"check", hostile, "--for", "user"},
		{"check", hostile, "--for", hostile}, {"completion", hostile}, {"help", hostile},
		{"fix", hostile}, {"fix", "--report", hostile}, {"fix", "--output", hostile, "--format", hostile},
		{"explain", hostile}, {"explain", "s3:GetObject", hostile, "--policy", "x", "--for", "role"},
		{"mute", "--evidence-bucket", hostile}, {"mute", "--for", hostile}, {"mute", "--until", hostile},
		{"mute", "--target", hostile}, {"unmute", hostile}, {"test-alert", "--topic-arn", hostile},
		{"local", "--account", hostile}, {"audit", "--env-file", hostile}, {"version", "-f", hostile},
	} {
		root := rootCommand()
		root.SetArgs(args)
		var out strings.Builder
		root.SetOut(&out)
		root.SetErr(&out)
		cmd, err := root.ExecuteContextC(t.Context())
		if err == nil {
			t.Errorf("%q: no error", args)
			continue
		}
		text := out.String() + errorText(root, cmd, args, err)
		if strings.ContainsAny(text, "\x1b\a\r\u202e") {
			t.Errorf("%q: got %q", args, text)
		}
	}
}
