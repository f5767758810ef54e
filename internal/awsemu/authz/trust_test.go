package authz_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// trusting returns a trust policy with one statement. more is appended to the statement.
func trusting(principal, more string) string {
	return emutest.DocumentOf(`{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` +
		more + `}`)
}

func TestAssumeRoleNeedsTheTrustPolicyAndTheCallersPolicies(t *testing.T) {
	const (
		target = "arn:aws:iam::123456789012:role/teams/target"
		plain  = "User: arn:aws:iam::123456789012:user/caller is not authorized to perform: " +
			"sts:AssumeRole on resource: " + target
		account = `{"AWS":"123456789012"}`
		caller  = `{"AWS":"arn:aws:iam::123456789012:user/caller"}`
		assume  = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + target + `"}`
		refuses = `{"Effect":"Deny","Action":"sts:*","Resource":"*"}`
	)
	tests := []struct {
		name, trust, inline string
		set                 func(*awsemu.Account, *sts.AssumeRoleInput)
		want                string // the error message, or empty for success
	}{
		{"the account is trusted, and the caller's policy allows", trusting(account, ""),
			emutest.DocumentOf(assume), nil, ""},
		{"the account is trusted by its root ARN, and the caller's policy allows",
			trusting(`{"AWS":"arn:aws:iam::123456789012:root"}`, ""),
			emutest.DocumentOf(assume), nil, ""},
		{"the account is trusted, and the caller's policy does not allow the action",
			trusting(account, ""),
			emutest.DocumentOf(emutest.AllowS3), nil,
			plain + " because no identity-based policy allows the sts:AssumeRole action"},
		{"the caller is trusted by name, which needs no policy", trusting(caller, ""),
			emutest.DocumentOf(emutest.AllowS3), nil, ""},
		{"all principals are trusted", trusting(`"*"`, ""), emutest.DocumentOf(emutest.AllowS3), nil, ""},
		{"the caller's policy denies the action", trusting(caller, ""),
			emutest.DocumentOf(emutest.AllowAny, refuses), nil,
			plain + " with an explicit deny in an identity-based policy"},
		{"a service control policy denies the action", trusting(caller, ""), emutest.DocumentOf(assume),
			func(a *awsemu.Account, _ *sts.AssumeRoleInput) {
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
					emutest.DocumentOf(refuses)}}
			}, plain + " with an explicit deny in a service control policy"},
		{"another user is trusted", trusting(`{"AWS":"arn:aws:iam::123456789012:user/eve"}`, ""),
			emutest.AllowAll, nil, plain},
		{"another account is trusted", trusting(`{"AWS":"arn:aws:iam::999999999999:root"}`, ""), emutest.AllowAll,
			nil, plain},
		{"a service is trusted", "lambda.amazonaws.com", emutest.AllowAll, nil, plain},
		{"the trust policy denies the caller", emutest.DocumentOf(
			`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`,
			`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:user/caller"},"Action":"sts:*"}`), emutest.AllowAll, nil, plain},
		{"the trust policy denies all principals except the caller", emutest.DocumentOf(
			`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`,
			`{"Effect":"Deny","NotPrincipal":{"AWS":["123456789012","arn:aws:iam::123456789012:user/caller"]},"Action":"sts:*"}`), emutest.AllowAll, nil, ""},
		{"the trust policy allows only other actions",
			emutest.DocumentOf(`{"Effect":"Allow","Principal":{"AWS":"*"},"NotAction":"sts:AssumeRole"}`), emutest.AllowAll,
			nil, plain},
		{"the trust policy does not parse", "{nonsense", emutest.AllowAll, nil, plain},
		{"the external id is missing",
			trusting(caller, `,"Condition":{"StringEquals":{"sts:ExternalId":"s3cret"}}`), emutest.AllowAll, nil,
			plain},
		{"the external id matches",
			trusting(caller,
				`,"Condition":{"StringEquals":{"sts:ExternalId":"s3cret","sts:RoleSessionName":"render"}}`),
			emutest.AllowAll,
			func(_ *awsemu.Account, in *sts.AssumeRoleInput) { in.ExternalId = aws.String("s3cret") }, ""},
		{"the role does not exist", trusting(caller, ""), emutest.AllowAll,
			func(_ *awsemu.Account, in *sts.AssumeRoleInput) {
				in.RoleArn = emutest.ARNOf("role/none")
			}, strings.Replace(plain, target, *emutest.ARNOf("role/none"), 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := emutest.CallerWith(tt.inline)
			a.Roles["target"] = awsemu.Role{Path: "/teams/", Trust: tt.trust}
			in := &sts.AssumeRoleInput{RoleArn: aws.String(target), RoleSessionName: aws.String("render")}
			if tt.set != nil {
				tt.set(a, in)
			}
			_, err := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: a, EnforceIAM: true}),
				emutest.UserKey).STS.AssumeRole(t.Context(), in)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			emutest.WantError(t, err, "AccessDenied", tt.want)
		})
	}
}

