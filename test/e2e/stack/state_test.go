package stack

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
)

// state holds the resources of an account, and the status, outputs and resources of its stack, as
// the services return them.
type state struct {
	Status             string
	Outputs, Resources map[string]string // resources by logical id
	Functions          map[string]struct{ Configuration map[string]any }
	Roles              map[string]map[string]any
	Queues, Topics     map[string]map[string]string // attributes
	Buckets            map[string]map[string]map[string]any
	Rules              map[string]map[string]any
	Keys               map[string]string // ARNs
	LogGroups          map[string]any    // retention

	EventSourceMappings, Subscriptions []map[string]any
}

// UnmarshalJSON decodes a state, and replaces CDK's logical ids with the ids of template.yaml.
func (s *state) UnmarshalJSON(data []byte) error {
	type plain state
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	resources := map[string]string{}
	for id, physical := range s.Resources {
		resources[cfntest.TemplateIDs(id)] = physical
	}
	s.Resources = resources
	return nil
}

// names returns the sorted resources of the account, such as "Buckets code".
func (s state) names() (list []string) {
	for kind, named := range map[string][]string{
		"Functions": slices.Collect(maps.Keys(s.Functions)), "Roles": slices.Collect(maps.Keys(s.Roles)),
		"Queues": slices.Collect(maps.Keys(s.Queues)),
		"Topics": slices.Collect(maps.Keys(s.Topics)), "Buckets": slices.Collect(maps.Keys(s.Buckets)),
		"Rules": slices.Collect(maps.Keys(s.Rules)),
		"Keys":  slices.Collect(maps.Keys(s.Keys)), "LogGroups": slices.Collect(maps.Keys(s.LogGroups)),
	} {
		for _, name := range named {
			list = append(list, kind+" "+name)
		}
	}
	for _, mapping := range s.EventSourceMappings {
		list = append(list, "EventSourceMappings "+mapping["UUID"].(string))
	}
	slices.Sort(list)
	return list
}

// arn returns the ARN of a created resource, or "" for a type without one.
func (s state) arn(kind, physical string) string {
	local := pseudo["AWS::Region"] + ":" + pseudo["AWS::AccountId"] + ":"
	switch kind {
	case "AWS::Lambda::Function":
		arn, _ := s.Functions[physical].Configuration["FunctionArn"].(string)
		return arn
	case "AWS::IAM::Role":
		arn, _ := s.Roles[physical]["Arn"].(string)
		return arn
	case "AWS::SQS::Queue":
		return "arn:aws:sqs:" + local + physical[strings.LastIndex(physical, "/")+1:]
	case "AWS::Logs::LogGroup":
		return "arn:aws:logs:" + local + "log-group:" + physical
	case "AWS::KMS::Key":
		return s.Keys[physical]
	case "AWS::S3::Bucket":
		return "arn:aws:s3:::" + physical
	case "AWS::Events::Rule":
		arn, _ := s.Rules[physical]["Arn"].(string)
		return arn
	}
	return ""
}

// physicalNames returns a replacer from ${Name} and ${Name.Attribute} to the created resources.
func (s state) physicalNames(resources map[string]cfn.Resource) *strings.Replacer {
	var pairs []string
	for id, physical := range s.Resources {
		pairs = append(pairs, "${"+id+"}", physical, "${"+id+".Arn}", s.arn(resources[id].Type, physical),
			"${"+id+".QueueName}", physical[strings.LastIndex(physical, "/")+1:])
	}
	return strings.NewReplacer(pairs...)
}

