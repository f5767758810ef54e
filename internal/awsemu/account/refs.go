package account

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
)

// definePolicies prepares the names and ARNs of the managed policies for references.
func (l *loader) definePolicies() {
	account := &service.Account{ID: cmp.Or(l.acc.ID, service.DefaultAccount),
		Partition: cmp.Or(l.acc.Partition, service.DefaultPartition)}
	var err error
	if l.policies, err = iam.New(account, iam.Data{Policies: l.acc.Policies}); err != nil {
		l.addProblem(nil, "policies", "%v", err) // unreachable: policies refer to nothing
	}
}

// boundary reads the managed policy that is a permissions boundary.
func (l *loader) boundary(v value, at string) string {
	if l.node(v, at) == nil {
		return ""
	}
	return l.policyName(v, at)
}

// policyName reads the name or ARN of a managed policy.
func (l *loader) policyName(v value, at string) string {
	ref, n := l.text(v, at), l.node(v, at)
	switch {
	case ref == "":
		l.addProblem(n, at, "expected the name or ARN of a managed policy")
	case l.policies.HasPolicy(ref):
	case awsarn.HasPrefix(ref):
		name := awsarn.Name(ref)
		l.addProblem(n, at,
			"there is no managed policy %s: add it under policies, as %s: {arn: %q, document: …}", ref,
			name, ref)
	default:
		l.addProblem(n, at, "there is no managed policy %q: add it under policies%s", ref,
			definedNames(l.acc.Policies))
	}
	return ref
}

func (l *loader) policyNames(list []value, at string) []string {
	var names []string
	for _, name := range l.distinct(list, at, "policy", l.policyName) {
		names = append(names, name)
	}
	return names
}

func (l *loader) groupNames(list []value, at string) []string {
	var names []string
	for v, name := range l.distinct(list, at, "group", l.text) {
		names = append(names, name)
		if _, found := l.acc.Groups[name]; !found {
			l.addProblem(l.node(v, at), at, "there is no group %q: add it under groups%s", name,
				definedNames(l.acc.Groups))
		}
	}
	return names
}

// distinct reads a list of names and yields each name once. It adds a problem for a repeated name.
func (l *loader) distinct(list []value, at, kind string,
	read func(v value, at string) string) iter.Seq2[value, string] {
	return func(yield func(value, string) bool) {
		seen := map[string]bool{}
		for _, v := range l.scalars(list, at) {
			name := read(v, at)
			if seen[name] {
				l.addProblem(v.node, at, "duplicate %s %q: remove one", kind, name)
				continue
			}
			seen[name] = true
			if !yield(v, name) {
				return
			}
		}
	}
}

// roleName reads the name of a role of the account.
func (l *loader) roleName(v value, at string) string {
	if l.node(v, at) == nil {
		return ""
	}
	name := l.text(v, at)
	if _, found := l.acc.Roles[name]; !found {
		l.addProblem(l.node(v, at), at, "there is no role %q: add it under roles%s", name,
			definedNames(l.acc.Roles))
	}
	return name
}

// definedNames lists the keys of m, for the end of an error about an unknown name.
func definedNames[T any](m map[string]T) string {
	if len(m) == 0 {
		return ""
	}
	return " (defined: " + strings.Join(slices.Sorted(maps.Keys(m)), ", ") + ")"
}

func (l *loader) accessKeys(list []value, at string) []string {
	var keys []string
	for _, v := range l.scalars(list, at) {
		key, n := l.text(v, at), l.node(v, at)
		if len(key) < 16 || len(key) > 128 || !isKeyID(key) {
			l.addProblem(n, at,
				"%q is not an access key ID: use 16 to 128 letters and digits, such as "+
					"AKIAIOSFODNN7EXAMPLE", key)
			continue
		}
		keys = append(keys, key)
		if owner, taken := l.keyOwner[key]; taken {
			l.addProblem(n, at, "duplicate access key %s, already in %s: remove one, because a key "+
				"belongs to one user", key, owner)
		}
		l.keyOwner[key] = at
	}
	return keys
}

func isKeyID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}
