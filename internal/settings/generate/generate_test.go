package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// TestGeneratedFilesAreCurrent checks that the generated files, and the generated parts of other
// files, follow from internal/settings.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	const root = "../../.."
	files, err := generated(root, settings.All())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is out of date (%v): go generate ./internal/settings", name, err)
		}
	}
}
