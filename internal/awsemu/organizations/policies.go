package organizations

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// Root is the id of the root of the organization.
const Root = "r-r3m0"

// maxPolicies is the maximum number of policies of the organization.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const maxPolicies = 10_000

// A policy is a service control policy or a resource control policy.
type policy struct {
	kind                           *policyKind
	id, name, description, content string
}

// ofAWS reports whether AWS manages the policy.
func (p *policy) ofAWS() bool { return p.id == p.kind.fullID }

// A level is the root, a unit or the account, with its policies.
type level struct {
	target   string // its id
	policies []*policy
}

// addLevels creates the levels of the account, root first, with the policies of one kind. The last
// of several levels is the account. The levels of another kind may exist already.
func (s *Service) addLevels(kind *policyKind, levels [][]string) {
	full := s.fullAccess(kind)
	for n, documents := range levels {
		if n == len(s.levels) {
			s.levels = append(s.levels, &level{target: s.targetOf(n, len(levels))})
		}
		l := s.levels[n]
		if kind.inseparable {
			l.policies = append(l.policies, full)
		}
		for i, text := range documents {
			p := full
			if text != kind.fullContent {
				name := fmt.Sprintf("%s_%d_%d", kind.prefix, n+1, i+1)
				p = &policy{kind: kind, id: policyID(name), name: name, content: text}
				s.policies = append(s.policies, p)
			}
			if !slices.Contains(l.policies, p) {
				l.policies = append(l.policies, p)
			}
		}
	}
}

// targetOf returns the id of a level of several, counted from the root.
func (s *Service) targetOf(n, levels int) string {
	switch n {
	case 0:
		return Root
	case levels - 1:
		return s.account.ID
	default:
		return fmt.Sprintf("ou-r3m0-%08d", n)
	}
}

// fullAccess returns the policy of AWS of a kind.
func (s *Service) fullAccess(kind *policyKind) *policy {
	i := slices.IndexFunc(s.policies, func(p *policy) bool { return p.id == kind.fullID })
	return s.policies[i]
}

// attached returns the policies of a level that are of a kind.
func (l *level) attached(kind *policyKind) (list []*policy) {
	for _, p := range l.policies {
		if p.kind == kind {
			list = append(list, p)
		}
	}
	return list
}

// policyID returns an id in the format of AWS. The same parts give the same id.
func policyID(parts ...string) string { return strings.ToLower(service.UniqueID("p-", parts...)) }

// levelOf returns the level that TargetId names. An account without policies of its own has the
// policy that AWS attaches by default.
func (c call) levelOf() (*level, error) {
	id := c.text("TargetId")
	for _, l := range c.levels {
		if l.target == id {
			return l, nil
		}
	}
	if id != c.account.ID {
		return nil, refuse("TargetNotFoundException",
			"You specified a target that doesn't exist.")
	}
	l := &level{target: id}
	for _, kind := range kinds {
		if c.enabled(kind) {
			l.policies = append(l.policies, c.fullAccess(kind))
		}
	}
	c.levels = append(c.levels, l)
	return l, nil
}

// enforceLevels passes the service control policies of the levels to IAM. They do not affect the
// management account.
func (s *Service) enforceLevels() {
	if s.access == AccessManagement {
		return
	}
	levels := make([][]string, len(s.levels))
	for i, l := range s.levels {
		levels[i] = []string{}
		for _, p := range l.attached(serviceControl) {
			levels[i] = append(levels[i], p.content)
		}
	}
	s.enforce(levels)
}

func refuse(code, format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, code, format, args...)
}

// invalid returns the error for input that is not valid, with the reason of the service.
func invalid(reason, format string, args ...any) *wire.Error {
	e := refuse("InvalidInputException", format, args...)
	e.Members = map[string]string{"Reason": reason}
	return e
}

func (c call) text(member string) string {
	text, _ := c.Input[member].(string)
	return text
}

