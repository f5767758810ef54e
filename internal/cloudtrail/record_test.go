package cloudtrail

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

const (
	account = "123456789012"
	policy  = "arn:aws:iam::123456789012:policy/team/RemotionUser"
	user    = `{"type":"IAMUser","principalId":"AIDACKCEVSQ6C2EXAMPLE","arn":"arn:aws:iam::123456789012:user/bots/ci-deployer","accountId":"123456789012","accessKeyId":"AKIAI44QH8DHBEXAMPLE","userName":"ci-deployer"}`
)

// A call is the variable part of a CloudTrail record of a successful call.
type call struct {
	event, parameters, response string
	// edit maps fields of the record to their JSON. An empty value deletes the field.
	edit map[string]string
}

// record returns the EventBridge event of the call.
func (c call) record() string {
	fields := map[string]string{
		"eventVersion": `"1.11"`, "userIdentity": user, "eventTime": `"2026-11-16T08:57:12Z"`,
		"eventSource": `"iam.amazonaws.com"`, "eventName": `"` + c.event + `"`,
		"awsRegion": `"us-east-1"`, "sourceIPAddress": `"203.0.113.7"`, "userAgent": `"aws-cli/2.31.9"`,
		"requestParameters": cmp.Or(c.parameters, "null"),
		"responseElements":  cmp.Or(c.response, "null"),
		"requestID":         `"5f2c1d0e-7a51-4a8e-9b60-0f4e0d1c2b3a"`,
		"eventID":           `"0c6f5a6e-39c4-4a0b-8f0e-1a2b3c4d5e6f"`,
		"readOnly":          "false", "eventType": `"AwsApiCall"`, "managementEvent": "true",
		"recipientAccountId": `"123456789012"`, "eventCategory": `"Management"`,
		"tlsDetails": `{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"iam.amazonaws.com"}`,
	}
	for key, value := range c.edit {
		fields[key] = value
		if value == "" {
			delete(fields, key)
		}
	}
	var list []string
	for key, value := range fields {
		list = append(list, fmt.Sprintf("%q:%s", key, value))
	}
	return envelope(strings.Join(list, ","))
}

func envelope(detail string) string {
	return `{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"123456789012",` +
		`"time":"2026-11-16T08:57:12Z","region":"us-east-1","resources":[],"detail":{` + detail + `}}`
}

