package awsemu

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

func TestEveryOperationHasPermissions(t *testing.T) {
	for _, svc := range services {
		for operation := range svc.operations {
			if _, known := svc.permissions[operation]; !known {
				t.Errorf("%s offers %s, but has no permissions for this operation", svc.name,
					operation)
			}
		}
		for operation := range svc.permissions {
			if svc.operations[operation] == nil {
				t.Errorf("%s has permissions for %s, but does not offer this operation", svc.name, operation)
			}
		}
	}
}

// TestAnOperationWithoutPermissionsIsRefused checks that an operation without an entry in
// permissions is refused, so that a missing entry grants nothing.
func TestAnOperationWithoutPermissionsIsRefused(t *testing.T) {
	user := User{Inline: map[string]string{"all": allowAll}}
	st, err := newStore(&Account{Users: map[string]User{"root": user}})
	if err != nil {
		t.Fatal(err)
	}
	svc := &service{name: "new", prefix: "new", denial: "AccessDenied"}
	c := &call{Server: &Server{EnforceIAM: true, store: st},
		request: request{Request: wire.Request{Operation: "Do"}, service: svc},
		caller:  st.identityOf(st.entities[kindUser]["root"])}
	if problem := c.authorize(); problem == nil ||
		!strings.Contains(problem.Message, "is not authorized to perform: new:Do because") {
		t.Errorf("authorize returns %v", problem)
	}
}

// callerWith returns an account with the user caller, which has the key userKey and one policy.
func callerWith(document string) *Account {
	a := video()
	a.Topics = []string{"alerts"}
	a.Users["caller"] = User{AccessKeys: []string{userKey}, Inline: map[string]string{"own": document}}
	return a
}

const userKey = "AKIACALLER000000"

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
		"TopicArn": alerts, "Name": "new", "Path": "/p/", "PolicySourceArn": user,
		"SubscriptionArn": alerts + ":1", "RoleArn": role, "RoleSessionName": "render", "Namespace": "N"}
	resources := map[string]string{
		"iam:CreatePolicy": "arn:aws:iam::123456789012:policy/p/x", "iam:SimulatePrincipalPolicy": user,
		"sns:CreateTopic": "arn:aws:sns:us-east-1:123456789012:new", "sns:GetTopicAttributes": alerts,
		"sns:Publish":        alerts,
		"iam:AddUserToGroup": group, "iam:RemoveUserFromGroup": group, "iam:ListGroupsForUser": user,
		"iam:UpdateAssumeRolePolicy": role,
	}
	everywhere := []string{"iam:ListUsers", "iam:ListGroups", "iam:ListRoles", "iam:ListPolicies",
		"iam:ListAccountAliases", "iam:SimulateCustomPolicy", "sns:ListTopics",
		"cloudwatch:PutMetricData"}
	for _, svc := range []*service{iamService, snsService, cloudwatchService} {
		for _, operation := range slices.Sorted(maps.Keys(svc.operations)) {
			action := svc.name + ":" + operation
			resource := resources[action]
			switch {
			case resource != "":
			case strings.Contains(strings.ToLower(operation), "subscri"):
				resource = alerts
			case slices.Contains(everywhere, action):
				resource = "*"
			case strings.Contains(operation, "User"), strings.Contains(operation, "AccessKey"):
				resource = user
			case strings.Contains(operation, "Group"):
				resource = group
			case strings.Contains(operation, "Role"):
				resource = role
			default:
				resource = policy
			}
			t.Run(action, func(t *testing.T) {
				codeUnder := func(document string, params map[string]string) string {
					srv := &Server{Account: callerWith(document), EnforceIAM: true, Now: atNoon}
					sent := map[string]string{"Action": operation, "Version": svc.version}
					maps.Copy(sent, params)
					postAs(t, listen(t, srv), userKey, svc.scope, sent)
					return srv.Calls()[0].Code
				}
				granted := documentOf(fmt.Sprintf(`{"Effect":"Allow","Action":"%s","Resource":"%s"}`, action,
					resource))
				if code := codeUnder(granted, params); code == svc.denial {
					t.Errorf("refused under\n%s", granted)
				}
				others := documentOf(
					fmt.Sprintf(`{"Effect":"Allow","NotAction":"%s","Resource":"*"}`, action),
					fmt.Sprintf(`{"Effect":"Allow","Action":"%s","Resource":"%s-not"}`, action, resource))
				if code := codeUnder(others, params); code != svc.denial {
					t.Errorf("%q under\n%s", code, others)
				}
			})
		}
	}
	t.Run("GetUser without a name needs the permission for the caller", func(t *testing.T) {
		srv := &Server{
			Account: callerWith(documentOf(`{"Effect":"Allow","Action":"iam:GetUser","Resource":"` + caller +
				`"}`)), EnforceIAM: true}
		if _, err := dial(t, listen(t, srv), userKey).iam.GetUser(t.Context(),
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
		organization           Organization
		want                   string
	}{
		{"no policy of the user allows the action", documentOf(allowS3), "", nil,
			"because no identity-based policy allows the iam:GetRole action"},
		{"a policy of the user denies the action", documentOf(allowAny, denyGetRole), "", nil,
			"with an explicit deny in an identity-based policy"},
		{"the boundary does not allow the action", allowAll, documentOf(allowOthers), nil,
			"because no permissions boundary allows the iam:GetRole action"},
		{"the boundary denies the action", allowAll, documentOf(allowAny, denyGetRole), nil,
			"with an explicit deny in a permissions boundary"},
		{"the organization does not allow the action", allowAll, "",
			Organization{{FullAWSAccess}, {documentOf(allowOthers)}},
			"because no service control policy allows the iam:GetRole action"},
		{"the organization denies the action", allowAll, "",
			Organization{{FullAWSAccess, documentOf(denyGetRole)}},
			"with an explicit deny in a service control policy"},
		{"a deny takes precedence over a missing allow", documentOf(allowAny, denyGetRole), "",
			Organization{{documentOf(allowOthers)}}, "with an explicit deny in an identity-based policy"},
		{"all layers allow", allowAll, "", Organization{{FullAWSAccess}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := callerWith(tt.inline)
			a.ServiceControlPolicies = tt.organization
			if tt.boundary != "" {
				a.Policies = map[string]ManagedPolicy{"bound": {Document: tt.boundary}}
				a.Users = map[string]User{"caller": {AccessKeys: []string{userKey},
					Inline: map[string]string{"own": tt.inline}, Boundary: "bound"}}
				a.Groups, a.Roles = nil, map[string]Role{"r2": {}}
			}
			_, err := dial(t, listen(t, &Server{Account: a, EnforceIAM: true}),
				userKey).iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("r2")})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, "AccessDenied", getRole+tt.want)
		})
	}
	t.Run("each service has its own wording", func(t *testing.T) {
		c := dial(t, listen(t, &Server{Account: callerWith(documentOf(allowS3)), EnforceIAM: true}),
			userKey)
		_, err := c.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(alerts),
			Message: aws.String("x")})
		wantError(t, err, "AuthorizationError",
			who+"SNS:Publish on resource: "+alerts+
				" because no identity-based policy allows the SNS:Publish action")
		_, err = c.cw.PutMetricData(t.Context(), datum("N"))
		wantError(t, err, "AccessDenied",
			who+"cloudwatch:PutMetricData because no identity-based policy allows the "+
				"cloudwatch:PutMetricData action")
		if _, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Errorf("GetCallerIdentity needs no permission: %v", err)
		}
	})
}

