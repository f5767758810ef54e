package awsemu

import (
	"cmp"
	"context"
	"strings"
	"time"
)

// A call is a request being carried out. The operations run with the server's mutex held.
type call struct {
	*Server
	request
	ctx    context.Context
	caller identity
	region string
}

// time is the server's clock, without the monotonic reading that makes equal times unequal.
func (c *call) time() time.Time { return c.now().UTC().Round(0) }

// pageSize is how many items a list shows at once.
func (c *call) pageSize() int {
	for _, n := range []int{c.PageSize, c.store.pageSize} {
		if n > 0 {
			return n
		}
	}
	return defaultPageSize
}

// The parameters that name what an IAM call is about, the one that decides first.
var entityParams = []struct {
	param string
	kind  kind
}{
	{"UserName", kindUser}, {"RoleName", kindRole}, {"GroupName", kindGroup},
}

// targets are the principals the call is about, as Fault.Target writes them.
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

// entityOfARN reads user/path/NAME and the like out of an ARN. The path is not part of the name.
func entityOfARN(arn string) (kind, string, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "iam" {
		return "", "", false
	}
	k, rest, found := strings.Cut(parts[5], "/")
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	switch kind(k) {
	case kindUser, kindGroup, kindRole:
		return kind(k), name, found && name != ""
	default:
		return "", "", false
	}
}

// resource is the ARN that a policy has to allow for the call, as a refusal names it; empty where AWS
// names none.
func (c *call) resource() string {
	switch c.service {
	case iamService:
		if arn := c.form.get("PolicySourceArn"); arn != "" {
			return arn
		}
		for _, p := range entityParams {
			name := c.form.get(p.param)
			if name == "" {
				continue
			}
			if e := c.store.entities[p.kind][name]; e != nil {
				return c.store.arn(e)
			}
			return "arn:" + c.store.partition + ":iam::" + c.store.account + ":" + string(p.kind) + "/" + name
		}
		if arn := c.form.get("PolicyArn"); arn != "" {
			return arn
		}
		if c.operation == "GetUser" {
			return c.caller.arn
		}
		return "*"
	case stsService:
		return c.form.get("RoleArn")
	case snsService:
		return cmp.Or(c.form.get("TopicArn"), c.form.get("TargetArn"), c.form.get("SubscriptionArn"))
	case s3Service:
		return strings.TrimSuffix("arn:"+c.store.partition+":s3:::"+c.s3.bucket+"/"+c.s3.key, "/")
	default:
		return ""
	}
}

// recorded is what Call.Params keeps of the call.
func (c *call) recorded() map[string]string {
	kept := make(map[string]string, len(c.params))
	for name, values := range c.params {
		if name != "Action" && name != "Version" && len(values) > 0 {
			kept[name] = values[0]
		}
	}
	if namespace, ok := c.input["Namespace"].(string); ok {
		kept["Namespace"] = namespace
	}
	return kept
}
