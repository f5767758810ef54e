package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// product returns a document that allows n actions on m resources.
func product(n, m int) string {
	var actions, resources []string
	for i := range n {
		actions = append(actions, fmt.Sprintf("s3:A%d", i))
	}
	for i := range m {
		resources = append(resources, fmt.Sprintf("arn:aws:s3:::b%d", i))
	}
	a, _ := json.Marshal(actions)
	r, _ := json.Marshal(resources)
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":%s}]}`,
		a, r)
}

// withSid returns a document of product with a Sid of 10,000 characters.
func withSid(document string) string {
	return strings.Replace(document, `"Effect"`, `"Sid":"`+strings.Repeat("x", 10_000)+`","Effect"`, 1)
}

func requiredOf(t *testing.T, text string) Required {
	t.Helper()
	required, err := DocumentRequirements("needed.json", policytest.Parse(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return required
}

// overlapping returns a policy whose wildcards overlap in too many ways for one Cover.
func overlapping() string {
	var resources []string
	for i := range 40 {
		resources = append(resources, fmt.Sprintf(`"arn:aws:s3:::*%c%s*%c"`, 'a'+i%26,
			strings.Repeat("?", 1+i%20), 'a'+i*3%26))
	}
	return `{"Statement":{"Effect":"Allow","Action":"*","Resource":[` + strings.Join(resources, ",") + `]}}`
}

// TestAProductThatIsTooLargeIsUnverified checks that a short document with a large product of
// actions and resources has one unverified finding that says what to do.
func TestAProductThatIsTooLargeIsUnverified(t *testing.T) {
	for _, test := range []struct {
		name string
		text string
	}{
		{"300 actions on 300 resources", product(300, 300)},
		{"few long patterns", strings.ReplaceAll(product(30, 30), "arn:aws:s3:::b",
			"arn:aws:s3:::"+strings.Repeat("b", 2000))},
	} {
		v := evaluateAll(t, grants(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`),
			requiredOf(t, test.text), nil)
		if v.Status != audit.StatusUnverified || len(v.Findings) != 1 ||
			!strings.Contains(v.Findings[0].Why, "split the document") ||
			v.Findings[0].Action != "s3:A0" {
			t.Errorf("%s: status %s with %d findings, want one unverified finding: %.300s", test.name,
				v.Status, len(v.Findings), fmt.Sprint(v.Findings))
		}
	}
	v := evaluateAll(t, grants(t, product(60, 60)), requiredOf(t, product(60, 60)), nil)
	if v.Status != audit.StatusCompliant || v.Satisfied != 3600 {
		t.Errorf("60 actions on 60 resources: status %s, %d satisfied; want compliant, 3600", v.Status,
			v.Satisfied)
	}
}

// TestAProblemIsNotLost checks that a permission that one statement requires with a problem, and
// another without, is unverified in both orders.
func TestAProblemIsNotLost(t *testing.T) {
	good := `{"Effect":"Allow","Action":"s3:A0","Resource":"arn:aws:s3:::b0"}`
	large := strings.TrimSuffix(strings.TrimPrefix(product(300, 300),
		`{"Version":"2012-10-17","Statement":[`), `]}`)
	for _, statements := range []string{good + "," + large, large + "," + good} {
		v := evaluateAll(t, grants(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`),
			requiredOf(t, `{"Version":"2012-10-17","Statement":[`+statements+`]}`), nil)
		if v.Status != audit.StatusUnverified {
			t.Errorf("status %s, want unverified", v.Status)
		}
	}
}

// TestTheWorkOfACheckIsBounded checks that a check ends after a fixed number of steps, and that
// what is left is unverified with a remedy.
func TestTheWorkOfACheckIsBounded(t *testing.T) {
	required := requiredOf(t, strings.ReplaceAll(product(40, 10), ":::b", ":::*-*"))
	budget := iampolicy.NewBudget(t.Context(), 4*iampolicy.UnitOfWork)
	v := evaluate(budget, Exactly(grants(t, overlapping())), required, nil)
	if used := budget.Used(); used > 6*iampolicy.UnitOfWork {
		t.Errorf("%d steps, want at most %d", used, 6*iampolicy.UnitOfWork)
	}
	last := v.Findings[len(v.Findings)-1]
	if last.Status != iampolicy.Unverified ||
		!strings.Contains(last.Why, "split the documents") {
		t.Errorf("the last finding is %+v, want unverified, and split the documents", last)
	}
}

// TestTheWorkOfACheckIsLinear checks that the steps for each permission do not grow with their
// number.
func TestTheWorkOfACheckIsLinear(t *testing.T) {
	steps := func(n int) int {
		budget := iampolicy.NewBudget(t.Context(), math.MaxInt)
		required := requiredOf(t, product(n, n))
		policy := grants(t, `{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b*"},`+
			`{"Effect":"Deny","Action":"s3:A1","Resource":"arn:aws:s3:::b1*"}]}`)
		if v := evaluate(budget, Exactly(policy), required, nil); v.Gaps == 0 {
			t.Fatal("no gaps")
		}
		return budget.Used() / len(required.Requirements)
	}
	if few, many := steps(5), steps(40); many > 2*few {
		t.Errorf("%d steps for each of 25 permissions, and %d for each of 1600", few, many)
	}
}

// TestEveryPartOfAPolicyIsWork checks that a check counts the parts of a policy whose size has no
// limit of its own, so that the limit of its work applies to them.
func TestEveryPartOfAPolicyIsWork(t *testing.T) {
	statement := func(resource, conditions string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":` +
			resource + `,"Condition":{"StringEquals":{` + conditions + `}}}}`
	}
	list := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "%", fmt.Sprint(i)))
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for name, policy := range map[string]func(n int) string{
		"the length of a condition key": func(n int) string {
			return statement(`"*"`, `"aws:PrincipalTag/`+strings.Repeat("k", 100*n)+`":"v"`)
		},
		"the length of a condition value": func(n int) string {
			return statement(`"*"`, `"aws:PrincipalTag/k":"`+strings.Repeat("v", 100*n)+`"`)
		},
		"the number of conditions": func(n int) string {
			return statement(`"*"`, list(n, `"aws:PrincipalTag/k%":"v",`))
		},
		"the number of variables in conditions": func(n int) string {
			return statement(`"*"`, `"aws:PrincipalTag/k":"`+list(n, "${aws:PrincipalTag/v%}")+`"`)
		},
		"the number of variables in resources": func(n int) string {
			return statement(`["arn:aws:s3:::${aws:username}*",`+
				list(n, `"arn:aws:s3:::${aws:PrincipalTag/v%}-x",`)+`]`, `"aws:PrincipalTag/k":"v"`)
		},
	} {
		used := func(n int) int {
			budget := iampolicy.NewBudget(t.Context(), math.MaxInt)
			evaluate(budget, Exactly(grants(t, policy(n))), requiredOf(t, product(1, 1)), nil)
			return budget.Used()
		}
		if few, many := used(2), used(500); many < 4*few {
			t.Errorf("%s: %d steps for 2, and %d for 500, want at least 4 times as many", name, few, many)
		}
	}
}

