package remedy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A WideGrant is an Allow statement through which a policy grants too much.
type WideGrant struct {
	// Policy and Statement are positions in the identity policies and in the document, from 0.
	Policy, Statement int
	// Actions are the patterns of the statement that grant too much. Nil stands for all of it.
	Actions []string
}

// A Tightening replaces wide grants. It is proved: what is needed and was allowed stays allowed,
// and the new documents allow only what the old ones allowed.
type Tightening struct {
	Edits []Edit `json:"edits"`
	// Detach are policies of AWS, which the account cannot edit, to detach after the edits.
	Detach []string `json:"detach,omitempty"`
}

// NewPolicyName is the name of an inline policy that a tightening adds, unless a policy has it.
const NewPolicyName = "remotion"

// Tighten replaces wide grants of a target by the statements of least with the same actions, and
// keeps all other statements. needed are all needs of the target; resources returns resources of
// a need that exist. Tighten returns nil if a proof fails, or if the result does not fit IAM's
// quotas.
func Tighten(b *iampolicy.Budget, t Target, wide []WideGrant, least *iampolicy.Document,
	needed []needs.Need, resources func(needs.Need) []string) *Tightening {
	out := &Tightening{Edits: []Edit{}}
	after := t.Grants
	after.Identity = slices.Clone(t.Grants.Identity)
	var policies []int
	for _, w := range wide {
		if !slices.Contains(policies, w.Policy) {
			policies = append(policies, w.Policy)
		}
	}
	for _, i := range policies {
		old := t.Grants.Identity[i]
		if old.Document == nil || isBoundary(t, old) {
			return nil // a tightened boundary also limits what the other policies allow
		}
		before, ok := compiled(old.Document) // a copy: the caller drops the documents of the target
		if !ok {
			return nil
		}
		doc, changes := narrowed(old.Document, i, wide, within(b, least, iampolicy.Grants{
			Identity: []iampolicy.Policy{old}}))
		if doc == nil || !contained(b, doc, iampolicy.Grants{
			Identity: []iampolicy.Policy{old}}, nil).Contained {
			return nil
		}
		edit := Edit{Policy: old.ID, Location: old.Location, Before: before, After: doc,
			Changes: changes}
		for k := range after.Identity { // a policy of a user and of its group is one document
			if k == i || old.Location.ARN != "" && after.Identity[k].Location.ARN == old.Location.ARN &&
				!old.ByAWS {
				after.Identity[k].Document = doc
			}
		}
		if old.ByAWS {
			out.Detach = append(out.Detach, old.ID)
			name := freeName(t.Grants, NewPolicyName)
			edit.Policy, edit.Before = fmt.Sprintf("inline policy %q", name), nil
			edit.Location = iampolicy.Location{Kind: iampolicy.InlineLocation, Holder: t.Name, Name: name}
			after.Identity[i] = iampolicy.Policy{ID: edit.Policy, Document: doc, Location: edit.Location}
		} else if n := old.Location.Attachments; n > 1 {
			edit.Others = n - 1
		}
		out.Edits = append(out.Edits, edit)
	}
	for i := range out.Edits {
		e := &out.Edits[i]
		e.Characters, e.Quota = charactersIn(after, *e), quotaOf(e.Location)
		if e.Characters > e.Quota {
			return nil
		}
	}
	for _, n := range needed {
		if !keeps(b, t, after, n, resources(n)) {
			return nil
		}
	}
	if b.Spent() || len(out.Detach) > 1 {
		return nil
	}
	return out
}

// freeName returns a name that no policy of the target has: the wanted one, else with a number.
func freeName(g iampolicy.Grants, wanted string) string {
	name := wanted
	for n := 2; slices.ContainsFunc(g.Identity, func(p iampolicy.Policy) bool {
		return strings.EqualFold(p.Location.Name, name) ||
			strings.EqualFold(arn.Name(p.Location.ARN), name)
	}); n++ {
		name = fmt.Sprintf("%s-%d", wanted, n)
	}
	return name
}

