package collect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// readsOf lists the actions that read a principal. If AWS denies all of them, the auditor has no
// access to the principal.
var readsOf = map[string][]string{
	"user": {"iam:GetUser", "iam:ListUserPolicies", "iam:ListAttachedUserPolicies",
		"iam:ListGroupsForUser", "iam:SimulatePrincipalPolicy"},
	"role": {"iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies",
		"iam:SimulatePrincipalPolicy"},
}

// otherLayerPhrases are phrases in AWS's error messages. They occur if a layer other than the
// identity policies denies a call.
var otherLayerPhrases = []string{"explicit deny", "control policy", "permissions boundary",
	"session policy"}

// readScopeProblem merges the problems of an ARN into one problem if the deployment does not name
// that ARN. This is the case if the auditor's policies deny all reads and there is no other error.
// If one read is allowed, the deployment names the ARN. If another layer denies a read, naming the
// ARN does not help. ok is false if readScopeProblem returns the problems unchanged.
func (r *run) readScopeProblem(problems []audit.Problem, what, arn string,
	reads ...string) (merged []audit.Problem, ok bool) {
	refused := map[string]bool{}
	for _, p := range problems {
		if !slices.Contains(reads, p.Grant) ||
			slices.ContainsFunc(otherLayerPhrases, func(layer string) bool {
				return strings.Contains(p.Why, layer)
			}) {
			return problems, false
		}
		refused[p.Grant] = true
	}
	if !r.plan.Named || len(problems) == 0 || len(refused) < len(reads) {
		return problems, false
	}
	return []audit.Problem{{
		What: what, Why: "access denied: NamedPrincipals does not list " + arn,
		Remedy: "add the ARN to NamedPrincipals, the parameter of template.yaml and property of the " +
			"CDK construct; if NamedPrincipals contains the ARN, restore the policy of the auditor's role",
	}}, true
}

// applyReadScope replaces the problems of a target by one problem if the deployment does not name
// the target: see readScopeProblem.
func (r *run) applyReadScope(t *target) {
	kind, name := entity(t.facts.Name)
	arn := t.facts.ARN
	if arn == r.arn(t.facts.Name) {
		arn += " (its path is unknown)"
	}
	var all snapshot
	for _, part := range []snapshot{t.lookup, t.documents, t.boundary, t.simulation.snapshot} {
		all.merge(part)
	}
	if merged, ok := r.readScopeProblem(all.problems, fmt.Sprintf("the %s %q itself", kind, name), arn,
		readsOf[kind]...); ok {
		t.lookup.problems, t.facts.TrustProblem = merged, merged[0]
		t.documents.problems, t.simulation.problems = nil, nil
	}
}
