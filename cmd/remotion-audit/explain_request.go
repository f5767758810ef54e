package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/explain"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// requestOptions are the flags of `explain ACTION [RESOURCE]`.
type requestOptions struct {
	accountFlags
	format formatFlag[explain.Explanations]
	target string
	// policies and the options below are for policy files.
	policies []string
	kind     string
	boundary string
	account  string
	purpose  string
}

// requestFileFlags are the flags that need --policy. accountOnly are those that exclude it.
var (
	requestFileFlags = []string{"for", "boundary", "account", "purpose"}
	accountOnly      = []string{"target", "callers", "render-role", "buckets", "read-scope", "timeout",
		"profile", "env-file", "no-env-file", organizationFlag}
)

func (o *requestOptions) register(cmd *cobra.Command) {
	o.accountFlags.register(cmd, settings.EnvEvidenceBucket)
	o.format.register(cmd, output.ExplainFormats(), "derivation")
	f := cmd.Flags()
	f.StringVar(&o.target, "target", "",
		"principal that makes the request: user/NAME, role/NAME, sso/PERMISSION-SET or an ARN, of a "+
			"caller perhaps with =PURPOSE")
	f.StringArrayVar(&o.policies, "policy", nil,
		"file with an identity policy, - for standard input: explain files instead of an account "+
			"(repeatable; the policies are combined)")
	f.StringVar(&o.kind, "for", "",
		"with --policy: kind of policy, user (runs Remotion's CLI or SDK) or role (execution role of "+
			"the functions)")
	f.StringVar(&o.boundary, "boundary", "", "with --policy: file with the permissions boundary")
	f.StringVar(&o.account, "account", "", "with --policy: account of the principal (default: any)")
	f.StringVar(&o.purpose, "purpose", string(policies.All),
		"with --policy and --for user: all, or operations such as render+quotas (docs/operations.md)")
	limitTo(cmd, "for", "user", "role")
	complete(cmd, "purpose", policies.PurposeWords()...)
	completeTargets(cmd, "target")
}

func (o *requestOptions) checkArgs(_ *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return errors.New("explain: ACTION is missing: give an action such as s3:GetObject")
	case len(args) > 2:
		return fmt.Errorf("explain: takes ACTION and RESOURCE, got %d arguments", len(args))
	}
	return nil
}

func runExplainRequest(cmd *cobra.Command, o requestOptions, args []string) error {
	question := explain.Question{Action: args[0]}
	if len(args) > 1 {
		question.Resource = args[1]
		if isBlank(question.Resource) {
			return errors.New("RESOURCE must not be empty: give an ARN, or leave it out")
		}
	}
	write, err := o.format.writer()
	if err != nil {
		return err
	}
	if err := errors.Join(question.Check(), o.checkTimeout(), o.checkSource(cmd)); err != nil {
		return err
	}
	result := explain.Explanations{SchemaVersion: explain.SchemaVersion}
	if len(o.policies) > 0 {
		err = o.explainFiles(cmd, question, &result)
	} else {
		err = o.explainAccount(cmd, question, &result)
	}
	if cmd.Context().Err() != nil {
		return interrupted(cmd)
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, result, viewOf(cmd, cmd.OutOrStdout())); err != nil {
		return err
	}
	if _, err := cmd.OutOrStdout().Write(b.Bytes()); err != nil {
		return err
	}
	if status := explainStatus(result); status != 0 {
		return exitError(status)
	}
	return nil
}

// explainStatus returns 1 if a request is not allowed, 2 if one is unverified, else 0.
func explainStatus(all explain.Explanations) int {
	status := 0
	for _, e := range all.Explanations {
		switch {
		case e.Verdict.Status.Gap():
			return exitGaps
		case e.Verdict.Status != audit.Satisfied:
			status = exitUnverified
		}
	}
	return status
}

