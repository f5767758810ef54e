// Package examples contains example accounts for the embedded AWS: with compliant policies, drifted
// policies, narrowed policies, and functions of several releases. `remotion-audit local` audits the
// drifted account by default.
package examples

import "embed"

// FS contains <name>/account.yaml of each account, and all JSON files of the example directories.
//
//go:embed */account.yaml */*.json
var FS embed.FS
