package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/cloudformation"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type checkOptions struct {
	policies         []string
	scps, rcps       []string
	insteadOf        []string
	resources        []string
	parameters       []string
	boundary         string
	kind, required   string
	purpose          string
	partition        string
	account          string
	principal        string
	renderRole       string
	buckets          []string
	functions        []string
	regions          []string
	context          []string
	excess           bool
	outputs          outputFlags
	failOn           string
	failOnUnverified bool
	baseline         string
	// listed is true for the files of an element of check in the settings file.
	listed bool
	// shared are the names of --parameter for all elements of check in the settings file, which are
	// checked after the last one; nil for files of the command line.
	shared *parameters
	// within is the directory that those files must not leave through links; empty for no limit.
	within string
}

func checkCommand() *cobra.Command {
	cmd, _ := newCheckCommand()
	return cmd
}

// newCheckCommand returns the command with the values of its flags.
func newCheckCommand() (*cobra.Command, *checkOptions) {
	var o checkOptions
	cmd := &cobra.Command{
		Use: "check [FILE|DIRECTORY|PATTERN…] [--policy FILE…] [--for user|role | --required FILE] " +
			"[--instead-of FILE…]",
		Short: "Check policy files offline",
		Long: `Check that policy files grant what a release of Remotion needs, or what another policy
document allows. The command checks each required permission on all its resources.
For a gap it prints one resource that the policy does not allow, and the file, line
and column to edit. It does not call AWS and does not see other policies of the
principal.

A file is a policy document, a template of CloudFormation or SAM, a plan of Terraform
(terraform show -json), or an answer of the AWS CLI (aws iam get-role-policy). A
directory is searched with the directories in it, and a directory that cdk synth wrote
is read as its templates. Patterns such as '**/*.json' work in quotes, too. What a file
leaves open, such as a parameter without a default, is unverified by name, never
granted: see --parameter.

Each policy document, and each role or user of a template that looks like Remotion's,
is one principal and gets its own verdict: see --resource. The files of --policy are
combined: together they are one more principal. --boundary and --scp apply to each
principal.

--for checks the requirements of Remotion's user or role, and prints the edit of the
files that closes the gaps, proved with the policy engine. Add --account and --regions
if the policy is narrowed to them. --required checks everything that another policy
document allows, exactly as written.

--instead-of compares: the other policies are a proposal, such as a recommendation
that removes unused rights, and would take the place of the policies of --instead-of.
The command names what would stop working, with the operation, what would start
working, and what both lack. The exit status is 1 only if something is lost.

Without a policy file, the command judges the files that remotion-audit.yaml lists under
check (docs/ci.md). With --baseline, gaps that an earlier result has do not count for the
exit status.

Exit status: 0 everything is granted, 1 gaps, 2 unverified or an error, 130 interrupted.
With several principals it is the status of the worst: 2 if a file cannot be read, else
1 if one has gaps, else 2 if one is unverified, else 0.`,
		Example: `  remotion-audit check --for role role.json role-eu.json
  remotion-audit check --for role template.yaml --parameter Stage=prod
  remotion-audit check --for user plan.json --resource 'module.render.aws_iam_user.*'
  remotion-audit check --policy user.json --boundary limits.json ` +
			"--for user --purpose render --account 123456789012 --regions eu-central-1" + `
  remotion-audit check --policy mine.json --scp root.json --scp ou.json,extra.json ` +
			"--required needed.json --format json" + `
  remotion-audit check --policy proposed.json --instead-of current.json --for role`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCheck(cmd, o, args) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.policies, "policy", nil,
		"file with an identity policy, - for standard input, a template or a plan (see --resource), or "+
			"a directory with .json files "+
			"(repeatable; the policies are combined as those of one principal)")
	f.StringArrayVar(&o.insteadOf, "instead-of", nil,
		"file or directory with a current policy that the other policies would replace (repeatable, as "+
			"--policy)")
	f.StringArrayVar(&o.resources, "resource", nil,
		"address of the role, user or policy to check in a template, a plan or an answer of the AWS "+
			"CLI; * stands for any characters (repeatable; default: what looks like Remotion's)")
	f.StringArrayVar(&o.parameters, "parameter", nil,
		"value of a parameter of a template, NAME=VALUE (repeatable; default: that of the template)")
	f.StringVar(&o.boundary, "boundary", "", "file with the permissions boundary")
	f.StringArrayVar(&o.scps, "scp", nil, scpUsage)
	f.StringArrayVar(&o.rcps, "rcp", nil, rcpUsage)
	f.StringVar(&o.kind, "for", "",
		"kind of policy: user (runs Remotion's CLI or SDK) or role (execution role of the functions)")
	f.StringVar(&o.required, "required", "", "file with a policy document of the required permissions")
	f.StringVar(&o.purpose, "purpose", string(policies.All),
		"with --for user: all, or operations such as render+quotas (docs/operations.md)")
	f.String("remotion-version", "",
		"with --for: "+releaseUsage)
	f.StringVar(&o.partition, "partition", policies.AWS, "with --for: "+partitionUsage)
	f.StringVar(&o.account, "account", "",
		"with --for: account to which the policy is narrowed (default: any)")
	f.StringSliceVar(&o.regions, "regions", nil,
		"with --for: regions to which the policy is narrowed, with commas (default: any)")
	f.StringVar(&o.principal, "principal", "",
		"with --for user: ARN of the user or role with the policy (default: a user remotion-user)")
	f.StringVar(&o.renderRole, "render-role", "",
		"with --for user: ARN of the role that the caller passes to functions (default: "+
			policies.RoleName+")")
	f.StringSliceVar(&o.buckets, "buckets", nil,
		"with --for: NAME of the deployment's own bucket, in place of Remotion's; NAME=output or "+
			"NAME=site for a further bucket, with +no-acl if uploads set no ACL (with commas)")
	f.StringSliceVar(&o.functions, "function", nil,
		"with --for: NAME or NAME@REGION of a deployed function, in place of Remotion's names "+
			"(repeatable)")
	f.StringArrayVar(&o.context, "context", nil,
		"context key of every request, key=value (repeatable; the value may be empty, and \\, is a "+
			"comma in it)")
	f.BoolVar(&o.excess, "excess", false,
		"also list grants beyond the requirements (does not change the exit status)")
	addAlias(cmd, "region", "regions")
	addAlias(cmd, "bucket", "buckets")
	addAlias(cmd, "assumed-context", "context")
	limitTo(cmd, "for", "user", "role")
	limitTo(cmd, "partition", policies.Partitions()...)
	complete(cmd, "purpose", policies.PurposeWords()...)
	complete(cmd, "remotion-version", "latest")
	complete(cmd, "regions", policies.Regions(policies.AWS)...)
	o.outputs.register(cmd, output.CheckFormats().Names(), "result")
	f.StringVar(&o.failOn, "fail-on", "low",
		"lowest severity of a gap for which the exit status is 1: critical, high, medium or low")
	limitTo(cmd, "fail-on", severityNames()...)
	f.BoolVar(&o.failOnUnverified, "fail-on-unverified", false,
		"exit with status 2 if anything is unverified, even if there are gaps")
	addBaselineFlag(cmd, &o.baseline)
	addSettingsFlags(cmd)
	setVariable(cmd, "remotion-version", envRemotionVersion)
	return cmd, &o
}

