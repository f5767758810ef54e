package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// formatFlag is the flag --format of a command that writes one document. Its help, its completion
// and its error list the formats that internal/output has for the document.
type formatFlag[D any] struct {
	name    string
	formats output.Formats[D]
}

// register adds the flag to a command. document is the name of the document in the help.
func (f *formatFlag[D]) register(cmd *cobra.Command, formats output.Formats[D], document string) {
	f.formats = formats
	names := formats.Names()
	cmd.Flags().StringVar(&f.name, "format", names[0],
		"format of the "+document+": "+textfmt.Or(names))
	// An error can only mean that the flag does not exist.
	_ = cmd.RegisterFlagCompletionFunc("format",
		cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}

// writer returns the function that writes the document in the chosen format.
func (f *formatFlag[D]) writer() (output.Writer[D], error) {
	format, err := f.formats.Find(f.name)
	if err != nil {
		return nil, fmt.Errorf("--format %w", err)
	}
	return format.Write, nil
}
