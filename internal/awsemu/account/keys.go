package account

import (
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/kms"
)

// kmsKeys reads customer managed keys of KMS.
func (l *loader) kmsKeys(list []section[kmsKey], at string) []kms.Key {
	var keys []kms.Key
	for i, item := range list {
		at := fmt.Sprintf("%s[%d]", at, i)
		k := l.kmsKey(item.of, at)
		if slices.ContainsFunc(keys, func(o kms.Key) bool {
			return o.Region == k.Region && (o.ID != "" && o.ID == k.ID ||
				o.Alias != "" && o.Alias == k.Alias)
		}) {
			l.addProblem(l.nodes[at], at, "duplicate key %s%s: ids and aliases are unique in a region",
				k.ID, k.Alias)
		}
		keys = append(keys, k)
	}
	return keys
}

func (l *loader) kmsKey(in kmsKey, at string) kms.Key {
	k := kms.Key{
		ID:          l.text(in.ID, join(at, "id")),
		Alias:       l.text(in.Alias, join(at, "alias")),
		Description: l.text(in.Description, join(at, "description")),
		State: l.oneOf(in.State, join(at, "state"), kms.Enabled, kms.Disabled,
			kms.PendingDeletion),
	}
	if l.node(in.Region, join(at, "region")) != nil {
		k.Region = l.region(in.Region, join(at, "region"))
	}
	if policyAt := join(at, "policy"); l.node(in.Policy, policyAt) != nil {
		k.Policy = l.checkedDocument(l.node(in.Policy, policyAt), policyAt, 0, kms.CheckPolicy)
	}
	switch {
	case k.ID == "" && k.Alias == "":
		l.addProblem(l.nodes[at], at, "a key needs an id or an alias: add one of the keys")
	case k.ID != "" && !kms.IsKeyID(k.ID):
		l.addProblem(l.node(in.ID, join(at, "id")), join(at, "id"),
			"%q is not the id of a key: use the form 1234abcd-12ab-34cd-56ef-1234567890ab", k.ID)
	case k.Alias != "" && !kms.IsAlias(k.Alias):
		l.addProblem(l.node(in.Alias, join(at, "alias")), join(at, "alias"),
			"%q is not an alias: use alias/NAME, but not alias/aws/…", k.Alias)
	}
	return k
}
