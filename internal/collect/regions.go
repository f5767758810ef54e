package collect

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

const (
	notEnabled         = "the region is not enabled in this account"
	organizationDenies = "a service control policy of the organization denies lambda:ListFunctions " +
		"in this region"
	// regionalRemedy is for an enabled region that does not accept the credentials. A session token of
	// the global endpoint of STS is not valid in a region that an account has to enable.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_region-endpoints.html
	regionalRemedy = "use credentials of a regional endpoint of STS " +
		"(AWS_STS_REGIONAL_ENDPOINTS=regional)"
)

// isRefusal reports whether an error means that a service does not know the credentials. A region
// that is not enabled answers so, and so does an enabled region if the credentials are invalid
// there.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func isRefusal(err error) bool {
	return hasCode(err, "UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired")
}

// isForbidden reports whether an error's message says that a service control policy denies the
// call. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func isForbidden(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && isDenied(api) &&
		strings.Contains(api.ErrorMessage(), "service control policy")
}

// notEnabledIn reports whether a region that refused the credentials is not enabled. That needs a
// positive reason: the account must be able to disable the region, and a second service must refuse
// the credentials there, too. No policy can deny sts:GetCallerIdentity.
func (r *run) notEnabledIn(ctx context.Context, region string) bool {
	if awsname.AlwaysEnabled(region) || r.sts == nil {
		return false
	}
	_, err := r.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{},
		func(o *sts.Options) { o.Region = region })
	return isRefusal(err)
}

// suspicion returns why Remotion probably runs in a region whose functions the organization does
// not let the auditor list; "" if the configuration and earlier runs do not say so.
func (r *run) suspicion(region string) string {
	if len(r.plan.Further) == 0 && slices.Contains(r.plan.Regions, region) {
		return "REGIONS names the region"
	}
	return r.trace(region)
}

// trace returns what Remotion left in a region; "" for nothing. That REGIONS names a region is no
// trace: the region may never have been enabled.
func (r *run) trace(region string) string {
	switch {
	case slices.ContainsFunc(r.plan.Buckets, func(bucket policies.Bucket) bool {
		return strings.HasPrefix(bucket.Name, needs.BucketPrefix(region))
	}):
		return "BUCKETS has a bucket of the region"
	case r.plan.SeenRegions != nil && slices.Contains(r.plan.SeenRegions(), region):
		return "an earlier audit found functions in the region"
	}
	return ""
}

// unlistedProblem is the problem of a region with probably functions that cannot be listed.
func unlistedProblem(region, suspicion string) audit.Problem {
	return audit.Problem{What: "the functions in " + region, Why: organizationDenies + ", and " +
		suspicion, Remedy: "let the organization except the auditor's role from the policy, or set " +
		"REGIONS and BUCKETS to what Remotion uses"}
}

// refusedProblem is the problem of a region with probably functions that does not accept the
// credentials. A region that is not enabled answers so, too: see regionalRemedy.
func refusedProblem(region, suspicion string) audit.Problem {
	return audit.Problem{What: "the functions in " + region,
		Why: "neither Lambda nor STS accepts the credentials there, but " + suspicion,
		Remedy: regionalRemedy + ", or set REGIONS and BUCKETS to what Remotion uses, if the region is " +
			"not enabled"}
}

// suspectRegions adds a problem for each region whose functions the organization does not let the
// auditor list, but where it lets functions be invoked: Remotion can run there. A policy that
// denies the region as a whole is no problem. suspectRegions asks AWS's simulator about one
// principal, and asks again with plausible values of unknown keys if the organization denies: a
// policy about a network does not deny the region.
func (r *run) suspectRegions(ctx context.Context, s *survey) {
	i := slices.IndexFunc(r.targets, func(t *target) bool {
		return t.facts.Presence == audit.Present
	})
	if i < 0 {
		return
	}
	principal := r.targets[i]
	allowed := make([]bool, len(s.forbidden))
	parallelN(len(s.forbidden), func(i int) {
		region := s.forbidden[i]
		scope := needs.Scope{Partition: r.plan.Partition, Account: r.plan.Account}
		q := needs.SimulationRequest{Action: "lambda:InvokeFunction",
			Resource: scope.ExampleFunction(region), Region: region}
		b := simulationBatch{actions: []string{q.Action}, resources: []string{q.Resource}, sample: q,
			context: r.requestContext(principal, q)}
		result := r.simulateBatch(ctx, principal, b)
		if result.answers[q].OrganizationDenies {
			facts := principal.facts // the collector has not set the scope yet
			facts.Assumed, facts.Scope = r.plan.Assumed, scope
			b.context = audit.Overridden(b.context, facts.PlausibleContext(q))
			result = r.simulateBatch(ctx, principal, b)
		}
		allowed[i] = result.answers[q].Decision == iampolicy.Allowed && result.problems == nil
	})
	for i, region := range s.forbidden {
		if allowed[i] {
			s.problems = append(s.problems,
				unlistedProblem(region, "AWS's simulator allows lambda:InvokeFunction there"))
		}
	}
	s.problems = mergeRegions(s.problems)
}
