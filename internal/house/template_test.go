package house

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

const templateFile = "../../template.yaml"

func readTemplate(t testing.TB) cfn.Template {
	t.Helper()
	data, err := os.ReadFile(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfn.Parse(data)
	if err != nil {
		t.Fatal("template.yaml: ", err)
	}
	return template
}

func readResources(t testing.TB) map[string]cfn.Resource {
	t.Helper()
	resources, err := readTemplate(t).Resources(map[string]string{"Callers": "user/render", "AlertEmail": "ops@example.com"})
	if err != nil {
		t.Fatal("template.yaml: ", err)
	}
	return resources
}

// onBehalf are the actions of the function's role that AWS uses and the code does not call.
var onBehalf = map[string]string{
	"logs:CreateLogStream": "Lambda opens a stream for each execution environment",
	"logs:PutLogEvents":    "Lambda writes the function's log",
}

// reach is what the template has to name for each scope.
var reach = map[contract.Scope][]any{
	contract.ScopePrincipals: {principal("user"), principal("role")},
	contract.ScopeUsers:      {principal("user")},
	contract.ScopeRoles:      {principal("role")},
	contract.ScopeGroups:     {principal("group")},
	contract.ScopeFunctions:  {"arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:*"},
	contract.ScopePolicies:   {principal("policy"), "arn:${AWS::Partition}:iam::aws:policy/*"},
	contract.ScopeAny:        {"*"},
	contract.ScopeTopic:      {"${AlertTopic}"},
	contract.ScopeNamespace:  {"*"},
	contract.ScopeEvidence:   {evidence("")},
	contract.ScopeRemembered: {evidence("/state/${AWS::AccountId}/*"), evidence("/mutes.yaml")},
	contract.ScopeRecorded:   {evidence("/state/${AWS::AccountId}/*"), evidence("/reports/*")},
}

func principal(kind string) string {
	return "arn:${AWS::Partition}:iam::${AWS::AccountId}:" + kind + "/*"
}

func evidence(key string) string { return "arn:${AWS::Partition}:s3:::${EvidenceBucket}" + key }

// A grant is a statement of an identity policy, as far as templates here use the language.
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
		if r.Type == "AWS::IAM::Role" && (r.Properties["Policies"] != nil || r.Properties["ManagedPolicyArns"] != nil) {
			t.Errorf("%s: has policies of its own; they belong into an AWS::IAM::Policy, where these tests look", id)
		}
		if r.Type != "AWS::IAM::Policy" {
			continue
		}
		for _, s := range cfn.List(r.Properties["PolicyDocument"].(map[string]any)["Statement"]) {
			s := s.(map[string]any)
			for key := range s {
				if !slices.Contains([]string{"Sid", "Effect", "Action", "Resource", "Condition"}, key) {
					t.Errorf("%s: statement with %s, which these tests do not read", id, key)
				}
			}
			if s["Effect"] != "Allow" {
				t.Errorf("%s: statement %v: effect %v", id, s["Sid"], s["Effect"])
			}
			sid, _ := s["Sid"].(string)
			for _, role := range cfn.List(r.Properties["Roles"]) {
				all = append(all, grant{strings.Trim(role.(string), "${}"), sid, cfn.List(s["Action"]), cfn.List(s["Resource"]), s["Condition"]})
			}
		}
	}
	return all
}

