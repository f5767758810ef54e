package account

import (
	"fmt"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/lambda"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

func (l *loader) functions(list []section[lambdaFunction], at string) []lambda.Function {
	var functions []lambda.Function
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", at, i)
		f := l.lambdaFunction(item.of, at)
		if slices.ContainsFunc(functions, func(o lambda.Function) bool {
			return o.Name == f.Name && o.Region == f.Region
		}) {
			l.addProblem(l.nodes[at], at, "duplicate function %q: names are unique in a region", f.Name)
			continue
		}
		functions = append(functions, f)
	}
	return functions
}

func (l *loader) lambdaFunction(in lambdaFunction, at string) lambda.Function {
	f := lambda.Function{
		Name:        l.text(in.Name, join(at, "name")),
		Role:        l.functionRole(in.Role, join(at, "role")),
		Description: l.text(in.Description, join(at, "description")),
		Runtime:     l.text(in.Runtime, join(at, "runtime")),
		Memory:      l.number(in.Memory, join(at, "memory"), 128, 10240),
		Layers:      l.texts(in.Layers, join(at, "layers")),
		Tags:        l.textsByKey(in.Tags, join(at, "tags")),
	}
	network := join(at, "vpc")
	f.Subnets = l.networkIDs(in.VPC.Subnets, join(network, "subnets"), "subnet-")
	f.SecurityGroups = l.networkIDs(in.VPC.SecurityGroups, join(network, "securityGroups"), "sg-")
	if node := l.nodes[network]; node != nil && (f.Subnets == nil || f.SecurityGroups == nil) {
		l.addProblem(node, network, "a VPC needs subnets and securityGroups, each a list of IDs")
	}
	if l.node(in.Region, join(at, "region")) != nil {
		f.Region = l.region(in.Region, join(at, "region"))
	}
	switch {
	case f.Name == "" || f.Role == "":
		l.addProblem(l.nodes[at], at, "a function needs a name and a role: add the missing keys")
	case !awsname.IsFunction(f.Name):
		l.addProblem(l.nodes[at], at,
			"%q is not a function's name: use 1 to 64 letters, digits, '-' and '_'", f.Name)
	}
	return f
}

// networkIDs reads IDs of EC2 with a prefix, such as subnet-0a1b2c3d.
func (l *loader) networkIDs(list []value, at, prefix string) []string {
	ids := l.texts(list, at)
	for i, id := range ids {
		if !strings.HasPrefix(id, prefix) || !awsname.IsFunction(id) {
			l.addProblem(l.nodes[fmt.Sprintf("%s[%d]", at, i)], at, "%q is not an ID: use %s…", id, prefix)
		}
	}
	return ids
}

// functionRole reads the name of a role of the account, or any ARN.
func (l *loader) functionRole(v value, at string) string {
	ref := l.text(v, at)
	if _, found := l.acc.Roles[ref]; !found && ref != "" && !awsarn.HasPrefix(ref) {
		l.addProblem(l.node(v, at), at,
			"there is no role %q: add it under roles, or give the ARN of a deleted role%s", ref,
			definedNames(l.acc.Roles))
	}
	return ref
}

func (l *loader) region(v value, at string) string {
	name := l.text(v, at)
	if !awsname.IsRegion(name) {
		l.addProblem(l.node(v, at), at, "%q is not a region: use a name such as us-east-1", name)
	}
	return name
}
