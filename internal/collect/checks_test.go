package collect

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

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

// TestImpossibleNumbersAreUnread checks that numbers which Lambda cannot have are no facts.
func TestImpossibleNumbersAreUnread(t *testing.T) {
	for _, test := range []struct {
		limits, reserved string
		read             bool
	}{
		{`{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":0}`, `0`, true},
		{`{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":10}`, `10`, true},
		{`{"ConcurrentExecutions":-10,"UnreservedConcurrentExecutions":-10}`, `-1`, false},
		{`{"ConcurrentExecutions":10,"UnreservedConcurrentExecutions":11}`, `-2147483648`, false},
		{`{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":null}`, `"many"`, false},
		{`{"ConcurrentExecutions":1e300,"UnreservedConcurrentExecutions":5}`, `1e300`, false},
		{`{"ConcurrentExecutions":4294967297,"UnreservedConcurrentExecutions":1}`, `4294967296`, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if strings.Contains(q.URL.Path, "account-settings") {
				fmt.Fprintf(w, `{"AccountLimit":%s,"AccountUsage":{}}`, test.limits)
				return
			}
			fmt.Fprintf(w, `{"ReservedConcurrentExecutions":%s}`, test.reserved)
		}))
		client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL,
			Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1})
		set, err := checks.ParseSet("ConcurrencyQuota,ReservedConcurrency")
		if err != nil {
			t.Fatal(err)
		}
		got := Collector{Lambda: client}.Checks(t.Context(), audit.Facts{Regions: []string{"us-east-1"},
			Functions: []audit.Function{{Name: "clips", Region: "us-east-1"}}}, set)
		server.Close()
		region, function := got.Regions[0], got.Functions[0]
		if (region.Limits != nil) != test.read || (region.Unread.Why == "") != test.read {
			t.Errorf("limits %s: %+v, %+v", test.limits, region.Limits, region.Unread)
		}
		if function.ReservedRead != test.read || (function.ReservedUnread.Why == "") != test.read {
			t.Errorf("reserved %s: %+v", test.reserved, function)
		}
	}
}
