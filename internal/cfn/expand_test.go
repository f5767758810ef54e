package cfn

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// functionTemplate returns a template that ends with a SAM function. rest is the text after the
// type of the function.
func functionTemplate(rest string) string {
	return `
Transform: AWS::Serverless-2016-10-31
Parameters: {Who: {Type: String, Default: me}}
Conditions: {Made: !Equals [!Ref Who, me]}
Resources:
  Topic: {Type: AWS::SNS::Topic}
  InvokeConfig:
    Type: AWS::Lambda::EventInvokeConfig
    DependsOn: Function
    Properties: {FunctionName: !Ref Function, Qualifier: $LATEST, Target: !GetAtt Function.Arn, Name: !Sub "${Function}-${Function.Arn}"}
  Function:
    Type: AWS::Serverless::Function
` + rest
}

var functionTemplates = map[string]string{
	"a path": `
    Properties: {CodeUri: ., Handler: bootstrap, Runtime: provided.al2023, Role: !Sub "${Topic}"}`,
	"an s3:// URL": `
    Properties: {CodeUri: "s3://bucket/a/b.zip", Handler: h, Runtime: r, Role: x}`,
	"an s3:// URL with a version": `
    Properties: {CodeUri: "s3://bucket/b.zip?versionId=7", Handler: h, Runtime: r, Role: x}`,
	"a mapping with a version": `
    Properties: {CodeUri: {Bucket: !Ref Who, Key: !Sub "${Who}.zip", Version: "7"}, Handler: h, Runtime: r, Role: x}`,
	"attributes": `
    Condition: Made
    DependsOn: [Topic]
    DeletionPolicy: Retain
    UpdateReplacePolicy: Delete
    Metadata: {BuildMethod: makefile}
    Properties: {CodeUri: ., Handler: h, Runtime: r, Role: x}`,
	"one tag": `
    Properties: {CodeUri: ., Handler: h, Runtime: r, Role: x, Tags: {team: !Ref Who}}`,
	"three tags": `
    Properties: {CodeUri: ., Handler: h, Runtime: r, Role: x, Tags: {a: one, b: "", c: !Sub "${Who}"}}`,
	"properties that the transform copies": `
    Properties:
      CodeUri: .
      Handler: h
      Runtime: r
      Role: !GetAtt Topic.Arn
      FunctionName: !Ref Who
      Description: d
      MemorySize: 256
      Timeout: !Ref Who
      Architectures: [arm64]
      ReservedConcurrentExecutions: 1
      Layers: [!Ref Who]
      LoggingConfig: {LogFormat: JSON, LogGroup: !Ref Topic}
      EphemeralStorage: {Size: 512}
      KmsKeyArn: !If [Made, !Ref Who, !Ref "AWS::NoValue"]
      VpcConfig: {SubnetIds: [a]}
      RuntimeManagementConfig: {UpdateRuntimeOn: Auto}
      RecursiveLoop: Terminate
      SnapStart: {ApplyOn: None}
      FileSystemConfigs: [{Arn: a, LocalMountPath: /mnt/a}]
      CodeSigningConfigArn: a
      Environment: {Variables: {A: !Ref Who, B: "1", C: 2, D: true}}`,
}

// TestExpandEqualsTheTransform checks that Expand returns the same template as the translator that
// AWS runs, for template.yaml and for small templates.
func TestExpandEqualsTheTransform(t *testing.T) {
	if err := exec.CommandContext(t.Context(), "python3", "-c",
		"import samtranslator").Run(); err != nil {
		t.Skip("SKIPPED: Python has no samtranslator, so Expand is not compared with SAM's transform " +
			"(pip install aws-sam-translator)")
	}
	own, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	names, texts := []string{"template.yaml"}, []string{string(own)}
	for name, rest := range functionTemplates {
		names, texts = append(names, name), append(texts, functionTemplate(rest))
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/transform.py")
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "python3", "-c", string(script))
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("transform.py: %v\n%s", err, &stderr)
	}
	var want []Template
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		template, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(names[i], err)
		}
		got, err := Expand(template, Code{Bucket: "code", Key: "function.zip"})
		if err != nil {
			t.Errorf("%s: %v", names[i], err)
			continue
		}
		gotParts, wantParts := parts(got), parts(want[i])
		maps.Copy(gotParts, missing(wantParts, gotParts))
		for _, name := range slices.Sorted(maps.Keys(gotParts)) {
			if !reflect.DeepEqual(gotParts[name], wantParts[name]) {
				t.Errorf("%s: %s\n got %s\nwant %s", names[i], name, asJSON(t, gotParts[name]),
					asJSON(t, wantParts[name]))
			}
		}
	}
}

// parts returns the entries of a template's sections, by names such as Resources.Topic.
func parts(t Template) map[string]any {
	all := map[string]any{}
	for section, content := range t {
		entries, ok := content.(map[string]any)
		if !ok {
			all[section] = content
		}
		for name, entry := range entries {
			all[section+"."+name] = entry
		}
	}
	return all
}

