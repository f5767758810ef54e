package main

import (
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func policiesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policies",
		Short: "Print a policy, or compare the policies of releases",
		Args:  subcommandOnly,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			_ = cmd.Help()
			return exitError(exitUnverified)
		},
	}
	cmd.AddCommand(documentCommand(policies.User,
		"Print the policy for users of Remotion's CLI or SDK"),
		documentCommand(policies.Role, "Print the policy for "+policies.RoleName))
	cmd.AddCommand(auditorCommand(), diffCommand())
	return cmd
}

var partitionUsage = "AWS partition: " + textfmt.Or(policies.Partitions())

// severityNames lists the severities, the highest first.
func severityNames() (names []string) {
	for s := policies.Critical; s >= policies.Low; s-- {
		names = append(names, s.String())
	}
	return names
}
