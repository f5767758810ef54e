package authz_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/authz"
	emuiam "github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// TestAnOperationWithoutPermissionsIsRefused checks that an operation without permissions in its
// row is refused, so that missing permissions grant nothing.
func TestAnOperationWithoutPermissionsIsRefused(t *testing.T) {
	users, err := emuiam.New(&service.Account{ID: service.DefaultAccount}, emuiam.Data{
		Users: map[string]emuiam.User{"root": {Inline: map[string]string{"all": emutest.AllowAll}}}})
	if err != nil {
		t.Fatal(err)
	}
	root, _ := users.User("root")
	c := &service.Call{Request: wire.Request{Operation: "Do"},
		Service: &service.Definition{Name: "new", Prefix: "new", Denial: "AccessDenied",
			Operations: service.Operations{"Do": {}}},
		Caller: service.Caller{ARN: root.ARN(), Principal: root}}
	if problem := (authz.Guard{Enforce: true}).Authorize(c); problem == nil ||
		!strings.Contains(problem.Message, "is not authorized to perform: new:Do because") {
		t.Errorf("Authorize returns %v", problem)
	}
}

// TestOperationsNeedTheirActionOnTheirResource derives the action and the resource of each
// operation of the Query services, and checks that the operation needs exactly this permission.
func TestOperationsNeedTheirActionOnTheirResource(t *testing.T) {
	const (
		user   = "arn:aws:iam::123456789012:user/bots/ci"
		group  = "arn:aws:iam::123456789012:group/teams/g2"
		role   = "arn:aws:iam::123456789012:role/service-role/remotion-lambda-role"
		policy = "arn:aws:iam::123456789012:policy/p3"
		caller = "arn:aws:iam::123456789012:user/caller"
	)
	params := map[string]string{"UserName": "ci", "GroupName": "g2",
		"RoleName": "remotion-lambda-role", "PolicyArn": policy, "PolicyName": "x",
		"TopicArn": emutest.Alerts, "PolicySourceArn": user,
		"SubscriptionArn": emutest.Alerts + ":1"}
	resources := map[string]string{
		"iam:SimulatePrincipalPolicy": user, "sns:Publish": emutest.Alerts,
		"iam:AddUserToGroup": group, "iam:RemoveUserFromGroup": group, "iam:ListGroupsForUser": user,
		"iam:UpdateAssumeRolePolicy": role,
		"iam:CreateRole":             "arn:aws:iam::123456789012:role/new/made",
		"iam:CreatePolicy":           "arn:aws:iam::123456789012:policy/new/x",
	}
	everywhere := []string{"iam:ListRoles", "iam:ListUsers", "iam:ListAccountAliases",
		"iam:SimulateCustomPolicy"}
	offered := awsemu.Operations()
	for _, svc := range []struct{ name, scope, version, denial string }{
		{"iam", "iam", "2010-05-08", "AccessDenied"},
		{"sns", "sns", "2010-03-31", "AuthorizationError"},
	} {
		for _, operation := range offered[svc.name] {
			action := svc.name + ":" + operation
			resource := resources[action]
			switch {
			case resource != "":
			case strings.Contains(strings.ToLower(operation), "subscri"):
				resource = emutest.Alerts
			case slices.Contains(everywhere, action):
				resource = "*"
			case strings.Contains(operation, "User"):
				resource = user
			case strings.Contains(operation, "Group"):
				resource = group
			case strings.Contains(operation, "Role"):
				resource = role
			default:
				resource = policy
			}
			t.Run(action, func(t *testing.T) {
				params := maps.Clone(params)
				if created := resources[action]; strings.HasPrefix(operation, "Create") && created != "" {
					params["Path"], params["RoleName"] = "/new/", "made"
				}
				codeUnder := func(document string, params map[string]string) string {
					srv := &awsemu.Server{Account: emutest.CallerWith(document), EnforceIAM: true,
						Now: emutest.AtNoon}
					sent := map[string]string{"Action": operation, "Version": svc.version}
					maps.Copy(sent, params)
					emutest.PostAs(t, emutest.Listen(t, srv), emutest.UserKey, svc.scope, sent)
					return srv.Calls()[0].Code
				}
				granted := emutest.DocumentOf(fmt.Sprintf(`{"Effect":"Allow","Action":"%s","Resource":"%s"}`, action,
					resource))
				if code := codeUnder(granted, params); code == svc.denial {
					t.Errorf("refused under\n%s", granted)
				}
				others := emutest.DocumentOf(
					fmt.Sprintf(`{"Effect":"Allow","NotAction":"%s","Resource":"*"}`, action),
					fmt.Sprintf(`{"Effect":"Allow","Action":"%s","Resource":"%s-not"}`, action, resource))
				if code := codeUnder(others, params); code != svc.denial {
					t.Errorf("%q under\n%s", code, others)
				}
			})
		}
	}
	t.Run("GetUser without a name needs the permission for the caller", func(t *testing.T) {
		srv := &awsemu.Server{
			Account: emutest.CallerWith(emutest.DocumentOf(`{"Effect":"Allow","Action":"iam:GetUser","Resource":"` + caller +
				`"}`)), EnforceIAM: true}
		if _, err := emutest.Dial(t, emutest.Listen(t, srv), emutest.UserKey).IAM.GetUser(t.Context(),
			&iam.GetUserInput{}); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusalsNameTheLayer(t *testing.T) {
	const (
		who         = "User: arn:aws:iam::123456789012:user/caller is not authorized to perform: "
		getRole     = who + "iam:GetRole on resource: arn:aws:iam::123456789012:role/r2 "
		denyGetRole = `{"Effect":"Deny","Action":"iam:GetRole","Resource":"*"}`
		allowOthers = `{"Effect":"Allow","NotAction":"iam:GetRole","Resource":"*"}`
	)
	tests := []struct {
		name, inline, boundary string
		organization           awsemu.Organization
		want                   string
	}{
		{"no policy of the user allows the action", emutest.DocumentOf(emutest.AllowS3), "", nil,
			"because no identity-based policy allows the iam:GetRole action"},
		{"a policy of the user denies the action", emutest.DocumentOf(emutest.AllowAny, denyGetRole), "", nil,
			"with an explicit deny in an identity-based policy"},
		{"the boundary does not allow the action", emutest.AllowAll, emutest.DocumentOf(allowOthers), nil,
			"because no permissions boundary allows the iam:GetRole action"},
		{"the boundary denies the action", emutest.AllowAll, emutest.DocumentOf(emutest.AllowAny, denyGetRole), nil,
			"with an explicit deny in a permissions boundary"},
		{"the organization does not allow the action", emutest.AllowAll, "",
			awsemu.Organization{{awsemu.FullAWSAccess}, {emutest.DocumentOf(allowOthers)}},
			"because no service control policy allows the iam:GetRole action"},
		{"the organization denies the action", emutest.AllowAll, "",
			awsemu.Organization{{awsemu.FullAWSAccess, emutest.DocumentOf(denyGetRole)}},
			"with an explicit deny in a service control policy"},
		{"a deny takes precedence over a missing allow", emutest.DocumentOf(emutest.AllowAny, denyGetRole), "",
			awsemu.Organization{{emutest.DocumentOf(allowOthers)}},
			"with an explicit deny in an identity-based policy"},
		{"all layers allow", emutest.AllowAll, "", awsemu.Organization{{awsemu.FullAWSAccess}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := emutest.CallerWith(tt.inline)
			a.ServiceControlPolicies = tt.organization
			if tt.boundary != "" {
				a.Policies = map[string]awsemu.ManagedPolicy{"bound": {Document: tt.boundary}}
				a.Users = map[string]awsemu.User{"caller": {AccessKeys: []string{emutest.UserKey},
					Inline: map[string]string{"own": tt.inline}, Boundary: "bound"}}
				a.Groups, a.Roles = nil, map[string]awsemu.Role{"r2": {}}
			}
			_, err := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: a, EnforceIAM: true}),
				emutest.UserKey).IAM.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r2")})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			emutest.WantError(t, err, "AccessDenied", getRole+tt.want)
		})
	}
	t.Run("each service has its own wording", func(t *testing.T) {
		c := emutest.Dial(t, emutest.Listen(t, &awsemu.Server{Account: emutest.CallerWith(
			emutest.DocumentOf(emutest.AllowS3)), EnforceIAM: true}),
			emutest.UserKey)
		_, err := c.SNS.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(emutest.Alerts),
			Message: aws.String("x")})
		emutest.WantError(t, err, "AuthorizationError",
			who+"SNS:Publish on resource: "+emutest.Alerts+
				" because no identity-based policy allows the SNS:Publish action")
		_, err = c.CloudWatch.PutMetricData(t.Context(), emutest.OneMetric("N"))
		emutest.WantError(t, err, "AccessDenied",
			who+"cloudwatch:PutMetricData because no identity-based policy allows the "+
				"cloudwatch:PutMetricData action")
		if _, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Errorf("GetCallerIdentity needs no permission: %v", err)
		}
	})
}

