package collect

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// FuzzSplitActions checks that the groups in an error of the simulator split the actions into parts
// that are smaller, and that together have each action once. Then n actions need at most 2n calls.
func FuzzSplitActions(f *testing.F) {
	const text = " require different authorization information"
	f.Add("s3:GetObject s3:PutObject iam:PassRole",
		"Invalid Input Actions: [s3:GetObject,s3:PutObject] and [iam:PassRole]"+text)
	f.Add("s3:GetObject s3:PutObject", "[s3:GetObject, s3:PutObject]"+text)
	f.Add("s3:GetObject s3:PutObject", "[S3:GETOBJECT],[s3:getobject]"+text)
	f.Add("a b", "[[a],[b]]"+text)
	f.Add("a b", "[]"+text)
	f.Add("a b c", strings.Repeat("[", 1000)+text)
	f.Fuzz(func(t *testing.T, list, message string) {
		actions := slices.Compact(slices.Sorted(slices.Values(strings.Fields(list))))
		if len(actions) < 2 || len(actions) > 200 || len(message) > 1<<16 {
			return
		}
		var groups, parts [][]string
		memory.AtMost(t, uint64(1<<20+200*len(message)+1000*len(actions)), func() {
			groups = actionGroups(&smithy.GenericAPIError{Code: "InvalidInput", Message: message})
			if groups != nil {
				parts = splitActions(actions, groups)
			}
		})
		if groups == nil {
			return
		}
		var all []string
		for _, part := range parts {
			if len(part) == 0 || len(part) >= len(actions) {
				t.Errorf("part %q of %q is not smaller", part, actions)
			}
			all = append(all, part...)
		}
		slices.Sort(all)
		if !slices.Equal(all, actions) {
			t.Errorf("the parts %q of %q have %q", parts, actions, all)
		}
	})
}

// fuzzedResults are results of the simulator as a fuzz target can write them.
type fuzzedResults struct {
	Member []struct {
		EvalActionName, EvalResourceName, EvalDecision string
		Specific                                       []struct {
			EvalResourceName, EvalResourceDecision string
		} `xml:"ResourceSpecificResults>member"`
	} `xml:"member"`
}

// FuzzAnswerTo checks that an answer counts as allowed only if AWS writes "allowed" for the action,
// and that each answer names the action.
func FuzzAnswerTo(f *testing.F) {
	f.Add(uint8(1), `<r><member><EvalActionName>s3:ListBucket</EvalActionName>
		<EvalResourceName>arn:aws:s3:::a</EvalResourceName><EvalDecision>allowed</EvalDecision>
		</member></r>`)
	f.Add(uint8(2), `<r><member><EvalActionName>s3:ListBucket</EvalActionName>
		<EvalResourceName>arn:aws:s3:::${BucketName}</EvalResourceName>
		<EvalDecision>implicitDeny</EvalDecision><ResourceSpecificResults><member>
		<EvalResourceName>arn:aws:s3:::a</EvalResourceName>
		<EvalResourceDecision>allowed</EvalResourceDecision></member></ResourceSpecificResults>
		</member></r>`)
	f.Add(uint8(2), `<r><member><EvalActionName>s3:GetObject</EvalActionName>
		<EvalDecision>Allowed</EvalDecision></member></r>`)
	f.Fuzz(func(t *testing.T, resources uint8, text string) {
		var in fuzzedResults
		if len(text) > 1<<16 || xml.Unmarshal([]byte(text), &in) != nil {
			return
		}
		var results []types.EvaluationResult
		named, allowed := false, false
		for _, m := range in.Member {
			r := types.EvaluationResult{EvalActionName: &m.EvalActionName,
				EvalResourceName: aws.String(m.EvalResourceName),
				EvalDecision:     types.PolicyEvaluationDecisionType(m.EvalDecision)}
			mine := strings.EqualFold(m.EvalActionName, "s3:ListBucket")
			named, allowed = named || mine, allowed || mine && m.EvalDecision == "allowed"
			for _, s := range m.Specific {
				allowed = allowed || mine && s.EvalResourceDecision == "allowed" &&
					s.EvalResourceName == "arn:aws:s3:::a"
				r.ResourceSpecificResults = append(r.ResourceSpecificResults, types.ResourceSpecificResult{
					EvalResourceName:     aws.String(s.EvalResourceName),
					EvalResourceDecision: types.PolicyEvaluationDecisionType(s.EvalResourceDecision)})
			}
			results = append(results, r)
		}
		answer, ok := answerTo(needs.SimulationRequest{Action: "s3:ListBucket",
			Resource: "arn:aws:s3:::a"}, int(resources), results)
		if ok && !named {
			t.Errorf("%s answers an action that it does not name", text)
		}
		if ok && answer.Decision == iampolicy.Allowed && !allowed {
			t.Errorf("%s allows nothing, but counts as allowed", text)
		}
	})
}
