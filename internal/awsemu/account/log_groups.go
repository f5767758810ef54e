package account

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/logs"
)

// logGroups reads log groups of CloudWatch Logs.
func (l *loader) logGroups(list []section[logGroup], at string) []logs.LogGroup {
	var groups []logs.LogGroup
	for i, item := range list {
		in, at := item.of, fmt.Sprintf("%s[%d]", at, i)
		g := logs.LogGroup{
			Name:      l.text(in.Name, join(at, "name")),
			KMSKey:    l.arn(in.KMSKey, join(at, "kmsKey"), "kms"),
			Retention: l.number(in.Retention, join(at, "retention"), 1, 3653),
		}
		if l.node(in.Region, join(at, "region")) != nil {
			g.Region = l.region(in.Region, join(at, "region"))
		}
		if !logs.IsGroupName(g.Name) {
			l.addProblem(l.nodes[at], at,
				"%q is not the name of a log group: use a name such as /aws/lambda/NAME", g.Name)
		}
		groups = append(groups, g)
	}
	return groups
}
