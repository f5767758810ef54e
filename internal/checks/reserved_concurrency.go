package checks

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

var reservedConcurrency = Check{
	ID:      ReservedConcurrency,
	Subject: "functions",
	Fails: "critical if a function reserves no execution, or fewer than the smallest render takes; " +
		"medium if a long render with the defaults of Remotion needs more than it reserves",
	Reads:  []string{"lambda:GetFunctionConcurrency"},
	Source: "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html",
	judge:  judgeReservedConcurrency,
}

func judgeReservedConcurrency(j *judge, c Check) {
	for _, fn := range j.Functions {
		if fn.Skipped {
			continue
		}
		f := j.functionFinding(c, fn)
		f.Reason = "runs the functions of a render at the same time"
		f.Impact = "renders are throttled (TooManyRequestsException)"
		switch {
		case !fn.ReservedRead:
			j.addUnread(f, fn.ReservedUnread)
			continue
		case fn.Reserved != nil && *fn.Reserved == 0:
			f.Status, f.Cause = audit.Denied, audit.Quota
			f.Why = "the reserved concurrency of the function is 0, which stops it"
			j.stops(f, fn.Function)
		case fn.Reserved != nil:
			own := capacity{available: *fn.Reserved, functions: []audit.Function{fn.Function},
				of: fmt.Sprintf("the function reserves %s, and uses no others",
					textfmt.Plural(*fn.Reserved, "concurrent execution"))}
			own.judge(j, &f)
		}
		if f.Status.Gap() {
			f.Remedy += "raise or remove the reserved concurrency of the function"
			f.Command = textfmt.ShellWords("aws", "lambda", "delete-function-concurrency", "--region",
				fn.Region, "--function-name", fn.Name)
		}
		j.add(f)
	}
}
