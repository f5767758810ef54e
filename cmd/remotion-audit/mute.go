package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

type muteOptions struct {
	alert.Mute
	cause  string
	bucket string
	lasts  time.Duration
	until  string
}

func muteCommand() *cobra.Command {
	var o muteOptions
	cmd := &cobra.Command{
		Use:   "mute",
		Short: "Quiet findings for a while, with reason and owner",
		Long: `Quiet findings for a while, with reason and owner: add a mute to mutes.yaml in the evidence bucket. It
takes effect with the next run. What is muted alerts nobody and is counted all the same; that it was
muted, and by whom, is announced once.

Name what to quiet by --target, --action, --cause, --sid, or several of them; in all but --cause a * stands for
anything.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runMute(cmd, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.bucket, "bucket", os.Getenv(contract.EnvEvidenceBucket),
		"the evidence bucket (or "+contract.EnvEvidenceBucket+" in the environment)")
	flags.StringVar(&o.Target, "target", "", "user/NAME or role/NAME")
	flags.StringVar(&o.Action, "action", "", "an action, such as s3:PutBucketPolicy")
	flags.StringVar(&o.cause, "cause", "", "a cause, such as scp")
	flags.StringVar(&o.Sid, "sid", "", "the Sid of the statement in Remotion's policy")
	flags.DurationVar(&o.lasts, "for", 24*time.Hour, "how long")
	flags.StringVar(&o.until, "until", "",
		"until when: a day, to its end, or a moment (2026-12-01T09:00:00Z), in UTC")
	flags.StringVar(&o.Reason, "reason", "", "why: required")
	flags.StringVar(&o.Owner, "owner", "", "who answers for it: required")
	cmd.MarkFlagsMutuallyExclusive("for", "until")
	return cmd
}

// mute checks the flags.
func (o muteOptions) mute(now time.Time) (alert.Mute, error) {
	m := o.Mute
	m.Cause = audit.Cause(o.cause)
	m.Until = now.Add(o.lasts).UTC().Truncate(time.Second)
	var errs []error
	for flag, value := range map[string]string{"bucket": o.bucket, "reason": m.Reason,
		"owner": m.Owner} {
		if value == "" {
			errs = append(errs, fmt.Errorf("--%s is required", flag))
		}
	}
	if m.Target+m.Action+o.cause+m.Sid == "" {
		errs = append(errs, errors.New("say what to quiet: --target, --action, --cause or --sid"))
	}
	if o.until != "" {
		day, errDay := time.Parse(time.DateOnly, o.until)
		moment, err := time.Parse(time.RFC3339, o.until)
		switch {
		case errDay == nil:
			m.Until = day.AddDate(0, 0, 1)
		case err == nil:
			m.Until = moment.UTC()
		default:
			errs = append(errs,
				fmt.Errorf("--until: %q is neither a day, 2026-12-01, nor a moment, 2026-12-01T09:00:00Z",
					o.until))
		}
	}
	if !m.Until.After(now) {
		errs = append(errs, fmt.Errorf("the mute would be over already, at %s",
			m.Until.Format(time.RFC3339)))
	}
	return m, errors.Join(errs...)
}

// maxConflicts is how often somebody else may write the file of mutes in the same moment.
const maxConflicts = 5

func runMute(cmd *cobra.Command, o muteOptions) error {
	now := time.Now()
	m, err := o.mute(now)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	clients, awsConfig, err := app.LoadClients(ctx, slog.New(slog.DiscardHandler),
		config.WithDefaultRegion(defaultRegion))
	if err != nil {
		return err
	}
	place, _, err := whoAmI(ctx, clients.STS, awsConfig.Region)
	if err != nil {
		return err
	}
	bucket := evidence.Bucket{Client: clients.S3, Name: o.bucket, Owner: place.Account}
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
		fmt.Fprintf(cmd.ErrOrStderr(), "what it quiets cannot be said: %v\n", err)
		return nil
	}
	quiets(out, states, m)
	return nil
}

func addMute(ctx context.Context, bucket evidence.Bucket, m alert.Mute, now time.Time) error {
	text, etag, err := bucket.Get(ctx, evidence.MutesKey)
	when := evidence.IfMatch(etag)
	if errors.Is(err, evidence.ErrMissing) {
		when = evidence.IfAbsent()
	} else if err != nil {
		return err
	}
	added, err := alert.AddMute(text, m, now)
	if err != nil {
		return err
	}
	_, err = bucket.Put(ctx, evidence.MutesKey, added, when)
	return err
}

// quiets says which of the open gaps a mute is about.
func quiets(out io.Writer, states []alert.State, m alert.Mute) {
	var gaps []alert.Gap
	for _, g := range openGaps(states) {
		if m.Matches(audit.Finding{Target: g.Target, Policy: g.Policy, Sid: g.Sid, Action: g.Action,
			Resource: g.Resource, Cause: g.Cause, Status: g.Status}) {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) == 0 {
		fmt.Fprintln(out, "it matches no gap that is open now")
		return
	}
	fmt.Fprintf(out, "it quiets %s from the next run on:\n", report.Plural(len(gaps), "open gap"))
	showSince(out, gaps)
}
