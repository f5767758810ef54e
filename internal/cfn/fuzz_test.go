package cfn

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// FuzzTemplate checks that no template causes a panic, and that the result of Expand contains no
// SAM resources and no transform.
func FuzzTemplate(f *testing.F) {
	f.Add(inJSON)
	for _, text := range []string{functionsTemplate, checkedTemplate,
		functionTemplate(functionTemplates["attributes"])} {
		template, err := Parse([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(asJSON(f, template))
	}
	if own, err := os.ReadFile("../../template.yaml"); err != nil {
		f.Fatal(err)
	} else if template, err := Parse(own); err != nil {
		f.Fatal(err)
	} else {
		f.Add(asJSON(f, template))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var template Template
		if json.Unmarshal([]byte(text), &template) != nil {
			return
		}
		parameters := map[string]string{}
		for name, p := range template.Section("Parameters") {
			if p, ok := p.(map[string]any); ok && p["Default"] == nil {
				parameters[name] = "user/a,b"
			}
		}
		_ = template.Check(parameters)
		_, _ = template.Outputs(parameters) // calls Resources
		expanded, err := Expand(template, Code{Bucket: "b", Key: "k"})
		if err != nil {
			return
		}
		if expanded["Transform"] != nil {
			t.Errorf("%s\nthe expanded template has a transform", text)
		}
		for id, r := range expanded.Section("Resources") {
			r, _ := r.(map[string]any)
			if kind, _ := r["Type"].(string); strings.HasPrefix(kind, "AWS::Serverless::") {
				t.Errorf("%s\nthe expanded template contains %s of type %s", text, id, kind)
			}
		}
	})
}
