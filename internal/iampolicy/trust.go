package iampolicy

import "strings"

// Trust is the result of a role's trust policy for one service that assumes the role.
type Trust struct {
	Decision Decision
	// Conditional reports whether the decision depends on unknown values of conditions, or on a
	// principal such as {"AWS": "*"}. AWS does not document whether that principal includes services.
	Conditional bool
	// Matched and Undecided are as in Result.
	Matched, Undecided []Match
}

// Trusts decides whether the trust policy lets a service principal, such as "lambda.amazonaws.com",
// call sts:AssumeRole. It treats every condition key of that call as unknown.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html
func (d *Document) Trusts(service string) Trust {
	var t Trust
	var o outcome
	for i := range d.Statements {
		s := &d.Statements[i]
		if !s.matchesAction("sts:assumerole") {
			continue
		}
		matches, open := s.matchesService(service)
		if !matches && !open {
			continue
		}
		met, undecided := s.conditionsHold(nil)
		open = open || undecided
		holds := matches && met
		m := Match{"trust policy", Identity, i + 1, s}
		if holds {
			t.Matched = append(t.Matched, m)
		}
		if open {
			t.Undecided = append(t.Undecided, m)
		}
		o.count(s.Effect, holds, open)
	}
	switch {
	case o.denies:
		t.Decision = ExplicitDeny
	case o.allows:
		t.Decision = Allowed
	}
	t.Conditional = (o.mayAllow && !o.mustDeny) != (o.mustAllow && !o.mayDeny)
	return t
}

func (s *Statement) matchesService(service string) (matches, open bool) {
	list := s.Principal
	if s.NotPrincipal != nil {
		list = s.NotPrincipal
	}
	for _, p := range list {
		switch {
		case p.Type == "Service" && strings.EqualFold(p.Name, service):
			return s.NotPrincipal == nil, false
		case p.Type == "" && p.Name == "*":
			// The bare "*" includes services. A Deny for all principals therefore needs
			// aws:PrincipalIsAWSService to exempt services.
			// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
			return s.NotPrincipal == nil, false
		case p.Name == "*":
			open = true
		}
	}
	return s.NotPrincipal != nil && !open, open
}
