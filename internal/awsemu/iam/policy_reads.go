package iam

import (
	"slices"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

type policyXML struct {
	PolicyName       string
	PolicyID         string `xml:"PolicyId"`
	ARN              string `xml:"Arn"`
	Path             string
	DefaultVersionID string `xml:"DefaultVersionId"`
	AttachmentCount  int
	BoundaryUsage    int `xml:"PermissionsBoundaryUsageCount"`
	IsAttachable     bool
	CreateDate       string
	UpdateDate       string
	Tags             tagsXML
}

type versionXML struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

// policyReads are the operations that read managed policies.
var policyReads = table{
	"GetPolicy":          {Do: getPolicy, Needs: onPolicy},
	"GetPolicyVersion":   {Do: getPolicyVersion, Needs: onPolicy},
	"ListPolicyVersions": {Do: listPolicyVersions, Needs: onPolicy},
}

// usage returns the number of entities that p is attached to, and the number of entities that have
// p as their boundary.
func (s *Service) usage(p *policy) (attached, bounding int) {
	for _, byName := range s.entities {
		for _, e := range byName {
			if slices.Contains(e.attached, p) {
				attached++
			}
			if e.boundary == p {
				bounding++
			}
		}
	}
	return attached, bounding
}

func (c call) policy(p *policy) policyXML {
	attached, bounding := c.usage(p)
	return policyXML{
		p.name, p.id, p.arn, p.path, p.defaultVersion, attached, bounding, true,
		wire.Stamp(p.created), wire.Stamp(p.updated), tagsOf(p.tags),
	}
}

func versionOf(p *policy, v *version, withText bool) versionXML {
	x := versionXML{VersionID: v.id, IsDefaultVersion: v.id == p.defaultVersion,
		CreateDate: wire.Stamp(v.created)}
	if withText {
		x.Document = wire.Encode(v.text)
	}
	return x
}

// findPolicy returns the managed policy that PolicyArn names.
func (c call) findPolicy() (*policy, error) {
	arn := c.Form.Get("PolicyArn")
	switch {
	case !c.Form.Has("PolicyArn"):
		return nil, wire.Required("policyArn")
	case len(arn) < 20:
		return nil, wire.Constraint("policyArn", "Member must have length greater than or equal to 20")
	case len(arn) > 2048:
		return nil, wire.Constraint("policyArn", "Member must have length less than or equal to 2048")
	case !awsarn.HasPrefix(arn):
		return nil, invalidInput("ARN %s is not valid.", arn)
	}
	p := c.policies[arn]
	if p == nil {
		return nil, noSuchEntity("Policy %s does not exist or is not attachable.", arn)
	}
	return p, nil
}

// findVersion returns the policy that PolicyArn names, and the version of it that VersionId names.
func (c call) findVersion() (*policy, *version, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, nil, err
	}
	id := c.Form.Get("VersionId")
	if id == "" {
		return nil, nil, wire.Required("versionId")
	}
	v := p.version(id)
	if v == nil {
		return nil, nil, noSuchEntity("Policy %s version %s does not exist or is not attachable.", p.arn,
			id)
	}
	return p, v, nil
}

func getPolicy(c call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyXML }{c.policy(p)}, nil
}

func getPolicyVersion(c call) (any, error) {
	p, v, err := c.findVersion()
	if err != nil {
		return nil, err
	}
	return struct{ PolicyVersion versionXML }{versionOf(p, v, true)}, nil
}

func listPolicyVersions(c call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	newestFirst := slices.Clone(p.versions)
	slices.Reverse(newestFirst)
	shown, pg, err := pageOf(c, newestFirst)
	var versions []versionXML
	for i := range shown {
		versions = append(versions, versionOf(p, &shown[i], false))
	}
	return struct {
		Versions wire.Members[versionXML]
		wire.Page
	}{wire.ListOf(versions), pg}, err
}
