package iampolicy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// TestEvaluateAgreesWithPlainEvaluator checks that the engine and the plain evaluator agree on the
// decision, on every matching statement, on the result of each layer, and on the missing keys.
func TestEvaluateAgreesWithPlainEvaluator(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	seen := map[Decision]int{}
	for seed := range n {
		c := newGenerator(uint64(seed), false).newCase()
		plain := compareWithPlain(t, fmt.Sprintf("seed %d", seed), c)
		seen[plain.decision]++
	}
	for _, d := range []Decision{ImplicitDeny, ExplicitDeny, Allowed} {
		if seen[d] < n/20 {
			t.Errorf("%d of %d requests are %v, want at least %d: %v", seen[d], n, d, n/20, seen)
		}
	}
}

// compareWithPlain compares the results of both evaluators for a case. It returns the result of the
// plain evaluator.
func compareWithPlain(t testing.TB, name string, c corpus.Case) plainAnswer {
	t.Helper()
	request := requestOf(c)
	want := plainEvaluate(plainGrantsOf(c), c.Action, c.Resource, c.Context)
	result := grantsOf(t, c).Evaluate(request)
	got := plainAnswer{
		decision: result.Decision, identity: result.IdentityAllows, boundary: result.BoundaryAllows,
		organization: result.OrganizationAllows, missing: slices.Sorted(slices.Values(result.Missing)),
	}
	for _, m := range result.Matched {
		// The number of a policy is the last part of its ID.
		number := m.Policy[strings.LastIndex(m.Policy, ".")+1:]
		got.matched = append(got.matched, fmt.Sprintf("%v %s/%d", m.Layer, number, m.Index))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		text, _ := json.Marshal(c)
		t.Errorf("%s: the engine returns\n%+v, the plain evaluator\n%+v, for\n%s", name, got, want, text)
	}
	return want
}

// requestOf returns the request of a case.
func requestOf(c corpus.Case) Request {
	ctx := Context{}
	for key, v := range c.Context {
		ctx[key] = v.Elements
		if v.List {
			ctx[key] = Multivalued(v.Elements...)
		}
	}
	return Request{Action: c.Action, Resource: c.Resource, Context: ctx}
}

func plainGrantsOf(c corpus.Case) (g plainGrants) {
	texts := func(list []corpus.Document) (texts []string) {
		for _, d := range list {
			texts = append(texts, string(d))
		}
		return texts
	}
	g.identity = texts(c.Identity)
	if c.Boundary != nil {
		g.boundary = string(*c.Boundary)
	}
	for _, level := range c.Organization {
		g.organization = append(g.organization, texts(level))
	}
	return g
}

// grantsOf parses the policies of a case. Their IDs are the names that the simulator uses. The ID
// of a service control policy also contains the number of its level.
func grantsOf(t testing.TB, c corpus.Case) (g Grants) {
	t.Helper()
	return rewrittenGrantsOf(t, c, func(text string) string { return text })
}

// rewrittenGrantsOf rewrites the text of each policy of a case, and parses the results like
// grantsOf.
func rewrittenGrantsOf(t testing.TB, c corpus.Case, rewrite func(string) string) (g Grants) {
	t.Helper()
	parsed := func(d corpus.Document, id string) Policy {
		doc, err := Parse(rewrite(string(d)))
		if err != nil {
			t.Fatalf("%s: %v in %s", c.Name, err, d)
		}
		return Policy{ID: id, Document: doc}
	}
	for i, d := range c.Identity {
		g.Identity = append(g.Identity, parsed(d, fmt.Sprintf("PolicyInputList.%d", i+1)))
	}
	if c.Boundary != nil {
		boundary := parsed(*c.Boundary, "PermissionsBoundaryPolicyInputList.1")
		g.Boundary = &boundary
	}
	for i, level := range c.Organization {
		policies := []Policy{}
		for j, d := range level {
			policies = append(policies,
				parsed(d, fmt.Sprintf("OrderedOrganizationPolicyInputList.%d.%d", i+1, j+1)))
		}
		g.Organization = append(g.Organization, policies)
	}
	return g
}
