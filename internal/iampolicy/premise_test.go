package iampolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// A requiredNeed is a need of a required document. text is the document with only the statement of
// the need, and with each Deny.
type requiredNeed struct {
	Need
	text string
}

// requiredNeeds returns the needs of a document, as package check makes them without known values.
func requiredNeeds(t testing.TB, text string) (needs []requiredNeed) {
	t.Helper()
	doc := mustParse(t, text)
	premises := doc.Premises()
	for i := range doc.Statements {
		s := &doc.Statements[i]
		if s.Effect == Deny {
			continue
		}
		actions, resources := orStar(s.Action), orStar(s.Resource)
		only := onlyStatement(text, i)
		for _, action := range actions {
			for _, resource := range resources {
				widened := resource
				if doc.Version == Version {
					widened = Widen(resource)
				}
				n, err := NewNeed(action, widened)
				if err != nil {
					continue // check refuses such a requirement
				}
				if s.NotResource != nil {
					resource = ""
				}
				needs = append(needs, requiredNeed{n.Within(premises[i], resource), only})
			}
		}
	}
	return needs
}

// onlyStatement returns a document with each Deny and only one of the Allow statements.
func onlyStatement(text string, keep int) string {
	doc := plainDocument(text)
	var kept []any
	for i, s := range plainStatements(doc) {
		if i == keep || s["Effect"] == "Deny" {
			kept = append(kept, s)
		}
	}
	doc["Statement"] = kept
	written, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(written)
}

func policiesOf(t testing.TB, texts ...string) (g Grants) {
	for _, text := range texts {
		g.Identity = append(g.Identity, Policy{Document: mustParse(t, text)})
	}
	return g
}

// TestEachDocumentCoversItself checks that a document grants what it requires: with conditions,
// variables, Deny, NotAction and NotResource, alone and beside another Allow.
func TestEachDocumentCoversItself(t *testing.T) {
	count := 0
	for seed := range uint64(rounds(20_000)) {
		g := newGenerator(seed, false)
		text := string(g.document())
		grants := policiesOf(t, text)
		if g.chance(30) {
			grants = policiesOf(t, strings.ReplaceAll(string(g.document()), `"Deny"`, `"Allow"`), text)
		}
		for _, n := range requiredNeeds(t, text) {
			count++
			if c := grants.Cover(n.Need, nil); c.Status != Satisfied {
				t.Fatalf("seed %d: %s on %s is %s (%s), example %s on %s\n%s", seed, n.Action, n.Resource,
					c.Status, c.Reason, c.ExampleAction, c.ExampleARN, text)
			}
		}
	}
	if count < rounds(20_000) {
		t.Errorf("only %d needs", count)
	}
}

// changed returns a document that differs from another one in a few places, so that it often grants
// a part of it.
func (g generator) changed(text string) string {
	doc := plainDocument(text)
	var statements []any
	for _, s := range plainStatements(doc) {
		switch g.IntN(8) {
		case 0:
			delete(s, "Condition")
		case 1:
			conditions, _ := s["Condition"].(map[string]any)
			for operator := range conditions {
				if name, values := g.operator(); g.chance(50) {
					conditions[name] = map[string]any{g.one(contextKeys...): values}
				} else if g.chance(50) && operator != "Null" && !strings.HasSuffix(operator, "IfExists") {
					conditions[operator+"IfExists"] = conditions[operator]
					delete(conditions, operator)
				}
				break
			}
		case 2, 3:
			conditions, _ := s["Condition"].(map[string]any)
			for _, byKey := range conditions {
				for key, values := range byKey.(map[string]any) {
					list := plainList(values)
					if g.chance(50) {
						list = append(list, list...)
						list = append(list, g.value())
					} else {
						list = list[:(len(list)+1)/2]
					}
					byKey.(map[string]any)[key] = list
				}
			}
		case 4:
			if s["Resource"] != nil {
				s["Resource"] = append(plainList(s["Resource"]), g.pattern())
			}
		case 5:
			if s["Resource"] != nil && g.chance(50) {
				s["Resource"] = "*"
			}
		}
		if g.chance(95) {
			statements = append(statements, s)
		}
	}
	if len(statements) == 0 || g.chance(20) {
		statements = append(statements, g.statement())
	}
	doc["Statement"] = statements
	written, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return string(written)
}

