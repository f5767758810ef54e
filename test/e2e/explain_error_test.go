package e2e

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/sts"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// decodedMessage is the JSON of AWS for a denied request.
const decodedMessage = `{"allowed":false,"explicitDeny":true,"matchedStatements":{"items":[` +
	`{"statementId":"NoNetwork","effect":"DENY"}]},"failures":{"items":[]},"context":{"principal":{` +
	`"id":"AROAEXAMPLE:ci","arn":"arn:aws:sts::123456789012:assumed-role/deploy/ci"},` +
	`"action":"ec2:CreateNetworkInterface","resource":` +
	`"arn:aws:ec2:us-east-1:123456789012:subnet/subnet-1","conditions":{"items":[]}}}`

// TestExplainErrorDecodesMessages runs the command against the embedded AWS.
func TestExplainErrorDecodesMessages(t *testing.T) {
	t.Parallel()
	const denied = "An error occurred (UnauthorizedOperation) when calling the CreateFunction " +
		"operation: You are not authorized to perform this operation. Encoded authorization failure " +
		"message: "
	endpoint := func(document string) string {
		return emutest.Listen(t, &awsemu.Server{EnforceIAM: true,
			Account: emutest.CallerWith(emutest.DocumentOf(document))})
	}
	may := endpoint(`{"Effect":"Allow","Action":"sts:DecodeAuthorizationMessage","Resource":"*"}`)
	mayNot := endpoint(emutest.AllowS3)
	environment := func(url string) []string {
		return []string{"AWS_ENDPOINT_URL=" + url, "AWS_ACCESS_KEY_ID=" + emutest.UserKey,
			"AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
	}
	encoded := denied + sts.EncodeMessage(decodedMessage)
	const command = "aws sts decode-authorization-message --encoded-message "
	tests := []struct {
		name, text string
		env, args  []string
		want, not  []string
	}{
		{"credentials that may decode", encoded, environment(may), nil,
			[]string{"ACCESS DENIED  ec2:CreateNetworkInterface", "Target         role/deploy",
				"explicit deny", "Statement      NoNetwork", "decoded authorization message",
				"explain ec2:CreateNetworkInterface arn:aws:ec2:us-east-1:123456789012:subnet/subnet-1 " +
					"--target role/deploy"}, []string{command}},
		{"credentials that may not decode", encoded, environment(mayNot), nil,
			[]string{"encoded authorization message", command,
				"the credentials may not use sts:DecodeAuthorizationMessage"}, nil},
		{"a message of another account", denied + strings.Repeat("A", 60), environment(may), nil,
			[]string{command, "AWS does not accept the message"}, nil},
		{"no credentials", encoded, []string{"AWS_EC2_METADATA_DISABLED=true", "AWS_REGION=us-east-1"}, nil,
			[]string{command, "there are no credentials"}, nil},
		{"--decode=false", encoded, environment(may), []string{"--decode=false"},
			[]string{command}, []string{"is not decoded"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, status := runExplainError(t, tt.env, tt.text, tt.args...)
			if status != 0 {
				t.Errorf("exit status %d, want 0", status)
			}
			plain := strings.Join(strings.Fields(out), " ")
			for _, want := range tt.want {
				if !strings.Contains(plain, strings.Join(strings.Fields(want), " ")) {
					t.Errorf("missing %q in\n%s", want, out)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(out, not) {
					t.Errorf("%q in\n%s", not, out)
				}
			}
		})
	}
}

// TestExplainErrorVerifiesTheAccount derives the decision on a denied request from the account.
func TestExplainErrorVerifiesTheAccount(t *testing.T) {
	t.Parallel()
	const denied = `User: arn:aws:iam::123456789012:user/remotion-user is not authorized to perform: ` +
		`s3:PutBucketPolicy on resource: "arn:aws:s3:::remotionlambda-useast1-abc" because no ` +
		`identity-based policy allows the s3:PutBucketPolicy action`
	env := serve(t)
	out, status := runExplainError(t, env, denied, "--verify")
	for _, want := range []string{"ACCESS DENIED  s3:PutBucketPolicy", "THE ACCOUNT",
		"MISSING  s3:PutBucketPolicy is not allowed for user/remotion-user"} {
		if status != 1 || !strings.Contains(out, want) {
			t.Errorf("status %d, want 1 and %q in\n%s", status, want, out)
		}
	}
	out, status = runExplainError(t, env, strings.ReplaceAll(denied, "123456789012", "999999999999"),
		"--verify")
	if status != 2 || !strings.Contains(out, "use credentials of account 999999999999") {
		t.Errorf("status %d, want 2 and the accounts in\n%s", status, out)
	}
}

// runExplainError runs explain with a text on standard input.
func runExplainError(t *testing.T, env []string, text string, args ...string) (string, int) {
	t.Helper()
	var out, diagnostics bytes.Buffer
	cmd := exec.Command(command, append([]string{"explain", "--no-env-file"}, args...)...)
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(text), &out, &diagnostics
	err := cmd.Run()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return out.String() + diagnostics.String(), status.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), 0
}
