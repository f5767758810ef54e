package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestCommandLinePage compares docs/cli.md with the command tree. `make docs` rewrites the page.
func TestCommandLinePage(t *testing.T) {
	// The defaults of some flags come from the environment.
	for _, s := range settings.All() {
		if s.Variable != "" {
			t.Setenv(s.Variable, "")
		}
	}
	golden.Compare(t, "../../docs/cli.md", []byte(commandLinePage(rootCommand())))
}

// commandLinePage returns a Markdown page with a section for each command that a user can run.
func commandLinePage(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# The command line\n\n<!-- `make docs` writes this page from the command's own " +
		"help. Edit the help, not this page. -->\n\n")
	b.WriteString(wrapText("`remotion-audit help COMMAND` prints the same texts. " +
		"[troubleshooting.md](troubleshooting.md#exit-statuses) explains the exit statuses."))
	commands := runnableCommands(root)
	b.WriteString("\n| command | what it does |\n|---|---|\n")
	for _, cmd := range commands {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", cmd.CommandPath(),
			strings.ReplaceAll(cmd.CommandPath(), " ", "-"), tableCell(cmd.Short))
	}
	b.WriteString("\nEvery command has these flags, too:\n" + flagTable(root.PersistentFlags()))
	for _, cmd := range commands {
		b.WriteString("\n" + commandSection(cmd))
	}
	return b.String()
}

// runnableCommands returns the commands below cmd in the order of the help. It leaves out
// commands that only contain other commands.
func runnableCommands(cmd *cobra.Command) (list []*cobra.Command) {
	for _, c := range cmd.Commands() {
		switch {
		case !c.IsAvailableCommand():
		case c.HasAvailableSubCommands():
			list = append(list, runnableCommands(c)...)
		default:
			list = append(list, c)
		}
	}
	return list
}

// commandSection returns the Markdown section of one command.
func commandSection(cmd *cobra.Command) string {
	var b strings.Builder
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(&b, "## %s\n", cmd.CommandPath())
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("\n" + wrapText(paragraph))
	}
	fmt.Fprintf(&b, "\n```text\n%s\n```\n", cmd.UseLine())
	if cmd.Example != "" {
		b.WriteString("\nExamples:\n\n```text\n")
		for line := range strings.SplitSeq(strings.Trim(cmd.Example, "\n"), "\n") {
			b.WriteString(strings.TrimPrefix(line, "  ") + "\n")
		}
		b.WriteString("```\n")
	}
	b.WriteString(flagTable(cmd.LocalFlags()))
	return b.String()
}

// flagTable returns a table of flags, or nothing without flags.
func flagTable(flags *pflag.FlagSet) string {
	var b strings.Builder
	rows := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if rows++; rows == 1 {
			b.WriteString("\n| flag | default | meaning |\n|---|---|---|\n")
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" {
			name += " " + value
		}
		fallback := f.DefValue
		if slices.Contains([]string{"", "[]", "false"}, fallback) {
			fallback = ""
		} else {
			fallback = "`" + fallback + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, fallback, tableCell(usage))
	})
	return b.String()
}

// wrapText breaks one paragraph into lines of at most 100 columns.
func wrapText(paragraph string) string {
	words := strings.Fields(paragraph)
	for i, word := range words {
		if word == "*" { // Markdown would read * as emphasis or as an item of a list
			words[i] = `\*`
		}
	}
	return strings.Join(textfmt.Wrap(strings.Join(words, " "), 100), "\n") + "\n"
}

// tableCell escapes the character that would end a cell of a Markdown table.
func tableCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
