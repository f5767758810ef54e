package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// documentCommand returns the command that prints Remotion's documented policy, or a narrower one
// for an account and regions.
func documentCommand(kind policies.PolicyKind, short string) *cobra.Command {
	var partition, purpose string
	var place needs.Scope
	narrowing := "--account and --regions"
	if kind == policies.User {
		narrowing = "--account, --regions and --purpose"
	}
	cmd := &cobra.Command{
		Use:   string(kind),
		Short: short,
		Long: short + `.

Without ` + narrowing + ` it is the documented policy, as printed by
` + "`npx remotion lambda policies " + string(kind) + "`" + `.
With any of these flags, the policy is narrowed to what that account, region or purpose
needs.`,
		Example: "  remotion-audit policies " + string(kind) + " --remotion-version 4.0.240\n" +
			"  remotion-audit policies " + string(kind) + " --account 123456789012 --regions eu-central-1",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := policies.ValidatePartition(partition); err != nil {
				return fmt.Errorf("--partition: %w", err)
			}
			release, err := releaseOfFiles(cmd, setFlag(cmd, "remotion-version"), partition)
			if err != nil {
				return err
			}
			printNotice(cmd, release)
			text := release.Document(kind)
			if place.Account != "" || place.Regions != nil || cmd.Flags().Changed("purpose") {
				place.Partition = partition
				if err := checkScope(place, policies.Purpose(purpose), "regions"); err != nil {
					return err
				}
				text = needs.LeastPrivilege([]policies.Release{release}, kind, policies.Purpose(purpose),
					place)
			}
			if size := iampolicy.Size(text); kind == policies.User && size > iampolicy.InlineUserQuota {
				fmt.Fprintf(notes(cmd),
					"notice: attach this policy as a managed policy: it has %d characters, and the inline "+
						"policies of a user may have %d together\n",
					size, iampolicy.InlineUserQuota)
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	flags := cmd.Flags()
	flags.String("remotion-version", "", releaseUsage)
	flags.StringVar(&partition, "partition", policies.AWS, partitionUsage)
	flags.StringVar(&place.Account, "account", "", "account number to narrow the policy to")
	flags.StringSliceVar(&place.Regions, "regions", nil,
		"regions to narrow the policy to, with commas")
	addAlias(cmd, "region", "regions")
	limitTo(cmd, "partition", policies.Partitions()...)
	complete(cmd, "remotion-version", "latest")
	complete(cmd, "regions", policies.Regions(policies.AWS)...)
	if kind == policies.User {
		flags.StringVar(&purpose, "purpose", string(policies.All),
			"purpose of the caller: all, or operations such as render+quotas (docs/operations.md)")
		complete(cmd, "purpose", policies.PurposeWords()...)
	} else {
		purpose = string(policies.All)
	}
	return cmd
}

// checkScope returns an error for flags that would give a useless policy. regionsFlag is the name
// of the flag with the regions.
func checkScope(p needs.Scope, purpose policies.Purpose, regionsFlag string) error {
	if p.Account != "" && !awsname.IsAccount(p.Account) {
		return fmt.Errorf("--account must be an account number with twelve digits, got %q", p.Account)
	}
	regions := policies.Regions(p.Partition)
	for i, region := range p.Regions {
		if !slices.Contains(regions, region) {
			remedy := textfmt.DidYouMean(region, "", regions)
			if remedy == "" {
				remedy = ": use some of " + strings.Join(regions, ", ")
			}
			return fmt.Errorf("--%s: %s is not a region of Remotion Lambda in %s%s", regionsFlag,
				textfmt.Quote(region, 100), p.Partition, remedy)
		}
		if slices.Contains(p.Regions[:i], region) {
			return fmt.Errorf("--%s: duplicate %s", regionsFlag, region)
		}
	}
	if _, err := policies.ParsePurpose(string(purpose)); err != nil {
		return fmt.Errorf("--purpose: %w", err)
	}
	return nil
}
