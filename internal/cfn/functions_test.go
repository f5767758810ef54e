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
		want        any // nil if the property is absent
	}{
		{"a list parameter is a list", "!Ref Roles", nil, []any{"a", "b", "c"}},
		{"an empty list parameter has one empty element", "!Ref Roles",
			map[string]string{"Roles": ""}, []any{""}},
		{"a large number has no exponent", "!Sub '${Days}'", nil, "3000000"},
		{"FindInMap returns a number", "!FindInMap [Every, !Ref Every, Period]",
			map[string]string{"Every": "6h"},
			21600.0},
		{"FindInMap returns a list", "!FindInMap [Every, 1h, Names]", nil, []any{"x", "y"}},
		{"AWS::NoValue removes a property", "!Ref AWS::NoValue", nil, nil},
		{"If removes a property if the condition is false",
			"!If [HasMail, x, !Ref AWS::NoValue]", nil, nil},
		{"If keeps a property if the condition is true", "!If [HasMail, x, !Ref AWS::NoValue]", mail,
			"x"},
		{"AWS::NoValue removes an element of a list", "[a, !If [HasMail, b, !Ref AWS::NoValue], c]", nil,
			[]any{"a", "c"}},
		{"AWS::NoValue removes an element of a Join", "!Join [',', [a, !Ref AWS::NoValue, c]]", nil,
			"a,c"},
		{"Join joins a list parameter", "!Join ['/', !Ref Roles]", nil, "a/b/c"},
		{"AWS::NoValue removes a nested property", "{A: {B: !Ref 'AWS::NoValue', C: 1}}", nil,
			map[string]any{"A": map[string]any{"C": 1.0}}},
		{"And is true if both conditions are true", "!If [Both, y, n]", mail, "y"},
		{"And is false if one condition is false", "!If [Both, y, n]", nil, "n"},
		{"Or is false if both conditions are false", "!If [Any, y, n]",
			map[string]string{"Every": "6h"}, "n"},
		{"a pseudo parameter can have a given value", "!If [Here, y, n]",
			map[string]string{"AWS::Region": "eu-west-1"}, "y"},
		{"a pseudo parameter without a value stays ${…}", "!Ref AWS::Region", nil, "${AWS::Region}"},
		{"Select and Split return a part of an ARN",
			"!Select [4, !Split [':', !Sub 'arn:${AWS::Partition}:sns:${AWS::Region}:1234:topic']]", nil,
			"1234"},
		{"Split keeps the ${…} of an ARN whole",
			"!Split [',', !Sub '${Every},arn:${AWS::Partition}:iam::aws:policy/*']", nil,
			[]any{"1h", "arn:${AWS::Partition}:iam::aws:policy/*"}},
		{"the index of Select can be a string", "!Select ['1', [a, b]]", nil, "b"},
		{"Join joins the result of Split", "!Join [':', !Split ['/', 'a/b/']]", nil, "a:b:"},
		{"an attribute stays ${…}", "!Sub '${Topic.TopicArn}/x'", nil, "${Topic.TopicArn}/x"},
		{"an attribute can contain a dot", "!GetAtt Topic.A.B", nil, "${Topic.A.B}"},
		{"the long form of GetAtt can be a dotted string", "{'Fn::GetAtt': Topic.Arn}", nil,
			"${Topic.Arn}"},
		{"Sub replaces its own variables", "!Sub ['${X}-${Every}', {X: !Select [0, !Ref Roles]}]", nil,
			"a-1h"},
		{"a variable of Sub hides a parameter", "!Sub ['${Every}', {Every: x}]", nil, "x"},
		{"${!Name} becomes the text ${Name}", "!Sub '${!Every}'", nil, "${Every}"},
		{"a boolean becomes text", "!Join ['', [true]]", nil, "true"},
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
		if _, present := got["Thing"].Properties["Value"]; present != (tt.want != nil) {
			t.Errorf("%s: %s: the property is present: %v", tt.name, tt.value, present)
		}
	}
}

func TestInvalidFunctionsAreErrors(t *testing.T) {
	for value, want := range map[string]string{
		"!Ref Missing":                   "Value: Missing is neither a parameter nor a resource",
		"!Ref [a]":                       "cannot read the argument [a] of Ref",
		"!Sub '${Missing}'":              "Fn::Sub: Missing is neither",
		"!Sub '${Missing.Arn}'":          "Missing.Arn is not an attribute of a resource in the template",
		"!Sub '${Every'":                 "has no }",
		"!Sub '${Roles}'":                "Roles: [a b c] is not a string",
		"!Sub [a]":                       "cannot read the argument",
		"!GetAtt Topic":                  "Topic is not an attribute of a resource in the template",
		"!GetAtt [Topic]":                "cannot read the argument",
		"!If [Nowhere, a, b]":            "condition Nowhere: not in the template",
		"!If [Loop, a, b]":               "condition Loop: condition Loop: depends on itself",
		"!If [Here, a, b]":               "${AWS::Region} is known only to AWS: set it in the parameters",
		"!If [Any, a]":                   "cannot read the argument",
		"!FindInMap [Every, 2h, Period]": "no Every.2h in Mappings",
		"!FindInMap [Every, 1h]":         "cannot read the argument",
		"!Join [',', a]":                 "a is not a list",
		"!Join [',', [[a]]]":             "[a] is not a string",
		"!Join [',', [{a: b}]]":          "map[a:b] is not a string",
		"!Join [1, [a]]":                 "cannot read the argument",
		"!Split [':', !Ref Topic]":       "cannot split ${Topic}, which is known only to AWS",
		"!Split ['-', !Ref AWS::Region]": "cannot split ${AWS::Region}, which is known only to AWS",
		"!Split ['', a]":                 "cannot read the argument",
		"!Select [3, !Ref Roles]":        "index 3 is not in a list of 3",
		"!Select [-1, !Ref Roles]":       "index -1",
		"!Select [x, !Ref Roles]":        "index x",
		"!Select [0, a]":                 "a is not a list",
		"!Sub ['${X}', {X: !Ref Roles}]": "X: [a b c] is not a string",
		"!Join ['', [!Ref Queue]]": "resource Thing: refers to Queue, which is not in a stack with " +
			"these parameters",
		"!Sub '${Queue.Arn}'":                 "refers to Queue",
		"!If [HasMail, a, !GetAtt Queue.Arn]": "refers to Queue",
		"!ImportValue x":                      "Fn::ImportValue: not a supported function",
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
	for output, want := range map[string]string{
		"{Value: !GetAtt Queue.Arn}":   "output Bad: refers to Queue",
		"{Value: !Ref Roles}":          "output Bad: value: [a b c] is not a string",
		"{Value: !Ref 'AWS::NoValue'}": "AWS::NoValue is not a string",
		"{}":                           "output Bad: value",
		"{Value: x, Condition: Never}": "condition Never: not in the template",
		"x":                            "want a mapping",
	} {
		template, err := Parse([]byte(strings.ReplaceAll(outputs, "%s", "x") + "  Bad: " + output +
			"\n"))
		if err == nil {
			_, err = template.Outputs(nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", output, err, want)
		}
	}
}
