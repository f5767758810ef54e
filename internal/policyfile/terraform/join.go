package terraform

import (
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

type unjoined struct {
	addresses []string
	mayDeny   bool
}

// principals returns the principals that an attribute of a resource names: a value, or a list. It
// adds a principal that the plan does not declare. A principal that is not known is left out, and
// counted by the caller.
func (b *builder) principals(r *resource, kind policyfile.Kind, attribute string) []*principal {
	list, _ := b.principalsOf(r, kind, attribute)
	return list
}

// principalsOf returns the principals that an attribute names, and whether these are all.
func (b *builder) principalsOf(r *resource, kind policyfile.Kind,
	attribute string) (list []*principal, all bool) {
	v := r.value(attribute)
	if v == nil {
		return nil, true
	}
	var unknown int
	var ambiguous bool
	for _, e := range v.Elements() {
		if e.Kind != tree.String || !e.Known() {
			unknown++
			continue
		}
		if e.Text == "" {
			continue
		}
		if pr := b.named(r, kind, attribute, e.Text); pr != nil {
			list = append(list, pr)
		} else {
			ambiguous = true
		}
	}
	if ambiguous {
		return list, false
	}
	if unknown == 0 {
		return list, true
	}
	targets, all := b.targets(r, r.expression(attribute))
	var referred []*principal
	for _, t := range targets {
		pr := b.byBlock[t.resource]
		if pr == nil || pr.Kind != kind {
			return list, false
		}
		if !slices.Contains(list, pr) && !slices.Contains(referred, pr) {
			referred = append(referred, pr)
		}
	}
	if !all || v.Kind != tree.Unknown && len(referred) != unknown ||
		v.Kind == tree.Unknown && len(referred) != 1 {
		return list, false
	}
	return append(list, referred...), true
}

// named returns the principal with a name or ARN. Two of the same name are in different accounts,
// and the configuration says which one a resource means. It returns nil if it does not say that.
func (b *builder) named(r *resource, kind policyfile.Kind, attribute, id string) *principal {
	key := idKey(kind, id)
	switch list := b.byID[key]; {
	case len(list) == 1:
		return list[0]
	case len(list) > 1:
		if targets, all := b.targets(r, r.expression(attribute)); all && len(targets) == 1 {
			if pr := b.byBlock[targets[0].resource]; pr != nil {
				return pr
			}
		}
		return nil
	}
	pr := &principal{Principal: policyfile.Principal{Address: r.address, Kind: kind, Name: id,
		At: b.sources.place(r)}}
	b.byID[key] = []*principal{pr}
	b.order = append(b.order, pr)
	b.external = append(b.external, string(kind)+" "+textfmt.OneLine(textfmt.Truncate(id, 100)))
	return pr
}

// unjoin adds a policy that any principal of a kind may have.
func (b *builder) unjoin(kind policyfile.Kind, address string, documents ...policyfile.Document) {
	u := b.unjoined[kind]
	if u == nil {
		u = &unjoined{}
		b.unjoined[kind] = u
	}
	u.addresses = append(u.addresses, address)
	for _, d := range documents {
		u.mayDeny = u.mayDeny || slices.ContainsFunc(d.AtLeast.Statements,
			func(s iampolicy.Statement) bool {
				return s.Effect == iampolicy.Deny && !policyfile.MatchesNothing(&s)
			})
	}
}

// addMissing adds a policy to each principal that stands for the policies that an incomplete plan
// does not have.
func (b *builder) addMissing() {
	if b.incomplete == "" {
		return
	}
	d := b.open("what the plan does not have, because "+b.incomplete, policyfile.Place{}, true)
	for _, pr := range b.order {
		pr.Policies = append(pr.Policies, d)
	}
}

// addUnjoined adds the policies of which the principal is not known to each principal of the kind,
// as one open policy, so that the size of the result does not grow with their product.
func (b *builder) addUnjoined() {
	for _, kind := range []policyfile.Kind{policyfile.Role, policyfile.User, policyfile.Group} {
		u := b.unjoined[kind]
		if u == nil {
			continue
		}
		name := textfmt.Truncate(fmt.Sprintf("%s, of which the %s is known after apply,",
			textfmt.Some(u.addresses, 3), kind), maxName)
		d := b.open(name, policyfile.Place{}, u.mayDeny)
		if !slices.ContainsFunc(b.order, func(pr *principal) bool { return pr.Kind == kind }) {
			b.notes = textfmt.AppendNew(b.notes, name+" are not judged: the plan declares no "+string(kind))
		}
		for _, pr := range b.order {
			if pr.Kind == kind {
				pr.Policies = append(pr.Policies, d)
			}
		}
	}
}

// denyAll is a policy that may deny anything.
func denyAll(r *resource) policyfile.Document {
	return policyfile.Document{Bounds: policyfile.OpenBounds(r.address, tree.Place{}, true)}
}