func runCheck(cmd *cobra.Command, o checkOptions, args []string) error {
	var failOn policies.Severity
	if err := failOn.UnmarshalText([]byte(o.failOn)); err != nil {
		return fmt.Errorf("--fail-on: %w", err)
	}
	if len(o.policies)+len(args) == 0 {
		if err := o.checkListed(cmd); err != nil {
			return err
		}
	}
	extra, err := parseContext(o.context)
	if err != nil {
		return fmt.Errorf("--context: %w", err)
	}
	if len(o.insteadOf) > 0 {
		return o.runReplacement(cmd, args, extra, failOn)
	}
	base, err := readBaseline(cmd, o.baseline)
	if err != nil {
		return err
	}
	out, err := openOutputs(cmd, o.outputs, output.CheckFormats(), o.inputs(args)...)
	if err != nil {
		return err
	}
	defer out.close()
	list, err := o.allResults(cmd, args, extra)
	if cmd.Context().Err() != nil {
		return interrupted(cmd)
	}
	if err != nil {
		return err
	}
	results, err := base.compareResults(check.Summarize(list))
	if err != nil {
		return err
	}
	results.Tool = thisTool()
	if err := out.write(results, nil); err != nil {
		return err
	}
	status := exitStatus(results.WorstNew(), results.HasUnverified(), failOn, o.failOnUnverified)
	if results.Unreadable() {
		status = exitUnverified
	}
	if status != 0 {
		return exitError(status)
	}
	return nil
}

// inputs returns the names of the files that the command reads.
func (o checkOptions) inputs(args []string) []string {
	list := slices.Concat(o.policies, args, o.insteadOf, []string{o.boundary, o.required, o.baseline})
	for _, level := range slices.Concat(o.scps, o.rcps) {
		list = append(list, strings.Split(level, ",")...)
	}
	return inputNames(list...)
}

