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
	awsarn "github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

type auditOptions struct {
	// settings are the flags that stand for environment variables.
	settings         map[string]*string
	format, output   string
	failOn           string
	failOnUnverified bool
	upgradeTo        string
	timeout          time.Duration
}

func auditCommand() *cobra.Command {
	o := auditOptions{settings: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Audit this account once, with the AWS credentials in the environment; reads only",
		Long: `Audit this account once, with the AWS credentials in the environment. It only reads, and publishes
nothing. Without --callers it audits whoever the credentials belong to, and the render role.

With --upgrade-to it tells as well what the account would lack after an upgrade of Remotion.

Exit status: 0 compliant, 1 gaps, now or after the upgrade, 2 something could not be looked at, or an error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runAudit(cmd, o) },
	}
	setting := func(flag, variable, usage string) {
		o.settings[variable] = cmd.Flags().String(flag, "", usage+" (or "+variable+" in the environment)")
	}
	setting("callers", contract.EnvCallers,
		"who runs Remotion: user/NAME, role/NAME, sso/PERMISSION-SET or ARNs, with commas; none for "+
			"nobody")
	setting("render-role", contract.EnvRenderRole, "the role functions run under")
	setting("remotion-version", contract.EnvRemotionVersion,
		"the release to audit for: auto (what is deployed), latest or x.y.z")
	setting("regions", contract.EnvRegions, "auto, all, or regions with commas")
	setting("buckets", contract.EnvBuckets, "real buckets, with commas")
	setting("read-scope", contract.EnvReadScope,
		"account, or named: list no functions, and search for no permission sets")
	setting("evidence-bucket", contract.EnvEvidenceBucket,
		"the auditor's bucket: apply its mutes, and show since when gaps are open; it is only read")
	setting("assumed-context", contract.EnvAssumedContext,
		"request context to assume, key=value with commas")
	cmd.Flags().StringVar(&o.format, "format", "text", "text or json")
	cmd.Flags().StringVar(&o.output, "output", "", "write the report to this file")
	cmd.Flags().StringVar(&o.failOn, "fail-on", "low",
		"the least severity of a gap that makes the exit status 1: critical, high, medium or low")
	cmd.Flags().BoolVar(&o.failOnUnverified, "fail-on-unverified", false,
		"exit with 2 if anything is unverified, also when there are gaps")
	cmd.Flags().StringVar(&o.upgradeTo, "upgrade-to", "",
		"a release of Remotion, or latest: tell what this account would lack after the upgrade")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute,
		"stop looking after this long, and report what is known")
	return cmd
}

func runAudit(cmd *cobra.Command, o auditOptions) error {
	var failOn policies.Severity
	if err := failOn.UnmarshalText([]byte(o.failOn)); err != nil {
		return fmt.Errorf("--fail-on: %w", err)
	}
	write, ok := formats[o.format]
	if !ok {
		return fmt.Errorf("--format: %q is not known: text or json", o.format)
	}
	if o.timeout <= 0 {
		return fmt.Errorf("--timeout: %s is no time to look", o.timeout)
	}
	var upgradeTo *policies.Release
	if o.upgradeTo != "" {
		release, err := policies.Find(o.upgradeTo)
		if err != nil {
			return fmt.Errorf("--upgrade-to: %w", err)
		}
		upgradeTo = &release
	}
	// A report that cannot be written is better known before the audit than after.
	out := cmd.OutOrStdout()
	if o.output != "" {
		file, err := os.OpenFile(o.output, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return fmt.Errorf("--output: %w", err)
		}
		defer file.Close()
		out = &replacing{file: file}
	}
	ctx, stop := context.WithTimeout(cmd.Context(), o.timeout)
	defer stop()

	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	clients, awsConfig, err := app.LoadClients(ctx, log, config.WithDefaultRegion(defaultRegion))
	if err != nil {
		return err
	}
	place, self, err := whoAmI(ctx, clients.STS, awsConfig.Region)
	if err != nil {
		return err
	}
	cfg, err := app.ConfigFromEnv(func(name string) string {
		if flag := o.settings[name]; flag != nil && *flag != "" {
			return *flag
		}
		if value := os.Getenv(name); value != "" || name != contract.EnvCallers {
			return value
		}
		return self
	})
	if err != nil {
		if self == "" {
			err = fmt.Errorf("%w\nthe credentials are no user's and no role's: name whom to audit with "+
				"--callers", err)
		}
		return err
	}
	named, further := cfg.Regions.SplitAt(place)
	if len(further) > 0 && cfg.Regions[0] == "all" {
		named = append(named, further...)
	}
	now := time.Now()
	var remembered memory
	if cfg.EvidenceBucket != "" {
		bucket := evidence.Bucket{Client: clients.S3, Name: string(cfg.EvidenceBucket),
			Owner: place.Account}
		if remembered, err = recall(ctx, bucket, now, cmd.ErrOrStderr()); err != nil {
			return fmt.Errorf("--evidence-bucket: %w", err)
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "auditing account %s in %s\n", place.Account,
		strings.Join(named, " "))
	auditor := app.App{Config: cfg, Clients: clients, Log: log, UpgradeTo: upgradeTo}
	r, err := auditor.Report(ctx, place, now.UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	r = remembered.muted(r, now)
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		return err
	}
	if gaps := remembered.of(r); len(gaps) > 0 && o.format == "text" {
		fmt.Fprintln(&b, "\nopen since")
		showSince(&b, gaps)
	}
	if _, err := out.Write(b.Bytes()); err != nil {
		return err
	}
	if status := exitStatus(worstOf(r), r.Unverified(), failOn, o.failOnUnverified); status != 0 {
		return exitError(status)
	}
	return nil
}

// replacing writes a whole file in one go; until then the file stays as it was.
type replacing struct{ file *os.File }

func (r *replacing) Write(p []byte) (int, error) {
	if err := r.file.Truncate(0); err != nil {
		return 0, err
	}
	return r.file.Write(p)
}

// worstOf is the highest severity among the gaps, now or after the upgrade that was asked about.
func worstOf(r audit.Report) policies.Severity { return max(r.Worst(), r.Upgrade.Worst()) }

// exitStatus is 1 for a gap that is bad enough, 2 where something could not be looked at, 0 where
// everything could and nothing bad enough was found. worst is zero without gaps.
func exitStatus(worst policies.Severity, blind bool, failOn policies.Severity,
	unverifiedWins bool) int {
	switch {
	case blind && unverifiedWins:
		return exitUnverified
	case worst >= failOn:
		return exitGaps
	case blind:
		return exitUnverified
	}
	return 0
}

// whoAmI asks STS for the account, and for the principal behind the credentials, which is empty
// when they are the root user's or a federated user's: neither can be audited.
func whoAmI(ctx context.Context, client *sts.Client,
	region string) (place app.Location, self string, err error) {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		if ctx.Err() != nil {
			return place, "", fmt.Errorf("AWS does not answer in time: %w", err)
		}
		return place, "",
			fmt.Errorf("AWS does not say who the credentials belong to (are there any? try aws sts "+
				"get-caller-identity): %w", err)
	}
	a, err := awsarn.Parse(aws.ToString(out.Arn))
	if err != nil {
		return place, "",
			errors.New("AWS says that the credentials belong to " + aws.ToString(out.Arn) +
				", which is no ARN")
	}
	place = app.Location{Account: a.AccountID, Partition: a.Partition, Region: region}
	parts := strings.Split(a.Resource, "/")
	switch parts[0] {
	case "user":
		self = "user/" + parts[len(parts)-1]
	case "assumed-role":
		self = "role/" + parts[1]
	}
	return place, self, nil
}

var formats = map[string]writer{"text": report.Text, "json": report.JSON}