// calls contains a record for each event of contract.ChangeEvents, with the expected entity and
// description.
var calls = map[string]struct {
	call
	kind EntityKind
	name string
	what string
}{
	"AddUserToGroup": {call{parameters: `{"groupName":"renderers","userName":"ci"}`}, User, "ci",
		"on user/ci (group renderers)"},
	"AttachGroupPolicy": {call{parameters: `{"groupName":"renderers","policyArn":"` + policy + `"}`},
		Group, "renderers", "on group/renderers (policy RemotionUser)"},
	"AttachRolePolicy": {call{parameters: `{"roleName":"remotion-lambda-role","policyArn":"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"}`}, Role, "remotion-lambda-role",
		"on role/remotion-lambda-role (policy AWSLambdaBasicExecutionRole)"},
	"AttachUserPolicy": {call{parameters: `{"userName":"ci","policyArn":"` + policy + `"}`}, User,
		"ci", "on user/ci (policy RemotionUser)"},
	"CreatePolicyVersion": {call{parameters: `{"policyArn":"` + policy +
		`","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[]}","setAsDefault":true}`,
		response: `{"policyVersion":{"versionId":"v5","isDefaultVersion":true,"createDate":"Nov 16, 2026 8:57:12 AM"}}`}, Policy, policy, "on policy/RemotionUser (version v5)"},
	"CreateRole": {call{parameters: `{"path":"/","roleName":"remotion-lambda-role","assumeRolePolicyDocument":"{}","permissionsBoundary":"arn:aws:iam::123456789012:policy/Dev","maxSessionDuration":3600}`,
		response: `{"role":{"path":"/","roleName":"remotion-lambda-role","roleId":"AROAEXAMPLE","arn":"arn:aws:iam::123456789012:role/remotion-lambda-role","createDate":"Nov 16, 2026 8:57:12 AM","assumeRolePolicyDocument":"%7B%7D"}}`},
		Role, "remotion-lambda-role", "on role/remotion-lambda-role (boundary Dev)"},
	"CreateUser": {call{parameters: `{"userName":"ci"}`,
		response: `{"user":{"path":"/","userName":"ci","userId":"AIDAEXAMPLE","arn":"arn:aws:iam::123456789012:user/ci","createDate":"Nov 16, 2026 8:57:12 AM"}}`},
		User, "ci", "on user/ci"},
	"DeleteGroupPolicy": {call{parameters: `{"groupName":"renderers","policyName":"remotion"}`}, Group,
		"renderers", "on group/renderers (inline policy remotion)"},
	"DeleteRole": {call{parameters: `{"roleName":"remotion-lambda-role"}`}, Role,
		"remotion-lambda-role", "on role/remotion-lambda-role"},
	"DeleteRolePermissionsBoundary": {call{parameters: `{"roleName":"remotion-lambda-role"}`}, Role,
		"remotion-lambda-role", "on role/remotion-lambda-role"},
	"DeleteRolePolicy":              {call{parameters: `{"roleName":"remotion-lambda-role","policyName":"remotion"}`}, Role, "remotion-lambda-role", "on role/remotion-lambda-role (inline policy remotion)"},
	"DeleteUser":                    {call{parameters: `{"userName":"ci"}`}, User, "ci", "on user/ci"},
	"DeleteUserPermissionsBoundary": {call{parameters: `{"userName":"ci"}`}, User, "ci", "on user/ci"},
	"DeleteUserPolicy": {call{parameters: `{"userName":"ci","policyName":"remotion"}`},
		User, "ci", "on user/ci (inline policy remotion)"},
	"DetachGroupPolicy": {call{parameters: `{"groupName":"renderers","policyArn":"` +
		policy + `"}`}, Group, "renderers", "on group/renderers (policy RemotionUser)"},
	"DetachRolePolicy": {call{parameters: `{"roleName":"remotion-lambda-role","policyArn":"` + policy +
		`"}`}, Role, "remotion-lambda-role", "on role/remotion-lambda-role (policy RemotionUser)"},
	"DetachUserPolicy": {call{parameters: `{"userName":"ci","policyArn":"` + policy +
		`"}`}, User, "ci", "on user/ci (policy RemotionUser)"},
	"PutGroupPolicy":             {call{parameters: `{"groupName":"renderers","policyName":"remotion","policyDocument":"{}"}`}, Group, "renderers", "on group/renderers (inline policy remotion)"},
	"PutRolePermissionsBoundary": {call{parameters: `{"roleName":"remotion-lambda-role","permissionsBoundary":"arn:aws:iam::123456789012:policy/Dev"}`}, Role, "remotion-lambda-role", "on role/remotion-lambda-role (boundary Dev)"},
	"PutRolePolicy":              {call{parameters: `{"roleName":"remotion-lambda-role","policyName":"remotion","policyDocument":"{}"}`}, Role, "remotion-lambda-role", "on role/remotion-lambda-role (inline policy remotion)"},
	"PutUserPermissionsBoundary": {call{parameters: `{"userName":"ci","permissionsBoundary":"arn:aws:iam::123456789012:policy/Dev"}`}, User, "ci", "on user/ci (boundary Dev)"},
	"PutUserPolicy":              {call{parameters: `{"userName":"ci","policyName":"remotion","policyDocument":"{}"}`}, User, "ci", "on user/ci (inline policy remotion)"},
	"RemoveUserFromGroup": {call{parameters: `{"groupName":"renderers","userName":"ci"}`},
		User, "ci", "on user/ci (group renderers)"},
	"SetDefaultPolicyVersion": {call{parameters: `{"policyArn":"` + policy +
		`","versionId":"v3"}`}, Policy, policy, "on policy/RemotionUser (version v3)"},
	"UpdateAssumeRolePolicy": {call{parameters: `{"roleName":"remotion-lambda-role","policyDocument":"{}"}`}, Role, "remotion-lambda-role", "on role/remotion-lambda-role"},
	"UpdateGroup": {call{parameters: `{"groupName":"renderers","newGroupName":"artists"}`},
		Group, "renderers", "on group/renderers (now group/artists)"},
	"UpdateUser": {call{parameters: `{"userName":"ci","newUserName":"ci-old"}`},
		User, "ci", "on user/ci (now user/ci-old)"},
}

