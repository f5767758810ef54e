package needs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// LeastPrivilege writes a policy that grants all needs of a principal with that purpose in the
// scope, for all the releases. The policy grants no more than the documents of the releases and the
// requirements from Undocumented. Its statements are in the order of the documents. A statement is
// split if its actions need different resources.
//
// In the scope, an empty Account means any account, empty Regions mean any region, and an empty
// Caller means any caller of the account. An empty RenderRole means policies.RoleName. If a policy
// with regions is too long for a managed policy, LeastPrivilege widens the resources to any region:
// first layers and quotas, then functions and logs, last buckets. It also widens layers and quotas
// if the policy then fits the inline policies of a user. With many custom names the policy can
// still exceed the limit.
func LeastPrivilege(releases []policies.Release, kind policies.PolicyKind,
	purpose policies.Purpose, p Scope) string {
	anyCaller := p.Caller == ""
	if p.Account == "" {
		p.Account = "*"
	}
	inAccount := func(entity string) string { return arn.IAM(p.Partition, p.Account, entity) }
	if anyCaller {
		p.Caller = inAccount("user/*")
	}
	if p.RenderRole == "" {
		p.RenderRole = inAccount("role/" + policies.RoleName)
	}
	widest := len(widenings)
	start := 0
	if len(p.Regions) == 0 {
		p.Regions, start = policies.Regions(p.Partition)[:1], widest
	}
	var list []permission
	p.InsightsRegions = p.Regions // so that Insights can be enabled everywhere
	for _, r := range p.Requirements(releases, kind, purpose) {
		var patterns []string
		for _, n := range p.Needed(r) {
			pattern := n.Pattern
			if _, name, ok := strings.Cut(r.Resource, layerField); ok { // the documented name is shorter
				pattern = pattern[:strings.Index(pattern, layerField)] + layerField + name
			}
			patterns = append(patterns, pattern)
		}
		switch {
		case r.Action == "iam:GetUser" && anyCaller:
			patterns = []string{inAccount("user/${aws:username}")}
		case r.Action == "iam:SimulatePrincipalPolicy" && anyCaller:
			patterns = append(patterns, inAccount("role/*"))
		}
		list = append(list, permission{r, patterns})
	}
	var always []widening
	if slices.ContainsFunc(releases, func(r policies.Release) bool {
		return r.Before(regionInBucketName)
	}) {
		always = append(always, widenBuckets)
	}
	limit := iampolicy.ManagedQuota
	if kind == policies.User && iampolicy.Size(writeDocument(list,
		append(always, widenings[:1]...))) <= iampolicy.InlineUserQuota {
		// Layers are public, and there is one quota in a region: any region for them adds no risk.
		limit = iampolicy.InlineUserQuota
	}
	for level := start; ; level++ {
		text := writeDocument(list, append(always, widenings[:level]...))
		if level == widest || iampolicy.Size(text) <= limit {
			return text
		}
	}
}

// A permission is a requirement with the needed resource patterns.
type permission struct {
	policies.Requirement
	patterns []string
}

// A widening replaces the region in an ARN pattern by any region, for one resource type. It leaves
// other patterns unchanged.
type widening func(*arn.ARN)

var widenings = []widening{
	func(a *arn.ARN) { // layers and quotas
		if strings.HasPrefix(a.Resource, "layer:") || a.Service == "servicequotas" {
			a.Region = "*"
		}
	},
	func(a *arn.ARN) { // functions and logs
		if a.Service == "lambda" || a.Service == "logs" {
			a.Region = "*"
		}
	},
	widenBuckets,
}

// regionInBucketName is the first release that is known to put the region into bucket names. The
// change came with 3.3.13 or a later release; earlier names only contain an id.
const regionInBucketName = "3.3.27"

// widenBuckets replaces the region in patterns of Remotion's buckets by any region. It keeps the
// names of real buckets.
func widenBuckets(a *arn.ARN) {
	if a.Service == "s3" && strings.HasPrefix(a.Resource, policies.BucketPrefix) &&
		strings.Contains(a.Resource, "-*") {
		object := strings.HasSuffix(a.Resource, "/*")
		a.Resource = policies.BucketPrefix + "*"
		if object {
			a.Resource += "/*"
		}
	}
}

func (p permission) widened(by []widening) []string {
	var list []string
	for _, pattern := range p.patterns {
		if a, ok := arn.Parse(pattern); ok && !p.Undocumented {
			for _, widen := range by {
				widen(&a)
			}
			pattern = a.String()
		}
		if !slices.Contains(list, pattern) {
			list = append(list, pattern)
		}
	}
	return list
}

// writeDocument writes the permissions in the format of Remotion's documents.
func writeDocument(list []permission, by []widening) string {
	// Permissions with the same Sid and action share one list of resources.
	type part struct{ sid, action string }
	var parts []part
	resources := map[part][]string{}
	for _, p := range list {
		k := part{p.Sid, p.Action}
		for _, pattern := range p.widened(by) {
			if resources[k] == nil {
				parts = append(parts, k)
			}
			if !slices.Contains(resources[k], pattern) {
				resources[k] = append(resources[k], pattern)
			}
		}
	}
	var statements []iampolicy.Statement
	for _, k := range parts {
		i := slices.IndexFunc(statements, func(s iampolicy.Statement) bool {
			return s.Sid == k.sid && slices.Equal(s.Resource, resources[k])
		})
		if i < 0 {
			i = len(statements)
			statements = append(statements,
				iampolicy.Statement{Sid: k.sid, Effect: iampolicy.Allow, Resource: resources[k]})
		}
		statements[i].Action = append(statements[i].Action, k.action)
	}
	doc := iampolicy.Document{Version: iampolicy.Version, Statements: withUniqueSids(statements)}
	return doc.Text()
}

// withUniqueSids returns the statements, each with a different Sid. It merges a part of a split
// statement into another statement with the same resources, if such a statement exists, so that a
// policy for one region fits the inline policies of a user.
func withUniqueSids(statements []iampolicy.Statement) (list []iampolicy.Statement) {
	parts := map[string]int{}
	for i := range statements {
		s := &statements[i]
		if strings.HasSuffix(s.Resource[0], "/*") && strings.Contains(s.Resource[0], ":s3:") {
			s.Sid += "Objects"
		}
		parts[s.Sid]++
	}
	taken := map[string]int{}
	for i, s := range statements {
		mergeable := func(o iampolicy.Statement) bool {
			return parts[s.Sid] > 1 && o.Sid != s.Sid && slices.Equal(o.Resource, s.Resource)
		}
		if at := slices.IndexFunc(list, mergeable); at >= 0 {
			list[at].Action = slices.Concat(list[at].Action, s.Action)
			continue
		}
		if at := slices.IndexFunc(statements[i+1:], mergeable); at >= 0 {
			o := &statements[i+1+at]
			o.Action = slices.Concat(s.Action, o.Action)
			continue
		}
		taken[s.Sid]++
		if n := taken[s.Sid]; n > 1 {
			s.Sid += "Part" + strconv.Itoa(n)
		}
		list = append(list, s)
	}
	return list
}
