// Package remotion runs Remotion's published permission check, simulatePermissions() of
// @remotion/lambda, unchanged. The tests of this package compare the check with this project's
// audit, on the embedded AWS of `remotion-audit local --serve`.
//
//	pkg := remotion.Package{Dir: "test/e2e/remotion"}
//	check, err := pkg.Simulate(ctx, endpoint, "AKIAIOSFODNN7EXAMPLE")
//
// Simulate needs Node, and the package in node_modules next to this file. `make node_modules`
// installs the package.
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

// Version is the release of @remotion/lambda in package.json.
const Version = "4.0.527"

// scriptTimeout is the timeout of a script. It is longer than the timeout inside the script.
const scriptTimeout = 150 * time.Second

// Package is an installed @remotion/lambda.
type Package struct {
	// Dir is the directory of this Go package, which contains package.json and node_modules.
	Dir string
}

// A Verdict is Remotion's verdict on one action. Decision is the decision of the simulator:
// allowed, implicitDeny or explicitDeny. Remotion prints a tick for allowed, and a cross for the
// other decisions.
type Verdict struct {
	Name     string `json:"name"`
	Decision string `json:"decision"`
}

// Allowed reports whether Remotion prints a tick.
func (v Verdict) Allowed() bool { return v.Decision == "allowed" }

// A Check is the result of simulatePermissions().
type Check struct {
	// Results are in Remotion's order. An action appears once for each result that AWS returns for
	// the action.
	Results []Verdict `json:"results"`
	// Milliseconds is the duration of the check, without starting Node and loading the package.
	Milliseconds float64 `json:"ms"`
}

// Ready returns an error with a remedy if Node or the package is missing.
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
		return fmt.Errorf("@remotion/lambda must be %s, but %s is installed: run `make node_modules`",
			Version, installed.Version)
	}
	return nil
}

// Simulate runs Remotion's check against an endpoint, as the user with the access key.
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

// script runs a script in dir, and decodes the JSON that the script prints into out. From the
// environment of this process, the script gets only PATH, so that it cannot reach a real account.
func script(ctx context.Context, dir string, out any, environment []string, args ...string) error {
	home, err := os.MkdirTemp("", "remotion-audit-home-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(home) }() // a left-over temporary directory is harmless
	ctx, cancel := context.WithTimeout(ctx, scriptTimeout)
	defer cancel()
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
