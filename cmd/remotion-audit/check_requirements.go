package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// requirementsOf returns the requirements of the principal with some policies.
type requirementsOf func(iampolicy.Grants) (check.Required, error)

// requirements returns the requirements that the flags select.
func (o checkOptions) requirements(cmd *cobra.Command, files *files,
	ctx iampolicy.Context) (requirementsOf, error) {
	switch {
	case o.kind != "" && o.required != "":
		return nil, errors.New("--for and --required exclude each other: set one of them")
	case o.kind == "" && o.required == "":
		return nil, errNoRequirements
	}
	if o.required != "" {
		for _, flag := range []string{"purpose", "remotion-version", "partition", "account", "regions",
			"principal", "render-role", "buckets", "function"} {
			if isGiven(cmd, flag) {
				return nil,
					fmt.Errorf("--%s cannot be combined with --required", flag)
			}
		}
		p := files.policy("--required", o.required)
		if p.Document == nil {
			return nil, nil // files.errs contains the error
		}
		required, err := check.DocumentRequirements(p.ID, p.Document, ctx)
		return func(iampolicy.Grants) (check.Required, error) { return required, nil }, err
	}
	t := check.Target{Kind: policies.PolicyKind(o.kind), Purpose: policies.Purpose(o.purpose),
		Account: o.account, Regions: o.regions, Principal: o.principal,
		RenderRole: o.renderRole}
	var errs []error
	if t.Kind != policies.User && t.Kind != policies.Role {
		errs = append(errs, fmt.Errorf("--for must be user or role, got %q", o.kind))
	}
	if err := checkScope(needs.Scope{Partition: o.partition, Account: t.Account,
		Regions: t.Regions}, t.Purpose, "regions"); err != nil {
		errs = append(errs, err)
	}
	errs = append(errs, o.addNames(&t)...)
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
	if err := o.checkRenderRole(t.Kind); err != nil {
		errs = append(errs, err)
	}
	if err := policies.ValidatePartition(o.partition); err != nil {
		return nil, fmt.Errorf("--partition: %w", err)
	}
	release, err := releaseOfFiles(cmd, setFlag(cmd, "remotion-version"), o.partition)
	if err != nil {
		errs = append(errs, err)
	} else {
		printNotice(cmd, release)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return func(g iampolicy.Grants) (check.Required, error) {
		return check.ReleaseRequirements(t.InferAccount(g), release)
	}, nil
}

// addNames adds the named buckets and functions to a target, and returns the errors.
func (o checkOptions) addNames(t *check.Target) (errs []error) {
	for i, text := range o.buckets {
		b, err := check.ParseBucket(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("--buckets: %w", err))
		case slices.ContainsFunc(t.Buckets, func(o policies.Bucket) bool { return o.Name == b.Name }):
			errs = append(errs, fmt.Errorf("--buckets: duplicate %s: join its roles with +", b.Name))
		default:
			t.Buckets = append(t.Buckets, b)
		}
		if i == maxNames {
			return append(errs, fmt.Errorf("--buckets: at most %d buckets", maxNames))
		}
	}
	regions := policies.Regions(o.partition)
	for i, text := range o.functions {
		f, err := check.ParseFunction(text)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("--function: %w", err))
		case f.Region != "" && !slices.Contains(regions, f.Region):
			errs = append(errs, fmt.Errorf("--function: %q is not a region of Remotion Lambda in %s: use "+
				"some of %s", f.Region, o.partition, strings.Join(regions, ", ")))
		case f.Region != "" && t.Regions != nil && !slices.Contains(t.Regions, f.Region):
			errs = append(errs, fmt.Errorf("--function: %s is in none of the regions of --regions", text))
		case slices.Contains(t.Functions, f):
			errs = append(errs, fmt.Errorf("--function: duplicate %s", text))
		default:
			t.Functions = append(t.Functions, f)
		}
		if i == maxNames {
			return append(errs, fmt.Errorf("--function: at most %d functions", maxNames))
		}
	}
	return errs
}

// maxNames is the number of buckets and of functions that a check takes.
const maxNames = 100

// checkRenderRole returns an error for a --render-role that no function of the target can have.
func (o checkOptions) checkRenderRole(kind policies.PolicyKind) error {
	if o.renderRole == "" {
		return nil
	}
	a, ok := arn.Parse(o.renderRole)
	switch {
	case kind != policies.User:
		return errors.New("--render-role needs --for user: a caller passes the role to functions")
	case !ok || !awsname.IsIAMARN(a) || !awsname.IsAccount(a.Account) || a.Kind() != "role" ||
		!awsname.IsRoleName(a.Name()):
		return fmt.Errorf("--render-role: %q is not the ARN of a role: use %s", o.renderRole,
			arn.IAM(o.partition, "123456789012", "role/NAME"))
	case a.Partition != o.partition:
		return fmt.Errorf("--render-role: %s is in partition %s, but --partition is %s", o.renderRole,
			a.Partition, o.partition)
	case o.account != "" && a.Account != o.account:
		return fmt.Errorf("--render-role: %s is not in account %s of --account", o.renderRole, o.account)
	}
	return nil
}
