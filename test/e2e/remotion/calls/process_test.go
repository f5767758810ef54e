package calls

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// here returns the directory of this package.
func here(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func needsNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not installed")
	}
}

// Remotion's function deletes everything in /tmp.
func TestAProcessCannotDeleteOutsideItsOwnDirectory(t *testing.T) {
	needsNode(t)
	box, err := newSandbox(here(t))
	if err != nil {
		t.Fatal(err)
	}
	defer box.remove()
	canary := filepath.Join(t.TempDir(), "canary")
	if err := os.WriteFile(canary, []byte("keep"), 0o600); err != nil {
		t.Fatal(err)
	}
	const script = `const fs = require('node:fs');
		const file = process.argv[1];
		for (const remove of [fs.unlinkSync, fs.rmSync, (f) => fs.writeFileSync(f, '')]) {
			try { remove(file); console.log('removed'); } catch (err) { console.log(err.code); }
		}
		fs.writeFileSync(process.env.TMPDIR + '/x', ''); fs.rmSync(process.env.TMPDIR + '/x');`
	cmd, err := box.command(t.Context(), "test", []string{"CALLS_ENDPOINT=http://127.0.0.1:1"},
		"-e", script, "--", canary)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "ERR_ACCESS_DENIED") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
	if text, err := os.ReadFile(canary); err != nil || string(text) != "keep" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestTheHookRefusesAProcessThatCanWriteElsewhere(t *testing.T) {
	needsNode(t)
	own := t.TempDir()
	for name, write := range map[string]string{
		"without the permission model": "",
		"with access to all files":     "*",
		"with access to /tmp":          "/tmp/*",
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"--no-warnings"}
			if write != "" {
				options, err := permissions(t.Context(), own)
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, append(options, "--allow-fs-write="+write)...)
			}
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "node",
				append(args, "--require", "./hook.cjs", "-e", "console.log('ran')")...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + own,
				"CALLS_ENDPOINT=http://127.0.0.1:1", "HOME=" + own}
			out, err := cmd.CombinedOutput()
			if err == nil || strings.Contains(string(out), "ran") ||
				!strings.Contains(string(out), "Remotion deletes /tmp") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