// checkSource returns an error for flags of an account together with flags of policy files.
func (o requestOptions) checkSource(cmd *cobra.Command) error {
	var errs []error
	set := func(names []string) (list []string) {
		for _, name := range names {
			if isGiven(cmd, name) {
				list = append(list, "--"+name)
			}
		}
		return list
	}
	if len(o.policies) == 0 {
		for _, flag := range set(requestFileFlags) {
			errs = append(errs, fmt.Errorf("%s needs --policy: it is about policy files", flag))
		}
		return errors.Join(errs...)
	}
	for _, flag := range set(accountOnly) {
		errs = append(errs, fmt.Errorf("%s cannot be combined with --policy: it is about an account",
			flag))
	}
	if o.kind == "" {
		errs = append(errs, errors.New("--policy needs --for user or --for role"))
	}
	return errors.Join(errs...)
}

// explainFiles explains a request of the principal with the policy files.
func (o requestOptions) explainFiles(cmd *cobra.Command, q explain.Question,
	result *explain.Explanations) error {
	value := func(variable string) string { return o.flagValue(cmd, variable) }
	c := checkOptions{policies: o.policies, scps: o.scps, rcps: o.rcps, boundary: o.boundary,
		kind: o.kind, purpose: o.purpose, account: o.account, partition: policies.AWS}
	t := check.Target{Kind: policies.PolicyKind(c.kind), Purpose: policies.Purpose(c.purpose),
		Account: c.account}
	var errs []error
	text, regionsFlag := value(settings.EnvRegions), "regions"
	if text == "" {
		text, regionsFlag = o.access.region, "region"
	}
	if text != "" && text != "auto" && text != "all" {
		var regions app.Regions
		if err := regions.UnmarshalText([]byte(text)); err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", regionsFlag, err))
		}
		t.Regions = regions
		if len(regions) > 0 && strings.HasPrefix(regions[0], "cn-") {
			c.partition = policies.China
		}
	}
	var extra app.AssumedContext
	if err := extra.UnmarshalText([]byte(value("ASSUMED_CONTEXT"))); err != nil {
		errs = append(errs, fmt.Errorf("--context: %w", err))
	}
	if t.Kind != policies.User && t.Kind != policies.Role {
		errs = append(errs, fmt.Errorf("--for must be user or role, got %q", c.kind))
	}
	if err := checkScope(needs.Scope{Partition: c.partition, Account: t.Account, Regions: t.Regions},
		t.Purpose, regionsFlag); err != nil {
		errs = append(errs, err)
	}
	release, err := releaseOfFiles(cmd, value(envRemotionVersion), c.partition)
	if err != nil {
		errs = append(errs, err)
	}
	files := files{ctx: cmd.Context(), stdin: cmd.InOrStdin()}
	grants := c.limits(&files)
	for _, name := range o.policies {
		grants.Identity = append(grants.Identity, files.policy("--policy", name))
	}
	if err := errors.Join(append(errs, files.errs...)...); err != nil {
		return err
	}
	printNotice(cmd, release)
	if grants.Boundary != nil {
		grants.Boundary.ID = "permissions boundary " + textfmt.OneLine(grants.Boundary.ID)
	}
	t = t.InferAccount(grants)
	result.Account = t.Account
	subject := explain.OfFiles(strings.Join(textfmt.OneLines(o.policies), " + "), t, grants, release,
		iampolicy.Context(extra))
	result.Explanations = []explain.Explanation{explain.Derive(subject, q)}
	return nil
}

// The limits of the principals that one command explains, and of the requests that it asks AWS's
// simulator in addition to those of an audit, for each principal.
const (
	maxExplained = 8
	maxAsked     = 20
)

