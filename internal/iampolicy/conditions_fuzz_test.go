package iampolicy

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// FuzzTrust checks that a trust policy that any text describes is read in bounded memory, that each
// refusal has an error, and that a policy that trusts a service has a statement that does.
func FuzzTrust(f *testing.F) {
	for _, text := range []string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":` +
			`"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":"sts:*"}}`,
		`{"Statement":{"Effect":"Allow","NotPrincipal":{"Service":["a.amazonaws.com"]},"Action":"*"}}`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Condition":` +
			`{"StringEquals":{"aws:SourceAccount":"123456789012"}}}}`,
		`{"Statement":{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com",` +
			`"CanonicalUser":"x"},"Action":"sts:AssumeRoleWithWebIdentity","Resource":"*"}}`,
		`{"Statement":[` + strings.Repeat(`{"Effect":"Allow","Principal":{"Service":[`, 20),
	} {
		f.Add(text, "lambda.amazonaws.com")
	}
	f.Fuzz(func(t *testing.T, text, service string) {
		memory.AtMost(t, 1<<20+5000*uint64(len(text)+len(service)), func() {
			doc, err := ParseTrust(text)
			if (err == nil) != (doc != nil) {
				t.Fatalf("document %v, error %v", doc, err)
			}
			if err != nil {
				return
			}
			first, again := doc.Trusts(service), doc.Trusts(service)
			if first.Decision != again.Decision || first.Conditional != again.Conditional {
				t.Errorf("%q is trusted only sometimes", service)
			}
			if first.Decision == Allowed && len(first.Matched) == 0 {
				t.Errorf("%q is trusted by no statement of %s", service, text)
			}
		})
	})
}

// FuzzConditions checks that a condition with any operator, key and values is read and decided in
// bounded memory, and in the same way each time.
func FuzzConditions(f *testing.F) {
	for _, seed := range [][4]string{
		{"StringEquals", "aws:SourceVpc", "vpc-1", "vpc-1"}, {"ForAllValues:Null", "aws:TagKeys", "true", ""},
		{"NumericLessThanIfExists", "s3:max-keys", "1e400", "10"}, {"IpAddress", "aws:SourceIp", "::/0", "x"},
		{"DateGreaterThan", "aws:CurrentTime", "2026-13-01T00:00:00Z", "9999999999999"},
		{"ArnLike", "aws:PrincipalArn", "arn:*:iam::*:role/${aws:username", "arn:aws:iam::1:role/a"},
		{"StringLike", "a:b", "*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"Bool", "aws:SecureTransport", "maybe", "true"}, {"BinaryEquals", "a:b", "QQ==", "QQ="},
		{"ForAnyValue:StringNotEqualsIgnoreCase", "A:B", "ß", "ss"}, {"StringEquals", "a", "\xff", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, operator, key, value, actual string) {
		length := uint64(len(operator) + len(key) + len(value) + len(actual))
		memory.AtMost(t, 1<<20+20_000*length, func() {
			text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject",` +
				`"Resource":"*","Condition":{` + textfmt.JSON(operator) + `:{` + textfmt.JSON(key) + `:[` +
				textfmt.JSON(value) + `]}}}}`
			doc, err := Parse(text)
			if err != nil {
				return
			}
			var first Decision
			for i := range 3 {
				result := Grants{Identity: []Policy{{Document: doc}}}.Evaluate(Request{
					Action: "s3:GetObject", Resource: "arn:aws:s3:::a/b", Context: Context{key: {actual}}})
				if i == 0 {
					first = result.Decision
				}
				if result.Decision != first || result.Decision == Allowed && !result.IdentityAllows {
					t.Errorf("%s: %v, before %v", text, result.Decision, first)
				}
			}
		})
	})
}
