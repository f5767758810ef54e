package remedy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// undo sets the earlier document that closes most gaps, if it takes nothing away.
func (r *repair) undo() {
	for _, known := range r.target.Known {
		if k := known.Location.Kind; k != iampolicy.InlineLocation && k != iampolicy.ManagedLocation {
			continue // a boundary and a trust policy grant nothing
		}
		at := slices.IndexFunc(r.docs, func(w *working) bool {
			l := w.policy.Location
			return l.Kind == known.Location.Kind && l.Holder == known.Location.Holder &&
				l.Name == known.Location.Name && l.ARN == known.Location.ARN
		})
		w := &working{policy: iampolicy.Policy{ID: known.policyID(), Location: known.Location}}
		w.shared = r.shared(w.policy)
		switch {
		case at >= 0:
			w = r.docs[at]
		case !r.restorable(known.Location):
			continue
		}
		if w.fixed || known.Document == nil {
			continue
		}
		if u := r.undoOf(w, at, known); u != nil &&
			(r.fix.Undo == nil || len(u.Closes) > len(r.fix.Undo.Closes)) {
			r.fix.Undo = u
		}
	}
}

// restorable reports whether a policy that does not exist any more was an inline policy of the
// target, or of a group of the target. The locations of stored documents are untrusted: a policy of
// another principal would give rights to that principal.
func (r *repair) restorable(l iampolicy.Location) bool {
	return l.Kind == iampolicy.InlineLocation && l.ARN == "" && validPolicyName(l.Name) &&
		(l.Holder == r.target.Name || slices.ContainsFunc(r.docs, func(w *working) bool {
			return w.policy.Location.Holder == l.Holder
		}))
}

// validPolicyName reports whether IAM accepts the name of a policy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html
func validPolicyName(name string) bool {
	const maxPolicyName = 128
	return name != "" && len(name) <= maxPolicyName && !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') &&
			!strings.ContainsRune("+=,.@-_", c)
	})
}

// policyID returns the name of a policy that does not exist any more.
func (k Known) policyID() string {
	return string(k.Location.Kind) + " policy \"" + k.Location.Name + "\""
}

// undoOf returns the undo by one document, or nil if it closes nothing or takes something away.
func (r *repair) undoOf(w *working, at int, known Known) *Undo {
	grants := r.target.Grants
	grants.Identity = slices.Clone(grants.Identity)
	if at >= 0 {
		grants.Identity[at].Document = known.Document
	} else {
		grants.Identity = append(grants.Identity, iampolicy.Policy{ID: w.policy.ID,
			Document: known.Document})
	}
	u := &Undo{Version: known.Version, At: known.At}
	for _, g := range r.gaps {
		if g.Layer == "" && r.satisfied(g, grants) {
			u.Closes = append(u.Closes, g.id)
		}
	}
	if len(u.Closes) == 0 || r.characters(w, known.Document) > quotaOf(w.policy.Location) {
		return nil
	}
	before := w.policy.Document
	if before == nil {
		before = &iampolicy.Document{Version: iampolicy.Version} // it denies nothing
	}
	if !contained(r.budget, before, allowsOf(grants.Identity), nil).Contained ||
		!r.deniesLess(before, known.Document) {
		return nil
	}
	c := contained(r.budget, known.Document, r.within(w, r.documented), nil)
	if !c.Contained {
		u.AlsoAllows = c.Example
		if c.Example == nil {
			u.AlsoAllows = &Example{Action: "unknown", Resource: "unknown"}
		}
	}
	restored := &working{policy: w.policy, doc: known.Document, shared: w.shared,
		changes: []Change{{Kind: RestoreDocument, Text: "restore the earlier document"}}}
	e := r.edit(restored, w.policy.Document)
	e.Characters = r.characters(w, known.Document)
	u.Edits = []Edit{e}
	return u
}
