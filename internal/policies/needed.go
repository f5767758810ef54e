package policies

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Place is the account for which a requirement is narrowed to what is needed.
type Scope struct {
	// Partition is aws or aws-cn; Account has twelve digits.
	Partition, Account string
	// Regions are the audited ones, at least one.
	Regions []string
	// Caller is the ARN of the principal itself; RenderRole that of the role functions are given.
	Caller, RenderRole string
	// FunctionRoles are the ARNs of the roles that deployed functions have, in whatever path.
	FunctionRoles []string
	// Functions are the names of the deployed functions by region. Those Remotion named are one need;
	// each other is its own. A region without any needs what Remotion would call one there.
	Functions map[string][]string
	// Buckets are the names of real buckets. One named as Remotion names those of an audited region
	// (remotionlambda-<region>-…) takes the place of the synthetic bucket there; any other is needed
	// as well, for what is done to a bucket that exists.
	Buckets []string
}

// A SimulationRequest is one request IAM can be asked about: an action on a concrete resource.
type SimulationRequest struct {
	Action string
	// Resource is an ARN without wildcards, or "*" for an action that names no resource.
	Resource string
	// Region is where the request would be made: aws:RequestedRegion.
	Region string
}

// A Need is what an account needs of a requirement, in one region.
type Need struct {
	// Question is the request that stands for it when AWS is asked.
	SimulationRequest
	// Pattern is all that is needed: a resource pattern that Resource matches.
	Pattern string
}

// globalRegion is where AWS signs and logs calls to services without regions.
const (
	globalRegion        = "us-east-1"
	globalRegionOfChina = "cn-north-1"
)

// Names that are well formed and that nobody has. IAM is asked about these where no real resource
// is known; the simulator takes a '*' in an ARN as plain text, so patterns cannot be asked about.
const (
	syntheticSuffix   = "r3m0t10n4u"
	syntheticFunction = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
	syntheticObject   = "renders/r3m0t10n4u/out.mp4"
	syntheticStream   = "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"
	insightsGroup     = "/aws/lambda-insights"
)

// functionPrefix begins, and functions matches, the names Remotion gives.
const (
	functionPrefix = "remotion-render-"
	functions      = functionPrefix + "*"
)

// Needed narrows the requirement to what the account needs in each region of the place, ordered by
// region. Each is about a resource type that the action uses.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (r Requirement) Needed(p Scope) []Need {
	var list []Need
	for _, region := range p.Regions {
		for _, t := range r.things(p, region) {
			list = append(list, Need{SimulationRequest{Action: r.Action, Resource: t.sample, Region: region},
				t.pattern})
		}
	}
	return list
}

// A thing is what a requirement is about: a pattern for all of it, and a sample that matches the
// pattern.
type resourcePair struct{ sample, pattern string }

// one is a thing that is known by its name.
func one(arn string) []resourcePair { return []resourcePair{{arn, arn}} }

// things lists what the requirement is about in one region.
func (r Requirement) things(p Scope, region string) []resourcePair {
	service, action, _ := strings.Cut(r.Action, ":")
	arn := func(service, region, sample, pattern string) []resourcePair {
		prefix := "arn:" + p.Partition + ":" + service + ":" + region + ":"
		return []resourcePair{{prefix + sample, prefix + pattern}}
	}
	first := region == p.Regions[0]
	switch {
	case service == "iam":
		// IAM has no regions: ask once.
		switch {
		case !first:
			return nil
		case action == "PassRole":
			return p.passed()
		case action == "GetUser" && !strings.Contains(p.Caller, ":user/"):
			return nil // what a role is it cannot ask so
		}
		return one(p.Caller)
	case r.Resource == "*" && r.Action != "lambda:GetFunction":
		// The quota actions do have a resource type, which the documented "*" includes; AWS answers for
		// "*" as well, and always has, so that is what is asked.
		return one("*")
	case service == "s3":
		var list []resourcePair
		for _, t := range p.buckets(region, usesExisting[action]) {
			if strings.HasSuffix(action, "Object") || strings.HasSuffix(action, "ObjectAcl") {
				t.sample += "/" + syntheticObject
				t.pattern += "/*"
			}
			list = append(list, arn("s3", "", ":"+t.sample, ":"+t.pattern)...)
		}
		return list
	case service == "lambda" && strings.Contains(r.Resource, layerField):
		return r.layer(region)
	case service == "lambda":
		var list []resourcePair
		for _, t := range p.functions(region) {
			list = append(list, arn("lambda", region, p.Account+":function:"+t.sample,
				p.Account+":function:"+t.pattern)...)
		}
		return list
	case service == "logs":
		groups := one(insightsGroup)
		if !strings.Contains(r.Resource, insights) {
			groups = p.functions(region)
			for i, t := range groups {
				groups[i] = resourcePair{"/aws/lambda/" + t.sample, "/aws/lambda/" + t.pattern}
			}
		}
		var list []resourcePair
		for _, t := range groups {
			t.sample, t.pattern = p.Account+":log-group:"+t.sample, p.Account+":log-group:"+t.pattern
			// CreateLogStream is about the stream it creates, not about the group.
			if action == "PutLogEvents" || action == "CreateLogStream" {
				t.sample += ":log-stream:" + syntheticStream
				t.pattern += ":log-stream:*"
			}
			list = append(list, arn("logs", region, t.sample, t.pattern)...)
		}
		return list
	}
	return one(r.Resource)
}

