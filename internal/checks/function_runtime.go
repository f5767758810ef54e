package checks

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

var functionRuntime = Check{
	ID:      FunctionRuntime,
	Subject: "functions",
	Fails:   "never: a runtime that Lambda deprecated is a notice",
	Reads:   []string{"lambda:GetFunctionConfiguration"},
	Source:  "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html",
	judge:   judgeFunctionRuntime,
}

// deprecatedRuntimes are the runtimes of Remotion's functions that Lambda deprecated. Functions
// with them still run. Lambda blocks new functions first, and later all updates.
var deprecatedRuntimes = []string{"nodejs12.x", "nodejs14.x", "nodejs16.x", "nodejs18.x"}

func judgeFunctionRuntime(j *judge, _ Check) {
	for _, fn := range j.Functions {
		if fn.Settings != nil && slices.Contains(deprecatedRuntimes, fn.Settings.Runtime) {
			j.notice(audit.NoticeFunctionRuntime, "function "+fn.String()+" has the runtime "+
				fn.Settings.Runtime+", which Lambda deprecated: it still runs, but Lambda blocks its "+
				"deployment: deploy a function of a newer release")
		}
	}
}
