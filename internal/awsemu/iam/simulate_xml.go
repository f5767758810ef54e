package iam

import (
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// The types below are the XML of a simulation's results.

type evaluationXML struct {
	EvalActionName       string
	EvalResourceName     string
	EvalDecision         string
	MatchedStatements    wire.Members[statementXML]
	MissingContextValues wire.Members[string]
	Organizations        *organizationsXML          `xml:"OrganizationsDecisionDetail"`
	Boundary             *boundaryDetailXML         `xml:"PermissionsBoundaryDecisionDetail"`
	Details              *struct{}                  `xml:"EvalDecisionDetails"`
	Resources            *wire.Members[resourceXML] `xml:"ResourceSpecificResults"`
}

type resourceXML struct {
	EvalResourceName     string
	EvalResourceDecision string
	MatchedStatements    *wire.Members[statementXML]
	MissingContextValues *wire.Members[string]
	Boundary             *boundaryDetailXML `xml:"PermissionsBoundaryDecisionDetail"`
}

type organizationsXML struct {
	Allowed bool `xml:"AllowedByOrganizations"`
}

type boundaryDetailXML struct {
	Allowed bool `xml:"AllowedByPermissionsBoundary"`
}

type statementXML struct {
	SourcePolicyID   string `xml:"SourcePolicyId"`
	SourcePolicyType string
	StartPosition    positionXML
	EndPosition      positionXML
}

type positionXML struct{ Line, Column int }

// statements converts matches to the simulator's format. The simulator uses other names of policy
// types than the enumeration in the API reference.
func statements(matched []iampolicy.Match) []statementXML {
	var list []statementXML
	for _, m := range matched {
		sourceType := "IAM Policy"
		if m.Layer == iampolicy.Boundary {
			sourceType = "Permissions Boundary Policy"
		}
		list = append(list, statementXML{
			m.Policy, sourceType,
			positionXML{m.Start.Line, m.Start.Column}, positionXML{m.End.Line, m.End.Column},
		})
	}
	return list
}
