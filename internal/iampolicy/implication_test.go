package iampolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// parseConditions parses a Condition, such as {"StringEquals":{"aws:k":"a"}}.
func parseConditions(t testing.TB, text string) []*Condition {
	t.Helper()
	return mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get",`+
		`"Resource":"*","Condition":`+text+`}}`).Statements[0].conditionList()
}

// TestWeakerAndStrongerConditions checks for each kind of operator which required conditions a
// granted condition covers. All conditions are about the key aws:k.
func TestWeakerAndStrongerConditions(t *testing.T) {
	const covers, open = true, false
	for _, test := range []struct {
		name, required, granted string
		want                    bool
	}{
		{"a condition covers itself", `StringLike:a*`, `StringLike:a*`, covers},
		{"another operator of the same meaning covers", `ArnLike:arn:aws:s3:::a`, `ArnEquals:arn:aws:s3:::a`,
			covers},
		{"more values cover fewer", `StringEquals:a`, `StringEquals:a,b`, covers},
		{"fewer values do not cover more", `StringEquals:a,b`, `StringEquals:a`, open},
		{"a pattern covers its texts", `StringEquals:abc`, `StringLike:a*`, covers},
		{"a text does not cover a pattern", `StringLike:a*`, `StringEquals:a`, open},
		{"a wider pattern covers a narrower one", `StringLike:ab*c`, `StringLike:a*`, covers},
		{"a narrower pattern does not cover a wider one", `StringLike:a*`, `StringLike:ab*`, open},
		{"two patterns together cover one", `StringLike:a*`, `StringLike:a,a?*`, covers},
		{"a text is no pattern", `StringEquals:a*`, `StringEquals:a?`, open},
		{"ignoring case covers a text", `StringEquals:Abc`, `StringEqualsIgnoreCase:aBC`, covers},
		{"ignoring case covers ignoring case", `StringEqualsIgnoreCase:Abc`, `StringEqualsIgnoreCase:aBC,d`,
			covers},
		{"a text does not cover ignoring case", `StringEqualsIgnoreCase:a`, `StringEquals:a`, open},
		{"each text is like *", `StringEqualsIgnoreCase:a`, `StringLike:*`, covers},

		{"IfExists covers the condition without it", `StringEquals:a`, `StringEqualsIfExists:a`, covers},
		{"the condition does not cover IfExists", `StringEqualsIfExists:a`, `StringEquals:a`, open},
		{"IfExists with more values covers IfExists", `StringLikeIfExists:a*`, `StringLikeIfExists:a*,b`,
			covers},
		{"a value is present", `StringEquals:a`, `Null:false`, covers},
		{"a value may be absent with IfExists", `StringEqualsIfExists:a`, `Null:false`, open},
		{"absent covers nothing present", `StringEquals:a`, `Null:true`, open},
		{"an absent key meets IfExists", `Null:true`, `StringEqualsIfExists:a`, covers},
		{"an absent key meets a negation", `Null:true`, `StringNotEquals:a`, covers},
		{"an absent key meets ForAllValues", `Null:true`, `ForAllValues:StringEquals:a`, covers},
		{"an absent key does not meet ForAnyValue", `Null:true`, `ForAnyValue:StringNotEquals:a`, open},

		{"fewer excluded values cover more", `StringNotEquals:a,b`, `StringNotEquals:a`, covers},
		{"more excluded values do not cover fewer", `StringNotEquals:a`, `StringNotEquals:a,b`, open},
		{"a narrower excluded pattern covers a wider one", `StringNotLike:a*`, `StringNotLike:ab*`, covers},
		{"a wider excluded pattern does not cover a narrower one", `StringNotLike:ab*`, `StringNotLike:a*`,
			open},
		{"an excluded text covers an excluded pattern", `StringNotLike:a*`, `StringNotEquals:abc`, covers},
		{"a value is not another value", `StringEquals:a`, `StringNotEquals:b`, covers},
		{"a value may be an excluded one", `StringLike:a*`, `StringNotEquals:ab`, open},
		{"a negation is not met by two values", `ForAllValues:StringNotEquals:a`, `StringNotEquals:a`, open},

		{"a single value meets ForAllValues", `StringEquals:a`, `ForAllValues:StringEquals:a,b`, covers},
		{"a single value meets ForAnyValue", `StringEquals:a`, `ForAnyValue:StringEquals:a`, covers},
		{"ForAllValues with more values covers fewer", `ForAllValues:StringEquals:a`,
			`ForAllValues:StringLike:a*`, covers},
		{"ForAllValues with fewer values does not cover more", `ForAllValues:StringEquals:a,b`,
			`ForAllValues:StringEquals:a`, open},
		{"ForAnyValue with more values covers fewer", `ForAnyValue:StringEquals:a`,
			`ForAnyValue:StringEquals:a,b`, covers},
		{"ForAllValues does not cover ForAnyValue", `ForAnyValue:StringEquals:a`,
			`ForAllValues:StringEquals:a`, open},
		{"ForAnyValue does not cover ForAllValues, which no value meets", `ForAllValues:StringEquals:a`,
			`ForAnyValue:StringEquals:a`, open},
		{"ForAnyValue is present", `ForAnyValue:StringLike:*`, `Null:false`, covers},
		{"a single value does not cover several", `ForAllValues:StringEquals:a`, `StringEquals:a`, open},

		{"a wider ARN pattern covers a narrower one", `ArnLike:arn:aws:sns:us-east-1:1:a`,
			`ArnLike:arn:aws:sns:*:1:*`, covers},
		{"a * of a field covers no other field", `ArnLike:arn:aws:sns:us-east-1:1:a`,
			`ArnLike:arn:aws:sns:*:a`, open},
		{"a * of the resource covers colons", `ArnEquals:arn:aws:lambda:r:1:function:f:1`,
			`ArnLike:arn:aws:lambda:r:1:function:*`, covers},
		{"an ARN covers a text", `StringEquals:arn:aws:s3:::b`, `ArnLike:arn:*:s3:::*`, covers},
		{"a text pattern covers an ARN", `ArnLike:arn:aws:s3:::b*`, `StringLike:arn:aws:s3*`, covers},
		{"a text pattern does not cover what is no ARN", `StringLike:arn:aws:*`, `ArnLike:arn:aws:*:*:*:*`,
			open},
		{"an excluded ARN is met only by ARNs", `StringNotLike:arn:aws:s3:::b`, `ArnNotLike:arn:aws:s3:::b`,
			open},
		{"an excluded ARN pattern covers an excluded ARN", `ArnNotLike:arn:aws:s3:::b*`,
			`ArnNotLike:arn:aws:s3:::bc`, covers},

		{"a smaller number is less", `NumericLessThan:5`, `NumericLessThanEquals:10`, covers},
		{"a larger number is not less", `NumericLessThan:10`, `NumericLessThan:5`, open},
		{"less includes equal only as written", `NumericLessThanEquals:5`, `NumericLessThan:5`, open},
		{"equal numbers are written in several ways", `NumericEquals:1.0`, `NumericEquals:1`, covers},
		{"a number is not a text", `NumericEquals:1`, `StringEquals:1`, open},
		{"a text is a number", `StringEquals:1.00`, `NumericEquals:1`, covers},
		{"greater covers another number", `NumericGreaterThan:3`, `NumericNotEquals:3`, covers},
		{"a number outside a range is excluded", `NumericEquals:7`, `NumericNotEquals:3,8`, covers},
		{"an earlier date is before", `DateLessThan:2026-01-01T00:00:00Z`, `DateLessThan:2026-06-01`, covers},
		{"a later date is not before", `DateLessThan:2026-06-01`, `DateLessThan:2026-01-01T00:00:00Z`, open},
		{"seconds are a date", `DateEquals:1767225600`, `DateEquals:2026-01-01T00:00:00Z`, covers},

		{"true is true", `Bool:true`, `Bool:TRUE`, covers},
		{"true is not false", `Bool:true`, `Bool:false`, open},
		{"true and false are everything", `StringLike:*`, `Bool:true,false`, covers},
		{"true is more than the text true", `Bool:true`, `StringEquals:true`, open},
		{"equal bytes cover", `BinaryEquals:QQ==`, `BinaryEquals:Qg==,QQ==`, covers},

		{"a wider network covers a narrower one", `IpAddress:10.1.0.0/16`, `IpAddress:10.0.0.0/8`, covers},
		{"a narrower network does not cover a wider one", `IpAddress:10.0.0.0/8`, `IpAddress:10.1.0.0/16`,
			open},
		{"two halves cover a network", `IpAddress:10.0.0.0/8`, `IpAddress:10.0.0.0/9,10.128.0.0/9`, covers},
		{"an address is in its network", `IpAddress:10.1.2.3`, `IpAddress:10.0.0.0/8`, covers},
		{"a network without another one is covered by the exclusion", `IpAddress:10.0.0.0/8`,
			`NotIpAddress:11.0.0.0/8`, covers},
		{"a network with the excluded address is not", `IpAddress:10.0.0.0/8`, `NotIpAddress:10.1.2.3`,
			open},
		{"fewer excluded networks cover more", `NotIpAddress:10.0.0.0/8,11.0.0.0/8`,
			`NotIpAddress:10.1.0.0/16`, covers},
		{"the two largest networks have every address", `NotIpAddress:10.0.0.0/8`,
			`IpAddressIfExists:0.0.0.0/0,::/0`, covers},
		{"IPv6 is not IPv4", `IpAddress:2001:db8::/32`, `IpAddress:0.0.0.0/0`, open},

		{"the same variable covers itself", `StringEquals:${aws:u}`, `StringEquals:${aws:u},b`, covers},
		{"another variable does not", `StringEquals:${aws:u}`, `StringEquals:${aws:v}`, open},
		{"a pattern with the same variable covers itself", `StringLike:${aws:u}/*`, `StringLike:a,${aws:u}/*`,
			covers},
		{"a text does not cover a variable", `StringEquals:${aws:u}`, `StringEquals:a`, open},
		{"* covers a variable", `StringEquals:${aws:u}`, `StringLike:*`, covers},
		{"a variable that is excluded stays excluded", `StringNotEquals:${aws:u},a`,
			`StringNotEquals:${aws:u}`, covers},
	} {
		t.Run(test.name, func(t *testing.T) {
			condition := func(text string) *Condition {
				at := strings.IndexByte(text, ':')
				if strings.HasPrefix(text, "For") {
					at += 1 + strings.IndexByte(text[at+1:], ':')
				}
				values, _ := json.Marshal(strings.Split(text[at+1:], ","))
				return parseConditions(t, fmt.Sprintf(`{%q:{"aws:k":%s}}`, text[:at], values))[0]
			}
			b := Unlimited()
			a := b.assume(&Need{}, nil)
			a.assume(condition(test.required))
			if got := a.follows(condition(test.granted)); got != test.want {
				t.Errorf("%s covers %s: %v, want %v", test.granted, test.required, got, test.want)
			}
		})
	}
}

