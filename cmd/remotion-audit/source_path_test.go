package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSourcesOfAProgramAreShownFromTheWorkingDirectory(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	infra := filepath.Join(root, "infra")
	for _, dir := range []string{filepath.Join(root, ".git"), filepath.Join(infra, "lib")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{filepath.Join(root, "app.ts"), filepath.Join(outside, "app.ts"),
		filepath.Join(infra, "lib", "stack.ts")} {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(infra)
	for _, tt := range []struct{ name, recorded, want string }{
		{"in the working directory", filepath.Join(infra, "lib", "stack.ts"),
			filepath.Join("lib", "stack.ts")},
		{"elsewhere in the repository", filepath.Join(root, "app.ts"), filepath.Join("..", "app.ts")},
		{"outside of the repository", filepath.Join(outside, "app.ts"), ""},
		{"not on this machine", filepath.Join(infra, "lib", "deleted.ts"), ""},
		{"a directory", filepath.Join(infra, "lib"), ""},
		{"not absolute", filepath.Join("lib", "stack.ts"), ""},
		{"outside by its dots", infra + "/../../" + filepath.Base(outside) + "/app.ts", ""},
	} {
		if got := programSource(tt.recorded); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
