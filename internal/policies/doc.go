// Package policies is the catalogue of what Remotion Lambda needs: the user policy and the role
// policy of each release since 3.0.0, as Remotion prints them. For each requirement it lists the
// purpose, the reason, the impact if the permission is missing, and the first and last release with
// the requirement.
//
//	release, err := policies.Find("4.0.420")
//	for _, r := range release.Requirements(policies.User) { … }
//
// Union merges the requirements of several releases, and Diff returns what an upgrade changes. A
// document grants patterns for any account and region; an account needs less. Package needs narrows
// the requirements to one account, and package recognize finds the release that a policy was copied
// from.
//
// The catalogue follows the JSON that Remotion prints. The table on Remotion's permissions page
// differs from this JSON: it contains s3.PutBucketOwnershipControls, and lambda:CreateLogStream for
// the role. https://www.remotion.dev/docs/lambda/permissions
package policies
