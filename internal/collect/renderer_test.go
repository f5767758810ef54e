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
		want          policies.Severity
	}{
		{"the caller may invoke one of two functions", mem2048, []string{mem2048, mem3008},
			policies.Medium},
		{"the caller may invoke the other one", mem3008, []string{mem2048, mem3008}, policies.Medium},
		{"the caller may invoke neither", "other", []string{mem2048, mem3008}, policies.Critical},
		{"the caller may not invoke the only function", "other", []string{mem2048}, policies.Critical},
		{"the caller may invoke both", "remotion-render-*", []string{mem2048, mem3008}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			account, p := compliant(t), plan()
			p.Callers[0].Purpose = policies.Render
			account.Functions = nil
			for _, name := range tt.deployed {
				account.Functions = append(account.Functions,
					awsemu.LambdaFunction{Name: name, Role: "remotion-lambda-role"})
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
