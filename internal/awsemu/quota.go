package awsemu

import "github.com/remotion-audit/remotion-audit/internal/iampolicy"

// inlineQuota is the maximum total number of characters of an entity's inline policies.
var inlineQuota = map[kind]int{kindUser: iampolicy.InlineUserQuota,
	kindRole: iampolicy.InlineRoleQuota, kindGroup: iampolicy.InlineGroupQuota}

// maxManaged is the maximum number of characters of a managed policy.
const maxManaged = iampolicy.ManagedQuota

// policySize returns the number of characters that count toward IAM's quotas.
func policySize(text string) int { return iampolicy.Size(text) }
