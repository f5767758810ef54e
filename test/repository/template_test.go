package repository

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

const (
	templateFile  = "../../template.yaml"
	forwarderFile = "../../infra/change-forwarder.yaml"
)

func readTemplate(t testing.TB) cfn.Template { return cfntest.Read(t, templateFile) }

// readResources returns the resources of a stack with every optional resource and permission of the
// template.
func readResources(t testing.TB) map[string]cfn.Resource {
	t.Helper()
	return resourcesWith(t, map[string]string{"AlertEmail": "ops@example.com",
		"ReactToChanges": "yes", "EvidenceKmsKeyArn": someKey})
}

func resourcesWith(t testing.TB, parameters map[string]string) map[string]cfn.Resource {
	t.Helper()
	parameters = maps.Clone(parameters)
	if parameters == nil {
		parameters = map[string]string{}
	}
	parameters["Callers"] = "user/render"
	resources, err := readTemplate(t).Resources(parameters)
	if err != nil {
		t.Fatal("template.yaml: ", err)
	}
	return resources
}

// grant is an Allow statement of an identity policy, with the elements that the templates use.
type grant struct {
	Role               string // logical id
	Sid                string
	Actions, Resources []any
	Condition          any
}

func grants(t testing.TB, resources map[string]cfn.Resource) []grant {
	t.Helper()
	var all []grant
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r := resources[id]
		if r.Type == "AWS::IAM::Role" &&
			(r.Properties["Policies"] != nil || r.Properties["ManagedPolicyArns"] != nil) {
			t.Errorf("%s: has inline policies; move them to an AWS::IAM::Policy, which these "+
				"tests read", id)
		}
		if r.Type != "AWS::IAM::Policy" {
			continue
		}
		for _, s := range cfn.List(r.Properties["PolicyDocument"].(map[string]any)["Statement"]) {
			s := s.(map[string]any)
			for key := range s {
				if !slices.Contains([]string{"Sid", "Effect", "Action", "Resource", "Condition"}, key) {
					t.Errorf("%s: statement with %s, which these tests do not support", id, key)
				}
			}
			if s["Effect"] != "Allow" {
				t.Errorf("%s: statement %v: effect %v", id, s["Sid"], s["Effect"])
			}
			sid, _ := s["Sid"].(string)
			for _, role := range cfn.List(r.Properties["Roles"]) {
				all = append(all, grant{strings.Trim(role.(string), "${}"), sid, cfn.List(s["Action"]),
					cfn.List(s["Resource"]), s["Condition"]})
			}
		}
	}
	return all
}

func TestFunctionMayDoWhatTheCodeCallsAndNoMore(t *testing.T) {
	type granted struct {
		Resources []any
		Condition any
	}
	got, want := map[string]granted{}, map[string]granted{}
	for _, g := range grants(t, readResources(t)) {
		if g.Role != "AuditRole" {
			continue
		}
		for _, action := range g.Actions {
			name := g.Sid + " " + action.(string)
			if _, twice := got[name]; twice {
				t.Errorf("%s is granted twice", name)
			}
			got[name] = granted{g.Resources, g.Condition}
		}
	}
	for _, s := range contract.Statements(contract.ReadScopeAccount, slices.Concat(
		contract.ReadPermissions(), contract.FunctionPermissions(), contract.OnBehalfPermissions())) {
		var needed granted
		for _, resource := range s.Resources {
			needed.Resources = append(needed.Resources,
				strings.ReplaceAll(resource, "${EvidenceKmsKeyArn}", someKey))
		}
		if c := s.Condition; c.Operator != "" {
			value := strings.ReplaceAll(c.Value, "${MetricNamespace}", contract.Namespace)
			needed.Condition = map[string]any{c.Operator: map[string]any{c.Key: value}}
		}
		for _, action := range s.Actions {
			want[s.Sid+" "+action] = needed
		}
	}
	for _, action := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[action], want[action]) {
			t.Errorf("%s\n template.yaml grants %v\n the contract needs   %v", action, got[action],
				want[action])
		}
	}
	for action := range got {
		if _, needed := want[action]; !needed {
			t.Errorf("%s is granted, but neither the function nor AWS uses it", action)
		}
	}
}

