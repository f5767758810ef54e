package collect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// readsOf are the reads that a principal is asked by. Whoever may do none of them may not read it
// at all.
var readsOf = map[string][]string{
	"user": {"iam:GetUser", "iam:ListUserPolicies", "iam:ListAttachedUserPolicies",
		"iam:ListGroupsForUser", "iam:SimulatePrincipalPolicy"},
	"role": {"iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies",
		"iam:SimulatePrincipalPolicy"},
}

// otherLayerPhrases is how AWS words a refusal for another reason than that no identity policy
// allows the read. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
var otherLayerPhrases = []string{"explicit deny", "control policy", "permissions boundary",
	"session policy"}

// readScopeProblem makes one problem of those about something that the deployment does not name, if
// they are that: the auditor's policies let it do none of the reads, and nothing else went wrong.
// Where they allow one, the thing is named and something else is amiss; where another layer forbids
// it, naming helps nobody.
func (r *run) readScopeProblem(problems []audit.Problem, what, arn string,
	reads ...string) (one []audit.Problem, is bool) {
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
		Remedy: "add what it does not list to NamedPrincipals, the parameter of template.yaml and " +
			"property of the CDK construct; " +
			"if it is there, the auditor's role has lost its policy",
	}}, true
}

// applyReadScope does so for a target.
func (r *run) applyReadScope(t *target) {
	kind, name := entity(t.facts.Name)
	arn := t.facts.ARN
	if arn == r.arn(t.facts.Name) {
		arn += " (its path, if it has one, is not known)"
	}
	var all snapshot
	for _, part := range []snapshot{t.lookup, t.documents, t.boundary, t.simulation.snapshot} {
		all.add(part)
	}
	if one, is := r.readScopeProblem(all.problems, fmt.Sprintf("the %s %q itself", kind, name), arn,
		readsOf[kind]...); is {
		t.lookup.problems, t.facts.TrustProblem = one, one[0]
		t.documents.problems, t.simulation.problems = nil, nil
	}
}
