// Package oracle asks @cloud-copilot/iam-simulate, an evaluator of IAM policies that is not ours,
// about cases of the corpus. It runs as a process of its own, and only for whoever asks for it:
// `make oracle` installs it beside this file, writes what it says to
// internal/iampolicy/testdata/oracle, and the tests compare with that.
//
//	pkg := oracle.Package{Dir: "internal/corpus/oracle"}
//	decisions, err := pkg.Decide(ctx, cases)
//
// It is AGPL-3.0-or-later: nothing of ours links it, copies from it or ships it.
package oracle

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

	"github.com/remotion-audit/remotion-audit/internal/corpus"
)

// Name and Version are the npm package that package.json asks for.
const (
	Name    = "@cloud-copilot/iam-simulate"
	Version = "0.1.173"
)

// scriptTimeout ends a script that does not end by itself.
const scriptTimeout = 2 * time.Minute

// Package is an installed iam-simulate.
type Package struct {
	// Dir is the directory of package.json and node_modules: that of this file.
	Dir string
}

// Ready says what is missing to run it, and how to get it.
func (p Package) Ready() error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("node is not installed: install Node 20 or later, then run `make oracle`")
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "node_modules", Name, "package.json"))
	if err != nil {
		return fmt.Errorf("%s %s is not installed, run `make oracle`: %w", Name, Version, err)
	}
	var installed struct{ Version string }
	if err := json.Unmarshal(text, &installed); err != nil || installed.Version != Version {
		return fmt.Errorf("%s %q is installed, and %s is wanted: run `make oracle`", Name,
			installed.Version, Version)
	}
	return nil
}

// Decide returns a decision for each case, in its words: allowed, implicitDeny, explicitDeny, or
// "error: …" where it failed.
func (p Package) Decide(ctx context.Context, cases []corpus.Case) ([]string, error) {
	var out struct{ Decisions []string }
	err := p.run(ctx, map[string]any{"cases": cases}, &out)
	if err == nil && len(out.Decisions) != len(cases) {
		err = fmt.Errorf("%s gave %d decisions on %d cases", Name, len(out.Decisions), len(cases))
	}
	return out.Decisions, err
}

// Time evaluates one case as many times as said, and returns how long one evaluation took: without
// the start of Node, and after as many to warm up.
func (p Package) Time(ctx context.Context, c corpus.Case, times int) (time.Duration, error) {
	var out struct{ Nanoseconds float64 }
	err := p.run(ctx, map[string]any{"timed": c, "times": times}, &out)
	return time.Duration(out.Nanoseconds), err
}

// Timed is the request that evaluators are timed on, against Remotion's user policy.
func Timed(userPolicy string) corpus.Case {
	return corpus.Case{
		Name:     "timed",
		Identity: []corpus.Document{corpus.Document(userPolicy)},
		Action:   "lambda:CreateFunction",
		Resource: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527-mem2048mb-" +
			"disk2048mb-120sec",
		Context: corpus.Context{
			"aws:RequestedRegion": {Elements: []string{"us-east-1"}},
			"aws:SecureTransport": {Elements: []string{"true"}},
		},
	}
}

func (p Package) run(ctx context.Context, in, out any) error {
	if err := p.Ready(); err != nil {
		return err
	}
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, scriptTimeout)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", "oracle.mjs")
	cmd.Dir = p.Dir
	// It has no business with an account: nothing of the environment goes along.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(text), &stderr
	printed, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("node oracle.mjs: %w\n%s", err, stderr.Bytes())
	}
	if err := json.Unmarshal(printed, out); err != nil {
		return fmt.Errorf("node oracle.mjs: %w in %q", err, printed)
	}
	return nil
}
