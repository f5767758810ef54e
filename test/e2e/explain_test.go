package e2e

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestExplainCommand runs `explain ACTION` against the embedded AWS.
func TestExplainCommand(t *testing.T) {
	t.Parallel()
	drifted := serve(t)
	asUser := append(slices.Clone(drifted), "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	schema := schematest.Compile(t, "explain.schema.json")
	tests := []struct {
		name string
		env  []string
		args []string
		exit int
		want []string // in stdout, or in stderr if exit is 2
	}{
		{"a typo has a caret and a fix", drifted, []string{"s3:GetObject", "--callers", "none"}, 1,
			[]string{"MISSING  s3:GetObject is not allowed for role/remotion-lambda-role\n",
				"+   \"arn:aws:s3:::remotionlambda-*\"\n",
				"^ typo: needs remotionlambda-\n",
				"\n  Command       remotion-audit fix --target role/remotion-lambda-role\n",
				"AWS'S SIMULATOR  implicitDeny\n"}},
		{"the action of callers is explained for the principal of the credentials", asUser,
			[]string{"s3:PutBucketPolicy"}, 1,
			[]string{"MISSING  s3:PutBucketPolicy is not allowed for user/remotion-user\n",
				"REMOTION  needs it, severity high\n"}},
		{"a granted action is allowed", asUser, []string{"iam:PassRole", "--target",
			"user/remotion-user"}, 0, []string{"SATISFIED  iam:PassRole is allowed for user/remotion-user\n",
			"AWS'S SIMULATOR  allowed\n", "iam:PassedToService=lambda.amazonaws.com"}},
		{"the trust policy", drifted, []string{"sts:AssumeRole", "--callers", "none"}, 0,
			[]string{"TRUST POLICY  allows the request\n"}},
		{"an action of another service", drifted, []string{"dynamodb:GetItem",
			"arn:aws:dynamodb:us-east-1:123456789012:table/t", "--target", "user/remotion-user"}, 1,
			[]string{"REMOTION  does not need it\n", "no release of Remotion calls it\n",
				"AWS'S SIMULATOR  implicitDeny\n"}},
		{"a principal that is not configured", drifted, []string{"s3:GetObject", "--target", "user/nope",
			"--callers", "none"}, 1, []string{"target-missing: the account has no user of this name"}},
		{"a misspelt action", drifted, []string{"s3:GetObjcet"}, 2,
			[]string{"ACTION: s3:GetObjcet is no action: s3:GetObject?"}},
		{"a pattern of actions", drifted, []string{"s3:*"}, 2, []string{"ACTION must be one action"}},
		{"a resource that is no ARN", drifted, []string{"s3:GetObject", "videos/out.mp4"}, 2,
			[]string{"RESOURCE: ", "is not a resource"}},
		{"an invalid target", drifted, []string{"s3:GetObject", "--target", "ci"}, 2,
			[]string{"--target: "}},
		{"flags of files without files", drifted, []string{"s3:GetObject", "--for", "role"}, 2,
			[]string{"--for needs --policy"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(command, append([]string{"explain"}, test.args...)...)
			cmd.Env = test.env
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run()
			text := out.String()
			if test.exit == 2 {
				text = errs.String()
			}
			if got := cmd.ProcessState.ExitCode(); got != test.exit {
				t.Errorf("exit %d, want %d\n%s\n%s", got, test.exit, out.String(), errs.String())
			}
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if test.exit == 2 {
				return
			}
			cmd = exec.Command(command, append([]string{"explain", "--format", "json"}, test.args...)...)
			cmd.Env = test.env
			data, _ := cmd.Output() // the exit status can be 1
			if err := schematest.Validate(t, schema, data); err != nil {
				t.Error(err)
			}
		})
	}
}
