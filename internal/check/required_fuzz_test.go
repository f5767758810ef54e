package check

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// FuzzDocumentRequirements checks that any document is read as requirements and judged in bounded
// memory, and that errors are bounded.
func FuzzDocumentRequirements(f *testing.F) {
	statement := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow",` + rest + `}]}`
	}
	for _, text := range []string{
		statement(`"Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::a/*","*"]`),
		statement(`"Action":"iam:PassRole","Resource":"arn:aws:iam::123456789012:role/${aws:username}"`),
		statement(`"Action":"sns:*","Resource":"arn:aws:sns:*:remotion-*"`),
		statement(`"NotAction":"s3:*","Resource":"*"`), statement(`"Action":"s3:*","NotResource":"*"`),
		statement(`"Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpc":` +
			`["vpc-1"]}}`),
		`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`,
		statement(`"Action":["` + strings.Repeat(`s3:a","`, 30) + `s3:b"],"Resource":["` +
			strings.Repeat(`arn:aws:s3:::a","`, 30) + `*"]`),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		length := uint64(len(text))
		if length > 4096 {
			return // the product of actions and resources is bounded by a test of its own
		}
		memory.AtMost(t, 32<<20+length*length*1000, func() {
			doc, err := iampolicy.Parse(text)
			if err != nil {
				return
			}
			required, err := DocumentRequirements("required.json", doc, nil)
			if err != nil && len(err.Error()) > 2000*(1+len(doc.Statements)) {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if err == nil {
				grants := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: doc}}}
				if _, err := Evaluate(t.Context(), Exactly(grants), required, nil); err != nil {
					t.Error(err)
				}
			}
		})
	})
}
