package policies

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A Recognition says which of Remotion's documents a policy is.
type Recognition struct {
	// Kind and Partition are those of Remotion's document, On is the policy that belongs where it was
	// found.
	Kind      PolicyKind `json:"policy"`
	Partition string     `json:"partition"`
	On        PolicyKind `json:"on"`
	// Since and Until are the first and the last release with that document. Until is empty for one
	// that the newest known has.
	Since string `json:"since"`
	Until string `json:"until,omitempty"`
	// Lacks is what that document grants and the policy does not, and Adds the reverse. Both are
	// ordered by action.
	Lacks []Grant `json:"lacks,omitempty"`
	Adds  []Grant `json:"adds,omitempty"`
	// Others counts statements that deny, or that grant by exclusion; Conditional those with a
	// Condition. Remotion's documents have neither.
	Others      int `json:"otherStatements,omitempty"`
	Conditional int `json:"conditionalStatements,omitempty"`
	// Narrowed says that regions, accounts, buckets or functions are written out where Remotion's
	// document has a wildcard.
	Narrowed bool `json:"narrowed,omitempty"`
}

// Recognize finds the document that a policy is, or was before somebody edited it; on is the policy
// that belongs where it was found. Space, the order of statements and lists, the names of
// statements, and what is written for one account do not count. Of several that are as near, it is
// one of the kind that belongs there, and the newest.
//
// It is not ok when more differs than half of what the nearest document grants: then the policy is
// somebody's own, and likeness explains nothing.
func Recognize(doc *iampolicy.Document, on PolicyKind) (r Recognition, ok bool) {
	if doc == nil {
		return r, false
	}
	found, others, conditional, ok := grantsOf(doc)
	if !ok || len(found) == 0 {
		return r, false
	}
	nearest, nearestBy := -1, 0
	list := distinct()
	for i, d := range list {
		lacks, adds := len(d.grants.without(found)), len(found.without(d.grants))
		by := lacks + adds
		if 2*by > len(d.grants) {
			continue
		}
		// The list is in order of release: at the same distance a later one wins, unless the kind is
		// wrong.
		if nearest < 0 || by < nearestBy || by == nearestBy &&
			(d.kind == on || list[nearest].kind != on) {
			nearest, nearestBy = i, by
		}
	}
	if nearest < 0 {
		return r, false
	}
	d := list[nearest]
	r = Recognition{Kind: d.kind, Partition: d.partition, On: on, Since: d.since, Until: d.until,
		Lacks: d.grants.without(found), Adds: found.without(d.grants), Others: others,
		Conditional: conditional}
	r.Lacks = slices.DeleteFunc(r.Lacks, func(lacked Grant) bool {
		return slices.ContainsFunc(r.Adds, func(added Grant) bool { return added.holds(lacked) })
	})
	for plain, g := range found {
		if theirs, ok := d.grants[plain]; ok && theirs.Resource != g.Resource {
			r.Narrowed = true
		}
	}
	return r, true
}

// Unchanged reports whether the policy grants what Remotion's document does, for an account or for
// any, and nothing else.
func (r Recognition) Unchanged() bool {
	return len(r.Lacks)+len(r.Adds)+r.Others+r.Conditional == 0
}

// Misplaced reports whether the other kind of policy belongs there.
func (r Recognition) Misplaced() bool { return r.Kind != r.On }

// String says it in one sentence, without a capital and a full stop.
func (r Recognition) String() string {
	var b strings.Builder
	releases := r.Since + " and later"
	if r.Until != "" {
		releases = r.Since + "-" + r.Until
	}
	fmt.Fprintf(&b, "this is the %s policy of Remotion %s", r.Kind, releases)
	if r.Partition != AWS {
		fmt.Fprintf(&b, " for %s", r.Partition)
	}
	switch n := len(r.Lacks) + len(r.Adds); {
	case n > 0:
		permissions := "permissions"
		if n == 1 {
			permissions = "permission"
		}
		fmt.Fprintf(&b, " but for %d %s: it ", n, permissions)
		if len(r.Lacks) > 0 {
			b.WriteString("lacks " + name(r.Lacks))
		}
		if len(r.Lacks) > 0 && len(r.Adds) > 0 {
			b.WriteString(", and ")
		}
		if len(r.Adds) > 0 {
			b.WriteString("adds " + name(r.Adds) + where(r.Adds))
		}
	case r.Unchanged() && !r.Narrowed:
		b.WriteString(", unchanged")
	}
	if r.Narrowed {
		b.WriteString(", narrowed to some accounts, regions or names")
	}
	if r.Conditional > 0 {
		fmt.Fprintf(&b, ", with conditions in %s", statements(r.Conditional))
	}
	if r.Others > 0 {
		fmt.Fprintf(&b, ", with %s that Remotion's does not have", statements(r.Others))
	}
	if r.Misplaced() {
		fmt.Fprintf(&b, "; the %s policy belongs here", r.On)
	}
	return b.String()
}

func statements(n int) string {
	if n == 1 {
		return "1 statement"
	}
	return fmt.Sprintf("%d statements", n)
}

// plainText is what may stand in a sentence as somebody wrote it.
var plainText = regexp.MustCompile(`^[A-Za-z0-9*?$_.:/{}+=,@-]{1,128}$`)

func quoted(text string) string {
	if plainText.MatchString(text) {
		return text
	}
	return clip(text)
}

// name names the actions of grants, each once, and counts those beyond what a sentence can bear.
func name(grants []Grant) string {
	const most = 4
	var names []string
	for _, g := range grants {
		if action := quoted(g.Action); !slices.Contains(names, action) {
			names = append(names, action)
		}
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// where names the resource of grants, or counts them.
func where(grants []Grant) string {
	resources := map[string]bool{}
	for _, g := range grants {
		resources[g.Resource] = true
	}
	if len(resources) > 1 {
		return fmt.Sprintf(" on %d resources", len(resources))
	}
	return " on " + quoted(grants[0].Resource)
}

// A known is a document that releases had, and what it grants.
type known struct {
	kind                    PolicyKind
	partition, since, until string
	grants                  grantSet
}

// distinct lists each document once, in order of release within partition and kind.
var distinct = sync.OnceValue(func() []known {
	var list []known
	for _, partition := range Partitions() {
		for _, kind := range Kinds {
			before := ""
			for _, r := range Releases(partition) {
				until := r.Until
				if r.Since == latest(partition).Since {
					until = ""
				}
				if text := r.Document(kind); text != before {
					before = text
					grants, _, _, _ := grantsOf(r.parsed(kind))
					list = append(list, known{kind: kind, partition: partition, since: r.Since, grants: grants})
				}
				list[len(list)-1].until = until
			}
		}
	}
	return list
})
