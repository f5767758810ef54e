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
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// Root is the id of the root of the organization.
const Root = "r-r3m0"

// The policy that AWS attaches to each root, unit and account by default. It cannot be changed.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
const (
	fullAccessID   = "p-FullAWSAccess"
	fullAccessName = "FullAWSAccess"
	fullAccess     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// The quotas of service control policies: the characters of a document, the policies of a root,
// unit or account, and the policies of the organization.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const maxContent, maxAttached, maxPolicies = 10240, 10, 10_000

// policyType is the only type of policies that the server has.
const policyType = "SERVICE_CONTROL_POLICY"

// A policy is a service control policy.
type policy struct {
	id, name, description, content string
}

// A level is the root, a unit or the account, with its policies.
type level struct {
	target   string // its id
	policies []*policy
}

// addLevels creates the policies of the account's levels, root first. The last of several levels is
// the account.
func (s *Service) addLevels(levels [][]string) {
	full := &policy{fullAccessID, fullAccessName, "Allows access to every operation", fullAccess}
	s.policies = append(s.policies, full)
	if levels != nil {
		s.levels = []*level{}
	}
	for n, documents := range levels {
		l := &level{target: Root}
		switch {
		case n > 0 && n == len(levels)-1:
			l.target = s.account.ID
		case n > 0:
			l.target = fmt.Sprintf("ou-r3m0-%08d", n)
		}
		for i, text := range documents {
			p := full
			if text != fullAccess {
				name := fmt.Sprintf("scp_%d_%d", n+1, i+1)
				p = &policy{id: policyID(name), name: name, content: text}
				s.policies = append(s.policies, p)
			}
			l.policies = append(l.policies, p)
		}
		s.levels = append(s.levels, l)
	}
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
	l := &level{target: id, policies: []*policy{c.policies[0]}}
	c.levels = append(c.levels, l)
	return l, nil
}

// enforceLevels passes the documents of the levels to IAM.
func (s *Service) enforceLevels() {
	levels := make([][]string, len(s.levels))
	for i, l := range s.levels {
		levels[i] = []string{}
		for _, p := range l.policies {
			levels[i] = append(levels[i], p.content)
		}
	}
	s.enforce(levels)
}

func refuse(code, format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, code, format, args...)
}

func (c call) text(member string) string {
	text, _ := c.Input[member].(string)
	return text
}

// policyOperations are the operations on service control policies. The account of the server may
// call them as an account to which the organization delegates the administration of policies.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html
var policyOperations = service.Table[call]{
	"CreatePolicy":          {Do: inOrganization(createPolicy), Needs: service.OnAny[call]()},
	"DescribePolicy":        {Do: inOrganization(describePolicy), Needs: service.On(policyARN)},
	"UpdatePolicy":          {Do: inOrganization(updatePolicy), Needs: service.On(policyARN)},
	"DeletePolicy":          {Do: inOrganization(deletePolicy), Needs: service.On(policyARN)},
	"AttachPolicy":          {Do: inOrganization(attachPolicy), Needs: onBoth},
	"DetachPolicy":          {Do: inOrganization(detachPolicy), Needs: onBoth},
	"ListPoliciesForTarget": {Do: inOrganization(listPoliciesForTarget), Needs: service.On(targetARN)},
}

// onBoth is the permission on the policy and on its target.
var onBoth = []service.Need[call]{{Resource: policyARN}, {Resource: targetARN}}

// policyARN returns the ARN of the policy that a call names. The policy need not exist.
func policyARN(c call) string { return c.arnOf(c.text("PolicyId")) }

// targetARN returns the ARN of the root, unit or account that a call names.
func targetARN(c call) string {
	id, kind := c.text("TargetId"), "account"
	switch {
	case strings.HasPrefix(id, "r-"):
		kind = "root"
	case strings.HasPrefix(id, "ou-"):
		kind = "ou"
	}
	return c.managementARN(kind + "/" + ID + "/" + id)
}

// arnOf returns the ARN of a policy.
func (c call) arnOf(policy string) string {
	if policy == fullAccessID {
		return awsarn.ARN{Partition: c.account.Partition, Service: "organizations", Account: "aws",
			Resource: "policy/service_control_policy/" + policy}.String()
	}
	return c.managementARN("policy/" + ID + "/service_control_policy/" + policy)
}

func (s *Service) managementARN(resource string) string {
	return awsarn.ARN{Partition: s.account.Partition, Service: "organizations", Account: Management,
		Resource: resource}.String()
}

func inOrganization(do func(call) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		if !c.member() {
			return nil, errNotMember
		}
		return do(c)
	}
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
	if err == nil && p.id == fullAccessID {
		return nil, refuse("InvalidInputException",
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
	return summary{c.arnOf(p.id), p.id, p.name, p.description, policyType, p.id == fullAccessID}
}

func (c call) whole(p *policy) any {
	type policy struct {
		PolicySummary summary
		Content       string
	}
	return struct{ Policy policy }{policy{c.summary(p), p.content}}
}

// checkContent checks a document. White space counts.
func checkContent(text string) error {
	if utf8.RuneCountInString(text) > maxContent {
		return refuse("ConstraintViolationException", "You have exceeded the maximum policy size.")
	}
	if _, err := iampolicy.Parse(text); err != nil {
		return refuse("MalformedPolicyDocumentException",
			"The provided policy document does not meet the requirements of the specified policy type. "+
				"(%v)", err)
	}
	return nil
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
	if t := c.text("Type"); t != policyType {
		return nil, refuse("InvalidInputException",
			"The embedded AWS has only policies of the type %s, got %q", policyType, t)
	}
	name, content := c.text("Name"), c.text("Content")
	if err := c.checkName(name, nil); err != nil {
		return nil, err
	}
	if err := checkContent(content); err != nil {
		return nil, err
	}
	if len(c.policies) >= maxPolicies {
		return nil, refuse("ConstraintViolationException",
			"You have exceeded the allowed number of policies in the organization.")
	}
	p := &policy{policyID(name, fmt.Sprint(c.account.Next())), name, c.text("Description"), content}
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
	if err := checkContent(changed.content); err != nil {
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
	case slices.Contains(l.policies, p):
		return nil, refuse("DuplicatePolicyAttachmentException",
			"The selected policy is already attached to the specified target.")
	case len(l.policies) >= maxAttached:
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
	case len(l.policies) == 1:
		return nil, refuse("ConstraintViolationException",
			"You cannot remove the last policy of this type from the target.")
	}
	l.policies = slices.Delete(l.policies, i, i+1)
	c.enforceLevels()
	return nil, nil
}

// listPoliciesForTarget returns the policies of a level, which one page of AWS holds.
func listPoliciesForTarget(c call) (any, error) {
	l, err := c.levelOf()
	if err != nil {
		return nil, err
	}
	list := []summary{}
	for _, p := range l.policies {
		list = append(list, c.summary(p))
	}
	return struct{ Policies []summary }{list}, nil
}
