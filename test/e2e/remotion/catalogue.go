package remotion

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Boundaries returns the published releases on both sides of each boundary in the catalogue, and
// the newest release. The result has at least one release of each range. It leaves out releases
// that are older than the catalogue.
func Boundaries(published []string) []string {
	known := slices.DeleteFunc(slices.Clone(published), func(version string) bool {
		_, err := policies.Find(version)
		return err != nil
	})
	slices.SortFunc(known, compare)
	var list []string
	add := func(i int) {
		if i >= 0 && i < len(known) && !slices.Contains(list, known[i]) {
			list = append(list, known[i])
		}
	}
	for _, partition := range policies.Partitions() {
		for _, r := range policies.Releases(partition) {
			first, _ := slices.BinarySearchFunc(known, r.Since, compare)
			add(first - 1)
			add(first)
		}
	}
	add(len(known) - 1)
	slices.SortFunc(list, compare)
	return list
}

func compare(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// Differs returns the differences between the documents of a release and the documents of its range
// in the catalogue. It returns nil if the documents are equal.
func Differs(version string, d Documents) (list []string) {
	release, err := policies.Find(version)
	if err != nil {
		return []string{err.Error()}
	}
	list = differs(version, release, d)
	china, err := release.In(policies.China)
	switch {
	case err == nil && d.China != nil:
		return append(list, differs(version, china, *d.China)...)
	case err == nil:
		return append(list, fmt.Sprintf("Remotion %s has no policies for %s, but the catalogue has: %s",
			version, policies.China, china))
	case d.China != nil:
		return append(list, fmt.Sprintf("Remotion %s has policies for %s, but the catalogue does not: %v",
			version, policies.China, err))
	}
	return list
}

func differs(version string, release policies.Release, d Documents) (list []string) {
	for _, kind := range policies.Kinds {
		got := d.of(kind) + "\n"
		if got == release.Document(kind) {
			continue
		}
		difference := "only the text differs, the grants are equal"
		adds, lacks, err := grantChanges(got, release.Document(kind))
		switch {
		case err != nil:
			difference = err.Error()
		case len(adds)+len(lacks) > 0:
			difference = strings.Join(append(prefixed("adds ", adds), prefixed("lacks ", lacks)...), ", ")
		}
		list = append(list, fmt.Sprintf("the %s policy of Remotion %s in %s differs from that of %s: %s",
			kind, version, release.Partition, release, difference))
	}
	return list
}

func (d Documents) of(kind policies.PolicyKind) string {
	if kind == policies.Role {
		return d.Role
	}
	return d.User
}

func prefixed(prefix string, list []string) (out []string) {
	for _, s := range list {
		out = append(out, prefix+s)
	}
	return out
}

// file returns the name of the catalogue file that contains a document, without .json. since is the
// first release with the document.
func file(kind policies.PolicyKind, partition, since string) string {
	return string(kind) + strings.TrimPrefix(partition, "aws") + "-" + since
}

// grantChanges returns the grants that only after contains (adds), and the grants that only before
// contains (lacks), as "action on resource".
func grantChanges(after, before string) (adds, lacks []string, err error) {
	a, err := grants(after)
	if err != nil {
		return nil, nil, err
	}
	b, err := grants(before)
	if err != nil {
		return nil, nil, err
	}
	without := func(list, others []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(g string) bool {
			return slices.Contains(others, g)
		})
	}
	return without(a, b), without(b, a), nil
}

// grants returns the grants of a document as "action on resource".
func grants(text string) (list []string, err error) {
	doc, err := iampolicy.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, s := range doc.Statements {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				list = append(list, action+" on "+resource)
			}
		}
	}
	return list, nil
}

// Advice returns instructions for adding unknown documents to the catalogue. d contains the
// documents of the newest release, and since is the first release with these documents. The
// instructions list each file and its new entry.
func Advice(since, newest string, d Documents) string {
	var b strings.Builder
	fmt.Fprintf(&b,
		"The catalogue ends at Remotion %s. Since %s (the newest is %s) the policies differ. Add:\n",
		policies.Latest().Until, since, newest)
	entries := map[string]Documents{policies.AWS: d}
	if d.China != nil {
		entries[policies.China] = *d.China
	}
	for _, partition := range policies.Partitions() {
		docs, ok := entries[partition]
		if !ok {
			continue
		}
		list := policies.Releases(partition)
		last := list[len(list)-1]
		names, differences := map[policies.PolicyKind]string{}, []string{}
		for _, kind := range policies.Kinds {
			text := docs.of(kind) + "\n"
			if i := slices.IndexFunc(list, func(r policies.Release) bool {
				return r.Document(kind) == text
			}); i >= 0 {
				names[kind] = file(kind, partition, list[i].Since)
			} else {
				names[kind] = file(kind, partition, since)
				fmt.Fprintf(&b, "\ninternal/policies/data/%s.json:\n%s", names[kind], text)
			}
			if text == last.Document(kind) {
				continue
			}
			adds, lacks, err := grantChanges(docs.of(kind), last.Document(kind))
			if err != nil {
				differences = append(differences, fmt.Sprintf("the %s policy: %v", kind, err))
			}
			differences = append(differences, prefixed(fmt.Sprintf("the %s policy adds ", kind), adds)...)
			differences = append(differences, prefixed(fmt.Sprintf("the %s policy drops ", kind), lacks)...)
		}
		if len(differences) == 0 {
			continue
		}
		fmt.Fprintf(&b,
			"\ninternal/policies/catalogue.go: end the range %s %s before %s, and add after it\n",
			partition, last, since)
		fmt.Fprintf(&b, "\t{Partition: %q, Since: %q, Until: %q, user: %q, role: %q}\n", partition, since,
			newest, names[policies.User], names[policies.Role])
		fmt.Fprintf(&b,
			"\ninternal/policies/impact.go: the reason and the impact of each added permission\n\t%s\n",
			strings.Join(differences, "\n\t"))
	}
	b.WriteString("\nThen run `make golden`, which rewrites the table in docs/releases.md.\n")
	return b.String()
}