// policyOperations are the operations on policies.
var policyOperations = service.Table[call]{
	"CreatePolicy":   {Do: byAdministrator(createPolicy), Needs: service.OnAny[call]()},
	"DescribePolicy": {Do: byAdministrator(describePolicy), Needs: service.On(policyARN)},
	"UpdatePolicy":   {Do: byAdministrator(updatePolicy), Needs: service.On(policyARN)},
	"DeletePolicy":   {Do: byAdministrator(deletePolicy), Needs: service.On(policyARN)},
	"AttachPolicy":   {Do: byAdministrator(attachPolicy), Needs: onBoth},
	"DetachPolicy":   {Do: byAdministrator(detachPolicy), Needs: onBoth},
	"ListPolicies":   {Do: byAdministrator(listPolicies), Needs: service.On[call](nil)},
	"ListPoliciesForTarget": {Do: byAdministrator(listPoliciesForTarget),
		Needs: service.On(targetARN)},
}

// onBoth is the permission on the policy and on its target.
var onBoth = []service.Need[call]{{Resource: policyARN}, {Resource: targetARN}}

// policyARN returns the ARN of the policy that a call names. The policy need not exist.
func policyARN(c call) string { return c.arnOf(c.text("PolicyId")) }

// targetARN returns the ARN of the root, unit or account that a call names.
func targetARN(c call) string { return c.nodeARN(c.text("TargetId")) }

// nodeARN returns the ARN of a root, a unit or an account. It need not exist.
func (s *Service) nodeARN(id string) string {
	kind := "account"
	switch {
	case strings.HasPrefix(id, "r-"):
		kind = "root"
	case strings.HasPrefix(id, "ou-"):
		kind = "ou"
	}
	return s.managementARN(kind + "/" + ID + "/" + id)
}

// arnOf returns the ARN of the policy with an id. The policy need not exist.
func (s *Service) arnOf(id string) string {
	kind := serviceControl
	for _, p := range s.policies {
		if p.id == id {
			kind = p.kind
		}
	}
	if id == kind.fullID {
		return awsarn.ARN{Partition: s.account.Partition, Service: "organizations", Account: "aws",
			Resource: "policy/" + strings.ToLower(kind.name) + "/" + id}.String()
	}
	return s.managementARN("policy/" + ID + "/" + strings.ToLower(kind.name) + "/" + id)
}

func (s *Service) managementARN(resource string) string {
	return awsarn.ARN{Partition: s.account.Partition, Service: "organizations",
		Account: s.management(), Resource: resource}.String()
}

// findPolicy returns the policy that PolicyId names.
func (c call) findPolicy() (*policy, error) {
	id := c.text("PolicyId")
	for _, p := range c.policies {
		if p.id == id {
			return p, nil
		}
	}
	return nil, refuse("PolicyNotFoundException", "You specified a policy that doesn't exist.")
}

// ownPolicy returns the policy that PolicyId names, which must not be that of AWS.
func (c call) ownPolicy() (*policy, error) {
	p, err := c.findPolicy()
	if err == nil && p.ofAWS() {
		return nil, invalid("IMMUTABLE_POLICY",
			"You specified a policy that is managed by AWS and can't be modified.")
	}
	return p, err
}

type summary struct {
	ARN         string `json:"Arn"`
	ID          string `json:"Id"`
	Name        string
	Description string
	Type        string
	AWSManaged  bool `json:"AwsManaged"`
}

func (c call) summary(p *policy) summary {
	return summary{c.arnOf(p.id), p.id, p.name, p.description, p.kind.name, p.ofAWS()}
}

func (c call) whole(p *policy) any {
	type policy struct {
		PolicySummary summary
		Content       string
	}
	return struct{ Policy policy }{policy{c.summary(p), p.content}}
}

// checkName checks that no policy but except has a name.
func (c call) checkName(name string, except *policy) error {
	if name == "" || utf8.RuneCountInString(name) > 128 {
		return refuse("InvalidInputException", "The Name must have 1 to 128 characters.")
	}
	if slices.ContainsFunc(c.policies, func(p *policy) bool { return p != except && p.name == name }) {
		return refuse("DuplicatePolicyException", "A policy with the same name already exists.")
	}
	return nil
}

