// Package stack creates both templates as stacks, on moto's server where that is installed, and
// reads back what was made.
//
// # Limits
//
// moto makes no alarm, no schedule, no subscription and no policy of a topic, a queue or a bucket,
// and says nothing of it; of a bucket it makes the encryption alone. Those are judged by the tests
// of infra, internal/house and the alarms. A dashboard refers to alarms, so there is none here
// either.
package stack

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/cfn/lint"
)

// unmade are the types of which moto makes nothing.
var unmade = []string{
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
	}}
	// No parameter of a condition changes: an update of moto's goes by the template, and leaves what
	// there was.
	update := step{Template: create.Template, Parameters: maps.Clone(create.Parameters)}
	update.Parameters["RepeatAfter"], update.Parameters["Callers"] = "72h", "user/render"
	lives(t, code, create, update)
}

func TestTemplateOfCDK(t *testing.T) {
	t.Parallel()
	needsMoto(t)
	text := synthesize(t, "CALLERS=user/render,role/web=render", "ALERT_EMAIL=ops@example.com",
		"REACT_TO_CHANGES=yes", "DASHBOARD=no")
	create := step{Template: text, Parameters: map[string]string{}}
	// CDK writes values where SAM has parameters.
	changed := strings.Replace(text, `"REPEAT_AFTER": "24h"`, `"REPEAT_AFTER": "72h"`, 1)
	if changed == text {
		t.Fatal("the template of CDK has no REPEAT_AFTER of 24h to change")
	}
	template := create.read(t)
	resources, err := template.Resources(pseudo)
	if err != nil {
		t.Fatal(err)
	}
	at := resources["AuditFunction"].Properties["Code"].(map[string]any)
	code := location{Bucket: at["S3Bucket"].(string), Key: at["S3Key"].(string)}
	lives(t, code, create, step{Template: changed, Parameters: map[string]string{}})
}

// lives takes a stack through its life: what it makes, what an update changes, and what is left of
// it.
func lives(t *testing.T, code location, create, update step) {
	answer := drive(t, code, create, update)
	made(t, create, answer.Created, "CREATE_COMPLETE")
	made(t, update, answer.Updated, "UPDATE_COMPLETE")

	// The evidence stays. A key is on its way out for a week; moto's is gone at once.
	evidence := answer.Created.Resources["EvidenceBucket"]
	if again := answer.Updated.Resources["EvidenceBucket"]; evidence == "" || again != evidence {
		t.Errorf("the evidence bucket was %q, and is %q after an update", evidence, again)
	}
	before, left := answer.Before.names(), answer.Deleted.names()
	if want := slices.Sorted(slices.Values(append(before, "Buckets "+evidence))); !slices.Equal(left,
		want) {
		t.Errorf("after deletion there is\n     %q\nwant %q", left, want)
	}
}

// made compares what is there with what the template says.
func made(t *testing.T, s step, got state, status string) {
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
		if _, ok := got.Resources[id]; !ok && !slices.Contains(unmade, r.Type) {
			t.Errorf("%s, a %s, was not made", id, r.Type)
		}
	}
	for id := range got.Resources {
		if _, ok := resources[id]; !ok {
			t.Errorf("%s was made, and the template has none", id)
		}
	}
	fill := got.filler(resources)
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

var hashed = regexp.MustCompile(`\bAuditor([A-Za-z]+?)[0-9A-F]{8}\b`)

// read is the template of a step, with the ids that template.yaml has: CDK's have the construct's
// before them and a hash after them.
func (s step) read(t testing.TB) cfn.Template {
	t.Helper()
	template, err := cfn.Parse([]byte(hashed.ReplaceAllString(s.Template, "$1")))
	if err != nil {
		t.Fatal(err)
	}
	return template
}

func templateOfSAM(t testing.TB) cfn.Template {
	t.Helper()
	data, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfn.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// synthesize is the template that the app of infra writes in this environment.
func synthesize(t testing.TB, env ...string) string {
	t.Helper()
	needsNode(t)
	reads(t, "../../../infra", "../../contract")
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
		t.Skip("synthesizes with CDK")
	}
	path := filepath.Join(t.TempDir(), "template.json")
	text := synthesize(t, "CALLERS=user/render", "ALERT_EMAIL=ops@example.com", "REACT_TO_CHANGES=yes")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	lint.Check(t, path)
}
