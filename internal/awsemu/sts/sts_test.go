package sts_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	emusts "github.com/remotion-audit/remotion-audit/internal/awsemu/sts"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestTheAccessKeyIdentifiesTheCaller(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{Account: emutest.Video()})
	session, err := emutest.Dial(t, url, emutest.AnyKey).STS.AssumeRole(t.Context(),
		&sts.AssumeRoleInput{
			RoleArn: emutest.ARNOf("role/service-role/remotion-lambda-role"), RoleSessionName: aws.String("render"),
		})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *session.AssumedRoleUser.Arn,
		"arn:aws:sts::123456789012:assumed-role/remotion-lambda-role/render"; got != want {
		t.Errorf("session %s, want %s, without the path", got, want)
	}
	tests := []struct{ name, key, arn string }{
		{"a user's key identifies the user", "AKIACI0000000000",
			"arn:aws:iam::123456789012:user/bots/ci"},
		{"a session's key identifies the session", *session.Credentials.AccessKeyId,
			"arn:aws:sts::123456789012:assumed-role/remotion-lambda-role/render"},
		{"any other key identifies the administrator", "AKIASOMETHINGELSE",
			"arn:aws:iam::123456789012:user/administrator"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := emutest.Dial(t, url, tt.key).STS.GetCallerIdentity(t.Context(),
				&sts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			if *out.Arn != tt.arn || *out.Account != "123456789012" || *out.UserId == "" {
				t.Errorf("got %s %s %s, want %s", *out.Arn, *out.Account, *out.UserId, tt.arn)
			}
		})
	}
	_, err = emutest.Dial(t, url, *session.Credentials.AccessKeyId).IAM.GetUser(t.Context(),
		&iam.GetUserInput{})
	emutest.WantError(t, err, "ValidationError",
		"Must specify userName when calling with non-User credentials")
}

func TestAssumeRoleDoesNotRevealWhetherARoleExists(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).STS
	tests := []struct{ name, arn, session, code string }{
		{"a role that does not exist", "arn:aws:iam::123456789012:role/none", "render", "AccessDenied"},
		{"a role without its path", "arn:aws:iam::123456789012:role/remotion-lambda-role", "render",
			"AccessDenied"},
		{"a user", "arn:aws:iam::123456789012:user/bots/ci", "render", "ValidationError"},
		{"a session name that is too short", "arn:aws:iam::123456789012:role/r2", "x", "ValidationError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.AssumeRole(t.Context(),
				&sts.AssumeRoleInput{RoleArn: &tt.arn, RoleSessionName: &tt.session})
			emutest.WantError(t, err, tt.code, "")
		})
	}
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	const decoded = `{"allowed":false,"explicitDeny":false}`
	srv := &awsemu.Server{EnforceIAM: true, Account: emutest.CallerWith(emutest.DocumentOf(
		`{"Effect":"Allow","Action":"sts:DecodeAuthorizationMessage","Resource":"*"}`))}
	url := emutest.Listen(t, srv)
	c := emutest.Dial(t, url, emutest.UserKey).STS
	decode := func(c *sts.Client, encoded string) (string, error) {
		out, err := c.DecodeAuthorizationMessage(t.Context(),
			&sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
		if err != nil {
			return "", err
		}
		return *out.DecodedMessage, nil
	}
	if got, err := decode(c, emusts.EncodeMessage(decoded)); err != nil || got != decoded {
		t.Errorf("got %s, %v", got, err)
	}
	for _, invalid := range []string{"not base64!", emusts.EncodeMessage("no JSON")} {
		_, err := decode(c, invalid)
		emutest.WantError(t, err, "InvalidAuthorizationMessageException", "Message is not valid")
	}
	_, err := decode(c, strings.Repeat("A", 10241))
	emutest.WantError(t, err, "ValidationError", "")
	denied := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{EnforceIAM: true,
		Account: emutest.CallerWith(emutest.DocumentOf(emutest.AllowS3))}), emutest.UserKey).STS
	_, err = decode(denied, emusts.EncodeMessage(decoded))
	emutest.WantError(t, err, "AccessDenied", "")
}

func TestOtherPartitionsAndAccounts(t *testing.T) {
	c := emutest.Connect(t,
		&awsemu.Server{Account: &awsemu.Account{ID: "000000000042", Partition: "aws-cn",
			Roles: map[string]awsemu.Role{"r": {}}}})
	out, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *out.Arn != "arn:aws-cn:iam::000000000042:user/administrator" {
		t.Errorf("caller %v, %v", aws.ToString(out.Arn), err)
	}
	role, err := c.IAM.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r")})
	if err != nil || *role.Role.Arn != "arn:aws-cn:iam::000000000042:role/r" {
		t.Errorf("role %+v, %v", role, err)
	}
}
