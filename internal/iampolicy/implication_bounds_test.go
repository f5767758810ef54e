package iampolicy

import (
	"fmt"
	"strings"
	"testing"
)

// TestWorkOfConditionsIsBounded checks for long lists of values, statements and keys that a
// document covers itself with little work, and that a comparison with another document ends at its
// limit.
func TestWorkOfConditionsIsBounded(t *testing.T) {
	list := func(n int, format string) string {
		texts := make([]string, n)
		for i := range texts {
			texts[i] = fmt.Sprintf(strings.ReplaceAll(format, "#", "%[1]d"), i)
		}
		return strings.Join(texts, ",")
	}
	document := func(statements string) string {
		return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
	}
	statement := func(effect, condition string) string {
		return `{"Effect":"` + effect + `","Action":"s3:*","Resource":"*","Condition":{` + condition + `}}`
	}
	values := func(operator string, n int, format string) string {
		return document(statement("Allow", `"`+operator+`":{"a:k":[`+list(n, format)+`]}`))
	}
	statements := func(n int, effect string) string {
		keys := make([]string, n)
		for j := range keys {
			keys[j] = statement(effect, `"StringEquals":{`+
				list(5, fmt.Sprintf(`"a:k#":["a","c%d"]`, j))+`}`)
		}
		return strings.Join(keys, ",")
	}
	const all = `{"Effect":"Allow","Action":"*","Resource":"*"},`
	keys := document(statement("Allow", `"StringEquals":{`+list(5, `"a:k#":["a","b"]`)+`}`))
	for _, test := range []struct {
		name, required, granted string
		want                    Status
	}{
		{"5,000 texts of which one is missing", values("StringEquals", 5000, `"v#"`),
			values("StringEquals", 4999, `"v#"`), Conditional},
		{"5,000 texts and a few patterns", values("StringEquals", 5000, `"v#"`),
			values("StringLike", 2, `"v*","w#"`), Satisfied},
		{"300 patterns that overlap", values("StringLike", 300, `"*v#*"`),
			values("StringLike", 300, `"*#x*"`), Conditional},
		{"300 patterns of ARNs that overlap", values("ArnLike", 300, `"arn:*:*:*:*:*v#*"`),
			values("ArnLike", 300, `"arn:*:*:*:*:*#x*"`), Unverified},
		{"a pattern whose comparison is expensive", values("StringLike", 1, `"#`+strings.Repeat("*a", 30)+`*"`),
			values("StringLike", 1, `"#`+strings.Repeat("*a*b", 20)+`*"`), Conditional},
		{"2,000 networks", values("IpAddress", 2000, `"10.0.0.#/32"`), values("IpAddress", 2000, `"::#/128"`),
			Unverified},
		{"500 numbers", values("NumericEquals", 500, `"#"`), values("NumericEquals", 499, `"#"`),
			Conditional},
		{"100 statements with five keys", keys, document(statements(100, "Allow")), Conditional},
		{"100 Deny statements with five keys", keys, document(all + statements(100, "Deny")), Conditional},
		{"a document with 100 Deny statements", document(all + statements(100, "Deny")),
			document(all + statements(99, "Deny")), Satisfied},
	} {
		t.Run(test.name, func(t *testing.T) {
			needs := requiredNeeds(t, test.required)
			for text, want := range map[string]Status{test.required: Satisfied, test.granted: test.want} {
				b := Unlimited()
				c := policiesOf(t, text).CoverWithin(b, needs[0].Need, nil)
				if c.Status != want || b.Used() > 2*UnitOfWork {
					t.Errorf("%s (%s) with %d steps, want %s with at most %d\n%.300s", c.Status, c.Reason,
						b.Used(), want, 2*UnitOfWork, text)
				}
			}
		})
	}
}
