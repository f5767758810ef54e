package iampolicy

import (
	"encoding/json"
	"fmt"
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
		if c.Status == Satisfied && (!allowed || result.Conditional) {
			t.Errorf("%s: %s on * is satisfied, but Evaluate returns %v", name, r.Action, result.Decision)
		}
	case result.Conditional && c.Status == Satisfied, !result.Conditional &&
		allowed != (c.Status == Satisfied):
		t.Errorf("%s: %s on %s is %s (%s), but Evaluate returns %v, conditional %v", name, r.Action,
			r.Resource, c.Status, c.Reason, result.Decision, result.Conditional)
	}
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
			r := g.Evaluate(Request{Action: otherAction, Resource: otherResource})
			if n.Includes(otherAction, otherResource) && (r.Decision != Allowed || r.Conditional) {
				t.Errorf("%s on %s is satisfied, but %s on %s is %v, conditional %v", action, resource,
					otherAction, otherResource, r.Decision, r.Conditional)
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