func datum(namespace string) *cloudwatch.PutMetricDataInput {
	return &cloudwatch.PutMetricDataInput{Namespace: &namespace,
		MetricData: []cwtypes.MetricDatum{{MetricName: aws.String("x"), Value: aws.Float64(1)}}}
}

// TestEnforcementEvaluatesConditions checks conditions on keys of the caller, of the request and of
// the service.
func TestEnforcementEvaluatesConditions(t *testing.T) {
	grant := func(action, condition string) string {
		return documentOf(`{"Effect":"Allow","Action":"` + action + `","Resource":"*","Condition":{` +
			condition + `}}`)
	}
	putMetrics := func(c clients) error {
		_, err := c.cw.PutMetricData(t.Context(), datum("RemotionAudit"))
		return err
	}
	attach := func(c clients) error {
		_, err := c.iam.AttachUserPolicy(t.Context(),
			&iam.AttachUserPolicyInput{UserName: aws.String("caller"), PolicyArn: arnOf("policy/p3")})
		return err
	}
	tests := []struct {
		name, document string
		call           func(clients) error
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
		{"a TLS request without a calling service matches",
			grant("cloudwatch:*",
				`"Bool":{"aws:SecureTransport":true,"aws:ViaAWSService":false,"aws:PrincipalIsAWSService":false}`), putMetrics, true},
		{"the time matches",
			grant("cloudwatch:*",
				`"DateGreaterThan":{"aws:CurrentTime":"`+wire.Stamp(noon.AddDate(0, 0, -1))+
					`"},"DateLessThan":{"aws:EpochTime":"`+wire.Stamp(noon.AddDate(0, 0, 1))+`"}`), putMetrics, true},
		{"the ARN of the attached policy matches",
			grant("iam:AttachUserPolicy",
				`"ArnEquals":{"iam:PolicyARN":"arn:aws:iam::123456789012:policy/p3"}`), attach, true},
		{"a missing boundary does not match",
			grant("iam:AttachUserPolicy", `"ArnLike":{"iam:PermissionsBoundary":"*"}`), attach, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call(dial(t,
				listen(t, &Server{Account: callerWith(tt.document), EnforceIAM: true, Now: atNoon}), userKey))
			if tt.allowed && err != nil {
				t.Error(err)
			}
			if !tt.allowed {
				wantError(t, err, "AccessDenied", "")
			}
		})
	}
}

func TestTheAdministratorIsNeverRefused(t *testing.T) {
	a := callerWith(documentOf(allowS3))
	a.ServiceControlPolicies = Organization{{documentOf(denyRead)}}
	// A user with the administrator's name is an ordinary user.
	a.Users["administrator"] = User{AccessKeys: []string{"AKIAUSERADMIN000"}}
	url := listen(t, &Server{Account: a, EnforceIAM: true})
	listRoles := func(key string) error {
		_, err := dial(t, url, key).iam.ListRoles(t.Context(), &iam.ListRolesInput{})
		return err
	}
	if err := listRoles(anyKey); err != nil {
		t.Error(err)
	}
	wantError(t, listRoles("AKIAUSERADMIN000"), "AccessDenied", "")
	if _, err := dial(t, url, anyKey).sts.AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: arnOf("role/r2"),
			RoleSessionName: aws.String("admin")}); err != nil {
		t.Error(err)
	}
}
