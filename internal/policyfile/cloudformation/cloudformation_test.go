package cloudformation

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/policyfiletest"
)

func TestTemplates(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Read(string(text), Values{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden.Compare(t, strings.TrimSuffix(name, ".yaml")+".golden",
			[]byte(policyfiletest.Describe(t, file)))
	}
}

// role returns a template with a role that has one Allow statement with a resource.
func role(resource string) string {
	return `Parameters:
  Name: {Type: String, Default: videos}
  Open: {Type: String}
  List: {Type: CommaDelimitedList, Default: "a, b"}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /videos}
  Secret: {Type: String, Default: x, NoEcho: true}
Mappings:
  M: {a: {b: videos, c: [x, y]}}
Conditions:
  Yes: !Equals [1, "1"]
  Open: !Equals [!Ref Open, x]
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: videos}}
  Generated: {Type: AWS::S3::Bucket}
  Function: {Type: AWS::Lambda::Function, Properties: {FunctionName: !Ref Name}}
  Named: {Type: AWS::IAM::Role, Properties: {RoleName: r, Path: /p/}}
  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: t}}
  Other: {Type: AWS::EC2::VPC}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: "s3:*", Resource: ` + resource + `}]
`
}

// resources returns the resources of the only statement that the last role may have, joined by
// blanks, and the names of the unknown parts.
func resources(t *testing.T, text string, values Values) (atMost, open string) {
	t.Helper()
	file, err := Read(text, values)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	principal := file.Principals[len(file.Principals)-1]
	d := principal.Policies[0]
	var names []string
	for _, o := range d.Open {
		names = append(names, o.Name)
	}
	return strings.Join(d.AtMost.Statements[0].Resource, " "), strings.Join(names, ", ")
}

func TestFunctions(t *testing.T) {
	values := Values{Account: "123456789012", Region: "cn-north-1"}
	for _, tt := range []struct {
		resource   string
		values     Values
		want, open string
	}{
		{`!Sub "arn:aws:s3:::${Name}"`, Values{}, "arn:aws:s3:::videos", ""},
		{`!Sub "arn:aws:s3:::${Name}"`, Values{Parameters: map[string]string{"Name": "x"}},
			"arn:aws:s3:::x", ""},
		{`!Sub "arn:aws:s3:::${Open}"`, Values{}, "arn:aws:s3:::*", "parameter Open"},
		{`!Sub "arn:aws:s3:::${Stored}"`, Values{}, "arn:aws:s3:::*",
			"parameter Stored, whose value Parameter Store has"},
		{`!Sub "arn:aws:s3:::${Stored}"`, Values{Parameters: map[string]string{"Stored": "/x"}},
			"arn:aws:s3:::*", "parameter Stored, whose value Parameter Store has"},
		{`!Sub "arn:aws:s3:::${Secret}"`, Values{}, "arn:aws:s3:::*", "parameter Secret"},
		{`!Sub ["arn:aws:s3:::${A}${Name}", {A: !Ref Name}]`, Values{}, "arn:aws:s3:::videosvideos", ""},
		{`{"Fn::Sub": "arn:${AWS::Partition}:s3:::x"}`, values, "arn:aws-cn:s3:::x", ""},
		{`!Join ["", ["arn:aws:s3:::", !Ref AWS::AccountId]]`, values,
			"arn:aws:s3:::123456789012", ""},
		{`!Join ["", ["arn:aws:s3:::", !Ref "AWS::AccountId", "-x"]]`, Values{}, "arn:aws:s3:::*-x",
			"AWS::AccountId"},
		{`!Sub "arn:aws:s3:::x.${AWS::URLSuffix}"`, values, "arn:aws:s3:::x.amazonaws.com.cn", ""},
		{`!Sub "arn:aws:s3:::x.${AWS::URLSuffix}"`, Values{Partition: "aws-iso"}, "arn:aws:s3:::x.*",
			"AWS::URLSuffix"},
		{`!Sub "arn:aws:s3:::x-${AWS::StackName}"`, values, "arn:aws:s3:::x-*", "AWS::StackName"},
		{`!Select [1, ["*", "arn:aws:s3:::x"]]`, Values{}, "arn:aws:s3:::x", ""},
		{`!Sub ["arn:aws:s3:::${A}", {A: !Select ["1", !Ref List]}]`, Values{}, "arn:aws:s3:::b", ""},
		{`!Sub ["arn:aws:s3:::${A}", {A: !Select [2, !Split ["-", "a-b-c"]]}]`, Values{},
			"arn:aws:s3:::c", ""},
		{`!Sub ["arn:aws:s3:::${A}", {A: !Select [1, !Split ["/", !GetAtt Named.Arn]]}]`, Values{},
			"arn:aws:s3:::p", ""},
		{`!Sub ["arn:aws:s3:::${A}", {A: !Select [1, !Split ["/", !Ref Open]]}]`, Values{},
			"arn:aws:s3:::*", "parameter Open"},
		{`!Sub ["arn:aws:s3:::${A}", {A: !FindInMap [M, a, b]}]`, Values{}, "arn:aws:s3:::videos", ""},
		{`!Sub ["arn:aws:s3:::${A}", {A: !FindInMap [M, !Ref Open, b]}]`, Values{}, "arn:aws:s3:::*",
			"Fn::FindInMap M, which depends on parameter Open"},
		{`!Sub ["arn:aws:s3:::${A}", {A: !FindInMap [M, a, d, {DefaultValue: z}]}]`, Values{},
			"arn:aws:s3:::z", ""},
		{`!GetAtt Bucket.Arn`, Values{}, "arn:aws:s3:::videos", ""},
		{`!Sub "${Bucket.Arn}/*"`, Values{}, "arn:aws:s3:::videos/*", ""},
		{`!Sub "${Generated.Arn}/*"`, Values{}, "arn:aws:s3:::*/*", "name of Generated"},
		{`!GetAtt Function.Arn`, values,
			"arn:aws-cn:lambda:cn-north-1:123456789012:function:videos", ""},
		{`!GetAtt Named.Arn`, values, "arn:aws-cn:iam::123456789012:role/p/r", ""},
		{`!Ref Topic`, values, "arn:aws-cn:sns:cn-north-1:123456789012:t", ""},
		{`[!GetAtt Other.CidrBlock]`, Values{}, "*", "Fn::GetAtt Other.CidrBlock"},
		{`{"Fn::GetAtt": [Bucket, Arn]}`, Values{}, "arn:aws:s3:::videos", ""},
		{`!ImportValue shared`, Values{}, "*", "Fn::ImportValue shared"},
		{`!ImportValue {"Fn::Sub": "${AWS::StackName}-x"}`, Values{}, "*",
			"Fn::ImportValue ${AWS::StackName}-x"},
		{`!Transform {Name: AWS::Include}`, Values{}, "*", "Fn::Transform"},
		{`!If [Yes, "arn:aws:s3:::x", "*"]`, Values{}, "arn:aws:s3:::x", ""},
		{`!If [Open, "arn:aws:s3:::x", "arn:aws:s3:::y"]`, Values{}, "arn:aws:s3:::x arn:aws:s3:::y",
			"condition Open, which depends on parameter Open"},
		{`!If [Open, "arn:aws:s3:::x", "arn:aws:s3:::x"]`, Values{}, "arn:aws:s3:::x", ""},
		{`[!Ref "AWS::NoValue", "arn:aws:s3:::x"]`, Values{}, "arn:aws:s3:::x", ""},
		{`"arn:aws:s3:::{{resolve:ssm:/b:1}}/*"`, Values{}, "arn:aws:s3:::*/*",
			"{{resolve:ssm:/b:1}}"},
		{`!Sub ["arn:aws:s3:::${A}", {A: !Base64 x}]`, Values{}, "arn:aws:s3:::eA==", ""},
		{`!Sub "arn:aws:s3:::${!aws:username}"`, Values{}, "arn:aws:s3:::${aws:username}", ""},
	} {
		got, open := resources(t, role(tt.resource), tt.values)
		if got != tt.want || open != tt.open {
			t.Errorf("%s\n got %s, open %s\nwant %s, open %s", tt.resource, got, open, tt.want, tt.open)
		}
	}
}

func TestContentOfResourcesIsATemplate(t *testing.T) {
	file, err := Read(`{"RenderRole": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "render",
		"ManagedPolicyArns": [{"Ref": "Elsewhere"}]}}}`, Values{})
	if err != nil {
		t.Fatal(err)
	}
	p := file.Principals[0]
	if len(file.Principals) != 1 || p.Name != "render" || p.Address != "RenderRole" ||
		len(p.Policies) != 1 || p.Policies[0].Open[0].Name != "name of Elsewhere" {
		t.Errorf("got %+v", file.Principals)
	}
}

func TestPolicyIsAttachedByName(t *testing.T) {
	const head = "Parameters: {P: {Type: String}, Q: {Type: String}}\n" +
		"Mappings: {M: {a: {k: x}, b: {k: y}}}\n" +
		"Conditions: {C: !Equals [!Ref P, x]}\nResources:\n"
	for _, tt := range []struct {
		name, role, target string
		// policies are the numbers of policies of the role that are certain, and that are possible.
		certain, possible int
	}{
		{"the same name", "render", "render", 1, 0},
		{"another name", "render", "other", 0, 0},
		{"a reference to the role", "render", "!Ref Role", 1, 0},
		{"a reference to a role with a generated name", "!Ref AWS::NoValue", "!Ref Role", 1, 0},
		{"a name beside a generated name", "!Ref AWS::NoValue", "render", 0, 0},
		{"a parameter beside a generated name", "!Ref AWS::NoValue", "!Ref P", 0, 0},
		{"the same parameter", "!Ref P", "!Ref P", 1, 0},
		{"another parameter", "!Ref P", "!Ref Q", 0, 1},
		{"a name that fits to an unknown one", "!Sub '${P}-render'", "my-render", 0, 1},
		{"a name that does not fit", "!Sub '${P}-render'", "my-role", 0, 0},
		{"a reference to a name under a condition", "!If [C, a, b]", "!Ref Role", 1, 0},
		{"a name under a condition", "!If [C, a, b]", "a", 0, 1},
		{"two names by unknown keys", "!FindInMap [M, !Ref P, k]", "!FindInMap [M, !Ref Q, k]", 0, 2},
		{"a target under a condition", "render", "!If [C, render, !Ref 'AWS::NoValue']", 0, 1},
	} {
		file, err := Read(head+"  Role: {Type: AWS::IAM::Role, Properties: {RoleName: "+tt.role+"}}\n"+
			"  Policy:\n    Type: AWS::IAM::Policy\n    Properties:\n      PolicyName: p\n"+
			"      Roles: ["+tt.target+"]\n      PolicyDocument:\n        Version: 2012-10-17\n"+
			"        Statement: [{Effect: Allow, Action: '*', Resource: '*'}]\n", Values{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		certain, possible := 0, 0
		for _, d := range theRole(t, file).Policies {
			if len(d.Open) == 0 {
				certain++
			} else {
				possible++
			}
		}
		if certain != tt.certain || possible != tt.possible {
			t.Errorf("%s: got %d certain and %d possible policies, want %d and %d", tt.name, certain,
				possible, tt.certain, tt.possible)
		}
	}
}

func TestPathOfCDKIsTheAddress(t *testing.T) {
	file, err := Read(`{"Resources": {"RenderRole6BC5A8F4": {"Type": "AWS::IAM::Role",
		"Metadata": {"aws:cdk:path": "Remotion/RenderRole/Resource"}},
		"Nested": {"Type": "AWS::CloudFormation::Stack"}}}`, Values{})
	if err != nil {
		t.Fatal(err)
	}
	p := file.Principals[0]
	if p.Address != "Remotion/RenderRole" || !slices.Equal(p.Aliases, []string{"RenderRole6BC5A8F4"}) {
		t.Errorf("got the address %s and the aliases %v", p.Address, p.Aliases)
	}
	note := "the nested stack Nested has a template of its own: check it, too"
	if !slices.Equal(file.Notes, []string{note}) {
		t.Errorf("got the notes %q, want %q", file.Notes, note)
	}
}

func TestPartsThatAWSExpandsAreOpen(t *testing.T) {
	const document = "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: '*', Resource: '*'}]}"
	roleOf := func(properties string) string {
		return "  Role: {Type: AWS::IAM::Role, Properties: {Policies: [{PolicyName: p, PolicyDocument: " +
			document + "}]" + properties + "}}\n"
	}
	for _, tt := range []struct {
		name, text string
		open       []string
		mayDeny    bool
	}{
		{"a macro", "Transform: [AWS::Serverless-2016-10-31, Mine]\nResources:\n" + roleOf(""),
			[]string{"transform Mine"}, true},
		{"a macro with parameters", "Transform: {Name: AWS::Include, Parameters: {Location: x}}\n" +
			"Resources:\n" + roleOf(""), []string{"transform AWS::Include"}, true},
		{"an included part of the resources", "Resources:\n  Fn::Transform: {Name: AWS::Include}\n" +
			roleOf(""), []string{"Fn::Transform"}, true},
		{"a loop with policies", "Resources:\n  Fn::ForEach::Policies: [N, [a], {'P${N}': " +
			"{Type: AWS::IAM::RolePolicy}}]\n" + roleOf(""), []string{"Fn::ForEach::Policies"}, true},
		{"a loop without policies", "Resources:\n  Fn::ForEach::Topics: [N, [a], {'T${N}': " +
			"{Type: AWS::SNS::Topic}}]\n" + roleOf(""), nil, false},
		{"a connector", "Transform: AWS::Serverless-2016-10-31\nResources:\n" +
			"  C: {Type: AWS::Serverless::Connector}\n" + roleOf(""), []string{"connector C"}, false},
		{"connectors of a resource", "Transform: AWS::Serverless-2016-10-31\nResources:\n" +
			"  T: {Type: AWS::SNS::Topic, Connectors: {C: {}}}\n" + roleOf(""),
			[]string{"connectors of T"}, false},
		{"the properties of a role", "Resources:\n" + roleOf(", Fn::Transform: {Name: AWS::Include}"),
			[]string{"Properties, which a function sets", "Properties, which a function sets"}, true},
		{"a condition of an included part", "Conditions: {Fn::Transform: {Name: AWS::Include}}\n" +
			"Resources:\n" + roleOf(", ManagedPolicyArns: [!If [C, !Ref 'AWS::NoValue', "+
			"arn:aws:iam::aws:policy/AdministratorAccess]]"),
			[]string{"condition C, which depends on the transform that declares it"}, false},
	} {
		file, err := Read(tt.text, Values{})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		p := theRole(t, file)
		var open []string
		denies := false
		for _, d := range p.Policies {
			for _, o := range d.Open {
				open = append(open, o.Name)
			}
			for _, s := range d.AtLeast.Statements {
				denies = denies || s.Effect == iampolicy.Deny && !policyfile.MatchesNothing(&s)
			}
		}
		if !slices.Equal(open, tt.open) || denies != tt.mayDeny {
			t.Errorf("%s: open %q, may deny %v; want %q, %v", tt.name, open, denies, tt.open, tt.mayDeny)
		}
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	const line = "line 26, column "
	for _, tt := range []struct{ name, text, want string }{
		{"an index out of range", role(`!Select [2, [a, b]]`),
			line + "67: resource Role: index 2 of Fn::Select is not in the list, which has 2 items"},
		{"a negative index", role(`!Select [-1, [a, b]]`), "index -1 of Fn::Select"},
		{"a list where a text is wanted", role(`!Join ["", [[a]]]`), "Fn::Join needs texts, got a list"},
		{"an unknown reference", role(`!Ref Nmae`),
			"Nmae is neither a parameter nor a resource of the template"},
		{"an unknown function", role(`!Subb x`), "Fn::Subb with 1 arguments is no function"},
		{"a policy variable in Sub", role(`!Sub "arn:aws:s3:::${aws:username}"`),
			"write ${!aws:username} for a policy variable"},
		{"an open brace", role(`!Sub "arn:aws:s3:::${Name"`), "has no closing brace"},
		{"no such mapping", role(`!FindInMap [M, x, y]`), "Mappings has no M.x.y"},
		{"no such condition", role(`!If [Nope, a, b]`), `condition "Nope" is not in Conditions`},
		{"no such pseudo parameter", role(`!Ref AWS::Acount`), "AWS::Acount is no pseudo parameter"},
		{"a list in Sub", role(`!Sub "${List}"`), "${List} is a list, expected a text"},
		{"a resource that IAM refuses", role(`[x, y]`), "resource Role: "},
		{"a condition that depends on itself",
			"Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}\n" +
				"Resources: {R: {Type: AWS::IAM::Role, Condition: A}}", "depends on itself"},
		{"a name that depends on itself", "Resources: {R: {Type: AWS::IAM::Role, " +
			"Properties: {RoleName: !Sub '${R}-x'}}}", "the name of the resource R depends on itself"},
		{"properties that are a list", "Resources: {R: {Type: AWS::IAM::Role, Properties: [1]}}",
			"resource R: Properties must be a mapping, got a list"},
		{"a policy without a document", "Resources: {P: {Type: AWS::IAM::Policy, Properties: {}}}",
			"resource P: the policy has no PolicyDocument"},
		{"JSON text with an error", "Resources: {P: {Type: AWS::IAM::Policy, " +
			"Properties: {PolicyDocument: '{'}}}", "the policy document is a text, and no JSON"},
		{"a serverless.yml", "service: x\nprovider: {name: aws}\n", "this is a serverless.yml: run " +
			`"serverless package" and check .serverless/cloudformation-template-update-stack.json`},
		{"the state of Serverless", `{"service": {"provider": {"name": "aws"}}}`, "this is a serverless.yml"},
		{"a Pulumi project", "name: x\nruntime: nodejs\n", "this is a Pulumi project"},
		{"another file", "a: b\n", "this is no CloudFormation template: it has no Resources"},
		{"a list", "- a\n", "a CloudFormation template is a mapping, got a list"},
		{"resources without types", "Resources: {A: {}}\n", "no resource under Resources has a type"},
		{"no YAML", "Resources: [\n", "invalid YAML"},
		{"no JSON", "{\"Resources\": \n", "the text ends too early"},
	} {
		_, err := Read(tt.text, Values{})
		var at *tree.Error
		if !errors.As(err, &at) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
