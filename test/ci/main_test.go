package ci

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
)

// binDir is a directory with the built command.
var binDir string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "remotion-audit-ci")
	if err == nil {
		defer os.RemoveAll(dir)
		binDir = dir
		err = gobuild.Program(context.Background(), "../../cmd/remotion-audit",
			filepath.Join(dir, "remotion-audit"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// environment returns the environment of a step: PATH with the built command, and no variable of
// this machine that the command reads.
func environment(home string, more ...string) []string {
	return append([]string{"PATH=" + binDir + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=http://127.0.0.1:1"}, more...)
}

// write writes files below a directory.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns the text of a file; empty without the file.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}