// sidOf returns the id of the statement for a scope.
func sidOf(scope contract.Scope) string {
	statements := contract.Statements(contract.ReadScopeAccount,
		[]contract.Permission{{Scope: scope}})
	return statements[0].Sid
}

// TestPermissionsOfAWSServicesFollowTheResource checks the permissions of the role that AWS
// services use on behalf of a resource. The template grants such a permission if, and only if, the
// resource exists.
func TestPermissionsOfAWSServicesFollowTheResource(t *testing.T) {
	tests := []struct {
		name       string
		parameters map[string]string
		scope      contract.Scope
		// uses is the resource that needs the permission, and property names the target of the action.
		uses, property, target string
	}{
		{"Lambda writes logs", nil, contract.ScopeLog, "AuditFunction", "LoggingConfig.LogGroup",
			"${AuditLogGroup}"},
		{"Lambda stores failed events", nil, contract.ScopeFailureQueue, "AuditFunctionEventInvokeConfig",
			"DestinationConfig.OnFailure.Destination", "${FailureQueue.Arn}"},
		{"Lambda polls the queue of changes", map[string]string{"ReactToChanges": "yes"},
			contract.ScopeChangeQueue,
			"ChangeSource", "EventSourceArn", "${ChangeQueue.Arn}"},
		{"S3 encrypts the evidence", map[string]string{"EvidenceKmsKeyArn": someKey},
			contract.ScopeEvidenceKey, "EvidenceBucket",
			"BucketEncryption.ServerSideEncryptionConfiguration.ServerSideEncryptionByDefault." +
				"KMSMasterKeyID", someKey},
		{"SNS encrypts messages", nil, contract.ScopeTopicKey, "AlertTopic", "KmsMasterKeyId",
			"${AlertTopicKey.Arn}"},
	}
	without := map[contract.Scope]map[string]string{
		contract.ScopeChangeQueue: {"ReactToChanges": "no"},
		contract.ScopeEvidenceKey: {"EvidenceKmsKeyArn": ""},
		contract.ScopeTopicKey:    {"AlertTopicArn": "arn:aws:sns:us-east-1:123456789012:alerts"},
	}
	mayUse := func(resources map[string]cfn.Resource, scope contract.Scope) (actions []string) {
		for _, p := range contract.OnBehalfPermissions() {
			for _, g := range grants(t, resources) {
				if p.Scope == scope && g.Sid == sidOf(scope) && slices.Contains(g.Actions, any(p.Action)) {
					actions = append(actions, p.Action)
				}
			}
		}
		return actions
	}
	covered := map[contract.Scope]bool{}
	for _, tt := range tests {
		covered[tt.scope] = true
		resources := resourcesWith(t, tt.parameters)
		if value := at(resources[tt.uses].Properties, tt.property); value != tt.target {
			t.Errorf("%s: %s of %s is %v, want %s", tt.name, tt.property, tt.uses, value,
				tt.target)
		}
		if len(mayUse(resources, tt.scope)) == 0 {
			t.Errorf("%s: not granted", tt.name)
		}
		if parameters, optional := without[tt.scope]; optional {
			if actions := mayUse(resourcesWith(t, parameters), tt.scope); len(actions) > 0 {
				t.Errorf("%s: %v granted with %v, although the resource does not exist", tt.name, actions,
					parameters)
			}
		}
	}
	for _, p := range contract.OnBehalfPermissions() {
		if !covered[p.Scope] {
			t.Errorf("%s: add a case with its resource to this test", p.Action)
		}
	}
}

