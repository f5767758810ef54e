package iampolicy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

const corpusDir = "testdata/corpus"

func loadCorpus(t testing.TB) []corpus.File {
	t.Helper()
	files, err := corpus.Load(corpusDir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rewritings are ways to rewrite a document without changing its meaning.
var rewritings = []struct {
	name    string
	rewrite func(testing.TB, string) string
}{
	{"unchanged", func(_ testing.TB, text string) string { return text }},
	{"indented", func(t testing.TB, text string) string {
		return rewritten(t, text, func(to *bytes.Buffer, from []byte) error {
			return json.Indent(to, from, " ", "\t")
		})
	}},
	{"compacted", func(t testing.TB, text string) string { return rewritten(t, text, json.Compact) }},
	{"encoded by MarshalJSON", func(t testing.TB, text string) string {
		doc, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		written, err := doc.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		return string(written)
	}},
}

func rewritten(t testing.TB, text string, by func(*bytes.Buffer, []byte) error) string {
	t.Helper()
	var to bytes.Buffer
	if err := by(&to, []byte(text)); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return to.String()
}

func TestCorpus(t *testing.T) {
	for _, file := range loadCorpus(t) {
		t.Run(file.Name, func(t *testing.T) {
			for _, c := range file.Cases {
				for _, way := range rewritings {
					t.Run(c.Name+"/"+way.name, func(t *testing.T) {
						g := rewrittenGrantsOf(t, c, func(text string) string { return way.rewrite(t, text) })
						result := g.Evaluate(requestOf(c))
						if way.name != "unchanged" {
							c.Want.Positions = nil
						}
						if got := answerOf(result, c.Want); fmt.Sprint(got) != fmt.Sprint(c.Want) {
							t.Errorf("got  %+v\nwant %+v\nsource: %s", got, c.Want, c.Source)
						}
					})
				}
			}
			for _, m := range file.Malformed {
				t.Run(m.Name, func(t *testing.T) { checkRejection(t, m) })
			}
		})
	}
}

// TestCorpusByThePlainEvaluator checks that the plain evaluator returns the wanted decision for
// every case of the corpus.
func TestCorpusByThePlainEvaluator(t *testing.T) {
	for _, file := range loadCorpus(t) {
		for _, c := range file.Cases {
			t.Run(file.Name+"/"+c.Name, func(t *testing.T) {
				got := plainEvaluate(plainGrantsOf(c), c.Action, c.Resource, c.Context)
				if got.decision.String() != c.Want.Decision {
					t.Errorf("the plain evaluator decides %v, want %s", got.decision, c.Want.Decision)
				}
			})
		}
	}
}

// answerOf converts a result to the form of the corpus, without the fields that the case leaves
// out.
func answerOf(r Result, want corpus.Want) corpus.Want {
	got := corpus.Want{Decision: r.Decision.String()}
	allows := map[Layer]bool{Identity: r.IdentityAllows, Boundary: r.BoundaryAllows,
		Organization: r.OrganizationAllows}
	var positions []string
	matched := []string{}
	for _, m := range r.Matched {
		if m.Effect == Deny {
			allows[m.Layer] = false
		}
		if m.Layer != Organization {
			matched = append(matched, fmt.Sprintf("%s/%d", m.Policy, m.Index))
			positions = append(positions, fmt.Sprintf("%d:%d-%d:%d", m.Start.Line, m.Start.Column,
				m.End.Line, m.End.Column))
		}
	}
	if want.Matched != nil {
		got.Matched = matched
	}
	if want.Positions != nil {
		got.Positions = positions
	}
	if want.Missing != nil {
		got.Missing = r.Missing
	}
	// List the layers in the order of the case, because the order has no meaning.
	for _, layer := range want.RefusedBy {
		if !allows[layers[layer]] {
			got.RefusedBy = append(got.RefusedBy, layer)
		}
	}
	if want.RefusedBy != nil {
		for layer, l := range layers {
			if !allows[l] && !slices.Contains(want.RefusedBy, layer) {
				got.RefusedBy = append(got.RefusedBy, layer)
			}
		}
	}
	return got
}

var layers = map[string]Layer{"identity": Identity, "boundary": Boundary,
	"organization": Organization}

// checkRejection compares the error of Parse with the wanted position and text.
func checkRejection(t *testing.T, m corpus.Malformed) {
	_, err := Parse(string(m.Document))
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("Parse returns %v, want a *SyntaxError at line %d, column %d with %q", err, m.Line,
			m.Column, m.Says)
	}
	if (syntax.Position != Position{m.Line, m.Column}) || !strings.Contains(syntax.Msg, m.Says) {
		t.Errorf("Parse returns %v, want line %d, column %d and %q", err, m.Line, m.Column, m.Says)
	}
}
