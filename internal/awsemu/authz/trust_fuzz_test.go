package authz

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// FuzzTrustStatements checks that trustStatements returns every statement. A lost statement could
// be a Deny.
func FuzzTrustStatements(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",` +
		`"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:x-y":[true,1,"<&>"]},` +
		`"StringEquals":{"aws:a-b":[],"aws:c-d":"é"}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["*"]},"NotAction":[]}}`)
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow",` +
		`"Principal":{"Service":"x"},"Action":["sts:*","a:\u003c"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := iampolicy.ParseTrust(text)
		if err != nil {
			return
		}
		got, err := trustStatements(text)
		if err != nil || len(got) != len(doc.Statements) {
			t.Fatalf("%d statements of %d, %v, in\n%s", len(got), len(doc.Statements), err, text)
		}
		for i, s := range doc.Statements {
			if g := got[i].document.Statements; len(g) != 1 || g[0].Effect != s.Effect || g[0].Sid != s.Sid {
				t.Errorf("statement %d differs in\n%s", i+1, text)
			}
		}
	})
}
