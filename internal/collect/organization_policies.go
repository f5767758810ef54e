package collect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// An OrganizationReader reads an organization. *organizations.Client is one. Only the management
// account, and an account to which it delegates that, may read its tree and its policies.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html
type OrganizationReader interface {
	DescribeOrganization(context.Context, *organizations.DescribeOrganizationInput,
		...func(*organizations.Options)) (*organizations.DescribeOrganizationOutput, error)
	ListParents(context.Context, *organizations.ListParentsInput,
		...func(*organizations.Options)) (*organizations.ListParentsOutput, error)
	ListPoliciesForTarget(context.Context, *organizations.ListPoliciesForTargetInput,
		...func(*organizations.Options)) (*organizations.ListPoliciesForTargetOutput, error)
	DescribePolicy(context.Context, *organizations.DescribePolicyInput,
		...func(*organizations.Options)) (*organizations.DescribePolicyOutput, error)
}

// The limits of a read. An organization has its root, at most five units below one another, and the
// account; at most ten policies of a type are attached to each.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
const (
	maxOrganizationLevels   = 12
	maxOrganizationPolicies = 100 // of one type, attached to one level
	maxOrganizationPages    = 20
)

// fullAccessID and fullResourceAccessID are the ids of the policies that AWS attaches by default.
const (
	fullAccessID         = "p-FullAWSAccess"
	fullResourceAccessID = "p-RCPFullAWSAccess"
)

