package awsemu

import "unicode"

// inlineQuota is the maximum total number of characters of an entity's inline policies. White space
// does not count.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
var inlineQuota = map[kind]int{kindUser: 2048, kindRole: 10240, kindGroup: 5120}

// maxManaged is the maximum number of characters of a managed policy. White space does not count.
const maxManaged = 6144

// policySize returns the number of characters that count toward IAM's quotas.
func policySize(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
