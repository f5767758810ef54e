package collect

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

func result(action, resource string, decision types.PolicyEvaluationDecisionType,
	specific ...types.ResourceSpecificResult) types.EvaluationResult {
	return types.EvaluationResult{EvalActionName: &action, EvalResourceName: &resource,
		EvalDecision: decision, ResourceSpecificResults: specific}
}

func inside(resource string, decision types.PolicyEvaluationDecisionType,
	matched ...types.Statement) types.ResourceSpecificResult {
	return types.ResourceSpecificResult{EvalResourceName: &resource, EvalResourceDecision: decision,
		MatchedStatements: matched}
}

// TestAnswerTo checks that only an unambiguous answer counts. An answer of AWS can be incomplete or
// in an older form.
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
		{"the result of the resource is the answer", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", template, implicit, inside(a, implicit),
				inside(b, allowed))}, "allowed"},
		{"the case of the action does not matter", a, 1,
			[]types.EvaluationResult{result("S3:listbucket", a, explicit)}, "explicitDeny"},
		{"the result with the name of the resource is the answer",
			b, 2, []types.EvaluationResult{result("s3:ListBucket", a, allowed),
				result("s3:ListBucket", b, implicit)}, "implicitDeny"},
		{"the result of another of two resources is no answer", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", a, allowed)}, ""},
		{"the result of another resource is no answer to a request with one resource", b, 1,
			[]types.EvaluationResult{result("s3:ListBucket", a, allowed)}, ""},
		{"an allowed template allows all resources", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", template, allowed)}, "allowed"},
		{"a denied template is no answer to a request with two resources", b, 2,
			[]types.EvaluationResult{result("s3:ListBucket", template, implicit)}, ""},
		{"a denied template is the answer to a request with one resource", b, 1,
			[]types.EvaluationResult{result("s3:ListBucket", template, implicit)}, "implicitDeny"},
		{"the result of * is the answer for an action without resources", "*", 1,
			[]types.EvaluationResult{result("s3:ListBucket", "*", allowed)}, "allowed"},
		{"the result of another action is no answer",
			a, 1, []types.EvaluationResult{result("s3:GetObject", a, allowed)},
			""},
		{"an unknown decision is no answer",
			a, 1, []types.EvaluationResult{result("s3:ListBucket", a, "maybe")},
			""},
		{"an empty list of results is no answer", a, 1, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := answerTo(needs.SimulationRequest{Action: "s3:ListBucket", Resource: test.resource},
				test.resources, test.results)
			if ok != (test.want != "") || ok && got.Decision.String() != test.want {
				t.Errorf("got %v, %v; want %q", got.Decision, ok, test.want)
			}
		})
	}
}

// TestOrganizationIsNotTheCauseOfAStatementsDenial checks that OrganizationDenies is false for a
// resource that a statement denies. The organization's decision applies to the action with all
// resources.
func TestOrganizationIsNotTheCauseOfAStatementsDenial(t *testing.T) {
	id := "role_r_p"
	r := result("s3:ListBucket", "arn:aws:s3:::${BucketName}",
		types.PolicyEvaluationDecisionTypeExplicitDeny,
		inside("arn:aws:s3:::a", types.PolicyEvaluationDecisionTypeImplicitDeny),
		inside("arn:aws:s3:::b", types.PolicyEvaluationDecisionTypeExplicitDeny,
			types.Statement{SourcePolicyId: &id}))
	r.OrganizationsDecisionDetail = &types.OrganizationsDecisionDetail{AllowedByOrganizations: false}
	for resource, want := range map[string]bool{"arn:aws:s3:::a": true, "arn:aws:s3:::b": false} {
		got, ok := answerTo(needs.SimulationRequest{Action: "s3:ListBucket", Resource: resource}, 2,
			[]types.EvaluationResult{r})
		if !ok || got.OrganizationDenies != want {
			t.Errorf("%s: OrganizationDenies %v, ok %v; want %v, true", resource, got.OrganizationDenies, ok,
				want)
		}
	}
}