// TestAContextIsWork checks that a check counts the comparisons of condition keys with the keys of
// a large context.
func TestAContextIsWork(t *testing.T) {
	required := func(n int) Required {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprintf(`"aws:PrincipalTag/k%d":"v"`, i))
		}
		return requiredOf(t, `{"Statement":{"Effect":"Allow","Action":"s3:A","Resource":"*",`+
			`"Condition":{"StringEquals":{`+strings.Join(keys, ",")+`}}}}`)
	}
	policy := grants(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*",`+
		`"Condition":{"StringEquals":{"aws:PrincipalTag/other":"v"}}}}`)
	used := func(n int) int {
		budget := iampolicy.NewBudget(t.Context(), math.MaxInt)
		evaluate(budget, Exactly(policy), required(n), nil)
		return budget.Used()
	}
	if few, many := used(50), used(1000); many < 4*few {
		t.Errorf("%d steps with 50 context keys, and %d with 1000, want at least 4 times as many", few,
			many)
	}
}

// TestTheSizeOfAVerdictIsBounded checks that a verdict does not repeat the policies for each
// permission or for each resource.
func TestTheSizeOfAVerdictIsBounded(t *testing.T) {
	for _, test := range []struct{ name, policy, required string }{
		{"one action on 2000 resources", product(1, 2000), product(1, 1)},
		{"600 actions on 600 resources", product(600, 600), product(1, 1)},
		{"20 actions on 2000 resources, all of them required in part", product(20, 2000),
			strings.ReplaceAll(product(20, 1), `:::b0"`, `:::b*"`)},
		{"long actions", strings.ReplaceAll(product(40, 1), "s3:A", "s3:"+strings.Repeat("A", 3000)),
			product(1, 1)},
		{"900 permissions, and a long Sid", withSid(product(31, 30)), withSid(product(30, 30))},
		{"900 permissions, and long resources", strings.ReplaceAll(product(20, 20), "arn:aws:s3:::b",
			"arn:aws:s3:::"+strings.Repeat("c", 2500)), product(30, 30)},
		{"900 permissions, and a long region", strings.ReplaceAll(product(60, 1), "arn:aws:s3:::b",
			"arn:aws:s3:"+strings.Repeat("r", 50_000)+"::b"), product(30, 30)},
		{"long resources", strings.ReplaceAll(product(200, 1), "arn:aws:s3:::b",
			"arn:aws:s3:::"+strings.Repeat("b", 100_000)), product(1, 1)},
	} {
		g, required := grants(t, test.policy), requiredOf(t, test.required)
		v := evaluateAll(t, g, required, nil)
		if err := v.FindExcess(t.Context(), Exactly(g), required, nil); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if limit := 2<<20 + 20*(len(test.policy)+len(test.required)); len(text) > limit {
			t.Errorf("%s: %d bytes of JSON, want at most %d", test.name, len(text), limit)
		}
		statement := g.Identity[0].Document.Statements[0]
		if most := len(statement.Action) + len(statement.Resource); len(v.Excess) > most ||
			len(v.Excess) == 0 && !v.ExcessIncomplete {
			t.Errorf("%s: %d entries of excess, want 1 to %d", test.name, len(v.Excess), most)
		}
	}
}

