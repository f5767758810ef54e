package cfn

import (
	"reflect"
	"strings"
	"testing"
)

const inYAML = `
Parameters:
  Name:
    Type: String
  Mail:
    Type: String
    Default: ""
Conditions:
  HasMail: !Not [!Equals [!Ref Mail, ""]]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    DeletionPolicy: Retain
    Properties:
      DisplayName: !Ref Name
  Subscription:
    Type: AWS::SNS::Subscription
    Condition: HasMail
    DependsOn: Topic
    Properties:
      TopicArn: !Ref Topic
      Endpoint: !Ref Mail
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: !Sub "/${Name}/${AWS::Region}/"
      Description: >-
        one
        line
      MaxSessionDuration: 3600
      Arns: [!GetAtt Topic.TopicArn, plain]
`

// inJSON contains the same resources as CDK writes them, with values instead of parameters.
const inJSON = `{"Resources": {
  "Topic": {"Type": "AWS::SNS::Topic", "DeletionPolicy": "Retain", "Properties": {"DisplayName": "audit"}},
  "Subscription": {"Type": "AWS::SNS::Subscription", "DependsOn": ["Topic"],
    "Properties": {"TopicArn": {"Ref": "Topic"}, "Endpoint": "ops@example.com"}},
  "Role": {"Type": "AWS::IAM::Role", "Properties": {
    "Path": {"Fn::Join": ["", ["/audit/", {"Ref": "AWS::Region"}, "/"]]},
    "Description": "one line", "MaxSessionDuration": 3600,
    "Arns": [{"Fn::GetAtt": ["Topic", "TopicArn"]}, "plain"]}}}}`

func TestYAMLAndJSONHaveTheSameResources(t *testing.T) {
	want := map[string]Resource{
		"Topic": {Type: "AWS::SNS::Topic", DeletionPolicy: "Retain",
			Properties: map[string]any{"DisplayName": "audit"}},
		"Subscription": {Type: "AWS::SNS::Subscription", DependsOn: []string{"Topic"},
			Properties: map[string]any{"TopicArn": "${Topic}", "Endpoint": "ops@example.com"}},
		"Role": {Type: "AWS::IAM::Role", Properties: map[string]any{
			"Path": "/audit/${AWS::Region}/", "Description": "one line", "MaxSessionDuration": 3600.0,
			"Arns": []any{"${Topic.TopicArn}", "plain"}}},
	}
	for _, tt := range []struct {
		form, text string
		parameters map[string]string
	}{
		{"YAML", inYAML, map[string]string{"Name": "audit", "Mail": "ops@example.com"}},
		{"JSON", inJSON, nil},
	} {
		template, err := Parse([]byte(tt.text))
		if err != nil {
			t.Fatal(tt.form, err)
		}
		if got, err := template.Resources(tt.parameters); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %v, %v\nwant %v", tt.form, got, err, want)
		}
	}
}

func TestResourceIsOmittedIfItsConditionIsFalse(t *testing.T) {
	template, err := Parse([]byte(inYAML))
	if err != nil {
		t.Fatal(err)
	}
	got, err := template.Resources(map[string]string{"Name": "audit"})
	if _, ok := got["Subscription"]; ok || len(got) != 2 || err != nil {
		t.Errorf("got %v, %v; want Topic and Role", got, err)
	}
}

func TestErrorsNameTheLocation(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		parameters map[string]string
		want       string
	}{
		{"a parameter without a value", inYAML, nil, "parameter Name"},
		{"an undeclared parameter", inYAML, map[string]string{"Name": "x", "Names": "y"},
			"parameter Names"},
		{"an unsupported function", "Resources: {Topic: {Properties: {Name: !Cidr [a, 1]}}}", nil,
			"resource Topic: Name: Fn::Cidr"},
		{"an anchor", "Resources: &all {}", nil, "line 1"},
		{"an unquoted colon in braces, which the parser reads as a key",
			"A: {B: ['x', !Ref AWS::Region]}", nil,
			"line 1: !Ref AWS is a key: put values with colons in quotes"},
		{"invalid YAML", "Resources: [", nil, ""},
		{"a list instead of a mapping", "- Resources", nil, "want a mapping"},
		{"an Or with a single condition",
			"Conditions: {C: !Or [a]}\nResources: {Topic: {Condition: C}}", nil, "condition"},
	} {
		template, err := Parse([]byte(tt.text))
		if err == nil {
			_, err = template.Resources(tt.parameters)
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
}
