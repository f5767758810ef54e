package audit

import (
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// AssumedContext returns the request context for the engine and for AWS's simulator: the keys of a
// real request from Remotion. Without these keys, a service control policy that denies all regions
// except a few would deny every simulated request. The simulator does not report the keys of such a
// policy as missing. Keys of extra override the defaults.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func AssumedContext(q needs.SimulationRequest, extra iampolicy.Context) iampolicy.Context {
	c := iampolicy.Context{
		"aws:RequestedRegion":       {q.RequestedRegion()},
		"aws:SecureTransport":       {"true"},
		"aws:ViaAWSService":         {"false"},
		"aws:PrincipalIsAWSService": {"false"},
	}
	if q.Action == "iam:PassRole" {
		c["iam:PassedToService"] = []string{"lambda.amazonaws.com"}
	}
	override(c, extra)
	return c
}

// override copies the keys of extra to c. It compares key names without regard to case.
func override(c, extra iampolicy.Context) {
	for key, values := range extra {
		maps.DeleteFunc(c, func(k string, _ []string) bool { return strings.EqualFold(k, key) })
		c[key] = values
	}
}

// Overridden returns a copy of c with the keys of extra, which override the keys of c.
func Overridden(c, extra iampolicy.Context) iampolicy.Context {
	all := maps.Clone(c)
	if all == nil {
		all = iampolicy.Context{}
	}
	override(all, extra)
	return all
}

// RequestContext returns the context in which AWS simulates q: the defaults, the tags of the
// principal, and its organization, with the owner of the resource. The configured context overrides
// them.
func (t TargetFacts) RequestContext(q needs.SimulationRequest) iampolicy.Context {
	known := t.knownContext(q)
	override(known, t.assumed())
	return AssumedContext(q, known)
}

// knownContext returns what is known about the principal and the resource of a request. The owner
// of the resource says nothing without the organization.
func (t TargetFacts) knownContext(q needs.SimulationRequest) iampolicy.Context {
	known := t.principalContext()
	if t.OrganizationID != "" && t.Owner(q.Resource) == OwnedByAccount {
		known["aws:ResourceOrgID"] = []string{t.OrganizationID}
		known["aws:ResourceAccount"] = []string{t.Scope.Account}
	}
	return known
}

// Ownership says whether the account of a target owns a resource.
type Ownership uint8

// The values of Ownership.
const (
	// OwnerUnknown applies to "*", and to a bucket that Remotion did not name: it can be in another
	// account.
	OwnerUnknown Ownership = iota
	OwnedByAccount
	OwnedByOther
)

// Owner returns whether the account of the target owns a resource.
func (t TargetFacts) Owner(resource string) Ownership {
	a, _ := arn.Parse(resource)
	bucket, _, _ := strings.Cut(a.Resource, "/")
	switch {
	case a.Account == t.Scope.Account && a.Account != "",
		a.Service == "s3" && policies.BucketNamedByRemotion(bucket):
		return OwnedByAccount
	case a.Account != "":
		return OwnedByOther
	}
	return OwnerUnknown
}

// context returns the context in which the engine evaluates q: RequestContext, and the keys that
// AWS sets for the principal. The configured context overrides both.
func (t TargetFacts) context(q needs.SimulationRequest) iampolicy.Context {
	known := t.knownContext(q)
	known["aws:PrincipalArn"] = []string{t.ARN}
	known["aws:PrincipalAccount"] = []string{t.Scope.Account}
	if t.entity() == "user" {
		known["aws:username"] = []string{arn.Name(t.ARN)}
	}
	override(known, t.assumed())
	return AssumedContext(q, known)
}

// principalContext returns what is known about the principal.
func (t TargetFacts) principalContext() iampolicy.Context {
	known := iampolicy.Context{}
	for tag, value := range t.Tags {
		known[principalTag+tag] = []string{value}
	}
	if t.OrganizationID != "" {
		known["aws:PrincipalOrgID"] = []string{t.OrganizationID}
	}
	return known
}

const principalTag = "aws:PrincipalTag/"

// assumed returns the configured context of the target. ASSUMED_CONTEXT gives the network of the
// callers. The requests of a render role come from the network of its functions: only functions in
// a VPC can have the keys of a VPC.
func (t TargetFacts) assumed() iampolicy.Context {
	if t.Kind != RenderRole {
		return t.Assumed
	}
	return without(t.Assumed, func(key string) bool {
		return isNetworkKey(key) && (t.vpc() != inVPC || strings.EqualFold(key, sourceIP))
	})
}

// without returns the context without the keys for which drop returns true.
func without(c iampolicy.Context, drop func(key string) bool) iampolicy.Context {
	rest := maps.Clone(c)
	maps.DeleteFunc(rest, func(key string, _ []string) bool { return drop(key) })
	return rest
}

const sourceIP = "aws:SourceIp"

// networkKeys are the context keys about the network that a request comes from.
var networkKeys = []string{sourceIP, "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpcArn",
	"aws:SourceVpce", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"}

func isNetworkKey(key string) bool { return contains(networkKeys, key) }

// contains reports whether a list contains a key, in any case.
func contains(keys []string, key string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, key) })
}

// networkAssumed reports whether the configuration gives the network of the target.
func (t TargetFacts) networkAssumed() bool {
	for key := range t.assumed() {
		if isNetworkKey(key) {
			return true
		}
	}
	return false
}

