package recognize

import (
	"path"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Grant is an action on a resource pattern, as written in a document.
type Grant struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// plain returns the grant in the form that grants are compared in: the action in lower case, and
// wildcards for the parts that differ between accounts. These parts are regions, account IDs, and
// names of buckets and functions.
func (g Grant) plain() Grant {
	g = Grant{strings.ToLower(g.Action), plainResource(g.Resource)}
	// The documents grant these actions on "*"; needs.LeastPrivilege narrows them to these resources.
	star, _ := policies.FindStarAction(g.Action)
	if star.Scope == policies.NamedResource && slices.ContainsFunc([]string{
		":function:" + policies.FunctionPrefix, ":iam::", ":" + policies.QuotaResource,
	}, func(part string) bool { return strings.Contains(g.Resource, part) }) {
		g.Resource = "*"
	}
	return g
}

// covers reports whether the action of the grant, such as servicequotas:*, matches the other
// action, and the resource of the grant is "*" or equal to the other resource. covers can return
// false for a covered grant, because it compares other wildcards in a resource as plain text.
func (g Grant) covers(other Grant) bool {
	g, other = g.plain(), other.plain()
	ok, err := path.Match(g.Action, other.Action)
	return ok && err == nil && (g.Resource == "*" || g.Resource == other.Resource)
}

// A grantSet maps the plain form of each grant to the grant as written.
type grantSet map[Grant]Grant

// maxGrants bounds the work on a document from an account or a file. Remotion's largest document
// has 33 grants.
const maxGrants = 4096

// grantsOf returns the grants of all Allow statements with Action and Resource. others counts the
// remaining statements: those that deny, or that use NotAction or NotResource. conditional counts
// the granting statements with a Condition. ok is false for a document with more than maxGrants.
func grantsOf(doc *iampolicy.Document) (set grantSet, others, conditional int, ok bool) {
	set = grantSet{}
	total := 0
	for _, s := range doc.Statements {
		if s.Effect != iampolicy.Allow || s.NotAction != nil || s.NotResource != nil {
			others++
			continue
		}
		if total += len(s.Action) * len(s.Resource); total > maxGrants {
			return nil, 0, 0, false
		}
		if s.Conditions != nil {
			conditional++
		}
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				g := Grant{action, resource}
				set[g.plain()] = g
			}
		}
	}
	return set, others, conditional, true
}

// countWithout returns the number of grants of s that o does not contain.
func (s grantSet) countWithout(o grantSet) (n int) {
	for plain := range s {
		if _, ok := o[plain]; !ok {
			n++
		}
	}
	return n
}

// without lists the grants of s that o does not contain, ordered by action, then resource.
func (s grantSet) without(o grantSet) []Grant {
	var list []Grant
	for plain, g := range s {
		if _, ok := o[plain]; !ok {
			list = append(list, g)
		}
	}
	slices.SortFunc(list, func(a, b Grant) int {
		return strings.Compare(a.Action+" "+a.Resource, b.Action+" "+b.Resource)
	})
	return list
}

// layerAccounts are the accounts that the documents name: the owner of Remotion's layers, and the
// owners of AWS's layers in the two partitions.
var layerAccounts = []string{"678892195805", "580247275435", "488211338238"}

// plainResource replaces the region and the account of an ARN by wildcards, and also the name of a
// bucket, function or log group with Remotion's prefix. It returns other text unchanged.
func plainResource(resource string) string {
	a, ok := arn.Parse(resource)
	if !ok {
		return resource
	}
	if awsname.IsRegion(a.Region) {
		a.Region = "*"
	}
	if awsname.IsAccount(a.Account) && !slices.Contains(layerAccounts, a.Account) {
		a.Account = "*"
	}
	for _, prefix := range []string{policies.BucketPrefix, "function:" + policies.FunctionPrefix,
		"log-group:/aws/lambda/" + policies.FunctionPrefix, "log-group:/aws/lambda-insights:"} {
		if strings.HasPrefix(a.Resource, prefix) {
			a.Resource = prefix + "*"
		}
	}
	return a.String()
}
