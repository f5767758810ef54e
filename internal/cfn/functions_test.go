package cfn

import (
	"reflect"
	"strings"
	"testing"
)

const functionsTemplate = `
Parameters:
  Every: {Type: String, Default: 1h}
  Mail: {Type: String, Default: ""}
  Roles: {Type: CommaDelimitedList, Default: "a, b ,c"}
  Days: {Type: Number, Default: 3000000}
Mappings:
  Every:
    1h: {Period: 3600, Names: [x, y]}
    6h: {Period: 21600, Names: []}
Conditions:
  HasMail: !Not [!Equals [!Ref Mail, ""]]
  Hourly: !Equals [!Ref Every, 1h]
  Both: !And [!Condition HasMail, !Condition Hourly]
  Any: !Or [{Condition: HasMail}, {Condition: Hourly}]
  Here: !Equals [!Ref AWS::Region, eu-west-1]
  Loop: !Not [!Condition Loop]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Any
  Queue:
    Type: AWS::SQS::Queue
    Condition: HasMail
  Thing:
    Properties:
      Value: %s
`

func TestFunctions(t *testing.T) {
	mail := map[string]string{"Mail": "ops@example.com"}
	for _, tt := range []struct {
		name, value string
		parameters  map[string]string
		want        any // nil: there is no such property
	}{
		{"a list for a parameter that is one", "!Ref Roles", nil, []any{"a", "b", "c"}},
		{"an empty list has one empty element", "!Ref Roles", map[string]string{"Roles": ""}, []any{""}},
		{"a number in full", "!Sub '${Days}'", nil, "3000000"},
		{"a mapping's number", "!FindInMap [Every, !Ref Every, Period]", map[string]string{"Every": "6h"},
			21600.0},
		{"a mapping's list", "!FindInMap [Every, 1h, Names]", nil, []any{"x", "y"}},
		{"no property", "!Ref AWS::NoValue", nil, nil},
		{"no property, by a condition", "!If [HasMail, x, !Ref AWS::NoValue]", nil, nil},
		{"a property, by a condition", "!If [HasMail, x, !Ref AWS::NoValue]", mail, "x"},
		{"no element", "[a, !If [HasMail, b, !Ref AWS::NoValue], c]", nil, []any{"a", "c"}},
		{"no element of a join", "!Join [',', [a, !Ref AWS::NoValue, c]]", nil, "a,c"},
		{"a join of a parameter", "!Join ['/', !Ref Roles]", nil, "a/b/c"},
		{"no property deep within", "{A: {B: !Ref 'AWS::NoValue', C: 1}}", nil,
			map[string]any{"A": map[string]any{"C": 1.0}}},
		{"and", "!If [Both, y, n]", mail, "y"},
		{"not and", "!If [Both, y, n]", nil, "n"},
		{"or", "!If [Any, y, n]", map[string]string{"Every": "6h"}, "n"},
		{"a pseudo parameter that is given", "!If [Here, y, n]",
			map[string]string{"AWS::Region": "eu-west-1"}, "y"},
		{"a pseudo parameter that is not", "!Ref AWS::Region", nil, "${AWS::Region}"},
		{"a part of an ARN",
			"!Select [4, !Split [':', !Sub 'arn:${AWS::Partition}:sns:${AWS::Region}:1234:topic']]", nil,
			"1234"},
		{"a list with an ARN in it",
			"!Split [',', !Sub '${Every},arn:${AWS::Partition}:iam::aws:policy/*']", nil,
			[]any{"1h", "arn:${AWS::Partition}:iam::aws:policy/*"}},
		{"an element by a text", "!Select ['1', [a, b]]", nil, "b"},
		{"split and joined again", "!Join [':', !Split ['/', 'a/b/']]", nil, "a:b:"},
		{"an attribute", "!Sub '${Topic.TopicArn}/x'", nil, "${Topic.TopicArn}/x"},
		{"an attribute of an attribute", "!GetAtt Topic.A.B", nil, "${Topic.A.B}"},
		{"a dotted attribute in the long form", "{'Fn::GetAtt': Topic.Arn}", nil, "${Topic.Arn}"},
		{"variables of a Sub", "!Sub ['${X}-${Every}', {X: !Select [0, !Ref Roles]}]", nil, "a-1h"},
		{"a variable hides a parameter", "!Sub ['${Every}', {Every: x}]", nil, "x"},
		{"a literal ${", "!Sub '${!Every}'", nil, "${Every}"},
		{"a truth value in a text", "!Join ['', [true]]", nil, "true"},
	} {
		template, err := Parse([]byte(strings.ReplaceAll(functionsTemplate, "%s", tt.value)))
		if err != nil {
			t.Fatal(tt.name, err)
		}
		got, err := template.Resources(tt.parameters)
		if err != nil || !reflect.DeepEqual(got["Thing"].Properties["Value"], tt.want) {
			t.Errorf("%s: %s\n got %v, %v\nwant %v", tt.name, tt.value, got["Thing"].Properties["Value"],
				err, tt.want)
		}
		if _, there := got["Thing"].Properties["Value"]; there != (tt.want != nil) {
			t.Errorf("%s: %s: the property is there: %v", tt.name, tt.value, there)
		}
	}
}

