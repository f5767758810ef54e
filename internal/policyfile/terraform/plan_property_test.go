package terraform

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A testBlocks is a data source of a policy document: planned, marked and full are its values in
// the plan, in after_unknown, and after apply.
type testBlocks struct{ planned, marked, full []any }

type object = map[string]any

// set returns a set of texts of which some are known after apply. Terraform leaves them out of the
// planned values.
func set(g *rand.Rand, texts ...string) (planned, marked, full any) {
	if g.IntN(8) == 0 {
		return nil, true, []any{texts[g.IntN(len(texts))]}
	}
	p, m, f := []any{}, []any{}, []any{}
	for range 1 + g.IntN(3) {
		text := texts[g.IntN(len(texts))]
		unknown := g.IntN(3) == 0
		if !unknown {
			p = append(p, text)
		}
		m, f = append(m, unknown), append(f, text)
	}
	return p, m, f
}

func randomBlocks(g *rand.Rand) (b testBlocks) {
	for range 1 + g.IntN(3) {
		planned, marked, full := object{}, object{}, object{}
		add := func(key string, p, m, f any) {
			if p != nil {
				planned[key] = p
			}
			marked[key], full[key] = m, f
		}
		p, m, f := set(g, "s3:GetObject", "s3:*", "lambda:InvokeFunction", "*")
		add([]string{"actions", "actions", "not_actions"}[g.IntN(3)], p, m, f)
		p, m, f = set(g, "*", "arn:aws:s3:::a/*", "arn:aws:s3:::b/x", "arn:aws:s3:::&{aws:username}/*")
		add([]string{"resources", "resources", "not_resources"}[g.IntN(3)], p, m, f)
		effect := []any{nil, "Allow", "Deny"}[g.IntN(3)]
		if g.IntN(6) == 0 {
			add("effect", nil, true, effect)
		} else {
			add("effect", effect, false, effect)
		}
		if g.IntN(3) == 0 {
			p, m, f = set(g, "us-east-1", "eu-*")
			planned["condition"] = []any{object{"test": "StringLike", "variable": "aws:RequestedRegion",
				"values": p}}
			marked["condition"] = []any{object{"values": m}}
			full["condition"] = []any{object{"test": "StringLike", "variable": "aws:RequestedRegion",
				"values": f}}
		}
		b.planned, b.marked = append(b.planned, planned), append(b.marked, marked)
		b.full = append(b.full, full)
	}
	return b
}

// boundsOf returns the bounds of the policy in a plan with blocks.
func boundsOf(t *testing.T, planned, marked []any) (least, most *iampolicy.Document) {
	t.Helper()
	write := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	f, err := Read(testPlan(t, []testResource{
		{address: "aws_iam_policy.p", unknown: `{"policy":true}`, config: `{"policy":{"references":[` +
			`"data.aws_iam_policy_document.x.json"]}}`},
		{address: "data.aws_iam_policy_document.x", after: write(object{"statement": planned}),
			unknown: write(object{"json": true, "statement": marked})},
	}, nil, ""))
	if err != nil {
		t.Fatal(err)
	}
	d := f.Principals[0].Policies[0]
	return d.AtLeast, d.AtMost
}

func TestAppliedDocumentIsWithinTheBoundsOfThePlan(t *testing.T) {
	allows := func(d *iampolicy.Document, r iampolicy.Request) bool {
		grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "p", Document: d}}}
		return grants.Evaluate(r).Decision == iampolicy.Allowed
	}
	allowed, known := 0, 0
	for seed := range uint64(400) {
		b := randomBlocks(rand.New(rand.NewPCG(seed, 1)))
		least, most := boundsOf(t, b.planned, b.marked)
		full, same := boundsOf(t, b.full, nil)
		if full != same {
			t.Fatalf("seed %d: the applied document is open", seed)
		}
		for _, action := range []string{"s3:GetObject", "s3:PutObject", "lambda:InvokeFunction"} {
			for _, resource := range []string{"arn:aws:s3:::a/x", "arn:aws:s3:::b/x", "arn:aws:s3:::me/x"} {
				r := iampolicy.Request{Action: action, Resource: resource, Context: iampolicy.Context{
					"aws:RequestedRegion": {"us-east-1"}, "aws:username": {"me"}}}
				got := allows(full, r)
				if got && !allows(most, r) || !got && allows(least, r) {
					t.Fatalf("seed %d: %s on %s: allowed %t, at least %t, at most %t", seed, action,
						resource, got, allows(least, r), allows(most, r))
				}
				if got {
					allowed++
				}
				if allows(least, r) {
					known++
				}
			}
		}
	}
	if allowed < 500 || known < 50 {
		t.Errorf("%d requests are allowed, and %d of them in any case: the plans prove too little",
			allowed, known)
	}
}
