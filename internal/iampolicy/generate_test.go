package iampolicy

import (
	"encoding/json"
	"math/rand/v2"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// A generator makes random policies and requests from few different texts, so that a policy often
// matches a request. Equal seeds give equal cases.
type generator struct {
	*rand.Rand
	// undisputed is true if the generator omits input that the oracle is known to interpret
	// differently: old versions, requests for "*", wildcards in an action's prefix, patterns that are
	// not ARNs, and values that do not have the type of their operator.
	undisputed bool
}

func newGenerator(seed uint64, undisputed bool) generator {
	return generator{rand.New(rand.NewPCG(seed, 3)), undisputed}
}

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

// chance returns true with a probability of n percent.
func (g generator) chance(n int) bool { return g.IntN(100) < n }

// some returns one value, or a list of one to three values.
func (g generator) some(value func() string) any {
	if g.chance(60) {
		return value()
	}
	list := []string{}
	for range 1 + g.IntN(3) {
		list = append(list, value())
	}
	return list
}

// newCase returns a case with policies and a request, and without a wanted result.
func (g generator) newCase() corpus.Case {
	c := corpus.Case{Action: g.action(), Resource: g.resource(), Context: g.context()}
	for range 1 + g.IntN(2) {
		c.Identity = append(c.Identity, g.document())
	}
	if g.chance(20) {
		boundary := g.document()
		c.Boundary = &boundary
	}
	if g.chance(20) {
		for range 1 + g.IntN(2) {
			level := []corpus.Document{}
			for range g.IntN(3) {
				level = append(level, g.document())
			}
			if g.undisputed && len(level) == 0 {
				level = append(level, g.document())
			}
			c.Organization = append(c.Organization, level)
		}
	}
	return c
}

func (g generator) document() corpus.Document {
	doc := map[string]any{"Version": "2012-10-17"}
	if !g.undisputed && g.chance(15) {
		doc["Version"] = "2008-10-17"
		if g.chance(50) {
			delete(doc, "Version")
		}
	}
	statements := []any{}
	for range 1 + g.IntN(3) {
		statements = append(statements, g.statement())
	}
	doc["Statement"] = statements
	if len(statements) == 1 && g.chance(50) {
		doc["Statement"] = statements[0]
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err) // maps, slices and strings always marshal
	}
	return corpus.Document(text)
}

func (g generator) statement() map[string]any {
	s := map[string]any{"Effect": "Allow"}
	if g.chance(30) {
		s["Effect"] = "Deny"
	}
	key := "Action"
	if g.chance(15) {
		key = "NotAction"
	}
	s[key] = g.some(func() string {
		if !g.undisputed && g.chance(10) {
			return "e*:Get"
		}
		return g.one("*", "ex:*", "ex:Get", "EX:get", "ex:Ge?", "ex:*et", "ex:Put*", "other:*", "ex:G*t")
	})
	key = "Resource"
	if g.chance(15) {
		key = "NotResource"
	}
	s[key] = g.some(g.pattern)
	if g.chance(55) {
		conditions := map[string]any{}
		for range 1 + g.IntN(2) {
			operator, values := g.operator()
			conditions[operator] = map[string]any{g.one(contextKeys...): values}
		}
		s["Condition"] = conditions
	}
	return s
}

func (g generator) action() string {
	return g.one("ex:Get", "ex:Put", "EX:GET", "ex:PutAll", "other:Get")
}

func (g generator) arn() string {
	return strings.Join([]string{"arn", "aws", g.one("ex", "exx"), g.one("", "r", "rr"),
		g.one("", "1"), g.one("x", "x/y", "x:y", "xx", "y", "u/x")}, ":")
}

func (g generator) resource() string {
	if !g.undisputed && g.chance(8) {
		return "*"
	}
	return g.arn()
}

// pattern returns "*", or an ARN with wildcards and variables in random places, such that IAM stores
// a document with it.
func (g generator) pattern() string {
	for {
		if text := g.anyPattern(); strings.HasPrefix(text, "arn:") || mayNameResource(text) {
			return text
		}
	}
}

