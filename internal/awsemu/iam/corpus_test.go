package iam_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus/replay"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// TestCorpus runs the corpus of the policy engine against the embedded AWS with the SDK.
func TestCorpus(t *testing.T) {
	files, err := corpus.Load("../../iampolicy/testdata/corpus")
	if err != nil {
		t.Fatal(err)
	}
	client := emutest.Connect(t, &awsemu.Server{}).IAM
	simulated := 0
	for _, f := range files {
		t.Run(f.Name, func(t *testing.T) {
			for _, c := range f.Cases {
				if c.NoSimulator != "" {
					continue
				}
				simulated++
				out, err := client.SimulateCustomPolicy(t.Context(), replay.Input(c))
				if err != nil {
					t.Errorf("%s: %v", c.Name, err)
					continue
				}
				for _, d := range replay.Compare(c, out) {
					t.Errorf("%s: %s", c.Name, d)
				}
			}
			for _, m := range f.Malformed {
				simulated++
				_, err := client.SimulateCustomPolicy(t.Context(), replay.MalformedInput(m))
				if invalid := new(types.InvalidInputException); !errors.As(err, &invalid) {
					t.Errorf("%s: %v, want InvalidInput", m.Name, err)
				}
			}
		})
	}
	if simulated < 400 {
		t.Errorf("%d cases simulated, want at least 400", simulated)
	}
}
