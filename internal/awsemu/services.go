package awsemu

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/authz"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/cloudwatch"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/ec2"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/kms"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/lambda"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/logs"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/quotas"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/s3"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/sns"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/sts"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// services are the services of a server with the data of its account.
type services struct {
	iam        *iam.Service
	sts        *sts.Service
	sns        *sns.Service
	s3         *s3.Service
	cloudwatch *cloudwatch.Service
	lambda     *lambda.Service

	kms *kms.Service

	organizations *organizations.Service

	guard   authz.Guard
	callers authz.Callers
	// definitions are the definitions of the services: of the fields, in their order, then of those
	// that only answer requests.
	definitions []*service.Definition
}

// newServices distributes the data of an account to its services.
func newServices(a *Account, guard authz.Guard) (*services, error) {
	account := &service.Account{
		ID:        cmp.Or(a.ID, service.DefaultAccount),
		Partition: cmp.Or(a.Partition, service.DefaultPartition),
		Region:    cmp.Or(a.Function.Region, service.DefaultRegion),
	}
	s := &services{cloudwatch: &cloudwatch.Service{}}
	guard.Policies = s
	s.guard = guard
	// The policies of an organization do not affect its management account.
	controlled := a.ServiceControlPolicies
	if a.OrganizationAccess == organizations.AccessManagement {
		controlled = nil
	}
	var err error
	s.iam, err = iam.New(account, iam.Data{Alias: a.Alias, Users: a.Users, Groups: a.Groups,
		Roles: a.Roles, Policies: a.Policies, Organization: controlled,
		Simulator: a.Simulator})
	if err != nil {
		return nil, err
	}
	s.sts = sts.New(account, s.iam, guard, a.DisabledRegions)
	s.callers = authz.Callers{Account: account, Users: s.iam, Sessions: s.sts}
	functions := slices.Clone(a.Functions)
	for i, f := range functions {
		functions[i].Role = s.roleARN(account, f.Role)
	}
	s.lambda = lambda.New(account, functions, a.DisabledRegions, a.DeletedLayers)
	limits := quotas.New(account, a.ConcurrentExecutions)
	s.lambda.ConcurrentExecutions = limits.Executions
	limits.LacksRole = func() bool {
		_, found := s.iam.Role(quotas.LinkedRole)
		return !found && s.OrganizationID() != ""
	}
	if s.sns, err = sns.New(account, a.Topics, a.Subscriptions); err != nil {
		return nil, err
	}
	s.s3 = s3.New(account, a.Buckets, a.PublicAccessBlock)
	s.kms = kms.New(account, a.Keys)
	s.s3.FindKey = func(region, key string) (string, *wire.Error) {
		arn, problem := s.kms.Use(region, cmp.Or(key, "alias/aws/s3"))
		if problem != nil {
			problem.Code = "KMS." + problem.Code // as in the errors of S3
		}
		return arn, problem
	}
	s.organizations = organizations.New(account, organizations.Data{
		ServiceControl: a.ServiceControlPolicies, ResourceControl: a.ResourceControlPolicies,
		Access: a.OrganizationAccess}, s.iam.SetOrganization)
	groups := logs.New(account, a.LogGroups)
	groups.MayUseKey = func(key, region string) bool {
		arn, problem := s.kms.Use(region, key)
		return problem == nil && s.kms.MayBeUsedBy(arn, "logs."+region+".amazonaws.com")
	}
	for _, svc := range []service.Service{s.iam, s.sts, s.sns, s.s3.Control(), s.s3, s.cloudwatch,
		s.lambda, s.organizations, groups, limits, s.kms,
		ec2.New(account, a.VPCEndpoints)} {
		d := svc.Definition()
		s.definitions = append(s.definitions, &d)
	}
	return s, nil
}

// ResourcePolicy implements [authz.Policies].
func (s *services) ResourcePolicy(arn string) (iampolicy.ResourcePolicy, bool) {
	if policy, found := s.kms.ResourcePolicy(arn); found {
		return policy, true
	}
	return s.s3.ResourcePolicy(arn)
}

// ResourceControl implements [authz.Policies].
func (s *services) ResourceControl() [][]iampolicy.Policy {
	return s.organizations.ResourceControl()
}

// OrganizationID implements [authz.Policies].
func (s *services) OrganizationID() string { return s.organizations.OrganizationID() }

// roleARN returns the ARN of the role that a function names by its name or ARN. The role need not
// exist.
func (s *services) roleARN(account *service.Account, ref string) string {
	if awsarn.HasPrefix(ref) {
		return ref
	}
	if role, found := s.iam.Role(ref); found {
		return role.ARN()
	}
	return awsarn.IAM(account.Partition, account.ID, "role/"+ref)
}

// find returns the first definition for which matches returns true, or nil.
func (s *services) find(matches func(*service.Definition) bool) *service.Definition {
	i := slices.IndexFunc(s.definitions, matches)
	if i < 0 {
		return nil
	}
	return s.definitions[i]
}

// Operations returns the names of the operations that the server offers, by the names of the
// services. Both are spelled as in [Fault.Operation].
func Operations() map[string][]string {
	s, err := newServices(&Account{}, authz.Guard{})
	if err != nil {
		panic(fmt.Sprintf("awsemu: the empty account: %v", err)) // an empty account refers to nothing
	}
	names := make(map[string][]string)
	for _, d := range s.definitions {
		names[d.Name] = slices.Sorted(maps.Keys(d.Operations))
	}
	return names
}
