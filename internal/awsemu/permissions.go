package awsemu

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// permission is an action and a resource that the caller of an operation needs. Each service has a
// table with a row for every operation. An operation without a row is refused for all callers
// except the administrator; an empty row means that the operation needs no permission.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type permission struct {
	// action is the action's name without the service. Empty is that of the operation; one of another
	// service has its prefix, as iam:PassRole.
	action string
	// resource returns the ARN it is needed on, or "*". Nil is an action without resource types, of
	// which the service's refusals name no resource; it is decided about "*". An empty ARN is a
	// permission that this call does not need, or whose parameters the operation will refuse.
	resource func(*call) string
	// own says that the operation decides itself, since more than the caller's policies has a say.
	own bool
}

// permissions are the permissions of operations. need adds one to each.
type permissions map[string][]permission

// need says that each of the operations, separated by white space, needs its own action on a
// resource.
func (p permissions) need(resource func(*call) string, operations string) permissions {
	for _, operation := range strings.Fields(operations) {
		p[operation] = append(p[operation], permission{resource: resource})
	}
	return p
}

// everything is the resource of actions that have none, where refusals say so.
func everything(*call) string { return "*" }

// param is the resource whose ARN a parameter of the Query protocol is.
func param(name string) func(*call) string {
	return func(c *call) string { return c.form.get(name) }
}

// actionOf spells a permission's action.
func (c *call) actionOf(p permission) string {
	switch {
	case p.action == "":
		return c.service.prefix + ":" + c.operation
	case strings.Contains(p.action, ":"):
		return p.action
	default:
		return c.service.prefix + ":" + p.action
	}
}

func (c *call) resourceOf(p permission) (arn string, named bool) {
	if p.resource == nil {
		return "*", false
	}
	arn = p.resource(c)
	return arn, arn != ""
}

// authorize refuses a caller whose policies do not allow what the operation needs.
func (c *call) authorize() *apiError {
	if !c.EnforceIAM || c.caller.administrator {
		return nil
	}
	needed, known := c.service.permissions[c.operation]
	if !known {
		return c.denied()
	}
	for _, p := range needed {
		resource, named := c.resourceOf(p)
		if p.own || p.resource != nil && !named {
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

// requestContext returns the context keys of a request. Requests arrive over plain HTTP on
// loopback, but count as sent to AWS over TLS from an unknown address.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (c *call) requestContext() iampolicy.Context {
	e := c.caller.entity
	arn := c.caller.arn
	principalType := "User"
	if e.kind == kindRole {
		arn, principalType = c.store.arn(e), "AssumedRole" // of a session, the role
	}
	context := principalContext(e, arn, c.caller.userID)
	now := c.time()
	context["aws:PrincipalType"] = []string{principalType}
	context["aws:PrincipalIsAWSService"] = []string{"false"}
	context["aws:ViaAWSService"] = []string{"false"}
	context["aws:SecureTransport"] = []string{"true"}
	context["aws:RequestedRegion"] = []string{c.region}
	context["aws:CurrentTime"] = []string{stamp(now)}
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

// denied is the refusal of a caller that no identity policy allows the action.
func (c *call) denied() *apiError {
	var p permission
	if needed := c.service.permissions[c.operation]; len(needed) > 0 {
		p = needed[0]
	}
	return c.refusal(p, iampolicy.Result{OrganizationAllows: true})
}

// refusal says that a decision did not allow a permission, and which layer is to blame.
func (c *call) refusal(p permission, r iampolicy.Result) *apiError {
	return refuse(http.StatusForbidden, c.service.denial, "%s %s", c.notAuthorized(p),
		reason(r, c.actionOf(p)))
}

func (c *call) notAuthorized(p permission) string {
	text := "User: " + c.caller.arn + " is not authorized to perform: " + c.actionOf(p)
	if resource, named := c.resourceOf(p); named {
		text += " on resource: " + resource
	}
	return text
}

// reason words why a request was denied. Of several layers that deny it AWS names one, without
// saying which: here an explicit deny comes first, and the organization before the caller's own
// policies. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
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
	return "" // nothing denied it: not asked
}
