package calls

import "github.com/remotion-audit/remotion-audit/internal/policies"

// A Review explains code that calls AWS, or seems to, and that no scenario reaches.
type Review struct {
	// Commands are the commands of the SDK that the code constructs. It is nil for calls with
	// commands that scenarios reach on other ways.
	Commands []string
	// Since and Until are the first and the last release with the code. Empty means all.
	Since, Until string
	// Where is the place in the code of Remotion, with the condition that reaches it.
	Where string
	// Calls are the calls of a user of Remotion or of the role. It is nil if nothing in Remotion
	// reaches the code.
	Calls []policies.Call
}

func (r Review) applies(release Release) bool {
	return (r.Since == "" || !release.before(r.Since)) &&
		(r.Until == "" || !Release{Version: r.Until}.before(release.Version))
}

// call1 returns a call for a review.
func call1(who policies.PolicyKind, operation, action, resource string,
	denied policies.Breakage) policies.Call {
	return policies.Call{Who: who, Operation: operation, Action: action, Resource: resource,
		Denied: denied}
}

// China is the first release that runs in China, where functions exchange their results through S3.
const china = "4.0.510"

var reviewed = []Review{
	{Commands: []string{"AssumeRole", "AssumeRoleWithWebIdentity", "CreateToken",
		"GetRoleCredentials", "CreateOAuth2Token"}, Where: "the SDK's credential providers"},
	{Commands: []string{"GetInstanceProfile", "GetPolicy", "GetRole", "GetUser", "HeadBucket",
		"GetFunctionConfiguration", "GetFunction"},
		Where: "the SDK's waiters, which Remotion does not use"},
	{Commands: []string{"PutObjectTagging"},
		Where: "@aws-sdk/lib-storage Upload, only with tags, which Remotion does not set"},
	{Commands: []string{"PublishLayerVersion", "AddLayerVersionPermission"},
		Where: "@remotion/lambda dist/admin/make-layer-public.js, a script of Remotion's maintainers"},
	{Commands: []string{"AbortMultipartUpload"}, Where: "@remotion/lambda dist/api/upload-dir.js: " +
		"Upload aborts after a part has failed, for a file over 40 MB, over 5 MB in older releases",
		Calls: []policies.Call{call1(policies.User, "sites", "s3:AbortMultipartUpload", "object",
			policies.Swallowed)}},
	{Since: "4.0.523", Where: "@remotion/lambda-client write-file.ts tryLambdaWriteFile: a " +
		"conditional upload in parts replies 412 or 409; the error of the abort is dropped",
		Calls: []policies.Call{call1(policies.Role, "render", "s3:AbortMultipartUpload", "object",
			policies.Swallowed)}},
	{Since: "4.0.221", Where: "@remotion/serverless-client progress.js getProgress: HEAD of the " +
		"output if all chunks are combined but the end is not written, or long after the timeout",
		Calls: []policies.Call{
			call1(policies.User, "progress-from-bucket", "s3:ListBucket", "bucket", policies.Swallowed)}},
	{Since: china, Where: "@remotion/serverless dist/s3-renderer-output.js, in partition aws-cn: a " +
		"renderer function writes its status, chunks and artifacts to renders/",
		Calls: []policies.Call{
			call1(policies.Role, "render", "s3:PutObject", "object", policies.Hard),
			call1(policies.Role, "render", "s3:PutObjectAcl", "object", policies.Hard)}},
	{Since: china, Where: "@remotion/serverless dist/stream-renderer.js s3Renderer, in partition " +
		"aws-cn: launch reads the status until it exists; 403 for a missing status ends the render",
		Calls: []policies.Call{
			call1(policies.Role, "render", "s3:GetObject", "object", policies.Hard),
			call1(policies.Role, "render", "s3:ListBucket", "bucket", policies.Hard)}},
	{Since: china, Where: "@remotion/serverless dist/stream-renderer.js and handlers/launch.js, in " +
		"partition aws-cn: launch deletes what the renderers wrote, and logs an error",
		Calls: []policies.Call{
			call1(policies.Role, "render", "s3:DeleteObject", "object", policies.Swallowed),
			call1(policies.Role, "render", "s3:ListBucket", "bucket", policies.Swallowed)}},
}
