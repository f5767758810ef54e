// Package stack creates a stack from each of the two templates on moto's server, if it is
// installed, and compares the created resources with the template.
//
// # Limits
//
// moto silently ignores alarms, schedules, subscriptions and the policies of topics, queues and
// buckets. Of the properties of a bucket, moto supports only the encryption. Tests of infra,
// test/repository and internal/testing/cwalarm check the ignored resources. The stacks have no
// dashboard, because a dashboard refers to alarms.
package stack

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfnlint"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

// ignoredTypes are the resource types that moto ignores.
var ignoredTypes = []string{
	"AWS::CloudWatch::Alarm", "AWS::Lambda::EventInvokeConfig", "AWS::S3::BucketPolicy",
	"AWS::SNS::Subscription", "AWS::SNS::TopicPolicy",
	"AWS::SQS::QueuePolicy", "AWS::Scheduler::Schedule",
}

func TestTemplateOfSAM(t *testing.T) {
	t.Parallel()
	needsMoto(t)
	code := location{Bucket: "code", Key: "function.zip"}
	template, err := cfn.Expand(templateOfSAM(t), cfn.Code{Bucket: code.Bucket, Key: code.Key})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	create := step{Template: string(text), Parameters: map[string]string{
		"Callers": "user/render,role/web=render", "AlertEmail": "ops@example.com",
		"ReactToChanges": "yes", "Dashboard": "no",
		// moto does not remove AWS::NoValue from a list of statements, so each has its condition.
		"EvidenceKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/0f1e2d3c",
	}}
	// The update changes no parameter of a condition: moto would not add or remove resources.
	update := step{Template: create.Template, Parameters: maps.Clone(create.Parameters)}
	update.Parameters["RepeatAfter"], update.Parameters["Callers"] = "72h", "user/render"
	checkLifecycle(t, code, create, update)
}

func TestTemplateOfCDK(t *testing.T) {
	t.Parallel()
	needsMoto(t)
	text := synthesize(t, "CALLERS=user/render,role/web=render", "ALERT_EMAIL=ops@example.com",
		"REACT_TO_CHANGES=yes", "DASHBOARD=no")
	create := step{Template: text, Parameters: map[string]string{}}
	// CDK's template has values instead of parameters.
	changed := strings.Replace(text, `"REPEAT_AFTER": "24h"`, `"REPEAT_AFTER": "72h"`, 1)
	if changed == text {
		t.Fatal("the template of CDK does not set REPEAT_AFTER to 24h")
	}
	template := create.read(t)
	resources, err := template.Resources(pseudo)
	if err != nil {
		t.Fatal(err)
	}
	at := resources["AuditFunction"].Properties["Code"].(map[string]any)
	code := location{Bucket: at["S3Bucket"].(string), Key: at["S3Key"].(string)}
	checkLifecycle(t, code, create, step{Template: changed, Parameters: map[string]string{}})
}

// checkLifecycle creates, updates and deletes a stack, and checks the account after each step.
func checkLifecycle(t *testing.T, code location, create, update step) {
	answer := runSteps(t, code, create, update)
	checkStack(t, create, answer.Created, "CREATE_COMPLETE")
	checkStack(t, update, answer.Updated, "UPDATE_COMPLETE")

	// Only the evidence bucket remains. AWS deletes the key after a week, but moto deletes it at once.
	evidence := answer.Created.Resources["EvidenceBucket"]
	if again := answer.Updated.Resources["EvidenceBucket"]; evidence == "" || again != evidence {
		t.Errorf("the evidence bucket is %q before the update and %q after it", evidence, again)
	}
	before, remaining := answer.Before.names(), answer.Deleted.names()
	want := slices.Sorted(slices.Values(append(before, "Buckets "+evidence)))
	if !slices.Equal(remaining, want) {
		t.Errorf("after deletion the account contains\n     %q\nwant %q", remaining, want)
	}
}

// checkStack compares the state of the account with the template.
func checkStack(t *testing.T, s step, got state, status string) {
	t.Helper()
	if got.Status != status {
		t.Errorf("status %s, want %s", got.Status, status)
	}
	template := s.read(t)
	parameters := maps.Clone(pseudo)
	maps.Copy(parameters, s.Parameters)
	resources, err := template.Resources(parameters)
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range resources {
		if _, ok := got.Resources[id]; !ok && !slices.Contains(ignoredTypes, r.Type) {
			t.Errorf("%s (%s) was not created", id, r.Type)
		}
	}
	for id := range got.Resources {
		if _, ok := resources[id]; !ok {
			t.Errorf("%s was created, but is not in the template", id)
		}
	}
	fill := got.physicalNames(resources)
	for id, r := range resources {
		if _, ok := got.Resources[id]; ok {
			got.compare(t, id, r, fill)
		}
	}
	outputs, err := template.Outputs(parameters)
	if err != nil {
		t.Fatal(err)
	}
	for name, output := range outputs {
		if want := fill.Replace(output.Value); got.Outputs[name] != want {
			t.Errorf("output %s: %q, want %q", name, got.Outputs[name], want)
		}
	}
	if len(got.Outputs) != len(outputs) {
		t.Errorf("outputs %v, want %v", got.Outputs, outputs)
	}
}

// read returns the template of a step, with the logical ids of template.yaml.
func (s step) read(t testing.TB) cfn.Template {
	t.Helper()
	return cfntest.ParseCDK(t, []byte(s.Template))
}

func templateOfSAM(t testing.TB) cfn.Template { return cfntest.Read(t, "../../../template.yaml") }

// synthesize returns the template that the CDK app of infra writes with these environment
// variables.
func synthesize(t testing.TB, env ...string) string {
	t.Helper()
	needsNode(t)
	readForCache(t, "../../../infra", "../../../internal/contract")
	dir := t.TempDir()
	run(t, append(env, "CDK_OUTDIR="+dir, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20"), nil,
		"go", "-C", "../../../infra", "run", "./cmd/synth")
	data, err := os.ReadFile(filepath.Join(dir, "RemotionAudit.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTemplateOfCDKIsLinted(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs CDK, which takes seconds")
	}
	path := filepath.Join(t.TempDir(), "template.json")
	text := synthesize(t, "CALLERS=user/render", "ALERT_EMAIL=ops@example.com", "REACT_TO_CHANGES=yes")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfnlint.Check(t, path)
}
