// Package examples holds accounts for the embedded AWS: Remotion in good order, drifted, narrowed,
// and with functions of several releases. `remotion-audit local` runs on the drifted one unless it
// is given another.
package examples

import "embed"

// FS holds <name>/account.yaml and the policies beside it.
//
//go:embed */account.yaml */*.json
var FS embed.FS
