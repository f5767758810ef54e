package cfn

import (
	"strings"
	"testing"
)

const checkedTemplate = `
Parameters:
  Who: {Type: String, AllowedPattern: "(user|role)/[a-z]+", ConstraintDescription: user/NAME or role/NAME.}
  Plain: {Type: String, Default: x, AllowedPattern: "[a-z]+"}
  Namespace: {Type: String, Default: Mine, AllowedPattern: "^(?!AWS/)[A-Za-z/]{1,8}$"}
  Every: {Type: String, Default: 1h, AllowedValues: [1h, 6h, 1.5]}
  Days: {Type: Number, Default: 30, MinValue: 1, MaxValue: 400}
  Name: {Type: String, Default: ab, MinLength: 2, MaxLength: "3"}
  Arns: {Type: CommaDelimitedList, Default: "", AllowedPattern: "(arn:[a-z:]+)?", ConstraintDescription: ARNs.}
  Sizes: {Type: List<Number>, Default: "1,2", MaxValue: 9}
  Version: {Type: "AWS::SSM::Parameter::Value<String>", Default: /cdk/version, AllowedPattern: "[0-9]+"}
Rules:
  CdkVersion:
    Assertions:
      - Assert: !Not [!Contains [["1", "2"], !Ref Version]]
        AssertDescription: bootstrap again.
  HourlyIsForUsers:
    RuleCondition: !Equals [!Ref Every, 1h]
    Assertions:
      - Assert: !Or [!Not [!Equals [!Ref Name, abc]], !Equals [!Ref Plain, y]]
        AssertDescription: Name abc needs Plain y.
      - Assert: !EachMemberIn [!Ref Sizes, ["1", 2, "3"]]
        AssertDescription: Sizes are 1 to 3.
  Same:
    RuleCondition: !And [!Equals [!Ref Every, 6h], !Equals [!Ref Days, 30]]
    Assertions: [{Assert: !EachMemberEquals [!Ref Sizes, "1"], AssertDescription: Sizes are 1.}]
`

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]string
		want       []string // texts in the error, in order; nil for no error
	}{
		{"all values are valid", nil, nil},
		{"a value that does not match the pattern", map[string]string{"Who": "users/a"},
			[]string{`parameter Who: "users/a" failed to satisfy constraint: user/NAME or role/NAME.`}},
		{"a pattern must match the whole value", map[string]string{"Who": "user/a b"},
			[]string{"parameter Who"}},
		{"a pattern does not ignore a newline at the end", map[string]string{"Who": "user/a\n"},
			[]string{"parameter Who"}},
		{"a violation of a constraint without a description", map[string]string{"Plain": "X"},
			[]string{`parameter Plain: "X" failed to satisfy constraint: must match pattern [a-z]+`}},
		{"a value with an excluded prefix", map[string]string{"Namespace": "AWS/x"},
			[]string{"parameter Namespace"}},
		{"the excluded prefix at another position is valid",
			map[string]string{"Namespace": "x/AWS/"}, nil},
		{"a value that violates the pattern after the excluded prefix",
			map[string]string{"Namespace": "x-y"},
			[]string{"parameter Namespace"}},
		{"an allowed value", map[string]string{"Every": "1.5"}, nil},
		{"a value that is not allowed", map[string]string{"Every": "2h"},
			[]string{"parameter Every", "must be one of [1h 6h 1.5]"}},
		{"a number below the minimum", map[string]string{"Days": "0"},
			[]string{`parameter Days: "0" failed to satisfy constraint: must be at least 1`}},
		{"a number above the maximum", map[string]string{"Days": "401"},
			[]string{"must be at most 400"}},
		{"a hexadecimal number", map[string]string{"Days": "0x10"},
			[]string{`parameter Days: "0x10" must be a number`}},
		{"Inf, which strconv accepts, is not a number", map[string]string{"Days": "Inf"},
			[]string{"must be a number"}},
		{"a text below the minimum length", map[string]string{"Name": "é"},
			[]string{"must have at least 2 characters"}},
		{"a text above the maximum length", map[string]string{"Name": "abcd"},
			[]string{"must have at most 3 characters"}},
		{"the maximum length is in characters, not bytes", map[string]string{"Name": "éàè"}, nil},
		{"a list of valid elements", map[string]string{"Arns": "arn:a, arn:b"}, nil},
		{"an invalid element of a list", map[string]string{"Arns": "arn:a,B"},
			[]string{`parameter Arns: "B" failed to satisfy constraint: ARNs.`}},
		{"an invalid element of a list of numbers", map[string]string{"Sizes": "1,20", "Every": "6h",
			"Days": "31"},
			[]string{`parameter Sizes: "20"`}},
		{"a Parameter Store parameter is not checked", map[string]string{"Version": "/other"}, nil},
		{"an undeclared parameter", map[string]string{"Extra": "x"},
			[]string{"parameter Extra: not in the template"}},
		{"a violated rule", map[string]string{"Name": "abc"},
			[]string{"rule HourlyIsForUsers: does not hold: Name abc needs Plain y."}},
		{"a satisfied rule", map[string]string{"Name": "abc", "Plain": "y"}, nil},
		{"a list with an element that EachMemberIn does not allow", map[string]string{"Sizes": "3,4"},
			[]string{"Sizes are 1 to 3."}},
		{"a rule with a false condition is not checked",
			map[string]string{"Sizes": "3,4", "Every": "6h", "Days": "31"}, nil},
		{"a list with an element that differs from the value of EachMemberEquals",
			map[string]string{"Sizes": "1,2", "Every": "6h"},
			[]string{"rule Same: does not hold: Sizes are 1."}},
		{"a rule uses the name of a Parameter Store parameter", map[string]string{"Version": "2"},
			[]string{"rule CdkVersion: does not hold: bootstrap again."}},
		{"several errors are joined, parameters first",
			map[string]string{"Who": "x", "Days": "x", "Name": "abc"},
			[]string{"parameter Days", "parameter Who", "rule HourlyIsForUsers"}},
	} {
		template, err := Parse([]byte(checkedTemplate))
		if err != nil {
			t.Fatal(err)
		}
		parameters := map[string]string{"Who": "user/a"}
		for name, value := range tt.parameters {
			parameters[name] = value
		}
		err = template.Check(parameters)
		if err == nil && tt.want != nil || err != nil && tt.want == nil {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		offset := 0
		for _, want := range tt.want {
			i := strings.Index(err.Error()[offset:], want)
			if i < 0 {
				t.Fatalf("%s: error %v, want %q in it", tt.name, err, tt.want)
			}
			offset += i
		}
	}
	if err := (Template{"Parameters": map[string]any{"Who": map[string]any{"Type": "String"}}}).Check(
		nil); err == nil {
		t.Error("a parameter without a value and a default is accepted")
	}
}

