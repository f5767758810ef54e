package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// accountFlags are the flags of the commands that audit an account: the settings of the function,
// the credentials, the service control policies and the time limit.
type accountFlags struct {
	// flags holds the names of the flags that override environment variables, by variable.
	flags map[string]string
	scps  []string
	rcps  []string
	// readOrganization is true if the policies of the organization are read.
	readOrganization bool
	timeout          time.Duration
	access           accessFlags
}

// register adds the flags to a command, except those of the settings that without lists.
func (o *accountFlags) register(cmd *cobra.Command, without ...string) {
	o.flags = map[string]string{}
	for _, s := range settings.All() {
		if s.Flag == "" || slices.Contains(without, s.Variable) {
			continue
		}
		usage := s.Usage + " (or " + s.Variable + " in the environment)"
		if s.Kind == settings.List {
			cmd.Flags().Var(&listValue{}, s.Flag, usage)
		} else {
			cmd.Flags().String(s.Flag, "", usage)
		}
		o.flags[s.Variable] = s.Flag
		setVariable(cmd, s.Flag, s.Variable)
		if s.FlagAlias != "" {
			addAlias(cmd, s.FlagAlias, s.Flag)
		}
	}
	if o.flags[settings.EnvReadScope] != "" {
		limitTo(cmd, "read-scope", contract.ReadScopeAccount, contract.ReadScopeNamed)
	}
	complete(cmd, "regions", append([]string{"auto", "all"}, policies.Regions(policies.AWS)...)...)
	complete(cmd, "remotion-version", "auto", "latest")
	if f := cmd.Flags().Lookup("remotion-version"); f != nil {
		f.Usage += "; without it, a Remotion project adds its installed release to auto"
	}
	cmd.Flags().StringArrayVar(&o.scps, "scp", nil, scpUsage)
	cmd.Flags().StringArrayVar(&o.rcps, "rcp", nil, rcpUsage)
	cmd.Flags().BoolVar(&o.readOrganization, organizationFlag, false, "read the service control "+
		"policies and the resource control policies of the organization. Only its management account "+
		"and a delegated administrator may; --scp and --rcp take the place of what they give")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute,
		"time limit; requirements that are not checked by then are unverified")
	addSettingsFlags(cmd)
	o.access.register(cmd)
	cmd.Flags().Lookup("region").Usage = "AWS region to connect to; also the region to audit, " +
		"unless --regions or REGIONS is set. Wins over REMOTION_AWS_REGION and AWS_REGION"
}

func (o accountFlags) checkTimeout() error {
	if o.timeout <= 0 {
		return fmt.Errorf("--timeout must be greater than 0, got %s", o.timeout)
	}
	return nil
}

// organizationPolicies are the policies of an organization, level by level.
type organizationPolicies struct{ service, resource [][]iampolicy.Policy }

// organization reads the policies of --scp and --rcp.
func (o accountFlags) organization(cmd *cobra.Command) (p organizationPolicies, err error) {
	files := files{ctx: cmd.Context(), stdin: cmd.InOrStdin()}
	p = organizationPolicies{files.organization(o.scps), files.resourceControl(o.rcps)}
	for kind, levels := range map[iampolicy.Layer][][]iampolicy.Policy{
		iampolicy.Organization: p.service, iampolicy.ResourceControl: p.resource} {
		for _, level := range levels {
			for i := range level {
				level[i].ID = kind.String() + " " + textfmt.OneLine(level[i].ID)
			}
		}
	}
	if err := errors.Join(files.errs...); err != nil {
		if cmd.Context().Err() != nil {
			return p, interrupted(cmd)
		}
		return p, err
	}
	return p, nil
}

// organizationFlag is the name of the flag that makes the audit read the organization.
const organizationFlag = "organization-policies"

// A connection is an account with the auditor that reads it.
type connection struct {
	auditor app.App
	place   app.Location
	regions []string
}

