package stack

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

const (
	centralTopic = "arn:aws:sns:eu-central-1:111122223333:remotion-audit"
	centralKey   = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	codeBucket   = "arn:aws:s3:::acme-remotion-audit-eu-central-1"
)

// documented returns the policy that docs/organizations.md shows as a file with this name.
func documented(t testing.TB, name string) map[string]any {
	t.Helper()
	page, err := os.ReadFile("../../../docs/organizations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(page), "\n`"+name+"`")
	_, block, fenced := strings.Cut(after, "```json\n")
	block, _, closed := strings.Cut(block, "\n```")
	var policy map[string]any
	if err := json.Unmarshal([]byte(block), &policy); err != nil || !found || !fenced || !closed {
		t.Fatalf("%s: %v\n%s", name, err, block)
	}
	return policy
}

// caller is a principal with the context of its requests.
type caller struct {
	arn, service string // one of the two is empty
	context      iampolicy.Context
}

// decision evaluates a resource policy for the caller. The engine evaluates identity policies only,
// so decision selects the statements with a matching Principal ("*", a service, or an account) and
// passes them on as an identity policy.
func (c caller) decision(t testing.TB, policy map[string]any,
	action, resource string) iampolicy.Decision {
	t.Helper()
	var matching []any
	for _, s := range cfn.List(policy["Statement"]) {
		statement := map[string]any{}
		for key, value := range s.(map[string]any) {
			if key != "Principal" {
				statement[key] = value
			}
		}
		for kind, names := range s.(map[string]any)["Principal"].(map[string]any) {
			for _, name := range cfn.List(names) {
				account, isRoot := strings.CutSuffix(name.(string), ":root")
				switch {
				case kind == "AWS" && name == "*", kind == "Service" && name == c.service,
					kind == "AWS" && isRoot && strings.HasPrefix(c.arn, account+":"):
					matching = append(matching, statement)
				}
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Version": policy["Version"], "Statement": matching})
	if err != nil {
		t.Fatal(err)
	}
	document := policytest.Parse(t, string(text))
	return iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "resource policy", Document: document}}}.
		Evaluate(iampolicy.Request{Action: action, Resource: resource, Context: c.context}).Decision
}

// with returns the context with a changed key. Without values it removes the key.
func with(base iampolicy.Context, key string, values ...string) iampolicy.Context {
	changed := iampolicy.Context{}
	for k, v := range base {
		changed[k] = v
	}
	changed[key] = values
	if len(values) == 0 {
		delete(changed, key)
	}
	return changed
}

func TestDocumentedPoliciesOfAnOrganization(t *testing.T) {
	t.Parallel()
	role := iampolicy.Context{
		"aws:PrincipalOrgID":  {"o-a1b2c3d4e5"},
		"aws:PrincipalArn":    {"arn:aws:iam::222233334444:role/remotion-audit/AuditRole"},
		"aws:SecureTransport": {"true"},
		"kms:ViaService":      {"sns.eu-central-1.amazonaws.com"},
	}
	alarm := iampolicy.Context{
		"aws:SourceOrgID": {"o-a1b2c3d4e5"}, "aws:SourceAccount": {"222233334444"},
		"aws:SourceArn":       {"arn:aws:cloudwatch:eu-central-1:222233334444:alarm:Errors"},
		"aws:SecureTransport": {"true"},
	}
	const member, foreign = "arn:aws:iam::222233334444:role/remotion-audit/AuditRole",
		"arn:aws:iam::999988887777:role/remotion-audit/AuditRole"
	auditor := caller{arn: member, context: role}
	other := caller{arn: "arn:aws:iam::222233334444:role/web",
		context: with(role, "aws:PrincipalArn", "arn:aws:iam::222233334444:role/web")}
	foreignAuditor := caller{arn: foreign, context: with(with(role, "aws:PrincipalArn", foreign),
		"aws:PrincipalOrgID", "o-zzzzzzzzzz")}
	auditorOutside := caller{arn: foreign, context: with(with(role, "aws:PrincipalArn", foreign),
		"aws:PrincipalOrgID")} // in no organization
	alarms := caller{service: "cloudwatch.amazonaws.com", context: alarm}
	foreignAlarms := caller{service: "cloudwatch.amazonaws.com",
		context: with(alarm, "aws:SourceOrgID", "o-zzzzzzzzzz")}
	alarmsOutside := caller{service: "cloudwatch.amazonaws.com",
		context: with(alarm, "aws:SourceOrgID")}
	events := caller{service: "events.amazonaws.com", context: alarm}
	administrator := caller{arn: "arn:aws:iam::111122223333:role/admin",
		context: with(with(role, "aws:PrincipalArn", "arn:aws:iam::111122223333:role/admin"),
			"kms:ViaService")}
	withoutTLS := func(c caller) caller {
		c.context = with(c.context, "aws:SecureTransport", "false")
		return c
	}

	topic, key, code := documented(t, "topic-policy.json"), documented(t, "key-policy.json"),
		documented(t, "code-policy.json")
	for _, tt := range []struct {
		name             string
		caller           caller
		policy           map[string]any
		action, resource string
		want             iampolicy.Decision
	}{
		{"an auditor publishes", auditor, topic, "sns:Publish", centralTopic, iampolicy.Allowed},
		{"an auditor lists the subscriptions", auditor, topic, "sns:ListSubscriptionsByTopic",
			centralTopic,
			iampolicy.Allowed},
		{"an auditor cannot subscribe", auditor, topic, "sns:Subscribe", centralTopic,
			iampolicy.ImplicitDeny},
		{"an auditor cannot change the topic", auditor, topic, "sns:SetTopicAttributes", centralTopic,
			iampolicy.ImplicitDeny},
		{"another role of the account cannot publish", other, topic, "sns:Publish", centralTopic,
			iampolicy.ImplicitDeny},
		{"an auditor of another organization cannot publish", foreignAuditor, topic, "sns:Publish",
			centralTopic,
			iampolicy.ImplicitDeny},
		{"an auditor outside organizations cannot publish", auditorOutside, topic, "sns:Publish",
			centralTopic, iampolicy.ImplicitDeny},
		{"an alarm publishes", alarms, topic, "sns:Publish", centralTopic, iampolicy.Allowed},
		{"an alarm cannot list the subscriptions", alarms, topic, "sns:ListSubscriptionsByTopic",
			centralTopic,
			iampolicy.ImplicitDeny},
		{"an alarm of another organization cannot publish", foreignAlarms, topic, "sns:Publish",
			centralTopic,
			iampolicy.ImplicitDeny},
		{"an alarm outside organizations cannot publish", alarmsOutside, topic, "sns:Publish",
			centralTopic, iampolicy.ImplicitDeny},
		{"another service cannot publish", events, topic, "sns:Publish", centralTopic,
			iampolicy.ImplicitDeny},
		{"an auditor without TLS is denied", withoutTLS(auditor), topic, "sns:Publish", centralTopic,
			iampolicy.ExplicitDeny},

		{"an auditor's message is encrypted with the key", auditor, key, "kms:GenerateDataKey",
			centralKey,
			iampolicy.Allowed},
		{"an auditor's data key is reused", auditor, key, "kms:Decrypt", centralKey, iampolicy.Allowed},
		{"an auditor cannot use the key directly",
			caller{arn: member, context: with(role, "kms:ViaService")}, key,
			"kms:Decrypt", centralKey, iampolicy.ImplicitDeny},
		{"an auditor cannot use the key through another service",
			caller{arn: member, context: with(role, "kms:ViaService", "s3.eu-central-1.amazonaws.com")}, key,
			"kms:Decrypt", centralKey, iampolicy.ImplicitDeny},
		{"an auditor cannot encrypt other data with the key", auditor, key, "kms:Encrypt", centralKey,
			iampolicy.ImplicitDeny},
		{"another role of the account cannot use the key", other, key, "kms:GenerateDataKey", centralKey,
			iampolicy.ImplicitDeny},
		{"another organization cannot use the key", foreignAuditor, key, "kms:GenerateDataKey",
			centralKey,
			iampolicy.ImplicitDeny},
		{"an alarm's message is encrypted with the key", alarms, key, "kms:GenerateDataKey", centralKey,
			iampolicy.Allowed},
		{"an alarm's data key is reused", alarms, key, "kms:Decrypt", centralKey, iampolicy.Allowed},
		{"an alarm of another organization cannot use the key", foreignAlarms, key, "kms:GenerateDataKey",
			centralKey, iampolicy.ImplicitDeny},
		{"an administrator of the key's account can delete it", administrator, key,
			"kms:ScheduleKeyDeletion", centralKey,
			iampolicy.Allowed},
		{"an auditor cannot delete the key", auditor, key, "kms:ScheduleKeyDeletion", centralKey,
			iampolicy.ImplicitDeny},

		{"a member account reads the code", other, code, "s3:GetObject",
			codeBucket + "/remotion-audit/x.zip",
			iampolicy.Allowed},
		{"a member account cannot write code", other, code, "s3:PutObject",
			codeBucket + "/remotion-audit/x.zip",
			iampolicy.ImplicitDeny},
		{"a member account cannot list the bucket", other, code, "s3:ListBucket", codeBucket,
			iampolicy.ImplicitDeny},
		{"another organization cannot read the code", foreignAuditor, code, "s3:GetObject",
			codeBucket + "/remotion-audit/x.zip",
			iampolicy.ImplicitDeny},
		{"reading the code without TLS is denied", withoutTLS(other), code, "s3:GetObject",
			codeBucket + "/remotion-audit/x.zip",
			iampolicy.ExplicitDeny},
	} {
		if got := tt.caller.decision(t, tt.policy, tt.action, tt.resource); got != tt.want {
			t.Errorf("%s: %s is %v, want %v", tt.name, tt.action, got, tt.want)
		}
	}

	// The policies of the topic and the key must allow the actions that a stack grants to its role.
	for _, need := range permissionsOn(t, centralTopic, centralKey) {
		policy := topic
		if need.resource == centralKey {
			policy = key
		}
		action := strings.TrimSuffix(need.action, "*")
		if got := auditor.decision(t, policy, action, need.resource); got != iampolicy.Allowed {
			t.Errorf("the role has %s, but the policy of %s evaluates to %v", need.action, need.resource,
				got)
		}
	}
}

// TestDocumentedCommandsOfAnOrganization checks that the commands on the page are valid shell
// syntax.
func TestDocumentedCommandsOfAnOrganization(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/organizations.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for _, block := range strings.Split(string(page), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "\n```")
		script := strings.ReplaceAll("\n"+block, "\n$ ", "\n")
		commands += strings.Count(block, "$ ")
		bash := exec.CommandContext(t.Context(), "bash", "-n")
		bash.Stdin = strings.NewReader(script)
		if out, err := bash.CombinedOutput(); err != nil {
			t.Errorf("%v %s\n%s", err, out, script)
		}
	}
	if commands < 10 {
		t.Errorf("the page has %d commands, want at least 10", commands)
	}
}

type permission struct{ action, resource string }

// permissionsOn returns the permissions of the function's role on the given resources, in a stack
// with the central topic and key as parameters.
func permissionsOn(t testing.TB, resources ...string) (list []permission) {
	t.Helper()
	template := templateOfSAM(t)
	parameters := map[string]string{"Callers": "user/render", "AlertTopicArn": centralTopic,
		"KmsKeyArn": centralKey, "RolePath": "/remotion-audit/"}
	if err := template.Check(parameters); err != nil {
		t.Fatal(err)
	}
	created, err := template.Resources(parameters)
	if err != nil {
		t.Fatal(err)
	}
	if path := created["AuditRole"].Properties["Path"]; path != "/remotion-audit/" {
		t.Errorf("the role's path is %v", path)
	}
	document := created["AuditPolicy"].Properties["PolicyDocument"].(map[string]any)
	for _, s := range document["Statement"].([]any) {
		statement := s.(map[string]any)
		for _, resource := range resources {
			if statement["Resource"] == resource {
				for _, action := range cfn.List(statement["Action"]) {
					list = append(list, permission{action.(string), resource})
				}
			}
		}
	}
	if len(list) != 4 {
		t.Errorf("the role has %v on topic and key, want two permissions on each", list)
	}
	return list
}