// TestRequiredDocumentsAgainstBruteForce checks by the plain evaluator that in each context, a
// policy allows what a required document allows if Cover calls it satisfied, and that it does not
// allow the example of a gap.
func TestRequiredDocumentsAgainstBruteForce(t *testing.T) {
	counts := map[Status]int{}
	required := 0
	for seed := range uint64(rounds(3000)) {
		g := newGenerator(seed, false)
		text := string(g.document())
		granted := []string{g.changed(text)}
		if g.chance(40) {
			granted = append(granted, g.changed(text))
		}
		var known Context
		if g.chance(25) {
			known = requestOf(g.newCase()).Context
		}
		grants := policiesOf(t, granted...)
		for _, n := range requiredNeeds(t, text) {
			c := grants.Cover(n.Need, known)
			counts[c.Status]++
			required += checkRequired(t, fmt.Sprintf("seed %d", seed), g, n, granted, known, c)
			if t.Failed() {
				return
			}
		}
	}
	t.Log(counts, required)
	if counts[Satisfied] < rounds(3000) || counts[Conditional] < rounds(150) ||
		counts[Missing]+counts[Partial] < rounds(300) || required < rounds(20_000) ||
		counts[Unverified] > counts[Conditional] {
		t.Errorf("statuses %v, and %d requests are required", counts, required)
	}
}

// checkRequired compares a result of Cover with the plain evaluator in random contexts. It returns
// the number of requests that the required document allows.
func checkRequired(t testing.TB, name string, g generator, n requiredNeed, granted []string,
	known Context, c Coverage) (required int) {
	both := policiesOf(t, append(slices.Clone(granted), n.text)...)
	for range 60 {
		action, resource := g.action(), g.resource()
		if c.Status.Gap() {
			action, resource = c.ExampleAction, c.ExampleARN
		}
		if !n.Includes(action, resource) {
			continue
		}
		ctx := corpusContext(both.randomContext(g, known))
		if plainEvaluate(plainGrants{identity: []string{n.text}}, action, resource,
			ctx).decision != Allowed {
			continue
		}
		required++
		allowed := plainEvaluate(plainGrants{identity: granted}, action, resource,
			ctx).decision == Allowed
		switch {
		case c.Status == Satisfied && !allowed, c.Status.Gap() && c.Status != Conditional && allowed:
			t.Errorf("%s: %s on %s is %s, but %s on %s is allowed %v in %v\nrequired %s\ngranted %s", name,
				n.Action, n.Resource, c.Status, action, resource, allowed, ctx, n.text,
				strings.Join(granted, "\n"))
			return required
		}
	}
	if c.Status == Conditional {
		for _, side := range []struct {
			ctx     Context
			allowed bool
		}{{c.proof.allowed, true}, {c.proof.denied, false}} {
			ctx := corpusContext(side.ctx)
			needed := plainEvaluate(plainGrants{identity: []string{n.text}}, c.ExampleAction, c.ExampleARN,
				ctx).decision == Allowed
			allowed := plainEvaluate(plainGrants{identity: granted}, c.ExampleAction, c.ExampleARN,
				ctx).decision == Allowed
			// A known value may contradict the required condition, which then does not count.
			if !needed && known == nil || allowed != side.allowed {
				t.Errorf("%s: %s on %s is conditional, but in %v it is required %v and allowed %v\n"+
					"required %s\ngranted %s", name, c.ExampleAction, c.ExampleARN, ctx, needed, allowed, n.text,
					strings.Join(granted, "\n"))
			}
		}
	}
	return required
}

func corpusContext(ctx Context) corpus.Context {
	c := corpus.Context{}
	for key, values := range ctx {
		v := corpus.Values{Elements: values, List: len(values) != 1}
		c[key] = v
	}
	return c
}