func (g generator) anyPattern() string {
	if g.chance(30) {
		return "*"
	}
	fields := strings.SplitN(g.arn(), ":", 6)
	if g.undisputed {
		for i := 2; i < len(fields); i++ {
			if g.chance(30) {
				fields[i] = "*"
			}
		}
		if g.chance(40) {
			fields[5] = g.tail()
		}
		return strings.Join(fields, ":")
	}
	tail := ""
	if g.chance(25) {
		tail = ":" + g.tail()
		fields = fields[:5]
	}
	chars := []rune(strings.Join(fields, ":"))
	for range g.IntN(4) {
		at := g.IntN(len(chars))
		switch g.IntN(3) {
		case 0:
			chars[at] = '?'
		case 1: // a star replaces up to four characters
			chars = append(append(append([]rune{}, chars[:at]...), '*'),
				chars[min(len(chars), at+g.IntN(5)):]...)
		case 2:
			chars[at] = '*'
		}
	}
	at, variable := g.IntN(len(chars)), ""
	if g.chance(10) {
		variable = g.one("${ex:k}", "${ex:k, 'x'}", "${*}", "${ex:absent}")
	}
	return string(chars[:at]) + variable + string(chars[at:]) + tail
}

// tail returns the resource part of a pattern.
func (g generator) tail() string {
	return g.one("x*", "*y", "x?y", "${ex:k}", "x/${ex:k}", "${ex:absent, 'x'}", "${ex:absent}/x",
		"x${ex:m}", "?", "*:*", "u/*")
}

var contextKeys = []string{"ex:k", "EX:K", "ex:m", "ex:absent"}

// value returns a value of a context key.
func (g generator) value() string {
	return g.one("x", "y", "X", "x/y", "1", "01.00", "2", "true", "TRUE", "false", "10.1.2.3",
		"2001:db8::1",
		"arn:aws:ex:r:1:x", "arn:aws:ex::1:x/y", "2026-01-01T00:00:00Z", "1767225600", "2026-01-02",
		"QQ==", "*", "u*")
}

func (g generator) context() corpus.Context {
	ctx := corpus.Context{}
	if g.chance(80) {
		ctx[g.one("ex:k", "Ex:K")] = corpus.Values{Elements: []string{g.value()}}
	}
	if g.chance(50) {
		list := corpus.Values{List: true, Elements: []string{}}
		for range 2 + g.IntN(2) {
			list.Elements = append(list.Elements, g.value())
		}
		if !g.undisputed && g.chance(20) {
			list.Elements = []string{}
		}
		ctx["ex:m"] = list
	}
	return ctx
}

// operator returns an operator and values for it.
func (g generator) operator() (string, any) {
	if g.chance(10) {
		return "Null", g.some(func() string { return g.one("true", "false") })
	}
	kinds := []struct {
		operators string
		values    []string
		disputed  string // a value that an undisputed generator omits
	}{
		{"StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase",
			[]string{"x", "y", "X", "${ex:k}", "${ex:absent, 'x'}", "${*}", "x/${ex:absent}"}, "*"},
		{"StringLike StringNotLike", []string{"x", "x*", "?", "*y", "${ex:k}", "${*}", "u${*}", "*"},
			"x?y"},
		{"ArnEquals ArnNotEquals ArnLike ArnNotLike", []string{"arn:aws:ex:r:1:x", "arn:aws:ex:*:1:x*",
			"arn:aws:*:1:x", "arn:*:ex:?:1:*", "${ex:k}"}, "x"},
		{"NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan " +
			"NumericGreaterThanEquals", []string{"1", "2", "1.0", "10"}, "x"},
		{"DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals",
			[]string{"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-01"}, "x"},
		{"Bool", []string{"true", "false"}, "x"},
		{"BinaryEquals", []string{"QQ==", "Qg=="}, "!"},
		{"IpAddress NotIpAddress", []string{"10.0.0.0/8", "10.1.2.3", "11.0.0.0/8", "10.1.2.3/8",
			"2001:db8::/32"}, "2001:db8::1/32"},
	}
	kind := kinds[g.IntN(len(kinds))]
	name := g.one(strings.Fields(kind.operators)...)
	if g.chance(25) {
		name = g.one("ForAllValues:", "ForAnyValue:") + name
	}
	if g.chance(20) {
		name += "IfExists"
	}
	return name, g.some(func() string {
		if !g.undisputed && g.chance(10) {
			return kind.disputed
		}
		return g.one(kind.values...)
	})
}
