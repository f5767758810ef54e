package corpus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func load(t *testing.T, text string) ([]File, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(dir)
}

func TestLoadRejects(t *testing.T) {
	valid := `"action":"s3:GetObject","resource":"*","want":{"decision":"allowed"},"source":"page"`
	tests := []struct{ name, text, want string }{
		{"an unknown key", `{"case":[]}`, `unknown field "case"`},
		{"an unknown key of a case", `{"cases":[{"name":"a","actions":"x",` + valid + `}]}`,
			`unknown field "actions"`},
		{"text after the object", `{} {}`, `text after the end`},
		{"a case without a name", `{"cases":[{` + valid + `}]}`, `a case has no name`},
		{"a duplicate name", `{"cases":[{"name":"a",` + valid + `},{"name":"a",` + valid + `}]}`,
			`duplicate name "a", also in x.json`},
		{"a case without a source",
			`{"cases":[{"name":"a","action":"x","resource":"*","want":{"decision":"allowed"}}]}`,
			`"a" has no source: add one`},
		{"an unknown decision", `{"cases":[{"name":"a","want":{"decision":"deny"},"source":"page"}]}`,
			`decision must be allowed, implicitDeny or explicitDeny, got "deny"`},
		{"an unknown document", `{"cases":[{"name":"a","identity":["@b"],` + valid + `}]}`,
			`unknown document "b"`},
		{"an unknown document as the boundary", `{"cases":[{"name":"a","boundary":"@b",` + valid + `}]}`,
			`unknown document "b"`},
		{"an unknown layer",
			`{"cases":[{"name":"a","want":{"decision":"allowed","refusedBy":["scp"]},"source":"page"}]}`,
			`refusedBy must contain identity, boundary or organization, got "scp"`},
		{"positions without matched statements",
			`{"cases":[{"name":"a","want":{"decision":"allowed","positions":["1:1-1:2"]},"source":"page"}]}`,
			`one entry for each of the 0 matched statements, got 1`},
		{"a malformed text without a source", `{"malformed":[{"name":"a","document":"{"}]}`,
			`"a" has no source: add one`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := load(t, test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Load of %s returns the error %v, want an error with %q", test.text, err, test.want)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("Load accepts an empty directory")
	}
}

// TestRoundTrip checks that documents in each form and context values stay the same when they are
// written as JSON and read again.
func TestRoundTrip(t *testing.T) {
	files, err := load(t, `{"about":"x","documents":{"d":{ "Statement" : [] }},"cases":[{"name":"a",
		"identity":["@d",{"Statement":[ ]},"{ \"Statement\":[]}",["{","}"]],"boundary":"@d",
		"organization":[["@d"],[]],
		"action":"s3:GetObject","resource":"*","context":{"aws:a":"x","aws:b":["x"],"aws:c":[]},
		"want":{"decision":"allowed"},"source":"page"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	first := files[0].Cases[0]
	want := []Document{`{"Statement":[]}`, `{"Statement":[]}`, `{ "Statement":[]}`, "{\n}"}
	for i, d := range first.Identity {
		if d != want[i] {
			t.Errorf("document %d is %q, want %q", i+1, d, want[i])
		}
	}
	if *first.Boundary != want[0] || len(first.Organization) != 2 ||
		first.Organization[0][0] != want[0] {
		t.Errorf("boundary %q, organization %q; want boundary %q and two levels, the first with %q",
			*first.Boundary, first.Organization, want[0], want[0])
	}
	if v := first.Context; v["aws:a"].List || !v["aws:b"].List || !v["aws:c"].List ||
		len(v["aws:c"].Elements) != 0 {
		t.Errorf("context %+v, want only aws:b and aws:c as lists, aws:c without values", first.Context)
	}
	once, err := json.Marshal(files[0])
	if err != nil {
		t.Fatal(err)
	}
	again, err := load(t, string(once))
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := json.Marshal(again[0]); err != nil || string(twice) != string(once) {
		t.Errorf("error %v; the first JSON is\n%s\nand the second\n%s", err, once, twice)
	}
}
