package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// auditorScope narrows the auditor's own policy.
type auditorScope struct {
	partition, account string
	readScope          string
	// named are the ARNs that the auditor may read with ReadScopeNamed.
	named []string
}

func auditorCommand() *cobra.Command {
	var place auditorScope
	var function, organization bool
	cmd := &cobra.Command{
		Use:   "auditor",
		Short: "Print the read-only policy that the auditor needs",
		Long: `Print the policy that the auditor needs. It only reads IAM and Lambda.

Without --function it is the policy for ` + "`remotion-audit audit`" +
			`. With --function it is the policy of the
Lambda function's role in template.yaml and the CDK construct. Replace names such as ${AlertTopic}
with the ARNs of the stack's resources, and omit statements about resources that you do not have,
such as a key for the evidence.`,
		Example: `  remotion-audit policies auditor --account 123456789012
  remotion-audit policies auditor --function
  remotion-audit policies auditor --read-scope named --named arn:aws:iam::123456789012:user/ci`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := place.check(); err != nil {
				return err
			}
			permissions := contract.ReadPermissions()
			if organization {
				permissions = append(permissions, contract.OrganizationPermissions()...)
			}
			if function {
				permissions = slices.Concat(permissions, contract.FunctionPermissions(),
					contract.OnBehalfPermissions())
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), place.policy(permissions).Text())
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&place.account, "account", "*", "account number to narrow the policy to")
	flags.StringVar(&place.partition, "partition", policies.AWS, partitionUsage)
	flags.StringVar(&place.readScope, "read-scope", contract.ReadScopeAccount,
		"account: all principals; named: only those in --named, without discovery")
	flags.StringSliceVar(&place.named, "named", nil,
		"with --read-scope named: ARNs of callers, render roles, the users' groups and the managed "+
			"policies of all of them, with commas")
	limitTo(cmd, "partition", policies.Partitions()...)
	limitTo(cmd, "read-scope", contract.ReadScopeAccount, contract.ReadScopeNamed)
	flags.BoolVar(&function, "function", false,
		"add the permissions of the function's role for alerts, metrics and evidence")
	flags.BoolVar(&organization, organizationFlag, false,
		"add the permissions for --"+organizationFlag+" of audit, fix and explain")
	return cmd
}

// isNamed reports whether --named accepts an ARN: the ARN of a user, role, group or policy of an
// account, without wildcards, variables and commas.
func isNamed(a arn.ARN) bool {
	return awsname.IsIAMARN(a) && a.Account != "aws" &&
		slices.Contains([]string{"user", "role", "group", "policy"}, a.Kind()) &&
		awsname.IsIAMPath(a.Path()) && awsname.IsIAMName(a.Name()) &&
		!strings.ContainsAny(a.Resource, "*?$,")
}

// check returns an error for flags that would give a useless policy or unintended grants.
// It sets the account from the ARNs in --named if --account is not set.
func (p *auditorScope) check() error {
	if p.account != "*" && !awsname.IsAccount(p.account) {
		return fmt.Errorf("--account must be an account number with twelve digits, got %q", p.account)
	}
	if err := policies.ValidatePartition(p.partition); err != nil {
		return fmt.Errorf("--partition: %w", err)
	}
	switch {
	case p.readScope != contract.ReadScopeAccount && p.readScope != contract.ReadScopeNamed:
		return fmt.Errorf("--read-scope must be %s or %s, got %q", contract.ReadScopeAccount,
			contract.ReadScopeNamed, p.readScope)
	case p.readScope == contract.ReadScopeNamed && len(p.named) == 0:
		return errors.New("--named is required with --read-scope named: list the ARNs that the auditor " +
			"may read")
	case p.readScope == contract.ReadScopeAccount && len(p.named) > 0:
		return errors.New("--named requires --read-scope named")
	}
	for i, named := range p.named {
		a, _ := arn.Parse(named)
		switch {
		case awsname.IsIAMARN(a) && a.Account == "aws" && a.Kind() == "policy":
			return fmt.Errorf("--named: %s is an AWS managed policy, which is always readable: remove it",
				named)
		case !isNamed(a):
			return fmt.Errorf("--named: %q is not the ARN of a user, role, group or policy, such as "+
				"arn:aws:iam::123456789012:user/ci", named)
		case a.Partition != p.partition:
			return fmt.Errorf("--named: %s is in partition %s: set --partition %s", named, a.Partition,
				a.Partition)
		case p.account != "*" && a.Account != p.account:
			return fmt.Errorf("--named: %s does not belong to account %s", named, p.account)
		case slices.Contains(p.named[:i], named):
			return fmt.Errorf("--named: duplicate %s", named)
		}
		p.account = a.Account
	}
	return nil
}

// policy returns the policy with one statement for each scope. Resources of the stack are
// references, such as ${AlertTopic}.
func (p auditorScope) policy(permissions []contract.Permission) *iampolicy.Document {
	resolve := func(text string) string {
		return os.Expand(text, func(name string) string {
			switch name {
			case "AWS::Partition":
				return p.partition
			case "AWS::AccountId":
				return p.account
			case "MetricNamespace":
				return contract.Namespace
			}
			return "${" + name + "}"
		})
	}
	doc := &iampolicy.Document{Version: iampolicy.Version}
	for _, s := range contract.Statements(p.readScope, permissions) {
		statement := iampolicy.Statement{Sid: s.Sid, Effect: iampolicy.Allow, Action: s.Actions}
		for _, resource := range s.Resources {
			if resource == "${NamedPrincipals}" {
				statement.Resource = append(statement.Resource, p.named...)
			} else {
				statement.Resource = append(statement.Resource, resolve(resource))
			}
		}
		if c := s.Condition; c.Operator != "" {
			statement.Conditions = []iampolicy.Condition{
				{Operator: c.Operator, Key: c.Key, Values: []string{resolve(c.Value)}}}
		}
		doc.Statements = append(doc.Statements, statement)
	}
	return doc
}
