package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type auditOptions struct {
	// flags holds the names of the flags that override environment variables, by variable.
	flags            map[string]string
	format           formatFlag[output.Audit]
	output           string
	failOn           string
	failOnUnverified bool
	upgradeTo        string
	scps             []string
	timeout          time.Duration
	envFile          envFileFlags
}

func auditCommand() *cobra.Command {
	o := auditOptions{flags: map[string]string{}}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Audit an AWS account once (read-only)",
		Long: `Audit the AWS account of the credentials in the environment. The command is
read-only and publishes nothing. Without --callers it audits the principal of the
credentials and the render roles.

The credentials are those that Remotion's CLI uses: REMOTION_AWS_PROFILE, then
REMOTION_AWS_ACCESS_KEY_ID and REMOTION_AWS_SECRET_ACCESS_KEY, then AWS_PROFILE, then
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. In a Remotion project, .env sets those of
these variables that the environment does not set.

With --upgrade-to the report also lists the permissions that an upgrade of Remotion
needs.

Exit status: 0 compliant, 1 gaps now or after the upgrade, 2 unverified or an error.`,
		Example: `  remotion-audit audit
  remotion-audit audit --callers user/render-ci=render,role/deploy --regions us-east-1,eu-west-1
  remotion-audit audit --scp root.json --scp ou.json,more.json
  remotion-audit audit --upgrade-to latest --format json --output report.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runAudit(cmd, o) },
	}
	for _, s := range settings.All() {
		if s.Flag != "" {
			cmd.Flags().String(s.Flag, "", s.Usage+" (or "+s.Variable+" in the environment)")
			o.flags[s.Variable] = s.Flag
		}
	}
	o.format.register(cmd, output.AuditFormats(), "report")
	cmd.Flags().StringVar(&o.output, "output", "",
		"file to write the report to (default: standard output)")
	cmd.Flags().StringVar(&o.failOn, "fail-on", "low",
		"lowest severity of a gap for which the exit status is 1: critical, high, medium or low")
	cmd.Flags().BoolVar(&o.failOnUnverified, "fail-on-unverified", false,
		"exit with status 2 if anything is unverified, even if there are gaps")
	cmd.Flags().StringVar(&o.upgradeTo, "upgrade-to", "",
		"release of a planned upgrade, x.y.z or latest: also report the permissions that it needs")
	cmd.Flags().StringArrayVar(&o.scps, "scp", nil, scpUsage)
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute,
		"time limit; requirements that are not checked by then are unverified")
	o.envFile.register(cmd)
	return cmd
}

// parse returns the values of the flags that are not settings. upgradeTo is nil without
// --upgrade-to.
func (o auditOptions) parse() (failOn policies.Severity, write output.Writer[output.Audit],
	upgradeTo *policies.Release, err error) {
	if err := failOn.UnmarshalText([]byte(o.failOn)); err != nil {
		return 0, nil, nil, fmt.Errorf("--fail-on: %w", err)
	}
	if write, err = o.format.writer(); err != nil {
		return 0, nil, nil, err
	}
	if o.timeout <= 0 {
		return 0, nil, nil, fmt.Errorf("--timeout must be greater than 0, got %s", o.timeout)
	}
	if o.upgradeTo != "" {
		release, err := policies.Find(o.upgradeTo)
		if err != nil {
			return 0, nil, nil, fmt.Errorf("--upgrade-to: %w", err)
		}
		upgradeTo = &release
	}
	return failOn, write, upgradeTo, nil
}

// flagValue returns the value of the flag that overrides an environment variable. It is empty if
// there is no flag, or if the flag is not set.
func (o auditOptions) flagValue(cmd *cobra.Command, variable string) string {
	value, _ := cmd.Flags().GetString(o.flags[variable]) // the error means that there is no flag
	return value
}

// withFlagNames returns the error with the names of flags in place of the environment variables
// that the flags replace.
func (o auditOptions) withFlagNames(cmd *cobra.Command, err error) error {
	lines := strings.Split(err.Error(), "\n")
	renamed := false
	for i, line := range lines {
		variable, text, ok := strings.Cut(line, ": ")
		if ok && o.flagValue(cmd, variable) != "" {
			lines[i], renamed = "--"+o.flags[variable]+": "+text, true
		}
	}
	if !renamed {
		return err
	}
	return errors.New(strings.Join(lines, "\n"))
}

func runAudit(cmd *cobra.Command, o auditOptions) error {
	failOn, write, upgradeTo, err := o.parse()
	if err != nil {
		return err
	}
	scps := files{ctx: cmd.Context(), stdin: cmd.InOrStdin()}
	organization := scps.organization(o.scps)
	for _, level := range organization {
		for i := range level {
			level[i].ID = "service control policy " + textfmt.OneLine(level[i].ID)
		}
	}
	if err := errors.Join(scps.errs...); err != nil {
		if cmd.Context().Err() != nil {
			return interrupted(cmd)
		}
		return err
	}
	// Open the file before the audit, so that a wrong name fails at once.
	out := cmd.OutOrStdout()
	if o.output != "" {
		file, err := os.OpenFile(o.output, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		defer file.Close()
		out = &replacingWriter{file: file}
	}
	ctx, stop := context.WithTimeout(cmd.Context(), o.timeout)
	defer stop()

	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	clients, awsConfig, err := loadClients(ctx, o.envFile, cmd.ErrOrStderr(), log)
	if err != nil {
		return err
	}
	id, err := callerIdentity(ctx, clients.STS)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "identity: "+textfmt.OneLine(id.String()))
	place, self := app.Location{Account: id.Account, Partition: id.Partition,
		Region: awsConfig.Region}, principalOf(id)
	cfg, err := app.ConfigFromEnv(func(name string) string {
		if value := o.flagValue(cmd, name); value != "" {
			return value
		}
		if value := os.Getenv(name); value != "" || name != settings.EnvCallers {
			return value
		}
		return self
	})
	if err != nil {
		if self == "" {
			err = fmt.Errorf("%w\n%s: set the principals to audit with --callers", err,
				notAuditable(id))
		}
		return o.withFlagNames(cmd, err)
	}
	for _, caller := range cfg.Sessions() {
		fmt.Fprintf(cmd.ErrOrStderr(), "auditing %s for its session %s\n", caller.Name, caller.Session)
	}
	regions, further := cfg.Regions.SplitAt(place)
	if len(further) > 0 && cfg.Regions[0] == "all" {
		regions = append(regions, further...)
	}
	now := time.Now()
	var past history
	if cfg.EvidenceBucket != "" {
		bucket := evidence.Bucket{Client: clients.S3, Name: string(cfg.EvidenceBucket),
			Owner: place.Account}
		if past, err = readHistory(ctx, bucket, now, cmd.ErrOrStderr()); err != nil {
			return fmt.Errorf("--evidence-bucket: %w", err)
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "auditing account %s in %s\n", place.Account,
		strings.Join(regions, " "))
	auditor := app.App{Config: cfg, Clients: clients, Log: log, UpgradeTo: upgradeTo,
		Organization: organization, OrganizationID: organizationID(awsConfig)}
	r, err := auditor.Report(ctx, place, now.UTC().Format("20060102T150405Z"))
	if err != nil {
		return o.withFlagNames(cmd, err)
	}
	r = past.muted(r, now)
	var b bytes.Buffer
	if err := write(&b, output.Audit{Report: r, Open: past.openGaps(r)}); err != nil {
		return err
	}
	if _, err := out.Write(b.Bytes()); err != nil {
		return err
	}
	if status := exitStatus(worstOf(r), r.Unverified(), failOn, o.failOnUnverified); status != 0 {
		return exitError(status)
	}
	return nil
}

// replacingWriter replaces the content of a file with one write.
type replacingWriter struct{ file *os.File }

func (r *replacingWriter) Write(p []byte) (int, error) {
	if err := r.file.Truncate(0); err != nil {
		return 0, err
	}
	return r.file.Write(p)
}

// worstOf returns the highest severity of the gaps, now or after the planned upgrade.
func worstOf(r audit.Report) policies.Severity { return max(r.Worst(), r.Upgrade.Worst()) }

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

// callerIdentity returns the ARN of the principal of the credentials from STS.
func callerIdentity(ctx context.Context, client *sts.Client) (arn.ARN, error) {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		if ctx.Err() != nil {
			return arn.ARN{}, fmt.Errorf("no answer from AWS within --timeout: %w", err)
		}
		return arn.ARN{},
			fmt.Errorf("reading the identity of the credentials failed (check them with `aws sts "+
				"get-caller-identity`): %w", err)
	}
	a, ok := arn.Parse(aws.ToString(out.Arn))
	if !ok {
		return arn.ARN{},
			fmt.Errorf("AWS returned %q as the ARN of the credentials, which is not an ARN",
				aws.ToString(out.Arn))
	}
	return a, nil
}

// principalOf returns the user or the role of an identity. It is empty for the root user and for
// federated users, which cannot be audited.
func principalOf(id arn.ARN) string {
	switch id.Kind() {
	case "user":
		return "user/" + id.Name()
	case "assumed-role":
		role, _ := id.Session()
		return "role/" + role
	}
	return ""
}

// notAuditable says why the identity of the credentials cannot be audited.
func notAuditable(id arn.ARN) string {
	switch id.Kind() {
	case "root":
		return "the credentials belong to the root user of the account, which has no policies to audit"
	case "federated-user":
		return "the credentials belong to a federated user, which IAM does not know (its permissions " +
			"depend on the user that called sts:GetFederationToken)"
	}
	return "the credentials belong to neither a user nor a role"
}