// TestWhatCannotBeEvaluatedIsNoExcess checks that a grant is not listed as excess if a requirement
// that cannot be evaluated may need it, and that the list is then incomplete.
func TestWhatCannotBeEvaluatedIsNoExcess(t *testing.T) {
	home := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject",` +
		`"Resource":"arn:aws:s3:::home/${aws:username}/*"}}`
	for _, test := range []struct {
		name, policy, required string
		want                   []string
	}{
		{"a statement with too many permissions", product(300, 300), product(300, 300), nil},
		{"a variable without a value", home, home, nil},
		{"another action is excess all the same", strings.Replace(home, "GetObject", "PutObject", 1), home,
			[]string{"s3:PutObject"}},
	} {
		g, required := grants(t, test.policy), requiredOf(t, test.required)
		v := evaluateAll(t, g, required, nil)
		if err := v.FindExcess(t.Context(), Exactly(g), required, nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range v.Excess {
			got = append(got, e.Action)
		}
		if !slices.Equal(got, test.want) || !v.ExcessIncomplete {
			t.Errorf("%s: excess %q, incomplete: %v; want %q and incomplete", test.name,
				got[:min(len(got), 5)], v.ExcessIncomplete, test.want)
		}
	}
}

// TestACheckEndsWithItsContext checks that Evaluate and FindExcess return the error of a context
// that has ended, also in the middle of a search.
func TestACheckEndsWithItsContext(t *testing.T) {
	g, required := grants(t, overlapping()), requiredOf(t, product(10, 10))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ctx := range map[string]context.Context{
		"a context that has ended": ended, "a context that ends during a search": endsLater(t.Context(), 50),
	} {
		v, err := Evaluate(ctx, Exactly(g), required, nil)
		if !errors.Is(err, context.Canceled) || v.Status == audit.StatusCompliant {
			t.Errorf("%s: status %s, %v; want canceled", name, v.Status, err)
		}
		if err := v.FindExcess(ctx, Exactly(g), required, nil); !errors.Is(err, context.Canceled) ||
			!v.ExcessIncomplete {
			t.Errorf("%s: %v, want canceled and an incomplete list", name, err)
		}
	}
}

// countedContext is canceled once Err was called a number of times.
type countedContext struct {
	context.Context
	calls int
}

func endsLater(ctx context.Context, calls int) context.Context {
	return &countedContext{ctx, calls}
}

func (c *countedContext) Err() error {
	if c.calls--; c.calls < 0 {
		return context.Canceled
	}
	return nil
}
