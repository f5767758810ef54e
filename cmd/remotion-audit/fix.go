package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/fixformat"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type fixOptions struct {
	accountFlags
	target   string
	format   string
	forAdmin bool
	guard    bool
	wider    bool
	undo     bool
	tighten  string
	report   string
	output   string
}

func fixCommand() *cobra.Command {
	var o fixOptions
	cmd := &cobra.Command{
		Use:   "fix [N]",
		Short: "Print the proved fix for the gaps of a principal",
		Long: `Audit the account as audit does, and print the fix for the gaps of a principal: the
smallest edit of its policies that closes them, proved with the policy engine. The
command changes nothing.

N is the number of the fix in the report. --target names the principal instead. With
several fixes and neither of them, the command lists the fixes.

--format selects the form: text, json (whole documents), cli (a shell script for the
AWS CLI), terraform, cloudformation, or diff (for patch). --for-admin prints one text
for an administrator, for people who may not edit IAM.

The fix weakens no guard: no Deny, boundary, service control policy, trust policy or
condition. --guard adds the narrowest exceptions from them. --wider prints a correction
that allows more than what is needed, and --undo an earlier document that worked, if the
report has them.

--tighten KIND prints the documents that take away what a notice about too many rights
is about, for example administrator-access. They are proved, too: what Remotion needs
stays allowed.

With --report, the command reads a report from audit --format json or from the evidence
bucket, and needs no credentials.

Exit status: 0 nothing to fix, 1 a fix or a list of fixes is printed, 2 no fix can be
shown, the audit is incomplete without a gap, or an error.`,
		Example: `  remotion-audit fix
  remotion-audit fix --target user/ci --format cli --output fix.sh
  remotion-audit fix 2 --for-admin
  remotion-audit fix --report report.json --format terraform`,
		Annotations: map[string]string{lostKey: lostReport},
		Args:        cobra.ArbitraryArgs, // RunE checks them, after the check for empty flags
		RunE:        func(cmd *cobra.Command, args []string) error { return runFix(cmd, o, args) },
	}
	o.register(cmd)
	f := cmd.Flags()
	f.StringVar(&o.target, "target", "", "principal to fix: user/NAME or role/NAME, or its ARN")
	completeTargets(cmd, "target")
	f.StringVarP(&o.format, "format", "f", fixformat.Names()[0],
		"format of the fix: "+textfmt.Or(fixformat.Names()))
	f.BoolVar(&o.forAdmin, "for-admin", false, "print one text for an administrator of the account")
	f.BoolVar(&o.guard, "guard", false, "add exceptions from Denies, boundaries, service control "+
		"policies, trust policies and conditions")
	f.BoolVar(&o.wider, "wider", false, "print the correction that allows more than what is needed")
	f.BoolVar(&o.undo, "undo", false, "print the earlier document that worked")
	f.StringVar(&o.tighten, "tighten", "", "print the tightened documents of a notice instead of a "+
		"fix: the kind of the notice, such as "+string(audit.NoticeServiceWildcard))
	f.StringVar(&o.report, "report", "",
		"file with a report as JSON, - for standard input: read it instead of auditing")
	f.StringVarP(&o.output, "output", "o", "",
		"file to write the fix to (default: standard output)")
	limitTo(cmd, "format", fixformat.Names()...)
	var kinds []string
	for _, kind := range audit.OverGrantKinds() {
		kinds = append(kinds, string(kind))
	}
	limitTo(cmd, "tighten", kinds...)
	return cmd
}

// A fixRequest is the checked form of the arguments and flags of `fix`.
type fixRequest struct {
	number  int // 0 for none
	target  string
	tighten audit.NoticeKind
	write   func(io.Writer, fixformat.Handover, fixformat.Variant) error
	variant fixformat.Variant
	// list is true if a list of several fixes may be printed.
	list bool
	// view is for a text. settings are the flags that the printed commands repeat.
	view     textfmt.View
	settings []string
}

