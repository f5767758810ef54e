package policies

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A Grant is an action on a resource pattern, as a document grants it.
type Grant struct {
	Action   string `json:"action"`
	Resource string `json:"resource"`
}

// plain is the grant without what differs from account to account, to compare it by: regions,
// account numbers, names of buckets and functions, and the case of the action.
func (g Grant) plain() Grant {
	g = Grant{strings.ToLower(g.Action), plainResource(g.Resource)}
	// Narrow, too, writes these for the "*" of the documents.
	switch {
	case g.Action == "lambda:getfunction" &&
		strings.Contains(g.Resource, ":function:remotion-render-"),
		g.Action == "iam:simulateprincipalpolicy" && strings.Contains(g.Resource, ":iam::"):
		g.Resource = "*"
	}
	return g
}

// holds reports whether the grant is written with wildcards, such as servicequotas:*, that hold the
// other. When it says no that is not certain.
func (g Grant) holds(other Grant) bool {
	g, other = g.plain(), other.plain()
	ok, err := path.Match(g.Action, other.Action)
	return ok && err == nil && (g.Resource == "*" || g.Resource == other.Resource)
}

// A grantSet has grants by their plain form.
type grantSet map[Grant]Grant

// mostGrants bounds the work on a document from outside. Remotion's largest has 33.
const mostGrants = 4096

// grantsOf lists what the document grants plainly. Others counts the statements that do something
// else: deny, or grant by exclusion; conditional the grants under a condition. It is not ok for a
// document with more than mostGrants.
func grantsOf(doc *iampolicy.Document) (set grantSet, others, conditional int, ok bool) {
	set = grantSet{}
	total := 0
	for _, s := range doc.Statements {
		if s.Effect != iampolicy.Allow || s.NotAction != nil || s.NotResource != nil {
			others++
			continue
		}
		if total += len(s.Action) * len(s.Resource); total > mostGrants {
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

// without lists what is in s and not in o, in order of the actions.
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

var (
	accountNumber = regexp.MustCompile(`^\d{12}$`)
	regionName    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
)

// accounts are those the documents name: of Remotion's layers, and of AWS's in each partition.
var accounts = []string{"678892195805", "580247275435", "488211338238"}

// plainResource is the documented pattern that a resource is a narrower form of: any region and
// account, any bucket, function or log group with Remotion's prefix. Of anything else it is what is
// written, but for region and account.
func plainResource(resource string) string {
	arn := strings.SplitN(resource, ":", 6)
	if len(arn) != 6 || arn[0] != "arn" {
		return resource
	}
	if regionName.MatchString(arn[3]) {
		arn[3] = "*"
	}
	if accountNumber.MatchString(arn[4]) && !slices.Contains(accounts, arn[4]) {
		arn[4] = "*"
	}
	for _, prefix := range []string{"remotionlambda-", "function:remotion-render-",
		"log-group:/aws/lambda/remotion-render-", "log-group:/aws/lambda-insights:"} {
		if strings.HasPrefix(arn[5], prefix) {
			arn[5] = prefix + "*"
		}
	}
	return strings.Join(arn, ":")
}
