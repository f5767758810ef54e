// Package examples embeds accounts for the embedded AWS: with compliant policies, drifted policies,
// narrowed policies, and functions of several releases. `remotion-audit local` audits the drifted
// account by default.
package examples

import "embed"

// FS contains <name>/account.yaml, and the JSON policies in the same directory.
//
//go:embed */account.yaml */*.json
var FS embed.FS
