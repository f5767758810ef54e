package awsemu

import (
	"context"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
)

// A call is a request in progress. The operations run with the server's mutex held.
type call struct {
	*Server
	request
	ctx    context.Context
	caller identity
	region string
}

// time returns the time of the server's clock in UTC, without the monotonic reading. With the
// monotonic reading, == could report equal times as different.
func (c *call) time() time.Time { return c.now().UTC().Round(0) }

// pageSize returns the number of items per page of a list.
func (c *call) pageSize() int {
	for _, n := range []int{c.PageSize, c.store.pageSize} {
		if n > 0 {
			return n
		}
	}
	return defaultPageSize
}

// entityParams are the parameters that name the entity of an IAM call, in order of precedence.
var entityParams = []struct {
	param string
	kind  kind
}{
	{"UserName", kindUser}, {"RoleName", kindRole}, {"GroupName", kindGroup},
}

// targets returns the principals that the call names, in the form of Fault.Target. A GetUser
// without a name refers to its caller.
func (c *call) targets() []string {
	var targets []string
	for _, p := range entityParams {
		if name := c.form.get(p.param); name != "" {
			targets = append(targets, string(p.kind)+"/"+name)
		}
	}
	for _, param := range []string{"PolicySourceArn", "RoleArn"} {
		if k, name, ok := entityOfARN(c.form.get(param)); ok {
			targets = append(targets, string(k)+"/"+name)
		}
	}
	if len(targets) == 0 && c.operation == "GetUser" && c.caller.entity != nil {
		targets = append(targets, string(c.caller.entity.kind)+"/"+c.caller.entity.name)
	}
	return targets
}

// entityOfARN returns the kind and the name of the user, group or role in an ARN, without the path.
// It returns false for any other ARN.
func entityOfARN(arn string) (kind, string, bool) {
	a, ok := awsarn.Parse(arn)
	if !ok || a.Service != "iam" {
		return "", "", false
	}
	k, rest, found := strings.Cut(a.Resource, "/")
	name := awsarn.Name(rest)
	switch kind(k) {
	case kindUser, kindGroup, kindRole:
		return kind(k), name, found && name != ""
	default:
		return "", "", false
	}
}

// recordedParams returns the parameters of the call for Call.Params.
func (c *call) recordedParams() map[string]string {
	params := make(map[string]string, len(c.params))
	for name, values := range c.params {
		if name != "Action" && name != "Version" && len(values) > 0 {
			params[name] = values[0]
		}
	}
	if namespace, ok := c.input["Namespace"].(string); ok {
		params["Namespace"] = namespace
	}
	return params
}