// keyStates are states of a key: absent, and lists of values.
func keyStates(values []string) (states []corpus.Context) {
	states = append(states, corpus.Context{}, listOf())
	for _, v := range values {
		states = append(states, corpus.Context{"ex:k": {Elements: []string{v}}})
		for _, w := range values {
			states = append(states, listOf(v, w))
		}
	}
	return states
}

func listOf(values ...string) corpus.Context {
	return corpus.Context{"ex:k": {List: true, Elements: append([]string{}, values...)}}
}

// stateValues are values that the conditions of the generator distinguish.
var stateValues = []string{"x", "y", "X", "xy", "xxy", "", "zz", "*", "u", "u*", "x/y", "x/z", "1", "01.0",
	"1.5", "2", "10", "-3", "99", "true", "TRUE", "false", "10.1.2.3", "10.9.9.9", "11.0.0.1", "12.1.1.1",
	"2001:db8::1", "::1", "arn:aws:ex:r:1:x", "arn:aws:ex:s:1:xx", "arn:aws:ex:s:1:yx", "arn:aws:ey:s:1:y",
	"arn:aw:ex:rr:1:x", "arn:aws:ex:r:1", "2026-01-01T00:00:00Z", "1767225600", "2026-01-01T12:00:00Z",
	"2026-01-02", "2030-01-01", "QQ==", "Qg==", "Qw==", "!"}

