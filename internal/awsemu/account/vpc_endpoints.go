package account

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/ec2"
)

// vpcEndpoints reads VPC endpoints of EC2.
func (l *loader) vpcEndpoints(list []section[vpcEndpoint], at string) []ec2.VPCEndpoint {
	var endpoints []ec2.VPCEndpoint
	for i, item := range list {
		in, at := item.of, fmt.Sprintf("%s[%d]", at, i)
		e := ec2.VPCEndpoint{
			ID:      l.text(in.ID, join(at, "id")),
			VPC:     l.text(in.VPC, join(at, "vpc")),
			Service: l.text(in.Service, join(at, "service")),
			Type:    l.oneOf(in.Type, join(at, "type"), "Gateway", "Interface"),
			State: l.oneOf(in.State, join(at, "state"), "available", "pending", "deleting",
				"rejected", "failed"),
		}
		if l.node(in.Region, join(at, "region")) != nil {
			e.Region = l.region(in.Region, join(at, "region"))
		}
		if policyAt := join(at, "policy"); l.node(in.Policy, policyAt) != nil {
			e.Policy = l.checkedDocument(l.node(in.Policy, policyAt), policyAt, 0, ec2.CheckPolicy)
		}
		switch {
		case !strings.HasPrefix(e.VPC, "vpc-") || e.Service == "":
			l.addProblem(l.nodes[at], at,
				"a VPC endpoint needs the id of a VPC and a service: add vpc: vpc-… and service: s3")
		case e.ID != "" && !strings.HasPrefix(e.ID, "vpce-"):
			l.addProblem(l.node(in.ID, join(at, "id")), join(at, "id"),
				"%q is not an ID: use vpce-…", e.ID)
		}
		endpoints = append(endpoints, e)
	}
	return endpoints
}