// FuzzRequiredDocument checks that any document covers itself, and that a policy that covers it
// allows in each context what the document allows. The search may reach its limit.
func FuzzRequiredDocument(f *testing.F) {
	statement := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + rest + `}]}`
	}
	under := func(condition string) string {
		return statement(`"Action":"s3:Get","Resource":"arn:aws:s3:::b/*","Condition":{` + condition + `}`)
	}
	const mfa = `{"Effect":"Deny","NotAction":"s3:L*","Resource":"*","Condition":{"BoolIfExists":` +
		`{"aws:MultiFactorAuthPresent":"false"}}}`
	for _, pair := range [][2]string{
		{under(`"StringEquals":{"ex:k":["a","b"]}`), under(`"StringLike":{"EX:K":["a*","b"]}`)},
		{under(`"StringEquals":{"ex:k":["a","b"]}`), `{"Statement":[{"Effect":"Allow","Action":"s3:*",` +
			`"Resource":"*","Condition":{"StringEquals":{"ex:k":"a"}}},{"Effect":"Allow","Action":"s3:Get",` +
			`"Resource":"arn:aws:s3:::*","Condition":{"StringEquals":{"ex:k":"b"}}}]}`},
		{under(`"ForAllValues:StringLike":{"ex:k":"a*"},"Null":{"ex:k":"false"}`),
			under(`"ForAnyValue:StringLike":{"ex:k":"a*"}`)},
		{under(`"IpAddress":{"ex:k":"10.1.0.0/16"}`), under(`"IpAddress":{"ex:k":["10.0.0.0/9","::/0"]}`)},
		{under(`"NumericLessThan":{"ex:k":"5"},"NumericGreaterThan":{"ex:k":"4"}`),
			under(`"NumericNotEquals":{"ex:k":["4","1.50"]}`)},
		{under(`"ArnLike":{"ex:k":"arn:*:s3:::b*"}`), under(`"StringLikeIfExists":{"ex:k":"arn:*"}`)},
		{under(`"StringNotEqualsIgnoreCase":{"ex:k":["${ex:m}","K"]}`),
			under(`"StringNotEqualsIgnoreCase":{"ex:k":"${ex:m}"}`)},
		{statement(`"Action":"*","Resource":["arn:aws:s3:::${ex:k}/*","arn:aws:s3:::${*}"]},` +
			mfa[:len(mfa)-1]),
			statement(`"NotAction":"iam:*","NotResource":"arn:aws:s3:::${ex:k, 'x'}"`)},
		{`{"Statement":[` + mfa + `,{"Effect":"Allow","NotAction":["a:B"],"NotResource":["arn:aws:*:x"]}]}`,
			`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},` + mfa + `]}`},
	} {
		f.Add(pair[0], pair[1], uint64(1))
	}
	f.Fuzz(func(t *testing.T, required, granted string, seed uint64) {
		both := required + granted
		if len(both) > 4096 || !utf8.ValidString(both) || strings.ContainsRune(both, utf8.RuneError) ||
			strings.Contains(both, `\u`) {
			return // IAM stores no such text, or the search is long
		}
		doc, err := Parse(required)
		if err != nil {
			return
		}
		policy, err := Parse(granted)
		if err != nil {
			return
		}
		self, other := policiesOf(t, required), Grants{Identity: []Policy{{Document: policy}}}
		needs := requiredNeeds(t, required)
		for _, n := range needs[:min(len(needs), 20)] {
			if c := self.Cover(n.Need, nil); c.Status != Satisfied && c.Reason != searchExhausted {
				t.Fatalf("%s on %s is %s (%s)", n.Action, n.Resource, c.Status, c.Reason)
			}
			if other.Cover(n.Need, nil).Status != Satisfied {
				continue
			}
			g := newGenerator(seed, false)
			both := Grants{Identity: []Policy{{Document: doc}, {Document: policy}}}
			for _, l := range n.resources {
				for range 50 {
					r := Request{Action: strings.NewReplacer("*", "Aa", "?", "A").Replace(n.Action),
						Resource: l.sampleName(), Context: both.randomContext(g, nil)}
					if n.Action == "*" {
						r.Action = g.action()
					}
					if policiesOf(t, n.text).Evaluate(r).Decision == Allowed && n.Includes(r.Action, r.Resource) &&
						other.Evaluate(r).Decision != Allowed {
						t.Fatalf("%s on %s is satisfied, but not in %q", r.Action, r.Resource, r.Context)
					}
				}
			}
		}
	})
}
