package checks

import "github.com/remotion-audit/remotion-audit/internal/audit"

// Facts are what the checks judge. A read that failed is a fact, too.
type Facts struct {
	Account, Partition string
	// Regions are the audited regions with functions of Remotion, in the order of the report.
	Regions []Region
	// Functions are the deployed functions of Remotion, in the order of the report.
	Functions []Function
}

// Region is what was read about a region.
type Region struct {
	Name string
	// Limits are the limits of Lambda; nil if they could not be read. Unread is then the reason.
	Limits *Limits
	Unread audit.Problem
}

// Limits are the concurrent executions that Lambda allows in a region.
type Limits struct {
	// Total is the quota of the region, Unreserved what is left of it for functions without reserved
	// concurrency.
	Total, Unreserved int
}

// Function is what was read about a deployed function.
type Function struct {
	audit.Function
	// Skipped is true if nothing more was read about the function, because its region has too many.
	Skipped bool
	// Settings are nil if they could not be read. SettingsUnread is then the reason.
	Settings       *Settings
	SettingsUnread audit.Problem
	// Reserved is the reserved concurrency; nil for none. It is unknown unless ReservedRead is true;
	// ReservedUnread is then the reason.
	Reserved       *int
	ReservedRead   bool
	ReservedUnread audit.Problem
}

// Settings are the state and the configuration of a function, with the texts of Lambda.
type Settings struct {
	State, StateReason, StateReasonCode                string
	LastUpdate, LastUpdateReason, LastUpdateReasonCode string
	Runtime                                            string
	// Timeout is in seconds, Disk in MB; zero for unknown.
	Timeout, Disk int
}

// ReadsSettings reports whether a check of the set needs the settings of functions.
func (s Set) ReadsSettings() bool {
	return s.Has(FunctionState) || s.Has(FunctionSize) || s.Has(FunctionRuntime)
}
