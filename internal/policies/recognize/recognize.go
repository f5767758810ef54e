// Package recognize finds the release of Remotion that a policy was copied from.
package recognize

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A Recognition names the document of Remotion that a policy was copied from, and the differences.
type Recognition struct {
	// Kind and Partition describe Remotion's document. On is the kind that the principal with the
	// policy needs.
	Kind      policies.PolicyKind `json:"policy"`
	Partition string              `json:"partition"`
	On        policies.PolicyKind `json:"on"`
	// Since and Until are the first and the last release with that document. Until is empty if the
	// newest known release has it.
	Since string `json:"since"`
	Until string `json:"until,omitempty"`
	// Lacks lists the grants of the document that the policy does not have. Adds lists the grants of
	// the policy that the document does not have. Both are ordered by action.
	Lacks []Grant `json:"lacks,omitempty"`
	Adds  []Grant `json:"adds,omitempty"`
	// Others counts statements that deny, or that use NotAction or NotResource. Conditional counts
	// statements with a Condition. Remotion's documents have no such statements.
	Others      int `json:"otherStatements,omitempty"`
	Conditional int `json:"conditionalStatements,omitempty"`
	// Narrowed is true if the policy names regions, accounts, buckets or functions where Remotion's
	// document has a wildcard.
	Narrowed bool `json:"narrowed,omitempty"`
}

// Policy finds the document of Remotion that a policy was copied from, even if the copy was
// edited. on is the kind that the principal with the policy needs. The comparison ignores space,
// the order of statements and lists, Sids, and narrowing to one account. Of several equally near
// documents, Policy prefers a document of the kind on, then the newest.
//
// ok is false if the differences are more than half of the grants of each document: the policy was
// then probably not copied from Remotion. ok is also false for a policy without grants or with more
// than maxGrants.
func Policy(doc *iampolicy.Document, on policies.PolicyKind) (r Recognition, ok bool) {
	if doc == nil {
		return r, false
	}
	found, others, conditional, ok := grantsOf(doc)
	if !ok || len(found) == 0 {
		return r, false
	}
	nearest, nearestDistance := -1, 0
	list := knownDocuments()
	for i, d := range list {
		// The sizes alone show that most foreign documents are too far.
		if 2*max(len(found)-len(d.grants), len(d.grants)-len(found)) > len(d.grants) {
			continue
		}
		distance := d.required.countWithout(found) + found.countWithout(d.grants)
		if 2*distance > len(d.grants) {
			continue
		}
		// The list is ordered by release. At the same distance the later document wins, except if only
		// the earlier document has the kind on.
		if nearest < 0 || distance < nearestDistance || distance == nearestDistance &&
			(d.kind == on || list[nearest].kind != on) {
			nearest, nearestDistance = i, distance
		}
	}
	if nearest < 0 {
		return r, false
	}
	d := list[nearest]
	r = Recognition{Kind: d.kind, Partition: d.partition, On: on, Since: d.since, Until: d.until,
		Lacks: d.required.without(found), Adds: found.without(d.grants), Others: others,
		Conditional: conditional}
	r.Lacks = slices.DeleteFunc(r.Lacks, func(lacked Grant) bool {
		return slices.ContainsFunc(r.Adds, func(added Grant) bool { return added.covers(lacked) })
	})
	for plain, g := range found {
		if documented, ok := d.grants[plain]; ok && documented.Resource != g.Resource {
			r.Narrowed = true
		}
	}
	return r, true
}

// Unchanged reports whether the policy has exactly the grants of Remotion's document. The grants
// may be narrowed to one account.
func (r Recognition) Unchanged() bool {
	return len(r.Lacks)+len(r.Adds)+r.Others+r.Conditional == 0
}

// Distance returns the number of differences from Remotion's document.
func (r Recognition) Distance() int {
	return len(r.Lacks) + len(r.Adds) + r.Others + r.Conditional
}

// WithoutLacks returns the recognition without the lacks that granted reports: another policy of
// the principal grants them.
func (r Recognition) WithoutLacks(granted func(Grant) bool) Recognition {
	r.Lacks = slices.DeleteFunc(slices.Clone(r.Lacks), granted)
	return r
}

// Misplaced reports whether the principal needs the other kind of policy.
func (r Recognition) Misplaced() bool { return r.Kind != r.On }

