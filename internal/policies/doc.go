// Package policies is the catalogue of what Remotion Lambda needs: the user policy and the role
// policy of each release since 3.0.0, as Remotion prints them, and every requirement in them with
// its purpose, its reason, what breaks without it, and from which release to which it is asked for.
//
//	release, err := policies.Find("4.0.420")
//	for _, r := range release.Requirements(policies.User) { … }
//
// A document grants patterns for any account and region; an account needs less. Needed says what,
// as concrete requests that IAM can be asked about.
//
// Union says what several releases need together, Diff what an upgrade changes, Recognize which
// release's document a policy is, and Narrow writes the policy that one place needs.
//
// The documents are the truth: where the table on Remotion's permissions page differs from its own
// JSON (it writes s3.PutBucketOwnershipControls, and lambda:CreateLogStream for the role), the
// catalogue follows the JSON. https://www.remotion.dev/docs/lambda/permissions
package policies
