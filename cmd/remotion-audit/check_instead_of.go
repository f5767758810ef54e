package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	files := files{ctx: cmd.Context(), stdin: cmd.InOrStdin()}
	proposals := o.principals(&files, args)
	if len(proposals) > 1 {
		return check.Replacement{}, fmt.Errorf("--instead-of compares the policies of one principal, "+
			"got %d: name all its proposed policies with --policy", len(proposals))
	}
	proposed, current := proposals[0], files.principal("--instead-of", o.insteadOf...)
	requirements, err := o.requirements(cmd, &files, extra)
	limits := o.limits(&files)
	err = errors.Join(append([]error{proposed.err, current.err}, append(files.errs, err)...)...)
	if err != nil {
		return check.Replacement{}, err
	}
	now, then := limits, limits
	now.Identity, then.Identity = current.identity, proposed.identity
	nameApart(now.Identity, then.Identity)
	// The requirements are those of both: the account of a named function can be in either.
	both := iampolicy.Grants{Identity: slices.Concat(now.Identity, then.Identity)}
	required, err := requirements(both)
	if err != nil {
		return check.Replacement{}, err
	}
	return check.Compare(cmd.Context(), check.Exactly(now), check.Exactly(then), required, extra)
}

// principal reads the policies of one principal. flag is empty for an argument.
func (f *files) principal(flag string, names ...string) principal {
	p := principal{names: names}
	for _, name := range names {
		paths, err := policyPaths(flag, name)
		p.err = errors.Join(p.err, err)
		for _, path := range paths {
			policy, err := f.read(flag, path)
			p.identity = append(p.identity, policy)
			p.err = errors.Join(p.err, err)
		}
	}
	return p
}

// maxDirectory is the number of policy files that the command reads from a directory.
const maxDirectory = 200

// policyPaths returns the .json files of a directory in the order of their names, or name itself if
// it is no directory. It ignores directories within the directory.
func policyPaths(flag, name string) ([]string, error) {
	info, err := os.Stat(name)
	if name == "-" || err != nil || !info.IsDir() {
		return []string{name}, nil // reading the file gives the error
	}
	about := strings.TrimSpace(flag + " " + textfmt.OneLine(name))
	entries, err := os.ReadDir(name)
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", about, err)
	}
	var list []string
	for _, e := range entries {
		if !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".json") {
			list = append(list, filepath.Join(name, e.Name()))
		}
	}
	switch {
	case list == nil:
		return nil, fmt.Errorf("%s: the directory has no .json file: name the policy files", about)
	case len(list) > maxDirectory:
		return nil, fmt.Errorf("%s: the directory has %d .json files, and at most %d are read: name the "+
			"policy files", about, len(list), maxDirectory)
	}
	return list, nil
}
