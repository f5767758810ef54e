package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/corpus"
)

// Simulator is the part of the IAM client that is asked.
type Simulator interface {
	SimulateCustomPolicy(context.Context, *iam.SimulateCustomPolicyInput,
		...func(*iam.Options)) (*iam.SimulateCustomPolicyOutput, error)
}

// Verifier replays a corpus.
type Verifier struct {
	Simulator Simulator
	// Pause is waited before every call but the first: IAM throttles an account after some 180 calls
	// in a row. Zero waits for nothing.
	Pause time.Duration
	// Progress gets a line before the first call, one for each difference, and one at the end.
	Progress io.Writer
	// Source is what new cases give as theirs, such as "observed on the live service 2026-09-11".
	Source string
}

// Calls is how many calls Verify makes about some files.
func Calls(files []corpus.File) (n int) {
	for _, f := range files {
		for _, c := range f.Cases {
			if c.NoSimulator == "" {
				n++
			}
		}
		n += len(f.Malformed)
	}
	return n
}

// Verify asks about every case a simulator can be asked, and returns those it answers otherwise as
// a new file of the corpus, with the answer in place of what was wanted. A text that it takes for a
// document comes as a case, a document that it refuses as a case no simulator can be asked. An
// error ends it: what was found until then is returned with it.
func (v Verifier) Verify(ctx context.Context, files []corpus.File) (corpus.File, error) {
	found := corpus.File{About: "Cases that a simulator answers otherwise than the corpus: " +
		v.Source + "."}
	calls := Calls(files)
	fmt.Fprintf(v.Progress,
		"%d calls of SimulateCustomPolicy, %v apart: about %v; nothing is created or changed\n",
		calls, v.Pause, (time.Duration(calls) * v.Pause).Round(time.Second))
	first := true
	ask := func(in *iam.SimulateCustomPolicyInput) (out *iam.SimulateCustomPolicyOutput,
		refusal string, err error) {
		if !first {
			if err := wait(ctx, v.Pause); err != nil {
				return nil, "", err
			}
		}
		first = false
		out, err = v.Simulator.SimulateCustomPolicy(ctx, in)
		var invalid *types.InvalidInputException
		if errors.As(err, &invalid) {
			return nil, invalid.ErrorMessage(), nil
		}
		return out, "", err
	}
	report := func(c corpus.Case, what string) {
		fmt.Fprintf(v.Progress, "%q: %s\n", c.Name, what)
		c.Contested = "The corpus has it otherwise, by " + c.Source
		c.Source = v.Source + ": " + what
		c.Name += ", " + v.Source // names are unique in a corpus
		found.Cases = append(found.Cases, c)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			if c.NoSimulator != "" {
				continue
			}
			out, refusal, err := ask(Input(c))
			switch {
			case err != nil:
				return found, fmt.Errorf("%q: %w", c.Name, err)
			case refusal != "":
				c.NoSimulator = "the service refuses it: " + refusal
				report(c, refusal)
				continue
			}
			if differences := Compare(c, out); len(differences) > 0 {
				c.Want = wantOf(out)
				report(c, strings.Join(differences, "; "))
			}
		}
		for _, m := range f.Malformed {
			in := MalformedInput(m)
			out, refusal, err := ask(in)
			if err != nil {
				return found, fmt.Errorf("%q: %w", m.Name, err)
			}
			if refusal == "" {
				report(corpus.Case{
					Name: m.Name, Identity: []corpus.Document{m.Document}, Action: in.ActionNames[0],
					Resource: "*",
					Want:     wantOf(out), Source: m.Source,
				}, "taken for a document, though not by us")
			}
		}
	}
	fmt.Fprintf(v.Progress, "%d differences\n", len(found.Cases))
	return found, nil
}

// wantOf is what a simulator said, as a case says it. Statements are shown by position and not by
// number, and those that did not decide are not shown: matched statements are left to who keeps the
// case.
func wantOf(out *iam.SimulateCustomPolicyOutput) corpus.Want {
	if len(out.EvaluationResults) == 0 {
		return corpus.Want{}
	}
	r := out.EvaluationResults[0]
	return corpus.Want{Decision: string(r.EvalDecision), Missing: r.MissingContextValues}
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
