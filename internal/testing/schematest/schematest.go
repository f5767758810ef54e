// Package schematest validates JSON in tests with the schemas in docs/.
package schematest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// docs is the address of docs/ in the schemas, which refer to each other.
const docs = "https://github.com/remotion-audit/remotion-audit/docs/"

// Compile compiles the schema docs/name.
func Compile(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob(repo.Path(t, "docs/*.schema.json"))
	if err != nil || len(files) < 4 {
		t.Fatalf("schemas %q, %v", files, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := c.AddResource(docs+filepath.Base(file), doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(docs + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Validate returns the error of the schema for a JSON text.
func Validate(t testing.TB, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return s.Validate(v)
}
