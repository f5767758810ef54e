package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
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

// evidenceFlags are the flags of the commands that change mutes: the bucket, the credentials and
// the fields that select gaps.
type evidenceFlags struct {
	bucket string
	access accessFlags
	// selected has the fields that select gaps.
	selected mute.Mute
	cause    string
}

func (o *evidenceFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.bucket, "evidence-bucket", "",
		"evidence bucket (or "+settings.EnvEvidenceBucket+" in the environment)")
	addAlias(cmd, "bucket", "evidence-bucket")
	flags.StringVar(&o.selected.Target, "target", "",
		"audited principal, or what a check is about: user/NAME, role/NAME, region/REGION or "+
			"function/REGION/NAME")
	flags.StringVar(&o.selected.Action, "action", "", "action, such as s3:PutBucketPolicy")
	flags.StringVar(&o.cause, "cause", "", "cause, such as scp")
	flags.StringVar(&o.selected.Sid, "sid", "",
		"Sid of the statement in Remotion's policy, or id of a check")
	var causes []string
	for _, cause := range audit.Causes() {
		causes = append(causes, string(cause))
	}
	limitTo(cmd, "cause", causes...)
	completeTargets(cmd, "target")
	o.access.register(cmd)
}

// selection returns the fields that select gaps, and the errors in them and in the bucket's name.
func (o *evidenceFlags) selection() (m mute.Mute, errs []error) {
	m = o.selected
	m.Cause = audit.Cause(o.cause)
	name, source := o.bucket, "--evidence-bucket"
	if name == "" {
		name, source = os.Getenv(settings.EnvEvidenceBucket), settings.EnvEvidenceBucket
	}
	if o.bucket = name; name == "" {
		errs = append(errs, fmt.Errorf("--evidence-bucket is required: it is the output EvidenceBucket "+
			"of the stack (or set %s)", settings.EnvEvidenceBucket))
	} else if err := awsname.ValidateBucket(name); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", source, err))
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
	return m, errs
}

// open returns the evidence bucket, and prints whose credentials read it.
func (o *evidenceFlags) open(cmd *cobra.Command) (evidence.Bucket, error) {
	ctx := cmd.Context()
	clients, _, err := loadClients(ctx, o.access, notes(cmd), slog.New(slog.DiscardHandler))
	if err != nil {
		return evidence.Bucket{}, err
	}
	id, err := callerIdentity(ctx, clients.STS)
	if err != nil {
		return evidence.Bucket{}, err
	}
	fmt.Fprintln(notes(cmd), "identity: "+textfmt.OneLine(id.String()))
	return evidence.Bucket{Client: clients.S3, Name: o.bucket, Owner: id.Account}, nil
}

type muteOptions struct {
	evidenceFlags
	duration      string
	until         string
	reason, owner string
	list          bool
}

const (
	lostMute = "the mute is written or not, and `remotion-audit mute --list` shows it"
	// defaultMute is the default of --for.
	defaultMute = "24h"
)

func muteCommand() *cobra.Command {
	var o muteOptions
	cmd := &cobra.Command{
		Use:   "mute [--list]",
		Short: "Mute findings for a limited time, or list the mutes",
		Long: `Mute findings for a limited time: add a mute to mutes.yaml in the evidence bucket. It
takes effect with the next run. Muted gaps send no alerts, but the metric GapsMuted
counts them. The next message announces the mute with its owner.

Set at least one of --target, --action, --cause and --sid. The mute applies to the
findings that match all flags that are set. * matches any text, except in --cause.

With --list the command changes nothing. It lists the mutes with their numbers, their
owners and ends, and the open gaps that they hide. unmute removes a mute.`,
		Example: "  remotion-audit mute --target user/ci --cause no-grant --owner alex " +
			"--reason 'in review'\n" +
			"  remotion-audit mute --action 's3:*Acl' --for 2w --owner alex --reason 'private buckets'\n" +
			"  remotion-audit mute --list",
		Annotations: map[string]string{lostKey: lostMute},
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("for") && cmd.Flags().Changed("until") {
				return errors.New("--for and --until exclude each other: set one of them")
			}
			if o.list {
				return runListMutes(cmd, o)
			}
			return runMute(cmd, o)
		},
	}
	o.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.duration, "for", defaultMute,
		"duration of the mute, such as 90m, 24h, 2d or 1w")
	flags.StringVar(&o.until, "until", "",
		"end of the mute in UTC: a day (2026-12-01, inclusive) or a time (2026-12-01T09:00:00Z)")
	flags.StringVar(&o.reason, "reason", "", "reason of the mute (required)")
	flags.StringVar(&o.owner, "owner", "", "person or team responsible for the mute (required)")
	flags.BoolVar(&o.list, "list", false, "list the mutes instead")
	complete(cmd, "for", "1h", "24h", "2d", "1w")
	return cmd
}

