package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func explainCommand() *cobra.Command {
	var request requestOptions
	var errorText errorOptions
	cmd := &cobra.Command{
		Use:   "explain ACTION [RESOURCE] | --error TEXT",
		Short: "Explain why a request is allowed or denied, or an error message",
		Long: `Derive the decision on one request, layer by layer: the policy documents, the
statements that decide, those that come close and why they do not apply, the boundary,
the service control policies, and the answer of AWS's policy simulator. The command also
says whether Remotion needs the request, and how to fix a gap.

ACTION is one action such as s3:GetObject. RESOURCE is an ARN, or a pattern of ARNs.
Without it, the command derives the resource that Remotion needs; of several, it derives
the worst and lists the others.

The command reads the account as audit does, and changes nothing. Without --target it
explains the render roles for an action of Remotion's role policy, and the callers for
an action of the user policy. --target takes any user or role of the account.

With --policy and --for it reads policy files instead of an account, and needs no
credentials.

With --error, or with a text on standard input and no ACTION, it explains an error: who was
denied what, on which resource, by which type of policy, what it means for Remotion, and
what to add. That needs no credentials. Only an encoded authorization message is sent to
AWS to be decoded, unless --decode=false is set. With --verify, it then derives the decision
on the denied request from the account of the credentials.

Exit status: 0 the request is allowed, 1 it is not, 2 unverified or an error. With
--error and without --verify: 0 the error is explained, 2 it has no known form.`,
		Example: `  remotion-audit explain s3:GetObject
  remotion-audit explain s3:PutObject arn:aws:s3:::my-bucket/out.mp4 --target user/ci
  remotion-audit explain iam:PassRole --for user --policy user.json --account 123456789012
  npx remotion lambda render testbed 2>&1 | remotion-audit explain`,
		Annotations: map[string]string{lostKey: lostReport},
		Args:        cobra.ArbitraryArgs, // RunE checks them, after the check for empty flags
		RunE: func(cmd *cobra.Command, args []string) error {
			switch explainsError := errorText.reads(cmd, args); {
			case explainsError && len(args) > 0:
				return errors.New("explain: --error and ACTION exclude each other: give one of them")
			case explainsError:
				return runExplainError(cmd, errorText, request)
			case len(args) == 0:
				return errors.New("explain: ACTION is missing: give an action such as s3:GetObject, or an " +
					"error message with --error TEXT")
			}
			if err := request.checkArgs(cmd, args); err != nil {
				return err
			}
			return runExplainRequest(cmd, request, args)
		},
	}
	request.register(cmd)
	errorText.register(cmd)
	return cmd
}
