package remedy

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Fix is the repair of one target: edits that are proved to close gaps, what stays blocked, and
// what was not part of the edits.
type Fix struct {
	// Number counts the fixes of a report from 1. The caller of Repair sets it.
	Number int    `json:"number"`
	Target string `json:"target"`
	// Policy is the kind of policy that the target needs.
	Policy policies.PolicyKind `json:"policy"`
	// Owner is the tool that writes the documents of Edits and Guards. The caller of Repair sets it
	// with OwnerOf.
	Owner Ownership `json:"owner"`
	// Edits are the changes that the account can make without weakening a guard. After all of them,
	// the gaps in Closes are satisfied. They are in the order of the documents; a new policy is last.
	Edits  []Edit `json:"edits"`
	Closes []Need `json:"closes"`
	// Gaps is the number of gaps of the target. Closes, Guards and Remaining explain all of them.
	Gaps int `json:"gaps"`
	// Guards are the exceptions that close further gaps, each together with Edits. They weaken a Deny,
	// a boundary, a service control policy, a trust policy or a condition.
	Guards []Guard `json:"guards,omitempty"`
	// Remaining are the gaps that neither Edits nor an edit of the account can close.
	Remaining []Remaining `json:"remaining,omitempty"`
	// Wider is a correction that allows more than what is needed; nil for none.
	Wider *Wider `json:"wider,omitempty"`
	// Undo is an earlier document that closes gaps; nil for none.
	Undo *Undo `json:"undo,omitempty"`
	// Live is the answer of AWS's simulator to the failing requests with the edited documents; nil if
	// AWS was not asked.
	Live *Live `json:"live,omitempty"`
	// Withheld says why no edit is shown; empty if there are edits, or if there are only guards.
	Withheld string `json:"withheld,omitempty"`
}

