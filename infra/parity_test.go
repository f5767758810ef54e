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

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
)

// ignored contains the properties that may differ between template.yaml and the construct, as
// resource.property, with the reason. All other properties must be equal.
var ignored = map[string]string{
	"AuditFunction.Code":    "CDK uploads the built directory",
	"AuditFunction.CodeUri": "SAM builds from the checkout",
	"AuditFunction.Tags":    "SAM adds a tag",
}

func samTemplate(t *testing.T) cfn.Template { return readTemplate(t, "../template.yaml") }

func readTemplate(t *testing.T, file string) cfn.Template {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	template, err := cfn.Parse(data)
	if err != nil {
		t.Fatal(file, ": ", err)
	}
	return template
}

// TestParity checks that template.yaml and the construct create the same resources, for several
// sets of parameters.
func TestParity(t *testing.T) {
	sam := samTemplate(t)
	const topic, key = "arn:aws:sns:us-east-1:123456789012:",
		"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	const boundary = "arn:aws:iam::123456789012:policy/boundary"
	existing := func(name string) func(awscdk.Stack) awssns.ITopic {
		return func(s awscdk.Stack) awssns.ITopic {
			return awssns.Topic_FromTopicArn(s, jsii.String(name), jsii.String(topic+name))
		}
	}
	tests := []struct {
		name       string
		parameters map[string]string
		props      func(awscdk.Stack) *PermissionAuditorProps
	}{
		{"defaults", map[string]string{"Callers": "user/render"},
			func(awscdk.Stack) *PermissionAuditorProps {
				return &PermissionAuditorProps{Callers: jsii.Strings("user/render")}
			}},
		{"all parameters set", map[string]string{
			"Callers": "user/render,role/web=render", "RenderRole": "render", "RemotionVersion": "4.0.418",
			"Regions": "us-east-1,eu-central-1", "Buckets": "site,output",
			"AssumedContext": "aws:SourceVpc=vpc-1",
			"Every":          "6h", "TimeZone": "Europe/Vienna", "AlertEmail": "ops@example.com",
			"MetricNamespace": "Team/Remotion", "AuditorId": "second",
			"HttpsFormat": "json", "RepeatAfter": "72h", "EvidenceBucketName": "evidence",
			"ReactToChanges": "yes", "Dashboard": "no",
			"LogRetentionDays": "90", "ReportRetentionDays": "7", "RolePath": "/audit/",
			"PermissionsBoundaryArn": boundary,
			"ReadScope":              "named",
			"NamedPrincipals":        "arn:aws:iam::123456789012:user/render,arn:aws:iam::123456789012:policy/a/render",
			"OpsTopicArn":            topic + "ops", "PagerTopicArn": topic + "pager", "KmsKeyArn": key,
		}, func(s awscdk.Stack) *PermissionAuditorProps {
			return &PermissionAuditorProps{
				Callers: jsii.Strings("user/render", "role/web=render"), RenderRole: jsii.String("render"),
				RemotionVersion:    jsii.String("4.0.418"),
				Regions:            jsii.Strings("us-east-1", "eu-central-1"),
				Buckets:            jsii.Strings("site", "output"),
				AssumedContext:     jsii.Strings("aws:SourceVpc=vpc-1"),
				ScheduleExpression: jsii.String("rate(6 hours)"), TimeZone: jsii.String("Europe/Vienna"),
				AlertEmail:      jsii.String("ops@example.com"),
				MetricNamespace: jsii.String("Team/Remotion"), AuditorID: jsii.String("second"),
				HTTPSFormat: jsii.String("json"), RepeatAfter: jsii.String("72h"),
				EvidenceBucket: jsii.String("evidence"),
				ReactToChanges: jsii.Bool(true), Dashboard: jsii.Bool(false), LogRetentionDays: jsii.Number(90),
				ReportRetentionDays: jsii.Number(7),
				RolePath:            jsii.String("/audit/"),
				PermissionsBoundary: awsiam.ManagedPolicy_FromManagedPolicyArn(s, jsii.String("boundary"),
					jsii.String(boundary)),
				ReadScope: jsii.String("named"),
				NamedPrincipals: jsii.Strings("arn:aws:iam::123456789012:user/render",
					"arn:aws:iam::123456789012:policy/a/render"),
				OpsTopic: existing("ops")(s), PagerTopic: existing("pager")(s),
				AlertTopicKey: awskms.Key_FromKeyArn(s, jsii.String("key"), jsii.String(key)),
			}
		}},
		{"an existing topic", map[string]string{"Callers": "none", "AlertTopicArn": topic + "alerts",
			"AlertEmail": "ops@example.com"},
			func(s awscdk.Stack) *PermissionAuditorProps {
				return &PermissionAuditorProps{Callers: jsii.Strings("none"), AlertTopic: existing("alerts")(s),
					AlertEmail: jsii.String("ops@example.com")}
			}},
		{"an existing topic with a key, and a bucket's retention",
			map[string]string{"Callers": "none", "AlertTopicArn": topic + "alerts", "KmsKeyArn": key,
				"ReportRetentionDays": "30"},
			func(s awscdk.Stack) *PermissionAuditorProps {
				return &PermissionAuditorProps{Callers: jsii.Strings("none"), AlertTopic: existing("alerts")(s),
					AlertTopicKey:       awskms.Key_FromKeyArn(s, jsii.String("key"), jsii.String(key)),
					ReportRetentionDays: jsii.Number(30)}
			}},
	}
	for every, expression := range map[string]string{"15m": "rate(15 minutes)", "1h": "rate(1 hour)",
		"6h": "rate(6 hours)", "12h": "rate(12 hours)", "1d": "rate(1 day)"} {
		tests = append(tests, struct {
			name       string
			parameters map[string]string
			props      func(awscdk.Stack) *PermissionAuditorProps
		}{"every " + every, map[string]string{"Callers": "none", "Every": every},
			func(awscdk.Stack) *PermissionAuditorProps {
				return &PermissionAuditorProps{Callers: jsii.Strings("none"), ScheduleExpression: &expression}
			}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The template splits texts with the partition, so cfn needs the value of the partition.
			tt.parameters["AWS::Partition"] = "aws"
			want, err := sam.Resources(tt.parameters)
			if err != nil {
				t.Fatal(err)
			}
			stack := emptyStack(t)
			props := tt.props(stack)
			props.Code = testCode(t)
			NewPermissionAuditor(stack, "Auditor", props)
			got := synthesized(t, assertions.Template_FromStack(stack, nil))
			if gotIDs, wantIDs := slices.Sorted(maps.Keys(got)),
				slices.Sorted(maps.Keys(want)); !reflect.DeepEqual(gotIDs, wantIDs) {
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

// TestForwarderParity checks that change-forwarder.yaml and NewChangeForwarder create the same
// resources.
func TestForwarderParity(t *testing.T) {
	const boundary = "arn:aws:iam::123456789012:policy/boundary"
	want, err := readTemplate(t,
		"change-forwarder.yaml").Resources(map[string]string{"AWS::Partition": "aws",
		"HomeRegion": "eu-central-1", "RolePath": "/audit/", "PermissionsBoundaryArn": boundary})
	if err != nil {
		t.Fatal(err)
	}
	stack := emptyStack(t)
	NewChangeForwarder(stack, "Auditor", &ChangeForwarderProps{HomeRegion: jsii.String("eu-central-1"),
		RolePath: jsii.String("/audit/"),
		PermissionsBoundary: awsiam.ManagedPolicy_FromManagedPolicyArn(stack, jsii.String("boundary"),
			jsii.String(boundary))})
	got := synthesized(t, assertions.Template_FromStack(stack, nil))
	for id := range want {
		if sam, cdk := normal(id, want), normal(id, got); !reflect.DeepEqual(sam, cdk) {
			t.Errorf("%s\n CDK %s\n YAML %s", id, asJSON(t, cdk), asJSON(t, sam))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d resources, want %d", len(got), len(want))
	}
}

// synthesized returns the resources of a CDK template by the ids of their constructs. A logical id
// of CDK is the auditor's id, the construct's id and a hash.
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
	// BootstrapVersion is a parameter that CDK adds.
	resources, err := parsed.Resources(map[string]string{"BootstrapVersion": "",
		"AWS::Partition": "aws"})
	if err != nil {
		t.Fatal(err)
	}
	return resources
}

// normal returns a resource in a form that can be compared: without the ignored properties, and
// with the same form for values that mean the same.
func normal(id string, template map[string]cfn.Resource) cfn.Resource {
	r := template[id]
	if r.Type == "AWS::Serverless::Function" {
		r.Type = "AWS::Lambda::Function" // the result of SAM's transform
	}
	// A reference has the same effect as DependsOn, so compare all resources that must exist first.
	before := map[string]bool{}
	precede(id, template, before)
	r.DependsOn = slices.Sorted(maps.Keys(before))
	r.Properties = spelling(r.Properties).(map[string]any)
	if body, ok := r.Properties["DashboardBody"].(string); ok {
		var widgets any
		if json.Unmarshal([]byte(body), &widgets) == nil {
			r.Properties["DashboardBody"] = widgets
		}
	}
	for path := range ignored {
		if resource, property, _ := strings.Cut(path, "."); resource == id {
			delete(r.Properties, property)
		}
	}
	return r
}

// precede collects in before the ids of all resources that must exist before the resource with this
// id.
func precede(id string, template map[string]cfn.Resource, before map[string]bool) {
	next := slices.Clone(template[id].DependsOn)
	for _, reference := range regexp.MustCompile(`\$\{([A-Za-z0-9]+)`).FindAllStringSubmatch(
		fmt.Sprint(template[id].Properties), -1) {
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

// spelling returns v with two changes. A list with one element becomes the element, because both
// mean the same in IAM. A number becomes text, because parameters are text.
func spelling(v any) any {
	switch v := v.(type) {
	case float64:
		return fmt.Sprint(v)
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

// TestPatternsEqualTheTemplate checks that Validate uses the patterns of template.yaml.
func TestPatternsEqualTheTemplate(t *testing.T) {
	sam := samTemplate(t)
	got := map[string]string{}
	for name, p := range sam.Section("Parameters") {
		form, formed := p.(map[string]any)["AllowedPattern"].(string)
		// Skip ARNs, which only cmd/synth reads, and yes and no, which are booleans in the props.
		if formed && !strings.HasSuffix(name, "Arn") && form != "^(yes|no)$" {
			got[name] = form
		}
	}
	want := map[string]string{
		"Callers": callersForm, "RenderRole": renderRoleForm, "RemotionVersion": remotionVersionForm,
		"Regions": regionsForm,
		"Buckets": bucketsForm, "AssumedContext": assumedContextForm, "TimeZone": timeZoneForm,
		"AlertEmail": alertEmailForm,
		"ReadScope":  readScopeForm, "NamedPrincipals": namedPrincipalsForm, "RolePath": rolePathForm,
		// Go's regular expressions have no lookahead, so Validate checks the prefix separately.
		"MetricNamespace": strings.Replace(metricNamespaceForm, "^", "^(?!AWS/)", 1),
		"AuditorId":       auditorIDForm,
		"HttpsFormat":     httpsFormatForm, "RepeatAfter": repeatAfterForm,
		"EvidenceBucketName": evidenceBucketForm,
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

func TestEveryIgnoredPropertyHasAReason(t *testing.T) {
	for path, reason := range ignored {
		if reason == "" {
			t.Errorf("%s has no reason", path)
		}
	}
}