func TestFunctionMayDoWhatTheCodeCallsAndNoMore(t *testing.T) {
	resources := readResources(t)
	got := map[string][]any{}
	for _, g := range grants(t, resources) {
		if g.Role != "AuditRole" {
			continue
		}
		for _, action := range g.Actions {
			if got[action.(string)] != nil {
				t.Errorf("%s is granted twice", action)
			}
			got[action.(string)] = g.Resources
			namespaced := reflect.DeepEqual(g.Condition, map[string]any{"StringEquals": map[string]any{"cloudwatch:namespace": contract.Namespace}})
			if want := action == "cloudwatch:PutMetricData"; namespaced != want || !namespaced && g.Condition != nil {
				t.Errorf("%s: condition %v", action, g.Condition)
			}
		}
	}
	want := map[string][]any{}
	for _, p := range append(contract.ReadPermissions(), contract.FunctionPermissions()...) {
		if reach[p.Scope] == nil {
			t.Errorf("%s: this test does not know the scope %s", p.Action, p.Scope)
		}
		want[p.Action] = reach[p.Scope]
	}
	for action := range onBehalf {
		want[action] = []any{"${AuditLogGroup.Arn}"}
	}
	for _, action := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[action], want[action]) {
			t.Errorf("%s\n template.yaml grants it on %v\n contract needs it on       %v", action, got[action], want[action])
		}
	}
	for action := range got {
		if want[action] == nil {
			t.Errorf("%s is granted, and neither called nor needed by AWS", action)
		}
	}
}

