package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// documentCommand prints the policy that Remotion documents, or the narrower one that a place
// needs.
func documentCommand(kind policies.PolicyKind, short string) *cobra.Command {
	var version, partition, purpose string
	var place policies.Scope
	cmd := &cobra.Command{
		Use:   string(kind),
		Short: short,
		Long: short + `.

Without --account, --region and --purpose it is the policy as Remotion documents it, as
` + "`npx remotion lambda policies " + string(kind) + "`" +
			` prints it. With any of them it is narrowed to what is needed there.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := policies.ValidatePartition(partition); err != nil {
				return fmt.Errorf("--partition: %w", err)
			}
			release, err := findIn(version, partition)
			if err != nil {
				return fmt.Errorf("--remotion-version: %w", err)
			}
			if notice := release.Notice(); notice != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), "notice:", notice)
			}
			text := release.Document(kind)
			if place.Account != "" || place.Regions != nil || cmd.Flags().Changed("purpose") {
				place.Partition = partition
				if err := checkPlace(place, policies.Purpose(purpose)); err != nil {
					return err
				}
				text = policies.LeastPrivilege([]policies.Release{release}, kind, policies.Purpose(purpose),
					place)
			}
			if size := policies.Size(text); kind == policies.User && size > policies.InlineUserLimit {
				fmt.Fprintf(cmd.ErrOrStderr(),
					"notice: attach it as a managed policy: it has %d characters, and all inline policies of a "+
						"user may have %d\n",
					size, policies.InlineUserLimit)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&version, "remotion-version", "latest",
		"a release of Remotion: x.y.z, or latest (auto means the same)")
	flags.StringVar(&partition, "partition", policies.AWS, partitionUsage)
	flags.StringVar(&place.Account, "account", "", "the account's number, to narrow the policy to it")
	flags.StringSliceVar(&place.Regions, "region", nil,
		"a region to narrow the policy to; more with commas, or again")
	if kind == policies.User {
		flags.StringVar(&purpose, "purpose", string(policies.All),
			"what the caller is for: render, deploy or all")
	} else {
		purpose = string(policies.All)
	}
	return cmd
}

// checkPlace refuses flags that would make a policy of no use.
func checkPlace(p policies.Scope, purpose policies.Purpose) error {
	if p.Account != "" && (p.Account == "*" || !accountNumber.MatchString(p.Account)) {
		return fmt.Errorf("--account: %q is not an account's number: twelve digits", p.Account)
	}
	regions := policies.Regions(p.Partition)
	for i, region := range p.Regions {
		if !slices.Contains(regions, region) {
			return fmt.Errorf("--region: %q is not a region of Remotion Lambda in %s: write some of %s",
				region, p.Partition, strings.Join(regions, ", "))
		}
		if slices.Contains(p.Regions[:i], region) {
			return fmt.Errorf("--region: %s is there twice", region)
		}
	}
	if !slices.Contains([]policies.Purpose{policies.Render, policies.Deploy, policies.All}, purpose) {
		return fmt.Errorf("--purpose: %q is not known: write render, deploy or all", purpose)
	}
	return nil
}
