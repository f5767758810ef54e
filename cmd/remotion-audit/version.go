package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and the supported Remotion releases",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			releases := policies.Releases(policies.AWS)
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "remotion-audit %s\nRemotion %s to %s\n", app.Version(),
				releases[0].Since, releases[len(releases)-1].Until)
			return err
		},
	}
}
