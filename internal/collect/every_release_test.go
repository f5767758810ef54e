package collect_test

import (
	"fmt"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// TestOurOwnPoliciesAreCompliant checks that an account with the documented or least-privilege
// policies of a release is compliant, for each release, partition and purpose, with and without
// functions.
func TestOurOwnPoliciesAreCompliant(t *testing.T) {
	for _, partition := range policies.Partitions() {
		regions := policies.Regions(partition)[:2]
		for n, release := range policies.Releases(partition) {
			for _, purpose := range []policies.Purpose{policies.Render, policies.Deploy, policies.All} {
				scope := needs.Scope{Partition: partition, Account: "123456789012", Regions: regions}
				releases := []policies.Release{release}
				for name, document := range map[string]func(kind policies.PolicyKind) string{
					"documented": release.Document,
					"narrowed": func(kind policies.PolicyKind) string {
						if kind == policies.Role {
							return needs.LeastPrivilege(releases, kind, policies.Render, scope)
						}
						return needs.LeastPrivilege(releases, kind, purpose, scope)
					},
				} {
					account := &awsemu.Account{
						Partition: partition,
						Users:     map[string]awsemu.User{"ci": {Inline: map[string]string{"remotion": document(policies.User)}}},
						Roles: map[string]awsemu.Role{
							policies.RoleName: {Inline: map[string]string{"remotion": document(policies.Role)}}},
						Function: awsemu.Function{Region: regions[0]},
					}
					if n%2 == 0 {
						deploy(account, awsemu.LambdaFunction{Name: render240, Region: regions[1]},
							awsemu.LambdaFunction{Name: render527, Region: regions[1]})
					}
					r, _ := judge(t, account, collect.Plan{
						Account: "123456789012", Partition: partition, Regions: regions, Release: release,
						Requested:   release.Since,
						Callers:     []collect.Caller{{Name: "user/ci", Purpose: purpose}},
						RenderRoles: []string{policies.RoleName},
					})
					about := fmt.Sprintf("%s %s, %s for %s", partition, release, name, purpose)
					if r.Status != audit.StatusCompliant || r.Summary.Satisfied < 15 ||
						r.Summary.Satisfied != r.Summary.Requirements {
						t.Errorf("%s: %s, %d of %d satisfied: findings %q, problems %q", about, r.Status, r.Summary.Satisfied,
							r.Summary.Requirements, unsatisfied(r), problems(r))
					}
				}
			}
		}
	}
}