// handover returns the handover of a fix, for a text that a person sees.
func (q fixRequest) handover(r audit.Report, f remedy.Fix) fixformat.Handover {
	h := fixformat.FromReport(r, f)
	h.View, h.Settings = q.view, q.settings
	if q.fromReport() {
		h.Callers = "" // --callers is about an audit
	}
	return h
}

// fromReport reports whether the fixes are those of a stored report.
func (q fixRequest) fromReport() bool { return slices.Contains(q.settings, "--report") }

func (o fixOptions) parse(cmd *cobra.Command, args []string) (q fixRequest, err error) {
	if len(args) > 1 {
		return q, fmt.Errorf("fix: takes one number, got %d arguments", len(args))
	}
	if len(args) == 1 {
		if q.number, err = strconv.Atoi(args[0]); err != nil || q.number < 1 {
			return q, fmt.Errorf("fix: N must be the number of a fix, 1 or more, got %s (name a principal "+
				"with --target)", textfmt.Quote(args[0], 80))
		}
	}
	format, err := fixformat.Find(o.format)
	if err != nil {
		return q, fmt.Errorf("--format %w", err)
	}
	if _, err := fixformat.Find(o.output); err == nil {
		// In other tools, --output chooses the format.
		return q, fmt.Errorf("--output %s: to choose the format, use --format %[1]s; to write a file of "+
			"that name, use ./%[1]s", o.output)
	}
	q.write, q.target, q.list = format.Write, o.target, format.Name == fixformat.Names()[0]
	if o.forAdmin {
		if cmd.Flags().Changed("format") {
			return q, errors.New("--for-admin and --format exclude each other: leave one of them out")
		}
		q.write = fixformat.ForAdmin
	}
	for _, v := range []struct {
		set     bool
		variant fixformat.Variant
	}{{o.guard, fixformat.Guard}, {o.wider, fixformat.Wider}, {o.undo, fixformat.Undo}} {
		switch {
		case v.set && q.variant != fixformat.Default:
			return q, fmt.Errorf("--%s and --%s exclude each other: set one of them", q.variant, v.variant)
		case v.set:
			q.variant = v.variant
		}
	}
	if q.tighten, err = o.tightenKind(q); err != nil {
		return q, err
	}
	q.settings = o.repeated(cmd)
	if o.output == "" {
		q.view = viewOf(cmd, cmd.OutOrStdout())
	}
	if o.report == "" {
		return q, o.checkTimeout()
	}
	if q.settings = nil; o.report != "-" { // a command cannot read the same input again
		q.settings = []string{"--report", o.report}
	}
	var errs []error
	for _, flag := range accountFlagNames(cmd, o.accountFlags) {
		errs = append(errs, fmt.Errorf("--%s cannot be combined with --report: it is about an account",
			flag))
	}
	return q, errors.Join(errs...)
}

// accountFlagNames lists the flags of an audit that are set.
func accountFlagNames(cmd *cobra.Command, o accountFlags) (names []string) {
	all := append([]string{"scp", "rcp", organizationFlag, "timeout"}, accessFlagNames...)
	for _, name := range o.flags {
		all = append(all, name)
	}
	for _, name := range sortedNames(all) {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			names = append(names, name)
		}
	}
	return names
}

func runFix(cmd *cobra.Command, o fixOptions, args []string) error {
	q, err := o.parse(cmd, args)
	if err != nil {
		return err
	}
	r, err := o.readOrAudit(cmd)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	status, err := q.print(&b, cmd.ErrOrStderr(), r)
	if err != nil {
		return err
	}
	if err := writeOutput(cmd, o.output, b.Bytes()); err != nil {
		return err
	}
	if status != 0 {
		return exitError(status)
	}
	return nil
}

