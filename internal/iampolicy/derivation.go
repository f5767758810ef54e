package iampolicy

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// String returns the statement's name for messages: statement 2 (Sid Storage) of inline policy "p".
func (m Match) String() string { return m.Ref().String() }

// Resources returns the statement's patterns of Resource or NotResource as written.
func (m Match) Resources() []string { return slices.Concat(m.Resource, m.NotResource) }

// UndecidedText explains why the effect of a statement is undecided: an unknown context value, a
// policy variable with an unknown value, or undocumented behavior of AWS. Evaluate or Trusts must
// list the statement as undecided.
func (m Match) UndecidedText() string { return m.undecidedIn(nil) }

// undecidedIn is UndecidedText in a context, which is nil if no value is known.
func (m Match) undecidedIn(ctx Context) string {
	verb := " grants the action"
	if m.Effect == Deny {
		verb = " denies the action"
	}
	conditions := m.undecidedText(ctx)
	switch {
	case conditions != "":
		return m.String() + verb + " " + conditions
	case m.Resource != nil || m.NotResource != nil:
		return m.String() + verb + " through a policy variable with an unknown value"
	}
	return m.String() + verb +
		" to every principal, and AWS does not document whether \"every principal\" includes services"
}

// Explanation returns the cause as one sentence without a full stop. It is empty for a satisfied
// need.
func (c Coverage) Explanation() string {
	switch {
	case c.Status == Satisfied:
		return ""
	case c.Status == Unverified:
		return c.Reason
	case c.Status == Conditional && len(c.Deciding) == 0:
		return "the answer depends on unknown context values"
	case c.Status == Conditional && c.unless != "":
		return c.Deciding[0].undecidedIn(c.ctx) + "; the request is not allowed " + c.unless
	case c.Status == Conditional:
		return c.Deciding[0].undecidedIn(c.ctx)
	}
	why := c.causeText()
	if c.misnamed != nil {
		why += "; " + c.misnamed.String()
	}
	return why
}

// causeText explains the cause of a gap.
func (c Coverage) causeText() string {
	switch c.Cause {
	case NoGrant:
		return "no statement grants the action"
	case NarrowerGrant:
		m := c.Deciding[0]
		if c.Miss == nil {
			return m.String() + " grants the action on every resource except " + enumerate(m.NotResource)
		}
		why := m.String() + " grants the action only on " + enumerate(m.Resource)
		if c.Miss.Kind == Narrower {
			return why
		}
		return why + ": " + c.Miss.String()
	case UnmetCondition:
		m := c.Deciding[0]
		if c.undecided {
			return m.undecidedIn(c.ctx)
		}
		return m.String() + " grants the action only under " + m.unmetText(c.ctx)
	case PermissionsBoundary, SCP:
		if len(c.Deciding) == 0 {
			return "the " + layerOf(c.Cause).String() + " does not allow the action"
		}
	case KeyPolicy:
		switch {
		case len(c.Deciding) == 0:
			return "the key policy allows the action neither to the principal nor to its account"
		case c.Deciding[0].Effect == Allow && c.undecided:
			return c.Deciding[0].undecidedIn(c.ctx)
		case c.Deciding[0].Effect == Allow:
			return c.Deciding[0].String() + " grants the action only under " +
				c.Deciding[0].unmetText(c.ctx)
		}
	}
	m := c.Deciding[0]
	if len(m.Conditions) > 0 {
		return m.String() + " denies the action under " + m.metText(c.ctx)
	}
	return m.String() + " denies the action"
}

func layerOf(c Cause) Layer {
	if c == SCP {
		return Organization
	}
	return Boundary
}

// enumerate joins at most three patterns, shortened, and counts the others.
func enumerate(patterns []string) string {
	const most, length = 3, 200
	shown := slices.Clone(patterns)
	for i := range shown[:min(len(shown), most)] {
		shown[i] = textfmt.Head(shown[i], length)
	}
	return textfmt.Some(shown, most)
}
