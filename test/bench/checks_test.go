package bench_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// TestChecksTakeNoRoundTrip runs the function with and without checks in an account with two
// functions: the checks make one more call for the region and two for each function, and no more
// sequential round trips.
func TestChecksTakeNoRoundTrip(t *testing.T) {
	rounds, calls := map[string]int{}, map[string][]string{}
	for _, set := range []string{"none", "all"} {
		synctest.Test(t, func(t *testing.T) {
			c := benchmarkCase{account: func(tb testing.TB) *awsemu.Account {
				a := inlineOnly(tb)
				a.Function.Environment["CHECKS"] = set
				for _, size := range []string{"120", "240"} {
					a.Functions = append(a.Functions, awsemu.LambdaFunction{Role: "remotion-lambda-role",
						Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-" + size + "sec"})
				}
				for i := range a.Functions {
					a.Functions[i].Timeout = 120 * (i + 1)
				}
				return a
			}}
			made := c.newVirtualFixture(t).audit(t).calls
			rounds[set] = roundtrips.Count(made)
			for _, call := range made {
				if strings.HasPrefix(call.Operation, "Get") && call.Service == "lambda" {
					calls[set] = append(calls[set], call.Operation)
				}
			}
			slices.Sort(calls[set])
		})
	}
	if rounds["all"] != rounds["none"] {
		t.Errorf("%d sequential round trips with checks, %d without", rounds["all"], rounds["none"])
	}
	want := []string{"GetAccountSettings", "GetFunctionConcurrency", "GetFunctionConcurrency",
		"GetFunctionConfiguration", "GetFunctionConfiguration"}
	if !slices.Equal(calls["all"], want) || calls["none"] != nil {
		t.Errorf("calls with checks %v, without %v", calls["all"], calls["none"])
	}
}
