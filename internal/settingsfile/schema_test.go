package settingsfile

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type object = map[string]any

// schema returns the JSON schema of the file, which follows from Keys and docs/mutes.schema.json.
func schema(t *testing.T) object {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, "docs/mutes.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var mutes struct {
		Properties struct{ Mutes object }
	}
	if err := json.Unmarshal(text, &mutes); err != nil || mutes.Properties.Mutes == nil {
		t.Fatal("docs/mutes.schema.json has no list of mutes: ", err)
	}
	mutes.Properties.Mutes["description"] = "gaps that do not count, as in mutes.yaml (docs/alerts.md)"
	top := object{schemaKey: object{"description": "address of this schema, for editors"},
		mutesKey: mutes.Properties.Mutes}
	inCheck := object{
		filesKey: object{"description": "policy files or patterns, each the policy of one principal, " +
			"from the directory of the file", "$ref": "#/$defs/files"},
		targetKey: object{"description": "principal of the files in mutes",
			"type": "string", "pattern": "^(user|role)/[A-Za-z0-9_+=,.@-]+$"},
	}
	for _, k := range Keys() {
		if k.Commands != nil {
			top[k.Name] = valueSchema(k)
		}
		if k.Check {
			inCheck[k.Name] = valueSchema(k)
		}
	}
	top[checkKey] = object{"type": "array", "maxItems": maxChecks,
		"description": "files that `check` judges if the command line names none",
		"items": object{"type": "object", "properties": inCheck, "additionalProperties": false,
			"required": []string{filesKey},
			"oneOf": []object{{"required": []string{"for"}},
				{"required": []string{"required"}}}}}
	scalar := object{"type": []string{"string", "number"}, "minLength": 1, "maxLength": maxText}
	// A path has no backslash, and neither / nor a drive nor .. at its start.
	path := object{"type": "string", "minLength": 1, "maxLength": maxText,
		"not": object{"pattern": `^(-$|/|.:|\.\.(/|$))|\\`}}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "https://github.com/remotion-audit/remotion-audit/docs/remotion-audit.schema.json",
		"title":   Name,
		"description": "The settings of the command in a repository. docs/ci.md describes them. Flags and " +
			"the environment win over the file.",
		"type": []string{"object", "null"}, "additionalProperties": false, "properties": top,
		"$defs": object{"text": scalar, "path": path,
			"list": object{"anyOf": []object{{"$ref": "#/$defs/text"},
				{"type": "array", "minItems": 1, "items": object{"$ref": "#/$defs/text"}}}},
			"files": object{"anyOf": []object{{"$ref": "#/$defs/path"},
				{"type": "array", "minItems": 1, "maxItems": maxFiles,
					"items": object{"$ref": "#/$defs/path"}}}}},
	}
}

// valueSchema returns the schema of a key's value.
func valueSchema(k Key) object {
	names := map[Kind]string{Text: "text", List: "list", Path: "path", Levels: "files"}
	var s object
	switch {
	case k.Values != nil:
		s = object{"enum": k.Values}
	case k.Kind == YesNo:
		s = object{"type": "boolean"}
	default:
		s = object{"$ref": "#/$defs/" + names[k.Kind]}
	}
	s["description"] = k.Doc
	return s
}

// TestSchema compares docs/remotion-audit.schema.json with the keys. `make golden` rewrites it.
func TestSchema(t *testing.T) {
	text, err := json.MarshalIndent(schema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	escaped := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	golden.Compare(t, repo.Path(t, "docs/remotion-audit.schema.json"), []byte(escaped+"\n"))
}

// notInSchema are errors that a schema cannot express.
var notInSchema = []string{"a duplicate key", "an alias", "two documents", "a path that leaves",
	"a level that leaves", "a mute for decades", "a line break", "an escape sequence",
	"a bomb of aliases", "many tags", "a large file", "a merge key"}

// TestSchemaAgrees checks that the schema accepts the files that Parse accepts, and only those.
func TestSchemaAgrees(t *testing.T) {
	s := schematest.Compile(t, "remotion-audit.schema.json")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		test := files[name]
		var v any
		if slices.Contains(notInSchema, name) || yaml.Unmarshal([]byte(test.text), &v) != nil {
			continue
		}
		text := withTextDates(v)
		err := schematest.Validate(t, s, []byte(textfmt.JSON(text)))
		if (err == nil) != (test.err == "") {
			t.Errorf("%s: the schema has the error %v, and Parse %q", name, err, test.err)
		}
	}
}

// withTextDates returns a value of YAML as an editor sees it: a day is a text.
func withTextDates(v any) any {
	switch v := v.(type) {
	case object:
		for key := range v {
			v[key] = withTextDates(v[key])
		}
		return v
	case []any:
		for i := range v {
			v[i] = withTextDates(v[i])
		}
		return v
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return v
}

// TestKeysAreNamedOnce checks that no key is declared twice, or refused, too.
func TestKeysAreNamedOnce(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, k := range Keys() {
		if seen[k.Name] || refusedBecause(k.Name) != "" || k.Doc == "" || k.Commands == nil && !k.Check {
			t.Errorf("%s is declared twice, refused, not described, or can be nowhere", k.Name)
		}
		seen[k.Name] = true
	}
}
