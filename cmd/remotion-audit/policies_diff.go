package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func diffCommand() *cobra.Command {
	var from, to, kind, partition string
	var flagged outputFlags
	cmd := &cobra.Command{
		Use:   "diff --from RELEASE",
		Short: "Compare the policies of Remotion releases before an upgrade",
		Long: `Compare the policies of Remotion releases before an upgrade.

Exit status: 0, or 2 for an error and for a release of a newer major version than the
catalogue, because what it needs is unverified.`,
		Example: `  remotion-audit policies diff --from 4.0.240
  remotion-audit policies diff --from 4.0.240,4.0.418 --to 4.0.527 --for user --format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := compare(from, to, kind, partition)
			if err != nil {
				return err
			}
			out, err := openOutputs(cmd, flagged, output.DiffFormats())
			if err != nil {
				return err
			}
			defer out.close()
			c.Tool = thisTool()
			if err := out.write(c, nil); err != nil {
				return err
			}
			if c.Problem != "" {
				return exitError(exitUnverified)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "",
		"current release of Remotion: x.y.z, or several with commas")
	flags.StringVar(&to, "to", "latest", "new release of Remotion: x.y.z or latest")
	flags.StringVar(&kind, "for", "", "kind of policy: user or role (default: both)")
	flags.StringVar(&partition, "partition", policies.AWS, partitionUsage)
	limitTo(cmd, "for", "user", "role")
	limitTo(cmd, "partition", policies.Partitions()...)
	complete(cmd, "to", "latest")
	flagged.register(cmd, output.DiffFormats().Names(), "comparison")
	return cmd
}

// compare compares the releases that the flags name.
func compare(from, to, kind, partition string) (c policies.Comparison, err error) {
	if from == "" {
		return c, errors.New("--from is required: set it to the current release, such as --from 4.0.240")
	}
	kinds := policies.Kinds
	switch policies.PolicyKind(kind) {
	case "":
	case policies.User, policies.Role:
		kinds = []policies.PolicyKind{policies.PolicyKind(kind)}
	default:
		return c, fmt.Errorf("--for must be user or role, got %q", kind)
	}
	if err := policies.ValidatePartition(partition); err != nil {
		return c, fmt.Errorf("--partition: %w", err)
	}
	var before []policies.Release
	for version := range strings.SplitSeq(from, ",") {
		r, err := findIn(strings.TrimSpace(version), partition)
		if err != nil {
			return c, fmt.Errorf("--from: %w", err)
		}
		before = append(before, r.Newest())
	}
	after, err := findIn(to, partition)
	if err != nil {
		return c, fmt.Errorf("--to: %w", err)
	}
	return policies.Compare(before, after.Newest(), kinds), nil
}

// printNotice prints what the catalogue does not know about a release.
func printNotice(cmd *cobra.Command, r policies.Release) {
	notice := r.Notice()
	if problem := r.Problem(); problem != "" {
		notice = fmt.Sprintf("%s: what it needs is unverified, and the policies of %s stand in",
			problem, r)
	}
	if notice != "" {
		fmt.Fprintln(notes(cmd), "notice:", notice)
	}
}

func findIn(version, partition string) (policies.Release, error) {
	r, err := policies.Find(version)
	if err != nil {
		return r, err
	}
	return r.In(partition)
}