// organizationIDs of parents and policies.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Parent.html
var (
	parentIDs = regexp.MustCompile(
		`^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)
	policyIDs = regexp.MustCompile(`^p-[0-9a-zA-Z_]{8,128}$`)
)

// organizationRead is what was read about an organization.
type organizationRead struct {
	// service and resource are the service and resource control policies of each level, the root
	// first. Nil means that they are unknown. They are empty if none applies to the account.
	service, resource [][]iampolicy.Policy
	id                string
	problems          []audit.Problem
}

// organizationPolicies holds the state of one read of the organization's policies.
type organizationPolicies struct {
	run    *run
	client OrganizationReader

	mu       sync.Mutex
	problems []audit.Problem
	read     map[string]func() *iampolicy.Policy // of DescribePolicy, by the id of the policy
}

const organizationWhat = "the policies of the organization"

// readOrganization reads the policies of both types for the account, level by level. Every level is
// read as soon as it is known. If anything of a type could not be read, that type is unknown.
func (r *run) readOrganization(ctx context.Context, client OrganizationReader) organizationRead {
	o := organizationPolicies{run: r, client: client, read: map[string]func() *iampolicy.Policy{}}
	none := organizationRead{service: [][]iampolicy.Policy{}, resource: [][]iampolicy.Policy{}}
	out, err := client.DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
	if notInUse := (*types.AWSOrganizationsNotInUseException)(nil); errors.As(err, &notInUse) {
		return none
	}
	if err == nil && (out.Organization == nil ||
		!organizationIDs.MatchString(aws.ToString(out.Organization.Id))) {
		err = errIncompleteOrganization
	}
	if err != nil {
		return organizationRead{problems: organizationProblem(ctx, "DescribeOrganization", err)}
	}
	none.id = aws.ToString(out.Organization.Id)
	if aws.ToString(out.Organization.MasterAccountId) == r.plan.Account {
		return none // no policy of the organization affects its management account
	}
	service, resource, err := o.levels(ctx)
	if err != nil {
		o.fail(organizationProblem(ctx, "ListParents", err))
	}
	result := organizationRead{id: none.id, service: service, resource: resource, problems: o.problems}
	if len(result.problems) > 1 { // the first says what to do; the others mostly repeat it
		result.problems = result.problems[:1]
	}
	return result
}

// errIncompleteOrganization is the error of an answer that lacks what each real answer has.
var errIncompleteOrganization = errors.New("AWS's answer about the organization is incomplete")

// organizationProblem returns the problem of a failed read.
func organizationProblem(ctx context.Context, operation string, err error) []audit.Problem {
	if errors.Is(err, errIncompleteOrganization) {
		return []audit.Problem{{What: organizationWhat, Why: err.Error(), Remedy: incompleteRemedy}}
	}
	s := problemOf(ctx, organizationWhat, "organizations:"+operation, err)
	for i := range s.problems {
		if s.problems[i].Grant != "" {
			s.problems[i].Remedy = "let the management account delegate the policies to this account, or " +
				"give them with --scp and --rcp"
		}
	}
	return s.problems
}

func (o *organizationPolicies) fail(problems []audit.Problem) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.problems = append(o.problems, problems...)
}

// levelRead holds the policies of one level.
type levelRead struct {
	policies map[types.PolicyType][]iampolicy.Policy
	failed   map[types.PolicyType]bool
}

var policyTypes = []types.PolicyType{types.PolicyTypeServiceControlPolicy,
	types.PolicyTypeResourceControlPolicy}

// levels reads the policies of the account, its units and the root.
func (o *organizationPolicies) levels(ctx context.Context) (service, resource [][]iampolicy.Policy,
	err error) {
	var levels []*levelRead // the account first
	var reads sync.WaitGroup
	id := o.run.plan.Account
	seen := map[string]bool{}
	for {
		l := &levelRead{map[types.PolicyType][]iampolicy.Policy{}, map[types.PolicyType]bool{}}
		levels = append(levels, l)
		target := id
		reads.Go(func() { o.readLevel(ctx, target, l) })
		if id[0] == 'r' { // the root
			break
		}
		seen[id] = true
		var out *organizations.ListParentsOutput
		out, err = o.client.ListParents(ctx, &organizations.ListParentsInput{ChildId: &target})
		if err == nil && (len(out.Parents) != 1 ||
			!parentIDs.MatchString(aws.ToString(out.Parents[0].Id)) ||
			seen[aws.ToString(out.Parents[0].Id)] || len(levels) == maxOrganizationLevels) {
			err = errIncompleteOrganization
		}
		if err != nil {
			break
		}
		id = aws.ToString(out.Parents[0].Id)
	}
	reads.Wait()
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(levels)
	return o.ofType(levels, types.PolicyTypeServiceControlPolicy),
		o.ofType(levels, types.PolicyTypeResourceControlPolicy), nil
}

// ofType returns the policies of a type, level by level. It returns nil if one could not be read,
// and no level if the organization has not enabled the type: an enabled type always has a policy at
// each level.
func (o *organizationPolicies) ofType(levels []*levelRead,
	t types.PolicyType) [][]iampolicy.Policy {
	list := [][]iampolicy.Policy{}
	attached := 0
	for _, l := range levels {
		if l.failed[t] {
			return nil
		}
		if len(l.policies[t]) > 0 {
			attached++
		}
		list = append(list, l.policies[t])
	}
	switch attached {
	case 0:
		return [][]iampolicy.Policy{}
	case len(levels):
		return list
	}
	o.fail([]audit.Problem{{What: organizationWhat, Why: fmt.Sprintf("AWS lists a %s for %d of %d "+
		"levels, and each level has one", kindOfPolicy(t), attached, len(levels)),
		Remedy: incompleteRemedy}})
	return nil
}

func kindOfPolicy(t types.PolicyType) string {
	if t == types.PolicyTypeResourceControlPolicy {
		return iampolicy.ResourceControl.String()
	}
	return iampolicy.Organization.String()
}

// readLevel reads the policies of both types that are attached to the root, a unit or the account.
func (o *organizationPolicies) readLevel(ctx context.Context, target string, l *levelRead) {
	results := make([]*[]iampolicy.Policy, len(policyTypes))
	parallelN(len(policyTypes), func(i int) {
		if !o.given(policyTypes[i]) {
			results[i] = o.attached(ctx, target, policyTypes[i])
		}
	})
	for i, t := range policyTypes {
		if results[i] == nil {
			l.failed[t] = true
		} else {
			l.policies[t] = *results[i]
		}
	}
}

// given reports whether the user gave the policies of a type, which then are not read.
func (o *organizationPolicies) given(t types.PolicyType) bool {
	if t == types.PolicyTypeResourceControlPolicy {
		return o.run.plan.ResourceControl != nil
	}
	return o.run.plan.Organization != nil
}

// attached returns the policies of a type that are attached to a target. It returns nil if one of
// them could not be read.
func (o *organizationPolicies) attached(ctx context.Context, target string,
	t types.PolicyType) *[]iampolicy.Policy {
	var summaries []types.PolicySummary
	in := &organizations.ListPoliciesForTargetInput{TargetId: &target, Filter: t}
	for pages := 0; ; pages++ {
		out, err := o.client.ListPoliciesForTarget(ctx, in)
		switch {
		case err != nil:
		case out.Policies == nil: // AWS answers with an empty list if the type is not enabled
			err = errIncompleteOrganization
		case pages == maxOrganizationPages, len(summaries)+len(out.Policies) > maxOrganizationPolicies:
			err = errTooLong
		case slices.ContainsFunc(out.Policies, func(s types.PolicySummary) bool {
			return !policyIDs.MatchString(aws.ToString(s.Id)) || s.Type != t
		}):
			err = errIncompleteOrganization
		}
		if err != nil {
			o.fail(organizationProblem(ctx, "ListPoliciesForTarget", err))
			return nil
		}
		summaries = append(summaries, out.Policies...)
		if aws.ToString(out.NextToken) == "" {
			break
		}
		in.NextToken = out.NextToken
	}
	policies := make([]*iampolicy.Policy, len(summaries))
	parallelN(len(summaries), func(i int) { policies[i] = o.policy(ctx, summaries[i]) })
	list := []iampolicy.Policy{}
	for _, p := range policies {
		if p == nil {
			return nil
		}
		list = append(list, *p)
	}
	return &list
}

// policy reads a policy once. It returns nil if the policy could not be read.
func (o *organizationPolicies) policy(ctx context.Context,
	s types.PolicySummary) *iampolicy.Policy {
	id := aws.ToString(s.Id)
	o.mu.Lock()
	read, ok := o.read[id]
	if !ok {
		read = sync.OnceValue(func() *iampolicy.Policy { return o.describe(ctx, s) })
		o.read[id] = read
	}
	o.mu.Unlock()
	return read()
}

const fullAccessText = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*",` +
	`"Resource":"*"}]}`

func (o *organizationPolicies) describe(ctx context.Context,
	s types.PolicySummary) *iampolicy.Policy {
	name := textfmt.Head(textfmt.OneLine(aws.ToString(s.Name)), 128)
	p := iampolicy.Policy{ID: kindOfPolicy(s.Type) + " " + name, ByAWS: s.AwsManaged,
		Location: iampolicy.Location{Kind: iampolicy.SCPLocation, Name: name,
			ARN: aws.ToString(s.Arn)}}
	parse := iampolicy.Parse
	if s.Type == types.PolicyTypeResourceControlPolicy {
		p.Location.Kind, parse = iampolicy.RCPLocation, iampolicy.ParseResourceControl
	}
	text := ""
	switch id := aws.ToString(s.Id); {
	case s.AwsManaged && id == fullAccessID:
		text = fullAccessText
	case s.AwsManaged && id == fullResourceAccessID:
		text = iampolicy.FullResourceAccess
	default:
		out, err := o.client.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: &id})
		if err == nil && (out.Policy == nil || aws.ToString(out.Policy.Content) == "") {
			err = errIncompleteOrganization
		}
		if err != nil {
			o.fail(organizationProblem(ctx, "DescribePolicy", err))
			return nil
		}
		text = aws.ToString(out.Policy.Content)
	}
	document, err := parse(text)
	if err != nil {
		o.fail([]audit.Problem{{What: p.ID, Why: err.Error(),
			Remedy: "give the policy with --scp or --rcp, or let an administrator of the organization " +
				"correct it"}})
		return nil
	}
	p.Document = document
	return &p
}

// applyOrganization waits for the policies of the organization and adds them to a target. The
// policies that the user gave take the place of those that are read.
func (r *run) applyOrganization(t *target) {
	read := r.organization()
	if t.organization == nil {
		t.organization = read.service
	}
	if t.resourceControl == nil {
		t.resourceControl = read.resource
	}
	t.facts.MemberOf = read.id
	if len(t.resourceControl) > 0 && read.id == "" {
		t.facts.MemberOf = r.organizationID()
	}
}
