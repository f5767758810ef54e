// Package remotion runs the permission check that Remotion publishes, @remotion/lambda's
// simulatePermissions(), unchanged, so that it can be held against this project's audit. Its tests
// do so on the embedded AWS that `remotion-audit local --serve` serves.
//
//	pkg := remotion.Package{Dir: "internal/e2e/remotion"}
//	check, err := pkg.Simulate(ctx, endpoint, "AKIAIOSFODNN7EXAMPLE")
//
// It needs Node, and the package itself beside this file: `make node_modules` installs it.
package remotion

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

// Version is the release of @remotion/lambda that package.json asks for.
const Version = "4.0.527"

// limit ends a script that does not end by itself, some time after its own limit.
const limit = 150 * time.Second

// Package is an installed @remotion/lambda.
type Package struct {
	// Dir is the directory of package.json and node_modules: that of this file.
	Dir string
}

// A Verdict is Remotion's about one action. Decision is the simulator's word: allowed, implicitDeny
// or explicitDeny. Remotion prints a tick for the first, and the same cross for the others.
type Verdict struct {
	Name     string `json:"name"`
	Decision string `json:"decision"`
}

// Allowed reports whether Remotion prints a tick.
func (v Verdict) Allowed() bool { return v.Decision == "allowed" }

// A Check is what simulatePermissions() found.
type Check struct {
	// Results are in Remotion's order. An action is there once for each result AWS gave about it.
	Results []Verdict `json:"results"`
	// Milliseconds are those of the check alone: Node had started, and the package was loaded.
	Milliseconds float64 `json:"ms"`
}

// Ready says what is missing to run the package, and how to get it.
func (p Package) Ready() error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("node is not installed: install Node 20 or later, then run `make node_modules`")
	}
	manifest := filepath.Join(p.Dir, "node_modules", "@remotion", "lambda", "package.json")
	text, err := os.ReadFile(manifest)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("@remotion/lambda %s is not installed: run `make node_modules`", Version)
	}
	if err != nil {
		return err
	}
	var installed struct{ Version string }
	if err := json.Unmarshal(text, &installed); err != nil {
		return fmt.Errorf("%s: %w", manifest, err)
	}
	if installed.Version != Version {
		return fmt.Errorf("@remotion/lambda %s is installed, and %s is wanted: run `make node_modules`",
			installed.Version, Version)
	}
	return nil
}

// Simulate runs Remotion's check against an endpoint as the user with that access key.
func (p Package) Simulate(ctx context.Context, endpoint, accessKey string) (Check, error) {
	var c Check
	if err := p.Ready(); err != nil {
		return c, err
	}
	err := script(ctx, p.Dir, &c, []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=local",
		"AWS_REGION=us-east-1",
	}, "simulate.mjs")
	return c, err
}

// Documents returns the policies of the installed package.
func (p Package) Documents(ctx context.Context) (d Documents, err error) {
	if err := p.Ready(); err != nil {
		return d, err
	}
	err = script(ctx, p.Dir, &d, nil, "policies.cjs", ".")
	return d, err
}

// script runs a script beside this file, with nothing of this process's environment that could
// reach an account, and reads the JSON it prints.
func script(ctx context.Context, dir string, out any, environment []string, args ...string) error {
	home, err := os.MkdirTemp("", "remotion-audit-home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home,
		"AWS_EC2_METADATA_DISABLED=true"}, environment...)
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("node %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	if err := json.Unmarshal(stdout.Bytes(), out); err != nil {
		return fmt.Errorf("node %s: %w in %q", args[0], err, stdout.String())
	}
	return nil
}
