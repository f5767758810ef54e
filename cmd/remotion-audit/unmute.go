package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func unmuteCommand() *cobra.Command {
	var o evidenceFlags
	cmd := &cobra.Command{
		Use:   "unmute N… | --target NAME …",
		Short: "Remove mutes",
		Long: `Remove mutes from mutes.yaml in the evidence bucket. Their gaps send alerts again from
the next run on. The command changes nothing else in the file: other mutes and the
comments around them stay.

N is a number of mute --list. --target, --action, --cause and --sid select the mute that
mute made with the same flags, not the mutes for the gaps that match.`,
		Example: `  remotion-audit mute --list
  remotion-audit unmute 2
  remotion-audit unmute --target user/ci --cause no-grant`,
		Annotations: map[string]string{lostKey: lostMute},
		Args:        cobra.ArbitraryArgs, // RunE checks them, after the check for empty flags
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUnmute(cmd, o, args)
		},
	}
	o.register(cmd)
	return cmd
}

// An unmuting selects the mutes to remove: by their numbers, or by their fields.
type unmuting struct {
	numbers  []int
	selected mute.Mute
	now      time.Time
	// removed are the chosen mutes of the first read. If another writer changes the file, a number may
	// be that of another mute, which must stay.
	removed []mute.Entry
}

func (o *evidenceFlags) unmuting(args []string, now time.Time) (u unmuting, err error) {
	m, errs := o.selection()
	u = unmuting{selected: m, now: now}
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 1 {
			errs = append(errs, fmt.Errorf("unmute: N must be a number of `remotion-audit mute --list`, "+
				"got %s", textfmt.Quote(arg, 80)))
		}
		u.numbers = append(u.numbers, n)
	}
	switch {
	case len(args) > 0 && m.Condition() != "":
		errs = append(errs, errors.New("numbers exclude --target, --action, --cause and --sid: select "+
			"the mute one way"))
	case len(args) == 0 && m.Condition() == "":
		errs = append(errs, errors.New("unmute: the mute is missing: give its number of `remotion-audit "+
			"mute --list`, or the --target, --action, --cause and --sid that it was made with"))
	}
	return u, errors.Join(errs...)
}

func runUnmute(cmd *cobra.Command, o evidenceFlags, args []string) error {
	u, err := o.unmuting(args, time.Now())
	if err != nil {
		return err
	}
	bucket, err := o.open(cmd)
	if err != nil {
		return err
	}
	if err := editMutes(cmd.Context(), bucket, u.remove); err != nil {
		return err
	}
	for _, e := range u.removed {
		about := "an invalid mute"
		if e.Errors == nil {
			about = fmt.Sprintf("%s (owner %s, until %s): %s", e.Mute.Condition(), e.Mute.Owner,
				e.Mute.Until.Format(time.RFC3339), e.Mute.Reason)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "unmuted %s\n", textfmt.OneLine(about))
	}
	fmt.Fprintf(cmd.OutOrStdout(), "removed %s from s3://%s/%s\n",
		textfmt.Plural(len(u.removed), "mute"), bucket.Name, evidence.MutesKey)
	return nil
}

// remove returns the file of mutes without the chosen ones.
func (u *unmuting) remove(text []byte) ([]byte, error) {
	entries, fileErr := mute.Entries(text, u.now)
	if fileErr != nil {
		return nil, fmt.Errorf("the mutes file has an error, correct it first: %w", fileErr)
	}
	chosen, err := u.choose(entries)
	if err != nil {
		return nil, err
	}
	if u.removed != nil && !slices.EqualFunc(chosen, u.removed, func(a, b mute.Entry) bool {
		return a.Mute.Equal(b.Mute)
	}) {
		return nil, errors.New("another writer changed the mutes in the meantime: run `remotion-audit " +
			"mute --list` again")
	}
	u.removed = chosen
	var numbers []int
	for _, e := range chosen {
		numbers = append(numbers, e.Number)
	}
	return mute.Remove(text, numbers, u.now)
}

func (u *unmuting) choose(entries []mute.Entry) (chosen []mute.Entry, err error) {
	if len(entries) == 0 {
		return nil, errors.New("there are no mutes")
	}
	for _, n := range u.numbers {
		if n > len(entries) {
			return nil, fmt.Errorf("there is no mute %d: the last one of `remotion-audit mute --list` is "+
				"%d", n, len(entries))
		}
	}
	var near []string
	for _, e := range entries {
		byFields := u.numbers == nil && e.Errors == nil
		switch {
		case slices.Contains(u.numbers, e.Number), byFields && e.Mute.Compare(u.selected) == 0:
			chosen = append(chosen, e)
		case byFields && overlaps(e.Mute, u.selected):
			near = append(near, fmt.Sprintf("%d (%s)", e.Number, textfmt.OneLine(e.Mute.Condition())))
		}
	}
	if chosen != nil {
		return chosen, nil
	}
	if near == nil {
		return nil, fmt.Errorf("there is no mute with %s: see `remotion-audit mute --list`",
			textfmt.OneLine(u.selected.Condition()))
	}
	return nil, fmt.Errorf("there is no mute with exactly %s: choose one by its number, such as %s",
		textfmt.OneLine(u.selected.Condition()), strings.Join(near[:min(len(near), 5)], ", "))
}

// overlaps reports whether two mutes have a field in common.
func overlaps(a, b mute.Mute) bool {
	same := func(x, y string) bool { return x != "" && x == y }
	return same(a.Target, b.Target) || same(a.Action, b.Action) ||
		same(string(a.Cause), string(b.Cause)) || same(a.Sid, b.Sid)
}
