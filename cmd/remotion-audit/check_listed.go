package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/settingsfile"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// oneFile are the flags about the policies of one principal. They say nothing about the files that
// the settings file lists.
var oneFile = []string{"for", "required", "principal", "boundary"}

// checkListed returns an error if a command line without policy files cannot mean the files that
// the settings file lists.
func (o checkOptions) checkListed(cmd *cobra.Command) error {
	s := settingsOf(cmd)
	switch {
	case len(o.insteadOf) > 0 || s.name == "":
		return errors.New("a policy file is required: add it as an argument, set --policy, or list " +
			"files under check: in " + settingsfile.Name)
	case len(s.Checks) == 0:
		return fmt.Errorf("a policy file is required: add it as an argument, set --policy, or list "+
			"files under check: in %s", textfmt.OneLine(s.name))
	}
	for _, name := range oneFile {
		if isGiven(cmd, name) {
			return fmt.Errorf("--%s is about policy files that the command line names: name them, or leave "+
				"the flag out, because %s says it for each file", name, textfmt.OneLine(s.name))
		}
	}
	return nil
}

// allResults checks the policies of the command line, or else the files that the settings file
// lists, and applies the mutes of the settings file.
func (o checkOptions) allResults(cmd *cobra.Command, args []string,
	extra iampolicy.Context) (list []check.Result, err error) {
	if len(o.policies)+len(args) > 0 {
		list, err = o.results(cmd, args, extra)
		return settingsOf(cmd).muted(list, o.muteTarget()), err
	}
	s := settingsOf(cmd)
	var shared parameters
	for _, c := range s.Checks {
		results, err := s.results(cmd, c, &shared)
		if cmd.Context().Err() != nil {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: check: %w", s.name, c.Line, err)
		}
		if list = append(list, results...); len(list) > maxFound {
			return nil, fmt.Errorf("%s: line %d: check: more than %d principals: name fewer files", s.name,
				c.Line, maxFound)
		}
	}
	if !slices.ContainsFunc(list, func(r check.Result) bool { return r.Error != "" }) {
		if err := shared.undeclared(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// results checks the files of an element of check. The flags of the command line win over the
// values of the element, and those over the values at the top of the file.
func (s repositorySettings) results(cmd *cobra.Command,
	c settingsfile.Check, shared *parameters) ([]check.Result, error) {
	sub, o := newCheckCommand()
	sub.SetContext(cmd.Context())
	sub.SetIn(cmd.InOrStdin())
	sub.SetOut(cmd.OutOrStdout())
	sub.SetErr(cmd.ErrOrStderr())
	sub.Flags().AddFlagSet(cmd.Root().PersistentFlags())
	if err := copyFlags(sub, cmd); err != nil {
		return nil, err
	}
	for _, v := range slices.Concat(c.Values, s.Values) {
		if !v.Key.Check {
			continue
		}
		if err := s.set(sub, v); err != nil {
			return nil, err
		}
	}
	err := validateFlags(sub.Flags())
	var extra iampolicy.Context
	if err == nil {
		if extra, err = parseContext(o.context); err != nil {
			err = fmt.Errorf("--context: %w", err)
		}
	}
	o.listed, o.shared, o.within = true, shared, s.readableRoot()
	var list []check.Result
	if err == nil {
		list, err = o.results(sub, s.files(c), extra)
	}
	if err != nil {
		return nil, errors.New(withTypedNames(sub, nil, err.Error()))
	}
	return s.muted(list, cmp.Or(c.Target, o.muteTarget())), nil
}

// copyFlags sets the flags that the command line gives to one command in another.
func copyFlags(to, from *cobra.Command) error {
	var errs []error
	from.Flags().Visit(func(f *pflag.Flag) {
		if !isGiven(from, f.Name) || canonicalName(f) != f.Name || from.Root().PersistentFlags().
			Lookup(f.Name) != nil {
			return
		}
		texts := []string{f.Value.String()}
		list, isList := f.Value.(pflag.SliceValue)
		if isList {
			texts = list.GetSlice()
		}
		for _, text := range texts {
			errs = append(errs, to.Flags().Set(f.Name, text))
		}
	})
	return errors.Join(errs...)
}

// files returns the files, directories and patterns of an element of check, from the working
// directory.
func (s repositorySettings) files(c settingsfile.Check) (files []string) {
	for _, name := range c.Files {
		files = append(files, s.path(name))
	}
	return files
}

// muteTarget returns the name in mutes of the principal with the policies; empty without one.
func (o checkOptions) muteTarget() string {
	if a, ok := arn.Parse(o.principal); ok {
		return a.Kind() + "/" + a.Name()
	}
	return ""
}

// muted applies the mutes in force to the results about a principal. A principal with a name in a
// template or a plan has that name in mutes, unless target is another.
func (s repositorySettings) muted(list []check.Result, target string) []check.Result {
	mutes := s.Mutes.InForce(time.Now())
	if len(mutes) == 0 {
		return list
	}
	for i, r := range list {
		if r.Verdict == nil {
			continue
		}
		name := target
		if p := r.Verdict.Principal; name == "" && p != nil && p.Name != "" {
			name = p.Kind + "/" + p.Name
		}
		v := r.Verdict.Muted(func(f check.Finding) *audit.Mute {
			return mutes.LongestFor(audit.Finding{Target: name, Sid: f.Sid, Action: f.Action,
				Cause: f.Cause})
		})
		list[i].Verdict = &v
	}
	return list
}
