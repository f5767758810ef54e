package main

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

// TestParseDotenvLikeRemotion compares parseDotenv with the dotenv of Remotion's CLI, on random
// texts that consist of what is special in such a file.
func TestParseDotenvLikeRemotion(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out Remotion's dotenv")
	}
	pkg := remotion.Package{Dir: repo.Path(t, "test/e2e/remotion")}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: Remotion's dotenv: " + err.Error())
	}
	parts := []string{"A", "B=", "AWS_PROFILE=", "=", ":", ": ", " ", "\t", "\n", "\n", "\r", "\r\n",
		"'", `"`, "`", `\`, `\"`, `\'`, `\n`, `\r`, "#", "export ", "$A", "${A}", "x", "é", "-", ".",
		"\ufeff", "\u00a0", "\u0085", "="}
	random := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, 20_000)
	for i := range texts {
		var text strings.Builder
		for range 1 + random.IntN(24) {
			text.WriteString(parts[random.IntN(len(parts))])
		}
		texts[i] = text.String()
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	var want []map[string]string
	if err := (node.Script{Dir: pkg.Dir, Args: []string{"dotenv.cjs"}, Input: input}).Run(t.Context(),
		&want); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i, text := range texts {
		if got := parseDotenv(text); !maps.Equal(got, want[i]) {
			t.Errorf("%q: got %q, Remotion gets %q", text, got, want[i])
			if failed++; failed == 10 {
				t.FailNow()
			}
		}
	}
}
