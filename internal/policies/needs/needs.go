// Package needs narrows the requirements of Remotion's releases to one account: what the account
// needs, as concrete requests that the IAM policy simulator can decide, and the policy that grants
// just that.
//
//	for _, r := range scope.Requirements(releases, policies.User, policies.All) {
//		for _, need := range scope.Needed(r) { … }
//	}
package needs

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Scope is the account, with its regions and resources, that requirements are narrowed to.
type Scope struct {
	// Partition is aws or aws-cn; Account has twelve digits.
	Partition, Account string
	// Regions are the audited regions, at least one.
	Regions []string
	// Caller is the ARN of the audited caller. RenderRole is the ARN of the role that new functions
	// get.
	Caller, RenderRole string
	// FunctionRoles are the ARNs of the roles of deployed functions, with any path.
	FunctionRoles []string
	// Functions are the names of the deployed functions by region. All functions with a name from
	// Remotion form one Need; each custom name forms another. A region without functions needs the
	// name that Remotion would give a function there.
	Functions map[string][]string
	// Buckets are real buckets. A bucket with Remotion's name for an audited region
	// (remotionlambda-<region>-…) replaces the synthetic bucket of that region. Any other bucket is
	// needed in addition, for the actions of its roles on an existing bucket.
	Buckets []policies.Bucket
	// NamedBuckets is true if only Buckets are needed, and no synthetic bucket.
	NamedBuckets bool
	// OwnLayers are the layer versions of deployed functions that neither Remotion nor AWS owns, by
	// region. WithoutRemotionLayers are the regions in which all functions have layers, and none has
	// one of Remotion's layers.
	OwnLayers             map[string][]string
	WithoutRemotionLayers []string
	// InsightsRegions are the regions with a function that has the Lambda Insights extension. Only
	// there, a layer that no document grants is needed.
	InsightsRegions []string
	// VPC describes the networks of the functions in a VPC, by region.
	VPC map[string]VPC
}

// A SimulationRequest is one request that the IAM policy simulator can decide: an action on a
// concrete resource.
type SimulationRequest struct {
	Action string
	// Resource is an ARN without wildcards, or "*" for an action that names no resource.
	Resource string
	// Region is the region that the request would be sent to.
	Region string
}

// A Need is the part of a requirement that an account needs in one region.
type Need struct {
	// SimulationRequest has a sample resource, which is simulated instead of Pattern.
	SimulationRequest
	// Pattern is the resource pattern that the account needs. Resource matches it.
	Pattern string
	// Literal is true if the need is the request on Resource alone, as text: the resource "*" then
	// stands for requests that name no resource. Otherwise the pattern "*" stands for every resource.
	Literal bool
	// Contested is the resource that the request has by another source of AWS, as text. It is empty
	// if the sources agree.
	Contested string
}

// The regions in which AWS signs and logs calls to services without regions.
const (
	globalRegion        = "us-east-1"
	globalRegionOfChina = "cn-north-1"
)

// Well-formed names that no real resource has. Simulations use them where no real resource is
// known: the simulator takes a '*' in an ARN as plain text, so it cannot decide patterns.
const (
	syntheticSuffix   = "r3m0t10n4u"
	syntheticFunction = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
	syntheticObject   = "renders/r3m0t10n4u/out.mp4"
	syntheticStream   = "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"
	insightsGroup     = "/aws/lambda-insights"
)

// functionPattern matches the function names that Remotion gives.
const functionPattern = policies.FunctionPrefix + "*"

// Needed returns the needs of the account for the requirement in each region of the scope, ordered
// by region. Each resource has a type that the action supports.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (p Scope) Needed(r policies.Requirement) []Need {
	var list []Need
	for _, region := range p.Regions {
		for _, t := range p.resources(r, region) {
			n := Need{SimulationRequest: SimulationRequest{Action: r.Action, Resource: t.sample,
				Region: region}, Pattern: t.pattern}
			star, known := policies.FindStarAction(r.Action)
			if n.Pattern == "*" && (known || r.Undocumented) {
				n.Literal, n.Contested = true, star.TextIn(p.Partition)
			}
			list = append(list, n)
		}
	}
	return list
}

