package collect_test

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestAFunctionThatOnlyRenders checks that a caller which may invoke one deployed function has no
// critical gap because of another one: rendererFunctionName may name the other one.
func TestAFunctionThatOnlyRenders(t *testing.T) {
	const mem2048 = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
	const mem3008 = "remotion-render-4-0-527-mem3008mb-disk2048mb-900sec"
	for _, tt := range []struct {
		name, granted string
		deployed      []string
		elsewhere     string // a function in eu-west-1
		purpose       policies.Purpose
		want          policies.Severity
	}{
		{"the caller may invoke one of two functions", mem2048, []string{mem2048, mem3008}, "", policies.Render,
			policies.Medium},
		{"the caller may invoke the other one", mem3008, []string{mem2048, mem3008}, "", policies.Render,
			policies.Medium},
		{"the caller may invoke neither", "other", []string{mem2048, mem3008}, "", policies.Render,
			policies.Critical},
		{"the caller may not invoke the only function", "other", []string{mem2048}, "", policies.Render,
			policies.Critical},
		{"the caller may invoke both", "remotion-render-*", []string{mem2048, mem3008}, "", policies.Render,
			0},
		{"the caller may invoke no function in another region", "remotion-render-4-0-527-mem2048mb-*",
			[]string{mem2048, mem3008}, "remotion-render-4-0-527-mem4096mb-disk2048mb-120sec",
			policies.Render, policies.Critical},
		{"the caller may invoke one function in each region", "remotion-render-4-0-527-mem2048mb-*",
			[]string{mem2048, mem3008}, mem2048, policies.Render, policies.Medium},
		{"the caller deploys, too", "remotion-render-4-0-527-mem2048mb-*", []string{mem3008, mem2048},
			"", policies.All, policies.High},
		{"the caller only deploys", "remotion-render-4-0-527-mem2048mb-*", []string{mem3008, mem2048},
			"", policies.Deploy, policies.High},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account, p := compliant(t), plan()
			p.Callers[0].Purpose = tt.purpose
			account.Functions = nil
			for _, name := range tt.deployed {
				account.Functions = append(account.Functions,
					awsemu.LambdaFunction{Name: name, Role: "remotion-lambda-role"})
			}
			if tt.elsewhere != "" {
				p.Regions = []string{"us-east-1", "eu-west-1"}
				account.Functions = append(account.Functions, awsemu.LambdaFunction{Name: tt.elsewhere,
					Region: "eu-west-1", Role: "remotion-lambda-role"})
			}
			changeUser(account, func(u *awsemu.User) {
				u.Inline["remotion"] = strings.ReplaceAll(u.Inline["remotion"], "function:remotion-render-*",
					"function:"+tt.granted)
			})
			r, _ := judge(t, account, p)
			var got policies.Severity
			for _, f := range r.Findings {
				if f.Target == "user/ci" && f.Action == "lambda:InvokeFunction" && f.Gap() {
					got = f.Severity
				}
			}
			if got != tt.want {
				t.Errorf("severity %v, want %v", got, tt.want)
			}
		})
	}
}

// TestProgressBesidesAFunctionThatOnlyRenders checks that a caller without s3:GetObject polls by
// invoking if it may invoke the function that starts renders, or may under a condition.
func TestProgressBesidesAFunctionThatOnlyRenders(t *testing.T) {
	const mem2048 = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
	const mem3008 = "remotion-render-4-0-527-mem3008mb-disk2048mb-900sec"
	const allow = `{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":` +
		`"arn:aws:lambda:*:*:function:`
	for _, tt := range []struct {
		name, statement string
		want            policies.Severity
	}{
		{"one of two functions", allow + mem2048 + `"}`, policies.Medium},
		{"under a condition", allow + `*","Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}}`,
			policies.Medium},
		{"no function", allow + `other"}`, policies.Critical},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account, p := compliant(t), plan()
			p.Callers[0].Purpose = policies.Render
			for _, name := range []string{mem2048, mem3008} {
				account.Functions = append(account.Functions,
					awsemu.LambdaFunction{Name: name, Role: "remotion-lambda-role"})
			}
			changeUser(account, func(u *awsemu.User) {
				u.Inline["remotion"] = `{"Version":"2012-10-17","Statement":[` + tt.statement + `]}`
			})
			r, _ := judge(t, account, p)
			for _, f := range r.Findings {
				if f.Target == "user/ci" && f.Action == "s3:GetObject" && f.Severity != tt.want {
					t.Errorf("severity %v, want %v: %s", f.Severity, tt.want, f.Impact)
				}
			}
		})
	}
}