// connect reads the credentials and the settings, and prints whose credentials they are. Without
// --callers, the caller is the principal of the credentials, or else the callers of fallback.
func (o accountFlags) connect(ctx context.Context, cmd *cobra.Command,
	organization organizationPolicies, fallback string) (connection, error) {
	clients, awsConfig, err := loadClients(ctx, o.access, notes(cmd),
		slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
	if err != nil {
		return connection{}, err
	}
	id, err := callerIdentity(ctx, clients.STS)
	if err != nil {
		return connection{}, err
	}
	fmt.Fprintln(notes(cmd), "identity: "+textfmt.OneLine(id.String()))
	place := app.Location{Account: id.Account, Partition: id.Partition, Region: awsConfig.Region}
	self := cmp.Or(principalOf(id), fallback)
	var installed *policies.Release
	if cmp.Or(o.flagValue(cmd, envRemotionVersion), os.Getenv(envRemotionVersion)) == "" {
		installed = findProject().installedRelease(notes(cmd), "installed Remotion", id.Partition)
	}
	cfg, err := app.ConfigFromEnv(func(name string) string {
		switch value := cmp.Or(o.flagValue(cmd, name), os.Getenv(name)); {
		case value != "":
			return value
		case name == settings.EnvCallers:
			return self
		case name == settings.EnvRegions:
			return o.access.region
		}
		return ""
	})
	if err != nil {
		if self == "" {
			err = fmt.Errorf("%w\n%s: set the principals to audit with --callers", err,
				notAuditable(id))
		}
		return connection{}, o.withFlagNames(cmd, err)
	}
	for _, caller := range cfg.Sessions() {
		fmt.Fprintf(notes(cmd), "auditing %s for its session %s\n", caller.Name, caller.Session)
	}
	regions, further := cfg.Regions.SplitAt(place)
	if len(further) > 0 && cfg.Regions[0] == "all" {
		regions = append(regions, further...)
	}
	var reader collect.OrganizationReader
	if o.readOrganization {
		reader = organizations.NewFromConfig(awsConfig)
	}
	return connection{place: place, regions: regions, auditor: app.App{Organizations: reader,
		Config: cfg, Clients: clients, Installed: installed, Organization: organization.service,
		ResourceControl: organization.resource,
		OrganizationID:  organizationID(awsConfig)}}, nil
}

// announce prints the account and the regions that are audited.
func (c connection) announce(cmd *cobra.Command) {
	fmt.Fprintf(notes(cmd), "auditing account %s in %s\n", c.place.Account,
		strings.Join(c.regions, " "))
}

// showProgress shows the progress of calls to AWS until the returned function is called. What the
// auditor logs meanwhile goes above the line.
func (c *connection) showProgress(cmd *cobra.Command) (end func()) {
	line := startProgress(cmd)
	c.auditor.Log = slog.New(slog.NewTextHandler(line.over(cmd.ErrOrStderr()), nil))
	return line.stop
}

// An auditRequest says what audit does beside the settings.
type auditRequest struct {
	organization organizationPolicies
	upgradeTo    *policies.Release // nil without a planned upgrade
	// proveFixes is true if AWS's simulator shall confirm the fixes.
	proveFixes bool
}

// audit audits the account of the credentials, with the mutes and the open gaps of the evidence
// bucket.
func (o accountFlags) audit(ctx context.Context, cmd *cobra.Command,
	q auditRequest) (r audit.Report, past history, err error) {
	c, err := o.connect(ctx, cmd, q.organization, "")
	if err != nil {
		return r, past, err
	}
	now := time.Now()
	if c.auditor.Config.EvidenceBucket != "" {
		bucket := evidence.Bucket{Client: c.auditor.S3, Name: string(c.auditor.Config.EvidenceBucket),
			Owner: c.place.Account}
		if past, err = readHistory(ctx, bucket, now, notes(cmd)); err != nil {
			return r, past, o.withFlagNames(cmd, fmt.Errorf("%s: %w", settings.EnvEvidenceBucket, err))
		}
	}
	c.announce(cmd)
	c.auditor.UpgradeTo = q.upgradeTo
	end := c.showProgress(cmd)
	report := c.auditor.Report
	if q.proveFixes {
		report = c.auditor.ReportWithFixes
	}
	r, err = report(ctx, c.place, now.UTC().Format("20060102T150405Z"))
	end()
	if cmd.Context().Err() != nil {
		return r, past, interrupted(cmd)
	}
	if err != nil {
		return r, past, o.withFlagNames(cmd, err)
	}
	past.mutes = slices.Concat(past.mutes, settingsOf(cmd).Mutes)
	return past.muted(r, now), past, nil
}

// flagValue returns the value of the flag that overrides an environment variable. It is empty if
// there is no flag, or if the flag is not set.
func (o accountFlags) flagValue(cmd *cobra.Command, variable string) string {
	if f := cmd.Flags().Lookup(o.flags[variable]); f != nil {
		return f.Value.String()
	}
	return ""
}

// withFlagNames returns the error with the names of flags in place of the environment variables
// that the flags replace.
func (o accountFlags) withFlagNames(cmd *cobra.Command, err error) error {
	lines := strings.Split(err.Error(), "\n")
	renamed := false
	rename := func(variable, flag string) {
		for i, line := range lines {
			line = strings.ReplaceAll(line, " "+variable+"=", " --"+flag+"=")
			if text, ok := strings.CutPrefix(line, variable+": "); ok {
				line = "--" + flag + ": " + text
			}
			renamed = renamed || line != lines[i]
			lines[i] = line
		}
	}
	for variable, flag := range o.flags {
		if o.flagValue(cmd, variable) != "" {
			rename(variable, flag)
		} else if variable == settings.EnvRegions && os.Getenv(variable) == "" {
			rename(variable, "region")
		}
	}
	if !renamed {
		return err
	}
	return errors.New(strings.Join(lines, "\n"))
}

// callerIdentity returns the ARN of the principal of the credentials from STS.
func callerIdentity(ctx context.Context, client *sts.Client) (arn.ARN, error) {
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		if ctx.Err() != nil {
			return arn.ARN{}, fmt.Errorf("no answer from AWS within --timeout: %w", err)
		}
		return arn.ARN{}, identityError(err)
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