// resources lists the resources of the requirement in one region.
func (p Scope) resources(r policies.Requirement, region string) []resourcePair {
	service, action, _ := strings.Cut(r.Action, ":")
	pair := func(a arn.ARN, sample, pattern string) resourcePair {
		a.Partition, a.Service = p.Partition, service
		return resourcePair{a.With(sample).String(), a.With(pattern).String()}
	}
	inRegion := arn.ARN{Region: region, Account: p.Account}
	star, _ := policies.FindStarAction(r.Action)
	switch {
	case r.Undocumented && !r.IsInsights():
		return p.ownResource(r, region)
	case service == "iam":
		return p.principals(action, region)
	case r.Resource == "*" && star.Scope != policies.NamedResource:
		return singleResource("*")
	case service == "servicequotas":
		return []resourcePair{pair(inRegion, policies.QuotaResource, policies.QuotaResource)}
	case service == "s3":
		var list []resourcePair
		for _, t := range p.buckets(region, existingBucketActions[action], r.ForOldNames()) {
			if onObjects(action) {
				t.sample += "/" + syntheticObject
				t.pattern += "/*"
			}
			list = append(list, pair(arn.ARN{}, t.sample, t.pattern))
		}
		return list
	case service == "lambda" && strings.Contains(r.Resource, layerField):
		if !r.IsInsights() && slices.Contains(p.WithoutRemotionLayers, region) {
			return nil
		}
		return layer(r, region)
	case service == "lambda":
		var list []resourcePair
		for _, t := range p.functions(region) {
			list = append(list, pair(inRegion, "function:"+t.sample, "function:"+t.pattern))
		}
		return list
	case service == "logs":
		groups := singleResource(insightsGroup)
		if !r.IsInsights() {
			groups = p.functions(region)
			for i, t := range groups {
				groups[i] = resourcePair{"/aws/lambda/" + t.sample, "/aws/lambda/" + t.pattern}
			}
		}
		var list []resourcePair
		for _, t := range groups {
			t.sample, t.pattern = "log-group:"+t.sample, "log-group:"+t.pattern
			// The resource of CreateLogStream is the new stream, not the group.
			if action == "PutLogEvents" || action == "CreateLogStream" {
				t.sample += ":log-stream:" + syntheticStream
				t.pattern += ":log-stream:*"
			}
			list = append(list, pair(inRegion, t.sample, t.pattern))
		}
		return list
	}
	return singleResource(r.Resource)
}

// principals lists the resources of an action of IAM in one region. IAM has no regions: a request
// in the first region is enough.
func (p Scope) principals(action, region string) []resourcePair {
	switch {
	case region != p.Regions[0]:
		return nil
	case action == "PassRole":
		return p.passableRoles()
	case action == "GetUser" && !isUser(p.Caller):
		return nil // iam:GetUser does not work for a role
	}
	return singleResource(p.Caller)
}

// isUser reports whether an ARN, or a pattern, is of an IAM user.
func isUser(principal string) bool {
	a, _ := arn.Parse(principal)
	return a.Kind() == "user"
}

// functions lists the functions of a region: one pair for all names from Remotion, then one for
// each custom name. In a region without functions it returns a function that Remotion would deploy.
func (p Scope) functions(region string) []resourcePair {
	var named, custom []resourcePair
	for _, name := range p.Functions[region] {
		switch {
		case !policies.NamedByRemotion(name):
			custom = append(custom, singleResource(name)...)
		case named == nil:
			named = []resourcePair{{name, functionPattern}}
		}
	}
	if named == nil && custom == nil {
		named = []resourcePair{{syntheticFunction, functionPattern}}
	}
	return append(named, custom...)
}

// DeployedResources lists the real resources of a need with a pattern for all functions that
// Remotion named. A caller that deploys nothing needs only these resources. DeployedResources
// returns nil for any other need, and for a region without such functions.
func (p Scope) DeployedResources(n Need) []string {
	i := slices.IndexFunc(p.Functions[n.Region], policies.NamedByRemotion)
	if i < 0 || n.Pattern == n.Resource || !strings.Contains(n.Pattern, functionPattern) {
		return nil
	}
	var list []string
	sample := p.Functions[n.Region][i]
	for _, name := range p.Functions[n.Region] {
		if policies.NamedByRemotion(name) {
			list = append(list, strings.Replace(n.Resource, sample, name, 1))
		}
	}
	return list
}

// passableRoles lists the roles that a caller passes to functions: the role of new functions, then
// the roles of the deployed functions.
func (p Scope) passableRoles() []resourcePair {
	list := singleResource(p.RenderRole)
	for _, role := range p.FunctionRoles {
		if role != p.RenderRole {
			list = append(list, singleResource(role)...)
		}
	}
	return list
}

// Requirements returns the requirements of a principal with that purpose in the scope: the union
// of the releases, then the undocumented ones. It leaves out requirements without a Need in the
// scope, and documented permissions that the purpose does not use.
func (p Scope) Requirements(releases []policies.Release, kind policies.PolicyKind,
	purpose policies.Purpose) []policies.Requirement {
	var list []policies.Requirement
	add := func(r policies.Requirement, roles ...policies.BucketRole) {
		if used, ok := r.For(purpose, releases, roles...); ok && len(p.Needed(used)) > 0 {
			list = append(list, used)
		}
	}
	for _, r := range policies.Union(releases, kind) {
		add(r, policies.MainBucket)
	}
	for _, r := range policies.Undocumented(releases, kind, p.InsightsRegions) {
		add(r)
	}
	for _, r := range p.ownResources(releases, kind) {
		add(r, p.bucketRoles(r)...)
	}
	return list
}