// TestNoStateAgainstBruteForce checks by the plain evaluator that no state of a key meets
// conditions that noState calls impossible. It counts how often noState fails to see that.
func TestNoStateAgainstBruteForce(t *testing.T) {
	states := keyStates(stateValues)
	proven, missed, possible := 0, 0, 0
	for seed := range uint64(rounds(10_000)) {
		g := newGenerator(seed, false)
		related := seed%2 == 0
		name, values := g.operator()
		condition := func() *Condition {
			// Half of the cases have conditions with the same operator, so that more of them are related.
			if !related || g.chance(30) {
				name, values = g.operator()
			} else if name != "Null" {
				name = name[1+strings.LastIndexByte(name, ':'):]
				name = g.one("ForAllValues:", "ForAnyValue:", "", "") + name
			}
			text, _ := json.Marshal(map[string]any{name: map[string]any{"ex:k": values}})
			return parseConditions(t, string(text))[0]
		}
		var must, mustNot []*Condition
		for range g.IntN(3) {
			must = append(must, condition())
		}
		for range g.IntN(3) {
			mustNot = append(mustNot, condition())
		}
		if len(must)+len(mustNot) == 0 {
			continue
		}
		b := Unlimited()
		a := b.assume(&Need{}, nil)
		impossible := a.noState(must, mustNot)
		at := slices.IndexFunc(states, func(ctx corpus.Context) bool {
			holds := func(c *Condition) bool {
				return plainCondition(c.Operator, c.Key, c.Values, true, ctx)
			}
			return allHold(must, holds) && !slices.ContainsFunc(mustNot, holds)
		})
		switch {
		case at >= 0 && impossible:
			t.Fatalf("seed %d: with %v, all of %s hold and none of %s", seed, states[at], textsOf(must),
				textsOf(mustNot))
		case impossible:
			proven++
		case at < 0:
			missed++
		default:
			possible++
		}
	}
	t.Logf("%d proven, %d not proven and without an example, %d possible", proven, missed, possible)
	if proven < rounds(2000) || missed > proven/2 {
		t.Errorf("%d are proven, and %d have no example and are not proven", proven, missed)
	}
}

func textsOf(list []*Condition) (texts []string) {
	for _, c := range list {
		texts = append(texts, fmt.Sprintf("%s %s %q", c.Operator, c.Key, c.Values))
	}
	return texts
}
