package remedy

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// maxAttachments is the default number of managed policies of a principal. AWS raises it on
// request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entities
const maxAttachments = 10

// quotaOf returns the maximum size of the documents that share the quota of a location.
func quotaOf(l iampolicy.Location) int {
	holder, _, _ := strings.Cut(l.Holder, "/")
	switch {
	case l.Kind == iampolicy.SCPLocation:
		return scpQuota
	case l.Kind == iampolicy.TrustLocation:
		return trustQuota
	case l.Kind != iampolicy.InlineLocation:
		return iampolicy.ManagedQuota
	case holder == "user":
		return iampolicy.InlineUserQuota
	case holder == "group":
		return iampolicy.InlineGroupQuota
	}
	return iampolicy.InlineRoleQuota
}

const (
	// scpQuota is the maximum size of a service control policy in characters.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
	scpQuota = 5120
	// trustQuota is the default maximum size of a trust policy. AWS raises it on request.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	trustQuota = 2048
)

// characters returns the size of a new document for one of the policies, together with the other
// documents that share its quota.
func (r *repair) characters(w *working, d *iampolicy.Document) int {
	total := size(d, d == w.policy.Document)
	for _, o := range r.docs {
		if o != w && o.doc != nil && o.policy.Location.Kind == iampolicy.InlineLocation &&
			w.policy.Location.Kind == iampolicy.InlineLocation &&
			o.policy.Location.Holder == w.policy.Location.Holder {
			total += o.size()
		}
	}
	return total
}

// fits reports whether a document fits its quota.
func (r *repair) fits(w *working, d *iampolicy.Document) bool {
	return r.characters(w, d) <= quotaOf(w.policy.Location)
}

// attached counts the managed policies that are attached to the target itself.
func (r *repair) attached() (n int) {
	for _, w := range r.docs {
		if w.policy.Location.Kind == iampolicy.ManagedLocation &&
			w.policy.Location.Holder == r.target.Name {
			n++
		}
	}
	return n
}
