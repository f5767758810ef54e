package collect

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func result(action, resource string, decision types.PolicyEvaluationDecisionType,
	inside ...types.ResourceSpecificResult) types.EvaluationResult {
	return types.EvaluationResult{EvalActionName: &action, EvalResourceName: &resource,
		EvalDecision: decision, ResourceSpecificResults: inside}
}

func inside(resource string, decision types.PolicyEvaluationDecisionType,
	matched ...types.Statement) types.ResourceSpecificResult {
	return types.ResourceSpecificResult{EvalResourceName: &resource, EvalResourceDecision: decision,
		MatchedStatements: matched}
}

// AWS's answer can lack parts or have another form. Only an unambiguous answer counts.
func TestAnswerTo(t *testing.T) {
	const (
		a, b     = "arn:aws:s3:::a", "arn:aws:s3:::b"
		template = "arn:aws:s3:::${BucketName}"
		allowed  = types.PolicyEvaluationDecisionTypeAllowed
		implicit = types.PolicyEvaluationDecisionTypeImplicitDeny
		explicit = types.PolicyEvaluationDecisionTypeExplicitDeny
	)
	tests := []struct {
		name      string
		resource  string
		resources int
		results   []types.EvaluationResult
		want      string // "" for no answer
	}{
		{"the resource's own word", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", template, implicit, inside(a, implicit),
				inside(b, allowed))}, "allowed"},
		{"the action in another case", a, 1,
			[]types.EvaluationResult{result("S3:listbucket", a, explicit)}, "explicitDeny"},
		{"a result for each resource", b, 2, []types.EvaluationResult{result("s3:ListBucket", a, allowed),
			result("s3:ListBucket", b, implicit)}, "implicitDeny"},
		{"another resource's result is no answer", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", a, allowed)}, ""},
		{"nor is it where one was asked about", b, 1,
			[]types.EvaluationResult{result("s3:ListBucket", a, allowed)}, ""},
		{"a template that allows allows all", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", template, allowed)}, "allowed"},
		{"a template that denies may mean another", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", template, implicit)}, ""},
		{"unless there is no other", b, 1,
			[]types.EvaluationResult{result("s3:ListBucket", template, implicit)}, "implicitDeny"},
		{"an action without resources", "*", 1,
			[]types.EvaluationResult{result("s3:ListBucket", "*", allowed)}, "allowed"},
		{"another action's result", a, 1, []types.EvaluationResult{result("s3:GetObject", a, allowed)},
			""},
		{"a decision that is none", a, 1, []types.EvaluationResult{result("s3:ListBucket", a, "maybe")},
			""},
		{"no result", a, 1, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := answerTo(policies.SimulationRequest{Action: "s3:ListBucket", Resource: test.resource},
				test.resources, test.results)
			if ok != (test.want != "") || ok && got.Decision.String() != test.want {
				t.Errorf("got %v, %v; want %q", got.Decision, ok, test.want)
			}
		})
	}
}

// The organization's decision applies to the action. It is not the cause if a statement denies the
// resource.
func TestOrganizationIsNotTheCauseOfAStatementsDenial(t *testing.T) {
	id := "role_r_p"
	r := result("s3:ListBucket", "arn:aws:s3:::${BucketName}",
		types.PolicyEvaluationDecisionTypeExplicitDeny,
		inside("arn:aws:s3:::a", types.PolicyEvaluationDecisionTypeImplicitDeny),
		inside("arn:aws:s3:::b", types.PolicyEvaluationDecisionTypeExplicitDeny,
			types.Statement{SourcePolicyId: &id}))
	r.OrganizationsDecisionDetail = &types.OrganizationsDecisionDetail{AllowedByOrganizations: false}
	for resource, want := range map[string]bool{"arn:aws:s3:::a": true, "arn:aws:s3:::b": false} {
		got, ok := answerTo(policies.SimulationRequest{Action: "s3:ListBucket", Resource: resource}, 2,
			[]types.EvaluationResult{r})
		if !ok || got.OrganizationDenies != want {
			t.Errorf("%s: denied by the organization %v, %v; want %v", resource, got.OrganizationDenies, ok,
				want)
		}
	}
}
