package iampolicy

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Context holds the context keys of a request and their values. Key names are compared without
// regard to case. A key that is not in it is absent from the request; a key with other than one
// value is multivalued.
type Context map[string][]string

// Multivalued are the values of a multivalued key. A single one is there twice, which no operator
// can tell from once, and which says that the key takes several: it satisfies no operator without
// ForAllValues or ForAnyValue.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func Multivalued(values ...string) []string {
	if len(values) == 1 {
		values = append(values, values[0])
	}
	return values
}

func (c Context) lookup(key string) ([]string, bool) {
	if v, ok := c[key]; ok {
		return v, true
	}
	for k, v := range c {
		if strings.EqualFold(k, key) {
			return v, true
		}
	}
	return nil, false
}

// A Condition is one key under one operator of a statement's Condition, with all its values.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type Condition struct {
	Operator string
	Key      string
	Values   []string

	op        operator
	variables bool
}

type set uint8

const (
	noSet set = iota
	forAllValues
	forAnyValue
)

type operator struct {
	set      set
	ifExists bool
	negated  bool
	// test compares one wanted value with one the request has; nil for Null.
	test func(want, have string) truth
	// variables says that the wanted value may hold policy variables, and wildcards that '*' and '?'
	// in it are no text.
	variables, wildcards bool
}

// truth is what a comparison came to. A value that does not parse as what the operator compares
// satisfies neither the operator nor its negation.
type truth uint8

const (
	differs truth = iota
	equal
	unfit
)

func verdictOf(same bool) truth {
	if same {
		return equal
	}
	return differs
}

func parseOperator(name string) (op operator, ok bool) {
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		op.set, name = forAllValues, rest
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		op.set, name = forAnyValue, rest
	}
	if rest, found := strings.CutSuffix(name, "IfExists"); found {
		op.ifExists, name = true, rest
	}
	switch name {
	case "StringEquals", "StringNotEquals":
		op.test, op.variables = func(want, have string) truth { return verdictOf(want == have) }, true
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		op.test, op.variables = func(want, have string) truth {
			return verdictOf(strings.EqualFold(want, have))
		}, true
	case "StringLike", "StringNotLike":
		op.test, op.variables, op.wildcards = like, true, true
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		op.test, op.variables, op.wildcards = arnLike, true, true
	case "NumericEquals", "NumericNotEquals":
		op.test = numeric(func(c int) bool { return c == 0 })
	case "NumericLessThan":
		op.test = numeric(func(c int) bool { return c < 0 })
	case "NumericLessThanEquals":
		op.test = numeric(func(c int) bool { return c <= 0 })
	case "NumericGreaterThan":
		op.test = numeric(func(c int) bool { return c > 0 })
	case "NumericGreaterThanEquals":
		op.test = numeric(func(c int) bool { return c >= 0 })
	case "DateEquals", "DateNotEquals":
		op.test = date(func(c int) bool { return c == 0 })
	case "DateLessThan":
		op.test = date(func(c int) bool { return c < 0 })
	case "DateLessThanEquals":
		op.test = date(func(c int) bool { return c <= 0 })
	case "DateGreaterThan":
		op.test = date(func(c int) bool { return c > 0 })
	case "DateGreaterThanEquals":
		op.test = date(func(c int) bool { return c >= 0 })
	case "Bool":
		op.test = func(want, have string) truth { return verdictOf(isTrue(want) == isTrue(have)) }
		op.variables = true
	case "BinaryEquals":
		op.test = binaryEquals
	case "IpAddress", "NotIpAddress":
		op.test = ipAddress
	case "Null":
		if op.ifExists || op.set != noSet {
			return operator{}, false
		}
		return op, true
	default:
		return operator{}, false
	}
	op.negated = strings.Contains(name, "Not")
	return op, true
}

// holds reports whether the condition is met, and names the keys it would have needed and the
// request does not have: with those, the answer might be another.
func (c *Condition) holds(ctx Context) (met bool, missing []string) {
	have, present := ctx.lookup(c.Key)
	if !present {
		missing = []string{c.Key}
	}
	if c.op.test == nil {
		met = slices.ContainsFunc(c.Values, func(v string) bool { return isTrue(v) != present })
		return met, missing
	}
	switch {
	case !present && (c.op.ifExists || c.op.set == forAllValues):
		return true, missing
	case !present && c.op.set == forAnyValue:
		return false, missing
	case !present:
		return c.op.negated, missing
	case c.op.set == noSet && len(have) != 1:
		return false, nil
	}
	want, missing := c.wanted(ctx)
	one := func(h string) bool {
		for _, w := range want {
			switch c.op.test(w, h) {
			case equal:
				return !c.op.negated
			case unfit:
				if c.op.negated {
					return false
				}
			}
		}
		return c.op.negated
	}
	if c.op.set == forAllValues {
		return !slices.ContainsFunc(have, func(h string) bool { return !one(h) }), missing
	}
	return slices.ContainsFunc(have, one), missing
}