// narrowed returns the document with the wide grants of a policy replaced, or nil if nothing would
// be left or the result is no valid document.
func narrowed(d *iampolicy.Document, policy int, wide []WideGrant,
	least *iampolicy.Document) (*iampolicy.Document, []Change) {
	out := &iampolicy.Document{Version: d.Version, ID: d.ID}
	var changes []Change
	var replaced []WideGrant
	whole := false
	for i := range d.Statements {
		s := d.Statements[i]
		at := slices.IndexFunc(wide, func(w WideGrant) bool {
			return w.Policy == policy && w.Statement == i
		})
		if at < 0 {
			out.Statements = append(out.Statements, s)
			continue
		}
		w := wide[at]
		replaced, whole = append(replaced, w), whole || w.Actions == nil
		kept := slices.DeleteFunc(slices.Clone(s.Action), func(a string) bool {
			return w.Actions == nil || slices.Contains(w.Actions, a)
		})
		old := slices.Clone(w.Actions)
		if old == nil {
			old = slices.Clone(s.Action)
		}
		changes = append(changes, Change{Kind: RestrictStatement, Statement: i + 1, Sid: s.Sid, Old: old,
			Text: "replaces what the statement allows by what Remotion needs"})
		if len(kept) > 0 {
			s.Action = kept
			out.Statements = append(out.Statements, s)
		}
	}
	var sids []string
	for _, s := range out.Statements {
		sids = append(sids, s.Sid)
	}
	for _, s := range least.Statements {
		if !whole {
			s.Action = slices.DeleteFunc(slices.Clone(s.Action), func(action string) bool {
				return !slices.ContainsFunc(replaced, func(w WideGrant) bool {
					return matchesAny(w.Actions, action)
				})
			})
		}
		if len(s.Action) == 0 {
			continue
		}
		if slices.Contains(sids, s.Sid) {
			s.Sid = ""
		}
		sids = textfmt.AppendNew(sids, s.Sid)
		out.Statements = append(out.Statements, s)
	}
	if len(out.Statements) == 0 {
		return nil, nil
	}
	parsed, ok := compiled(out)
	if !ok {
		return nil, nil
	}
	return parsed, changes
}

// within returns the part of a document that grants allow: each action on the resources on which
// the grants allow it.
func within(b *iampolicy.Budget, d *iampolicy.Document,
	grants iampolicy.Grants) *iampolicy.Document {
	out := &iampolicy.Document{Version: d.Version}
	for _, s := range d.Statements {
		first := len(out.Statements)
		for _, action := range s.Action {
			var resources []string
			for _, resource := range s.Resource {
				one := allowing([]iampolicy.Statement{{Effect: iampolicy.Allow, Action: []string{action},
					Resource: []string{resource}, Conditions: s.Conditions}})
				if contained(b, one, grants, nil).Contained {
					resources = append(resources, resource)
				}
			}
			i := slices.IndexFunc(out.Statements[first:], func(o iampolicy.Statement) bool {
				return slices.Equal(o.Resource, resources)
			})
			switch {
			case resources == nil:
			case i >= 0:
				o := &out.Statements[first+i]
				o.Action = append(o.Action, action)
			default:
				part := iampolicy.Statement{Sid: s.Sid, Effect: iampolicy.Allow, Action: []string{action},
					Resource: resources, Conditions: s.Conditions}
				out.Statements = append(out.Statements, part)
			}
		}
	}
	return out
}

// charactersIn returns the size of the documents that share the quota of an edit.
func charactersIn(g iampolicy.Grants, e Edit) (total int) {
	if e.Location.Kind != iampolicy.InlineLocation {
		return size(e.After, false)
	}
	for _, p := range g.Identity {
		if p.Document != nil && p.Location.Kind == iampolicy.InlineLocation &&
			p.Location.Holder == e.Location.Holder {
			total += max(size(p.Document, true), size(p.Document, false))
		}
	}
	return total
}

// keeps reports whether the requests of a need that were allowed stay allowed: all of them if the
// identity policies allow all of them, and those about existing resources.
func keeps(b *iampolicy.Budget, t Target, after iampolicy.Grants, n needs.Need,
	resources []string) bool {
	requests, err := n.Requests()
	if err != nil {
		return false
	}
	ctx := t.Context(n.SimulationRequest)
	satisfied := func(g iampolicy.Grants) bool {
		c, _ := requests.CoverWithin(b, g, ctx)
		return c.Status == iampolicy.Satisfied
	}
	if satisfied(iampolicy.Grants{Identity: t.Grants.Identity}) &&
		!satisfied(iampolicy.Grants{Identity: after.Identity}) ||
		satisfied(t.Grants) && !satisfied(after) {
		return false
	}
	for _, resource := range append([]string{n.Resource}, resources...) {
		request := iampolicy.Request{Action: n.Action, Resource: resource, Context: ctx}
		if t.Grants.Evaluate(request).Decision == iampolicy.Allowed &&
			after.Evaluate(request).Decision != iampolicy.Allowed {
			return false
		}
	}
	return true
}
