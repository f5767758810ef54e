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

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// Simulator is the method of the IAM client that Verify calls.
type Simulator interface {
	SimulateCustomPolicy(context.Context, *iam.SimulateCustomPolicyInput,
		...func(*iam.Options)) (*iam.SimulateCustomPolicyOutput, error)
}

// Verifier replays a corpus.
type Verifier struct {
	Simulator Simulator
	// Pause is the delay before every call except the first. IAM throttles an account after about 180
	// calls in a row. Zero means no delay.
	Pause time.Duration
	// Progress receives a line before the first call, a line for each difference, and a line at the
	// end.
	Progress io.Writer
	// Source is the source of the new cases, such as "observed on the live service 2026-09-11".
	Source string
}

// Calls returns the number of calls that Verify makes for the files.
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

// Verify evaluates every case that a simulator can evaluate. It returns the cases with a different
// result as a new corpus file, in which the wanted results are the simulator's results. A malformed
// text that the simulator accepts becomes a case. A document that the simulator rejects becomes a
// case with NoSimulator. After an error, Verify returns the cases found so far with the error.
func (v Verifier) Verify(ctx context.Context, files []corpus.File) (corpus.File, error) {
	found := corpus.File{
		About: "Cases in which a simulator differs from the corpus: " + v.Source + "."}
	calls := Calls(files)
	progress := func(format string, args ...any) {
		_, _ = fmt.Fprintf(v.Progress, format, args...) // a lost line does not affect the result
	}
	progress(
		"%d calls of SimulateCustomPolicy, %v apart: about %v; nothing is created or changed\n",
		calls, v.Pause, (time.Duration(calls) * v.Pause).Round(time.Second))
	first := true
	simulate := func(in *iam.SimulateCustomPolicyInput) (out *iam.SimulateCustomPolicyOutput,
		rejection string, err error) {
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
		progress("%q: %s\n", c.Name, what)
		c.Contested = "The corpus has another result, from " + c.Source
		c.Source = v.Source + ": " + what
		c.Name += ", " + v.Source // names are unique in a corpus
		found.Cases = append(found.Cases, c)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			if c.NoSimulator != "" {
				continue
			}
			out, rejection, err := simulate(Input(c))
			switch {
			case err != nil:
				return found, fmt.Errorf("%q: %w", c.Name, err)
			case rejection != "":
				c.NoSimulator = "the service rejects it: " + rejection
				report(c, rejection)
				continue
			}
			if differences := Compare(c, out); len(differences) > 0 {
				c.Want = wantOf(out)
				report(c, strings.Join(differences, "; "))
			}
		}
		for _, m := range f.Malformed {
			in := MalformedInput(m)
			out, rejection, err := simulate(in)
			if err != nil {
				return found, fmt.Errorf("%q: %w", m.Name, err)
			}
			if rejection == "" {
				report(corpus.Case{
					Name: m.Name, Identity: []corpus.Document{m.Document}, Action: in.ActionNames[0],
					Resource: "*",
					Want:     wantOf(out), Source: m.Source,
				}, "accepted by the simulator, rejected by the engine")
			}
		}
	}
	progress("%d differences\n", len(found.Cases))
	return found, nil
}

// wantOf returns the simulator's result as the wanted result of a case. It leaves Matched empty,
// because the simulator lists only the deciding statements, and by position instead of number.
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
