package iam

import (
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// InlineQuota is the maximum total number of characters of an entity's inline policies.
var InlineQuota = map[service.Kind]int{
	service.KindUser: iampolicy.InlineUserQuota, service.KindRole: iampolicy.InlineRoleQuota,
	service.KindGroup: iampolicy.InlineGroupQuota,
}

// MaxManaged is the maximum number of characters of a managed policy.
const MaxManaged = iampolicy.ManagedQuota

// MaxDocument is the maximum number of characters of a document, including white space.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
const MaxDocument = 131072

// These are the quotas that clients reach most easily.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxGroupsPerUser = 10
	maxAttached      = 10
	maxVersions      = 5
	maxPolicies      = 1500
	maxRoles         = 1000
)

// PolicySize returns the number of characters that count toward IAM's quotas.
func PolicySize(text string) int { return iampolicy.Size(text) }
