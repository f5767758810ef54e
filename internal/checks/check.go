package checks

import (
	"fmt"
	"strings"
)

// ID identifies a check. It is the Sid of the findings of the check, and a value of CHECKS.
type ID string

// The checks.
const (
	ConcurrencyQuota    ID = "ConcurrencyQuota"
	FunctionState       ID = "FunctionState"
	ReservedConcurrency ID = "ReservedConcurrency"
	FunctionSize        ID = "FunctionSize"
	FunctionRuntime     ID = "FunctionRuntime"
)

// Check describes a check, for the documentation and for what a report did not check.
type Check struct {
	ID ID
	// Subject is what the check reads, as a noun: "quotas".
	Subject string
	// Fails says when the check is a gap, with the severity, or that it gives notices only.
	Fails string
	// Reads are the actions that the auditor needs for the check.
	Reads []string
	// Source is the page that the check follows.
	Source string

	judge func(*judge, Check)
}

// All returns the checks in the order of reports.
func All() []Check {
	return []Check{
		concurrencyQuota, functionState, reservedConcurrency, functionSize, functionRuntime,
	}
}

// rulesRevision is the number of the rules of the checks. Increase it once for a release in which
// the same facts give findings with another status, cause or severity.
const rulesRevision = 1

// Rules identifies the checks and their rules: two auditors with the same text give the same
// findings for the same facts. It follows audit.Rules in the state of alerts.
func Rules() string { return fmt.Sprintf("/%d-%s", rulesRevision, strings.Join(ids(), ",")) }

// ids returns the ids of all checks.
func ids() (list []string) {
	for _, c := range All() {
		list = append(list, string(c.ID))
	}
	return list
}
