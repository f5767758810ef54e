package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/baseline"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// addBaselineFlag adds --baseline to a command.
func addBaselineFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "baseline", "",
		"file with the JSON of an earlier run (--format json): its gaps are known and do not count for "+
			"the exit status; new and worse gaps count")
}

// A baselineFile is the document of --baseline. The zero value is no baseline.
type baselineFile struct {
	name string
	output.Parsed
}

// readBaseline reads the file of --baseline; an empty name is no baseline.
func readBaseline(cmd *cobra.Command, name string) (b baselineFile, err error) {
	if name == "" {
		return b, nil
	}
	b.name = textfmt.OneLine(name)
	text, err := interruptible(cmd.Context(), func() ([]byte, error) {
		return readFile(name, output.MaxDocument)
	})
	if err == nil {
		b.Parsed, err = output.Parse(text)
	}
	switch {
	case cmd.Context().Err() != nil:
		return b, interrupted(cmd)
	case err != nil:
		return b, fmt.Errorf("--baseline %s: %w", b.name, withoutPath(err))
	case cmd.Name() == "audit" && b.Audit == nil, cmd.Name() == "check" && b.Check == nil:
		return b, fmt.Errorf("--baseline %s: the document is that of another command: use the JSON of "+
			"an earlier `remotion-audit %s --format json`", b.name, cmd.Name())
	}
	return b, nil
}

// compareReport returns a report with its comparison with the baseline.
func (b baselineFile) compareReport(r audit.Report) (audit.Report, error) {
	if b.Audit == nil {
		return r, nil
	}
	r, err := baseline.Report(r, b.Audit.Report)
	if err != nil {
		return r, fmt.Errorf("--baseline %s: %w", b.name, err)
	}
	return r, nil
}

// compareResults returns the results of a check with their comparison with the baseline.
func (b baselineFile) compareResults(r check.Results) (check.Results, error) {
	if b.Check == nil {
		return r, nil
	}
	if !slices.ContainsFunc(b.Check.Results, func(c check.Result) bool { return c.Verdict != nil }) {
		return r, errors.New("--baseline " + b.name + ": no policy of the baseline was read: there is " +
			"nothing to compare with")
	}
	return baseline.Results(r, *b.Check), nil
}

// inputNames returns the names of files that a command reads: no empty name, and no -.
func inputNames(names ...string) []string {
	return slices.DeleteFunc(names, func(name string) bool { return name == "" || name == "-" })
}
