package policies

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The maximum numbers of characters in one managed policy, and in all inline policies of a user or
// of a role together. IAM does not count white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	ManagedLimit    = 6144
	InlineUserLimit = 2048
	InlineRoleLimit = 10240
)

// Size returns the size of a policy document as IAM counts it: characters without white space.
func Size(document string) int {
	n := 0
	for _, c := range document {
		if !strings.ContainsRune(" \t\r\n", c) {
			n++
		}
	}
	return n
}

// LeastPrivilege writes a policy that grants all needs of a principal with that purpose in the
// scope, for all the releases. The policy grants no more than the documents of the releases and the
// requirements from Undocumented. Its statements are in the order of the documents. A statement is
// split if its actions need different resources.
//
// In the scope, an empty Account means any account, empty Regions mean any region, and an empty
// Caller means any caller of the account. An empty RenderRole means RoleName. If a policy with
// regions is too long for a managed policy, LeastPrivilege widens the resources to any region:
// first layers, then functions and logs, last buckets. It also widens layers if the policy then
// fits the inline policies of a user. With many custom names the policy can still exceed the limit.
func LeastPrivilege(releases []Release, kind PolicyKind, purpose Purpose, p Scope) string {
	anyCaller := p.Caller == ""
	if p.Account == "" {
		p.Account = "*"
	}
	inAccount := func(entity string) string { return arn.IAM(p.Partition, p.Account, entity) }
	if anyCaller {
		p.Caller = inAccount("user/*")
	}
	if p.RenderRole == "" {
		p.RenderRole = inAccount("role/" + RoleName)
	}
	widest := len(widenings)
	start := 0
	if len(p.Regions) == 0 {
		p.Regions, start = Regions(p.Partition)[:1], widest
	}
	var list []permission
	for _, r := range append(Union(releases, kind), Undocumented(releases, kind, p.Regions)...) {
		if !r.NeededFor(purpose) {
			continue
		}
		var patterns []string
		for _, n := range r.Needed(p) {
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
	if slices.ContainsFunc(releases, func(r Release) bool {
		return compare(r.number(), regionInBucketName) < 0
	}) {
		always = append(always, widenBuckets)
	}
	limit := ManagedLimit
	if kind == User && Size(writeDocument(list, append(always, widenings[:1]...))) <= InlineUserLimit {
		limit = InlineUserLimit // layers are public: any region for them adds no risk
	}
	for level := start; ; level++ {
		text := writeDocument(list, append(always, widenings[:level]...))
		if level == widest || Size(text) <= limit {
			return text
		}
	}
}

// A permission is a requirement with the needed resource patterns.
type permission struct {
	Requirement
	patterns []string
}

// A widening replaces the region in an ARN pattern by any region, for one resource type. It leaves
// other patterns unchanged.
type widening func(*arn.ARN)

var widenings = []widening{
	func(a *arn.ARN) { // layers
		if strings.HasPrefix(a.Resource, "layer:") {
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
	if a.Service == "s3" && strings.HasPrefix(a.Resource, "remotionlambda-") &&
		strings.Contains(a.Resource, "-*") {
		object := strings.HasSuffix(a.Resource, "/*")
		a.Resource = "remotionlambda-*"
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

type sidGroup struct {
	Sid      string
	Effect   string
	Action   []string
	Resource []string
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
	var groups []sidGroup
	for _, k := range parts {
		same := func(g sidGroup) bool { return g.Sid == k.sid && slices.Equal(g.Resource, resources[k]) }
		i := slices.IndexFunc(groups, same)
		if i < 0 {
			i = len(groups)
			groups = append(groups, sidGroup{Sid: k.sid, Effect: "Allow", Resource: resources[k]})
		}
		groups[i].Action = append(groups[i].Action, k.action)
	}
	doc := struct {
		Version   string
		Statement []sidGroup
	}{"2012-10-17", withUniqueSids(groups)}
	var b bytes.Buffer
	if err := textfmt.WriteJSON(&b, doc); err != nil {
		panic(err) // cannot happen: doc only has strings and lists of strings
	}
	return b.String()
}

// withUniqueSids returns the statements, each with a different Sid. It merges a part of a split
// statement into another statement with the same resources, if such a statement exists, so that a
// policy for one region fits the inline policies of a user.
func withUniqueSids(groups []sidGroup) []sidGroup {
	var list []sidGroup
	taken := map[string]int{}
	for i, g := range groups {
		if strings.HasSuffix(g.Resource[0], "/*") && strings.Contains(g.Resource[0], ":s3:") {
			g.Sid += "Objects"
		}
		if taken[g.Sid] > 0 {
			other := slices.IndexFunc(groups, func(o sidGroup) bool {
				return o.Sid != groups[i].Sid && slices.Equal(o.Resource, g.Resource)
			})
			if other > i {
				groups[other].Action = append(slices.Clone(g.Action), groups[other].Action...)
				continue
			}
		}
		taken[g.Sid]++
		if n := taken[g.Sid]; n > 1 {
			g.Sid += "Part" + strconv.Itoa(n)
		}
		list = append(list, g)
	}
	return list
}
