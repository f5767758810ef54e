package infra

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
)

// ignored is what the two forms may differ in, as resource.property, and why. Everything else is compared.
var ignored = map[string]string{
	"AuditFunction.Code":    "CDK uploads the built folder",
	"AuditFunction.CodeUri": "SAM builds from the checkout",
	"AuditFunction.Tags":    "set by neither, added by the tools",
}

func samTemplate(t *testing.T) cfn.Template {
	t.Helper()
	data, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sam, err := cfn.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return sam
}

// TestParity holds template.yaml and the construct to the same system, with and without mail.
func TestParity(t *testing.T) {
	sam := samTemplate(t)
	tests := []struct {
		name       string
		parameters map[string]string
		props      *PermissionAuditorProps
	}{
		{"defaults", map[string]string{"Callers": "user/render"}, &PermissionAuditorProps{Callers: jsii.Strings("user/render")}},
		{"everything set", map[string]string{
			"Callers": "user/render,role/web=render", "RenderRole": "render", "RemotionVersion": "4.0.418",
			"Regions": "us-east-1,eu-central-1", "Buckets": "site,output", "AssumedContext": "aws:SourceVpc=vpc-1",
			"ScheduleExpression": "rate(6 hours)", "AlertEmail": "ops@example.com", "MetricNamespace": "Team/Remotion", "AuditorId": "second",
			"HttpsFormat": "json", "RepeatAfter": "72h", "EvidenceBucketName": "evidence",
		}, &PermissionAuditorProps{
			Callers: jsii.Strings("user/render", "role/web=render"), RenderRole: jsii.String("render"), RemotionVersion: jsii.String("4.0.418"),
			Regions: jsii.Strings("us-east-1", "eu-central-1"), Buckets: jsii.Strings("site", "output"), AssumedContext: jsii.Strings("aws:SourceVpc=vpc-1"),
			ScheduleExpression: jsii.String("rate(6 hours)"), AlertEmail: jsii.String("ops@example.com"), MetricNamespace: jsii.String("Team/Remotion"), AuditorID: jsii.String("second"),
			HTTPSFormat: jsii.String("json"), RepeatAfter: jsii.String("72h"), EvidenceBucket: jsii.String("evidence"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want, err := sam.Resources(tt.parameters)
			if err != nil {
				t.Fatal(err)
			}
			stack, _ := newStack(t, tt.props)
			got := synthesized(t, assertions.Template_FromStack(stack, nil))
			if gotIDs, wantIDs := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !reflect.DeepEqual(gotIDs, wantIDs) {
				t.Fatalf("resources\n CDK %v\n SAM %v", gotIDs, wantIDs)
			}
			for _, id := range slices.Sorted(maps.Keys(want)) {
				sam, cdk := normal(id, want), normal(id, got)
				if !reflect.DeepEqual(sam, cdk) {
					t.Errorf("%s\n CDK %s\n SAM %s", id, asJSON(t, cdk), asJSON(t, sam))
				}
			}
		})
	}
}

// synthesized is the resources of a template of CDK's, under the ids of the constructs: CDK
// puts the auditor's id before them and a hash after them.
func synthesized(t testing.TB, template assertions.Template) map[string]cfn.Resource {
	t.Helper()
	data, err := json.Marshal(*template.ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	data = regexp.MustCompile(`"Auditor([A-Za-z0-9]*?)[0-9A-F]{8}"`).ReplaceAll(data, []byte(`"$1"`))
	parsed, err := cfn.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	// CDK's own parameter, for the version of its bootstrap stack.
	resources, err := parsed.Resources(map[string]string{"BootstrapVersion": ""})
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

// normal is a resource of a template without what may differ, and in the one of several spellings that
// means the same.
func normal(id string, template map[string]cfn.Resource) cfn.Resource {
	r := template[id]
	if r.Type == "AWS::Serverless::Function" {
		r.Type = "AWS::Lambda::Function" // what the transform makes of it
	}
	// Who refers to a resource waits for it as well as who names it, so what counts is the whole order.
	before := map[string]bool{}
	precede(id, template, before)
	r.DependsOn = slices.Sorted(maps.Keys(before))
	r.Properties = spelling(r.Properties).(map[string]any)
	for path := range ignored {
		if resource, property, _ := strings.Cut(path, "."); resource == id {
			delete(r.Properties, property)
		}
	}
	return r
}

// precede adds to before all that is created before the resource.
func precede(id string, template map[string]cfn.Resource, before map[string]bool) {
	next := slices.Clone(template[id].DependsOn)
	for _, reference := range regexp.MustCompile(`\$\{([A-Za-z0-9]+)`).FindAllStringSubmatch(fmt.Sprint(template[id].Properties), -1) {
		if _, ok := template[reference[1]]; ok {
			next = append(next, reference[1])
		}
	}
	for _, other := range next {
		if !before[other] {
			before[other] = true
			precede(other, template, before)
		}
	}
}

// spelling makes lists of one the one thing, as IAM reads them.
func spelling(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			list[i] = spelling(element)
		}
		if len(list) == 1 {
			return list[0]
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = spelling(value)
		}
		return m
	}
	return v
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "     ", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestParameterFormsAreTheProps holds what the template refuses to what Validate does.
func TestParameterFormsAreTheProps(t *testing.T) {
	sam := samTemplate(t)
	got := map[string]string{}
	for name, p := range sam.Section("Parameters") {
		got[name], _ = p.(map[string]any)["AllowedPattern"].(string)
	}
	want := map[string]string{
		"Callers": callersForm, "RenderRole": renderRoleForm, "RemotionVersion": remotionVersionForm, "Regions": regionsForm,
		"Buckets": bucketsForm, "AssumedContext": assumedContextForm, "ScheduleExpression": scheduleForm, "AlertEmail": alertEmailForm,
		// Go's regexps cannot look ahead; Validate asks for the prefix itself.
		"MetricNamespace": strings.Replace(metricNamespaceForm, "^", "^(?!AWS/)", 1), "AuditorId": auditorIDForm,
		"HttpsFormat": httpsFormatForm, "RepeatAfter": repeatAfterForm, "EvidenceBucketName": evidenceBucketForm,
	}
	if !reflect.DeepEqual(got, want) {
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got[name] != want[name] {
				t.Errorf("%s\n SAM %s\n CDK %s", name, got[name], want[name])
			}
		}
		t.Errorf("parameters %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestNothingIsIgnoredWithoutReason(t *testing.T) {
	for path, reason := range ignored {
		if reason == "" {
			t.Errorf("%s: no reason", path)
		}
	}
}
