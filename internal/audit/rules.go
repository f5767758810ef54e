package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// rulesRevision is the number of the rules of this package and of the policy engine. Increase it
// once for a release in which the same facts and requirements give findings with another status,
// cause or severity, so that the first run after the upgrade announces them as reclassified.
const rulesRevision = 2

// Rules identifies the requirements and the rules of the judgement: two auditors with the same text
// give the same findings for the same account. It contains a hash of all requirements, their
// operations, buckets and severities, so that a change of the catalogue changes it. Texts do not
// count.
var Rules = sync.OnceValue(func() string {
	hash := sha256.New()
	policies.WriteUses(hash)
	for _, partition := range policies.Partitions() {
		for _, release := range policies.Releases(partition) {
			releases := []policies.Release{release}
			for _, kind := range policies.Kinds {
				list := append(policies.Union(releases, kind),
					policies.Undocumented(releases, kind, policies.Regions(partition))...)
				purposes := policies.Operations()
				if kind == policies.Role {
					purposes = []policies.Operation{policies.Operation(policies.Render)}
				}
				for _, r := range list {
					for _, p := range purposes {
						if needed, ok := r.For(policies.Purpose(p), releases); ok {
							alternative := needed.Given(func(string) bool { return true })
							fmt.Fprintln(hash, release.Since, kind, p, r.Action, r.Resource, needed.Severity,
								alternative.Severity)
						}
					}
				}
			}
		}
	}
	return fmt.Sprintf("%d-%s", rulesRevision, hex.EncodeToString(hash.Sum(nil)[:8]))
})
