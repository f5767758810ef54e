package checks

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

var functionSize = Check{
	ID:      FunctionSize,
	Subject: "functions",
	Fails:   "never: a timeout or a disk other than the name of the function says is a notice",
	Reads:   []string{"lambda:GetFunctionConfiguration"},
	Source:  "https://www.remotion.dev/docs/lambda/naming-convention",
	judge:   judgeFunctionSize,
}

// sizesInName matches the end of a name that Remotion gives. The groups are disk and timeout.
var sizesInName = regexp.MustCompile(`-disk(\d{1,5})mb-(\d{1,3})sec$`)

func judgeFunctionSize(j *judge, _ Check) {
	for _, fn := range j.Functions {
		m := sizesInName.FindStringSubmatch(fn.Name)
		if fn.Settings == nil || m == nil {
			continue
		}
		compare := func(what, unit, named string, size int) {
			if n, err := strconv.Atoi(named); err == nil && size != 0 && n != size {
				j.notice(audit.NoticeFunctionSize, fmt.Sprintf("function %s has a %s of %d %s, but its name "+
					"says %d: Remotion goes by the name", fn.String(), what, size, unit, n))
			}
		}
		compare("disk", "MB", m[1], fn.Settings.Disk)
		compare("timeout", "seconds", m[2], fn.Settings.Timeout)
	}
}
