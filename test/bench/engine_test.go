package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

func document(b *testing.B, text string) iampolicy.Policy {
	b.Helper()
	doc := policytest.Parse(b, text)
	return iampolicy.Policy{ID: "policy", Document: doc}
}

// BenchmarkParse6KB parses a minified document of the maximum size of a managed policy. x-json is
// the ratio to the time that encoding/json takes to decode the same text into any.
func BenchmarkParse6KB(b *testing.B) {
	var documented struct{ Statement []json.RawMessage }
	text := policies.Latest().Document(policies.User)
	if err := json.Unmarshal([]byte(text), &documented); err != nil {
		b.Fatal(err)
	}
	const maxPolicy = 6_144 // characters of a managed policy
	var list bytes.Buffer
	for i := 0; ; i++ {
		var statement bytes.Buffer
		raw := documented.Statement[i%len(documented.Statement)]
		if err := json.Compact(&statement, raw); err != nil {
			b.Fatal(err)
		}
		if list.Len()+statement.Len() > maxPolicy-50 {
			break
		}
		if i > 0 {
			list.WriteByte(',')
		}
		// The statements repeat, and IAM refuses a Sid that repeats.
		list.Write(sid.ReplaceAll(statement.Bytes(), fmt.Appendf(nil, `"Sid":"${1}%d"`, i)))
	}
	doc := `{"Version":"2012-10-17","Statement":[` + list.String() + "]}"
	b.SetBytes(int64(len(doc)))
	var ours, theirs time.Duration
	for b.Loop() { // alternating, so that a busy machine slows both
		started := time.Now()
		if _, err := iampolicy.Parse(doc); err != nil {
			b.Fatal(err)
		}
		parsed := time.Now()
		var v any
		if err := json.Unmarshal([]byte(doc), &v); err != nil {
			b.Fatal(err)
		}
		ours, theirs = ours+parsed.Sub(started), theirs+time.Since(parsed)
	}
	b.ReportMetric(float64(ours)/float64(b.N), "ours-ns")
	b.ReportMetric(float64(ours)/float64(theirs), "x-json")
}

var sid = regexp.MustCompile(`"Sid":"(\w+)"`)

// documentedNeeds returns one need for each requirement of a policy, with the documented pattern.
func documentedNeeds(b *testing.B, kind policies.PolicyKind) (list []iampolicy.Need) {
	b.Helper()
	for _, r := range policies.Latest().Requirements(kind) {
		n, err := iampolicy.NewNeed(r.Action, r.Resource)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, n)
	}
	return list
}

// BenchmarkCoverRolePolicy computes the coverage of all needs of the render role: with the
// documented policy; with patterns that only cover the needs together; and with a partial Deny.
func BenchmarkCoverRolePolicy(b *testing.B) {
	documented := policies.Latest().Document(policies.Role)
	halves := strings.NewReplacer(
		`"arn:aws:s3:::remotionlambda-*"`,
		`"arn:aws:s3:::remotionlambda-", "arn:aws:s3:::remotionlambda-?*"`,
		`"arn:aws:lambda:*:*:function:remotion-render-*"`,
		`"arn:aws:lambda:*:*:function:remotion-render-", `+
			`"arn:aws:lambda:*:*:function:remotion-render-?*"`,
		`"arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-*"`,
		`"arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-", `+
			`"arn:aws:logs:*:*:log-group:/aws/lambda/remotion-render-?*"`,
	).Replace(documented)
	const deny = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":[
		"arn:aws:s3:::remotionlambda-secret*","arn:aws:lambda:*:*:function:*-private",
		"arn:aws:logs:eu-*:*:*"]}}`
	for _, test := range []struct {
		name      string
		documents []string
		gaps      bool
	}{
		{"pattern", []string{documented}, false},
		{"union", []string{halves}, false},
		{"deny", []string{documented, deny}, true},
	} {
		b.Run(test.name, func(b *testing.B) {
			var g iampolicy.Grants
			for _, text := range test.documents {
				g.Identity = append(g.Identity, document(b, text))
			}
			role := documentedNeeds(b, policies.Role)
			for b.Loop() {
				gaps := 0
				for _, n := range role {
					if c := g.Cover(n, nil); c.Status != iampolicy.Satisfied {
						gaps++
					}
				}
				if gaps > 0 != test.gaps {
					b.Fatalf("%d gaps", gaps)
				}
			}
		})
	}
}

// BenchmarkCoverAdversarial computes the coverage of policies that are expensive to compare.
func BenchmarkCoverAdversarial(b *testing.B) {
	allow := func(resources ...string) string {
		text, _ := json.Marshal(resources)
		return `{"Effect":"Allow","Action":"*","Resource":` + string(text) + `}`
	}
	stars := "arn:aws:s3:::" + strings.Repeat("a*", 5100)
	var statements []string
	for i := range 500 {
		statements = append(statements, allow(fmt.Sprintf("arn:aws:s3:::*%d*", i)))
	}
	var overlapping, questionMarks []string
	for i := range 40 {
		overlapping = append(overlapping, fmt.Sprintf("arn:aws:s3:::*%c*%c*", 'a'+i%26, 'a'+(i*7+3)%26))
		questionMarks = append(questionMarks, "arn:aws:s3:::*"+string(rune('a'+i%26))+
			strings.Repeat("?", 1+i%20)+"*"+string(rune('a'+i*3%26)))
	}
	for _, test := range []struct{ name, statements, need string }{
		{"10240 characters of a*", allow(stars), "arn:aws:s3:::b*"},
		{"10240 characters of a* needed", allow("arn:aws:s3:::*a*b*", "arn:aws:s3:::a*"), stars},
		{"10240 characters of a* on both sides", allow(stars+"b*", stars+"?*"), stars},
		{"500 statements", strings.Join(statements, ","), "arn:aws:s3:::remotionlambda-*"},
		{"40 overlapping wildcards", allow(overlapping...), "arn:aws:s3:::*"},
		{"40 overlapping wildcards with question marks", allow(questionMarks...), "arn:aws:s3:::*-*"},
	} {
		b.Run(test.name, func(b *testing.B) {
			g := iampolicy.Grants{Identity: []iampolicy.Policy{document(b,
				`{"Version":"2012-10-17","Statement":[`+test.statements+`]}`)}}
			n, err := iampolicy.NewNeed("s3:GetObject", test.need)
			if err != nil {
				b.Fatal(err)
			}
			var c iampolicy.Coverage
			b.ReportAllocs()
			for b.Loop() {
				c = g.Cover(n, nil)
			}
			b.Log(c.Status, c.Reason)
		})
	}
}
