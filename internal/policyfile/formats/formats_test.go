package formats

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
)

func TestDetect(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       policyfile.Format
	}{
		{"a policy document", `{"Version": "2012-10-17", "Statement": []}`, policyfile.PolicyDocument},
		{"a policy document that ends too early", `{"Statement": [{"Effect":`, policyfile.PolicyDocument},
		{"a list of statements", `[{"Effect": "Allow"}]`, policyfile.PolicyDocument},
		{"a template in JSON", "\n {\"Outputs\": {\"Resources\": 1}, \"Resources\": {}}",
			policyfile.CloudFormation},
		{"a template in YAML", "# stack\n'Resources':\n  A: 1\n", policyfile.CloudFormation},
		{"a SAM template", "Transform: AWS::Serverless-2016-10-31\r\nResources:\r\n",
			policyfile.CloudFormation},
		{"a key further in is not at the top", "a:\n  Resources: 1\n", ""},
		{"an answer", `{"RoleName": "r", "PolicyName": "p", "PolicyDocument": {"Statement": []}}`,
			policyfile.CLIAnswer},
		{"a list of answers", `[{"PolicyVersion": {"Document": {}}}, 1]`, policyfile.CLIAnswer},
		{"a plan", `{"format_version":"1.2","planned_values":{}}`, policyfile.TerraformPlan},
		{"a plan with other keys first", `{"a": [1, {"b": "c"}], "format_version": "1.2"}`,
			policyfile.TerraformPlan},
		{"a source of Terraform", "resource \"aws_iam_role\" \"r\" {\n}\n", policyfile.TerraformPlan},
		{"another JSON file", `{"name": "Statement", "list": ["Resources"]}`, ""},
		{"no JSON", "{{{", ""}, {"an empty text", "", ""}, {"a list", "[[1]]", ""},
	} {
		if got := Detect(test.text); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestMayHoldPolicies(t *testing.T) {
	for text, want := range map[string]bool{
		`{"Statement": []}`:                                        true,
		"Resources:\n  R: {Type: AWS::IAM::Role}":                  true,
		"R:\n  Type: AWS::IAM::Role\n":                             true, // the content of Resources
		"a: [AWS::IAM::Role]":                                      false,
		"Version: x\nStatement:\n  - {}\n":                         true,
		`{"types": ["aws_iam_role"]}`:                              false,
		`{"type": "aws_iam_role"`:                                  true, // ends too early
		`{"about": [{"Statement": []}]}`:                           false,
		`{"format_version": "1.2", "x": {"type": "aws_iam_role"}}`: true,
		"\xff\xfe\"\x00S\x00t\x00a\x00t\x00e\x00":                  false,
		`{"name": "video"}`:                                        false,
		"{\"x\":\"\xe9\", \"Statement\":":                          true, // not UTF-8
	} {
		if got := MayHoldPolicies([]byte(text)); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestIsResourcePolicy(t *testing.T) {
	for text, want := range map[string]bool{
		`{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}`: true,
		`{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}`:  false,
		`{"Resources": {"A": {"Principal": "*"}}}`:                                         false,
	} {
		if got := IsResourcePolicy([]byte(text)); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		"Resources:\n  R:\n    Type: AWS::IAM::Role\n", `{"format_version":"1.2","values":{}}`,
		`[{"RoleName":"r","PolicyName":"p","PolicyDocument":{"Statement":[]}}]`, "\xff\xfe{\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Read([]byte(text), Surroundings{})
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without a text")
		}
		for _, p := range file.Principals {
			for _, d := range p.Policies {
				if d.AtLeast == nil || d.AtMost == nil || (d.AtLeast != d.AtMost) != (len(d.Open) > 0) {
					t.Errorf("%s: at least %v, at most %v, open %v", d.Name, d.AtLeast, d.AtMost, d.Open)
				}
			}
		}
	})
}
