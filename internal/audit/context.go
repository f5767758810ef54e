package audit

import (
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
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

// context returns the context in which the engine evaluates q: the defaults and the keys that AWS
// sets for the principal. The configured context overrides both.
func (t TargetFacts) context(q needs.SimulationRequest) iampolicy.Context {
	known := iampolicy.Context{
		"aws:PrincipalArn":     {t.ARN},
		"aws:PrincipalAccount": {t.Scope.Account},
	}
	if t.entity() == "user" {
		known["aws:username"] = []string{arn.Name(t.ARN)}
	}
	override(known, t.Assumed)
	return AssumedContext(q, known)
}

// assumedLines returns the assumed context as sorted lines for the report.
func assumedLines(extra iampolicy.Context) []string {
	assumed := AssumedContext(needs.SimulationRequest{Action: "iam:PassRole"}, extra)
	lines := make([]string, 0, len(assumed))
	for key, values := range assumed {
		value := strings.Join(values, ",")
		if _, configured := extra[key]; !configured {
			switch key {
			case "aws:RequestedRegion":
				value = "<the region of the request>"
			case "iam:PassedToService":
				value += " (iam:PassRole)"
			}
		}
		lines = append(lines, key+"="+value)
	}
	slices.Sort(lines)
	return lines
}
