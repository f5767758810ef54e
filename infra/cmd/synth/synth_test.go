package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra/internal/cdktest"
	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

// synthesize runs the app with environment variables and returns the templates by stack name.
func synthesize(t *testing.T, environment map[string]string) (map[string]cfn.Template, error) {
	t.Helper()
	app := cdktest.App(t)
	err := synth(app, func(name string) string {
		return environment[name]
	}, cdktest.Code(t))
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(*app.Outdir(), "*.template.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no templates: ", err)
	}
	templates := map[string]cfn.Template{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		templates[strings.TrimSuffix(filepath.Base(file), ".template.json")] = cfntest.ParseCDK(t, data)
	}
	return templates, nil
}

// TestOutputsEqualTheTemplate checks that the app and template.yaml have the same outputs.
func TestOutputsEqualTheTemplate(t *testing.T) {
	want, err := cfntest.Read(t,
		"../../../template.yaml").Outputs(map[string]string{"Callers": "none"})
	if err != nil {
		t.Fatal(err)
	}
	templates, err := synthesize(t, map[string]string{"CALLERS": "none"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := templates["RemotionAudit"].Outputs(map[string]string{"BootstrapVersion": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s\n CDK %v\n SAM %v", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("CDK has %d outputs, SAM %d", len(got), len(want))
	}
}

// TestSettings checks that the app accepts valid settings, and that an error names the invalid
// setting.
func TestSettings(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:123456789012:ops"
	tests := []struct {
		name        string
		environment map[string]string
		want        string // in the error; empty for no error
	}{
		{"valid settings", map[string]string{
			"ALERT_TOPIC_ARN": topic, "OPS_TOPIC_ARN": topic, "PAGER_TOPIC_ARN": topic,
			"KMS_KEY_ARN":              "arn:aws:kms:us-east-1:123456789012:key/1",
			"PERMISSIONS_BOUNDARY_ARN": "arn:aws:iam::123456789012:policy/b", "ROLE_PATH": "/audit/",
			"REACT_TO_CHANGES": "yes", "DASHBOARD": "no",
			"LOG_RETENTION_DAYS": "90", "REPORT_RETENTION_DAYS": "30",
			"SCHEDULE_EXPRESSION": "cron(0 9 ? * MON-FRI *)", "LONGEST_INTERVAL": "73h",
			"TIME_ZONE":        "Europe/Vienna",
			"READ_SCOPE":       "named",
			"NAMED_PRINCIPALS": "arn:aws:iam::123456789012:user/a, arn:aws:iam::123456789012:role/b",
		}, ""},
		{"an interval", map[string]string{"EVERY": "6h"}, ""},
		{"an expression without its longest interval",
			map[string]string{"SCHEDULE_EXPRESSION": "rate(2 hours)"}, "LongestInterval: required"},
		{"an invalid topic", map[string]string{"OPS_TOPIC_ARN": "ops"}, `opsTopicArn: "ops"`},
		{"a FIFO topic", map[string]string{"ALERT_TOPIC_ARN": topic + ".fifo"}, "alertTopicArn"},
		{"an alias instead of a key",
			map[string]string{"KMS_KEY_ARN": "arn:aws:kms:us-east-1:123456789012:alias/a"}, "kmsKeyArn"},
		{"an invalid boundary", map[string]string{"PERMISSIONS_BOUNDARY_ARN": "boundary"},
			"permissionsBoundaryArn"},
		{"neither yes nor no", map[string]string{"REACT_TO_CHANGES": "true"}, "reactToChanges"},
		{"an invalid number of days", map[string]string{"LOG_RETENTION_DAYS": "a month"},
			"logRetentionDays"},
		{"an invalid home region",
			map[string]string{"REACT_TO_CHANGES": "yes", "HOME_REGION": "europe"}, "homeRegion"},
		{"a home region in China", map[string]string{"REACT_TO_CHANGES": "yes",
			"HOME_REGION": "cn-northwest-1"}, "EventBridge sends no events to cn-northwest-1"},
		{"an invalid topic of the forwarder", map[string]string{"REACT_TO_CHANGES": "yes",
			"HOME_REGION": "eu-west-1", "FORWARDER_OPS_TOPIC_ARN": "ops"}, `forwarderOpsTopicArn: "ops"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.environment["CALLERS"] = "none"
			_, err := synthesize(t, tt.environment)
			if tt.want == "" && err != nil || tt.want != "" &&
				(err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestEnvironmentVariable(t *testing.T) {
	got := map[string]string{}
	for _, s := range settings.All() {
		got[s.ContextKey] = environmentVariable(s)
	}
	for key, want := range map[string]string{"callers": "CALLERS", "kmsKeyArn": "KMS_KEY_ARN",
		"evidenceBucket": "EVIDENCE_BUCKET", "auditorId": "AUDITOR_ID"} {
		if got[key] != want {
			t.Errorf("%s: variable %q, want %q", key, got[key], want)
		}
	}
}

// TestAppRejectsWhatTheTemplateRejects checks that the app rejects the values that template.yaml
// rejects, for the settings that are not text in the props.
func TestAppRejectsWhatTheTemplateRejects(t *testing.T) {
	app := cdktest.App(t)
	stack := awscdk.NewStack(app, jsii.String("Stack"), nil)
	for _, s := range settings.All() {
		if s.Property == "" || s.Kind == settings.Text || s.Kind == settings.List {
			continue
		}
		for _, value := range s.Invalid {
			if value == "" {
				continue // not set
			}
			given := reader{node: app.Node(), getenv: func(name string) string {
				return map[string]string{environmentVariable(s): value}[name]
			}}
			props, _ := given.props(stack, nil)
			if err := given.err(props.Validate()); err == nil ||
				!strings.Contains(strings.ToLower(err.Error()), strings.ToLower(s.ContextKey)) {
				t.Errorf("%s=%s: error %v, want one that names the setting", environmentVariable(s), value, err)
			}
		}
	}
}

// TestForwarder checks that the app has a stack with a change forwarder only if the home region is
// set and is not the region of IAM's events.
func TestForwarder(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:123456789012:ops"
	for home, want := range map[string]bool{"eu-central-1": true, "us-east-1": false, "": false} {
		templates, err := synthesize(t, map[string]string{"CALLERS": "none", "REACT_TO_CHANGES": "yes",
			"HOME_REGION": home, "FORWARDER_OPS_TOPIC_ARN": topic})
		if err != nil {
			t.Fatal(err)
		}
		forwarder, made := templates["RemotionAuditChanges"]
		if made != want {
			t.Errorf("home %q: the app has a forwarder: %v, want %v", home, made, want)
		}
		text, _ := json.Marshal(forwarder)
		for _, part := range []string{":events:" + home + ":", topic} {
			if made && !strings.Contains(string(text), part) {
				t.Errorf("home %q: the forwarder does not name %s: %s", home, part, text)
			}
		}
	}
}

// TestManifestNamesTheRegion checks that the manifest has the region in which cdk deploys each
// stack, so that the forwarder's events go to the auditor.
func TestManifestNamesTheRegion(t *testing.T) {
	for _, tt := range []struct {
		name, home, selected string
		want                 map[string]string
	}{
		{"the home region", "eu-central-1", "", map[string]string{
			"RemotionAudit": "eu-central-1", "RemotionAuditChanges": "us-east-1"}},
		{"the home region, although cdk selected another", "eu-central-1", "eu-west-1",
			map[string]string{"RemotionAudit": "eu-central-1", "RemotionAuditChanges": "us-east-1"}},
		{"the region that cdk selected", "", "eu-west-1",
			map[string]string{"RemotionAudit": "eu-west-1"}},
		{"no region without cdk", "", "", map[string]string{"RemotionAudit": "unknown-region"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := cdktest.App(t)
			environment := map[string]string{"CALLERS": "none", "REACT_TO_CHANGES": "yes",
				"HOME_REGION": tt.home, "CDK_DEFAULT_REGION": tt.selected}
			if err := synth(app, func(name string) string { return environment[name] },
				cdktest.Code(t)); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(filepath.Join(*app.Outdir(), "manifest.json"))
			if err != nil {
				t.Fatal(err)
			}
			var manifest struct {
				Artifacts map[string]struct{ Type, Environment string }
			}
			if err := json.Unmarshal(data, &manifest); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for id, artifact := range manifest.Artifacts {
				if artifact.Type == "aws:cloudformation:stack" {
					got[id] = artifact.Environment[strings.LastIndex(artifact.Environment, "/")+1:]
				}
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
