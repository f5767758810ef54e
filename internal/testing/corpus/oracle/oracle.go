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
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/node"
)

// Name and Version identify the npm package that package.json requires.
const (
	Name    = "@cloud-copilot/iam-simulate"
	Version = "0.1.173"
)

// Package is an installed iam-simulate.
type Package struct {
	// Dir is the directory of package.json and node_modules, which is the directory of this file.
	Dir string
}

// Ready returns nil if the package can run. Otherwise, the error names the missing part of the
// installation and the remedy.
func (p Package) Ready() error {
	return node.Package{Dir: p.Dir, Name: Name, Version: Version, Install: "make oracle"}.Ready()
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
	return node.Script{Dir: p.Dir, Args: []string{"oracle.mjs"}, Input: text}.Run(ctx, out)
}