// parseMuteDuration reads a duration in Go's form, or in days or weeks, such as 2d, 1w or 1d12h.
func parseMuteDuration(text string) (time.Duration, error) {
	rest, total := text, time.Duration(0)
	for _, unit := range []struct {
		name string
		time time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, ok := strings.Cut(rest, unit.name)
		if n, err := strconv.ParseUint(number, 10, 16); ok && err == nil {
			rest, total = after, total+time.Duration(n)*unit.time
		}
	}
	d, err := time.ParseDuration(cmp.Or(rest, "0"))
	d += total
	switch {
	case err != nil || text == "":
		return 0, fmt.Errorf("must be a duration such as 90m, 24h, 2d or 1w, got %s",
			textfmt.Quote(text, 100))
	case d <= 0:
		return 0, fmt.Errorf("must be greater than 0, got %s", textfmt.Quote(text, 100))
	case d > mute.MaxDuration:
		return 0, fmt.Errorf("must be at most one year, got %s", textfmt.Quote(text, 100))
	}
	return d, nil
}

// mute returns the mute that the flags describe. Its error joins all errors in the flags.
func (o *muteOptions) mute(now time.Time) (mute.Mute, error) {
	m, errs := o.selection()
	m.Reason, m.Owner = o.reason, o.owner
	for _, required := range []struct{ flag, value string }{{"reason", m.Reason},
		{"owner", m.Owner}} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("--%s is required", required.flag))
		}
	}
	if m.Condition() == "" {
		errs = append(errs,
			errors.New("set the findings to mute with --target, --action, --cause or --sid"))
	}
	if o.until == "" {
		duration, err := parseMuteDuration(o.duration)
		if err != nil {
			errs = append(errs, fmt.Errorf("--for %w", err))
		}
		m.Until = now.Add(duration).UTC().Truncate(time.Second)
		return m, errors.Join(errs...)
	}
	switch until, err := mute.ParseUntil(o.until); {
	case err != nil:
		errs = append(errs, fmt.Errorf("--until %w", err))
	case !until.After(now):
		errs = append(errs, fmt.Errorf("--until must be in the future, got %q", o.until))
	case until.Sub(now) > mute.MaxDuration:
		errs = append(errs, fmt.Errorf("--until must be at most one year ahead, got %q", o.until))
	default:
		m.Until = until
	}
	return m, errors.Join(errs...)
}