func TestReadEveryChange(t *testing.T) {
	for _, event := range contract.ChangeEvents() {
		test, ok := calls[event]
		if !ok {
			t.Errorf("the test has no record of %s", event)
			continue
		}
		test.event = event
		c, changed, err := Read([]byte(test.record()))
		kind, name := c.Entity()
		if err != nil || !changed || kind != test.kind || name != test.name ||
			c.Description() != event+" "+test.what {
			t.Errorf("%s: %v %v, on %s %q: %s; want on %s %q: %s", event, changed, err, kind, name,
				c.Description(), test.kind, test.name, test.what)
		}
		at := time.Date(2026, 11, 16, 8, 57, 12, 0, time.UTC)
		if c.ActorWithAddress() != "user/ci-deployer from 203.0.113.7" || !c.At.Equal(at) ||
			c.Account != account || c.ID != "0c6f5a6e-39c4-4a0b-8f0e-1a2b3c4d5e6f" ||
			c.UserAgent != "aws-cli/2.31.9" {
			t.Errorf("%s: %+v", event, c)
		}
		// A call without parameters is still a change, but its entity has no name.
		test.parameters = ""
		c, changed, err = Read([]byte(test.record()))
		if kind, name := c.Entity(); err != nil || !changed || kind != test.kind || name != "" ||
			!strings.Contains(c.Description(), "on a "+string(kind)+" that the record does not name") {
			t.Errorf("%s without parameters: %v %v %s", event, changed, err, c.Description())
		}
	}
	if len(calls) != len(contract.ChangeEvents()) {
		t.Errorf("%d records for %d events", len(calls), len(contract.ChangeEvents()))
	}
}

func TestReadDropsEventsWithoutChange(t *testing.T) {
	detach := call{event: "DetachUserPolicy", parameters: `{"userName":"ci","policyArn":"` + policy +
		`"}`}
	edited := func(edit map[string]string) string {
		c := detach
		c.edit = edit
		return c.record()
	}
	version := func(parameters, response string) string {
		return call{event: "CreatePolicyVersion", parameters: parameters, response: response}.record()
	}
	for name, test := range map[string]struct {
		event string
		want  bool
	}{
		"a successful call is a change": {detach.record(), true},
		"a denied call is not a change": {edited(map[string]string{"errorCode": `"AccessDenied"`,
			"errorMessage": `"User: … is not authorized"`, "requestParameters": "null"}), false},
		"a call with an error code that is not a string is not a change": {
			edited(map[string]string{"errorCode": `{}`}), false},
		"a call with the error code null is a change": {
			edited(map[string]string{"errorCode": `null`}), true},
		"a call that only reads is not a change": {edited(map[string]string{"eventName": `"GetUser"`}),
			false},
		"a call that changes no permissions is not a change": {
			edited(map[string]string{"eventName": `"CreateAccessKey"`}), false},
		"a call with a name in lower case is not a change": {
			edited(map[string]string{"eventName": `"detachuserpolicy"`}), false},
		"an event of another source is not a change": {
			strings.Replace(detach.record(), `"aws.iam"`, `"aws.s3"`, 1), false},
		"an event of another detail-type is not a change": {strings.Replace(detach.record(),
			"AWS API Call via CloudTrail", "AWS Service Event via CloudTrail", 1), false},
		"a new default version is a change": {
			version(`{"policyArn":"`+policy+`","setAsDefault":true}`, ``), true},
		"a new version that is not the default is not a change": {
			version(`{"policyArn":"`+policy+`","setAsDefault":false}`,
				`{"policyVersion":{"versionId":"v2","isDefaultVersion":false}}`), false},
		"a new version without setAsDefault is not a change": {version(`{"policyArn":"`+policy+`"}`,
			`{"policyVersion":{"versionId":"v2"}}`), false},
		"a new version that is the default in the response is a change": {
			version(`{"policyArn":"`+policy+`"}`,
				`{"policyVersion":{"versionId":"v2","isDefaultVersion":true}}`), true},
		"a new version with omitted parameters is a change": {version(`{"omitted":true}`,
			`{"policyVersion":{"versionId":"v2"}}`), true},
	} {
		if _, changed, err := Read([]byte(test.event)); err != nil || changed != test.want {
			t.Errorf("%s: %v, %v; want %v", name, changed, err, test.want)
		}
	}
}

