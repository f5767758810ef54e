package awsemu

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A permission is an action on a resource that the caller's policies must allow for an operation.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type permission struct {
	// action is the action's name without the service. Empty means the name of the operation. An
	// action of another service has a prefix, as in iam:PassRole.
	action string
	// resource returns the ARN of the resource, or "*". Nil means an action without resource types: it
	// is evaluated on "*", and the service's error does not contain a resource. If resource returns an
	// empty ARN, the server does not check the permission: either the call does not need it, or the
	// operation will refuse the call's parameters.
	resource func(*call) string
	// decidedByOperation is true if the operation itself makes the decision, because the decision
	// depends on more than the caller's policies.
	decidedByOperation bool
}

// permissions maps every operation of a service to the permissions that it needs. An operation with
// an empty list needs no permission. An operation without a list is refused to all callers except
// the administrator.
type permissions map[string][]permission

// need adds a permission to each of the operations, which are separated by white space. The action
// of the permission is the operation's name. need returns p.
func (p permissions) need(resource func(*call) string, operations string) permissions {
	for _, operation := range strings.Fields(operations) {
		p[operation] = append(p[operation], permission{resource: resource})
	}
	return p
}

// anyResource returns "*". It is for actions without resource types if the service's error contains
// the resource "*".
func anyResource(*call) string { return "*" }

// parameterARN returns a function that returns the ARN in a parameter of the Query protocol.
func parameterARN(name string) func(*call) string {
	return func(c *call) string { return c.Form.Get(name) }
}

// actionOf returns a permission's action with its service prefix.
func (c *call) actionOf(p permission) string {
	switch {
	case p.action == "":
		return c.service.prefix + ":" + c.Operation
	case strings.Contains(p.action, ":"):
		return p.action
	default:
		return c.service.prefix + ":" + p.action
	}
}

// resourceOf returns the resource of a permission. named is true if the service's error contains
// the resource.
func (c *call) resourceOf(p permission) (arn string, named bool) {
	if p.resource == nil {
		return "*", false
	}
	arn = p.resource(c)
	return arn, arn != ""
}

// authorize returns an error if the operation needs a permission that the caller's policies do not
// allow.
func (c *call) authorize() *wire.Error {
	if !c.EnforceIAM || c.caller.administrator {
		return nil
	}
	needed, known := c.service.permissions[c.Operation]
	if !known {
		return c.denied()
	}
	for _, p := range needed {
		resource, named := c.resourceOf(p)
		if p.decidedByOperation || p.resource != nil && !named {
			continue
		}
		if r := c.decide(c.store.grantsOf(c.caller.entity, nil), p,
			resource); r.Decision != iampolicy.Allowed {
			return c.refusal(p, r)
		}
	}
	return nil
}

func (c *call) decide(grants iampolicy.Grants, p permission, resource string) iampolicy.Result {
	return grants.Evaluate(iampolicy.Request{Action: c.actionOf(p), Resource: resource,
		Context: c.requestContext()})
}

// requestContext returns the condition keys of a request. The server uses plain HTTP on loopback,
// but it emulates AWS over TLS: aws:SecureTransport is true and aws:SourceIp is absent.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (c *call) requestContext() iampolicy.Context {
	e := c.caller.entity
	arn := c.caller.arn
	principalType := "User"
	if e.kind == kindRole {
		arn, principalType = c.store.arn(e), "AssumedRole" // the ARN of the role, not of the session
	}
	context := principalContext(e, arn, c.caller.userID)
	now := c.time()
	context["aws:PrincipalType"] = []string{principalType}
	context["aws:PrincipalIsAWSService"] = []string{"false"}
	context["aws:ViaAWSService"] = []string{"false"}
	context["aws:SecureTransport"] = []string{"true"}
	context["aws:RequestedRegion"] = []string{c.region}
	context["aws:CurrentTime"] = []string{wire.Stamp(now)}
	context["aws:EpochTime"] = []string{strconv.FormatInt(now.Unix(), 10)}
	if c.service.context != nil {
		c.service.context(c, func(key, value string) {
			if value != "" {
				context[key] = []string{value}
			}
		})
	}
	return context
}

// denied returns the error of the call if no identity policy of the caller allows the operation.
func (c *call) denied() *wire.Error {
	var p permission
	if needed := c.service.permissions[c.Operation]; len(needed) > 0 {
		p = needed[0]
	}
	return c.refusal(p, iampolicy.Result{OrganizationAllows: true})
}

// refusal returns the error for a permission that the decision r does not allow. The message names
// the layer that denies the permission.
func (c *call) refusal(p permission, r iampolicy.Result) *wire.Error {
	return wire.Refuse(http.StatusForbidden, c.service.denial, "%s %s", c.notAuthorized(p),
		reason(r, c.actionOf(p)))
}

func (c *call) notAuthorized(p permission) string {
	text := "User: " + c.caller.arn + " is not authorized to perform: " + c.actionOf(p)
	if resource, named := c.resourceOf(p); named {
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
	}
	for _, l := range layers {
		if denies(r, l.layer) {
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