// missing returns a map with a nil value for each key of a that is not in b.
func missing(a, b map[string]any) map[string]any {
	all := map[string]any{}
	for name := range a {
		if _, ok := b[name]; !ok {
			all[name] = nil
		}
	}
	return all
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestExpand compares Expand with a recorded result of the transform, so that it also runs on
// machines without the translator.
func TestExpand(t *testing.T) {
	template, err := Parse([]byte(functionTemplate(functionTemplates["attributes"])))
	if err != nil {
		t.Fatal(err)
	}
	before := asJSON(t, template)
	got, err := Expand(template, Code{Bucket: map[string]any{"Ref": "Who"}, Key: "f.zip"})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Condition":"Made","DeletionPolicy":"Retain","DependsOn":["Topic"],"Metadata":{"BuildMethod":"makefile"},` +
		`"Properties":{"Code":{"S3Bucket":{"Ref":"Who"},"S3Key":"f.zip"},"Handler":"h","Role":"x","Runtime":"r","Tags":[{"Key":"lambda:createdBy","Value":"SAM"}]},` +
		`"Type":"AWS::Lambda::Function","UpdateReplacePolicy":"Delete"}`
	if function := asJSON(t, got.Section("Resources")["Function"]); function != want {
		t.Errorf("got  %s\nwant %s", function, want)
	}
	if _, ok := got["Transform"]; ok || len(got) != len(template)-1 {
		t.Errorf("sections: %v", got)
	}
	if after := asJSON(t, template); after != before {
		t.Errorf("Expand changed its argument\n from %s\n to   %s", before, after)
	}
}

func TestExpandRejectsUnsupportedTemplates(t *testing.T) {
	const good = "\n    Properties: {CodeUri: ., Handler: h, Runtime: r, Role: x"
	for _, tt := range []struct{ name, text, want string }{
		{"events", functionTemplate(good + ", Events: {}}"), "resource Function: property Events"},
		{"policies", functionTemplate(good + ", Policies: []}"), "property Policies"},
		{"an alias", functionTemplate(good + ", AutoPublishAlias: live}"), "property AutoPublishAlias"},
		{"tracing", functionTemplate(good + ", Tracing: Active}"), "property Tracing"},
		{"an unknown property", functionTemplate(good + ", Colour: red}"), "property Colour"},
		{"a connector", functionTemplate(good + "}\n    Connectors: {}"),
			"Connectors: not a supported attribute of a SAM function"},
		{"a function without a role",
			functionTemplate("\n    Properties: {CodeUri: ., Handler: h, Runtime: r}"),
			"has no Role"},
		{"a function without properties", functionTemplate(""), "has no Handler"},
		{"a function without code",
			functionTemplate("\n    Properties: {Handler: h, Runtime: r, Role: x}"),
			"property CodeUri: is <nil>"},
		{"a bucket without a key",
			functionTemplate("\n    Properties: {CodeUri: {Bucket: b}, Handler: h, Runtime: r, Role: x}"),
			"has no Bucket and Key"},
		{"s3:// without a key",
			functionTemplate("\n    Properties: {CodeUri: 's3://bucket/', Handler: h, Runtime: r, Role: x}"),
			"is not s3://bucket/key"},
		{"an invalid s3:// URL",
			functionTemplate("\n    Properties: {CodeUri: 's3://[x', Handler: h, Runtime: r, Role: x}"),
			"property CodeUri"},
		{"a list of tags", functionTemplate(good + ", Tags: [a]}"), "property Tags"},
		{"the transform's tag", functionTemplate(good + ", Tags: {'lambda:createdBy': me}}"),
			"property Tags"},
		{"globals", "Globals: {Function: {Timeout: 1}}\n" + functionTemplate(good+"}"), "Globals"},
		{"an API",
			"Transform: AWS::Serverless-2016-10-31\nResources: {Api: {Type: AWS::Serverless::Api}}",
			"resource Api: AWS::Serverless::Api"},
		{"a SAM function without the transform", "Resources: {F: {Type: AWS::Serverless::Function}}",
			"resource F: AWS::Serverless::Function in a template without the transform"},
		{"another transform",
			"Transform: [AWS::Serverless-2016-10-31, AWS::LanguageExtensions]\nResources: {}",
			"transform [AWS::Serverless"},
	} {
		template, err := Parse([]byte(tt.text))
		if err != nil {
			t.Fatal(tt.name, err)
		}
		if _, err := Expand(template, Code{Bucket: "b", Key: "k"}); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q in it", tt.name, err, tt.want)
		}
	}
	template, err := Parse([]byte(functionTemplate(good + "}")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Expand(template, Code{}); err == nil ||
		!strings.Contains(err.Error(), ". is a local path") {
		t.Errorf("a path without code: error %v", err)
	}
	if plain, err := Expand(Template{"Resources": map[string]any{}}, Code{}); err != nil ||
		len(plain) != 1 {
		t.Errorf("a template without SAM: %v, %v", plain, err)
	}
}
