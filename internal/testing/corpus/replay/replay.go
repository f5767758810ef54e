// Package replay evaluates the cases of the corpus with a policy simulator, AWS's own or the
// embedded one. Each case takes one call of SimulateCustomPolicy, which reads and changes nothing
// in the account.
//
//	in := replay.Input(c)
//	out, err := client.SimulateCustomPolicy(ctx, in)
//	differences := replay.Compare(c, out)
//
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

// Input returns the simulator request for a case.
func Input(c corpus.Case) *iam.SimulateCustomPolicyInput {
	in := &iam.SimulateCustomPolicyInput{
		ActionNames:     []string{c.Action},
		PolicyInputList: texts(c.Identity),
	}
	if c.Resource != "*" {
		in.ResourceArns = []string{c.Resource}
	}
	if c.Boundary != nil {
		in.PermissionsBoundaryPolicyInputList = []string{string(*c.Boundary)}
	}
	for _, level := range c.Organization {
		in.OrderedOrganizationPolicyInputList = append(in.OrderedOrganizationPolicyInputList,
			types.OrderedOrganizationPolicyType{ServiceControlPolicyInputList: texts(level)})
	}
	kinds := contextTypes(c)
	for _, key := range slices.Sorted(maps.Keys(c.Context)) {
		v := c.Context[key]
		in.ContextEntries = append(in.ContextEntries, types.ContextEntry{
			ContextKeyName: aws.String(key), ContextKeyValues: v.Elements,
			ContextKeyType: contextType(kinds[strings.ToLower(key)], v),
		})
	}
	return in
}

// MalformedInput returns the simulator request for a malformed document.
func MalformedInput(m corpus.Malformed) *iam.SimulateCustomPolicyInput {
	return Input(corpus.Case{Identity: []corpus.Document{m.Document}, Action: "s3:GetObject",
		Resource: "*"})
}

func texts(documents []corpus.Document) (list []string) {
	for _, d := range documents {
		list = append(list, string(d))
	}
	return list
}

// Compare describes each difference between the simulator's result and the case. It does not
// compare fields that the case leaves out.
func Compare(c corpus.Case, out *iam.SimulateCustomPolicyOutput) (differences []string) {
	compare := func(what string, got, want any) {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			differences = append(differences, fmt.Sprintf("%s %v, want %v", what, got, want))
		}
	}
	if len(out.EvaluationResults) != 1 {
		return []string{fmt.Sprintf("%d results, want one", len(out.EvaluationResults))}
	}
	r := out.EvaluationResults[0]
	compare("decision", r.EvalDecision, c.Want.Decision)
	refused := func(layer string) bool { return slices.Contains(c.Want.RefusedBy, layer) }
	if c.Want.RefusedBy != nil && c.Boundary != nil && !refused("organization") {
		compare("allowed by the boundary", r.PermissionsBoundaryDecisionDetail != nil &&
			r.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary, !refused("boundary"))
	}
	if c.Want.RefusedBy != nil && c.Organization != nil {
		compare("allowed by the organization", r.OrganizationsDecisionDetail != nil &&
			r.OrganizationsDecisionDetail.AllowedByOrganizations, !refused("organization"))
	}
	if c.Want.Matched != nil && !refused("organization") {
		want, err := decidingStatements(c)
		if err != nil {
			return append(differences, err.Error())
		}
		compare("statements", statements(r.MatchedStatements), want)
	}
	if c.Want.Missing != nil {
		// The order of the keys is not defined.
		compare("missing context keys", slices.Sorted(slices.Values(r.MissingContextValues)),
			slices.Sorted(slices.Values(c.Want.Missing)))
	}
	return differences
}

// decidingStatements returns the statements that the simulator lists for a case. These are the
// matching Deny statements of an explicitDeny, or the matching Allow statements of an allowed case.
func decidingStatements(c corpus.Case) ([]string, error) {
	list := []string{}
	effect := map[string]iampolicy.Effect{"explicitDeny": iampolicy.Deny, "allowed": iampolicy.Allow}
	for _, name := range c.Want.Matched {
		policy, index, text := "", 0, corpus.Document("")
		if slash := strings.LastIndexByte(name, '/'); slash > 0 {
			policy = name[:slash]
			_, _ = fmt.Sscan(name[slash+1:], &index) // an invalid number stays 0, which is rejected below
		}
		for i, d := range c.Identity {
			if policy == fmt.Sprintf("PolicyInputList.%d", i+1) {
				text = d
			}
		}
		if policy == "PermissionsBoundaryPolicyInputList.1" && c.Boundary != nil {
			text = *c.Boundary
		}
		doc, err := iampolicy.Parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if index < 1 || index > len(doc.Statements) {
			return nil, fmt.Errorf("the case has no statement %s", name)
		}
		s := doc.Statements[index-1]
		if wanted, decides := effect[c.Want.Decision]; decides && s.Effect == wanted {
			list = append(list, fmt.Sprintf("%s %d:%d-%d:%d", policy, s.Start.Line, s.Start.Column,
				s.End.Line, s.End.Column))
		}
	}
	slices.Sort(list)
	return list, nil
}

func statements(matched []types.Statement) []string {
	list := []string{}
	for _, m := range matched {
		at := func(p *types.Position) types.Position {
			if p == nil {
				return types.Position{}
			}
			return *p
		}
		start, end := at(m.StartPosition), at(m.EndPosition)
		list = append(list, fmt.Sprintf("%s %d:%d-%d:%d", aws.ToString(m.SourcePolicyId), start.Line,
			start.Column, end.Line, end.Column))
	}
	slices.Sort(list)
	return list
}
