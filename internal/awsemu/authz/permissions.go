package authz

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A Guard decides whether callers may perform operations. The zero value permits every call.
type Guard struct {
	// Enforce makes the guard refuse calls that the policies of the caller do not allow. It does not
	// affect the administrator.
	Enforce bool
	// Policies finds the policies that decide in addition to those of the caller. Nil means that
	// there are none.
	Policies Policies
}

// Policies finds the policies of resources, and those of the organization for resources.
type Policies interface {
	// ResourcePolicy returns the policy of a bucket or a key of the account.
	ResourcePolicy(arn string) (iampolicy.ResourcePolicy, bool)
	// ResourceControl returns the resource control policies of each level.
	ResourceControl() [][]iampolicy.Policy
	// OrganizationID returns the id of the organization of the account, or an empty string.
	OrganizationID() string
}

// free reports whether the guard permits all operations to the caller.
func (g Guard) free(c *service.Call) bool { return !g.Enforce || c.Caller.Administrator }

// Authorize returns an error if the operation needs a permission that the caller's policies do not
// allow.
func (g Guard) Authorize(c *service.Call) *wire.Error {
	needed := c.Service.Operations[c.Operation].Needs
	if needed == nil && !g.free(c) {
		return Denied(c)
	}
	for _, several := range needed {
		for _, p := range several.Each(c) {
			if problem := g.authorize(c, p); problem != nil {
				return problem
			}
		}
	}
	return nil
}

// authorize returns an error if the caller's policies do not allow one permission.
func (g Guard) authorize(c *service.Call, p service.Permission) *wire.Error {
	resource, named := resourceOf(c, p)
	if p.DecidedByOperation || p.Resource != nil && !named {
		return nil
	}
	r := iampolicy.Result{Decision: iampolicy.Allowed}
	if !g.free(c) {
		r = g.decide(c, c.Caller.Principal.Grants(), p, resource)
	}
	allowed := r.Decision == iampolicy.Allowed
	if c.Checked != nil {
		*c.Checked = append(*c.Checked, service.CheckedPermission{Action: actionOf(c, p),
			Resource: resource, Allowed: allowed})
	}
	if !allowed {
		return refusal(c, p, r)
	}
	return nil
}

// Denied returns the error of the call if no identity policy of the caller allows the operation.
func Denied(c *service.Call) *wire.Error {
	var p service.Permission
	if needed := c.Service.Operations[c.Operation].Needs; len(needed) > 0 {
		p = needed[0]
	}
	return refusal(c, p, iampolicy.Result{OrganizationAllows: true, ResourceAllows: true})
}

// actionOf returns a permission's action with its service prefix.
func actionOf(c *service.Call, p service.Permission) string {
	if strings.Contains(p.Action, ":") {
		return p.Action
	}
	return c.Service.Prefix + ":" + cmp.Or(p.Action, c.Operation)
}

// resourceOf returns the resource of a permission. named is true if the service's error contains
// the resource.
func resourceOf(c *service.Call, p service.Permission) (arn string, named bool) {
	if p.Resource == nil {
		return "*", false
	}
	arn = p.Resource(c)
	return arn, arn != ""
}

// decide evaluates a permission on a resource with the policies of the caller, of the resource and
// of the organization.
func (g Guard) decide(c *service.Call, grants iampolicy.Grants, p service.Permission,
	resource string) iampolicy.Result {
	context := requestContext(c)
	if g.Policies != nil {
		who := c.Caller.Principal
		if policy, found := g.Policies.ResourcePolicy(resource); found {
			grants.Resource = policy.For(iampolicy.Subject{ARN: who.ARN(), UniqueID: who.ID(),
				Session: sessionName(c)})
		}
		if !strings.Contains(who.ARN(), ":role/aws-service-role/") {
			grants.ResourceControl = g.Policies.ResourceControl()
		}
		if id := g.Policies.OrganizationID(); id != "" {
			context["aws:PrincipalOrgID"] = []string{id}
		}
	}
	return grants.Evaluate(iampolicy.Request{Action: actionOf(c, p), Resource: resource,
		Context: context})
}

// sessionName returns the name of the session of the caller, or an empty string for a user.
func sessionName(c *service.Call) string {
	a, _ := awsarn.Parse(c.Caller.ARN)
	_, session := a.Session()
	return session
}

// requestContext returns the condition keys of a request. The server uses plain HTTP on loopback,
// but it emulates AWS over TLS: aws:SecureTransport is true and aws:SourceIp is absent.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func requestContext(c *service.Call) iampolicy.Context {
	p := c.Caller.Principal
	arn, principalType := c.Caller.ARN, "User"
	if p.Kind() == service.KindRole {
		arn, principalType = p.ARN(), "AssumedRole" // the ARN of the role, not of the session
	}
	context := service.PrincipalContext(p.Kind(), p.Name(), arn, c.Caller.UserID)
	for tag, value := range p.Tags() {
		context["aws:PrincipalTag/"+tag] = []string{value}
	}
	now := c.Now()
	context["aws:PrincipalType"] = []string{principalType}
	context["aws:PrincipalIsAWSService"] = []string{"false"}
	context["aws:ViaAWSService"] = []string{"false"}
	context["aws:SecureTransport"] = []string{"true"}
	context["aws:RequestedRegion"] = []string{c.Region}
	context["aws:CurrentTime"] = []string{wire.Stamp(now)}
	context["aws:EpochTime"] = []string{strconv.FormatInt(now.Unix(), 10)}
	if c.Service.ConditionKeys != nil {
		c.Service.ConditionKeys(c, func(key, value string) {
			if value != "" {
				context[key] = []string{value}
			}
		})
	}
	return context
}

// refusal returns the error for a permission that the decision r does not allow. The message names
// the layer that denies the permission.
func refusal(c *service.Call, p service.Permission, r iampolicy.Result) *wire.Error {
	return wire.Refuse(cmp.Or(c.Service.DenialStatus, http.StatusForbidden), c.Service.Denial,
		"%s%s %s", c.Service.DenialPrefix, notAuthorized(c, p), reason(r, actionOf(c, p)))
}

func notAuthorized(c *service.Call, p service.Permission) string {
	text := "User: " + c.Caller.ARN + " is not authorized to perform: " + actionOf(c, p)
	if resource, named := resourceOf(c, p); named {
		if a, _ := awsarn.Parse(resource); a.Service == "s3" { // only S3 quotes its resources
			resource = `"` + resource + `"`
		}
		text += " on resource: " + resource
	}
	return text
}

// reason returns the cause of a denial in AWS's words. If several layers deny a request, AWS names
// one and does not document which. This function prefers an explicit deny, then the organization,
// then the caller's own policies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func reason(r iampolicy.Result, action string) string {
	layers := []struct {
		layer         iampolicy.Layer
		allows        bool
		article, name string
	}{
		{iampolicy.Organization, r.OrganizationAllows, "a", "service control policy"},
		{iampolicy.Identity, r.IdentityAllows, "an", "identity-based policy"},
		{iampolicy.Boundary, r.BoundaryAllows, "a", "permissions boundary"},
		{iampolicy.Resource, r.ResourceAllows, "a", "resource-based policy"},
		{iampolicy.ResourceControl, true, "a", "resource control policy"},
	}
	for _, l := range layers {
		if service.Denies(r, l.layer) {
			return "with an explicit deny in " + l.article + " " + l.name
		}
	}
	for _, l := range layers {
		if !l.allows {
			return "because no " + l.name + " allows the " + action + " action"
		}
	}
	return "" // unreachable: callers pass denials only
}
