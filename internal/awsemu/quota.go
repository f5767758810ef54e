package awsemu

import "unicode"

// inlineQuota is how many characters all inline policies of one entity may have together, and
// maxManaged how many a managed policy may have. White space does not count.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
var inlineQuota = map[kind]int{kindUser: 2048, kindRole: 10240, kindGroup: 5120}

const maxManaged = 6144

// policySize counts a document as IAM's quotas do.
func policySize(text string) int {
	n := 0
	for _, r := range text {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