func TestReadRefusesInvalidEvents(t *testing.T) {
	for event, want := range map[string]string{
		``:                                       "not a JSON object",
		`null`:                                   "not a JSON object",
		`[]`:                                     "not a JSON object",
		`"text"`:                                 "not a JSON object",
		`{}`:                                     `missing key "source"`,
		`{"source":"aws.iam","Detail-Type":"x"}`: `missing key "detail-type"`,
		`{"source":7,"detail-type":"x"}`:         `missing key "source"`,
		envelope(``):                             `missing key "eventName"`,
		envelope(`"eventName":[]`):               `missing key "eventName"`,
		`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":"text"}`: `missing key "eventName"`,
		`{"Type":"Notification","Message":"{}"}`:                                           `missing key "source"`,
		strings.Repeat(`{"source":`,
			20_000): "at most 40 objects and lists may be nested",
		`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":` +
			strings.Repeat("[", 20_000): "at most 40 objects and lists may be nested",
		`{"source":"aws.s3","Source":"aws.iam","detail-type":"x"}`: `duplicate key "Source"`,
		envelope(`"eventName":"DeleteUser","requestParameters":{"userName":"a","username":"b"}`): `duplicate ` +
			`key "username"`,
		envelope(`"eventName":"DeleteUser","x":[` + strings.Repeat("1,", 30_000) + `1]`): "at most 20000 " +
			"elements",
		`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutUserPolicy"}} and text behind`: "not a JSON object",
	} {
		var c IAMChange
		var changed bool
		var err error
		memory.AtMost(t, 1<<20, func() { c, changed, err = Read([]byte(event)) })
		if err == nil || changed ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %+v, %v, %v; want %q", event, c, changed, err, want)
		}
	}
}

