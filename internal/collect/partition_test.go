package collect_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestChina checks that every ARN in China has the partition aws-cn: in simulations, of functions
// and roles, and in gaps.
func TestChina(t *testing.T) {
	known := policies.Releases(policies.China)
	latest := known[len(known)-1]
	account := &awsemu.Account{
		Partition: policies.China,
		Users:     map[string]awsemu.User{"ci": {Inline: map[string]string{"remotion": latest.Document(policies.User)}}},
		Roles: map[string]awsemu.Role{
			policies.RoleName: {Inline: map[string]string{"remotion": latest.Document(policies.Role)}}},
		Function: awsemu.Function{Region: "cn-north-1"},
	}
	deploy(account, awsemu.LambdaFunction{Name: render527, Region: "cn-northwest-1"})
	p := collect.Plan{
		Account: "123456789012", Partition: policies.China, Regions: []string{"cn-north-1"},
		Further: []string{"cn-northwest-1"}, OnlyWithFunctions: true,
		Release: latest, Requested: "auto",
		Callers:     []collect.Caller{{Name: "user/ci", Purpose: policies.All}},
		RenderRoles: []string{policies.RoleName},
	}
	r, server := judge(t, account, p)
	if r.Status != audit.StatusCompliant || r.Remotion.Release != "4.0.527" ||
		!slices.Equal(r.Regions, []string{"cn-north-1", "cn-northwest-1"}) {
		t.Errorf("%s for release %s in %s: findings %q, problems %q", r.Status, r.Remotion.Release, r.Regions, unsatisfied(r), problems(r))
	}
	for _, c := range server.Calls() {
		for name, value := range c.Params {
			if strings.HasPrefix(value, "arn:aws:") {
				t.Errorf("%s has the parameter %s=%s of another partition", c.Operation, name, value)
			}
		}
		if c.Operation == "SimulatePrincipalPolicy" &&
			strings.HasPrefix(c.Params["ActionNames.member.1"], "iam:") &&
			!slices.Contains(slices.Collect(maps.Values(c.Params)), "cn-north-1") {
			t.Errorf("IAM is not simulated in cn-north-1: %v", c.Params)
		}
	}

	deploy(account, clips("cn-north-1", map[string]string{"remotion-version": "4.0.527"}))
	r, _ = judge(t, account, p)
	i := slices.IndexFunc(r.Findings, func(f audit.Finding) bool {
		return f.Action == "lambda:InvokeFunction"
	})
	if f := r.Findings[i]; f.Status != audit.Partial ||
		f.ExampleARN != "arn:aws-cn:lambda:cn-north-1:123456789012:function:clips" {
		t.Errorf("lambda:InvokeFunction is %s, example %s", f.Status, f.ExampleARN)
	}
}
