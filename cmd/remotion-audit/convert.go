package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func convertCommand() *cobra.Command {
	var flagged outputFlags
	var place string
	var fixes bool
	cmd := &cobra.Command{
		Use:   "convert FILE",
		Short: "Write a report or a verdict in another format",
		Long: `Write the JSON of audit, check, check --instead-of or policies diff in another format.
The output is what the command itself would have written in that format. FILE is - for
standard input. The command calls nothing and reads no other file, so it also converts
a report from the evidence bucket.

Exit status: 0 if the document was converted, also if it has gaps, because the command
that made the document has already returned its result. 2 for an error.`,
		Example: `  remotion-audit convert report.json --format markdown
  remotion-audit audit --format json | remotion-audit convert - -f sarif=audit.sarif`,
		Annotations: map[string]string{lostKey: lostReport},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("convert reads one file, or - for standard input, got %d", len(args))
			}
			path, err := sourcePath(place)
			if err != nil {
				return fmt.Errorf("--location: %w", err)
			}
			p, err := parsed(cmd, args[0])
			if cmd.Context().Err() != nil {
				return interrupted(cmd)
			}
			if err != nil {
				return err
			}
			if fixes && p.Audit == nil {
				return errors.New("--fix needs a report of audit: the document has no fixes")
			}
			switch {
			case p.Audit != nil:
				p.Audit.Place = path
				var more func(io.Writer, textfmt.View) error
				if fixes {
					more = func(w io.Writer, v textfmt.View) error {
						return writeFixes(w, p.Audit.Report, v)
					}
				}
				return convert(cmd, flagged, output.AuditFormats(), *p.Audit, args[0], more)
			case p.Check != nil:
				return convert(cmd, flagged, output.CheckFormats(), *p.Check, args[0], nil)
			case p.Replacement != nil:
				return convert(cmd, flagged, output.ReplacementFormats(), *p.Replacement, args[0], nil)
			}
			return convert(cmd, flagged, output.DiffFormats(), *p.Diff, args[0], nil)
		},
	}
	flagged.register(cmd, output.AuditFormats().Names(), "document")
	cmd.Flags().BoolVar(&fixes, "fix", false, "also print the fixes of a report, in the format text")
	cmd.Flags().StringVar(&place, "location", "", locationUsage)
	return cmd
}

// parsed reads a document from a file, or from standard input if name is "-".
func parsed(cmd *cobra.Command, name string) (p output.Parsed, err error) {
	text, err := interruptible(cmd.Context(), func() ([]byte, error) {
		if name == "-" {
			return io.ReadAll(io.LimitReader(cmd.InOrStdin(), output.MaxDocument+1))
		}
		return readFile(name, output.MaxDocument)
	})
	if err == nil {
		p, err = output.Parse(text)
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err // the message names the file
	}
	if err != nil {
		if name == "-" {
			name = "standard input"
		}
		return p, fmt.Errorf("%s: %w", textfmt.OneLine(name), err)
	}
	return p, nil
}

// convert writes a document in the formats of the flags.
func convert[D any](cmd *cobra.Command, flagged outputFlags, formats output.Formats[D], document D,
	input string, more func(io.Writer, textfmt.View) error) error {
	out, err := openOutputs(cmd, flagged, formats, input)
	if err != nil {
		return err
	}
	defer out.close()
	return out.write(document, more)
}
