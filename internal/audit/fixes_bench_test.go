package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// BenchmarkRepair finds and proves the fix of one target. x-judgement is the ratio to the time that
// the judgement of the same target takes. The goal is at most 10 for documented policies, and at
// most 100 beside 10 KB of foreign statements.
func BenchmarkRepair(b *testing.B) {
	for _, kind := range []TargetKind{RenderRole, Caller} {
		documented := policies.Latest().Document(kind.Policy())
		const deny = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":%s,"Resource":"*"}]}`
		for _, damage := range []struct {
			name  string
			texts []string
		}{
			{"one gap", []string{strings.Replace(documented, `"s3:PutObject"`, `"s3:PutObjectTagging"`, 1)}},
			{"a typo", []string{strings.ReplaceAll(documented, "remotionlambda", "remotionlamda")}},
			{"no policy", nil},
			{"a Deny", []string{documented, fmt.Sprintf(deny, `["s3:PutObject","s3:DeleteBucket"]`)}},
			{"a wide Deny", []string{documented, fmt.Sprintf(deny, `"s3:*"`)}},
		} {
			for _, foreign := range []bool{false, true} {
				name, texts := damage.name, damage.texts
				if foreign {
					name += " beside 10 KB"
					texts = append([]string{foreignStatements(10 << 10)}, texts...)
				}
				b.Run(fmt.Sprintf("%s/%s", kind.Policy(), name), func(b *testing.B) {
					benchmarkRepair(b, targetWith(b, kind, texts))
				})
			}
		}
	}
}

func benchmarkRepair(b *testing.B, t TargetFacts) {
	facts := Facts{Account: "123456789012", Partition: policies.AWS, Regions: t.Scope.Regions,
		Release: policies.Latest(), Requested: "auto"}
	var judged, repaired time.Duration
	for b.Loop() {
		// A judge keeps what equal targets share. A new one has nothing.
		judge := NewJudge(facts, nil)
		started := time.Now()
		findings, required, _ := judge.evaluateTarget(t)
		evaluated := time.Now()
		fix := judge.fixOf(t, findings, required)
		judged, repaired = judged+evaluated.Sub(started), repaired+time.Since(evaluated)
		if fix == nil || fix.Withheld != "" || fix.Remaining != nil {
			b.Fatalf("%+v", fix)
		}
	}
	b.ReportMetric(float64(judged.Microseconds())/float64(b.N), "judgement-µs")
	b.ReportMetric(float64(repaired.Microseconds())/float64(b.N), "repair-µs")
	b.ReportMetric(float64(repaired)/float64(judged), "x-judgement")
}

// foreignStatements returns a document of about that size that grants nothing that Remotion needs,
// with all kinds of statements.
func foreignStatements(size int) string {
	var list []string
	for i := 0; len(strings.Join(list, ",")) < size; i++ {
		list = append(list, fmt.Sprintf([]string{
			`{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],` +
				`"Resource":"arn:aws:dynamodb:*:*:table/orders-%d"}`,
			`{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:List*"],` +
				`"Resource":["arn:aws:s3:::acme-%[1]d-*","arn:aws:s3:::acme-%[1]d-*/*"]}`,
			`{"Effect":"Allow","Action":"lambda:Invoke*","Resource":"arn:aws:lambda:*:*:function:api-%d-*"}`,
			`{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::secret-%d-*"}`,
			`{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:*:*:log-group:/ecs/%d*",` +
				`"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}`,
		}[i%5], i))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

// targetWith returns a target with managed policies, and the answers of AWS to its requests.
func targetWith(tb testing.TB, kind TargetKind, texts []string) TargetFacts {
	tb.Helper()
	name, purpose := "user/ci", policies.All
	if kind == RenderRole {
		name, purpose = "role/"+policies.RoleName, policies.Render
	}
	iamARN := "arn:aws:iam::123456789012:"
	t := TargetFacts{Kind: kind, Name: name, ARN: iamARN + name, Purpose: purpose, Presence: Present,
		Answers: map[needs.SimulationRequest]Answer{},
		Scope: needs.Scope{Partition: policies.AWS, Account: "123456789012", Regions: []string{
			"us-east-1", "eu-central-1"}, Caller: iamARN + name, RenderRole: iamARN + "role/" +
			policies.RoleName}}
	if kind == RenderRole {
		trust, err := iampolicy.ParseTrust(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",` +
			`"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`)
		if err != nil {
			tb.Fatal(err)
		}
		t.Trust = trust
	}
	for i, text := range texts {
		t.Grants.Identity = append(t.Grants.Identity, iampolicy.Policy{
			ID: fmt.Sprintf("managed policy %d", i), Document: policytest.Parse(tb, text),
			Location: iampolicy.Location{Kind: iampolicy.ManagedLocation, Holder: name, Attachments: 1,
				ARN: fmt.Sprintf("%spolicy/p%d", iamARN, i)}})
	}
	for _, r := range t.Scope.Requirements([]policies.Release{policies.Latest()}, kind.Policy(),
		purpose) {
		for _, n := range t.Scope.Needed(r) {
			got := t.Grants.Evaluate(iampolicy.Request{Action: n.Action, Resource: n.Resource,
				Context: t.context(n.SimulationRequest)})
			t.Answers[n.SimulationRequest] = Answer{Decision: got.Decision}
		}
	}
	return t
}
