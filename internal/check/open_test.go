package check

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/testing/treetest"
)

// boundsOf returns the bounds of a policy in which each string "?name", and each "{?name}" in a
// string, is open. The file is policy.json.
func boundsOf(t *testing.T, text string) Bounds {
	t.Helper()
	v, err := tree.ParseJSON(text, tree.Limits{Bytes: 1 << 20, Values: 10_000, Depth: 50})
	if err != nil {
		t.Fatal(err)
	}
	p, err := policyfile.BoundsOf(treetest.Opened(v))
	if err != nil {
		t.Fatal(err)
	}
	policy := iampolicy.Policy{ID: "p", Document: p.AtMost,
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: "policy.json"}}
	b := Exactly(iampolicy.Grants{Identity: []iampolicy.Policy{policy}})
	policy.Document = p.AtLeast
	b.AtLeast.Identity = []iampolicy.Policy{policy}
	for _, s := range p.AtMost.Statements {
		for _, part := range p.Parts[s.Brace] {
			b.Open = append(b.Open, Open{Name: part.Name, Policy: "p", Statement: s.Brace,
				At: NewPlace("policy.json", part.At.Line, part.At.Column), Remedy: "set " + part.Name})
		}
	}
	return b
}

func TestFindingsOnOpenPolicies(t *testing.T) {
	required := requiredOf(t, `{"Statement":{"Effect":"Allow","Action":"s3:GetObject",`+
		`"Resource":"arn:aws:s3:::videos/*"}}`)
	const all = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
	for _, test := range []struct {
		name, statements string
		status           iampolicy.Status
		open             string // the named parts
		why              string
	}{
		{"an open part elsewhere decides nothing", all + `,{"Effect":"Allow","Action":"sqs:*","Resource":"?q"}`,
			iampolicy.Satisfied, "", ""},
		{"an open resource of the only grant decides",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{?bucket}/*"}`,
			iampolicy.Unverified, "bucket",
			"depends on bucket (policy.json:1), which the file leaves open: set bucket"},
		{"an open resource of a Deny decides",
			all + `,{"Effect":"Deny","Action":"s3:GetObject","Resource":"?locked"}`,
			iampolicy.Unverified, "locked", "set locked"},
		{"no value of an open part grants another action",
			`{"Effect":"Allow","Action":"s3:PutObject","Resource":"?bucket"}`,
			iampolicy.Missing, "", "no statement grants the action"},
		{"no value of an open part lifts a Deny",
			`{"Effect":"Allow","Action":"?action","Resource":"*"},` +
				`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`,
			iampolicy.Denied, "", "denies the action"},
		{"the parts of two statements are named",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"?one"},` +
				`{"Effect":"Deny","Action":"*","Resource":"?two"}`,
			iampolicy.Unverified, "one two", "set one or set two"},
		{"an open condition decides", `{"Effect":"Allow","Action":"s3:*","Resource":"*",` +
			`"Condition":{"StringEquals":{"aws:SourceVpc":"?vpc"}}}`, iampolicy.Unverified, "vpc", "set vpc"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := boundsOf(t, `{"Version":"2012-10-17","Statement":[`+test.statements+`]}`)
			v, err := Evaluate(t.Context(), b, required, nil)
			if err != nil {
				t.Fatal(err)
			}
			f := v.Findings[0]
			var open []string
			for _, o := range f.Open {
				open = append(open, o.Name)
			}
			if f.Status != test.status || strings.Join(open, " ") != test.open ||
				!strings.Contains(f.Why, test.why) {
				t.Errorf("%s, open %q, %q; want %s, %q, %q", f.Status, open, f.Why, test.status,
					test.open, test.why)
			}
			if f.Status != iampolicy.Satisfied && (f.At == nil || f.At.File != "policy.json") {
				t.Errorf("place %v, want one in policy.json", f.At)
			}
		})
	}
}

// TestNoFixOfAnOpenDocument checks that a document with an unknown part is not edited, and that the
// fix says why, unless an edit elsewhere closes the gap in any case.
func TestNoFixOfAnOpenDocument(t *testing.T) {
	required, err := ReleaseRequirements(Target{Kind: policies.Role}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	b := boundsOf(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"?x"}]}`)
	v, err := Evaluate(t.Context(), b, required, nil)
	if err == nil {
		err = v.FindFix(t.Context(), b, required, nil)
	}
	if err != nil || v.Fix == nil || len(v.Fix.Edits) > 0 ||
		!strings.Contains(v.Fix.Withheld, "leaves open x") {
		t.Errorf("%v, fix %+v; want none, because x is open", err, v.Fix)
	}
}

// TestUnknownIsNeverCertain makes random parts of random policies open, and compares the verdict
// with the verdicts on policies in which the parts have random values.
func TestUnknownIsNeverCertain(t *testing.T) {
	required := requiredOf(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[`+
		`"s3:GetObject","s3:PutObject","sqs:SendMessage"],"Resource":["arn:aws:s3:::a/*",`+
		`"arn:aws:s3:::a/b"]}]}`)
	actions := []string{"s3:GetObject", "s3:*", "*", "sqs:SendMessage", "s3:Put*"}
	resources := []string{"arn:aws:s3:::a/*", "arn:aws:s3:::a/b", "*", "arn:aws:s3:::*", "arn:aws:s3:::b/*"}
	counts := map[iampolicy.Status]int{}
	for seed := range 300 {
		random := rand.New(rand.NewPCG(uint64(seed), 17))
		p := randomPolicy(random, actions, resources)
		open := boundsOf(t, p.text(nil))
		v, err := Evaluate(t.Context(), open, required, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 8 {
			filled := p.text(func(kind string) string {
				if kind == "Action" {
					return actions[random.IntN(len(actions))]
				}
				return resources[random.IntN(len(resources))]
			})
			known, err := Evaluate(t.Context(), boundsOf(t, filled), required, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range v.Findings {
				k := known.Findings[i]
				counts[f.Status]++
				if f.Status == iampolicy.Satisfied && k.Status != iampolicy.Satisfied ||
					f.Status.Gap() && !k.Status.Gap() {
					t.Fatalf("seed %d: %s on %s is %s with open parts, but %s with values:\n%s\n%s", seed,
						f.Action, f.Resource, f.Status, k.Status, p.text(nil), filled)
				}
			}
		}
	}
	for _, status := range []iampolicy.Status{iampolicy.Satisfied, iampolicy.Unverified,
		iampolicy.Missing, iampolicy.Denied} {
		if counts[status] < 100 {
			t.Errorf("%d findings are %s, want many of each: %v", counts[status], status, counts)
		}
	}
}

// A sketch is a policy of which some patterns are open.
type sketch []map[string]any

func randomPolicy(random *rand.Rand, actions, resources []string) (p sketch) {
	for range 1 + random.IntN(3) {
		effect := "Allow"
		if random.IntN(4) == 0 {
			effect = "Deny"
		}
		pick := func(list []string) (chosen []string) {
			for range 1 + random.IntN(2) {
				if random.IntN(5) == 0 {
					chosen = append(chosen, "?open")
				} else {
					chosen = append(chosen, list[random.IntN(len(list))])
				}
			}
			return chosen
		}
		s := map[string]any{"Effect": effect, "Action": pick(actions), "Resource": pick(resources)}
		if random.IntN(5) == 0 {
			s["NotResource"] = s["Resource"]
			delete(s, "Resource")
		}
		p = append(p, s)
	}
	return p
}

// text returns the policy as JSON. value replaces the open patterns; nil keeps them.
func (p sketch) text(value func(kind string) string) string {
	var statements []string
	for _, s := range p {
		filled := map[string]any{}
		for key, v := range s {
			if list, ok := v.([]string); ok && value != nil {
				list = slices.Clone(list)
				for i := range list {
					if list[i] == "?open" {
						list[i] = value(strings.TrimPrefix(key, "Not"))
					}
				}
				v = list
			}
			filled[key] = v
		}
		text, err := json.Marshal(filled)
		if err != nil {
			panic(err)
		}
		statements = append(statements, string(text))
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[%s]}`, strings.Join(statements, ","))
}

// TestAReplacementWithOpenParts checks that a loss is certain only if each value of the open parts
// loses something, and kept only if none does.
func TestAReplacementWithOpenParts(t *testing.T) {
	required := requiredOf(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
		`"Action":"s3:GetObject","Resource":"arn:aws:s3:::*"}]}`)
	policy := func(resources string) Bounds {
		return boundsOf(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+
			`"Action":"s3:GetObject","Resource":[`+resources+`]}]}`)
	}
	for _, test := range []struct {
		name, current, proposed string
		want                    ReplacementStatus
	}{
		{"an open part is added", `"arn:aws:s3:::a/*"`, `"arn:aws:s3:::a/*","?more"`, LosesNothing},
		{"an open part takes the place", `"arn:aws:s3:::a/*"`, `"arn:aws:s3:::b{?rest}"`, Loses},
		{"an open part may take the place", `"arn:aws:s3:::a/*"`, `"?rest"`, LossUnverified},
		{"an open part is removed", `"arn:aws:s3:::a/*","?more"`, `"arn:aws:s3:::a/*"`, LossUnverified},
		{"all is granted then", `"?more"`, `"*"`, LosesNothing},
		{"all was granted", `"*"`, `"arn:aws:s3:::b{?rest}"`, Loses},
	} {
		r, err := Compare(t.Context(), policy(test.current), policy(test.proposed), required, nil)
		if err != nil || r.Status != test.want {
			t.Errorf("%s: %v, %s, want %s: %+v", test.name, err, r.Status, test.want, r.Changes)
		}
	}
}