func TestInvalidParametersAndRulesAreErrors(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"Parameters: {P: {Type: String, Default: x, AllowedPattern: 'x(?=y)'}}",
			"parameter P: AllowedPattern: "},
		{"Parameters: {P: {Type: String, Default: x, AllowedPattern: '^(?!(a|b))x'}}",
			"parameter P: AllowedPattern: "},
		{"Parameters: {P: {Type: String, Default: x, AllowedPattern: 'x)|(y'}}",
			"parameter P: AllowedPattern: "},
		{"Parameters: {P: {Type: String, Default: [x]}}",
			"parameter P: Default: [x] is not a string"},
		{"Parameters: {P: {Type: Number, Default: 1, MinValue: one}}",
			"parameter P: MinValue is one"},
		{"Rules: {R: {Assertions: []}}", "rule R: has no assertions"},
		{"Rules: {R: x}", "rule R: is a string"},
		{"Rules: {R: {Assertions: [{Assert: !Equals [!Ref Q, x]}]}}",
			"a rule can refer only to parameters"},
		{"Rules: {R: {Assertions: [{Assert: !Equals [!Sub x, x]}]}}",
			"a rule can refer only to parameters"},
		{"Rules: {R: {Assertions: [{Assert: {Condition: C}}]}}",
			"not a supported condition of a rule"},
		{"Rules: {R: {Assertions: [{Assert: !RefAll x}]}}", "not a supported condition of a rule"},
		{"Rules: {R: {Assertions: [{Assert: !Contains [x, [x]]}]}}",
			"not a supported condition of a rule"},
		{"Parameters: {P: {Type: CommaDelimitedList, Default: x}}\n" +
			"Rules: {R: {Assertions: [{Assert: !Contains [[!Ref P], x]}]}}",
			"[x] is not a string"},
		{"Rules: {R: {Assertions: [{}]}}", "not a supported condition of a rule"},
		{"Rules: {R: {RuleCondition: x, Assertions: [{Assert: !Equals [x, x]}]}}",
			"not a supported condition of a rule"},
	} {
		template, err := Parse([]byte(tt.text))
		if err != nil {
			t.Fatal(tt.text, err)
		}
		if err := template.Check(nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.text, err, tt.want)
		}
	}
}
