package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// runReplacement prints what a principal would lose if the proposed policies took the place of
// those of --instead-of.
func (o checkOptions) runReplacement(cmd *cobra.Command, args []string, extra iampolicy.Context,
	failOn policies.Severity) error {
	out, err := openOutputs(cmd, o.outputs, output.ReplacementFormats(), o.inputs(args)...)
	if err != nil {
		return err
	}
	defer out.close()
	replacement, err := o.replacement(cmd, args, extra)
	if cmd.Context().Err() != nil {
		return interrupted(cmd)
	}
	if err != nil {
		return err
	}
	replacement.Tool = thisTool()
	replacement.SetPaths(reviewPath)
	if err := out.write(replacement, nil); err != nil {
		return err
	}
	status := exitStatus(replacement.Worst(), replacement.HasUnverified(), failOn,
		o.failOnUnverified)
	if status != 0 {
		return exitError(status)
	}
	return nil
}

// replacement reads the files and compares the policies.
func (o checkOptions) replacement(cmd *cobra.Command, args []string,
	extra iampolicy.Context) (check.Replacement, error) {
	if o.excess {
		return check.Replacement{}, errors.New("--excess cannot be combined with --instead-of: check " +
			"the proposed policies alone")
	}
	if o.baseline != "" {
		return check.Replacement{}, errors.New("--baseline cannot be combined with --instead-of, which " +
			"compares already")
	}
	files, err := o.files(cmd)
	if err != nil {
		return check.Replacement{}, err
	}
	proposals, skipped := o.principals(files, args)
	if len(proposals) > 1 {
		return check.Replacement{}, fmt.Errorf("--instead-of compares the policies of one principal, "+
			"got %d: name all its proposed policies with --policy", len(proposals))
	}
	proposed, current := proposals[0], files.combined("--instead-of", o.insteadOf...)
	requirements, err := o.requirements(cmd, files, extra)
	limits := o.limits(files)
	err = errors.Join(append([]error{proposed.err, current.err}, append(files.errs, err)...)...)
	if err == nil {
		err = cmp.Or(files.chosen.unknown(), files.parameters.undeclared())
	}
	if err != nil {
		return check.Replacement{}, err
	}
	for _, text := range skipped {
		fmt.Fprintf(notes(cmd), "notice: %s\n", text)
	}
	setIDs(pointers(&current, &proposed))
	now, then := current.bounds(limits), proposed.bounds(limits)
	// The requirements are those of both: the account of a named function can be in either.
	both := iampolicy.Grants{
		Identity: slices.Concat(now.AtMost.Identity, then.AtMost.Identity)}
	required, err := requirements(both)
	if err != nil {
		return check.Replacement{}, err
	}
	replacement, err := check.Compare(cmd.Context(), now, then, required, extra)
	for _, note := range slices.Concat(current.notes, proposed.notes) {
		replacement.Notes = textfmt.AppendNew(replacement.Notes, note)
	}
	return replacement, err
}