func TestFunctionsThatMakeNoSense(t *testing.T) {
	for value, want := range map[string]string{
		"!Ref Missing":          "Value: Missing is neither a parameter nor a resource",
		"!Ref [a]":              "cannot read the argument [a] of Ref",
		"!Sub '${Missing}'":     "Fn::Sub: Missing is neither",
		"!Sub '${Missing.Arn}'": "Missing.Arn is no attribute",
		"!Sub '${Every'":        "has no }",
		"!Sub '${Roles}'":       "Roles: [a b c] where a text is needed",
		"!Sub [a]":              "cannot read its argument",
		"!GetAtt Topic":         "Topic is no attribute",
		"!GetAtt [Topic]":       "cannot read its argument",
		"!If [Nowhere, a, b]":   "condition Nowhere: not in the template",
		"!If [Loop, a, b]":      "condition Loop: condition Loop: depends on itself",
		"!If [Here, a, b]": "only AWS knows ${AWS::Region}: give it with the " +
			"parameters",
		"!If [Any, a]":                   "cannot read its argument",
		"!FindInMap [Every, 2h, Period]": "no Every.2h in Mappings",
		"!FindInMap [Every, 1h]":         "cannot read its argument",
		"!Join [',', a]":                 "a is no list",
		"!Join [',', [[a]]]":             "[a] where a text is needed",
		"!Join [',', [{a: b}]]":          "where a text is needed",
		"!Join [1, [a]]":                 "cannot read its argument",
		"!Split [':', !Ref Topic]":       "only AWS knows ${Topic}, and so where to split it",
		"!Split ['-', !Ref AWS::Region]": "only AWS knows ${AWS::Region}",
		"!Split ['', a]":                 "cannot read its argument",
		"!Select [3, !Ref Roles]":        "index 3 of a list of 3",
		"!Select [-1, !Ref Roles]":       "index -1",
		"!Select [x, !Ref Roles]":        "index x",
		"!Select [0, a]":                 "a is no list",
		"!Sub ['${X}', {X: !Ref Roles}]": "where a text is needed",
		"!Join ['', [!Ref Queue]]": "resource Thing: refers to Queue, which a stack with " +
			"these parameters does not have",
		"!Sub '${Queue.Arn}'":                 "refers to Queue",
		"!If [HasMail, a, !GetAtt Queue.Arn]": "refers to Queue",
		"!ImportValue x":                      "Fn::ImportValue: not a function this package knows",
	} {
		template, err := Parse([]byte(strings.ReplaceAll(functionsTemplate, "%s", value)))
		if err == nil {
			_, err = template.Resources(nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", value, err, want)
		}
	}
}

func TestOutputs(t *testing.T) {
	const outputs = functionsTemplate + `
Outputs:
  Topic: {Description: Where, Value: !Ref Topic, Export: {Name: !Sub 'audit-${Every}'}}
  Queue: {Condition: HasMail, Value: !GetAtt Queue.Arn}
  Period: {Value: !FindInMap [Every, !Ref Every, Period]}
`
	template, err := Parse([]byte(strings.ReplaceAll(outputs, "%s", "x")))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Output{"Topic": {Description: "Where", Value: "${Topic}", Export: "audit-1h"},
		"Period": {Value: "3600"}}
	if got, err := template.Outputs(nil); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("without mail\n got %v, %v\nwant %v", got, err, want)
	}
	want["Queue"] = Output{Value: "${Queue.Arn}"}
	if got, err := template.Outputs(map[string]string{"Mail": "x"}); err != nil ||
		!reflect.DeepEqual(got, want) {
		t.Errorf("with mail\n got %v, %v\nwant %v", got, err, want)
	}
	for written, want := range map[string]string{
		"{Value: !GetAtt Queue.Arn}":   "output Bad: refers to Queue",
		"{Value: !Ref Roles}":          "output Bad: its value: [a b c] where a text is needed",
		"{Value: !Ref 'AWS::NoValue'}": "AWS::NoValue where a text is needed",
		"{}":                           "output Bad: its value",
		"{Value: x, Condition: Never}": "condition Never: not in the template",
		"x":                            "want a mapping",
	} {
		template, err := Parse([]byte(strings.ReplaceAll(outputs, "%s", "x") + "  Bad: " + written +
			"\n"))
		if err == nil {
			_, err = template.Outputs(nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", written, err, want)
		}
	}
}
