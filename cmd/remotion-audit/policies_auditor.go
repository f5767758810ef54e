package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// An auditorPlace is what narrows the auditor's own policy.
type auditorPlace struct {
	partition, account string
	readScope          string
	// named are the ARNs that may be read with ReadScopeNamed.
	named []string
}

func auditorCommand() *cobra.Command {
	var place auditorPlace
	var function bool
	cmd := &cobra.Command{
		Use:   "auditor",
		Short: "Print the policy that the auditor itself needs: of what it audits it only reads",
		Long: `Print the policy that the auditor itself needs: of what it audits it only reads.

Without --function it is that of ` + "`remotion-audit audit`" +
			`. With it, it is the complete policy of the role of the Lambda function, as
template.yaml and the CDK construct make it; what a stack makes has the name it has there, as ${AlertTopic}: write your own.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := place.check(); err != nil {
				return err
			}
			permissions := contract.ReadPermissions()
			if function {
				permissions = slices.Concat(permissions, contract.FunctionPermissions(),
					contract.OnBehalfPermissions())
			}
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(place.policy(permissions))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&place.account, "account", "*", "the account's number, to narrow the policy to it")
	flags.StringVar(&place.partition, "partition", policies.AWS, partitionUsage)
	flags.StringVar(&place.readScope, "read-scope", contract.ReadScopeAccount,
		"account: whatever the account has; named: what --named lists, and nothing is discovered")
	flags.StringSliceVar(&place.named, "named", nil,
		"with --read-scope named: ARNs of callers, render roles, the users' groups and the managed "+
			"policies of all of them, with commas")
	flags.BoolVar(&function, "function", false,
		"what the function's role needs, which tells and remembers as well")
	return cmd
}

var (
	namedARN = regexp.MustCompile(
		`^arn:(aws[a-z-]*):iam::(\d{12}):(?:user|role|group|policy)/(?:[\w+=.@-]+/)*[\w+=.@-]+$`)
	ofAWSItem = regexp.MustCompile(`^arn:aws[a-z-]*:iam::aws:policy/`)
)

// check refuses flags that make no policy, or one that grants something else than was meant. The
// account is that of what is named, if nothing else says it.
func (p *auditorPlace) check() error {
	if !accountNumber.MatchString(p.account) {
		return fmt.Errorf("--account: %q is not an account's number: twelve digits", p.account)
	}
	if err := policies.ValidatePartition(p.partition); err != nil {
		return fmt.Errorf("--partition: %w", err)
	}
	switch {
	case p.readScope != contract.ReadScopeAccount && p.readScope != contract.ReadScopeNamed:
		return fmt.Errorf("--read-scope: %q is not a scope: write %s, or %s", p.readScope,
			contract.ReadScopeAccount, contract.ReadScopeNamed)
	case p.readScope == contract.ReadScopeNamed && len(p.named) == 0:
		return fmt.Errorf("--named: names nobody: --read-scope named needs the ARNs of whom the " +
			"auditor may read")
	case p.readScope == contract.ReadScopeAccount && len(p.named) > 0:
		return fmt.Errorf("--named: narrows nothing with --read-scope account: write --read-scope named")
	}
	for i, arn := range p.named {
		m := namedARN.FindStringSubmatch(arn)
		switch {
		case ofAWSItem.MatchString(arn):
			return fmt.Errorf("--named: %s is AWS's own, and may be read without being named", arn)
		case m == nil:
			return fmt.Errorf("--named: %q is not the ARN of a user, role, group or policy, such as "+
				"arn:aws:iam::123456789012:user/ci", arn)
		case m[1] != p.partition:
			return fmt.Errorf("--named: %s is of partition %s: write --partition %s", arn, m[1], m[1])
		case p.account != "*" && m[2] != p.account:
			return fmt.Errorf("--named: %s is not of account %s", arn, p.account)
		case slices.Contains(p.named[:i], arn):
			return fmt.Errorf("--named: %s is there twice", arn)
		}
		p.account = m[2]
	}
	return nil
}

type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string]string `json:",omitempty"`
}

// policy grants permissions, a statement for each scope. It is template.yaml's, whose resources it
// names as a template does, and a test holds it to that.
func (p auditorPlace) policy(permissions []contract.Permission) policyDocument {
	arn := "arn:" + p.partition + ":"
	every := func(kind string) string { return arn + "iam::" + p.account + ":" + kind + "/*" }
	ofAWS := arn + "iam::aws:policy/*"
	const bucket = "s3:::${EvidenceBucket}"
	state := arn + bucket + "/state/" + p.account + "/*"
	resources := map[contract.Scope][]string{
		contract.ScopeNamed:          append(slices.Clone(p.named), ofAWS),
		contract.ScopePrincipals:     {every("user"), every("role")},
		contract.ScopeUsers:          {every("user")},
		contract.ScopeGroups:         {every("group")},
		contract.ScopeRoles:          {every("role")},
		contract.ScopeAny:            {"*"},
		contract.ScopeFunctions:      {arn + "lambda:*:" + p.account + ":function:*"},
		contract.ScopePolicies:       {every("policy"), ofAWS},
		contract.ScopeEvidence:       {arn + bucket},
		contract.ScopeEvidenceReads:  {state, arn + bucket + "/mutes.yaml"},
		contract.ScopeEvidenceWrites: {state, arn + bucket + "/reports/*"},
		contract.ScopeTopic:          {"${AlertTopic}"},
		contract.ScopeNamespace:      {"*"},
		contract.ScopeLog:            {"${AuditLogGroup.Arn}"},
		contract.ScopeFailureQueue:   {"${FailureQueue.Arn}"},
		contract.ScopeChangeQueue:    {"${ChangeQueue.Arn}"},
		contract.ScopeTopicKey:       {"${AlertTopicKey.Arn}"},
	}
	conditions := map[contract.Scope]map[string]map[string]string{
		contract.ScopeNamespace: {"StringEquals": {"cloudwatch:namespace": contract.Namespace}},
		contract.ScopeTopicKey:  {"StringLike": {"kms:ViaService": "sns.${AWS::Region}.amazonaws.com*"}},
	}
	doc := policyDocument{Version: "2012-10-17"}
	for _, s := range contract.Statements(p.readScope, permissions) {
		doc.Statement = append(doc.Statement, policyStatement{
			Sid: s.Sid, Effect: "Allow", Action: s.Actions, Resource: resources[s.Scope],
			Condition: conditions[s.Scope],
		})
	}
	return doc
}