// TestNamedScopeReadsOnlyNamedPrincipals checks that with ReadScope=named the role can only read
// the named principals and AWS managed policies, and cannot discover principals.
func TestNamedScopeReadsOnlyNamedPrincipals(t *testing.T) {
	named := []string{"arn:aws:iam::123456789012:user/ci/render",
		"arn:aws:iam::123456789012:role/remotion-lambda-role"}
	resources := resourcesWith(t, map[string]string{"AWS::Partition": "aws", "ReadScope": "named",
		"NamedPrincipals": strings.Join(named, ",")})
	read := 0
	for _, g := range grants(t, resources) {
		for _, action := range g.Actions {
			switch action := action.(string); {
			case strings.HasPrefix(action, "lambda:List"), action == "iam:ListRoles":
				t.Errorf("%s is granted, although it discovers principals", action)
			case strings.HasPrefix(action, "iam:"):
				read++
				for _, resource := range g.Resources {
					if !slices.Contains(named, resource.(string)) && resource != "arn:aws:iam::aws:policy/*" {
						t.Errorf("%s on %s, which is not named", action, resource)
					}
				}
			}
		}
	}
	want := 0
	for _, p := range contract.ReadPermissions() {
		if !p.Discovers() {
			want++
		}
	}
	if read != want {
		t.Errorf("%d reads are granted, want %d", read, want)
	}
}

// TestEvidenceBucket checks that the evidence bucket remains when the stack is deleted, but not
// when its creation fails, blocks public access, keeps versions, and expires only reports and
// older versions. Of the state, the newest versions remain.
func TestEvidenceBucket(t *testing.T) {
	resources := readResources(t)
	b := resources["EvidenceBucket"]
	for _, id := range []string{"EvidenceBucket", "EvidenceBucketPolicy"} {
		if r := resources[id]; r.DeletionPolicy != "RetainExceptOnCreate" ||
			r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s is deleted with the stack: %s, %s", id, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
	}
	for name, blocked := range b.Properties["PublicAccessBlockConfiguration"].(map[string]any) {
		if blocked != true {
			t.Errorf("%s is %v, want true", name, blocked)
		}
	}
	if got := b.Properties["VersioningConfiguration"].(map[string]any)["Status"]; got != "Enabled" {
		t.Errorf("the status of versioning is %v, want Enabled", got)
	}
	var rules []any
	for _, rule := range b.Properties["LifecycleConfiguration"].(map[string]any)["Rules"].([]any) {
		rule := maps.Clone(rule.(map[string]any))
		delete(rule, "Id")
		rules = append(rules, rule)
	}
	if want := []any{
		map[string]any{"Prefix": "reports/", "Status": "Enabled", "ExpirationInDays": "400",
			"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 30.0}},
		map[string]any{"Prefix": "state/", "Status": "Enabled",
			"NoncurrentVersionExpiration": map[string]any{"NoncurrentDays": 30.0,
				"NewerNoncurrentVersions": 10.0}},
	}; !reflect.DeepEqual(rules, want) {
		t.Errorf("lifecycle rules\n got %v\nwant %v", rules, want)
	}
	// With a bucket from a parameter, the stack creates no bucket.
	own, err := readTemplate(t).Resources(map[string]string{"Callers": "none",
		"EvidenceBucketName": "mine"})
	if err != nil {
		t.Fatal(err)
	}
	variables := at(own["AuditFunction"].Properties, "Environment.Variables").(map[string]any)
	if _,
		created := own["EvidenceBucket"]; created || variables[settings.EnvEvidenceBucket] != "mine" {
		t.Errorf("a bucket is created: %v; the function uses %v", created,
			variables[settings.EnvEvidenceBucket])
	}
}

func TestSchedulerMayOnlyStartTheFunction(t *testing.T) {
	resources := readResources(t)
	var got []grant
	for _, g := range grants(t, resources) {
		if g.Role != "AuditRole" {
			got = append(got, g)
		}
	}
	want := []grant{
		{"ScheduleRole", "Invoke", []any{"lambda:InvokeFunction"}, []any{"${AuditFunction.Arn}"}, nil},
		// The failure queue is the dead-letter queue of the schedule.
		{"ScheduleRole", "KeepFailures", []any{"sqs:SendMessage"}, []any{"${FailureQueue.Arn}"}, nil},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("grants\n got %v\nwant %v", got, want)
	}
	condition := at(resources["ScheduleRole"].Properties,
		"AssumeRolePolicyDocument.Statement.Condition")
	wantCondition := map[string]any{
		"StringEquals": map[string]any{"aws:SourceAccount": "${AWS::AccountId}"}}
	if !reflect.DeepEqual(condition, wantCondition) {
		t.Errorf("condition of the trust policy is %v, want %v: a schedule of another account could "+
			"use the role", condition, wantCondition)
	}
}

// withoutResources lists the actions that do not support resource-level permissions. Their only
// valid resource is "*".
var withoutResources = []string{"cloudwatch:PutMetricData", "iam:ListRoles",
	"lambda:GetAccountSettings", "lambda:ListFunctions"}

func TestNoPermissionIsWiderThanIAMAllows(t *testing.T) {
	for _, g := range grants(t, readResources(t)) {
		for _, action := range g.Actions {
			action := action.(string)
			// AWS documents the wildcard of kms:GenerateDataKey* for SNS.
			if strings.Contains(action, "*") && action != "kms:GenerateDataKey*" {
				t.Errorf("%s: action %s has a wildcard", g.Sid, action)
			}
			if service, name, _ := strings.Cut(action, ":"); service == "iam" &&
				!regexp.MustCompile(`^(Get|List|Simulate)`).MatchString(name) {
				t.Errorf("%s: %s is not a read action", g.Sid, action)
			}
			if slices.Contains(g.Resources, any("*")) && !slices.Contains(withoutResources, action) {
				t.Errorf("%s: %s on all resources", g.Sid, action)
			}
		}
		for _, resource := range g.Resources {
			if resource != someKey && strings.HasPrefix(resource.(string), "arn:aws:") {
				t.Errorf("%s: %s names a partition; use ${AWS::Partition}", g.Sid, resource)
			}
		}
	}
}

func TestScheduleSendsTheEventInEvents(t *testing.T) {
	target := readResources(t)["AuditSchedule"].Properties["Target"].(map[string]any)
	var input, event map[string]string
	if err := json.Unmarshal([]byte(target["Input"].(string)), &input); err != nil {
		t.Fatalf("Input %s: %v", target["Input"], err)
	}
	data, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &event); err != nil {
		t.Fatal("scheduler.json: ", err)
	}
	// Scheduler replaces these context attributes:
	// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
	filled := map[string]string{"<aws.scheduler.schedule-arn>": event["schedule"],
		"<aws.scheduler.scheduled-time>": event["scheduledTime"]}
	for key, value := range input {
		if by, ok := filled[value]; ok {
			input[key] = by
		}
	}
	if !reflect.DeepEqual(input, event) {
		t.Errorf("the schedule sends %v\nevents/scheduler.json is %v", input, event)
	}
}

