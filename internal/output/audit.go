package output

import (
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// Audit is the document of `remotion-audit audit`.
type Audit struct {
	Report audit.Report
	// Open are the gaps of the report that are open in the state of the deployed auditor, oldest
	// first. Formats for machines leave them out, because the report has a schema.
	Open []alert.Gap
	// Settings are the flags of the audit that the commands for its fixes repeat.
	Settings []string
}
