package account

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
)

// organization reads the levels of service control policies, root first.
func (l *loader) organization(levels [][]value, at string) iam.Organization {
	if l.nodes[at] == nil {
		return nil
	}
	var o iam.Organization
	for i, level := range levels {
		at := fmt.Sprintf("%s[%d]", at, i)
		var documents []string
		for j, v := range level {
			documents = append(documents, l.serviceControlPolicy(v, fmt.Sprintf("%s[%d]", at, j)))
		}
		if len(documents) == 0 {
			l.addProblem(l.nodes[at], at,
				"a level without service control policies denies everything: list its documents, or "+
					"FullAWSAccess, the default of AWS")
		}
		o = append(o, documents)
	}
	if o == nil && !l.hasProblem(at) {
		l.addProblem(l.nodes[at], at,
			"the organization has no levels: list the documents of the root, of each organizational "+
				"unit and of the account, as - [FullAWSAccess]")
	}
	return o
}

// serviceControlPolicy reads a service control policy, or the name FullAWSAccess.
func (l *loader) serviceControlPolicy(v value, at string) string {
	if text, ok := l.resolve(l.node(v, at)).(*ast.StringNode); ok && text.Value == "FullAWSAccess" {
		return iam.FullAWSAccess
	}
	return l.document(v, at, 0)
}

// resourceControlPolicies reads the resource control policies of the levels of the organization,
// root first. A level may have none, because AWS attaches RCPFullAWSAccess to each level.
func (l *loader) resourceControlPolicies(levels [][]value, at string) iam.Organization {
	if l.nodes[at] == nil {
		return nil
	}
	if most := len(l.acc.ServiceControlPolicies); len(levels) > most {
		l.addProblem(l.nodes[at], at,
			"there are %d levels, and the organization has %d: list the same levels under organization",
			len(levels), most)
	}
	o := iam.Organization{}
	for i, level := range levels {
		documents := []string{}
		for j, v := range level {
			documents = append(documents, l.resourceControlPolicy(v, fmt.Sprintf("%s[%d][%d]", at, i, j)))
		}
		o = append(o, documents)
	}
	return o
}

// resourceControlPolicy reads a resource control policy, or the name RCPFullAWSAccess.
func (l *loader) resourceControlPolicy(v value, at string) string {
	n := l.node(v, at)
	if text, ok := l.resolve(n).(*ast.StringNode); ok && text.Value == "RCPFullAWSAccess" {
		return organizations.RCPFullAWSAccess
	}
	return l.checkedDocument(n, at, 0, organizations.CheckResourceControlPolicy)
}
