// Package node runs scripts in Node, with npm packages that the repository pins, for tests.
package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// timeout ends a script that hangs. It is longer than the timeouts inside the scripts.
const timeout = 150 * time.Second

// A Package is an npm package that is installed below a directory.
type Package struct {
	// Dir is the directory that contains node_modules.
	Dir           string
	Name, Version string
	// Install is the command that installs the package.
	Install string
}

// Ready returns nil if the package can run. Otherwise, the error names the missing part of the
// installation and the remedy.
func (p Package) Ready() error {
	if _, err := exec.LookPath("node"); err != nil {
		return fmt.Errorf("node is not installed: install Node 20 or later, then run `%s`", p.Install)
	}
	manifest := filepath.Join(p.Dir, "node_modules", filepath.FromSlash(p.Name), "package.json")
	text, err := os.ReadFile(manifest)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s %s is not installed: run `%s`", p.Name, p.Version, p.Install)
	}
	if err != nil {
		return err
	}
	var installed struct{ Version string }
	if err := json.Unmarshal(text, &installed); err != nil {
		return fmt.Errorf("%s: %w", manifest, err)
	}
	if installed.Version != p.Version {
		return fmt.Errorf("%s must have version %s, got %s: run `%s`", p.Name, p.Version,
			installed.Version, p.Install)
	}
	return nil
}

// A Script is a script with its arguments.
type Script struct {
	// Dir is the directory that the script runs in.
	Dir string
	// Args are the file of the script and its arguments.
	Args []string
	// Environment has variables as NAME=VALUE. From the environment of this process, the script gets
	// only PATH, so that it cannot reach a real account.
	Environment []string
	// Input is the standard input.
	Input []byte
}

// Run runs the script, and decodes the JSON that the script prints into out.
func (s Script) Run(ctx context.Context, out any) error {
	home, err := os.MkdirTemp("", "remotion-audit-home-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(home) }() // a left-over temporary directory is harmless
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", s.Args...)
	cmd.Dir = s.Dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"AWS_EC2_METADATA_DISABLED=true"}, s.Environment...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(s.Input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("node %s: %w\n%s", s.Args[0], err, stderr.Bytes())
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		return fmt.Errorf("node %s: %w in %q", s.Args[0], err, stdout.String())
	}
	return nil
}
