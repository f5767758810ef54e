package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// The maximum numbers of characters in a managed policy, which includes permissions boundaries, and
// in all inline policies of a user, a role or a group together. IAM does not count white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
const (
	ManagedQuota     = 6144
	InlineUserQuota  = 2048
	InlineRoleQuota  = 10240
	InlineGroupQuota = 5120
)

// Size returns the size of a policy document as IAM counts it: characters without white space.
func Size(document string) int {
	n := utf8.RuneCountInString(document)
	for _, space := range []string{" ", "\t", "\r", "\n"} {
		n -= strings.Count(document, space)
	}
	return n
}
