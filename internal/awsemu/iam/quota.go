package iam

import (
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
)

// InlineQuota is the maximum total number of characters of an entity's inline policies. White space
// does not count.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
var InlineQuota = map[service.Kind]int{
	service.KindUser: 2048, service.KindRole: 10240, service.KindGroup: 5120,
}

// MaxManaged is the maximum number of characters of a managed policy. White space does not count.
const MaxManaged = 6144

// MaxDocument is the maximum number of characters of a document, including white space.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
const MaxDocument = 131072

// These are the quotas that clients reach most easily.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxGroupsPerUser = 10
	maxAttached      = 10
	maxVersions      = 5
)

// PolicySize returns the number of characters that count toward IAM's quotas.
func PolicySize(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