// TestActor checks the text for every kind of userIdentity that CloudTrail documents.
func TestActor(t *testing.T) {
	assumed := func(arn, more string) string {
		return `{"type":"AssumedRole","principalId":"AROAEXAMPLE:kim@example.com","arn":"` + arn +
			`","accountId":"123456789012","accessKeyId":"ASIAEXAMPLE"` + more + `}`
	}
	issuer := func(name, more string) string {
		return `,"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::123456789012:role/x/` + name + `","accountId":"123456789012","userName":"` + name +
			`"},"attributes":{"creationDate":"2026-11-16T08:41:03Z","mfaAuthenticated":"true"}` + more + `}`
	}
	for name, test := range map[string]struct{ identity, address, want string }{
		"a user":                {user, "203.0.113.7", "user/ci-deployer from 203.0.113.7"},
		"a user, IPv6":          {user, "2001:db8::1", "user/ci-deployer from 2001:db8::1"},
		"a user in the console": {user, "AWS Internal", "user/ci-deployer from AWS Internal"},
		"a user with only an ARN": {`{"type":"IAMUser","arn":"arn:aws:iam::123456789012:user/bots/ci"}`,
			"", "user/ci"},
		"a user through a service": {strings.TrimSuffix(user, "}") +
			`,"invokedBy":"cloudformation.amazonaws.com"}`, "cloudformation.amazonaws.com",
			"user/ci-deployer through cloudformation.amazonaws.com"},
		"a session": {assumed("arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions",
			issuer("deploy", "")), "198.51.100.2", "role/deploy (session GitHubActions) from 198.51.100.2"},
		"a session without context": {assumed("arn:aws:sts::123456789012:assumed-role/deploy/GitHubActions", ""), "",
			"role/deploy (session GitHubActions)"},
		"a session with a source identity": {assumed("arn:aws:sts::123456789012:assumed-role/deploy/i-0abc",
			issuer("deploy", `,"sourceIdentity":"kim"`)), "",
			"role/deploy (session i-0abc, source identity kim)"},
		"a session of Identity Center": {assumed("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/kim@example.com", issuer("AWSReservedSSO_Admin_0123456789abcdef", "")), "203.0.113.7",
			"role/AWSReservedSSO_Admin_0123456789abcdef (session kim@example.com) from 203.0.113.7"},
		"a session of another account": {strings.Replace(assumed("arn:aws:sts::210987654321:assumed-role/hub/x",
			issuer("hub", "")), `"accountId":"123456789012","accessKeyId"`,
			`"accountId":"210987654321","accessKeyId"`, 1), "",
			"role/hub (session x) of account 210987654321"},
		"the root user": {`{"type":"Root","principalId":"123456789012","arn":"arn:aws:iam::123456789012:root","accountId":"123456789012","accessKeyId":""}`, "203.0.113.9", "the root user from 203.0.113.9"},
		"a service": {`{"type":"AWSService","invokedBy":"sso.amazonaws.com"}`,
			"sso.amazonaws.com", "AWS service sso.amazonaws.com"},
		"a service with only a name": {`{"type":"AWSService","userName":"x"}`, "", "AWS service x"},
		"a federated user":           {`{"type":"FederatedUser","principalId":"123456789012:bob","arn":"arn:aws:sts::123456789012:federated-user/bob","accountId":"123456789012","sessionContext":{"sessionIssuer":{"type":"IAMUser","userName":"broker"}}}`, "203.0.113.7", "federated user bob (of user/broker) from 203.0.113.7"},
		"a SAML user":                {`{"type":"SAMLUser","principalId":"p","userName":"bob","identityProvider":"okta"}`, "", "SAML user bob (of okta)"},
		"a web identity":             {`{"type":"WebIdentityUser","principalId":"accounts.google.com:app:id","identityProvider":"accounts.google.com"}`, "", "web identity accounts.google.com:app:id (of accounts.google.com)"},
		"a user of Identity Center":  {`{"type":"IdentityCenterUser","accountId":"123456789012","onBehalfOf":{"userId":"544894e8-80c1","identityStoreArn":"arn:aws:identitystore::123456789012:identitystore/d-9"},"credentialId":"x"}`, "", "Identity Center user 544894e8-80c1"},
		"an account":                 {`{"type":"AWSAccount","principalId":"AIDAEXAMPLE","accountId":"210987654321"}`, "", "account 210987654321"},
		"an unknown kind":            {`{"type":"Robot","arn":"arn:aws:x"}`, "", "Robot arn:aws:x"},
		"no kind":                    {`{"principalId":"AIDAEXAMPLE"}`, "", "AIDAEXAMPLE"},
		"no fields":                  {`{}`, "", "an unnamed principal"},
		"not an object": {`"text"`, "203.0.113.7",
			"an unnamed principal from 203.0.113.7"},
	} {
		event := call{event: "DeleteUser", parameters: `{"userName":"x"}`,
			edit: map[string]string{"userIdentity": test.identity,
				"sourceIPAddress": `"` + test.address + `"`}}.record()
		if c, changed, err := Read([]byte(event)); err != nil || !changed ||
			c.ActorWithAddress() != test.want {
			t.Errorf("%s: %q, %v, %v; want %q", name, c.ActorWithAddress(), changed, err, test.want)
		}
	}
}

