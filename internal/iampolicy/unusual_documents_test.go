package iampolicy

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestUnusualDocumentsAreEvaluated checks that the engine can evaluate documents that Parse accepts
// and that are unusual.
func TestUnusualDocumentsAreEvaluated(t *testing.T) {
	for seed := range uint64(rounds(5000)) {
		w := world{rand.New(rand.NewPCG(seed, 19))}
		action := func() string {
			return w.pick("s*Object", "*", "s3:?", "?", "s3:*x", "iam:", "*:", "s3:A", "**")
		}
		resource := func() string {
			return w.pick("arn:x", "arn:aws:s3:::${ex:k}", "${*}", "arn:*", "*", "?", "a*", "arn:aws:s3:::a*",
				"arn:aws:s3:::${ex:k,'d'}*", "arn::::::", "arn:", "arn:aws:s3*:a", "?rn:**?")
		}
		statement := func() string {
			return fmt.Sprintf(`{"Effect":%q,%q:%s,%q:%s%s}`, w.pick("Allow", "Allow", "Deny"),
				w.pick("Action", "NotAction"), w.list(action),
				w.pick("Resource", "NotResource"), w.list(resource),
				w.pick("", "", `,"Condition":{"StringLike":{"ex:k":["${ex:k}","${ex:m,'*'}"]}}`,
					`,"Condition":{"Null":{"ex:m":"true"}}`))
		}
		text := `{"Version":"2012-10-17","Statement":[` + statement() + "," + statement() + `]}`
		policy := Policy{Document: mustParse(t, text)}
		g := Grants{Identity: []Policy{policy, {}}}
		switch w.IntN(3) {
		case 0:
			g.Boundary = &policy
		case 1:
			g.Organization = [][]Policy{{policy}, {}}
		}
		var needs []Need
		for range 3 {
			n, err := NewNeed(action(), resource())
			if err != nil {
				continue
			}
			needs = append(needs, n)
			text := resource()
			literal, err := NewLiteralNeed(n.Action, "*", text)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range []Need{n, n.Named(), n.Preferring(text), literal} {
				c := g.Cover(n, Context{"ex:m": {"v"}})
				if c.Status == "" || c.Status != Satisfied && c.Explanation() == "" {
					t.Fatalf("seed %d: %s on %s has status %q, explanation %q\n%s",
						seed, n.Action, n.Resource, c.Status,
						c.Explanation(), text)
				}
			}
		}
		list, _ := g.Excess(needs, nil)
		for _, e := range list {
			if e.ExampleAction == "" || e.ExampleARN == "" {
				t.Fatalf("seed %d: an excess has no example: %+v\n%s", seed, e, text)
			}
		}
	}
}
