package infra

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra/internal/cdktest"
	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/settings"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

// ignored contains the properties that may differ between template.yaml and the construct, as
// resource.property, with the reason. All other properties must be equal.
var ignored = map[string]string{
	"AuditFunction.Code":    "CDK uploads the built directory",
	"AuditFunction.CodeUri": "SAM builds from the checkout",
	"AuditFunction.Tags":    "SAM adds a tag",
}

func samTemplate(t *testing.T) cfn.Template { return cfntest.Read(t, "../template.yaml") }

// TestParity checks that template.yaml and the construct create the same resources, for several
// sets of parameters.
func TestParity(t *testing.T) {
	sam := samTemplate(t)
	const topic, key = "arn:aws:sns:us-east-1:123456789012:alerts",
		"arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	tests := []struct {
		name       string
		parameters map[string]string
	}{
		{"defaults", map[string]string{"Callers": "user/render"}},
		{"all parameters set", otherParameters(t)},
		{"an existing topic", map[string]string{"Callers": "none", "AlertTopicArn": topic,
			"AlertEmail": "ops@example.com"}},
		{"an existing topic with a key, and a bucket's retention",
			map[string]string{"Callers": "none", "AlertTopicArn": topic, "KmsKeyArn": key,
				"ReportRetentionDays": "30"}},
	}
	for every := range sam.Section("Mappings")["Intervals"].(map[string]any) {
		tests = append(tests, struct {
			name       string
			parameters map[string]string
		}{"every " + every, map[string]string{"Callers": "none", "Every": every}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// The template splits texts with the partition, so cfn needs the value of the partition.
			tt.parameters["AWS::Partition"] = "aws"
			want, err := sam.Resources(tt.parameters)
			if err != nil {
				t.Fatal(err)
			}
			stack := cdktest.Stack(t)
			props := propsOf(t, stack, tt.parameters)
			props.Code = cdktest.Code(t)
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

// otherParameters returns a valid value for each parameter that is not its default. It omits
// AlertTopicArn, which replaces the resources that other parameters change.
func otherParameters(t *testing.T) map[string]string {
	t.Helper()
	parameters := map[string]string{"ReadScope": "named",
		"NamedPrincipals": "arn:aws:iam::123456789012:user/render," +
			"arn:aws:iam::123456789012:policy/a/render"}
	for _, s := range settings.All() {
		if _, given := parameters[s.Parameter]; given || s.Parameter == "" {
			continue
		}
		for _, value := range s.Valid {
			if value != s.Default {
				parameters[s.Parameter] = value
			}
		}
		if parameters[s.Parameter] == "" {
			t.Errorf("%s has no valid example except the default", s.Parameter)
		}
	}
	delete(parameters, "AlertTopicArn")
	return parameters
}

// propsOf returns the props that mean the same as the parameters of template.yaml.
func propsOf(t *testing.T, stack awscdk.Stack,
	parameters map[string]string) *PermissionAuditorProps {
	t.Helper()
	p := &PermissionAuditorProps{}
	for _, s := range properties() {
		value, given := parameters[s.Parameter]
		if !given {
			continue
		}
		id := jsii.String(s.Parameter)
		switch field := p.property(s).(type) {
		case **string:
			*field = &value
		case **[]*string:
			*field = jsii.Strings(strings.Split(value, ",")...)
		case **bool:
			*field = jsii.Bool(value == "yes")
		case **float64:
			days, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			*field = jsii.Number(days)
		case *awssns.ITopic:
			*field = awssns.Topic_FromTopicArn(stack, id, &value)
		case *awskms.IKey:
			*field = awskms.Key_FromKeyArn(stack, id, &value)
		case *awsiam.IManagedPolicy:
			*field = awsiam.ManagedPolicy_FromManagedPolicyArn(stack, id, &value)
		default:
			t.Fatalf("%s: a property of type %T", s.Property, field)
		}
	}
	return p
}

// TestValidateAgreesWithTheTemplate checks that Validate accepts and rejects the same texts, lists
// and numbers as template.yaml.
func TestValidateAgreesWithTheTemplate(t *testing.T) {
	stack, code := cdktest.Stack(t), cdktest.Code(t)
	validate := func(parameter, value string) error {
		p := propsOf(t, stack, map[string]string{"Callers": "none", parameter: value})
		p.Code = code
		return p.Validate()
	}
	for _, s := range properties() {
		switch s.Kind {
		case settings.YesNo, settings.Topic, settings.Key, settings.ManagedPolicy:
			continue // the type accepts only valid values
		}
		for _, value := range s.Valid {
			if value == "" && s.Kind == settings.List {
				continue // an empty list
			}
			if err := validate(s.Parameter, value); err != nil {
				t.Errorf("%s %q: %v", s.Property, value, err)
			}
		}
		for _, value := range s.Invalid {
			if _, err := strconv.Atoi(value); err != nil && s.Kind == settings.Number {
				continue // not a number
			}
			if err := validate(s.Parameter, value); err == nil ||
				!strings.Contains(err.Error(), s.Property) &&
					!strings.Contains(err.Error(), strconv.Quote(value)) {
				t.Errorf("%s %q: error %v, want one with the property or the value", s.Property, value, err)
			}
		}
	}
}

// TestForwarderParity checks that change-forwarder.yaml and NewChangeForwarder create the same
// resources.
func TestForwarderParity(t *testing.T) {
	const boundary, topic = "arn:aws:iam::123456789012:policy/boundary",
		"arn:aws:sns:us-east-1:123456789012:ops"
	for _, tt := range []struct {
		name       string
		parameters map[string]string
	}{
		{"defaults", nil},
		{"all parameters set", map[string]string{"RolePath": "/audit/",
			"PermissionsBoundaryArn": boundary, "OpsTopicArn": topic}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parameters := map[string]string{"AWS::Partition": "aws", "HomeRegion": "eu-central-1"}
			maps.Copy(parameters, tt.parameters)
			want, err := cfntest.Read(t, "change-forwarder.yaml").Resources(parameters)
			if err != nil {
				t.Fatal(err)
			}
			stack := cdktest.Stack(t)
			props := &ChangeForwarderProps{HomeRegion: jsii.String("eu-central-1")}
			if tt.parameters != nil {
				props.RolePath = jsii.String("/audit/")
				props.PermissionsBoundary = awsiam.ManagedPolicy_FromManagedPolicyArn(stack,
					jsii.String("boundary"), jsii.String(boundary))
				props.OpsTopic = awssns.Topic_FromTopicArn(stack, jsii.String("topic"), jsii.String(topic))
			}
			NewChangeForwarder(stack, "Auditor", props)
			got := synthesized(t, assertions.Template_FromStack(stack, nil))
			for id := range want {
				if sam, cdk := normal(id, want), normal(id, got); !reflect.DeepEqual(sam, cdk) {
					t.Errorf("%s\n CDK %s\n YAML %s", id, asJSON(t, cdk), asJSON(t, sam))
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d resources, want %d", len(got), len(want))
			}
		})
	}
}

// synthesized returns the resources of a CDK template by the ids of their constructs.
func synthesized(t testing.TB, template assertions.Template) map[string]cfn.Resource {
	t.Helper()
	data, err := json.Marshal(*template.ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	// BootstrapVersion is a parameter that CDK adds.
	resources, err := cfntest.ParseCDK(t, data).Resources(map[string]string{"BootstrapVersion": "",
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

func TestEveryIgnoredPropertyHasAReason(t *testing.T) {
	for path, reason := range ignored {
		if reason == "" {
			t.Errorf("%s has no reason", path)
		}
	}
}
