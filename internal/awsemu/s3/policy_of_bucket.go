package s3

import (
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// ResourcePolicy returns the policy of the bucket of a resource, if the account owns the bucket and
// the policy parses. IAM decides about buckets of other accounts without their policies.
func (s *Service) ResourcePolicy(arn string) (iampolicy.ResourcePolicy, bool) {
	a, ok := awsarn.Parse(arn)
	if !ok || a.Service != "s3" {
		return iampolicy.ResourcePolicy{}, false
	}
	name, _, _ := strings.Cut(a.Resource, "/")
	b := s.buckets[name]
	if b == nil || b.policy == "" || b.owner != s.account.ID {
		return iampolicy.ResourcePolicy{}, false
	}
	document, err := iampolicy.ParseResourcePolicy(iampolicy.Bucket, b.policy)
	if err != nil {
		return iampolicy.ResourcePolicy{}, false
	}
	a.Resource = name
	return iampolicy.ResourcePolicy{Kind: iampolicy.Bucket, ARN: a.String(), Account: b.owner,
		Policy: iampolicy.Policy{ID: "bucket policy", Document: document}}, true
}
