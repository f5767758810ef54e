// Package policyfiletest describes the content of policy files as text, for golden files.
package policyfiletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
)

// Describe returns a text with all that a file declares.
func Describe(t testing.TB, file policyfile.File) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "format: %s\n", file.Format)
	for _, note := range file.Notes {
		fmt.Fprintf(&b, "note: %s\n", note)
	}
	for _, p := range file.Principals {
		fmt.Fprintf(&b, "\n%s %s (%s)", p.Kind, p.Address, place(p.At))
		if p.Name != "" {
			fmt.Fprintf(&b, " named %s", p.Name)
		}
		for _, alias := range p.Aliases {
			fmt.Fprintf(&b, " alias %s", alias)
		}
		b.WriteByte('\n')
		for i := range p.Policies {
			describeDocument(t, &b, &p.Policies[i])
		}
		if p.Boundary != nil {
			b.WriteString("  boundary:\n")
			describeDocument(t, &b, p.Boundary)
		}
	}
	return b.String()
}

func place(p policyfile.Place) string {
	text := fmt.Sprintf("%d:%d", p.Line, p.Column)
	if p.File != "" {
		return p.File + ":" + text
	}
	return text
}

func describeDocument(t testing.TB, b *strings.Builder, d *policyfile.Document) {
	t.Helper()
	fmt.Fprintf(b, "  %s (%s)", d.Name, place(d.At))
	if d.ByAWS {
		b.WriteString(" by AWS")
	}
	b.WriteByte('\n')
	for _, o := range d.Open {
		fmt.Fprintf(b, "    open %s (%d:%d)\n", o.Name, o.At.Line, o.At.Column)
	}
	if d.AtLeast == d.AtMost {
		describeStatements(t, b, "grants", d.AtMost)
		return
	}
	describeStatements(t, b, "at least", d.AtLeast)
	describeStatements(t, b, "at most", d.AtMost)
}

func describeStatements(t testing.TB, b *strings.Builder, name string, doc *iampolicy.Document) {
	t.Helper()
	described := 0
	for i, s := range doc.Statements {
		if policyfile.MatchesNothing(&s) {
			continue
		}
		described++
		text, err := json.Marshal(&iampolicy.Document{Statements: doc.Statements[i : i+1]})
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.TrimSuffix(bytes.TrimPrefix(text, []byte(`{"Statement":[`)), []byte("]}"))
		fmt.Fprintf(b, "    %s (%d:%d) %s\n", name, s.Brace.Line, s.Brace.Column, text)
	}
	if described == 0 {
		fmt.Fprintf(b, "    %s nothing\n", name)
	}
}