func runMute(cmd *cobra.Command, o muteOptions) error {
	now := time.Now()
	m, err := o.mute(now)
	if err != nil {
		return err
	}
	bucket, err := o.open(cmd)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if err := editMutes(ctx, bucket, func(text []byte) ([]byte, error) {
		return mute.Add(text, m, now)
	}); err != nil {
		return err
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

// maxConflicts is the number of retries after another writer changed the file of mutes.
const maxConflicts = 5

// editMutes replaces the file of mutes by what edit returns. If another writer changes the file in
// the meantime, it reads the file and calls edit again. edit gets nil for a missing file.
func editMutes(ctx context.Context, bucket evidence.Bucket,
	edit func(text []byte) ([]byte, error)) error {
	for conflicts := 0; ; conflicts++ {
		text, etag, err := bucket.Get(ctx, evidence.MutesKey)
		condition := evidence.IfMatch(etag)
		if errors.Is(err, evidence.ErrMissing) {
			text, condition = nil, evidence.IfAbsent()
		} else if err != nil {
			return err
		}
		edited, err := edit(text)
		if err != nil {
			return err
		}
		_, err = bucket.Put(ctx, evidence.MutesKey, edited, condition)
		if err == nil || !errors.Is(err, evidence.ErrChanged) || conflicts == maxConflicts {
			return err
		}
	}
}

// writeMutedGaps writes the open gaps that a mute matches.
func writeMutedGaps(out io.Writer, states []alert.State, m mute.Mute) {
	gaps := matchedGaps(states, m)
	if len(gaps) == 0 {
		fmt.Fprintln(out, "the mute matches no open gap")
		return
	}
	fmt.Fprintf(out, "the mute hides %s from the next run on:\n",
		textfmt.Plural(len(gaps), "open gap"))
	_ = output.OpenGaps(out, gaps) // like the lines above, which are not checked either
}

// matchedGaps returns the open gaps of the states that a mute matches.
func matchedGaps(states []alert.State, m mute.Mute) (gaps []alert.Gap) {
	for _, g := range openGaps(states) {
		if m.Matches(audit.Finding{Target: g.Target, Policy: g.Policy, Sid: g.Sid, Action: g.Action,
			Resource: g.Resource, Cause: g.Cause, Status: g.Status}) {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

// runListMutes prints the mutes of the evidence bucket.
func runListMutes(cmd *cobra.Command, o muteOptions) error {
	for _, name := range []string{"for", "until", "reason", "owner", "target", "action", "cause",
		"sid"} {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s cannot be combined with --list, which lists all mutes", name)
		}
	}
	if _, errs := o.selection(); errs != nil {
		return errors.Join(errs...)
	}
	bucket, err := o.open(cmd)
	if err != nil {
		return err
	}
	ctx, now := cmd.Context(), time.Now()
	text, _, err := bucket.Get(ctx, evidence.MutesKey)
	if err != nil && !errors.Is(err, evidence.ErrMissing) {
		return err
	}
	entries, fileErr := mute.Entries(text, now)
	if fileErr != nil {
		return fmt.Errorf("s3://%s/%s: %w", bucket.Name, evidence.MutesKey, fileErr)
	}
	states, err := bucket.States(ctx)
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "the muted gaps are not known: %v\n", err)
	}
	_, err = io.WriteString(cmd.OutOrStdout(), muteList(entries, states, err == nil, now))
	return err
}

// muteList returns the list of mutes as text. hidesKnown is false if the states could not be read.
func muteList(entries []mute.Entry, states []alert.State, hidesKnown bool, now time.Time) string {
	if len(entries) == 0 {
		return "no mutes\n"
	}
	var b strings.Builder
	for i, e := range entries {
		if i > 0 {
			b.WriteString("\n")
		}
		if e.Errors != nil {
			fmt.Fprintf(&b, "%d  invalid, mutes nothing\n", e.Number)
			for _, err := range e.Errors {
				fmt.Fprintf(&b, "   Error   %s\n", textfmt.OneLine(err.Error()))
			}
			continue
		}
		fmt.Fprintf(&b, "%d  %s\n", e.Number, textfmt.OneLine(e.Mute.Condition()))
		until := textfmt.Time(e.Mute.Until)
		if left := e.Mute.Until.Sub(now); left > 0 {
			until += ", in " + textfmt.Duration(left)
		} else {
			until += ", expired: mutes nothing"
		}
		fmt.Fprintf(&b, "   Until   %s\n   Owner   %s\n   Reason  %s\n", until,
			textfmt.OneLine(e.Mute.Owner), textfmt.OneLine(e.Mute.Reason))
		if !hidesKnown || !e.Mute.Until.After(now) {
			continue
		}
		var hidden []string
		for _, g := range matchedGaps(states, e.Mute) {
			hidden = textfmt.AppendNew(hidden, textfmt.OneLine(g.Target+" "+g.Action))
		}
		if hidden == nil {
			hidden = []string{"no open gap"}
		}
		fmt.Fprintf(&b, "   Hides   %s\n", textfmt.Enumerate(hidden, 5))
	}
	return b.String()
}