// explainAccount audits the principals of the question, and explains the request for each.
func (o requestOptions) explainAccount(cmd *cobra.Command, q explain.Question,
	result *explain.Explanations) error {
	chosen := targetChoice{action: q.Action}
	fallback := ""
	if o.target != "" {
		var list app.Callers
		if err := list.UnmarshalText([]byte(o.target)); err != nil {
			return fmt.Errorf("--target: %w", err)
		}
		if len(list) != 1 {
			return fmt.Errorf("--target must be one principal such as user/ci, got %s",
				textfmt.Quote(o.target, 200))
		}
		chosen.target, fallback = list, "none"
	}
	organization, err := o.organization(cmd)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(cmd.Context(), o.timeout)
	defer stop()
	c, err := o.connect(ctx, cmd, organization, fallback)
	if err != nil {
		return err
	}
	c.auditor.Config.Callers = chosen.addTo(c.auditor.Config.Callers)
	chosen.kinds = explain.Kinds(q.Action, c.place.Partition)
	c.announce(cmd)
	end := c.showProgress(cmd)
	inspected, err := c.auditor.Inspect(ctx, c.place, time.Now().UTC().Format("20060102T150405Z"),
		app.Inspection{Select: chosen.pick,
			Ask: func(t audit.TargetFacts, releases []policies.Release) []needs.SimulationRequest {
				return explain.Simulated(t, releases, q, maxAsked)
			}})
	end()
	if err != nil {
		return o.withFlagNames(cmd, err)
	}
	if chosen.err != nil {
		return chosen.err
	}
	result.Account = c.place.Account
	for _, t := range inspected.Facts.Targets {
		e := explain.Derive(explain.OfTarget(inspected.Facts, t, inspected.Report), q)
		if e.Verdict.Status.Gap() && e.Finding != nil {
			e.Fix = explain.FixFor(inspected.Report.Fixes, e.Principal, *e.Finding)
		}
		result.Explanations = append(result.Explanations, e)
	}
	return nil
}

// targetChoice chooses the targets of an audit that a question is about.
type targetChoice struct {
	action string
	// target has the principal of --target, or is empty. index is its position among the callers, and
	// added is true if it is not configured.
	target app.Callers
	index  int
	added  bool
	kinds  []policies.PolicyKind
	err    error
}

// addTo adds the principal of --target to the callers, unless it is one of them.
func (c *targetChoice) addTo(callers app.Callers) app.Callers {
	if len(c.target) == 0 {
		return callers
	}
	for i, o := range callers {
		if o.Name == c.target[0].Name {
			c.index = i
			return callers
		}
	}
	c.index, c.added = len(callers), true
	return append(slices.Clone(callers), c.target...)
}

// pick returns the indexes of the chosen targets. The callers of the configuration come first.
func (c *targetChoice) pick(list []audit.TargetFacts) (indexes []int) {
	if len(c.target) > 0 {
		return c.pickTarget(list)
	}
	var others []int
	for i, t := range list {
		if slices.Contains(c.kinds, t.Kind.Policy()) {
			indexes = append(indexes, i)
		} else {
			others = append(others, i)
		}
	}
	if len(indexes) == 0 {
		indexes = others
	}
	var names []string
	for _, i := range indexes {
		names = append(names, list[i].Name)
	}
	switch {
	case len(indexes) == 0:
		c.err = fmt.Errorf("the audit has no principal for %s: name one with --target", c.action)
	case len(indexes) > maxExplained:
		c.err = fmt.Errorf("%s is about %d principals: name one with --target: %s", c.action, len(names),
			textfmt.Some(textfmt.OneLines(names), 20))
		return nil
	}
	return indexes
}

// pickTarget returns the targets of the principal of --target. A role can be a caller and a render
// role: then the action decides, else both count. A principal that is not configured is a caller
// only if it is no render role.
func (c *targetChoice) pickTarget(list []audit.TargetFacts) []int {
	name := list[c.index].Name
	role := slices.IndexFunc(list, func(t audit.TargetFacts) bool {
		return t.Kind == audit.RenderRole && t.Name == name
	})
	asRole, asCaller := slices.Contains(c.kinds, policies.Role),
		slices.Contains(c.kinds, policies.User)
	switch {
	case role < 0 || !c.added && asCaller && !asRole:
		return []int{c.index}
	case c.added || asRole && !asCaller:
		return []int{role}
	}
	return []int{c.index, role}
}
