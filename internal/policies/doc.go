// Package policies is the catalogue of what Remotion Lambda needs: the user policy and the role
// policy of each release since 3.0.0, as Remotion prints them. It lists every requirement in them
// with its purpose, its reason, its impact if missing, and the first and last release with it.
//
//	release, err := policies.Find("4.0.420")
//	for _, r := range release.Requirements(policies.User) { … }
//
// A document grants patterns for any account and region; an account needs less. Needed returns
// what one account needs, as concrete requests that the IAM policy simulator can decide.
//
// Union merges the requirements of several releases, and Diff returns what an upgrade changes.
// Recognize finds the release whose document a policy is. LeastPrivilege writes the policy that
// one account needs.
//
// The documents decide. The table on Remotion's permissions page differs from Remotion's own JSON:
// it writes s3.PutBucketOwnershipControls, and lambda:CreateLogStream for the role. The catalogue
// follows the JSON. https://www.remotion.dev/docs/lambda/permissions
package policies