// PlausibleContext returns plausible values of the context keys that q may have and that are
// unknown. AWS's simulator does not name the keys of a service control policy as missing, so
// that only other values show that a denial depends on one of them.
//
// Most keys have two values. A key with several values satisfies no operator without a set prefix,
// not even a negated one, so that a Deny on the key does not apply for any value.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func (t TargetFacts) PlausibleContext(q needs.SimulationRequest) iampolicy.Context {
	plausible := iampolicy.Context{
		"aws:PrincipalOrgID":  {"o-exampleorg1", "o-exampleorg2"},
		"aws:ResourceOrgID":   {"o-exampleorg1", "o-exampleorg2"},
		"aws:ResourceAccount": {t.Scope.Account, "111122223333"},

		"aws:MultiFactorAuthPresent": {"true"},
	}
	network := iampolicy.Context{
		sourceIP:          {"192.0.2.1", "198.51.100.1"},
		"aws:VpcSourceIp": {"10.0.0.1", "10.0.0.2"},
		"aws:SourceVpc":   {"vpc-0123456789abcdef0", "vpc-0123456789abcdef1"},
		"aws:SourceVpce":  {"vpce-0123456789abcdef0", "vpce-0123456789abcdef1"},
		"aws:VpceAccount": {t.Scope.Account, "111122223333"},
		"aws:VpceOrgID":   {"o-exampleorg1", "o-exampleorg2"},
	}
	if t.Kind == RenderRole && t.vpc() != inVPC {
		network[sourceIP] = lambdaAddresses[:1]
	}
	if !t.networkAssumed() {
		maps.Copy(plausible, network)
	}
	known := slices.Collect(maps.Keys(t.RequestContext(q)))
	if t.OrganizationID != "" && t.Owner(q.Resource) == OwnedByOther {
		// The resource is in another organization. Its real values cannot make the request allowed.
		known = append(known, "aws:ResourceOrgID", "aws:ResourceAccount")
	}
	return without(plausible, func(key string) bool {
		return t.isAbsent(key) || contains(known, key)
	})
}

// plausibleOrder has the keys of PlausibleContext, those of the most common conditions first.
var plausibleOrder = []string{"aws:SourceIp", "aws:SourceVpc", "aws:SourceVpce",
	"aws:MultiFactorAuthPresent", "aws:PrincipalOrgID", "aws:ResourceOrgID", "aws:ResourceAccount",
	"aws:VpcSourceIp", "aws:VpceAccount", "aws:VpceOrgID"}

// PlausibleKeys returns the keys of PlausibleContext, those of the most common conditions first.
func (t TargetFacts) PlausibleKeys(q needs.SimulationRequest) []string {
	plausible := t.PlausibleContext(q)
	return slices.DeleteFunc(slices.Clone(plausibleOrder), func(key string) bool {
		return plausible[key] == nil
	})
}

// lambdaAddresses are public addresses of AWS in several regions. A function outside a VPC calls
// from such an address. https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html
var lambdaAddresses = []string{"3.80.0.1", "18.130.0.1", "52.57.0.1", "52.80.0.1", "54.199.0.1"}

// vpcUse says whether functions are in a VPC.
type vpcUse uint8

const (
	vpcUnknown vpcUse = iota // there are no functions
	noVPC
	inVPC
)

// vpc returns whether a function of a render role is in a VPC.
func (t TargetFacts) vpc() vpcUse {
	switch {
	case len(t.Functions) == 0:
		return vpcUnknown
	case slices.ContainsFunc(t.Functions, func(f Function) bool { return len(f.Subnets) > 0 }):
		return inVPC
	}
	return noVPC
}

// isAbsent reports whether no request of the target has a context key: a tag that the principal
// does not have, and, for a render role, the keys of MFA and VPCs. The session of another role can
// have tags of its own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
func (t TargetFacts) isAbsent(key string) bool {
	if len(key) > len(principalTag) && strings.EqualFold(key[:len(principalTag)], principalTag) {
		return t.Presence == Present && (t.Kind == RenderRole || t.entity() == "user")
	}
	if t.Kind != RenderRole {
		return false
	}
	return contains([]string{"aws:MultiFactorAuthPresent", "aws:MultiFactorAuthAge"}, key) ||
		t.vpc() == noVPC && isNetworkKey(key) && !strings.EqualFold(key, sourceIP)
}

// networkContexts returns the contexts of q for each address in lambdaAddresses, or one context
// without an address if the network of the target is not that of Lambda.
func (t TargetFacts) networkContexts(q needs.SimulationRequest) []iampolicy.Context {
	c := t.context(q)
	if t.Kind != RenderRole || t.vpc() == inVPC {
		return []iampolicy.Context{c}
	}
	list := make([]iampolicy.Context, len(lambdaAddresses))
	for i, address := range lambdaAddresses {
		list[i] = Overridden(c, iampolicy.Context{sourceIP: {address}})
	}
	return list
}

// contextLines returns a context as sorted lines.
func contextLines(c iampolicy.Context) (lines []string) {
	for key, values := range c {
		lines = append(lines, key+"="+strings.Join(values, ","))
	}
	slices.Sort(lines)
	return lines
}

// assumedLines returns the assumed context as sorted lines for the report.
func assumedLines(extra iampolicy.Context) []string {
	assumed := AssumedContext(needs.SimulationRequest{Action: "iam:PassRole"}, extra)
	lines := make([]string, 0, len(assumed))
	for key, values := range assumed {
		value := strings.Join(values, ",")
		_, configured := extra[key]
		switch {
		case configured && strings.EqualFold(key, sourceIP):
			value += " (callers)"
		case configured && isNetworkKey(key):
			value += " (callers and functions in a VPC)"
		case configured:
		case key == "aws:RequestedRegion":
			value = "<the region of the request>"
		case key == "iam:PassedToService":
			value += " (iam:PassRole)"
		}
		lines = append(lines, key+"="+value)
	}
	slices.Sort(lines)
	return lines
}
