package iampolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// The plain evaluator is a second, independent implementation of Evaluate. It is short and ignores
// speed: it reads documents with encoding/json, matches by recursion, and spells out each operator
// as the AWS documentation does. It shares only the values of Decision with the engine.
//
// The plain evaluator expects documents that Parse accepts, and panics on other documents.

// plainGrants holds the texts of the policies of Grants.
type plainGrants struct {
	identity     []string
	boundary     string // empty for no boundary
	organization [][]string
}

// plainAnswer is the comparable part of a Result.
type plainAnswer struct {
	decision Decision
	// matched are the statements that apply to the request. "identity policy 1/2" is the second
	// statement of the first policy.
	matched []string
	// identity, boundary and organization report whether the Allow statements of the layer allow the
	// request. Deny statements do not count.
	identity, boundary, organization bool
	// missing are the keys without a value, sorted.
	missing []string
}

// plainDecide decides a request with a Context.
func plainDecide(g plainGrants, action, resource string, ctx Context) Decision {
	values := corpus.Context{}
	for key, v := range ctx {
		values[key] = corpus.Values{List: len(v) != 1, Elements: v}
	}
	return plainEvaluate(g, action, resource, values).decision
}

func plainEvaluate(g plainGrants, action, resource string, ctx corpus.Context) plainAnswer {
	var a plainAnswer
	denied := false
	layer := func(name string, texts []string) (allows bool) {
		for i, text := range texts {
			doc := plainDocument(text)
			for j, s := range plainStatements(doc) {
				if !plainHolds(s, doc["Version"] == "2012-10-17", action, resource, ctx) {
					continue
				}
				a.matched = append(a.matched, fmt.Sprintf("%s %d/%d", name, i+1, j+1))
				if s["Effect"] == "Deny" {
					denied = true
				} else {
					allows = true
				}
			}
		}
		return allows
	}
	a.identity = layer("identity policy", g.identity)
	a.boundary = g.boundary == ""
	if g.boundary != "" {
		a.boundary = layer("permissions boundary", []string{g.boundary})
	}
	a.organization = true
	for _, level := range g.organization {
		// Evaluate every level, because each may have Deny statements.
		if !layer("service control policy", level) {
			a.organization = false
		}
	}
	switch {
	case denied:
		a.decision = ExplicitDeny
	case a.identity && a.boundary && a.organization:
		a.decision = Allowed
	default:
		a.missing = plainMissing(append(slices.Clone(g.identity), g.boundary), ctx)
	}
	return a
}

func plainDocument(text string) map[string]any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	return doc
}

func plainStatements(doc map[string]any) (list []map[string]any) {
	if one, ok := doc["Statement"].(map[string]any); ok {
		return []map[string]any{one}
	}
	for _, s := range doc["Statement"].([]any) {
		list = append(list, s.(map[string]any))
	}
	return list
}

// plainList returns a value, or a list of values, as written.
func plainList(v any) (list []string) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			list = append(list, plainList(e)...)
		}
	case nil:
	default: // a string, a json.Number or a bool
		list = append(list, fmt.Sprint(v))
	}
	return list
}

func plainHolds(s map[string]any, variables bool, action, resource string,
	ctx corpus.Context) bool {
	return plainAction(s, action) && plainResource(s, variables, resource, ctx) &&
		plainConditions(s, variables, ctx)
}

func plainAction(s map[string]any, action string) bool {
	matchesAny := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			return plainMatch(plainSymbols(strings.ToLower(p), false, nil), []rune(strings.ToLower(action)))
		})
	}
	if patterns, ok := s["NotAction"]; ok {
		return !matchesAny(plainList(patterns))
	}
	return matchesAny(plainList(s["Action"]))
}

func plainResource(s map[string]any, variables bool, resource string, ctx corpus.Context) bool {
	matchesAny := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			symbols := plainSymbols(p, variables, ctx)
			return symbols != nil && plainMatch(plainColons(symbols), []rune(resource))
		})
	}
	if patterns, ok := s["NotResource"]; ok {
		return !matchesAny(plainList(patterns))
	}
	return matchesAny(plainList(s["Resource"]))
}

// A plainSymbol is one character or wildcard. A character from the value of a variable is never a
// wildcard, and never the colon that ends a field.
type plainSymbol struct {
	char        rune
	wildcard    bool // char is '*' or '?'
	substituted bool // char comes from the value of a variable
	stops       bool // the wildcard does not match ':'
}

