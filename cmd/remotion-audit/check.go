package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type checkOptions struct {
	policies, scps   []string
	boundary         string
	kind, required   string
	purpose, version string
	partition        string
	account          string
	principal        string
	regions          []string
	context          []string
	excess           bool
	format           formatFlag[check.Verdict]
	failOn           string
	failOnUnverified bool
}

func checkCommand() *cobra.Command {
	var o checkOptions
	cmd := &cobra.Command{
		Use:   "check --policy FILE… (--for user|role | --required FILE)",
		Short: "Check policy files offline",
		Long: `Check that policy files grant what a release of Remotion needs, or what another policy
document allows. The command checks each required permission on all its resources.
For a gap it prints one resource that the policy does not allow. It does not call AWS
and does not see other policies of the principal.

--for checks the requirements of Remotion's user or role. Add --account and --region
if the policy is narrowed to them. --required checks everything that another policy
document allows, exactly as written.

Exit status: 0 everything is granted, 1 gaps, 2 unverified or an error, 130 interrupted.`,
		Example: `  remotion-audit check --policy role.json --for role
  remotion-audit check --policy user.json --boundary limits.json ` +
			"--for user --purpose render --account 123456789012 --region eu-central-1" + `
  remotion-audit check --policy mine.json --scp root.json --scp ou.json,extra.json ` +
			"--required needed.json --format json",
		// Arguments are policy files, too, because the shell expands --policy *.json to several words.
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 && len(o.policies) == 0 {
				return fmt.Errorf("check: unexpected argument %q: set policy files with --policy", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.policies = append(o.policies, args...)
			return runCheck(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.policies, "policy", nil,
		"file with an identity policy, - for standard input (repeatable; the policies are combined)")
	f.StringVar(&o.boundary, "boundary", "", "file with the permissions boundary")
	f.StringArrayVar(&o.scps, "scp", nil, scpUsage)
	f.StringVar(&o.kind, "for", "",
		"kind of policy: user (runs Remotion's CLI or SDK) or role (execution role of the functions)")
	f.StringVar(&o.required, "required", "", "file with a policy document of the required permissions")
	f.StringVar(&o.purpose, "purpose", string(policies.All),
		"with --for user: all, or operations such as render+quotas (docs/operations.md)")
	f.StringVar(&o.version, "remotion-version", "latest",
		"with --for: release of Remotion, x.y.z or latest")
	f.StringVar(&o.partition, "partition", policies.AWS, "with --for: "+partitionUsage)
	f.StringVar(&o.account, "account", "",
		"with --for: account to which the policy is narrowed (default: any)")
	f.StringSliceVar(&o.regions, "region", nil,
		"with --for: region to which the policy is narrowed (repeatable; default: any)")
	f.StringVar(&o.principal, "principal", "",
		"with --for user: ARN of the user or role with the policy (default: a user remotion-user)")
	f.StringArrayVar(&o.context, "context", nil,
		"context key of every request, key=value (repeatable; the value may be empty, and \\, is a "+
			"comma in it)")
	f.BoolVar(&o.excess, "excess", false,
		"also list grants beyond the requirements (does not change the exit status)")
	o.format.register(cmd, output.CheckFormats(), "result")
	f.StringVar(&o.failOn, "fail-on", "low",
		"lowest severity of a gap for which the exit status is 1: critical, high, medium or low")
	f.BoolVar(&o.failOnUnverified, "fail-on-unverified", false,
		"exit with status 2 if anything is unverified, even if there are gaps")
	return cmd
}

func runCheck(cmd *cobra.Command, o checkOptions) error {
	var failOn policies.Severity
	if err := failOn.UnmarshalText([]byte(o.failOn)); err != nil {
		return fmt.Errorf("--fail-on: %w", err)
	}
	write, err := o.format.writer()
	if err != nil {
		return err
	}
	if len(o.policies) == 0 {
		return errors.New("--policy is required: set it to the policy file to check")
	}
	extra, err := parseContext(o.context)
	if err != nil {
		return fmt.Errorf("--context: %w", err)
	}
	result, err := o.result(cmd, extra)
	if cmd.Context().Err() != nil {
		return interrupted(cmd)
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, result); err != nil {
		return err
	}
	if _, err := cmd.OutOrStdout().Write(b.Bytes()); err != nil {
		return err
	}
	if status := exitStatus(result.Worst(), result.HasUnverified(), failOn,
		o.failOnUnverified); status != 0 {
		return exitError(status)
	}
	return nil
}

// result reads the files and checks them. It ends with the command's context.
func (o checkOptions) result(cmd *cobra.Command, extra iampolicy.Context) (check.Verdict, error) {
	ctx := cmd.Context()
	files := files{ctx: ctx, stdin: cmd.InOrStdin()}
	required, err := o.requirements(cmd, &files, extra)
	grants := o.grants(&files)
	if err := errors.Join(append(files.errs, err)...); err != nil {
		return check.Verdict{}, err
	}
	result, err := check.Evaluate(ctx, grants, required, extra)
	if err == nil && o.excess {
		err = result.FindExcess(ctx, grants, required, extra)
	}
	return result, err
}

// parseContext reads the values of --context. Each has the form key=value, or several of them with
// commas. The value may be empty, and "\," is a comma in a value. A key that occurs twice, in any
// case, has both values.
func parseContext(flags []string) (iampolicy.Context, error) {
	ctx := iampolicy.Context{}
	var errs []error
	for _, flag := range flags {
		for _, item := range splitPairs(flag) {
			key, value, ok := strings.Cut(item, "=")
			key = strings.TrimSpace(key)
			switch {
			case !ok:
				errs = append(errs, fmt.Errorf("%q is not key=value (write \\, for a comma in a value)",
					item))
				continue
			case len(key) < 5 || len(key) > 256 || !strings.Contains(key, ":"):
				errs = append(errs, fmt.Errorf("%q is not a context key: use a key such as aws:SourceVpc",
					key))
				continue
			}
			for known := range ctx {
				if strings.EqualFold(known, key) {
					key = known
				}
			}
			ctx[key] = append(ctx[key], value)
		}
	}
	return ctx, errors.Join(errs...)
}

// splitPairs splits a text at its commas, except those with a backslash in front, and removes the
// backslashes in front of commas and backslashes.
func splitPairs(text string) (list []string) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case c == ',':
			list = append(list, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(list, b.String())
}

// requirements returns the requirements that the flags select.
func (o checkOptions) requirements(cmd *cobra.Command, files *files,
	ctx iampolicy.Context) (check.Required, error) {
	switch {
	case o.kind != "" && o.required != "":
		return check.Required{}, errors.New("--for and --required exclude each other: set one of them")
	case o.kind == "" && o.required == "":
		return check.Required{},
			errors.New("the requirements are missing: set --for user, --for role or --required FILE")
	}
	if o.required != "" {
		for _, flag := range []string{"purpose", "remotion-version", "partition", "account", "region",
			"principal"} {
			if cmd.Flags().Changed(flag) {
				return check.Required{},
					fmt.Errorf("--%s cannot be combined with --required", flag)
			}
		}
		p := files.policy("--required", o.required)
		if p.Document == nil {
			return check.Required{}, nil // files.errs contains the error
		}
		return check.DocumentRequirements(p.ID, p.Document, ctx)
	}
	t := check.Target{Kind: policies.PolicyKind(o.kind), Purpose: policies.Purpose(o.purpose),
		Account: o.account, Regions: o.regions, Principal: o.principal}
	var errs []error
	if t.Kind != policies.User && t.Kind != policies.Role {
		errs = append(errs, fmt.Errorf("--for must be user or role, got %q", o.kind))
	}
	if err := checkScope(needs.Scope{Partition: o.partition, Account: t.Account,
		Regions: t.Regions}, t.Purpose); err != nil {
		errs = append(errs, err)
	}
	if t.Principal != "" {
		var callers app.Callers
		if err := callers.UnmarshalText([]byte(t.Principal)); err != nil ||
			!arn.HasPrefix(t.Principal) {
			errs = append(errs, fmt.Errorf("--principal: %q is not the ARN of a user or a role",
				t.Principal))
		} else if a, _ := arn.Parse(t.Principal); a.Partition != o.partition {
			errs = append(errs, fmt.Errorf("--principal: %s is in partition %s, but --partition is %s",
				t.Principal, a.Partition, o.partition))
		} else if t.Account != "" && a.Account != t.Account {
			errs = append(errs, fmt.Errorf("--principal: %s is not in account %s of --account",
				t.Principal, t.Account))
		}
	}
	if err := policies.ValidatePartition(o.partition); err != nil {
		return check.Required{}, fmt.Errorf("--partition: %w", err)
	}
	release, err := findIn(o.version, o.partition)
	if err != nil {
		errs = append(errs, fmt.Errorf("--remotion-version: %w", err))
	} else if notice := release.Notice(); notice != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "notice:", notice)
	}
	if err := errors.Join(errs...); err != nil {
		return check.Required{}, err
	}
	return check.ReleaseRequirements(t, release)
}

// grants reads the policies, the boundary and the service control policies.
func (o checkOptions) grants(files *files) (g iampolicy.Grants) {
	for _, name := range o.policies {
		g.Identity = append(g.Identity, files.policy("--policy", name))
	}
	if o.boundary != "" {
		p := files.policy("--boundary", o.boundary)
		g.Boundary = &p
	}
	g.Organization = files.organization(o.scps)
	return g
}

// files reads policy documents and collects all errors. It stops reading when ctx ends.
type files struct {
	ctx   context.Context
	stdin io.Reader // nil after a flag has used it
	errs  []error
}

// policy returns the policy in a file, or in standard input if name is "-". After an error, its
// Document is nil.
func (f *files) policy(flag, name string) iampolicy.Policy {
	p := iampolicy.Policy{ID: filepath.Base(name)}
	refuse := func(err error) {
		f.errs = append(f.errs, fmt.Errorf("%s %s: %w", flag, textfmt.OneLine(name), err))
	}
	read := func() ([]byte, error) { return readFile(name, iampolicy.MaxText) }
	if name == "-" {
		in := f.stdin
		p.ID, f.stdin = "standard input", nil
		if in == nil {
			refuse(errors.New("standard input is already used for another document: use a file"))
			return p
		}
		read = func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, iampolicy.MaxText+1)) }
	}
	text, err := interruptible(f.ctx, read)
	if err == nil {
		p.Document, err = iampolicy.Parse(string(text))
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err // refuse names the file
	}
	if err != nil {
		refuse(err)
	}
	return p
}

// interrupted says that a signal ended a command, and returns its exit status.
func interrupted(cmd *cobra.Command) error {
	fmt.Fprintln(cmd.ErrOrStderr(), "remotion-audit: interrupted")
	return exitError(exitInterrupted)
}

// readFile reads a file, but at most one byte more than most.
func readFile(name string, most int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, most+1))
}

// interruptible calls read, and returns early if the context ends: a pipe or a terminal may never
// send anything. The reading goroutine then ends with the process.
func interruptible[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}
