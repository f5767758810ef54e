package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// lostKey is the annotation of a command that says what an interrupt loses.
const lostKey = "remotion-audit/lost"

// lostReport is what an interrupt loses of a command that only reads.
const lostReport = "the result is lost, and nothing is changed"

// interrupted says that a signal ended a command and what is lost, and returns its exit status.
func interrupted(cmd *cobra.Command) error {
	line := "remotion-audit: interrupted"
	if begun, done, _ := callCounterOf(cmd.Context()).counts(); begun > 0 {
		line += fmt.Sprintf(" after %s to AWS", textfmt.Plural(done, "call"))
		if lost := cmd.Annotations[lostKey]; lost != "" {
			line += ": " + lost
		}
	}
	fmt.Fprintln(cmd.ErrOrStderr(), line)
	return exitError(exitInterrupted)
}
