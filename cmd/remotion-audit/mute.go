package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type muteOptions struct {
	mute.Mute
	cause    string
	bucket   string
	duration time.Duration
	until    string
	envFile  envFileFlags
}

func muteCommand() *cobra.Command {
	var o muteOptions
	cmd := &cobra.Command{
		Use:   "mute",
		Short: "Mute findings for a limited time",
		Long: `Mute findings for a limited time: add a mute to mutes.yaml in the evidence bucket. It
takes effect with the next run. Muted gaps send no alerts, but the metric GapsMuted
counts them. The next message announces the mute with its owner.

Set at least one of --target, --action, --cause and --sid. The mute applies to the
findings that match all flags that are set. * matches any text, except in --cause.`,
		Example: "  remotion-audit mute --target user/ci --cause no-grant --owner alex " +
			"--reason 'in review'\n" +
			"  remotion-audit mute --action 's3:*Acl' --until 2026-12-01 --owner alex " +
			"--reason 'private buckets'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("for") && cmd.Flags().Changed("until") {
				return errors.New("--for and --until exclude each other: set one of them")
			}
			return runMute(cmd, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.bucket, "bucket", os.Getenv(settings.EnvEvidenceBucket),
		"evidence bucket (or "+settings.EnvEvidenceBucket+" in the environment)")
	flags.StringVar(&o.Target, "target", "", "audited principal: user/NAME or role/NAME")
	flags.StringVar(&o.Action, "action", "", "action, such as s3:PutBucketPolicy")
	flags.StringVar(&o.cause, "cause", "", "cause, such as scp")
	flags.StringVar(&o.Sid, "sid", "", "Sid of the statement in Remotion's policy")
	flags.DurationVar(&o.duration, "for", 24*time.Hour, "duration of the mute")
	flags.StringVar(&o.until, "until", "",
		"end of the mute in UTC: a day (2026-12-01, inclusive) or a time (2026-12-01T09:00:00Z)")
	flags.StringVar(&o.Reason, "reason", "", "reason of the mute (required)")
	flags.StringVar(&o.Owner, "owner", "", "person or team responsible for the mute (required)")
	o.envFile.register(cmd)
	return cmd
}

// mute returns the mute that the flags describe. Its error joins all errors in the flags.
func (o muteOptions) mute(now time.Time) (mute.Mute, error) {
	m := o.Mute
	m.Cause = audit.Cause(o.cause)
	m.Until = now.Add(o.duration).UTC().Truncate(time.Second)
	var errs []error
	for _, required := range []struct{ flag, value string }{{"bucket", o.bucket},
		{"reason", m.Reason}, {"owner", m.Owner}} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("--%s is required", required.flag))
		}
	}
	if o.bucket != "" {
		if err := awsname.ValidateBucket(o.bucket); err != nil {
			errs = append(errs, fmt.Errorf("--bucket: %w", err))
		}
	}
	if m.Target+m.Action+o.cause+m.Sid == "" {
		errs = append(errs,
			errors.New("set the findings to mute with --target, --action, --cause or --sid"))
	}
	for _, pattern := range []struct {
		flag, value string
		check       func(string) error
	}{{"target", m.Target, mute.CheckTarget}, {"action", m.Action, mute.CheckAction}} {
		if pattern.value == "" {
			continue
		}
		if err := pattern.check(pattern.value); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", pattern.flag, err))
		}
	}
	if o.until != "" {
		until, err := mute.ParseUntil(o.until)
		if err != nil {
			errs = append(errs, fmt.Errorf("--until %w", err))
		} else {
			m.Until = until
		}
	}
	switch {
	case m.Until.After(now):
	case o.until != "":
		errs = append(errs, fmt.Errorf("--until must be in the future, got %q", o.until))
	default:
		errs = append(errs, fmt.Errorf("--for must be greater than 0, got %s", o.duration))
	}
	return m, errors.Join(errs...)
}

// maxConflicts is the number of retries after another writer changed the file of mutes.
const maxConflicts = 5

func runMute(cmd *cobra.Command, o muteOptions) error {
	now := time.Now()
	m, err := o.mute(now)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	clients, _, err := loadClients(ctx, o.envFile, cmd.ErrOrStderr(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	id, err := callerIdentity(ctx, clients.STS)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "identity: "+textfmt.OneLine(id.String()))
	bucket := evidence.Bucket{Client: clients.S3, Name: o.bucket, Owner: id.Account}
	for conflicts := 0; ; conflicts++ {
		err := addMute(ctx, bucket, m, now)
		if err == nil {
			break
		}
		if !errors.Is(err, evidence.ErrChanged) || conflicts == maxConflicts {
			return err
		}
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "muted until %s, in s3://%s/%s\n", m.Until.Format(time.RFC3339), bucket.Name,
		evidence.MutesKey)
	states, err := bucket.States(ctx)
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "the muted gaps cannot be listed: %v\n", err)
		return nil
	}
	writeMutedGaps(out, states, m)
	return nil
}

// addMute adds a mute to the file of mutes. The error is evidence.ErrChanged if another writer
// changed the file in the meantime.
func addMute(ctx context.Context, bucket evidence.Bucket, m mute.Mute, now time.Time) error {
	text, etag, err := bucket.Get(ctx, evidence.MutesKey)
	condition := evidence.IfMatch(etag)
	if errors.Is(err, evidence.ErrMissing) {
		condition = evidence.IfAbsent()
	} else if err != nil {
		return err
	}
	added, err := mute.Add(text, m, now)
	if err != nil {
		return err
	}
	_, err = bucket.Put(ctx, evidence.MutesKey, added, condition)
	return err
}

// writeMutedGaps writes the open gaps that a mute matches.
func writeMutedGaps(out io.Writer, states []alert.State, m mute.Mute) {
	var gaps []alert.Gap
	for _, g := range openGaps(states) {
		if m.Matches(audit.Finding{Target: g.Target, Policy: g.Policy, Sid: g.Sid, Action: g.Action,
			Resource: g.Resource, Cause: g.Cause, Status: g.Status}) {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) == 0 {
		fmt.Fprintln(out, "the mute matches no open gap")
		return
	}
	fmt.Fprintf(out, "the mute hides %s from the next run on:\n",
		textfmt.Plural(len(gaps), "open gap"))
	_ = output.OpenGaps(out, gaps) // like the lines above, which are not checked either
}
