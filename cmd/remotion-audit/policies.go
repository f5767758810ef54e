package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func policiesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policies",
		Short: "Print a policy: user, role or auditor; or what an upgrade changes: diff",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("policies: %q is not known: write user, role, auditor or diff", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			_ = cmd.Help()
			return exitError(exitUnverified)
		},
	}
	cmd.AddCommand(documentCommand(policies.User, "Print the policy of whoever runs Remotion's CLI or SDK"),
		documentCommand(policies.Role, "Print the policy of "+policies.RoleName))
	var account, partition string
	auditor := &cobra.Command{
		Use:   "auditor",
		Short: "Print the policy that `remotion-audit audit` itself needs: it only reads",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !accountNumber.MatchString(account) {
				return fmt.Errorf("--account: %q is not an account's number: twelve digits", account)
			}
			if err := policies.CheckPartition(partition); err != nil {
				return fmt.Errorf("--partition: %w", err)
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(auditorPolicy(partition, account))
		},
	}
	auditor.Flags().StringVar(&account, "account", "*", "the account's number, to narrow the policy to it")
	auditor.Flags().StringVar(&partition, "partition", policies.AWS, partitionUsage)
	cmd.AddCommand(auditor, diffCommand())
	return cmd
}

var partitionUsage = "the partition of AWS: " + strings.Join(policies.Partitions(), " or ")

var accountNumber = regexp.MustCompile(`^(\d{12}|\*)$`)

type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
}

// auditorPolicy grants what contract.ReadPermissions lists, a statement for each scope.
func auditorPolicy(partition, account string) policyDocument {
	arn := "arn:" + partition + ":"
	iam := arn + "iam::" + account + ":"
	resources := map[contract.Scope][]string{
		contract.ScopePrincipals: {iam + "user/*", iam + "role/*"},
		contract.ScopeUsers:      {iam + "user/*"},
		contract.ScopeRoles:      {iam + "role/*"},
		contract.ScopeGroups:     {iam + "group/*"},
		contract.ScopeFunctions:  {arn + "lambda:*:" + account + ":function:*"},
		contract.ScopePolicies:   {iam + "policy/*", arn + "iam::aws:policy/*"},
		contract.ScopeAny:        {"*"},
	}
	doc := policyDocument{Version: "2012-10-17"}
	index := map[contract.Scope]int{}
	for _, p := range contract.ReadPermissions() {
		i, ok := index[p.Scope]
		if !ok {
			i = len(doc.Statement)
			index[p.Scope] = i
			sid := "Read" + strings.ToUpper(string(p.Scope[:1])) + string(p.Scope[1:])
			doc.Statement = append(doc.Statement, policyStatement{Sid: sid, Effect: "Allow", Resource: resources[p.Scope]})
		}
		doc.Statement[i].Action = append(doc.Statement[i].Action, p.Action)
	}
	return doc
}
