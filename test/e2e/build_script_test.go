package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildScript checks that tools/build.sh says what it builds, and that it prints the errors of
// the compiler and fails with it.
func TestBuildScript(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("../../tools/build.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// The directory is in the text, so that the build cache does not have the package.
	good := "package main\n\nfunc main() { println(" + "`" + dir + "`" + ") }\n"
	for name, text := range map[string]string{"go.mod": "module example.test/x\n\ngo 1.24\n",
		"good/main.go": good, "bad/main.go": "package main\n\nfunc main() { missing() }\n"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name   string
		fails  bool
		stderr []string
	}{
		{"good", false, []string{"Building out/good ...\n"}},
		{"bad", true, []string{"Building out/bad ...\n", "bad/main.go:3:15: undefined: missing\n"}},
	} {
		cmd := exec.Command(script, "out/"+test.name, "./"+test.name, "-trimpath")
		cmd.Dir = dir
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if (err != nil) != test.fails || stdout.String() != "" {
			t.Errorf("%s: %v, stdout %q", test.name, err, stdout.String())
		}
		for _, want := range test.stderr {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%s: no %q in\n%s", test.name, want, stderr.String())
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "out", test.name)); (err != nil) != test.fails {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