func TestEventsAreJSON(t *testing.T) {
	entries, err := events.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := events.FS.ReadFile(entry.Name())
		if err != nil || !json.Valid(data) {
			t.Errorf("events/%s: not JSON (%v)", entry.Name(), err)
		}
	}
}

// TestTheFunctionIsTheOnlySAMResource checks that the template uses no other resource type of SAM,
// and no property from which SAM generates resources. The tests do not see the roles and trust
// policies that SAM generates.
func TestTheFunctionIsTheOnlySAMResource(t *testing.T) {
	template := readTemplate(t)
	if template["Globals"] != nil {
		t.Error("the template uses SAM's Globals")
	}
	for id, r := range readResources(t) {
		if r.Type != "AWS::Serverless::Function" {
			if strings.HasPrefix(r.Type, "AWS::Serverless::") {
				t.Errorf("%s has the SAM type %s", id, r.Type)
			}
			continue
		}
		for property := range r.Properties {
			if slices.Contains([]string{"Events", "Policies", "EventInvokeConfig", "AutoPublishAlias",
				"DeadLetterQueue", "FunctionUrlConfig", "Connectors"}, property) {
				t.Errorf("%s: SAM generates resources from property %s", id, property)
			}
		}
		metadata := template.Section("Resources")[id].(map[string]any)["Metadata"].(map[string]any)
		if metadata["BuildMethod"] == "makefile" {
			makefile, err := os.ReadFile("../../Makefile")
			if err != nil || !regexp.MustCompile(`(?m)^build-`+id+`:`).Match(makefile) {
				t.Errorf("%s needs the target build-%s in the Makefile (%v)", id, id, err)
			}
		}
	}
}
