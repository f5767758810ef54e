package awsemu

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// trusting returns a trust policy with one statement. more is appended to the statement.
func trusting(principal, more string) string {
	return documentOf(`{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"` +
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
		set                 func(*Account, *sts.AssumeRoleInput)
		want                string // the error message, or empty for success
	}{
		{"the account is trusted, and the caller's policy allows", trusting(account, ""),
			documentOf(assume), nil, ""},
		{"the account is trusted by its root ARN, and the caller's policy allows",
			trusting(`{"AWS":"arn:aws:iam::123456789012:root"}`, ""),
			documentOf(assume), nil, ""},
		{"the account is trusted, and the caller's policy does not allow the action",
			trusting(account, ""),
			documentOf(allowS3), nil,
			plain + " because no identity-based policy allows the sts:AssumeRole action"},
		{"the caller is trusted by name, which needs no policy", trusting(caller, ""),
			documentOf(allowS3), nil, ""},
		{"all principals are trusted", trusting(`"*"`, ""), documentOf(allowS3), nil, ""},
		{"the caller's policy denies the action", trusting(caller, ""),
			documentOf(allowAny, refuses), nil,
			plain + " with an explicit deny in an identity-based policy"},
		{"a service control policy denies the action", trusting(caller, ""), documentOf(assume),
			func(a *Account, _ *sts.AssumeRoleInput) {
				a.ServiceControlPolicies = Organization{{FullAWSAccess, documentOf(refuses)}}
			}, plain + " with an explicit deny in a service control policy"},
		{"another user is trusted", trusting(`{"AWS":"arn:aws:iam::123456789012:user/eve"}`, ""),
			allowAll, nil, plain},
		{"another account is trusted", trusting(`{"AWS":"arn:aws:iam::999999999999:root"}`, ""), allowAll,
			nil, plain},
		{"a service is trusted", "lambda.amazonaws.com", allowAll, nil, plain},
		{"the trust policy denies the caller", documentOf(
			`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`,
			`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::123456789012:user/caller"},"Action":"sts:*"}`), allowAll, nil, plain},
		{"the trust policy denies all principals except the caller", documentOf(
			`{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}`,
			`{"Effect":"Deny","NotPrincipal":{"AWS":["123456789012","arn:aws:iam::123456789012:user/caller"]},"Action":"sts:*"}`), allowAll, nil, ""},
		{"the trust policy allows only other actions",
			documentOf(`{"Effect":"Allow","Principal":{"AWS":"*"},"NotAction":"sts:AssumeRole"}`), allowAll,
			nil, plain},
		{"the trust policy does not parse", "{nonsense", allowAll, nil, plain},
		{"the external id is missing",
			trusting(caller, `,"Condition":{"StringEquals":{"sts:ExternalId":"s3cret"}}`), allowAll, nil,
			plain},
		{"the external id matches",
			trusting(caller,
				`,"Condition":{"StringEquals":{"sts:ExternalId":"s3cret","sts:RoleSessionName":"render"}}`),
			allowAll,
			func(_ *Account, in *sts.AssumeRoleInput) { in.ExternalId = aws.String("s3cret") }, ""},
		{"the role does not exist", trusting(caller, ""), allowAll,
			func(_ *Account, in *sts.AssumeRoleInput) {
				in.RoleArn = arnOf("role/none")
			}, strings.Replace(plain, target, *arnOf("role/none"), 1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := callerWith(tt.inline)
			a.Roles["target"] = Role{Path: "/teams/", Trust: tt.trust}
			in := &sts.AssumeRoleInput{RoleArn: aws.String(target), RoleSessionName: aws.String("render")}
			if tt.set != nil {
				tt.set(a, in)
			}
			_, err := dial(t, listen(t, &Server{Account: a, EnforceIAM: true}),
				userKey).sts.AssumeRole(t.Context(), in)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "AccessDenied", tt.want)
		})
	}
}

// TestASessionHasThePoliciesOfItsRole checks that a session has the policies of its role, and that
// a trust policy can name the role or the session.
func TestASessionHasThePoliciesOfItsRole(t *testing.T) {
	a := &Account{Roles: map[string]Role{
		"worker": {Path: "/w/",
			Inline: map[string]string{"own": documentOf(`{"Effect":"Allow","Action":"iam:GetRole","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/w/worker"},"Null":{"aws:username":"true"},"StringLike":{"aws:userid":"AROA*:s1"}}}`)}},
		"byRole": {Trust: trusting(`{"AWS":"arn:aws:iam::123456789012:role/w/worker"}`, "")},
		"byName": {Trust: trusting(`{"AWS":"arn:aws:sts::123456789012:assumed-role/worker/s1"}`, "")},
		"other":  {Trust: trusting(`{"AWS":"arn:aws:sts::123456789012:assumed-role/worker/s2"}`, "")},
	}}
	srv := &Server{Account: a, EnforceIAM: true}
	url := listen(t, srv)
	keys, err := srv.ServiceSession("lambda.amazonaws.com", "worker", "s1")
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, url, keys.AccessKeyID)
	if out, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil ||
		*out.Arn != "arn:aws:sts::123456789012:assumed-role/worker/s1" {
		t.Errorf("caller %+v, %v", out, err)
	}
	if _, err := c.iam.GetRole(t.Context(),
		&iam.GetRoleInput{RoleName: aws.String("worker")}); err != nil {
		t.Error(err)
	}
	_, err = c.iam.ListRoles(t.Context(), &iam.ListRolesInput{})
	wantError(t, err, "AccessDenied",
		"User: arn:aws:sts::123456789012:assumed-role/worker/s1 is not authorized to perform: "+
			"iam:ListRoles on resource: * because no identity-based policy allows the iam:ListRoles action")
	for role, trusted := range map[string]bool{"byRole": true, "byName": true, "other": false} {
		_, err := c.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: arnOf("role/" + role),
			RoleSessionName: aws.String("next")})
		if (err == nil) != trusted {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestServiceSessionNeedsARoleThatTrustsTheService(t *testing.T) {
	srv := &Server{Account: &Account{Roles: map[string]Role{"ec2": {Trust: "ec2.amazonaws.com"},
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

// FuzzTrustStatements checks that trustStatements returns every statement. A lost statement could
// be a Deny.
func FuzzTrustStatements(f *testing.F) {
	f.Add(trusting(`"*"`,
		`,"Condition":{"Bool":{"aws:x-y":[true,1,"<&>"]},"StringEquals":{"aws:a-b":[],"aws:c-d":"é"}}`))
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["*"]},"NotAction":[]}}`)
	f.Add(documentOf(
		`{"Sid":"A","Effect":"Allow","Principal":{"Service":"x"},"Action":["sts:*","a:\u003c"]}`))
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := iampolicy.ParseTrust(text)
		if err != nil {
			return
		}
		got, err := trustStatements(text)
		if err != nil || len(got) != len(doc.Statements) {
			t.Fatalf("%d statements of %d, %v, in\n%s", len(got), len(doc.Statements), err, text)
		}
		for i, s := range doc.Statements {
			if g := got[i].document.Statements; len(g) != 1 || g[0].Effect != s.Effect || g[0].Sid != s.Sid {
				t.Errorf("statement %d differs in\n%s", i+1, text)
			}
		}
	})
}