// TestASessionHasThePoliciesOfItsRole checks that a session has the policies of its role, and that
// a trust policy can name the role or the session.
func TestASessionHasThePoliciesOfItsRole(t *testing.T) {
	a := &awsemu.Account{Roles: map[string]awsemu.Role{
		"worker": {Path: "/w/",
			Inline: map[string]string{"own": emutest.DocumentOf(`{"Effect":"Allow","Action":"iam:GetRole","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/w/worker"},"Null":{"aws:username":"true"},"StringLike":{"aws:userid":"AROA*:s1"}}}`)}},
		"byRole": {Trust: trusting(`{"AWS":"arn:aws:iam::123456789012:role/w/worker"}`, "")},
		"byName": {Trust: trusting(`{"AWS":"arn:aws:sts::123456789012:assumed-role/worker/s1"}`, "")},
		"other":  {Trust: trusting(`{"AWS":"arn:aws:sts::123456789012:assumed-role/worker/s2"}`, "")},
	}}
	srv := &awsemu.Server{Account: a, EnforceIAM: true}
	url := emutest.Listen(t, srv)
	keys, err := srv.ServiceSession("lambda.amazonaws.com", "worker", "s1")
	if err != nil {
		t.Fatal(err)
	}
	c := emutest.Dial(t, url, keys.AccessKeyID)
	if out, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil ||
		*out.Arn != "arn:aws:sts::123456789012:assumed-role/worker/s1" {
		t.Errorf("caller %+v, %v", out, err)
	}
	if _, err := c.IAM.GetRole(t.Context(),
		&iam.GetRoleInput{RoleName: aws.String("worker")}); err != nil {
		t.Error(err)
	}
	_, err = c.IAM.ListRoles(t.Context(), &iam.ListRolesInput{})
	emutest.WantError(t, err, "AccessDenied",
		"User: arn:aws:sts::123456789012:assumed-role/worker/s1 is not authorized to perform: "+
			"iam:ListRoles on resource: * because no identity-based policy allows the iam:ListRoles action")
	for role, trusted := range map[string]bool{"byRole": true, "byName": true, "other": false} {
		_, err := c.STS.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: emutest.ARNOf("role/" +
			role),
			RoleSessionName: aws.String("next")})
		if (err == nil) != trusted {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestServiceSessionNeedsARoleThatTrustsTheService(t *testing.T) {
	srv := &awsemu.Server{Account: &awsemu.Account{Roles: map[string]awsemu.Role{
		"ec2":    {Trust: "ec2.amazonaws.com"},
		"broken": {Trust: "{"}}}}
	for role, want := range map[string]string{
		"none": "there is no role none: add it to the account",
		"ec2": "role ec2 does not trust lambda.amazonaws.com: let its trust policy allow that " +
			"service sts:AssumeRole",
		"broken": "role broken: trust policy: ",
	} {
		if _, err := srv.ServiceSession("lambda.amazonaws.com", role, "f"); err == nil ||
			!strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", role, err, want)
		}
	}
	if keys, err := srv.ServiceSession("ec2.amazonaws.com", "ec2", "i-1"); err != nil ||
		keys.SecretAccessKey == "" || keys.SessionToken == "" {
		t.Errorf("keys %+v, %v", keys, err)
	}
}
