package iampolicy

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestUnusualDocumentsAreEvaluated checks that the engine can evaluate documents that Parse accepts
// and that IAM would not store.
func TestUnusualDocumentsAreEvaluated(t *testing.T) {
	for seed := range uint64(rounds(5000)) {
		w := world{rand.New(rand.NewPCG(seed, 19))}
		action := func() string {
			return w.pick("GetObject", "*", "s3:?", "", "s3:*x", "iam:", "::", "s3:A", "**")
		}
		resource := func() string {
			return w.pick("x", "arn:aws:s3:::${k}", "${*}", "arn:*", "*", "?", "", "arn:aws:s3:::a*",
				"arn:aws:s3:::${k,'d'}*", "arn::::::", ":", "arn:aws:s3*:a", "**?")
		}
		listOf := func(one func() string) string {
			if w.IntN(8) == 0 {
				return "[]"
			}
			return w.list(one)
		}
		statement := func() string {
			return fmt.Sprintf(`{"Effect":%q,%q:%s,%q:%s%s}`, w.pick("Allow", "Allow", "Deny"),
				w.pick("Action", "NotAction"), listOf(action),
				w.pick("Resource", "NotResource"), listOf(resource),
				w.pick("", "", `,"Condition":{"StringLike":{"k":["${k}","${m,'*'}"]}}`,
					`,"Condition":{"Null":{"m":"true"}}`))
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
			for _, n := range []Need{n, n.Named(), n.Preferring(resource())} {
				c := g.Cover(n, Context{"m": {"v"}})
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