// TestEnforcementEvaluatesConditions checks conditions on keys of the caller, of the request and of
// the service.
func TestEnforcementEvaluatesConditions(t *testing.T) {
	grant := func(action, condition string) string {
		return emutest.DocumentOf(`{"Effect":"Allow","Action":"` + action + `","Resource":"*","Condition":{` +
			condition + `}}`)
	}
	putMetrics := func(c emutest.Clients) error {
		_, err := c.CloudWatch.PutMetricData(t.Context(), emutest.OneMetric("RemotionAudit"))
		return err
	}
	attach := func(c emutest.Clients) error {
		_, err := c.IAM.AttachUserPolicy(t.Context(),
			&iam.AttachUserPolicyInput{UserName: aws.String("caller"),
				PolicyArn: emutest.ARNOf("policy/p3")})
		return err
	}
	tests := []struct {
		name, document string
		call           func(emutest.Clients) error
		allowed        bool
	}{
		{"the namespace of the metrics matches",
			grant("cloudwatch:PutMetricData", `"StringEquals":{"cloudwatch:namespace":"RemotionAudit"}`),
			putMetrics, true},
		{"another namespace does not match",
			grant("cloudwatch:PutMetricData", `"StringEquals":{"cloudwatch:namespace":"Other"}`), putMetrics,
			false},
		{"the region matches",
			grant("cloudwatch:*", `"StringEquals":{"aws:RequestedRegion":"us-east-1"}`), putMetrics, true},
		{"the user matches",
			grant("cloudwatch:*",
				`"StringEquals":{"aws:username":"caller","aws:PrincipalType":"User"},"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:user/caller"}`), putMetrics, true},
		{"the tag of the user matches",
			grant("cloudwatch:*", `"StringEquals":{"aws:PrincipalTag/team":"video"}`), putMetrics, true},
		{"another tag does not match",
			grant("cloudwatch:*", `"StringEquals":{"aws:PrincipalTag/team":"sound"}`), putMetrics, false},
		{"a TLS request without a calling service matches",
			grant("cloudwatch:*",
				`"Bool":{"aws:SecureTransport":true,"aws:ViaAWSService":false,"aws:PrincipalIsAWSService":false}`), putMetrics, true},
		{"the time matches",
			grant("cloudwatch:*",
				`"DateGreaterThan":{"aws:CurrentTime":"`+wire.Stamp(emutest.Noon.AddDate(0, 0, -1))+
					`"},"DateLessThan":{"aws:EpochTime":"`+wire.Stamp(emutest.Noon.AddDate(0, 0, 1))+`"}`), putMetrics, true},
		{"the ARN of the attached policy matches",
			grant("iam:AttachUserPolicy",
				`"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::123456789012:policy/p3"}`), attach, true},
		{"a missing boundary does not match",
			grant("iam:AttachUserPolicy", `"ArnLike":{"iam:PermissionsBoundary":"*"}`), attach, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(emutest.Dial(t,
				emutest.Listen(t, &awsemu.Server{Account: emutest.CallerWith(tt.document), EnforceIAM: true,
					Now: emutest.AtNoon}), emutest.UserKey))
			if tt.allowed && err != nil {
				t.Error(err)
			}
			if !tt.allowed {
				emutest.WantError(t, err, "AccessDenied", "")
			}
		})
	}
}

func TestTheAdministratorIsNeverRefused(t *testing.T) {
	a := emutest.CallerWith(emutest.DocumentOf(emutest.AllowS3))
	a.ServiceControlPolicies = awsemu.Organization{{emutest.DocumentOf(emutest.DenyRead)}}
	// A user with the administrator's name is an ordinary user.
	a.Users["administrator"] = awsemu.User{AccessKeys: []string{"AKIAUSERADMIN000"}}
	url := emutest.Listen(t, &awsemu.Server{Account: a, EnforceIAM: true})
	listRoles := func(key string) error {
		_, err := emutest.Dial(t, url, key).IAM.ListRoles(t.Context(), &iam.ListRolesInput{})
		return err
	}
	if err := listRoles(emutest.AnyKey); err != nil {
		t.Error(err)
	}
	emutest.WantError(t, listRoles("AKIAUSERADMIN000"), "AccessDenied", "")
	if _, err := emutest.Dial(t, url, emutest.AnyKey).STS.AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: emutest.ARNOf("role/r2"),
			RoleSessionName: aws.String("admin")}); err != nil {
		t.Error(err)
	}
}
