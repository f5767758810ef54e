package explain

import (
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// The lines of a diff that an explanation shows, and the unchanged lines around each change.
const (
	maxDiff     = 24
	diffContext = 1
)

// FixFor returns how the fixes of a report close the gap of a finding about a principal; nil if
// there is no fix for it.
func FixFor(fixes []remedy.Fix, of Principal, f audit.Finding) *Fix {
	e, ok := remedy.ExcerptFor(fixes, f.Target, f.Policy, []remedy.Need{{Sid: f.Sid,
		Action: f.Action, Resource: f.Resource}}, diffContext, maxDiff)
	if !ok {
		return nil
	}
	fix := Fix{Text: e.Text, Diff: e.Diff}
	if !e.Edits {
		return &fix
	}
	callers := ""
	if of.Kind == audit.Caller {
		if callers = of.Name; of.Purpose != policies.All {
			callers += "=" + string(of.Purpose)
		}
	}
	fix.Command = e.Command(f.Target, callers)
	return &fix
}