// The evidence bucket outlives the stack, is nobody else's to read, and forgets reports alone.
func TestEvidenceBucket(t *testing.T) {
	resources := readResources(t)
	b := resources["EvidenceBucket"]
	if b.DeletionPolicy != "Retain" || b.UpdateReplacePolicy != "Retain" {
		t.Errorf("the bucket goes with the stack: %s, %s", b.DeletionPolicy, b.UpdateReplacePolicy)
	}
	for name, blocked := range b.Properties["PublicAccessBlockConfiguration"].(map[string]any) {
		if blocked != true {
			t.Errorf("%s: %v", name, blocked)
		}
	}
	if got := b.Properties["VersioningConfiguration"].(map[string]any)["Status"]; got != "Enabled" {
		t.Errorf("versioning %v", got)
	}
	for _, rule := range b.Properties["LifecycleConfiguration"].(map[string]any)["Rules"].([]any) {
		if prefix := rule.(map[string]any)["Prefix"]; prefix != "reports/" {
			t.Errorf("a lifecycle rule is about %v", prefix)
		}
	}
	// One of one's own is used as it is.
	own, err := readTemplate(t).Resources(map[string]string{"Callers": "none", "EvidenceBucketName": "mine"})
	if err != nil {
		t.Fatal(err)
	}
	variables := own["AuditFunction"].Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	if _, made := own["EvidenceBucket"]; made || variables[contract.EnvEvidenceBucket] != "mine" {
		t.Errorf("a bucket is made: %v; the function uses %v", made, variables[contract.EnvEvidenceBucket])
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
	want := []grant{{"ScheduleRole", "Invoke", []any{"lambda:InvokeFunction"}, []any{"${AuditFunction.Arn}"}, nil}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("grants\n got %v\nwant %v", got, want)
	}
	trust := resources["ScheduleRole"].Properties["AssumeRolePolicyDocument"].(map[string]any)["Statement"].([]any)[0].(map[string]any)
	if want := (map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": "${AWS::AccountId}"}}); !reflect.DeepEqual(trust["Condition"], want) {
		t.Errorf("trust policy's condition %v, want %v: another account's schedule could use the role", trust["Condition"], want)
	}
}

// withoutResources are the actions for which IAM defines no resource, so that "*" is as narrow as it gets.
var withoutResources = []string{"cloudwatch:PutMetricData", "iam:ListRoles", "lambda:ListFunctions"}

func TestNoPermissionIsWiderThanIAMAllows(t *testing.T) {
	for _, g := range grants(t, readResources(t)) {
		for _, action := range g.Actions {
			action := action.(string)
			if strings.Contains(action, "*") {
				t.Errorf("%s: action %s has a wildcard", g.Sid, action)
			}
			if service, name, _ := strings.Cut(action, ":"); service == "iam" && !regexp.MustCompile(`^(Get|List|Simulate)`).MatchString(name) {
				t.Errorf("%s: %s does not look like a read", g.Sid, action)
			}
			if slices.Contains(g.Resources, any("*")) && !slices.Contains(withoutResources, action) {
				t.Errorf("%s: %s on every resource", g.Sid, action)
			}
		}
		for _, resource := range g.Resources {
			if strings.HasPrefix(resource.(string), "arn:aws:") {
				t.Errorf("%s: %s names a partition; it is ${AWS::Partition}", g.Sid, resource)
			}
		}
	}
}

func TestFunctionsEnvironmentIsTheContracts(t *testing.T) {
	function := readResources(t)["AuditFunction"]
	variables := function.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	got, want := slices.Sorted(maps.Keys(variables)), slices.Sorted(slices.Values(contract.Environment()))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("environment of AuditFunction\n got %v\nwant %v", got, want)
	}
	if variables[contract.EnvMetricNamespace] != contract.Namespace {
		t.Errorf("%s is %v by default, want %s", contract.EnvMetricNamespace, variables[contract.EnvMetricNamespace], contract.Namespace)
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
	// What Scheduler puts in: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
	filled := map[string]string{"<aws.scheduler.schedule-arn>": event["schedule"], "<aws.scheduler.scheduled-time>": event["scheduledTime"]}
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

// A parameter that says nothing about itself is one that people guess at.
func TestEveryParameterIsExplained(t *testing.T) {
	template := readTemplate(t)
	face := template.Section("Metadata")["AWS::CloudFormation::Interface"].(map[string]any)
	grouped := map[string]bool{}
	for _, group := range face["ParameterGroups"].([]any) {
		for _, name := range group.(map[string]any)["Parameters"].([]any) {
			grouped[name.(string)] = true
		}
	}
	parameters := template.Section("Parameters")
	for name, p := range parameters {
		p := p.(map[string]any)
		for _, key := range []string{"Description", "AllowedPattern", "ConstraintDescription"} {
			if p[key] == nil {
				t.Errorf("parameter %s: no %s", name, key)
			}
		}
		if !grouped[name] || face["ParameterLabels"].(map[string]any)[name] == nil {
			t.Errorf("parameter %s: not in ParameterGroups and ParameterLabels", name)
		}
	}
	for name := range grouped {
		if parameters[name] == nil {
			t.Errorf("ParameterGroups name %s, which is no parameter", name)
		}
	}
}

// Events and Policies of SAM bring roles and trust policies that nobody here has read.
func TestOfSAMOnlyTheFunctionIsUsed(t *testing.T) {
	template := readTemplate(t)
	if template["Globals"] != nil {
		t.Error("Globals are SAM's")
	}
	for id, r := range readResources(t) {
		if r.Type != "AWS::Serverless::Function" {
			if strings.HasPrefix(r.Type, "AWS::Serverless::") {
				t.Errorf("%s is a %s", id, r.Type)
			}
			continue
		}
		for property := range r.Properties {
			if slices.Contains([]string{"Events", "Policies", "EventInvokeConfig", "AutoPublishAlias", "DeadLetterQueue", "FunctionUrlConfig", "Connectors"}, property) {
				t.Errorf("%s: property %s is SAM's", id, property)
			}
		}
		if metadata := template.Section("Resources")[id].(map[string]any)["Metadata"].(map[string]any); metadata["BuildMethod"] == "makefile" {
			makefile, err := os.ReadFile("../../Makefile")
			if err != nil || !regexp.MustCompile(`(?m)^build-`+id+`:`).Match(makefile) {
				t.Errorf("%s is built by make build-%s, which the Makefile does not have (%v)", id, id, err)
			}
		}
	}
}

func TestCfnLint(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("SKIPPED: cfn-lint is not installed, so nothing has checked template.yaml against CloudFormation's own rules (pip install cfn-lint)")
	}
	if out, err := exec.CommandContext(t.Context(), lint, templateFile).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint template.yaml: %v\n%s", err, out)
	}
}
