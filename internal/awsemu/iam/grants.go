package iam

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// levels parses the service control policies. It omits documents that do not parse.
func (o Organization) levels() [][]iampolicy.Policy {
	var levels [][]iampolicy.Policy
	for n, texts := range o {
		level := []iampolicy.Policy{}
		for i, text := range texts {
			level = appendPolicy(level, fmt.Sprintf("scp_%d_%d", n+1, i+1), newDocument(text))
		}
		levels = append(levels, level)
	}
	return levels
}

// SetOrganization replaces the service control policies that apply to the account.
func (s *Service) SetOrganization(levels [][]string) {
	s.organization = Organization(levels).levels()
}

// grants returns the policies that decide about the calls of an entity: the policies of the
// entity and of its groups, the boundary and the organization's policies. It omits the excluded
// policies. The policies have the ids that the simulator uses. A managed policy appears once, even
// if it is attached to the entity and to a group.
func (e *entity) grants(excluded exclusions) iampolicy.Grants {
	var g iampolicy.Grants
	seen := make(map[*policy]bool)
	for _, holder := range append([]*entity{e}, e.groups...) {
		for _, name := range slices.Sorted(maps.Keys(holder.inline)) {
			if excluded.cover(attachment{policyType: typeInline, holder: holder, name: name}) {
				continue
			}
			id := fmt.Sprintf("%s_%s_%s", holder.kind, holder.name, name)
			g.Identity = appendPolicy(g.Identity, id, holder.inline[name])
		}
		for _, p := range holder.attached {
			if seen[p] || excluded.cover(attachment{policyType: p.policyType(), arn: p.arn}) {
				continue
			}
			seen[p] = true
			g.Identity = appendPolicy(g.Identity, p.name, p.current().document)
		}
	}
	if e.boundary != nil && !excluded.cover(attachment{policyType: typeBoundary}) {
		doc := e.boundary.current().parsed
		if doc == nil {
			doc = &iampolicy.Document{} // allows nothing
		}
		g.Boundary = &iampolicy.Policy{ID: e.boundary.name, Document: doc}
	}
	if !e.linkedToService() && !excluded.cover(attachment{policyType: typeSCP}) {
		g.Organization = e.iam.organization
	}
	return g
}

// linkedToService reports whether the entity is a service-linked role. Service control policies do
// not affect those roles.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
func (e *entity) linkedToService() bool {
	return e.kind == service.KindRole && strings.HasPrefix(e.path, "/aws-service-role/")
}

// appendPolicy appends a policy to list. It omits a policy with a document that did not parse,
// because the policy grants and denies nothing.
func appendPolicy(list []iampolicy.Policy, id string, d document) []iampolicy.Policy {
	if d.parsed == nil {
		return list
	}
	return append(list, iampolicy.Policy{ID: id, Document: d.parsed})
}
