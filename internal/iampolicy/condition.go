package iampolicy

import (
	"encoding/base64"
	"math/big"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// Context maps the context keys of a request to their values. Key names are case-insensitive. A key
// that is not in the map is absent from the request. A key with no value or with several values is
// multivalued.
type Context map[string][]string

// Multivalued returns the values of a multivalued key. It repeats a single value, because a key
// with exactly one value is not multivalued. The repetition does not change the result of
// ForAllValues and ForAnyValue. A multivalued key satisfies no other operator except Null.
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
	// Of two keys that differ only in case, always take the same one.
	found := ""
	for k := range c {
		if strings.EqualFold(k, key) && (found == "" || k < found) {
			found = k
		}
	}
	v, ok := c[found]
	return v, ok && found != ""
}

// A Condition is one key of one operator in a statement's Condition, with all values of the key.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
type Condition struct {
	Operator string
	Key      string
	Values   []string

	op        operator
	variables bool
	// why is set for a condition on something other than a context key: see newUnknown.
	why string
}

type set uint8

const (
	noSet set = iota
	forAllValues
	forAnyValue
)

// A comparison says as what an operator compares values.
type comparison uint8

const (
	asText comparison = iota
	asFoldedText
	asPattern
	asARN
	asNumber
	asDate
	asBool
	asBinary
	asAddress
)

type operator struct {
	set      set
	ifExists bool
	negated  bool
	compares comparison
	// order is the operator for numbers and dates, see orders. It is nil for other types.
	order func(int) bool
	// test compares a value of the policy with a value of the request. It is nil for Null.
	test func(want, have string) truth
	// variables is true if the values of the policy may contain policy variables. wildcards is true if
	// '*' and '?' in these values are wildcards.
	variables, wildcards bool
}

// truth is the result of a comparison. The result is incomparable if a value does not have the type
// of the operator. Such a value satisfies neither the operator nor its negation.
type truth uint8

const (
	differs truth = iota
	equal
	incomparable
)

func truthOf(same bool) truth {
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
		op.test, op.variables = func(want, have string) truth { return truthOf(want == have) }, true
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		op.test, op.variables, op.compares = func(want, have string) truth {
			return truthOf(strings.EqualFold(want, have))
		}, true, asFoldedText
	case "StringLike", "StringNotLike":
		op.test, op.variables, op.wildcards, op.compares = like, true, true, asPattern
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		op.test, op.variables, op.wildcards, op.compares = arnLike, true, true, asARN
	case "Bool":
		op.test = func(want, have string) truth { return truthOf(isTrue(want) == isTrue(have)) }
		op.variables, op.compares = true, asBool
	case "BinaryEquals":
		op.test, op.compares = binaryEquals, asBinary
	case "IpAddress", "NotIpAddress":
		op.test, op.compares = ipAddress, asAddress
	case "Null":
		// AWS's simulator accepts ForAllValues:Null and ForAnyValue:Null, and reads both as Null.
		return op, !op.ifExists
	default:
		if rest, found := strings.CutPrefix(name, "Numeric"); found && orders[rest] != nil {
			op.order, op.compares = orders[rest], asNumber
			op.test = numeric(op.order)
		} else if rest, found := strings.CutPrefix(name, "Date"); found && orders[rest] != nil {
			op.order, op.compares = orders[rest], asDate
			op.test = date(op.order)
		} else {
			return operator{}, false
		}
	}
	op.negated = strings.Contains(name, "Not")
	return op, true
}

// orders are the operators for numbers and dates, by the end of their name. The argument is
// negative if the value of the request is less than that of the policy.
var orders = map[string]func(int) bool{
	"Equals":            func(c int) bool { return c == 0 },
	"NotEquals":         func(c int) bool { return c == 0 },
	"LessThan":          func(c int) bool { return c < 0 },
	"LessThanEquals":    func(c int) bool { return c <= 0 },
	"GreaterThan":       func(c int) bool { return c > 0 },
	"GreaterThanEquals": func(c int) bool { return c >= 0 },
}

// whenAbsent reports whether the condition is met if the request does not have the key.
func (c *Condition) whenAbsent() bool {
	switch {
	case c.op.test == nil:
		return slices.ContainsFunc(c.Values, isTrue)
	case c.op.ifExists || c.op.set == forAllValues:
		return true
	case c.op.set == forAnyValue:
		return false
	}
	return c.op.negated
}

// whenPresent reports whether a Null condition is met if the request has the key.
func (c *Condition) whenPresent() bool {
	return slices.ContainsFunc(c.Values, func(v string) bool { return !isTrue(v) })
}