func createPolicy(c call) (any, error) {
	kind, err := c.kind("Type")
	if err != nil {
		return nil, err
	}
	name, content := c.text("Name"), c.text("Content")
	if err := c.checkName(name, nil); err != nil {
		return nil, err
	}
	if err := kind.check(content); err != nil {
		return nil, err
	}
	if len(c.policies) >= maxPolicies {
		return nil, refuse("ConstraintViolationException",
			"You have exceeded the allowed number of policies in the organization.")
	}
	p := &policy{kind: kind, id: policyID(name, fmt.Sprint(c.account.Next())), name: name,
		description: c.text("Description"), content: content}
	c.policies = append(c.policies, p)
	return c.whole(p), nil
}

func describePolicy(c call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	return c.whole(p), nil
}

// updatePolicy changes the members of a policy that the call has.
func updatePolicy(c call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	changed := *p
	for member, value := range map[string]*string{"Name": &changed.name,
		"Description": &changed.description, "Content": &changed.content} {
		if _, given := c.Input[member]; given {
			*value = c.text(member)
		}
	}
	if err := c.checkName(changed.name, p); err != nil {
		return nil, err
	}
	if err := p.kind.check(changed.content); err != nil {
		return nil, err
	}
	*p = changed
	c.enforceLevels()
	return c.whole(p), nil
}

func deletePolicy(c call) (any, error) {
	p, err := c.ownPolicy()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(c.levels, func(l *level) bool { return slices.Contains(l.policies, p) }) {
		return nil, refuse("PolicyInUseException",
			"The policy is attached to one or more entities. You must detach it from all roots, OUs, "+
				"and accounts before performing this operation.")
	}
	c.policies = slices.DeleteFunc(c.policies, func(o *policy) bool { return o == p })
	return nil, nil
}

func attachPolicy(c call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	l, err := c.levelOf()
	switch {
	case err != nil:
		return nil, err
	case !c.enabled(p.kind):
		return nil, refuse("PolicyTypeNotEnabledException",
			"This operation can be performed only for enabled policy types.")
	case slices.Contains(l.policies, p):
		return nil, refuse("DuplicatePolicyAttachmentException",
			"The selected policy is already attached to the specified target.")
	case len(l.attached(p.kind)) >= p.kind.maxAttached:
		return nil, refuse("ConstraintViolationException",
			"You have attached the maximum number of policies of this type to the target.")
	}
	l.policies = append(l.policies, p)
	c.enforceLevels()
	return nil, nil
}

func detachPolicy(c call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	l, err := c.levelOf()
	if err != nil {
		return nil, err
	}
	i := slices.Index(l.policies, p)
	switch {
	case i < 0:
		return nil, refuse("PolicyNotAttachedException",
			"The policy isn't attached to the specified target in the specified root.")
	case p.kind.inseparable && p.ofAWS():
		return nil, invalid("NON_DETACHABLE_POLICY", "You can't detach the policy %s.", p.name)
	case len(l.attached(p.kind)) == 1:
		return nil, refuse("ConstraintViolationException",
			"You cannot remove the last policy of this type from the target.")
	}
	l.policies = slices.Delete(l.policies, i, i+1)
	c.enforceLevels()
	return nil, nil
}

// listPoliciesForTarget returns the policies of a level. A type that is not enabled has none.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html
func listPoliciesForTarget(c call) (any, error) {
	kind, err := c.kind("Filter")
	if err != nil {
		return nil, err
	}
	l, err := c.levelOf()
	if err != nil {
		return nil, err
	}
	return c.page(l.attached(kind))
}

// listPolicies returns the policies of a type, attached or not.
func listPolicies(c call) (any, error) {
	kind, err := c.kind("Filter")
	if err != nil {
		return nil, err
	}
	var list []*policy
	for _, p := range c.policies {
		if p.kind == kind {
			list = append(list, p)
		}
	}
	return c.page(list)
}

// page returns the summaries of one page of policies.
func (c call) page(policies []*policy) (any, error) {
	shown, next, err := pageOf(c, policies)
	if err != nil {
		return nil, err
	}
	list := []summary{}
	for _, p := range shown {
		list = append(list, c.summary(p))
	}
	return struct {
		Policies  []summary
		NextToken string `json:",omitempty"`
	}{list, next}, nil
}