// String returns one sentence, without a capital letter at the start and a period at the end.
func (r Recognition) String() string {
	var b strings.Builder
	releases := r.Since + " and later"
	if r.Until != "" {
		releases = r.Since + "-" + r.Until
	}
	fmt.Fprintf(&b, "this is the %s policy of Remotion %s", r.Kind, releases)
	if r.Partition != policies.AWS {
		fmt.Fprintf(&b, " for %s", r.Partition)
	}
	// The reader counts the names, so an action on two resources is one permission.
	switch n := len(actionsOf(r.Lacks)) + len(actionsOf(r.Adds)); {
	case n > 0:
		fmt.Fprintf(&b, " except for %s: it ", textfmt.Plural(n, "permission"))
		if len(r.Lacks) > 0 {
			b.WriteString("lacks " + actionNames(r.Lacks))
		}
		if len(r.Lacks) > 0 && len(r.Adds) > 0 {
			b.WriteString(", and ")
		}
		if len(r.Adds) > 0 {
			b.WriteString("adds " + actionNames(r.Adds) + onResources(r.Adds))
		}
	case r.Unchanged() && !r.Narrowed:
		b.WriteString(", unchanged")
	}
	if r.Narrowed {
		b.WriteString(", narrowed to specific accounts, regions or names")
	}
	if r.Conditional > 0 {
		fmt.Fprintf(&b, ", with conditions in %s", textfmt.Plural(r.Conditional, "statement"))
	}
	if r.Others > 0 {
		fmt.Fprintf(&b, ", with %s that Remotion's policy does not have",
			textfmt.Plural(r.Others, "statement"))
	}
	if r.Misplaced() {
		fmt.Fprintf(&b, "; the %s policy is expected instead", r.On)
	}
	return b.String()
}

// plainText matches text from a policy that can stand in a sentence without quotes.
var plainText = regexp.MustCompile(`^[A-Za-z0-9*?$_.:/{}+=,@-]{1,128}$`)

func quoteUnlessPlain(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return textfmt.Quote(text, 60)
}

// actionNames lists the actions of grants, each once: at most four, and the count of the rest.
func actionNames(grants []Grant) string {
	const most = 4
	return textfmt.Some(actionsOf(grants), most)
}

// actionsOf returns the actions of grants, each once.
func actionsOf(grants []Grant) (names []string) {
	for _, g := range grants {
		names = textfmt.AppendNew(names, quoteUnlessPlain(g.Action))
	}
	return names
}

// onResources returns " on" and the resource of the grants, or the number of resources if there are
// several.
func onResources(grants []Grant) string {
	resources := map[string]bool{}
	for _, g := range grants {
		resources[g.Resource] = true
	}
	if len(resources) > 1 {
		return fmt.Sprintf(" on %d resources", len(resources))
	}
	return " on " + quoteUnlessPlain(grants[0].Resource)
}

// A knownDocument is the document of one or more releases, with its grants.
type knownDocument struct {
	kind                    policies.PolicyKind
	partition, since, until string
	// required are the grants that all the releases use. A copy without the others lacks nothing.
	grants, required grantSet
}

// dropUnused removes the grants of a document that a release with the document never uses.
func dropUnused(grants grantSet, r policies.Release, kind policies.PolicyKind) {
	for _, documented := range r.Requirements(kind) {
		used, ok := documented.For(policies.All, []policies.Release{r})
		if !ok || used.ForOldNames() {
			delete(grants, Grant{documented.Action, documented.Resource}.plain())
		}
	}
}

// knownDocuments lists each document once, ordered by partition, kind and release.
var knownDocuments = sync.OnceValue(func() []knownDocument {
	var list []knownDocument
	for _, partition := range policies.Partitions() {
		for _, kind := range policies.Kinds {
			before := ""
			releases := policies.Releases(partition)
			for i, r := range releases {
				until := r.Until
				if i == len(releases)-1 {
					until = ""
				}
				if text := r.Document(kind); text != before {
					before = text
					grants, _, _, _ := grantsOf(r.Policy(kind))
					list = append(list,
						knownDocument{kind: kind, partition: partition, since: r.Since, grants: grants,
							required: maps.Clone(grants)})
				}
				last := &list[len(list)-1]
				last.until = until
				dropUnused(last.required, r, kind)
			}
		}
	}
	return list
})
