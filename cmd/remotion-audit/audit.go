package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/fixformat"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type auditOptions struct {
	accountFlags
	outputs          outputFlags
	place            string
	failOn           string
	failOnUnverified bool
	upgradeTo        string
	fix              bool
	baseline         string
}

func auditCommand() *cobra.Command {
	var o auditOptions
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Audit an AWS account once (read-only)",
		Long: `Audit the AWS account of the credentials in the environment. The command is
read-only and publishes nothing. Without --callers it audits the principal of the
credentials and the render roles.

The credentials are those of --profile, or else those that Remotion's CLI uses:
REMOTION_AWS_PROFILE, then REMOTION_AWS_ACCESS_KEY_ID and REMOTION_AWS_SECRET_ACCESS_KEY,
then AWS_PROFILE, then AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. In a Remotion project,
.env sets those of these variables that the environment does not set.

--region is the region of the connection, as for the AWS CLI. It is also the region to
audit, unless --regions or REGIONS names others. Without all of them, the command audits
the region of the connection and each enabled region with Remotion functions.

With --upgrade-to the report also lists the permissions that an upgrade of Remotion
needs. With --baseline, gaps that an earlier report has do not count for the exit status.
With --fix the command also prints the fixes, as fix does; AWS's simulator then
confirms them, with at most 8 calls for each principal with gaps.

Exit status: 0 compliant, 1 gaps now or after the upgrade, 2 unverified or an error.`,
		Example: `  remotion-audit audit
  remotion-audit audit --callers user/render-ci=render,role/deploy --regions us-east-1,eu-west-1
  remotion-audit audit --scp root.json --scp ou.json,more.json
  remotion-audit audit --upgrade-to latest --format json --output report.json
  remotion-audit audit --baseline report.json
  remotion-audit audit --format text --format sarif=audit.sarif --format junit=audit.xml`,
		Annotations: map[string]string{lostKey: lostReport},
		Args:        noArguments,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runAudit(cmd, o) },
	}
	o.register(cmd)
	o.outputs.register(cmd, output.AuditFormats().Names(), "report")
	cmd.Flags().StringVar(&o.place, "location", "", locationUsage)
	cmd.Flags().StringVar(&o.failOn, "fail-on", "low",
		"lowest severity of a gap for which the exit status is 1: critical, high, medium or low")
	limitTo(cmd, "fail-on", severityNames()...)
	cmd.Flags().BoolVar(&o.failOnUnverified, "fail-on-unverified", false,
		"exit with status 2 if anything is unverified, even if there are gaps")
	cmd.Flags().StringVar(&o.upgradeTo, "upgrade-to", "",
		"release of a planned upgrade, x.y.z or latest: also report the permissions that it needs")
	complete(cmd, "upgrade-to", "latest")
	cmd.Flags().BoolVar(&o.fix, "fix", false,
		"also print the fixes, and let AWS's simulator confirm them")
	addBaselineFlag(cmd, &o.baseline)
	return cmd
}

// writeFixes writes the fixes of a report, as the command fix does.
func writeFixes(w io.Writer, r audit.Report, v textfmt.View) error {
	format, err := fixformat.Find(fixformat.Names()[0])
	if err != nil {
		return err
	}
	for _, f := range r.Fixes {
		fmt.Fprintln(w)
		h := fixformat.FromReport(r, f)
		h.View, h.Settings = v, r.Run.Flags
		if err := format.Write(w, h, fixformat.Default); err != nil {
			return err
		}
	}
	return nil
}

// parse returns the values of the flags that are not settings. upgradeTo is nil without
// --upgrade-to.
func (o auditOptions) parse() (failOn policies.Severity, upgradeTo *policies.Release,
	err error) {
	if err := failOn.UnmarshalText([]byte(o.failOn)); err != nil {
		return 0, nil, fmt.Errorf("--fail-on: %w", err)
	}
	if err := o.checkTimeout(); err != nil {
		return 0, nil, err
	}
	if o.upgradeTo != "" {
		release, err := policies.Find(o.upgradeTo)
		if err != nil {
			return 0, nil, fmt.Errorf("--upgrade-to: %w", err)
		}
		upgradeTo = &release
	}
	return failOn, upgradeTo, nil
}

func runAudit(cmd *cobra.Command, o auditOptions) error {
	failOn, upgradeTo, err := o.parse()
	if err != nil {
		return err
	}
	organization, err := o.organization(cmd)
	if err != nil {
		return err
	}
	place, err := sourcePath(o.place)
	if err != nil {
		return fmt.Errorf("--location: %w", err)
	}
	base, err := readBaseline(cmd, o.baseline)
	if err != nil {
		return err
	}
	out, err := openOutputs(cmd, o.outputs, output.AuditFormats(), inputNames(o.baseline)...)
	if err != nil {
		return err
	}
	defer out.close()
	ctx, stop := context.WithTimeout(cmd.Context(), o.timeout)
	defer stop()

	r, past, err := o.audit(ctx, cmd, auditRequest{organization: organization, upgradeTo: upgradeTo,
		proveFixes: o.fix})
	if err != nil {
		return err
	}
	r.Tool, r.Run.Flags = thisTool(), o.repeated(cmd)
	if r, err = base.compareReport(r); err != nil {
		return err
	}
	var fixes func(io.Writer, textfmt.View) error
	if o.fix {
		fixes = func(w io.Writer, v textfmt.View) error { return writeFixes(w, r, v) }
	}
	document := output.Audit{Report: r, Open: past.openGaps(r), Place: place}
	if err := out.write(document, fixes); err != nil {
		return err
	}
	if status := exitStatus(r.WorstNew(), r.Unverified(), failOn, o.failOnUnverified); status != 0 {
		return exitError(status)
	}
	return nil
}

// exitStatus returns 1 for a gap of at least the severity failOn, 2 for an incomplete audit, else
// 0. If both apply, it returns 1, or 2 if unverifiedWins is set. worst is zero without gaps.
func exitStatus(worst policies.Severity, unverified bool, failOn policies.Severity,
	unverifiedWins bool) int {
	switch {
	case unverified && unverifiedWins:
		return exitUnverified
	case worst >= failOn:
		return exitGaps
	case unverified:
		return exitUnverified
	}
	return 0
}