// TestAccount checks that Account is recipientAccountId of the record, or else account of the
// EventBridge event.
func TestAccount(t *testing.T) {
	for want, recipient := range map[string]string{"210987654321": `"210987654321"`, account: ""} {
		c, _, err := Read([]byte(call{event: "DeleteUser",
			edit: map[string]string{"recipientAccountId": recipient}}.record()))
		if err != nil || c.Account != want {
			t.Errorf("recipientAccountId %s: %q, %v; want %q", recipient, c.Account, err, want)
		}
	}
}

// TestDescriptionQuotesNamesInFull checks that Description does not shorten a forged name with a
// "/". Only ARNs have paths; names in IAM have no "/".
func TestDescriptionQuotesNamesInFull(t *testing.T) {
	c, _, err := Read([]byte(call{event: "UpdateUser",
		parameters: `{"userName":"a/b","newUserName":"c/d","policyName":"e/f"}`}.record()))
	if want := "UpdateUser on user/a/b (now user/c/d, inline policy e/f)"; err != nil ||
		c.Description() != want {
		t.Errorf("%s, %v; want %s", c.Description(), err, want)
	}
}

func TestAffectedTargets(t *testing.T) {
	for want, c := range map[string]IAMChange{
		"":               {Event: "DetachUserPolicy", Targets: []string{"user/a"}},
		"affects user/a": {Event: "DetachGroupPolicy", Targets: []string{"user/a"}},
		"may affect user/a, user/b": {Event: "SetDefaultPolicyVersion",
			Targets: []string{"user/a", "user/b"}, Unsure: true},
		"affects user/a, user/b, user/c and 2 more": {Event: "SetDefaultPolicyVersion",
			Targets: []string{"user/a", "user/b", "user/c", "user/d", "user/e"}},
	} {
		if got := c.AffectedTargets(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTimes checks that Read drops a time that JSON cannot represent. A report with such a time
// could not be written.
func TestTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2026-11-16T08:57:12Z":      "2026-11-16T08:57:12Z",
		"2026-11-16T08:57:12+01:00": "2026-11-16T07:57:12Z",
		"9999-12-31T23:59:59-23:59": "", "0000-01-01T00:00:00+23:59": "", "yesterday": "", "": "",
	} {
		c, _, err := Read([]byte(call{event: "DeleteUser",
			edit: map[string]string{"eventTime": `"` + text + `"`}}.record()))
		raw, errMarshal := json.Marshal(c)
		var back struct{ At string }
		if err != nil || errMarshal != nil || json.Unmarshal(raw, &back) != nil || back.At != want {
			t.Errorf("%s: %s, %v %v", text, raw, err, errMarshal)
		}
	}
}

func FuzzRead(f *testing.F) {
	for event, c := range calls {
		c.event = event
		f.Add([]byte(c.record()))
	}
	f.Add([]byte(
		envelope(
			`"eventName":"DeleteUser","userIdentity":{"type":"AssumedRole","arn":"x:assumed-role/","invokedBy":""},"requestParameters":{"userName":"\ud800/"}`)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var c IAMChange
		var changed bool
		var err error
		memory.AtMost(t, 1<<20+500*uint64(len(raw)), func() { c, changed, err = Read(raw) })
		if changed && (err != nil || !slices.Contains(contract.ChangeEvents(), c.Event) ||
			c.Actor == "") || !changed && c.Event != "" {
			t.Fatalf("%v, %v: %+v", changed, err, c)
		}
		if n := len([]rune(c.ActorWithAddress() + c.Description())); n > 2000 {
			t.Errorf("a text of %d characters", n)
		}
		if text, err := json.Marshal(c); err != nil || len(text) > 64<<10 {
			t.Errorf("%d bytes of JSON, %v", len(text), err)
		}
	})
}
