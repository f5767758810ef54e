package iampolicy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// checkCoverAgainstEvaluate checks that Cover and Evaluate agree on a need without wildcards.
func checkCoverAgainstEvaluate(t *testing.T, name string, g Grants, r Request) {
	t.Helper()
	n, err := NewNeed(r.Action, r.Resource)
	if err != nil || strings.ContainsAny(r.Action, "*?") ||
		strings.ContainsAny(strings.TrimPrefix(r.Resource, "*"), "*?") {
		return // the request is not a valid need without wildcards
	}
	c, result := g.Cover(n, r.Context), g.Evaluate(r)
	switch allowed := result.Decision == Allowed; {
	case r.Resource == "*":
		// The need for "*" also includes every ARN.
		if c.Status == Satisfied {
			checkAllowedInEachContext(t, name, g, r)
		}
	case result.Conditional && c.Status == Satisfied:
		// Cover sees that conditions exclude each other, or always hold. Evaluate does not.
		checkAllowedInEachContext(t, name, g, r)
	case !result.Conditional && allowed != (c.Status == Satisfied):
		t.Errorf("%s: %s on %s is %s (%s), but Evaluate returns %v, conditional %v", name, r.Action,
			r.Resource, c.Status, c.Reason, result.Decision, result.Conditional)
	}
}

// checkAllowedInEachContext checks that a request is allowed in contexts that add values to the
// known context. The values are those in the policies, and values of every type.
func checkAllowedInEachContext(t *testing.T, name string, g Grants, r Request) {
	t.Helper()
	known := r.Context
	for seed := range uint64(200) {
		r.Context = g.randomContext(newGenerator(seed, false), known)
		if seed == 0 {
			r.Context = known
		}
		if d := g.Evaluate(r).Decision; d != Allowed {
			t.Errorf("%s: %s on %s is satisfied, but %v in the context %q", name, r.Action, r.Resource, d,
				r.Context)
			return
		}
	}
}

// randomContext adds values for some of the keys in the policies to a context.
func (g Grants) randomContext(random generator, known Context) Context {
	ctx := known.clone()
	values := map[string][]string{}
	add := func(key string, list ...string) {
		values[strings.ToLower(key)] = append(values[strings.ToLower(key)], list...)
	}
	for _, p := range g.policies() {
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			var variables []string
			for j := range s.Conditions {
				add(s.Conditions[j].Key, s.Conditions[j].Values...)
				variables = append(variables, s.Conditions[j].variablesWithoutDefault()...)
			}
			for j := range s.resources {
				variables = append(variables, s.resources[j].variablesWithoutDefault()...)
			}
			for _, key := range variables {
				add(key, "x")
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if _, present := ctx.lookup(key); present || random.chance(25) {
			continue
		}
		list := []string{}
		for range []int{1, 1, 1, 1, 0, 2, 3}[random.IntN(7)] {
			value := random.value()
			if random.chance(60) && len(values[key]) > 0 {
				value = random.one(values[key]...)
			}
			list = append(list, strings.NewReplacer("*", random.one("", "x", "*"), "${ex:k}",
				random.value()).Replace(value))
		}
		ctx[key] = list
	}
	return ctx
}

// TestCoverAgreesWithEvaluate checks that Cover and Evaluate agree on the requests of the corpus
// and on generated requests.
func TestCoverAgreesWithEvaluate(t *testing.T) {
	for _, file := range loadCorpus(t) {
		for _, c := range file.Cases {
			checkCoverAgainstEvaluate(t, c.Name, grantsOf(t, c), requestOf(c))
		}
	}
	for seed := range uint64(3000) {
		c := newGenerator(seed, false).newCase()
		checkCoverAgainstEvaluate(t, fmt.Sprintf("seed %d", seed), grantsOf(t, c), requestOf(c))
	}
}

// FuzzCover checks that every request of a satisfied need is allowed. For a gap, it checks that the
// need includes the example, and that the example is not allowed.
func FuzzCover(f *testing.F) {
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		`{"Statement":{"Effect":"Deny","Action":"s3:*",`+
			`"Resource":"arn:aws:s3:::remotionlambda-secret*"}}`,
		"s3:GetObject", "arn:aws:s3:::remotionlambda-*", "s3:GetObject",
		"arn:aws:s3:::remotionlambda-secret/x")
	const noGrant = `{"Statement":{"Effect":"Allow","Action":"x:Y","Resource":"*"}}`
	f.Add(`{"Statement":{"Effect":"Allow","NotAction":"s3:D*","NotResource":["arn:aws:s3:::a?",`+
		`"arn:*:b"]}}`, `{"Statement":{"Effect":"Allow","Action":"s3:?","Resource":"arn:aws:s3:::*"}}`,
		"s3:*", "arn:aws:s3:*:*:a*", "s3:Get", "arn:aws:s3:::ab")
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*",`+
		`"Resource":"arn:aws:s3:::${ex:k}*","Condition":{"Null":{"ex:m":"true"}}}}`, noGrant,
		"a:B", "arn:aws:s3:::*", "a:B", "arn:aws:s3:::x")
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::b-",`+
		`"arn:aws:s3:::b-?*"]}}`, noGrant, "s3:GetObject", "arn:aws:s3:::b-*",
		"s3:GetObject", "arn:aws:s3:::b-ÿ")
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:lambda:*:function:b"}}`,
		noGrant, "lambda:X", "arn:aws:lambda:*:*:*", "lambda:x",
		"arn:aws:lambda:r:1:function:a:function:b")
	f.Add(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::`+
		strings.Repeat("a*", 200)+`"}}`, noGrant, "*", "*", "s3:X", "*")
	f.Fuzz(func(t *testing.T, one, two, action, resource, otherAction, otherResource string) {
		if !utf8.ValidString(one+two+action+resource+otherResource) ||
			strings.ContainsRune(one+two+resource+otherResource, utf8.RuneError) {
			return // IAM cannot store such text
		}
		var g Grants
		for _, text := range []string{one, two} {
			doc, err := Parse(text)
			if err != nil {
				return
			}
			g.Identity = append(g.Identity, Policy{Document: doc})
			written, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(string(written))
			if err != nil {
				t.Fatalf("%s was written as %s: %v", text, written, err)
			}
			if twice, _ := json.Marshal(again); string(twice) != string(written) {
				t.Fatalf("%s was written as %s, then as %s", text, written, twice)
			}
		}
		n, err := NewNeed(action, resource)
		if err != nil {
			return
		}
		c := g.Cover(n, nil)
		switch r := g.Evaluate(Request{Action: c.ExampleAction, Resource: c.ExampleARN}); {
		case c.Status == Satisfied:
			if n.Includes(otherAction, otherResource) {
				checkAllowedInEachContext(t, action+" on "+resource, g,
					Request{Action: otherAction, Resource: otherResource})
			}
		case c.Status == Unverified:
			if c.Reason == "" {
				t.Error("unverified without a reason")
			}
		case !n.Includes(c.ExampleAction, c.ExampleARN):
			t.Errorf("the example %s on %s is not in the need for %s on %s",
				c.ExampleAction, c.ExampleARN, action, resource)
		case r.Decision == Allowed && !r.Conditional:
			t.Errorf("the example %s on %s is allowed, but the status is %s",
				c.ExampleAction, c.ExampleARN, c.Status)
		}
		_ = c.Explanation()
		_, _ = g.Excess([]Need{n}, nil)
	})
}
