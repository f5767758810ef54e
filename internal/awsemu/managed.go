package awsemu

import (
	"cmp"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
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
	Description      string `xml:",omitempty"`
	CreateDate       string
	UpdateDate       string
}

type versionXML struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

// policyReads are the operations that read managed policies.
var policyReads = map[string]func(*call) (any, error){
	"GetPolicy":          getPolicy,
	"GetPolicyVersion":   getPolicyVersion,
	"ListPolicyVersions": listPolicyVersions,
	"ListPolicies":       listPolicies,
}

// usage returns the number of entities that p is attached to, and the number of entities that have
// p as their boundary.
func (st *store) usage(p *policy) (attached, bounding int) {
	for _, byName := range st.entities {
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

func (c *call) policy(p *policy) policyXML {
	attached, bounding := c.store.usage(p)
	return policyXML{
		p.name, p.id, p.arn, p.path, p.defaultVersion, attached, bounding, true,
		p.description, stamp(p.created), stamp(p.updated),
	}
}

func versionOf(p *policy, v *version, withText bool) versionXML {
	x := versionXML{VersionID: v.id, IsDefaultVersion: v.id == p.defaultVersion,
		CreateDate: stamp(v.created)}
	if withText {
		x.Document = encode(v.text)
	}
	return x
}

// findPolicy returns the managed policy that PolicyArn names.
func (c *call) findPolicy() (*policy, error) {
	arn := c.form.get("PolicyArn")
	switch {
	case !c.form.has("PolicyArn"):
		return nil, required("policyArn")
	case len(arn) < 20:
		return nil, constraint("policyArn", "Member must have length greater than or equal to 20")
	case len(arn) > 2048:
		return nil, constraint("policyArn", "Member must have length less than or equal to 2048")
	case !awsarn.HasPrefix(arn):
		return nil, invalidInput("ARN %s is not valid.", arn)
	}
	p := c.store.policies[arn]
	if p == nil {
		return nil, noSuchEntity("Policy %s does not exist or is not attachable.", arn)
	}
	return p, nil
}

// findVersion returns the policy that PolicyArn names, and the version of it that VersionId names.
func (c *call) findVersion() (*policy, *version, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, nil, err
	}
	id := c.form.get("VersionId")
	if id == "" {
		return nil, nil, required("versionId")
	}
	v := p.version(id)
	if v == nil {
		return nil, nil, noSuchEntity("Policy %s version %s does not exist or is not attachable.", p.arn,
			id)
	}
	return p, v, nil
}

func getPolicy(c *call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	return struct{ Policy policyXML }{c.policy(p)}, nil
}

func getPolicyVersion(c *call) (any, error) {
	p, v, err := c.findVersion()
	if err != nil {
		return nil, err
	}
	return struct{ PolicyVersion versionXML }{versionOf(p, v, true)}, nil
}

func listPolicyVersions(c *call) (any, error) {
	p, err := c.findPolicy()
	if err != nil {
		return nil, err
	}
	newestFirst := slices.Clone(p.versions)
	slices.Reverse(newestFirst)
	shown, pg, err := pageOfCall(c, newestFirst)
	var versions []versionXML
	for i := range shown {
		versions = append(versions, versionOf(p, &shown[i], false))
	}
	return struct {
		Versions members[versionXML]
		page
	}{listOf(versions), pg}, err
}

func listPolicies(c *call) (any, error) {
	scope := cmp.Or(c.form.get("Scope"), "All")
	prefix := cmp.Or(c.form.get("PathPrefix"), "/")
	usage := c.form.get("PolicyUsageFilter")
	var found []*policy
	for _, p := range c.store.sortedPolicies() {
		attached, bounding := c.store.usage(p)
		switch {
		case scope == "Local" && p.ofAWS(), scope == "AWS" && !p.ofAWS():
		case !strings.HasPrefix(p.path, prefix):
		case c.form.get("OnlyAttached") == "true" && attached == 0:
		case usage == "PermissionsPolicy" && attached == 0, usage == "PermissionsBoundary" &&
			bounding == 0:
		default:
			found = append(found, p)
		}
	}
	shown, pg, err := pageOfCall(c, found)
	var policies []policyXML
	for _, p := range shown {
		policies = append(policies, c.policy(p))
	}
	return struct {
		Policies members[policyXML]
		page
	}{listOf(policies), pg}, err
}
