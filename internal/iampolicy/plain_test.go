package iampolicy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/corpus"
)

// A second way to the same answer, in the fewest words and without regard to speed: documents as
// encoding/json reads them, matching by recursion, each operator written out as AWS's pages have it.
// It shares nothing with the engine but the words of Decision.
//
// It takes documents that Parse accepts, and panics on others.

// plainGrants are the texts of the policies, as Grants has them.
type plainGrants struct {
	identity     []string
	boundary     string // empty: none
	organization [][]string
}

// plainAnswer is what can be compared with a Result.
type plainAnswer struct {
	decision Decision
	// matched are the statements that hold, as "identity policy 1/2": the second statement of the first policy.
	matched []string
	// identity, boundary, organization: does the layer let the request pass, Deny statements aside?
	identity, boundary, organization bool
	// missing are the keys without a value, sorted.
	missing []string
}

// plainDecide is for tests that have a Context.
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
		// No short cut: every level is looked at, for its Deny statements.
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

// plainList is a value or a list of values, each as the text it was written as.
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

func plainHolds(s map[string]any, variables bool, action, resource string, ctx corpus.Context) bool {
	return plainAction(s, action) && plainResource(s, variables, resource, ctx) && plainConditions(s, variables, ctx)
}

func plainAction(s map[string]any, action string) bool {
	any := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			return plainMatch(plainSymbols(strings.ToLower(p), false, nil), []rune(strings.ToLower(action)))
		})
	}
	if patterns, ok := s["NotAction"]; ok {
		return !any(plainList(patterns))
	}
	return any(plainList(s["Action"]))
}

func plainResource(s map[string]any, variables bool, resource string, ctx corpus.Context) bool {
	any := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool {
			symbols := plainSymbols(p, variables, ctx)
			return symbols != nil && plainMatch(plainColons(symbols), []rune(resource))
		})
	}
	if patterns, ok := s["NotResource"]; ok {
		return !any(plainList(patterns))
	}
	return any(plainList(s["Resource"]))
}

// A symbol is one character, or a wildcard; a character that came out of a variable is never a
// wildcard nor the colon that ends a field.
type plainSymbol struct {
	char        rune
	wildcard    bool // char is '*' or '?'
	substituted bool
	stops       bool // the wildcard does not match ':'
}

// plainSymbols spells a pattern out, variables replaced. It is nil if a variable has no value, and
// otherwise never.
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

// plainColons marks the wildcards that stop at a colon: in the first five fields every '?', and every
// '*' that does not end its field.
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

// plainMatch keeps which pairs of rests have failed; without that, a*a*a*…b takes years.
func plainMatch(pattern []plainSymbol, text []rune) bool {
	failed := map[[2]int]bool{}
	var match func(pattern []plainSymbol, text []rune) bool
	match = func(pattern []plainSymbol, text []rune) bool {
		if len(pattern) == 0 {
			return len(text) == 0
		}
		rests := [2]int{len(pattern), len(text)}
		if failed[rests] {
			return false
		}
		p := pattern[0]
		fits := len(text) > 0 && !(p.stops && text[0] == ':')
		var ok bool
		switch {
		case p.wildcard && p.char == '*':
			ok = match(pattern[1:], text) || fits && match(pattern, text[1:])
		case p.wildcard:
			ok = fits && match(pattern[1:], text[1:])
		default:
			ok = fits && text[0] == p.char && match(pattern[1:], text[1:])
		}
		failed[rests] = !ok
		return ok
	}
	return match(pattern, text)
}

func plainConditions(s map[string]any, variables bool, ctx corpus.Context) bool {
	conditions, _ := s["Condition"].(map[string]any)
	for operator, keys := range conditions {
		for key, values := range keys.(map[string]any) {
			if !plainCondition(operator, key, plainList(values), variables, ctx) {
				return false
			}
		}
	}
	return true
}

