package output

import (
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// Audit is the document of `remotion-audit audit`.
type Audit struct {
	Report audit.Report
	// Open are the gaps of the report that are open in the state of the deployed auditor, oldest
	// first.
	Open []alert.Gap
	// Place is the file that stands for the account in formats that need a file; empty means
	// DefaultPlace.
	Place string
}
