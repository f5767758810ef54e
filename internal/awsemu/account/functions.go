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

		Timeout: l.number(in.Timeout, join(at, "timeout"), 1, 900),
		Storage: l.number(in.Storage, join(at, "storage"), 512, 10240),
		KMSKey:  l.arn(in.KMSKey, join(at, "kmsKey"), "kms"),
		State: l.oneOf(in.State, join(at, "state"), "Active", "Pending", "Inactive",
			"Failed"),
		StateReason:     l.text(in.StateReason, join(at, "stateReason")),
		StateReasonCode: l.text(in.StateReasonCode, join(at, "stateReasonCode")),
		UpdateStatus: l.oneOf(in.UpdateStatus, join(at, "updateStatus"), "Successful",
			"InProgress", "Failed"),
		UpdateReason:     l.text(in.UpdateReason, join(at, "updateReason")),
		UpdateReasonCode: l.text(in.UpdateReasonCode, join(at, "updateReasonCode")),
		LogGroup:         l.text(in.LogGroup, join(at, "logGroup")),
	}
	reserved, reservedAt := in.ReservedConcurrency, join(at, "reservedConcurrency")
	if l.node(reserved, reservedAt) != nil {
		n := l.number(reserved, reservedAt, 0, 1<<20)
		f.Reserved = &n
	}
	if policyAt := join(at, "policy"); l.node(in.Policy, policyAt) != nil {
		f.Policy = l.checkedDocument(l.node(in.Policy, policyAt), policyAt, 0, lambda.CheckPolicy)
	}
	network := join(at, "vpc")
	f.VPC = l.text(in.VPC.ID, join(network, "id"))
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

// arn reads the ARN of a resource of a service.
func (l *loader) arn(v value, at, service string) string {
	text := l.text(v, at)
	if a, ok := awsarn.Parse(text); text != "" && (!ok || a.Service != service) {
		l.addProblem(l.node(v, at), at, "%q is not an ARN of %s: write arn:aws:%s:…", text, service,
			service)
	}
	return text
}

// deletedLayers reads the ARNs of layer versions.
func (l *loader) deletedLayers(list []value, at string) []string {
	arns := l.texts(list, at)
	for i, arn := range arns {
		if at := fmt.Sprintf("%s[%d]", at, i); !lambda.IsLayerVersion(arn) {
			l.addProblem(l.nodes[at], at,
				"%q is not the ARN of a layer version: write arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION",
				arn)
		}
	}
	return arns
}

// concurrentExecutions reads the quotas of regions. The key default stands for all other regions.
func (l *loader) concurrentExecutions(m map[key]value, at string) map[string]int {
	if m == nil {
		return nil
	}
	quotas := make(map[string]int)
	for _, k := range inOrder(l, m, at) {
		region, n := string(k), l.number(m[k], join(at, string(k)), 1, 1<<20)
		switch {
		case region == "default":
			region = ""
		case !awsname.IsRegion(region):
			l.addProblem(l.keys[join(at, region)], at,
				"%q is neither a region nor default: use a name such as us-east-1", region)
		}
		quotas[region] = n
	}
	return quotas
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