// A Need identifies a requirement in a fix, as in the findings of a report.
type Need struct {
	Sid      string `json:"sid"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// An Edit replaces or creates one policy document.
type Edit struct {
	// Policy is the name of the policy in reports, such as: inline policy "remotion".
	Policy   string             `json:"policy"`
	Location iampolicy.Location `json:"location"`
	// Before is nil for a new policy. After is the whole document to store. Messages leave both out if
	// they would be too long.
	Before *iampolicy.Document `json:"before,omitempty"`
	After  *iampolicy.Document `json:"after,omitempty"`
	// Changes are the single changes, in the order of the statements.
	Changes []Change `json:"changes"`
	// Characters is the size of After and of the other documents that share its quota, as IAM counts
	// it. Quota is the limit.
	Characters int `json:"characters"`
	Quota      int `json:"quota"`
	// Others is the number of other principals to which the edit grants the same: those that a managed
	// policy is attached to. It is zero if there are none or if their number is unknown, such as the
	// members of a group.
	Others int `json:"others,omitempty"`
}

// ChangeKind says what a change does to a statement.
type ChangeKind string

const (
	// CorrectAction replaces the name of an action that does not exist.
	CorrectAction ChangeKind = "correct-action"
	// CorrectResource replaces a resource pattern with a typo.
	CorrectResource ChangeKind = "correct-resource"
	// AddAction adds actions to a statement.
	AddAction ChangeKind = "add-action"
	// AddResource adds resource patterns to a statement, perhaps with an action.
	AddResource ChangeKind = "add-resource"
	// AddStatement adds a statement.
	AddStatement ChangeKind = "add-statement"
	// RestrictStatement replaces a Deny by statements that deny less.
	RestrictStatement ChangeKind = "restrict-statement"
	// RemoveStatement removes a statement.
	RemoveStatement ChangeKind = "remove-statement"
	// CompactDocument merges statements, so that the document allows and denies the same in fewer
	// characters.
	CompactDocument ChangeKind = "compact-document"
	// RestoreDocument restores an earlier document.
	RestoreDocument ChangeKind = "restore-document"
)

// A Change is one change of a statement.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Statement is the position in Before, from 1. It is 0 for a new statement. Sid may be empty.
	Statement int    `json:"statement,omitempty"`
	Sid       string `json:"sid,omitempty"`
	// Old and New are the replaced and the new patterns; nil for none.
	Old []string `json:"old,omitempty"`
	New []string `json:"new,omitempty"`
	// Miss says how a replaced resource pattern misses what is needed.
	Miss *iampolicy.NearMatch `json:"miss,omitempty"`
	// Text describes the change in one sentence without a full stop.
	Text string `json:"text"`
	// Closes are the gaps that the change closes. A gap that several changes close together is at the
	// last of them.
	Closes []Need `json:"closes,omitempty"`
}

// A Guard is the narrowest exception that was found to a Deny, a boundary, a service control
// policy, a trust policy or a condition.
type Guard struct {
	Cause iampolicy.Cause `json:"cause"`
	// Policy is the name of the guarding policy in reports. Statements are those that block the gaps.
	// They are empty if the policy only lacks an Allow, or if the policy is unknown.
	Policy     string                   `json:"policy"`
	Statements []iampolicy.StatementRef `json:"statements,omitempty"`
	// Owner says who may change the policy. Ask is the text to send to the owner; empty if the account
	// can change the policy itself.
	Owner string `json:"owner"`
	Ask   string `json:"ask,omitempty"`
	// Edits is the exception; nil if the documents of the guard are unknown or if no exception was
	// proved. Why then says so.
	Edits []Edit `json:"edits,omitempty"`
	Why   string `json:"why,omitempty"`
	// Blocks are the gaps that the guard blocks. Closes are those that are satisfied after the edits
	// of the fix and of this guard; a gap that several guards block is in no Closes.
	Blocks []Need `json:"blocks"`
	Closes []Need `json:"closes,omitempty"`
	// AlsoAllows is a request that the exception allows although nothing needs it; nil if the
	// exception is proved to allow only what is needed.
	AlsoAllows *Example `json:"alsoAllows,omitempty"`
}

// An Example is one request.
type Example struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// Remaining is a gap that no edit closes.
type Remaining struct {
	Need
	// Granted is true if the edits grant the gap, so that only Why stands in the way.
	Granted bool `json:"granted,omitempty"`
	// Why says what blocks the gap.
	Why string `json:"why"`
}

// A Wider is a correction that closes gaps and allows more than what is needed.
type Wider struct {
	Edits  []Edit `json:"edits"`
	Closes []Need `json:"closes"`
	// AlsoAllows is a request that the correction allows although nothing needs it.
	AlsoAllows Example `json:"alsoAllows"`
}

// An Undo restores an earlier document.
type Undo struct {
	Edits  []Edit `json:"edits"`
	Closes []Need `json:"closes"`
	// Version is the version of a managed policy to restore; empty for a document from the evidence
	// of an earlier run. At is the time from which the document is known, in RFC 3339.
	Version string `json:"version,omitempty"`
	At      string `json:"at,omitempty"`
	// AlsoAllows is a request that the undo allows although nothing needs it; nil if there is none.
	AlsoAllows *Example `json:"alsoAllows,omitempty"`
}

// Live is what AWS's simulator says about the edits of a fix. Requests is the sum of Allowed,
// NotSimulated and the length of Denied.
type Live struct {
	Requests int `json:"requests"`
	Allowed  int `json:"allowed"`
	// Denied are the requests that AWS denies in spite of the edits.
	Denied []LiveDenial `json:"denied,omitempty"`
	// NotSimulated counts the requests without an answer. Why is the first reason.
	NotSimulated int    `json:"notSimulated,omitempty"`
	Why          string `json:"why,omitempty"`
}

// A LiveDenial is a request that AWS denies in spite of the edits, with the layer that denies it.
type LiveDenial struct {
	Example
	Cause iampolicy.Cause `json:"cause"`
}

// SetLive adds the answer of AWS's simulator. A gap with a request that AWS still denies is not
// closed: it remains, and if no gap is left, the edits are withheld.
func (f *Fix) SetLive(l Live) {
	f.Live = &l
	for _, d := range l.Denied {
		why := "AWS's simulator denies it in spite of the edit (" + string(d.Cause) + "): " +
			d.Action + " on " + d.Resource
		f.Closes = slices.DeleteFunc(slices.Clone(f.Closes), func(n Need) bool {
			if n.Action != d.Action {
				return false
			}
			f.Remaining = append(f.Remaining, Remaining{Need: n, Granted: true, Why: why})
			return true
		})
	}
	if len(f.Closes) == 0 && len(f.Edits) > 0 && len(l.Denied) > 0 {
		f.Edits, f.Withheld = []Edit{}, "AWS's simulator denies the requests in spite of the edits"
	}
}

// needOf returns the identity of a requirement in a fix.
func needOf(r policies.Requirement) Need { return Need{r.Sid, r.Action, r.Resource} }

// Shortened returns a copy of the fix for messages: without the documents before the edits, and
// without those after the edits unless after is true.
func (f Fix) Shortened(after bool) Fix {
	short := func(edits []Edit) []Edit {
		edits = slices.Clone(edits)
		for i := range edits {
			edits[i].Before = nil
			if !after {
				edits[i].After = nil
			}
		}
		return edits
	}
	f.Edits, f.Guards = short(f.Edits), slices.Clone(f.Guards)
	for i := range f.Guards {
		f.Guards[i].Edits = short(f.Guards[i].Edits)
	}
	if f.Wider != nil {
		wider := *f.Wider
		wider.Edits = short(wider.Edits)
		f.Wider = &wider
	}
	if f.Undo != nil {
		undo := *f.Undo
		undo.Edits = short(undo.Edits)
		f.Undo = &undo
	}
	return f
}
