package mute

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestDocumentedMutes checks that the mutes in docs/alerts.md are valid.
func TestDocumentedMutes(t *testing.T) {
	page, err := os.ReadFile("../../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/alerts.md has no YAML")
	}
	if mutes, errs := Parse(block[1], start); len(mutes) != 2 || errs != nil {
		t.Errorf("got mutes %+v and errors %q, want 2 mutes", mutes, errs)
	}
}

// TestMutesFollowTheirSchema checks that the schema of the mutes file accepts the files that
// Parse accepts, and no others, apart from rules that a schema cannot express.
func TestMutesFollowTheirSchema(t *testing.T) {
	s := schematest.Compile(t, "mutes.schema.json")
	for name, text := range muteFiles {
		_, errs := Parse([]byte(text), start)
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			continue // the schema applies to valid YAML only
		}
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		invalid := schematest.Validate(t, s, asJSON)
		if notInSchema := map[string]bool{"a mistyped year": true, "a line break in a reason": true,
			"a blank owner": true, "two documents": true, "an alias as mute": true}[name]; (invalid != nil) != (errs != nil) &&
			!notInSchema {
			t.Errorf("%s: the schema returned %v, the parser %v", name, invalid, errs)
		}
	}
}