// functions lists the functions of a region: those Remotion named as one, then each that has a name
// of its own. Where there is none, any that Remotion would deploy.
func (p Scope) functions(region string) []resourcePair {
	var named, own []resourcePair
	for _, name := range p.Functions[region] {
		switch {
		case !NamedByRemotion(name):
			own = append(own, one(name)...)
		case named == nil:
			named = []resourcePair{{name, functions}}
		}
	}
	if named == nil && own == nil {
		named = []resourcePair{{syntheticFunction, functions}}
	}
	return append(named, own...)
}

// Deployed lists the real resources of a need that stands for the functions of its region that
// Remotion named: who deploys nothing needs no more. It is nil for any other need, and where there
// are no functions.
func (p Scope) Deployed(n Need) []string {
	i := slices.IndexFunc(p.Functions[n.Region], NamedByRemotion)
	if i < 0 || n.Pattern == n.Resource || !strings.Contains(n.Pattern, functions) {
		return nil
	}
	var list []string
	sample := p.Functions[n.Region][i]
	for _, name := range p.Functions[n.Region] {
		if NamedByRemotion(name) {
			list = append(list, strings.Replace(n.Resource, sample, name, 1))
		}
	}
	return list
}

// passed lists the roles that a caller hands to functions: the one it would give a new function,
// and those it finds on the functions there are.
func (p Scope) passed() []resourcePair {
	list := one(p.RenderRole)
	for _, arn := range p.FunctionRoles {
		if arn != p.RenderRole {
			list = append(list, one(arn)...)
		}
	}
	return list
}

// RequirementsIn returns what a principal with that purpose needs in a place of any of the
// releases: their union, then what their documents forget. What is not about the place at all is
// left out.
func RequirementsIn(p Scope, releases []Release, kind PolicyKind, purpose Purpose) []Requirement {
	list := append(Union(releases, kind), Undocumented(releases, kind, p.Regions)...)
	return slices.DeleteFunc(list, func(r Requirement) bool {
		return !r.For(purpose) ||
			len(r.Needed(p)) == 0
	})
}

// usesExisting are the S3 actions that a custom site or output bucket is used with. Remotion never
// creates or configures such a bucket. https://www.remotion.dev/docs/lambda/custom-destination
var usesExisting = map[string]bool{
	"GetObject": true, "PutObject": true, "PutObjectAcl": true, "DeleteObject": true,
	"ListBucket": true, "GetBucketLocation": true,
}

// buckets lists the buckets of a region: the real ones of Remotion's or else any it might create,
// then, in the first region and if asked for, the others.
func (p Scope) buckets(region string, withOthers bool) []resourcePair {
	prefix := bucketPrefix(region)
	var own, others []resourcePair
	for _, b := range p.Buckets {
		switch {
		case strings.HasPrefix(b, prefix):
			own = append(own, one(b)...)
		case withOthers && region == p.Regions[0] && !slices.ContainsFunc(p.Regions, func(r string) bool {
			return strings.HasPrefix(b, bucketPrefix(r))
		}):
			others = append(others, one(b)...)
		}
	}
	if own == nil {
		own = []resourcePair{{prefix + syntheticSuffix, prefix + "*"}}
	}
	return append(own, others...)
}

// Anywhere is a region that is not known: what is needed there is needed in every one.
const Anywhere = "*"

// bucketPrefix starts the name of every bucket Remotion creates in a region.
func bucketPrefix(region string) string {
	if region == Anywhere {
		return "remotionlambda-"
	}
	return "remotionlambda-" + strings.ReplaceAll(region, "-", "") + "-"
}

// RequestedRegion is the aws:RequestedRegion of the request: the region it is made in, or us-east-1
// (cn-north-1 in China) for a service that has none.
func (q SimulationRequest) RequestedRegion() string {
	switch {
	case !strings.HasPrefix(q.Action, "iam:"):
		return q.Region
	case strings.HasPrefix(q.Region, "cn-"):
		return globalRegionOfChina
	}
	return globalRegion
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// ValidateBucketName refuses what cannot be a bucket's name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func ValidateBucketName(name string) error {
	if !bucketName.MatchString(name) {
		return fmt.Errorf("%q is not a bucket name: 3 to 63 of a-z, 0-9, dots and hyphens, without "+
			"arn: or s3://", name)
	}
	return nil
}