// wanted puts the request's values in place of the variables in the condition's values. A value
// whose variable has none is left out: it equals nothing, which an inverted operator counts as met.
func (c *Condition) wanted(ctx Context) (values, missing []string) {
	if !c.variables || !c.op.variables ||
		!slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") }) {
		return c.Values, nil
	}
	for _, v := range c.Values {
		resolved, lacks, defaults := substitute(v, ctx, c.op.wildcards)
		missing = slices.Concat(missing, lacks, defaults)
		if lacks == nil {
			values = append(values, resolved)
		}
	}
	return values, missing
}

// unknownVariables lists the variables in the condition's values that have no default.
func (c *Condition) unknownVariables() (names []string) {
	if !c.variables || !c.op.variables {
		return nil
	}
	for _, v := range c.Values {
		_, lacks, _ := substitute(v, nil, false)
		names = append(names, lacks...)
	}
	return names
}

// Wildcards that came out of a variable are literal. They are told from the policy's own by these
// private-use characters, which no policy may hold (documents end at U+00FF).
const (
	literalStar     = '\uE000'
	literalQuestion = '\uE001'
)

var protect = strings.NewReplacer("*", string(literalStar), "?", string(literalQuestion))

// substitute puts values in place of the variables of a text, and names those without a value:
// missing has no default either. With wildcards, those in the values are protected.
func substitute(text string, ctx Context, wildcards bool) (out string, missing, defaults []string) {
	var b strings.Builder
	write := func(value string) {
		if wildcards {
			value = protect.Replace(value)
		}
		b.WriteString(value)
	}
	for text != "" {
		a, size, ok := variableAtom(text)
		switch {
		case !ok:
			b.WriteByte(text[0])
			size = 1
		case a.kind == literal:
			write(string(a.char))
		default:
			if have, found := ctx.lookup(a.name); found && len(have) == 1 {
				write(have[0])
			} else if a.hasFallback {
				write(a.fallback)
				defaults = append(defaults, a.name)
			} else {
				missing = append(missing, a.name)
			}
		}
		text = text[size:]
	}
	return b.String(), missing, defaults
}

func isTrue(s string) bool { return strings.EqualFold(s, "true") }

func like(want, have string) truth {
	p := pattern{text: want, action: true} // as in an action, colons are like any other character
	p.setAtoms(p.scan(false))
	return verdictOf(p.match(protectHave(want, have)))
}

// protectHave brings the request's own stars into the form a variable's stars have in want.
func protectHave(want, have string) string {
	if strings.ContainsRune(want, literalStar) || strings.ContainsRune(want, literalQuestion) {
		return protect.Replace(have)
	}
	return have
}

// arnLike compares the six fields of an ARN one by one; no wildcard reaches into the next field
// before the sixth.
func arnLike(want, have string) truth {
	haves := strings.SplitN(have, ":", 6)
	wants := strings.SplitN(want, ":", 6)
	if len(haves) != 6 || haves[0] != "arn" {
		return unfit
	}
	if len(wants) != 6 {
		return differs
	}
	for i := range wants {
		if like(wants[i], haves[i]) != equal {
			return differs
		}
	}
	return equal
}

func numeric(holds func(int) bool) func(want, have string) truth {
	return func(want, have string) truth {
		w, okW := decimal(want)
		h, okH := decimal(have)
		if !okW || !okH {
			return unfit
		}
		return verdictOf(holds(h.Cmp(w)))
	}
}

func decimal(s string) (*big.Rat, bool) {
	// big.Rat also reads "1/3", "0x10" and exponents that would fill the memory.
	if s == "" || len(s) > 64 || strings.Trim(s, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func date(holds func(int) bool) func(want, have string) truth {
	return func(want, have string) truth {
		w, okW := moment(want)
		h, okH := moment(have)
		if !okW || !okH {
			return unfit
		}
		return verdictOf(holds(h.Compare(w)))
	}
}

// moment reads a W3C date, or seconds since 1970. Precision is a millisecond.
func moment(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", time.DateOnly,
		"2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Truncate(time.Millisecond), true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

func binaryEquals(want, have string) truth {
	w, errW := base64.StdEncoding.DecodeString(want)
	h, errH := base64.StdEncoding.DecodeString(have)
	if errW != nil || errH != nil {
		return unfit
	}
	return verdictOf(string(w) == string(h))
}

func ipAddress(want, have string) truth {
	h, err := netip.ParseAddr(have)
	if err != nil {
		return unfit
	}
	if !strings.Contains(want, "/") {
		w, err := netip.ParseAddr(want)
		return verdictOf(err == nil && w == h)
	}
	prefix, err := netip.ParsePrefix(want)
	if err != nil {
		return differs
	}
	// IPv4 host bits are ignored; an IPv6 network with host bits matches nothing.
	if prefix.Addr().Is6() && prefix != prefix.Masked() {
		return differs
	}
	return verdictOf(prefix.Masked().Contains(h))
}