// readOrAudit returns the report of --report, or audits the account.
func (o fixOptions) readOrAudit(cmd *cobra.Command) (audit.Report, error) {
	if o.report != "" {
		r, err := readReport(cmd.Context(), o.report, cmd.InOrStdin())
		if cmd.Context().Err() != nil {
			return r, interrupted(cmd)
		}
		return r, err
	}
	organization, err := o.organization(cmd)
	if err != nil {
		return audit.Report{}, err
	}
	ctx, stop := context.WithTimeout(cmd.Context(), o.timeout)
	defer stop()
	r, _, err := o.audit(ctx, cmd, auditRequest{organization: organization, proveFixes: true})
	return r, err
}

// print writes the fix that is asked for, or the list of fixes, and returns the exit status.
func (q fixRequest) print(w, diagnostics io.Writer, r audit.Report) (int, error) {
	if q.tighten != "" {
		return q.printTightened(w, diagnostics, r)
	}
	if len(r.Fixes) == 0 {
		fmt.Fprintln(diagnostics, nothingToFix(r))
		if r.ChecksSummary().Gaps > 0 {
			return exitGaps, nil
		}
		if r.Unverified() {
			return exitUnverified, nil
		}
		return 0, nil
	}
	fixes, err := q.choose(r)
	if err != nil {
		return 0, err
	}
	if len(fixes) > 1 {
		return exitGaps, q.printList(w, r, fixes)
	}
	h := q.handover(r, fixes[0])
	if err := q.write(w, h, q.variant); err != nil {
		return 0, err
	}
	if h.Empty() {
		return exitUnverified, nil
	}
	return exitGaps, nil
}

// nothingToFix says why the report has no fix.
func nothingToFix(r audit.Report) string {
	switch {
	case r.ChecksSummary().Gaps > 0:
		return "no fix of a policy: only checks fail, and remotion-audit audit shows their commands"
	case r.Unverified():
		return "no fix: the audit found no gap, but it is incomplete (see remotion-audit audit)"
	case len(r.Targets) == 0:
		return "no fix: no principal was audited"
	}
	return "no fix: the audit found no gap"
}

// choose returns the fix with the number or of the target, or all fixes without either.
func (q fixRequest) choose(r audit.Report) ([]remedy.Fix, error) {
	var list []remedy.Fix
	for _, f := range r.Fixes {
		if (q.number == 0 || f.Number == q.number) && (q.target == "" || q.isTarget(r, f.Target)) {
			list = append(list, f)
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	var names []string
	for _, f := range r.Fixes {
		names = append(names, fmt.Sprintf("%d (%s)", f.Number, textfmt.OneLine(f.Target)))
	}
	asked := "--target " + textfmt.Quote(q.target, 200)
	switch {
	case q.target == "":
		asked = fmt.Sprintf("number %d", q.number)
	case q.number != 0:
		asked = fmt.Sprintf("number %d with %s", q.number, asked)
	}
	return nil, fmt.Errorf("the report has no fix for %s: choose %s", asked,
		textfmt.Enumerate(names, 10))
}

// isTarget reports whether --target names a principal of the report.
func (q fixRequest) isTarget(r audit.Report, name string) bool {
	if q.target == name {
		return true
	}
	for _, t := range r.Targets {
		if t.Name == name && t.ARN == q.target {
			return true
		}
	}
	return false
}

// printList writes one line for each fix, with the command that prints it.
func (q fixRequest) printList(w io.Writer, r audit.Report, fixes []remedy.Fix) error {
	var b strings.Builder
	for _, f := range fixes {
		h := q.handover(r, f)
		if !q.list {
			b.WriteString(h.Line() + "\n")
			continue
		}
		b.WriteString(h.ListEntry())
	}
	if !q.list {
		return fmt.Errorf("the report has %d fixes, and this format takes one: choose it with its "+
			"number or with --target\n%s", len(fixes), strings.TrimSuffix(b.String(), "\n"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeOutput writes to the file of --output, or to standard output if name is empty. Without a
// text, an existing file stays as it is.
func writeOutput(cmd *cobra.Command, name string, text []byte) error {
	if name == "" || len(text) == 0 {
		_, err := cmd.OutOrStdout().Write(text)
		return err
	}
	if err := os.WriteFile(name, text, 0o666); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}
