package collect

import (
	"fmt"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/checks"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestTheNewestFunctionsAreChecked checks which functions the checks read in a region with more
// functions than they read: those of the newest releases. Another region has room for its own.
func TestTheNewestFunctionsAreChecked(t *testing.T) {
	var functions []checks.Function
	add := func(region, release string, n int) {
		for i := range n {
			f := audit.Function{Name: fmt.Sprint(release, "-", i), Region: region}
			if release != "" {
				f.Release = policytest.Release(t, release)
			}
			functions = append(functions, checks.Function{Function: f})
		}
	}
	add("us-east-1", "", 2)
	add("us-east-1", "4.0.240", 10)
	add("us-east-1", "4.0.527", maxCheckedFunctions-5)
	add("eu-west-1", "4.0.240", 3)
	skipFunctions(functions)
	skipped := map[string]int{}
	for _, f := range functions {
		if f.Skipped {
			skipped[f.Region+" "+f.Release.Version]++
		}
	}
	if fmt.Sprint(skipped) != fmt.Sprint(map[string]int{"us-east-1 ": 2, "us-east-1 4.0.240": 5}) {
		t.Errorf("skipped %v", skipped)
	}
}

// TestNothingIsReadForChecks checks that a collector reads nothing if there is nothing to check.
func TestNothingIsReadForChecks(t *testing.T) {
	none, err := checks.ParseSet("none")
	if err != nil {
		t.Fatal(err)
	}
	if got := (Collector{}).Checks(t.Context(), audit.Facts{}, checks.Set{}); got != nil {
		t.Errorf("without a client of Lambda: %+v", got)
	}
	f := audit.Facts{Functions: []audit.Function{{Name: "f", Region: "us-east-1"}}}
	if got := (Collector{}).Checks(t.Context(), f, none); got != nil {
		t.Errorf("with all checks off: %+v", got)
	}
}
