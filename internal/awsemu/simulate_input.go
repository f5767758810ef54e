package awsemu

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// question reads and checks the parameters of SimulatePrincipalPolicy.
func (c *call) question() (*question, error) {
	for _, param := range []string{"PolicyExclusionList", "ResourcePolicy", "ResourceOwner", "ResourceHandlingOption"} {
		// Leaving one out would change the answer, so that it is refused instead.
		if sub := c.form.at(param); sub != nil && (sub.sub != nil || sub.value != "") {
			return nil, invalidInput("The embedded AWS does not offer %s.", param)
		}
	}
	source, err := c.policySource()
	if err != nil {
		return nil, err
	}
	actions, err := c.actionNames()
	if err != nil {
		return nil, err
	}
	resources, err := c.resourceARNs()
	if err != nil {
		return nil, err
	}
	q := &question{
		partition:    c.store.partition,
		resources:    resources,
		grants:       grantsOf(source),
		organization: c.store.organization,
		exempt:       source.kind == kindRole && strings.HasPrefix(source.path, "/aws-service-role/"),
		shape:        c.store.simulator.Shape,
	}
	if err := c.addInputPolicies(&q.grants); err != nil {
		return nil, err
	}
	if q.context, err = c.simulatedContext(source); err != nil {
		return nil, err
	}
	if resources != nil {
		if err := c.oneGroup(actions); err != nil {
			return nil, err
		}
	}
	size := c.store.simulator.PageSize
	if size == 0 || c.PageSize > 0 {
		size = c.pageSize()
	}
	w, err := c.window(c.operation, size, invalidInput("Invalid marker for pagination."))
	if err != nil {
		return nil, err
	}
	q.actions, q.page = cut(actions, w, c.operation)
	return q, nil
}

// policySource finds whose policies are simulated. The path in the ARN makes no difference.
func (c *call) policySource() (*entity, error) {
	arn := c.form.get("PolicySourceArn")
	if err := c.lengthOf("PolicySourceArn", arn, 20, 2048); err != nil {
		return nil, err
	}
	k, name, ok := entityOfARN(arn)
	parts := strings.SplitN(arn, ":", 6)
	if !ok || parts[1] != c.store.partition || parts[3] != "" {
		return nil, invalidInput("Invalid ARN provided in the request: %s", arn)
	}
	if parts[4] != c.store.account {
		return nil, invalidInput("Invalid Policy Source Arn: caller's account %s does not have access to policies in account %s.", c.store.account, parts[4])
	}
	e := c.store.entities[k][name]
	if e == nil {
		return nil, noSuchEntity("Unable to retrieve specified IAM entity.")
	}
	return e, nil
}

// lengthOf checks a required parameter's length.
func (c *call) lengthOf(param, value string, least, most int) error {
	member := strings.ToLower(param[:1]) + param[1:]
	switch {
	case !c.form.has(param):
		return required(member)
	case len(value) < least:
		return constraint(member, "Member must have length greater than or equal to %d", least)
	case len(value) > most:
		return constraint(member, "Member must have length less than or equal to %d", most)
	}
	return nil
}

func (c *call) actionNames() ([]string, error) {
	actions := c.form.members("ActionNames")
	if len(actions) == 0 {
		return nil, required("actionNames")
	}
	for _, a := range actions {
		if len(a) < 3 || len(a) > 128 {
			return nil, constraint("actionNames", "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 3]")
		}
		if !strings.Contains(a, ":") {
			return nil, invalidInput("The action is invalid since it is missing names")
		}
	}
	return actions, nil
}

// resourceARNs returns nil for "*", given or not.
func (c *call) resourceARNs() ([]string, error) {
	arns := c.form.members("ResourceArns")
	if len(arns) == 0 || len(arns) == 1 && arns[0] == "*" {
		return nil, nil
	}
	for _, arn := range arns {
		if arn == "" || len(arn) > 2048 {
			return nil, constraint("resourceArns", "Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1]")
		}
		f := strings.SplitN(arn, ":", 6)
		if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
			return nil, invalidInput("ResourceNames are not in a valid ARN format: %s.", arn)
		}
	}
	return arns, nil
}

// oneGroup refuses actions that the simulator has no resource data for together with others.
func (c *call) oneGroup(actions []string) error {
	var groups [2][]string
	first := -1
	for _, a := range actions {
		g := 0
		if slices.ContainsFunc(c.store.simulator.Ungrouped, func(u string) bool { return strings.EqualFold(u, a) }) {
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
	return invalidInput("Invalid Input Actions: [%s] and [%s] require different authorization information.",
		strings.Join(groups[first], ","), strings.Join(groups[1-first], ","))
}

// grantsOf gathers the policies of an entity and of its groups, by the ids the simulator gives them. A
// managed policy that is reached twice counts once.
func grantsOf(e *entity) iampolicy.Grants {
	var g iampolicy.Grants
	seen := make(map[*policy]bool)
	for _, holder := range append([]*entity{e}, e.groups...) {
		for _, name := range slices.Sorted(maps.Keys(holder.inline)) {
			id := fmt.Sprintf("%s_%s_%s", holder.kind, holder.name, name)
			g.Identity = appendPolicy(g.Identity, id, holder.inline[name])
		}
		for _, p := range holder.attached {
			if !seen[p] {
				seen[p] = true
				g.Identity = appendPolicy(g.Identity, p.name, p.current().document)
			}
		}
	}
	if e.boundary != nil {
		doc := e.boundary.current().parsed
		if doc == nil {
			doc = &iampolicy.Document{} // allows nothing
		}
		g.Boundary = &iampolicy.Policy{ID: e.boundary.name, Document: doc}
	}
	return g
}

// appendPolicy leaves out what is no document: such a one grants and forbids nothing.
func appendPolicy(list []iampolicy.Policy, id string, d document) []iampolicy.Policy {
	if d.parsed == nil {
		return list
	}
	return append(list, iampolicy.Policy{ID: id, Document: d.parsed})
}

// addInputPolicies adds the documents of PolicyInputList and puts that of
// PermissionsBoundaryPolicyInputList in the place of the boundary.
func (c *call) addInputPolicies(g *iampolicy.Grants) error {
	for i, text := range c.form.members("PolicyInputList") {
		doc, err := iampolicy.Parse(text)
		if err != nil {
			return invalidInput("Policy input list item %d has invalid content", i+1)
		}
		g.Identity = append(g.Identity, iampolicy.Policy{ID: fmt.Sprintf("PolicyInputList.%d", i+1), Document: doc})
	}
	switch boundaries := c.form.members("PermissionsBoundaryPolicyInputList"); len(boundaries) {
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