// bucketRoles returns the roles of the bucket that a requirement from ownResources names.
func (p Scope) bucketRoles(r policies.Requirement) []policies.BucketRole {
	for _, b := range p.Buckets {
		bucket := arn.ARN{Partition: p.Partition, Service: "s3", Resource: b.Name}.String()
		if strings.TrimSuffix(r.Resource, "/*") == bucket {
			return b.Roles
		}
	}
	return nil
}

// Uncalled returns the documented permissions that no operation uses in these releases and in this
// scope, in the order of the documents. Nothing fails without them.
func (p Scope) Uncalled(releases []policies.Release,
	kind policies.PolicyKind) []policies.Requirement {
	var list []policies.Requirement
	for _, r := range policies.Union(releases, kind) {
		used, ok := r.For(policies.All, releases, policies.MainBucket)
		if !ok || used.ForOldNames() && len(p.Needed(used)) == 0 {
			list = append(list, r.AsDocumented())
		}
	}
	return list
}

// existingBucketActions are the S3 actions on a custom site or output bucket. Remotion never
// creates or configures such a bucket. https://www.remotion.dev/docs/lambda/custom-destination
var existingBucketActions = map[string]bool{
	"GetObject": true, "PutObject": true, "PutObjectAcl": true, "DeleteObject": true,
	"ListBucket": true, "GetBucketLocation": true,
}

// buckets lists Remotion's buckets of a region: the real ones, or else any bucket that Remotion
// could create. In the first region, withOthers adds those without the name of an audited region.
// If oldNames is true, buckets lists only the buckets without a region in their names. Their roles
// do not matter, because Remotion finds them by their prefix.
func (p Scope) buckets(region string, withOthers, oldNames bool) []resourcePair {
	prefix := BucketPrefix(region)
	var named, others []resourcePair
	for _, b := range p.Buckets {
		switch {
		case oldNames && (namesRegion(b.Name) || !policies.BucketNamedByRemotion(b.Name)),
			!oldNames && !b.Main():
		case strings.HasPrefix(b.Name, prefix):
			named = append(named, singleResource(b.Name)...)
		case withOthers && region == p.Regions[0] &&
			!slices.ContainsFunc(p.Regions, func(r string) bool {
				return strings.HasPrefix(b.Name, BucketPrefix(r))
			}):
			others = append(others, singleResource(b.Name)...)
		}
	}
	if named == nil && !oldNames && !p.NamedBuckets {
		named = []resourcePair{{prefix + syntheticSuffix, prefix + "*"}}
	}
	return append(named, others...)
}

// namesRegion reports whether Remotion reads the region of a bucket from its name: only one word
// may follow the region. For any other name, Remotion asks S3.
func namesRegion(bucket string) bool {
	for _, partition := range policies.Partitions() {
		for _, region := range slices.Concat(policies.Regions(partition),
			policies.FormerRegions(partition)) {
			word, ok := strings.CutPrefix(bucket, BucketPrefix(region))
			if ok && word != "" && !strings.ContainsAny(word, "-.") {
				return true
			}
		}
	}
	return false
}

// AnyRegion is an unknown region. A permission that is needed in AnyRegion is needed in every
// region.
const AnyRegion = "*"

// ExampleFunction returns the ARN of a function that Remotion could deploy in a region.
func (p Scope) ExampleFunction(region string) string {
	return p.FunctionARN(region, syntheticFunction)
}

// BucketPrefix returns the prefix of the names of all buckets that Remotion creates in a region.
func BucketPrefix(region string) string {
	if region == AnyRegion {
		return policies.BucketPrefix
	}
	return policies.BucketPrefix + strings.ReplaceAll(region, "-", "") + "-"
}

// RequestedRegion returns the aws:RequestedRegion of the request: its Region, or us-east-1
// (cn-north-1 in China) for IAM, which has no regions.
func (q SimulationRequest) RequestedRegion() string {
	switch {
	case !strings.HasPrefix(q.Action, "iam:"):
		return q.Region
	case strings.HasPrefix(q.Region, "cn-"):
		return globalRegionOfChina
	}
	return globalRegion
}

// FunctionARN returns the ARN of a function of the account.
func (p Scope) FunctionARN(region, name string) string {
	return arn.ARN{Partition: p.Partition, Service: "lambda", Region: region, Account: p.Account,
		Resource: "function:" + name}.String()
}

// BucketARN returns the ARN of a bucket.
func (p Scope) BucketARN(name string) string {
	return arn.ARN{Partition: p.Partition, Service: "s3", Resource: name}.String()
}
