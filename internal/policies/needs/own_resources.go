package needs

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A VPC names the subnets and security groups of the functions of a region, each sorted.
type VPC struct{ Subnets, SecurityGroups []string }

// ownSid is the Sid of requirements for resources that Remotion's documents do not know.
const ownSid = "Own"

// ownResources returns the requirements for resources that the account chose itself: buckets,
// layers and networks. No document of Remotion grants these requirements.
func (p Scope) ownResources(releases []policies.Release,
	kind policies.PolicyKind) []policies.Requirement {
	list := slices.Concat(p.ownBuckets(releases, kind), p.ownLayers(kind), p.ownNetworks(kind))
	for i := range list {
		list[i].Undocumented = true
		for _, release := range releases {
			list[i].NeededBy = textfmt.AppendNew(list[i].NeededBy, release.Name())
		}
		list[i].Since = releases[0].Since
	}
	return list
}

// ownBuckets returns the requirements for the buckets that only have outputs or sites: what the
// documents require for Remotion's own buckets, as far as such a bucket needs it.
func (p Scope) ownBuckets(releases []policies.Release,
	kind policies.PolicyKind) (list []policies.Requirement) {
	if !slices.ContainsFunc(p.Buckets, func(b policies.Bucket) bool { return !b.Main() }) {
		return nil
	}
	documented := policies.Union(releases, kind)
	for _, b := range p.Buckets {
		if b.Main() {
			continue
		}
		for _, r := range documented {
			_, action, _ := strings.Cut(r.Action, ":")
			if !strings.HasPrefix(r.Action, "s3:") || !existingBucketActions[action] ||
				b.NoACL && action == "PutObjectAcl" {
				continue
			}
			a := arn.ARN{Partition: p.Partition, Service: "s3", Resource: b.Name}
			if onObjects(action) {
				a.Resource += "/*"
			}
			list = withOwn(list, policies.Requirement{Kind: kind, Sid: r.Sid, Action: r.Action,
				Resource: a.String()})
		}
	}
	return list
}

// ownLayers returns the requirements of a caller that deploys functions with layers of its own.
// https://www.remotion.dev/docs/lambda/custom-layers
func (p Scope) ownLayers(kind policies.PolicyKind) (list []policies.Requirement) {
	if kind != policies.User {
		return nil
	}
	for _, region := range p.Regions {
		for _, layer := range p.OwnLayers[region] {
			list = append(list, policies.Requirement{Kind: kind, Sid: ownSid,
				Action: "lambda:GetLayerVersion", Resource: withoutVersion(layer) + ":*"})
		}
		if len(p.OwnLayers[region]) == 0 {
			continue
		}
		functions := arn.ARN{Partition: p.Partition, Service: "lambda", Region: region,
			Account: p.Account, Resource: "function:" + functionPattern}.String()
		for _, action := range []string{"lambda:GetFunctionConfiguration",
			"lambda:UpdateFunctionConfiguration"} {
			list = append(list, policies.Requirement{Kind: kind, Sid: ownSid, Action: action,
				Resource: functions})
		}
	}
	return list
}

// withoutVersion removes the version from the ARN of a layer version.
func withoutVersion(layer string) string {
	_, name, _ := strings.Cut(layer, layerField)
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		return layer[:len(layer)-len(name)+i]
	}
	return layer
}

// ownNetworks returns the requirements for functions in a VPC.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
func (p Scope) ownNetworks(kind policies.PolicyKind) (list []policies.Requirement) {
	for _, region := range p.Regions {
		if _, ok := p.VPC[region]; !ok {
			continue
		}
		interfaces := arn.ARN{Partition: p.Partition, Service: "ec2", Region: region,
			Account: p.Account, Resource: "network-interface/*"}.String()
		actions := []struct{ action, resource string }{
			{"ec2:CreateNetworkInterface", interfaces}, {"ec2:DescribeNetworkInterfaces", "*"},
			{"ec2:DeleteNetworkInterface", interfaces}}
		if kind == policies.User {
			actions = []struct{ action, resource string }{{"ec2:DescribeSecurityGroups", "*"},
				{"ec2:DescribeSubnets", "*"}, {"ec2:DescribeVpcs", "*"}}
		}
		for _, a := range actions {
			list = withOwn(list, policies.Requirement{Kind: kind, Sid: ownSid, Action: a.action,
				Resource: a.resource})
		}
	}
	return list
}

// withOwn appends a requirement to a list that has no requirement of the same action and resource.
func withOwn(list []policies.Requirement, own policies.Requirement) []policies.Requirement {
	if slices.ContainsFunc(list, func(o policies.Requirement) bool {
		return o.Action == own.Action && o.Resource == own.Resource
	}) {
		return list
	}
	return append(list, own)
}

// ownResource lists the resources of a requirement from ownResources in one region.
func (p Scope) ownResource(r policies.Requirement, region string) []resourcePair {
	a, isARN := arn.Parse(r.Resource)
	service, action, _ := strings.Cut(r.Action, ":")
	switch {
	case service == "s3":
		if region != p.Regions[0] { // the region of such a bucket is unknown: one request is enough
			return nil
		}
		if onObjects(action) {
			return []resourcePair{{strings.TrimSuffix(r.Resource, "*") + syntheticObject, r.Resource}}
		}
		return singleResource(r.Resource)
	case service == "ec2" && !isARN:
		if _, ok := p.VPC[region]; !ok {
			return nil
		}
		return singleResource(r.Resource)
	case a.Region != region:
		return nil
	case service == "ec2":
		list := []resourcePair{{strings.TrimSuffix(r.Resource, "*") + syntheticInterface, r.Resource}}
		if action == "CreateNetworkInterface" {
			for _, id := range p.VPC[region].Subnets {
				list = append(list, singleResource(a.With("subnet/"+id).String())...)
			}
			for _, id := range p.VPC[region].SecurityGroups {
				list = append(list, singleResource(a.With("security-group/"+id).String())...)
			}
		}
		return list
	case strings.Contains(r.Resource, layerField):
		for _, layer := range p.OwnLayers[region] {
			if withoutVersion(layer)+":*" == r.Resource {
				return []resourcePair{{layer, r.Resource}}
			}
		}
		return nil
	}
	var list []resourcePair
	for _, t := range p.functions(region) {
		list = append(list, resourcePair{a.With("function:" + t.sample).String(),
			a.With("function:" + t.pattern).String()})
	}
	return list
}

// syntheticInterface is the ID of a network interface that no account has.
const syntheticInterface = "eni-0a1b2c3d4e5f60718"

// onObjects reports whether the resource of an S3 action is an object.
func onObjects(action string) bool {
	return strings.HasSuffix(action, "Object") || strings.HasSuffix(action, "ObjectAcl")
}
