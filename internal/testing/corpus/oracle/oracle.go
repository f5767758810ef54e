// Package oracle decides cases of the corpus with @cloud-copilot/iam-simulate, an evaluator of IAM
// policies from another project. The evaluator runs as a separate process, and only on request:
// `make oracle` installs it next to this file and writes its decisions to
// internal/iampolicy/testdata/oracle. The tests compare the engine with these decisions.
//
//	pkg := oracle.Package{Dir: "internal/testing/corpus/oracle"}
//	decisions, err := pkg.Decide(ctx, cases)
//
// The license of the evaluator is AGPL-3.0-or-later, so the project does not link, copy or ship it.
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

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// Name and Version identify the npm package that package.json requires.
const (
	Name    = "@cloud-copilot/iam-simulate"
	Version = "0.1.173"
)

// scriptTimeout ends a script that hangs.
const scriptTimeout = 2 * time.Minute

// Package is an installed iam-simulate.
type Package struct {
	// Dir is the directory of package.json and node_modules, which is the directory of this file.
	Dir string
}

// Ready returns nil if the package can run. Otherwise, the error names the missing part of the
// installation and the remedy.
func (p Package) Ready() error {
	if _, err := exec.LookPath("node"); err != nil {
		return errors.New("node is not installed: install Node 20 or later, then run `make oracle`")
	}
	text, err := os.ReadFile(filepath.Join(p.Dir, "node_modules", Name, "package.json"))
	if err != nil {
		return fmt.Errorf("%s %s is not installed: run `make oracle`: %w", Name, Version, err)
	}
	var installed struct{ Version string }
	if err := json.Unmarshal(text, &installed); err != nil || installed.Version != Version {
		return fmt.Errorf("%s must have version %s, got %q: run `make oracle`", Name, Version,
			installed.Version)
	}
	return nil
}

// Decide returns a decision for each case, in order: allowed, implicitDeny or explicitDeny as the
// simulator spells them, or "error: …" if the evaluation failed.
func (p Package) Decide(ctx context.Context, cases []corpus.Case) ([]string, error) {
	var out struct{ Decisions []string }
	err := p.run(ctx, map[string]any{"cases": cases}, &out)
	if err == nil && len(out.Decisions) != len(cases) {
		err = fmt.Errorf("%s: want %d decisions, got %d", Name, len(cases), len(out.Decisions))
	}
	return out.Decisions, err
}

// Time returns the duration of one evaluation of a case, without the start of Node. It evaluates
// the case the given number of times to warm up, and the same number of times to measure.
func (p Package) Time(ctx context.Context, c corpus.Case, times int) (time.Duration, error) {
	var out struct{ Nanoseconds float64 }
	err := p.run(ctx, map[string]any{"timed": c, "times": times}, &out)
	return time.Duration(out.Nanoseconds), err
}

// Timed returns the case to pass to Time: the request of the benchmarks, with the given text of
// Remotion's user policy as the only policy.
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
	// The script needs no AWS account, so it gets no environment variable except PATH.
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
