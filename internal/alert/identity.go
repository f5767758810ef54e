package alert

import (
	"cmp"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Identity identifies a gap across runs. It contains only what is the same in every run: no
// example, text or status, and no path of a principal's ARN, because the path may be unknown in
// some runs.
type Identity struct {
	Target   string              `json:"target"`
	Policy   policies.PolicyKind `json:"policy"`
	Sid      string              `json:"sid,omitempty"`
	Action   string              `json:"action,omitempty"`
	Resource string              `json:"resource,omitempty"`
}

// IdentityOf returns the identity of the gap that a finding describes.
func IdentityOf(f audit.Finding) Identity {
	id := Identity{Target: f.Target, Policy: f.Policy, Sid: f.Sid, Action: f.Action,
		Resource: f.Resource}
	if f.Action == "" || f.Sid == audit.TrustSid {
		id.Resource = "" // the resource is the target's own ARN
	}
	return id
}

// targetMissing reports whether the gap means that the target does not exist. A missing target has
// no other gap.
func (id Identity) targetMissing() bool { return id.Action == "" }

func (id Identity) compare(o Identity) int {
	return cmp.Or(cmp.Compare(id.Target, o.Target), cmp.Compare(id.Policy, o.Policy),
		cmp.Compare(id.Sid, o.Sid),
		cmp.Compare(id.Action, o.Action), cmp.Compare(id.Resource, o.Resource))
}
