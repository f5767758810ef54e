package oracle

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// TestVersion checks that package.json and Version name the same release, and that package.json
// pins every package to an exact version. The pins are necessary because there is no lock file.
func TestVersion(t *testing.T) {
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Dependencies, Overrides map[string]string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if got := manifest.Dependencies[Name]; got != Version || len(manifest.Dependencies) != 1 {
		t.Errorf("package.json requires %v, want only %s %s", manifest.Dependencies, Name, Version)
	}
	for name, version := range manifest.Overrides {
		if strings.ContainsAny(version, "^~<>=* ") {
			t.Errorf("package.json requires %s %q, want one exact version", name, version)
		}
	}
}

func TestDecide(t *testing.T) {
	pkg := Package{Dir: "."}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: " + err.Error())
	}
	document := func(body string) []corpus.Document { return []corpus.Document{corpus.Document(body)} }
	got, err := pkg.Decide(t.Context(), []corpus.Case{
		{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
			Identity: document(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",` +
				`"Resource":"*"}]}`)},
		{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
			Identity: document(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*",` +
				`"Resource":"*"}]}`)},
		{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"},
		{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Identity: document(`{`)},
	})
	if err != nil || len(got) != 4 || got[0] != "allowed" || got[1] != "explicitDeny" ||
		got[2] != "implicitDeny" || !strings.HasPrefix(got[3], "error: ") {
		t.Errorf("got %q, %v; want allowed, explicitDeny, implicitDeny and an error", got, err)
	}
}
