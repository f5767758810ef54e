package iampolicy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// UnknownKeys lists the context keys that the effect of the statement depends on and that ctx does
// not have, as the policy spells them. They are in the order of the statement: first those of the
// conditions, then the variables of the resources.
func (m Match) UnknownKeys(ctx Context) (keys []string) {
	add := func(names []string) {
		for _, name := range names {
			if !slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, name) }) {
				keys = append(keys, name)
			}
		}
	}
	for i := range m.Conditions {
		_, missing := m.Conditions[i].holds(ctx)
		add(missing)
	}
	for i := range m.resources {
		_, missing := m.resources[i].resolve(ctx, false)
		add(missing)
	}
	return keys
}

// DecidedText explains how the statement decides a request that has exactly the keys of ctx: the
// conditions of a Deny that are met, or those of an Allow that are not met.
func (m Match) DecidedText(ctx Context) string {
	if m.Effect == Deny {
		return m.String() + " denies the action under " + m.metText(ctx)
	}
	unmet := m.conditionsWhere(ctx, func(met bool, _ []string) bool { return !met })
	return m.String() + " grants the action only under " + conditionTexts(unmet) +
		", but the request has " + actualValues(unmet, ctx)
}

// conditionsWhere lists the conditions for which test returns true, in the order of the statement.
func (s *Statement) conditionsWhere(ctx Context,
	test func(met bool, missing []string) bool) (list []*Condition) {
	for i := range s.Conditions {
		if c := &s.Conditions[i]; test(c.holds(ctx)) {
			list = append(list, c)
		}
	}
	return list
}

// unmetText names the conditions that ctx certainly does not meet: the key, the values that the
// statement wants, and the values of ctx.
func (s *Statement) unmetText(ctx Context) string {
	unmet := s.conditionsWhere(ctx, func(met bool, missing []string) bool {
		return !met && missing == nil
	})
	return conditionTexts(unmet) + ", but the request has " + actualValues(unmet, ctx)
}

// metText names the conditions of a Deny that ctx meets, and the values of ctx.
func (s *Statement) metText(ctx Context) string {
	all := s.conditionsWhere(ctx, func(bool, []string) bool { return true })
	return conditionTexts(all) + ", and the request has " + actualValues(all, ctx)
}

// undecidedText names the conditions that depend on values that ctx does not have, and their keys.
// It starts with a preposition, such as "under". It is empty if the statement has no such
// condition.
func (s *Statement) undecidedText(ctx Context) string {
	var keys []string
	open := s.conditionsWhere(ctx, func(_ bool, missing []string) bool {
		for _, key := range missing {
			if key = textfmt.Head(key, maxShownValue); !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
		return missing != nil
	})
	for _, c := range open {
		if c.why != "" {
			return strings.Replace(c.why, valuesHere, valueList(c.Values, " or "), 1)
		}
	}
	switch len(keys) {
	case 0:
		return ""
	case 1:
		return "under " + conditionTexts(open) + ": the value of " + keys[0] + " is unknown"
	}
	return "under " + conditionTexts(open) + ": the values of " + textfmt.Enumerate(keys, maxShown) +
		" are unknown"
}

// The limits of the text about conditions.
const (
	maxShown      = 3   // conditions, values or keys
	maxShownValue = 100 // characters of a value or a key
)

// conditionTexts writes conditions: "the condition StringEquals aws:RequestedRegion=eu-west-1".
func conditionTexts(conditions []*Condition) string {
	list := make([]string, len(conditions))
	for i, c := range conditions {
		list[i] = c.Operator + " " + keyValue(c.Key, c.Values, " or ")
	}
	if len(list) == 1 {
		return "the condition " + list[0]
	}
	return "the conditions " + textfmt.Enumerate(list, maxShown)
}

// actualValues writes the values that ctx has for the keys of conditions.
func actualValues(conditions []*Condition, ctx Context) string {
	var list []string
	for _, c := range conditions {
		text := "no " + textfmt.Head(c.Key, maxShownValue)
		if have, ok := ctx.lookup(c.Key); ok {
			text = keyValue(c.Key, slices.Compact(slices.Clone(have)), ", ")
		}
		if !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	return textfmt.Enumerate(list, maxShown)
}

// keyValue writes a key with its values, as ASSUMED_CONTEXT has them.
func keyValue(key string, values []string, separator string) string {
	return textfmt.Head(key, maxShownValue) + "=" + valueList(values, separator)
}

// valueList writes the first values, shortened, and counts the others.
func valueList(values []string, separator string) string {
	shown := slices.Clone(values[:min(len(values), maxShown)])
	for i := range shown {
		shown[i] = textfmt.Head(shown[i], maxShownValue)
	}
	text := strings.Join(shown, separator)
	if more := len(values) - len(shown); more > 0 {
		text += " " + textfmt.More(more, "")
	}
	return text
}