// plainSymbols returns a pattern as symbols, with its variables replaced. It returns nil only if a
// variable has no value.
func plainSymbols(pattern string, variables bool, ctx corpus.Context) []plainSymbol {
	symbols := []plainSymbol{}
	for rest := pattern; rest != ""; {
		if end := strings.Index(rest, "}"); variables && strings.HasPrefix(rest, "${") && end > 0 {
			value, ok := plainVariable(rest[len("${"):end], ctx)
			if !ok {
				return nil
			}
			for _, r := range value {
				symbols = append(symbols, plainSymbol{char: r, substituted: true})
			}
			rest = rest[end+1:]
			continue
		}
		r := []rune(rest)[0]
		symbols = append(symbols, plainSymbol{char: r, wildcard: r == '*' || r == '?'})
		rest = rest[len(string(r)):]
	}
	return symbols
}

func plainVariable(inside string, ctx corpus.Context) (string, bool) {
	name, fallback, hasFallback := strings.Cut(inside, ",")
	name = strings.TrimSpace(name)
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	for key, v := range ctx {
		if strings.EqualFold(key, name) && !v.List {
			return v.Elements[0], true
		}
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), hasFallback
}

// plainColons returns the symbols with stops set for the wildcards that stop at a colon. These are,
// in the first five fields, every '?' and every '*' that does not end its field.
func plainColons(symbols []plainSymbol) []plainSymbol {
	symbols = slices.Clone(symbols)
	colons := 0
	for i := range symbols {
		if plainEndsField(symbols[i]) {
			colons++
		}
		if colons >= 5 || !symbols[i].wildcard {
			continue
		}
		ends := i+1 == len(symbols) || plainEndsField(symbols[i+1])
		symbols[i].stops = symbols[i].char == '?' || !ends
	}
	return symbols
}

func plainEndsField(s plainSymbol) bool { return s.char == ':' && !s.substituted }

// plainMatch reports whether the pattern matches all of the text. It records in failed the lengths
// of the remaining pattern and text that do not match. Otherwise a*a*a*…b would take exponential
// time.
func plainMatch(pattern []plainSymbol, text []rune) bool {
	failed := map[[2]int]bool{}
	var match func(pattern []plainSymbol, text []rune) bool
	match = func(pattern []plainSymbol, text []rune) bool {
		if len(pattern) == 0 {
			return len(text) == 0
		}
		lengths := [2]int{len(pattern), len(text)}
		if failed[lengths] {
			return false
		}
		p := pattern[0]
		fits := len(text) > 0 && (!p.stops || text[0] != ':')
		var ok bool
		switch {
		case p.wildcard && p.char == '*':
			ok = match(pattern[1:], text) || fits && match(pattern, text[1:])
		case p.wildcard:
			ok = fits && match(pattern[1:], text[1:])
		default:
			ok = fits && text[0] == p.char && match(pattern[1:], text[1:])
		}
		failed[lengths] = !ok
		return ok
	}
	return match(pattern, text)
}

// TestPlain checks the plain evaluator with cases that are easy to check by hand.
func TestPlain(t *testing.T) {
	allow := func(rest string) plainGrants {
		return plainGrants{identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Action":"a:*",` + rest + `}]}`}}
	}
	tests := []struct {
		name     string
		grants   plainGrants
		resource string
		ctx      Context
		want     Decision
	}{
		{"no policy allows nothing", plainGrants{}, "*", nil, ImplicitDeny},
		{"the pattern * matches every resource", allow(`"Resource":"*"`), "arn:p:s:r:1:x", nil, Allowed},
		{"a star within a field stops at the colon", allow(`"Resource":"arn:p:s*r:1:x"`), "arn:p:s:r:1:x",
			nil, ImplicitDeny},
		{"a star at the end of a field matches colons", allow(`"Resource":"arn:p:*:x"`), "arn:p:s:r:1:x",
			nil,
			Allowed},
		{"a star in the value of a variable is literal",
			allow(`"Resource":"${k}"`), "arn:p:s:r:1:x", Context{"k": {"*"}},
			ImplicitDeny},
		{"a variable without a value matches its default",
			allow(`"Resource":"${k, 'y'}"`), "y", nil, Allowed},
		{"NotResource with a variable without a value excludes nothing",
			allow(`"NotResource":"${k}"`), "y",
			nil, Allowed},
		{"a Deny overrides an Allow",
			plainGrants{identity: []string{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{` +
				`"Effect":"Deny","Action":"A:b","Resource":"*"}]}`}}, "*", nil, ExplicitDeny},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := plainDecide(test.grants, "a:B", test.resource, test.ctx); got != test.want {
				t.Errorf("%+v on %s: %v, want %v", test.grants, test.resource, got, test.want)
			}
		})
	}
}
