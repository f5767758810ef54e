package iam

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// simulationInput reads and checks the parameters of a simulation. readPolicies reads the policies
// and the condition keys of the caller.
func (c call) simulationInput(readPolicies func(call,
	*simulationInput) error) (*simulationInput, error) {
	for _, param := range []string{"ResourcePolicy", "ResourceOwner", "ResourceHandlingOption"} {
		// Ignoring the parameter would change the answer.
		if sub := c.Form.At(param); sub != nil && (sub.Sub != nil || sub.Value != "") {
			return nil, invalidInput("The embedded AWS does not offer %s.", param)
		}
	}
	q := &simulationInput{partition: c.account.Partition, shape: c.simulator.Shape}
	if err := readPolicies(c, q); err != nil {
		return nil, err
	}
	actions, err := c.actionNames()
	if err != nil {
		return nil, err
	}
	if q.resources, err = c.resourceARNs(); err != nil {
		return nil, err
	}
	if err := c.addInputPolicies(&q.grants); err != nil {
		return nil, err
	}
	if err := c.addContextEntries(q.context); err != nil {
		return nil, err
	}
	if q.resources != nil {
		if err := c.checkUngrouped(actions); err != nil {
			return nil, err
		}
	}
	size := cmp.Or(c.simulator.PageSize, c.PageSize)
	w, err := wire.FormWindow(c.Form, c.Operation, size,
		invalidInput("Invalid marker for pagination."))
	if err != nil {
		return nil, err
	}
	q.actions, q.page = wire.PageOf(actions, w, c.Operation)
	return q, nil
}

// readPrincipalPolicies reads the policies for SimulatePrincipalPolicy: those of an entity of the
// account, and of the account's organization.
func (c call) readPrincipalPolicies(q *simulationInput) error {
	source, err := c.policySource()
	if err != nil {
		return err
	}
	excluded, err := c.exclusions()
	if err != nil {
		return err
	}
	q.inOrganization = c.organization != nil
	q.grants = source.grants(excluded)
	q.context, err = c.callerContext(source)
	return err
}

// readInputPolicies reads the policies for SimulateCustomPolicy: only the documents in the request.
func (c call) readInputPolicies(q *simulationInput) (err error) {
	if !c.Form.Has("PolicyInputList") {
		return wire.Required("policyInputList")
	}
	for n, level := range c.Form.List("OrderedOrganizationPolicyInputList", "member") {
		var policies []iampolicy.Policy
		for i, text := range level.Members("ServiceControlPolicyInputList") {
			doc, err := iampolicy.Parse(text)
			if err != nil {
				// The text of AWS is unknown. This text is like AWS's text for PolicyInputList.
				return invalidInput("Organization policy input list item %d.%d has invalid content", n+1, i+1)
			}
			policies = append(policies,
				iampolicy.Policy{ID: fmt.Sprintf("OrderedOrganizationPolicyInputList.%d.%d", n+1, i+1),
					Document: doc})
		}
		q.grants.Organization = append(q.grants.Organization, policies)
	}
	q.inOrganization = q.grants.Organization != nil
	q.context, err = c.callerContext(nil)
	return err
}

// policySource returns the entity that PolicySourceArn names. It ignores the path in the ARN.
func (c call) policySource() (*entity, error) {
	arn := c.Form.Get("PolicySourceArn")
	if err := c.lengthOf("PolicySourceArn", arn, 20, 2048); err != nil {
		return nil, err
	}
	k, name, ok := service.EntityOfARN(arn)
	a, _ := awsarn.Parse(arn)
	old := c.simulator.Shape == ShapeOld
	if !ok || a.Partition != c.account.Partition || a.Region != "" {
		if old {
			return nil, invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.",
				arn)
		}
		return nil, invalidInput("Invalid ARN provided in the request: %s", arn)
	}
	if a.Account != c.account.ID {
		return nil,
			invalidInput("Invalid Policy Source Arn: caller's account %s does not have access to policies "+
				"in account %s.", c.account.ID, a.Account)
	}
	e := c.entities[k][name]
	switch {
	case e == nil && old:
		return nil, noSuchEntity("The %s with name %s cannot be found.", k, name)
	case e == nil:
		return nil, noSuchEntity("Unable to retrieve specified IAM entity.")
	}
	return e, nil
}