func plainCondition(operator, key string, values []string, variables bool, ctx corpus.Context) bool {
	var have corpus.Values
	present := false
	for k, v := range ctx {
		if strings.EqualFold(k, key) {
			have, present = v, true
		}
	}
	if operator == "Null" {
		return slices.ContainsFunc(values, func(v string) bool {
			if strings.ToLower(v) == "true" {
				return !present
			}
			return present
		})
	}
	set, operator, hasSet := strings.Cut(operator, ":")
	if !hasSet {
		set, operator = "", set
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	negated := strings.Contains(operator, "Not")
	operator = strings.Replace(operator, "Not", "", 1)
	if !present {
		switch {
		case ifExists, set == "ForAllValues":
			return true
		case set == "ForAnyValue":
			return false
		}
		return negated
	}
	// holds says whether one value of the request satisfies the condition: it equals one of the
	// policy's values, or, negated, none. A value that cannot be compared does neither.
	holds := func(h string) bool {
		equal := false
		for _, v := range values {
			symbols := plainSymbols(v, variables && plainTakesVariables(operator), ctx)
			if symbols == nil {
				continue // equals nothing
			}
			same, comparable := plainCompare(operator, symbols, h)
			if !comparable && negated {
				return false
			}
			equal = equal || same && comparable
		}
		return equal != negated
	}
	switch {
	case set == "ForAllValues":
		for _, h := range have.Elements {
			if !holds(h) {
				return false
			}
		}
		return true
	case set == "ForAnyValue":
		return slices.ContainsFunc(have.Elements, holds)
	}
	return !have.List && holds(have.Elements[0])
}

func plainTakesVariables(operator string) bool {
	return strings.HasPrefix(operator, "String") || strings.HasPrefix(operator, "Arn") || operator == "Bool"
}

// plainCompare compares a policy's value with one of the request's, by the operator without Not, IfExists
// and set.
func plainCompare(operator string, want []plainSymbol, have string) (same, comparable bool) {
	text := ""
	for _, s := range want {
		text += string(s.char)
	}
	switch operator {
	case "StringEquals":
		return text == have, true
	case "StringEqualsIgnoreCase":
		return strings.EqualFold(text, have), true
	case "StringLike":
		return plainMatch(want, []rune(have)), true
	case "ArnEquals", "ArnLike":
		haves := strings.SplitN(have, ":", 6)
		if len(haves) != 6 || haves[0] != "arn" {
			return false, false
		}
		for i := range 6 {
			field := want
			if colon := slices.IndexFunc(want, func(s plainSymbol) bool { return s.char == ':' }); i < 5 {
				if colon < 0 {
					return false, true
				}
				field, want = want[:colon], want[colon+1:]
			}
			if !plainMatch(field, []rune(haves[i])) {
				return false, true
			}
		}
		return true, true
	case "Bool":
		return (strings.ToLower(text) == "true") == (strings.ToLower(have) == "true"), true
	case "BinaryEquals":
		w, errW := base64.StdEncoding.DecodeString(text)
		h, errH := base64.StdEncoding.DecodeString(have)
		return string(w) == string(h), errW == nil && errH == nil
	case "IpAddress":
		return plainAddress(text, have)
	}
	var order int
	kind := strings.TrimPrefix(strings.TrimPrefix(operator, "Numeric"), "Date")
	if strings.HasPrefix(operator, "Numeric") {
		w, okW := new(big.Rat).SetString(text)
		h, okH := new(big.Rat).SetString(have)
		if !okW || !okH {
			return false, false
		}
		order = h.Cmp(w)
	} else {
		w, okW := plainMoment(text)
		h, okH := plainMoment(have)
		if !okW || !okH {
			return false, false
		}
		order = h.Compare(w)
	}
	switch kind {
	case "Equals":
		return order == 0, true
	case "LessThan":
		return order < 0, true
	case "LessThanEquals":
		return order <= 0, true
	case "GreaterThan":
		return order > 0, true
	case "GreaterThanEquals":
		return order >= 0, true
	}
	panic("no operator " + operator)
}

func plainMoment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.Truncate(time.Millisecond), true
		}
	}
	if seconds, ok := new(big.Int).SetString(text, 10); ok {
		return time.Unix(seconds.Int64(), 0), true
	}
	return time.Time{}, false
}

func plainAddress(want, have string) (same, comparable bool) {
	h := net.ParseIP(have)
	if h == nil {
		return false, false
	}
	if !strings.Contains(want, "/") {
		w := net.ParseIP(want)
		return w != nil && w.Equal(h), true
	}
	address, network, err := net.ParseCIDR(want)
	if err != nil {
		return false, true
	}
	if address.To4() == nil && !address.Equal(network.IP) {
		return false, true // an IPv6 network with host bits
	}
	return network.Contains(h), true
}

// plainMissing lists the keys that any statement names and that have no value.
func plainMissing(texts []string, ctx corpus.Context) (keys []string) {
	add := func(key string) {
		for k := range ctx {
			if strings.EqualFold(k, key) {
				return
			}
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	variables := func(values []string) {
		for _, v := range values {
			for _, part := range strings.Split(v, "${")[1:] {
				name, _, closed := strings.Cut(part, "}")
				if closed && !strings.Contains(name, ",") && !strings.Contains("*?$", name) {
					add(strings.TrimSpace(name))
				}
			}
		}
	}
	for _, text := range texts {
		if text == "" {
			continue
		}
		doc := plainDocument(text)
		gated := doc["Version"] == "2012-10-17"
		for _, s := range plainStatements(doc) {
			if gated {
				variables(plainList(s["Resource"]))
				variables(plainList(s["NotResource"]))
			}
			conditions, _ := s["Condition"].(map[string]any)
			for operator, byKey := range conditions {
				_, bare, found := strings.Cut(operator, ":")
				if !found {
					bare = operator
				}
				for key, values := range byKey.(map[string]any) {
					add(key)
					if gated && plainTakesVariables(bare) {
						variables(plainList(values))
					}
				}
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// The plain evaluator has to be right by itself: a few answers everyone can check in their head.
func TestPlain(t *testing.T) {
	allow := func(rest string) plainGrants {
		return plainGrants{identity: []string{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:*",` + rest + `}]}`}}
	}
	tests := []struct {
		name     string
		grants   plainGrants
		resource string
		ctx      Context
		want     Decision
	}{
		{"nothing allows nothing", plainGrants{}, "*", nil, ImplicitDeny},
		{"a star allows all", allow(`"Resource":"*"`), "arn:p:s:r:1:x", nil, Allowed},
		{"a star within a field stops at the colon", allow(`"Resource":"arn:p:s*r:1:x"`), "arn:p:s:r:1:x", nil, ImplicitDeny},
		{"a star at the end of one does not", allow(`"Resource":"arn:p:*:x"`), "arn:p:s:r:1:x", nil, Allowed},
		{"a value is literal", allow(`"Resource":"${k}"`), "arn:p:s:r:1:x", Context{"k": {"*"}}, ImplicitDeny},
		{"a default serves", allow(`"Resource":"${k, 'y'}"`), "y", nil, Allowed},
		{"none equals nothing, and NotResource is about the rest", allow(`"NotResource":"${k}"`), "y", nil, Allowed},
		{"a Deny beats an Allow", plainGrants{identity: []string{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"A:b","Resource":"*"}]}`}}, "*", nil, ExplicitDeny},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := plainDecide(test.grants, "a:B", test.resource, test.ctx); got != test.want {
				t.Errorf("%+v on %s: %v, want %v", test.grants, test.resource, got, test.want)
			}
		})
	}
}
