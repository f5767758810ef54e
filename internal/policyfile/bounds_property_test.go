package policyfile

import (
	"math/rand/v2"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// A generator makes policy documents with unknown parts, and fills the parts.
type generator struct{ *rand.Rand }

func pick[T any](g generator, list ...T) T { return list[g.IntN(len(list))] }

// scalar returns a string. open is the chance in percent that a part is unknown.
func (g generator) scalar(open int, texts ...string) tree.Value {
	text := pick(g, texts...)
	switch {
	case g.IntN(100) >= open:
		return tree.NewString(tree.Place{}, tree.Part{Text: text})
	case g.IntN(3) == 0:
		return tree.NewUnknown(tree.Place{}, "whole")
	}
	from := g.IntN(len(text))
	to := from + g.IntN(len(text)-from)
	return tree.NewString(tree.Place{}, tree.Part{Text: text[:from]}, tree.Part{Unknown: "part"},
		tree.Part{Text: text[to:]})
}

func (g generator) list(open int, texts ...string) tree.Value {
	if g.IntN(100) < open/3 {
		return tree.NewUnknown(tree.Place{}, "list")
	}
	if g.IntN(3) == 0 {
		return g.scalar(open, texts...)
	}
	v := tree.Value{Kind: tree.List}
	for range 1 + g.IntN(3) {
		v.Items = append(v.Items, g.scalar(open, texts...))
	}
	return v
}

var (
	actions   = []string{"s3:GetObject", "s3:PutObject", "s3:*", "*", "lambda:InvokeFunction"}
	resources = []string{"*", "arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::b/x",
		"arn:aws:lambda:*:*:function:f"}
	regions = []string{"us-east-1", "eu-*", "*"}
)

func (g generator) statement(open int) tree.Value {
	if g.IntN(100) < open/4 {
		return tree.NewUnknown(tree.Place{}, "statement")
	}
	s := tree.Value{Kind: tree.Map}
	add := func(key string, v tree.Value) {
		s.Members = append(s.Members, tree.Member{Key: key, Value: v})
	}
	effect := g.scalar(0, "Allow", "Allow", "Deny")
	if g.IntN(100) < open/4 {
		effect = tree.NewUnknown(tree.Place{}, "effect")
	}
	add("Effect", effect)
	add(pick(g, "Action", "Action", "NotAction"), g.list(open, actions...))
	add(pick(g, "Resource", "Resource", "NotResource"), g.list(open, resources...))
	if g.IntN(3) == 0 {
		condition := tree.NewUnknown(tree.Place{}, "condition")
		if g.IntN(100) >= open/3 {
			keys := tree.Value{Kind: tree.Map, Members: []tree.Member{{Key: "aws:RequestedRegion",
				Value: g.list(open, regions...)}}}
			condition = tree.Value{Kind: tree.Map, Members: []tree.Member{{
				Key: pick(g, "StringLike", "StringNotLike"), Value: keys}}}
		}
		add("Condition", condition)
	}
	return s
}

func (g generator) document() tree.Value {
	open := pick(g, 10, 40)
	list := tree.Value{Kind: tree.List, Items: []tree.Value{}}
	for range 1 + g.IntN(3) {
		list.Items = append(list.Items, g.statement(open))
	}
	return tree.Value{Kind: tree.Map, Members: []tree.Member{
		{Key: "Version", Value: g.scalar(0, iampolicy.Version)}, {Key: "Statement", Value: list}}}
}

// fill replaces the unknown parts of a value.
func (g generator) fill(v tree.Value) tree.Value {
	if v.Kind == tree.Unknown {
		switch v.Text {
		case "statement":
			return g.statement(0)
		case "effect":
			return g.scalar(0, "Allow", "Deny")
		case "condition":
			for {
				s := g.statement(0)
				if c := s.Get("Condition"); c != nil {
					return *c
				}
			}
		case "list":
			return g.list(0, append(append([]string{}, actions...), resources...)...)
		}
		return g.scalar(0, append(append(append([]string{}, actions...), resources...), regions...)...)
	}
	if v.Parts != nil {
		parts := make([]tree.Part, len(v.Parts))
		for i, p := range v.Parts {
			if p.Unknown != "" {
				p = tree.Part{Text: pick(g, "", "a", "*", "s3:", "Object", ":::a/", "arn:aws:s3:::", "x/y")}
			}
			parts[i] = p
		}
		return tree.NewString(v.Place, parts...)
	}
	out := v
	out.Items, out.Members = nil, nil
	for _, item := range v.Items {
		out.Items = append(out.Items, g.fill(item))
	}
	for _, m := range v.Members {
		m.Value = g.fill(m.Value)
		out.Members = append(out.Members, m)
	}
	return out
}

// allows reports whether a document alone allows a request.
func allows(d *iampolicy.Document, r iampolicy.Request) bool {
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "p", Document: d}}}
	return grants.Evaluate(r).Decision == iampolicy.Allowed
}

// checkBounds makes a document from a seed, and reports whether it could be filled.
func checkBounds(t *testing.T, seed uint64) bool {
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	open := g.document()
	b, err := BoundsOf(open)
	if err != nil {
		return false // a known part is no policy
	}
	full, err := BoundsOf(g.fill(open))
	if err != nil {
		return false // IAM would refuse the document
	}
	if len(full.Open) > 0 {
		t.Fatalf("seed %d: %v is open in a filled document", seed, full.Open)
	}
	for _, action := range []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject",
		"lambda:InvokeFunction", "iam:PassRole"} {
		for _, resource := range []string{"arn:aws:s3:::a", "arn:aws:s3:::a/x/y", "arn:aws:s3:::b/x",
			"arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:iam::123456789012:role/r"} {
			for _, region := range []string{"us-east-1", "eu-central-1"} {
				r := iampolicy.Request{Action: action, Resource: resource,
					Context: iampolicy.Context{"aws:RequestedRegion": {region}}}
				got := allows(full.AtMost, r)
				if got && !allows(b.AtMost, r) {
					t.Fatalf("seed %d: %s on %s is allowed, but not at most", seed, action, resource)
				}
				if !got && allows(b.AtLeast, r) {
					t.Fatalf("seed %d: %s on %s is allowed at least, but not allowed", seed, action, resource)
				}
			}
		}
	}
	return true
}

func TestFilledPolicyIsWithinItsBounds(t *testing.T) {
	filled := 0
	for seed := range uint64(4_000) {
		if checkBounds(t, seed) {
			filled++
		}
	}
	if filled < 1_000 {
		t.Errorf("%d documents were filled, want at least 1,000", filled)
	}
}

func FuzzBounds(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed << 40)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { checkBounds(t, seed) })
}