// filled returns a copy of v with the replacements in every string.
func filled(t testing.TB, v any, fill *strings.Replacer) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var result any
	if err := json.Unmarshal([]byte(fill.Replace(string(data))), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

// compare compares a created resource with its properties in the template.
func (s state) compare(t testing.TB, id string, r cfn.Resource, fill *strings.Replacer) {
	t.Helper()
	physical := s.Resources[id]
	properties, _ := filled(t, r.Properties, fill).(map[string]any)
	check := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %s\n got %s\nwant %s", id, what, asJSON(got), asJSON(want))
		}
	}
	same := func(got map[string]any, names ...string) {
		t.Helper()
		for _, name := range names {
			check(name, got[name], properties[name])
		}
	}
	switch r.Type {
	case "AWS::Lambda::Function":
		function := s.Functions[physical].Configuration
		same(function, "Handler", "Runtime", "Role", "Timeout", "Description", "Environment")
		// A parameter's value is text, which CloudFormation converts.
		check("MemorySize", fmt.Sprint(function["MemorySize"]), fmt.Sprint(properties["MemorySize"]))
	case "AWS::IAM::Role":
		same(s.Roles[physical], "AssumeRolePolicyDocument", "Path", "Description")
	case "AWS::IAM::Policy":
		for _, role := range cfn.List(properties["Roles"]) {
			policies, _ := s.Roles[role.(string)]["Policies"].(map[string]any)
			check("the policy of "+role.(string), policies[properties["PolicyName"].(string)],
				properties["PolicyDocument"])
		}
	case "AWS::SQS::Queue":
		attributes := map[string]any{}
		for _, queue := range s.Queues {
			if queue["QueueArn"] == s.arn(r.Type, physical) {
				for name, value := range queue {
					attributes[name] = value
				}
			}
		}
		for _, name := range []string{"DelaySeconds", "MessageRetentionPeriod", "VisibilityTimeout",
			"SqsManagedSseEnabled"} {
			if want, ok := properties[name]; ok {
				check(name, attributes[name], asJSON(want))
			}
		}
		if want, ok := properties["RedrivePolicy"]; ok {
			check("RedrivePolicy", parsed(t, attributes["RedrivePolicy"]), want)
		}
	case "AWS::SNS::Topic":
		check("DisplayName", s.Topics[physical]["DisplayName"], properties["DisplayName"])
		check("KmsMasterKeyId", s.Topics[physical]["KmsMasterKeyId"], properties["KmsMasterKeyId"])
	case "AWS::S3::Bucket":
		const key = "ServerSideEncryptionConfiguration"
		rules := s.Buckets[physical]["Encryption"][key].(map[string]any)["Rules"].([]any)
		want := properties["BucketEncryption"].(map[string]any)[key].([]any)
		check("BucketEncryption", rules[0].(map[string]any)["ApplyServerSideEncryptionByDefault"],
			want[0].(map[string]any)["ServerSideEncryptionByDefault"])
	case "AWS::Events::Rule":
		check("EventPattern", parsed(t, s.Rules[physical]["EventPattern"]), properties["EventPattern"])
		check("Targets", s.Rules[physical]["Targets"], properties["Targets"])
		same(s.Rules[physical], "State", "Description")
	case "AWS::Lambda::EventSourceMapping":
		for _, mapping := range s.EventSourceMappings {
			if mapping["UUID"] == physical {
				check("FunctionArn", mapping["FunctionArn"],
					s.arn("AWS::Lambda::Function", properties["FunctionName"].(string)))
				same(mapping, "EventSourceArn", "BatchSize", "MaximumBatchingWindowInSeconds", "ScalingConfig")
			}
		}
		check("mappings", len(s.EventSourceMappings), 1)
	case "AWS::KMS::Key":
		check("key", s.Keys[physical] != "", true)
	case "AWS::Logs::LogGroup":
		check("RetentionInDays", asJSON(s.LogGroups[physical]),
			strings.Trim(asJSON(properties["RetentionInDays"]), `"`))
	default:
		t.Errorf("%s: compare does not support the type %s", id, r.Type)
	}
}

func parsed(t testing.TB, v any) (document any) {
	t.Helper()
	text, _ := v.(string)
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Errorf("%v: %v", v, err)
	}
	return document
}

func asJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(data)
}
