package policies

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Place is the account for which a requirement is narrowed to what is needed.
type Place struct {
	// Partition is aws or aws-cn; Account has twelve digits.
	Partition, Account string
	// Regions are the audited ones, at least one.
	Regions []string
	// Caller is the ARN of the principal itself; RenderRole that of the role functions are given.
	Caller, RenderRole string
	// Buckets are the names of real buckets. One named as Remotion names those of an audited region
	// (remotionlambda-<region>-…) takes the place of the synthetic bucket there; any other is needed as
	// well, for what is done to a bucket that exists.
	Buckets []string
}

// A Question is one request IAM can be asked about: an action on a concrete resource.
type Question struct {
	Action string
	// Resource is an ARN without wildcards, or "*" for an action that names no resource.
	Resource string
	// Region is where the request would be made: aws:RequestedRegion.
	Region string
}

// A Need is what an account needs of a requirement, in one region.
type Need struct {
	// Question is the request that stands for it when AWS is asked.
	Question
	// Pattern is all that is needed: a resource pattern that Resource matches.
	Pattern string
}

// globalRegion is where AWS signs and logs calls to services without regions.
const globalRegion = "us-east-1"

// Names that are well formed and that nobody has. IAM is asked about these where no real resource
// is known; the simulator takes a '*' in an ARN as plain text, so patterns cannot be asked about.
const (
	syntheticSuffix   = "r3m0t10n4u"
	syntheticFunction = "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
	syntheticObject   = "renders/r3m0t10n4u/out.mp4"
	syntheticStream   = "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"
	insightsGroup     = "/aws/lambda-insights"
)

// functions is the pattern of the names Remotion gives.
const functions = "remotion-render-*"

// Needed narrows the requirement to what the account needs in each region of the place, ordered by
// region. Each is about a resource type that the action uses.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
func (r Requirement) Needed(p Place) []Need {
	var list []Need
	for _, region := range p.Regions {
		for _, t := range r.things(p, region) {
			list = append(list, Need{Question{Action: r.Action, Resource: t.sample, Region: region}, t.pattern})
		}
	}
	return list
}

// A thing is what a requirement is about: a pattern for all of it, and a sample that matches the pattern.
type thing struct{ sample, pattern string }

// one is a thing that is known by its name.
func one(arn string) []thing { return []thing{{arn, arn}} }

// things lists what the requirement is about in one region.
func (r Requirement) things(p Place, region string) []thing {
	service, action, _ := strings.Cut(r.Action, ":")
	arn := func(service, region, sample, pattern string) []thing {
		prefix := "arn:" + p.Partition + ":" + service + ":" + region + ":"
		return []thing{{prefix + sample, prefix + pattern}}
	}
	first := region == p.Regions[0]
	switch {
	case service == "iam":
		// IAM has no regions: ask once.
		switch {
		case !first:
			return nil
		case action == "PassRole":
			return one(p.RenderRole)
		}
		return one(p.Caller)
	case r.Resource == "*" && r.Action != "lambda:GetFunction":
		// The quota actions do have a resource type, which the documented "*" includes; AWS answers for
		// "*" as well, and always has, so that is what is asked.
		return one("*")
	case service == "s3":
		var list []thing
		for _, t := range p.buckets(region, usesExisting[action]) {
			if strings.HasSuffix(action, "Object") || strings.HasSuffix(action, "ObjectAcl") {
				t.sample += "/" + syntheticObject
				t.pattern += "/*"
			}
			list = append(list, arn("s3", "", ":"+t.sample, ":"+t.pattern)...)
		}
		return list
	case service == "lambda" && strings.Contains(r.Resource, ":layer:"):
		return r.layer(region)
	case service == "lambda":
		return arn("lambda", region, p.Account+":function:"+syntheticFunction, p.Account+":function:"+functions)
	case service == "logs":
		group, groups := "/aws/lambda/"+syntheticFunction, "/aws/lambda/"+functions
		if strings.Contains(r.Resource, insights) {
			group, groups = insightsGroup, insightsGroup
		}
		prefix := p.Account + ":log-group:"
		// CreateLogStream is about the stream it creates, not about the group.
		if action == "PutLogEvents" || action == "CreateLogStream" {
			return arn("logs", region, prefix+group+":log-stream:"+syntheticStream, prefix+groups+":log-stream:*")
		}
		return arn("logs", region, prefix+group, prefix+groups)
	}
	return one(r.Resource)
}

// usesExisting are the S3 actions that a custom site or output bucket is used with. Remotion never
// creates or configures such a bucket. https://www.remotion.dev/docs/lambda/custom-destination
var usesExisting = map[string]bool{
	"GetObject": true, "PutObject": true, "PutObjectAcl": true, "DeleteObject": true,
	"ListBucket": true, "GetBucketLocation": true,
}

// buckets lists the buckets of a region: the real ones of Remotion's or else any it might create, then,
// in the first region and if asked for, the others.
func (p Place) buckets(region string, withOthers bool) []thing {
	prefix := bucketPrefix(region)
	var own, others []thing
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
		own = []thing{{prefix + syntheticSuffix, prefix + "*"}}
	}
	return append(own, others...)
}

// bucketPrefix starts the name of every bucket Remotion creates in a region.
func bucketPrefix(region string) string {
	return "remotionlambda-" + strings.ReplaceAll(region, "-", "") + "-"
}

// RequestedRegion is the aws:RequestedRegion of the request: the region it is made in, or us-east-1
// for a service that has none.
func (q Question) RequestedRegion() string {
	if strings.HasPrefix(q.Action, "iam:") {
		return globalRegion
	}
	return q.Region
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// CheckBucket refuses what cannot be a bucket's name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func CheckBucket(name string) error {
	if !bucketName.MatchString(name) {
		return fmt.Errorf("%q is not a bucket name: 3 to 63 of a-z, 0-9, dots and hyphens, without arn: or s3://", name)
	}
	return nil
}