// lengthOf returns an error if a required parameter is missing or has a wrong length.
func (c call) lengthOf(param, value string, least, most int) error {
	member := memberOf(param)
	switch {
	case !c.Form.Has(param):
		return wire.Required(member)
	case len(value) < least:
		return wire.Constraint(member, "Member must have length greater than or equal to %d", least)
	case len(value) > most:
		return wire.Constraint(member, "Member must have length less than or equal to %d", most)
	}
	return nil
}

func (c call) actionNames() ([]string, error) {
	actions := c.Form.Members("ActionNames")
	if len(actions) == 0 {
		return nil, wire.Required("actionNames")
	}
	for _, a := range actions {
		if len(a) < 3 || len(a) > 128 {
			return nil,
				wire.Constraint("actionNames",
					"Member must satisfy constraint: [Member must have length less than or equal to 128, Member "+
						"must have length greater than or equal to 3]")
		}
		if !strings.Contains(a, ":") {
			return nil, invalidInput("The action is invalid since it is missing names")
		}
	}
	return actions, nil
}

// resourceARNs returns the list of ResourceArns, or nil for "*". The default is "*".
func (c call) resourceARNs() ([]string, error) {
	arns := c.Form.Members("ResourceArns")
	if len(arns) == 0 || len(arns) == 1 && arns[0] == "*" {
		return nil, nil
	}
	for _, arn := range arns {
		if arn == "" || len(arn) > 2048 {
			return nil,
				wire.Constraint("resourceArns",
					"Member must satisfy constraint: [Member must have length less than or equal to 2048, "+
						"Member must have length greater than or equal to 1]")
		}
		a, ok := awsarn.Parse(arn)
		if !ok || a.Partition == "" || a.Service == "" || a.Resource == "" {
			return nil, invalidInput("ResourceNames are not in a valid ARN format: %s.", arn)
		}
	}
	return arns, nil
}

// checkUngrouped returns an error if the simulator has resource data for some of the actions, but
// not for all.
func (c call) checkUngrouped(actions []string) error {
	var groups [2][]string
	first := -1
	for _, a := range actions {
		g := 0
		if slices.ContainsFunc(c.simulator.Ungrouped, func(u string) bool {
			return strings.EqualFold(u, a)
		}) {
			g = 1
		}
		if first < 0 {
			first = g
		}
		if !slices.Contains(groups[g], a) {
			groups[g] = append(groups[g], a)
		}
	}
	if len(groups[0]) == 0 || len(groups[1]) == 0 {
		return nil
	}
	return invalidInput("Invalid Input Actions: [%s] and [%s] require different authorization "+
		"information.",
		strings.Join(groups[first], ","), strings.Join(groups[1-first], ","))
}

// addInputPolicies adds the documents of PolicyInputList to g. If the request contains a
// PermissionsBoundaryPolicyInputList, its document replaces the boundary.
func (c call) addInputPolicies(g *iampolicy.Grants) error {
	for i, text := range c.Form.Members("PolicyInputList") {
		doc, err := iampolicy.Parse(text)
		if err != nil {
			return invalidInput("Policy input list item %d has invalid content", i+1)
		}
		g.Identity = append(g.Identity, iampolicy.Policy{ID: fmt.Sprintf("PolicyInputList.%d", i+1),
			Document: doc})
	}
	switch boundaries := c.Form.Members("PermissionsBoundaryPolicyInputList"); len(boundaries) {
	case 0:
	case 1:
		doc, err := iampolicy.Parse(boundaries[0])
		if err != nil {
			return invalidInput("Permissions Boundary policy input list item 1 has invalid content")
		}
		g.Boundary = &iampolicy.Policy{ID: "PermissionsBoundaryPolicyInputList.1", Document: doc}
	default:
		return invalidInput("The list of Permissions Boundary policies cannot exceed 1 items.")
	}
	return nil
}