// files returns a reader for the files of the command. An invalid --parameter is an error.
func (o checkOptions) files(cmd *cobra.Command) (*files, error) {
	f := &files{ctx: cmd.Context(), stdin: cmd.InOrStdin(), within: o.within,
		chosen: choice{resources: o.resources, kind: policies.PolicyKind(o.kind)},
		values: cloudformation.Values{Account: o.account, Parameters: map[string]string{}}}
	if len(o.regions) == 1 {
		f.values.Region = o.regions[0]
	}
	if o.required == "" {
		f.values.Partition = o.partition
	}
	if f.parameters = o.shared; f.parameters == nil {
		f.parameters = &parameters{}
	}
	for _, text := range o.parameters {
		key, value, ok := strings.Cut(text, "=")
		if _, twice := f.values.Parameters[key]; !ok || key == "" || twice {
			problem := "is not NAME=VALUE"
			if twice {
				problem = "sets a parameter that another --parameter sets: keep one"
			}
			return nil, fmt.Errorf("--parameter: %s %s", textfmt.Quote(text, 200), problem)
		}
		f.values.Parameters[key] = value
		f.parameters.given = textfmt.AppendNew(f.parameters.given, key)
	}
	if slices.Contains(o.resources, "") {
		return nil, errors.New("--resource must not be empty: give an address such as RenderRole")
	}
	return f, nil
}

// results reads the files and checks the policies of each principal. It ends with the command's
// context. With one principal, an unreadable policy is an error. With several, it is the result of
// its principal, and the others have verdicts.
func (o checkOptions) results(cmd *cobra.Command, args []string,
	extra iampolicy.Context) ([]check.Result, error) {
	ctx := cmd.Context()
	files, err := o.files(cmd)
	if err != nil {
		return nil, err
	}
	principals, skipped := o.principals(files, args)
	requirements, err := o.requirements(cmd, files, extra)
	limits := o.limits(files)
	if errors.Is(err, errNoRequirements) {
		err = fmt.Errorf("%w%s", err, suggestedKind(principals))
	}
	alone := len(principals) == 1 && !o.listed
	if err := errors.Join(append(files.errs, err)...); err != nil || alone {
		for _, p := range slices.Backward(principals) {
			err = errors.Join(p.err, err)
		}
		if err != nil {
			return nil, err
		}
	}
	if !slices.ContainsFunc(principals, func(p principal) bool { return p.err != nil }) {
		err := files.chosen.unknown()
		if err == nil && o.shared == nil {
			err = files.parameters.undeclared()
		}
		if err != nil {
			return nil, err
		}
	}
	for _, text := range skipped {
		fmt.Fprintf(notes(cmd), "notice: %s\n", text)
	}
	var list []check.Result
	for _, p := range principals {
		result := check.Result{Policies: p.names}
		if p.err != nil {
			result.Error = p.err.Error()
			fmt.Fprintf(cmd.ErrOrStderr(), "remotion-audit: %v\n", p.err)
			list = append(list, result)
			continue
		}
		setIDs(pointers(&p))
		bounds := p.bounds(limits)
		required, err := requirements(bounds.AtMost)
		if err != nil {
			return nil, err
		}
		verdict, err := check.Evaluate(ctx, bounds, required, extra)
		if err == nil && o.excess {
			err = verdict.FindExcess(ctx, bounds, required, extra)
		}
		if err != nil {
			return nil, err
		}
		if err := verdict.FindFix(ctx, bounds, required, extra); err != nil {
			return nil, err
		}
		verdict.Principal = p.declared
		for _, note := range p.notes {
			verdict.Notes = textfmt.AppendNew(verdict.Notes, note)
		}
		verdict.SetPaths(reviewPath)
		result.Verdict = &verdict
		list = append(list, result)
	}
	return list, nil
}

// errNoRequirements means that neither --for nor --required is set.
var errNoRequirements = errors.New(
	"the requirements are missing: set --for user, --for role or --required FILE")

// suggestedKind names the values of --for that fit the principals of templates and plans.
func suggestedKind(list []principal) string {
	var looks []string
	for _, p := range list {
		if p.declared == nil {
			continue
		}
		kind := policies.Role
		if p.caller {
			kind = policies.User
		}
		looks = append(looks, fmt.Sprintf("%s looks like --for %s",
			textfmt.OneLine(p.declared.String()), kind))
	}
	if looks == nil {
		return ""
	}
	return ": " + textfmt.Some(looks, 3)
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
			if err := iampolicy.CheckContextValue(key, value); value != "" && err != nil {
				errs = append(errs, err)
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

// limits reads the boundary and the policies of the organization.
func (o checkOptions) limits(files *files) (g iampolicy.Grants) {
	if o.boundary != "" {
		p := files.policy("--boundary", o.boundary)
		g.Boundary = &p
	}
	g.Organization = files.organization(o.scps)
	g.ResourceControl = files.resourceControl(o.rcps)
	return g
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
