package cloudformation

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// template returns a template with the role Role, which may read the bucket a, and with further
// lines of its properties, of the resource, and of Resources.
func templateWith(properties, resource, resources string) string {
	indented := func(indent, lines string) string {
		return strings.ReplaceAll("\n"+lines, "\n", "\n"+indent)
	}
	return `Parameters:
  Open: {Type: String}
Conditions:
  C: !Equals [!Ref Open, x]
Resources:` + indented("  ", resources) + `
  Role:
    Type: AWS::IAM::Role` + indented("    ", resource) + `
    Properties:` + indented("      ", properties) + `
      RoleName: render
      Policies:
        - PolicyName: one
          PolicyDocument: {Version: "2012-10-17", Statement: [
            {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::a"}]}
`
}

// TestWhatCanChangeThePoliciesOfARoleLeavesThemOpen has parts of templates that can add a Deny to a
// role, remove a policy or add one. The role alone is granted the request on a, and not that on b.
func TestWhatCanChangeThePoliciesOfARoleLeavesThemOpen(t *testing.T) {
	t.Parallel()
	const inline = `Second:
  Type: AWS::IAM::Policy
  Properties:
    PolicyName: one
    Roles: [!Ref Role]
    PolicyDocument: {Version: "2012-10-17", Statement: [
      {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::b"}]}`
	const nested = `Nested:
  Type: AWS::CloudFormation::Stack
  Properties: {TemplateURL: u, Parameters: {Name: `
	managed := func(id, name string) string {
		return id + `: {Type: AWS::IAM::ManagedPolicy, Properties: {ManagedPolicyName: ` + name +
			`, PolicyDocument: {Version: "2012-10-17", Statement: [
    {Effect: Allow, Action: "s3:DeleteObject", Resource: "arn:aws:s3:::b"}]}}}`
	}
	for _, tt := range []struct {
		name                            string
		properties, resource, resources string
		onlyA                           bool // the role alone decides
	}{
		{"nothing else", "", "", "", true},
		{"a transform in the resource", "", "Fn::Transform: {Name: AWS::Include}", "", false},
		{"a transform in the properties", "Fn::Transform: {Name: AWS::Include}", "", "", false},
		{"a loop in the properties", "Fn::ForEach::P: [I, [a], {}]", "", "", false},
		{"a transform in a resource without a type", "", "", "X: {Fn::Transform: {Name: M}}", false},
		{"a transform in a queue", "", "", "X: {Type: AWS::SQS::Queue, Fn::Transform: {Name: M}}", true},
		{"a policy whose properties a loop sets", "", "",
			"X: {Type: AWS::IAM::RolePolicy, Properties: {Fn::ForEach::P: [I, [a], {}]}}", false},
		{"an inline policy with the same name", "", "", inline, false},
		{"an inline policy with the same name under a condition", "", "",
			strings.Replace(inline, "  Properties:", "  Condition: C\n  Properties:", 1), false},
		{"a nested stack that gets the name", "", "", nested + "!Ref Role}}", false},
		{"a nested stack that gets the text of the name", "", "", nested + "render}}", false},
		{"one managed policy", "ManagedPolicyArns: [!Ref M]", "", managed("M", "m"), true},
		{"two managed policies with one ARN", "ManagedPolicyArns: [!Ref M]", "",
			managed("M", "m") + "\n" + managed("N", "m"), false},
		{"two managed policies with two ARNs", "ManagedPolicyArns: [!Ref M]", "",
			managed("M", "m") + "\n" + managed("N", "n"), true},
		{"a nested application that gets the name", "", "", strings.Replace(nested,
			"AWS::CloudFormation::Stack", "AWS::Serverless::Application", 1) + "!Ref Role}}", false},
		{"a nested stack that gets the ARN", "", "", nested + "!GetAtt Role.Arn}}", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := templateWith(tt.properties, tt.resource, tt.resources)
			file, err := Read(text, Values{})
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			least, most := grants(theRole(t, file), false), grants(theRole(t, file), true)
			request := func(bucket string) iampolicy.Request {
				return iampolicy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::" + bucket}
			}
			if got := allows(least, request("a")); got != tt.onlyA {
				t.Errorf("a is granted in any case: %v, want %v", got, tt.onlyA)
			}
			if got := !allows(most, request("b")); got != tt.onlyA {
				t.Errorf("b is granted in no case: %v, want %v", got, tt.onlyA)
			}
		})
	}
}

// TestInlinePoliciesOfOneNameWhoseConditionsExcludeEachOther reads the usual form of two variants
// of one policy.
func TestInlinePoliciesOfOneNameWhoseConditionsExcludeEachOther(t *testing.T) {
	t.Parallel()
	text := strings.Replace(templateWith("", "", ""), "- PolicyName: one", `- !If
          - C
          - PolicyName: two
            PolicyDocument: {Version: "2012-10-17", Statement: [
              {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::b"}]}
          - PolicyName: two
            PolicyDocument: {Version: "2012-10-17", Statement: [
              {Effect: Allow, Action: "s3:GetObject", Resource: "arn:aws:s3:::c"}]}
        - PolicyName: one`, 1)
	file, err := Read(text, Values{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range theRole(t, file).Policies {
		for _, o := range d.Open {
			if strings.Contains(o.Name, "written last") {
				t.Errorf("%s: %s", d.Name, o.Name)
			}
		}
	}
}
