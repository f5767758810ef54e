package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func diffCommand() *cobra.Command {
	var from, to, kind, partition, format string
	cmd := &cobra.Command{
		Use:   "diff --from RELEASE",
		Short: "Compare the policies of Remotion releases before an upgrade",
		Example: `  remotion-audit policies diff --from 4.0.240
  remotion-audit policies diff --from 4.0.240,4.0.418 --to 4.0.527 --for user --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := newDiff(from, to, kind, partition)
			if err != nil {
				return err
			}
			switch format {
			case "text":
				_, err = io.WriteString(cmd.OutOrStdout(), d.text())
				return err
			case "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(d)
			}
			return fmt.Errorf("--format must be text or json, got %q", format)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&from, "from", "",
		"current release of Remotion: x.y.z, or several with commas")
	flags.StringVar(&to, "to", "latest", "new release of Remotion: x.y.z or latest")
	flags.StringVar(&kind, "for", "", "kind of policy: user or role (default: both)")
	flags.StringVar(&partition, "partition", policies.AWS, partitionUsage)
	flags.StringVar(&format, "format", "text", "format of the comparison: text or json")
	return cmd
}

// diff is the result of `policies diff`.
type diff struct {
	SchemaVersion string                 `json:"schemaVersion"`
	Partition     string                 `json:"partition"`
	From          []string               `json:"from"`
	To            string                 `json:"to"`
	Notices       []string               `json:"notices,omitempty"`
	Policies      []policies.ReleaseDiff `json:"policies"`
}

func newDiff(from, to, kind, partition string) (diff, error) {
	d := diff{SchemaVersion: "1", Partition: partition}
	if from == "" {
		return d, errors.New("--from is required: set it to the current release, such as --from 4.0.240")
	}
	kinds := policies.Kinds
	switch policies.PolicyKind(kind) {
	case "":
	case policies.User, policies.Role:
		kinds = []policies.PolicyKind{policies.PolicyKind(kind)}
	default:
		return d, fmt.Errorf("--for must be user or role, got %q", kind)
	}
	if err := policies.ValidatePartition(partition); err != nil {
		return d, fmt.Errorf("--partition: %w", err)
	}
	find := func(flag, version string) (policies.Release, error) {
		r, err := findIn(version, partition)
		if err != nil {
			return r, fmt.Errorf("%s: %w", flag, err)
		}
		if notice := r.Notice(); notice != "" && !slices.Contains(d.Notices, notice) {
			d.Notices = append(d.Notices, notice)
		}
		return r, nil
	}
	var before []policies.Release
	for _, version := range strings.Split(from, ",") {
		r, err := find("--from", strings.TrimSpace(version))
		if err != nil {
			return d, err
		}
		before, d.From = append(before, r), append(d.From, r.Name())
	}
	after, err := find("--to", to)
	if err != nil {
		return d, err
	}
	d.To = after.Name()
	for _, kind := range kinds {
		d.Policies = append(d.Policies, policies.Diff(before, after, kind))
	}
	return d, nil
}

func findIn(version, partition string) (policies.Release, error) {
	r, err := policies.Find(version)
	if err != nil {
		return r, err
	}
	return r.In(partition)
}

func (d diff) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Remotion %s to %s", strings.Join(d.From, ", "), d.To)
	if d.Partition != policies.AWS {
		fmt.Fprintf(&b, " in %s", d.Partition)
	}
	b.WriteByte('\n')
	for _, n := range d.Notices {
		fmt.Fprintf(&b, "notice: %s\n", n)
	}
	for _, p := range d.Policies {
		fmt.Fprintf(&b, "\n%s policy: ", p.Kind)
		if len(p.Added)+len(p.Dropped) == 0 {
			b.WriteString("no change\n")
			continue
		}
		fmt.Fprintf(&b, "%d added, %d dropped\n", len(p.Added), len(p.Dropped))
		for _, r := range p.Added {
			writeRequirement(&b, r, "+", "impact if missing")
		}
		for _, r := range p.Dropped {
			writeRequirement(&b, r, "-", "impact if missing while an older release is in use")
		}
	}
	return b.String()
}

// breakageTexts explain how a missing permission becomes visible.
var breakageTexts = map[policies.Breakage]string{
	policies.Hard:      "the call fails",
	policies.Swallowed: "Remotion ignores the error",
	policies.Warned:    "Remotion prints a warning",
	policies.Feature:   "only this feature fails",
}

func writeRequirement(b *strings.Builder, r policies.Requirement, sign, impactLabel string) {
	span := "since " + r.Since
	if r.Until != "" {
		span = r.Since + "-" + r.Until
	}
	fmt.Fprintf(b, "%s %s on %s\n", sign, r.Action, r.Resource)
	fmt.Fprintf(b, "    statement %s, documented %s; severity %s\n", r.Sid, span, r.Severity)
	fmt.Fprintf(b, "    the permission %s\n", r.Reason)
	fmt.Fprintf(b, "    %s: %s", impactLabel, r.Impact)
	if text := breakageTexts[r.Breakage]; text != "" {
		fmt.Fprintf(b, " (%s)", text)
	}
	b.WriteByte('\n')
	fmt.Fprintf(b, "    %s\n", r.Source)
}