// holds reports whether the condition is met. missing lists the keys that the request does not have
// and that could change met.
func (c *Condition) holds(ctx Context) (met bool, missing []string) {
	have, present := ctx.lookup(c.Key)
	switch {
	case !present:
		return c.whenAbsent(), []string{c.Key}
	case c.op.test == nil:
		return c.whenPresent(), nil
	case c.op.set == noSet && len(have) != 1:
		return false, nil
	}
	want, missing := c.resolvedValues(ctx)
	satisfied := func(h string) bool {
		for _, w := range want {
			switch c.op.test(w, h) {
			case equal:
				return !c.op.negated
			case incomparable:
				if c.op.negated {
					return false
				}
			}
		}
		return c.op.negated
	}
	if c.op.set == forAllValues {
		return !slices.ContainsFunc(have, func(h string) bool { return !satisfied(h) }), missing
	}
	return slices.ContainsFunc(have, satisfied), missing
}

// resolvedValues returns the condition's values with their variables replaced, and the variables
// for which the request has no value. It omits a condition value with a variable that has no
// default either, because no value of the request is equal to such a condition value.
func (c *Condition) resolvedValues(ctx Context) (values, missing []string) {
	if !c.variables || !c.op.variables ||
		!slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") }) {
		return c.Values, nil
	}
	for _, v := range c.Values {
		resolved, undefined, defaults := substitute(v, ctx, c.op.wildcards)
		missing = slices.Concat(missing, undefined, defaults)
		if undefined == nil {
			values = append(values, resolved)
		}
	}
	return values, missing
}

// variablesWithoutDefault lists the variables without a default in the condition's values.
func (c *Condition) variablesWithoutDefault() (names []string) {
	if !c.variables || !c.op.variables {
		return nil
	}
	for _, v := range c.Values {
		_, undefined, _ := substitute(v, nil, false)
		names = append(names, undefined...)
	}
	return names
}

// literalStar and literalQuestion replace '*' and '?' in the value of a variable, where they are
// ordinary characters. The replacement distinguishes them from the policy's wildcards. No policy
// contains these private-use characters, because IAM stores no character above U+00FF.
const (
	literalStar     = '\uE000'
	literalQuestion = '\uE001'
)

var wildcardEscaper = strings.NewReplacer("*", string(literalStar), "?", string(literalQuestion))

// substitute replaces the variables of a text with their values. missing lists the variables that
// have neither a value nor a default. defaults lists the variables that are replaced with their
// default. If wildcards is true, substitute escapes the wildcards in the values.
func substitute(text string, ctx Context, wildcards bool) (out string, missing, defaults []string) {
	var b strings.Builder
	write := func(value string) {
		if wildcards {
			value = wildcardEscaper.Replace(value)
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
	p := pattern{text: want, action: true} // as in an action, colons are ordinary characters
	p.setAtoms(p.scan(false))
	return truthOf(p.match(escapeHave(want, have)))
}

// escapeHave returns the request's value. If want contains escaped wildcards, it escapes the
// wildcards in that value.
func escapeHave(want, have string) string {
	if strings.ContainsRune(want, literalStar) || strings.ContainsRune(want, literalQuestion) {
		return wildcardEscaper.Replace(have)
	}
	return have
}

// arnLike compares the six fields of an ARN one by one. A wildcard in the first five fields matches
// only within its field.
func arnLike(want, have string) truth {
	haves, n := arn.Split(have)
	wants, m := arn.Split(want)
	if n < len(haves) || haves[0] != "arn" {
		return incomparable
	}
	if m < len(wants) {
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
			return incomparable
		}
		return truthOf(holds(h.Cmp(w)))
	}
}

func decimal(s string) (*big.Rat, bool) {
	// big.Rat also reads "1/3", "0x10" and exponents that would exhaust the memory.
	if s == "" || len(s) > 64 || strings.Trim(s, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func compareNumbers(a, b *big.Rat) int { return a.Cmp(b) }

func compareDates(a, b time.Time) int { return a.Compare(b) }

func date(holds func(int) bool) func(want, have string) truth {
	return func(want, have string) truth {
		w, okW := moment(want)
		h, okH := moment(have)
		if !okW || !okH {
			return incomparable
		}
		return truthOf(holds(h.Compare(w)))
	}
}

// moment parses a W3C date, or seconds since 1970. It truncates dates to milliseconds.
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
		return incomparable
	}
	return truthOf(string(w) == string(h))
}

func ipAddress(want, have string) truth {
	h, err := netip.ParseAddr(have)
	if err != nil || h.Zone() != "" {
		return incomparable // no source address has a zone, such as the eth0 in fe80::1%eth0
	}
	if !strings.Contains(want, "/") {
		w, err := netip.ParseAddr(want)
		return truthOf(err == nil && w == h)
	}
	prefix, err := netip.ParsePrefix(want)
	if err != nil {
		return differs
	}
	// IPv4 host bits are ignored; an IPv6 network with host bits matches nothing.
	if prefix.Addr().Is6() && prefix != prefix.Masked() {
		return differs
	}
	return truthOf(prefix.Masked().Contains(h))
}
