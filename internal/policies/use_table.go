package policies

import (
	"slices"
	"sync"
)

const (
	permissionsPage = "https://www.remotion.dev/docs/lambda/permissions"
	bucketSecurity  = "https://www.remotion.dev/docs/lambda/bucket-security"
	insightsPage    = "https://www.remotion.dev/docs/lambda/insights"
	autodelete      = "https://www.remotion.dev/docs/lambda/autodelete"
	runtimeIncident = "https://www.remotion.dev/docs/lambda/feb-2023-incident"
	fasterPolling   = "https://www.remotion.dev/docs/lambda/faster-progress-polling"
	ownOutputBucket = "https://www.remotion.dev/docs/lambda/custom-destination"
	cancelPage      = "https://www.remotion.dev/docs/lambda/cancelrenderonlambda"
	ownLayersPage   = "https://www.remotion.dev/docs/lambda/custom-layers"
	identityChange  = "https://github.com/remotion-dev/remotion/pull/1544"
	tagging         = "https://github.com/remotion-dev/remotion/pull/3029"
	publicAccess    = "https://github.com/remotion-dev/remotion/issues/2149"
	outputCheck     = "https://github.com/remotion-dev/remotion/pull/1206"
	vpcFunctions    = "https://github.com/remotion-dev/remotion/pull/3881"
	vpcPage         = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
)

var (
	deploying = []Operation{DeployOperation}
	sites     = []Operation{Sites}
	rendering = []Operation{RenderOperation}
	// starting are the operations that find a function and start it.
	starting = []Operation{RenderOperation, Stills}
	invoking = []Operation{RenderOperation, Invoke, Stills}

	mainBucket       = []BucketRole{MainBucket}
	mainOrSite       = []BucketRole{MainBucket, SiteBucket}
	mainOrOutput     = []BucketRole{MainBucket, OutputBucket}
	outputBucketOnly = []BucketRole{OutputBucket}
)

// The releases in which Remotion's calls changed.
const (
	// namesHoldRegion is the last known release before Remotion read the region of a bucket from its
	// name. https://www.remotion.dev/docs/lambda/bucket-naming
	beforeNamedRegions = "3.3.53"
	sinceNamedRegions  = "3.3.54"
	// beforeOwnership is the last release whose new buckets need no ownership controls.
	beforeOwnership   = "3.3.86"
	sinceOwnership    = "3.3.87"
	ownLayersSince    = "4.0.510"
	vpcSince          = "4.0.160"
	skipInvokingSince = "4.0.218"
	cancelSince       = "4.0.515"
	// afterRecorded418 follows 4.0.418, the last recorded release without a call that 4.0.521 makes.
	// The releases between them are not recorded.
	afterRecorded418 = "4.0.419"
	// chunksInBucketUntil is the last known release in which a render removes its chunks from the
	// bucket, and fails if it cannot: merge-chunks.js of @remotion/lambda. 4.0.174, the next release
	// on npm, does not.
	chunksInBucketUntil = "4.0.153"
	// sinceOutputChecked is the first release that checks in the output bucket whether an output
	// exists. Older ones check in Remotion's bucket, even if the output goes to another one:
	// find-output-file-in-bucket.js of @remotion/serverless.
	sinceOutputChecked = "4.0.473"
)

func hard(s Severity, impact string) Effect    { return Effect{Hard, impact, s, false} }
func warned(s Severity, impact string) Effect  { return Effect{Warned, impact, s, false} }
func feature(s Severity, impact string) Effect { return Effect{Feature, impact, s, false} }
func swallowed(s Severity, impact string) Effect {
	return Effect{Swallowed, impact, s, false}
}

// inSomeCases returns the effect of a permission without which only some of the renders or deploys
// stop: those with an option, in a new region, into a VPC.
func (e Effect) inSomeCases() Effect {
	e.InSomeCases = true
	return e
}

// useTable has each use of a permission by a published release. The record of Remotion's calls,
// data/calls.json, is the evidence: a test compares both. A documented permission without a row is
// used by no release.
var useTable = slices.Concat(userUses, roleUses)

var userUses = []Use{
	quotaUse("servicequotas:GetServiceQuota"),
	quotaUse("servicequotas:GetAWSDefaultServiceQuota"),
	{Kind: User, Action: "servicequotas:RequestServiceQuotaIncrease", Operations: []Operation{Quotas},
		Reason: "is used by `remotion lambda quotas increase`", Source: permissionsPage,
		Effect: feature(Low, "`remotion lambda quotas increase` fails")},
	quotaUse("servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota"),

	{Kind: User, Action: "iam:SimulatePrincipalPolicy", Operations: []Operation{Validate},
		Reason: "lets `remotion lambda policies validate` simulate the permissions of the caller",
		Effect: feature(Low, "`remotion lambda policies validate` cannot run"),
		Source: permissionsPage},
	{Kind: User, Action: "iam:GetUser", Operations: deploying, Until: "3.3.7",
		Reason: "returns the account ID to deploys", Source: identityChange,
		Effect: hard(High, "functions cannot be deployed")},
	{Kind: User, Action: "iam:GetUser", Operations: sites, Until: "3.3.7",
		Reason: "returns the account ID to deploys of sites", Source: identityChange,
		Effect: hard(High, "sites cannot be deployed")},
	{Kind: User, Action: "iam:GetUser", Operations: starting, Until: "3.3.7",
		Reason: "returns the account ID to downloads", Source: identityChange,
		Effect: feature(Medium, "outputs cannot be downloaded with Remotion")},
	{Kind: User, Action: "iam:PassRole", Operations: deploying,
		Reason: "passes the render role to a new function", Source: permissionsPage,
		Effect: hard(High, "functions cannot be deployed")},

	{Kind: User, Action: "s3:GetObject", Operations: []Operation{ProgressFromBucket},
		Buckets: mainBucket, Since: skipInvokingSince,
		Reason: "reads the progress of renders without an invocation", Source: fasterPolling,
		Effect:  hard(Critical, "render progress cannot be read").inSomeCases(),
		Instead: "lambda:InvokeFunction",
		Otherwise: feature(Medium, "progress cannot be read directly from the bucket "+
			"(skipLambdaInvocation), only by invoking the function")},
	{Kind: User, Action: "s3:ListBucket", Operations: []Operation{ProgressFromBucket},
		Buckets: mainBucket, Since: skipInvokingSince, Until: "4.0.522",
		Reason: "tells an output that does not exist yet from one that is denied",
		Effect: swallowed(Low, "a poll with skipLambdaInvocation can fail shortly before the end of "+
			"a render"), Source: fasterPolling},
	{Kind: User, Action: "s3:GetObject", Operations: rendering, Buckets: mainOrOutput,
		Reason: "downloads the outputs of renders", Source: permissionsPage,
		Effect: feature(Medium, "outputs cannot be downloaded with downloadMedia() or the CLI")},
	{Kind: User, Action: "s3:GetObject", Operations: []Operation{DeleteRender}, Buckets: mainBucket,
		Reason: "reads where the output of a render is", Source: permissionsPage,
		Effect: hard(Medium, "renders cannot be deleted")},
	{Kind: User, Action: "s3:GetObject", Operations: sites, Buckets: mainOrSite,
		Since: afterRecorded418, Reason: "reads the Remotion release of a site", Source: permissionsPage,
		Effect: swallowed(Low, "the list of sites does not show their releases")},
	{Kind: User, Action: "s3:PutObject", Operations: sites, Buckets: mainOrSite,
		Reason: "uploads sites", Source: permissionsPage,
		Effect: hard(High, "sites cannot be uploaded")},
	{Kind: User, Action: "s3:PutObject", Operations: starting, Buckets: mainBucket,
		Reason: "uploads input props that are too large for one call", Source: permissionsPage,
		Effect: feature(Medium, "renders with large input props cannot start")},
	{Kind: User, Action: "s3:PutObjectAcl", Operations: sites, Buckets: mainOrSite,
		Reason: "sets the read access to the files of sites", Source: permissionsPage,
		Effect: hard(High, "sites cannot be uploaded")},
	{Kind: User, Action: "s3:PutObjectAcl", Operations: starting, Buckets: mainBucket,
		Reason: "sets the read access to large input props", Source: permissionsPage,
		Effect: feature(Medium, "renders with large input props cannot start")},
	{Kind: User, Action: "s3:GetObject", Operations: rendering, Buckets: mainBucket,
		Since: cancelSince, Reason: "reads the progress of a render before it is cancelled",
		Effect: feature(Medium, uncancellable), Source: cancelPage},
	{Kind: User, Action: "s3:PutObject", Operations: rendering, Buckets: mainBucket,
		Since: cancelSince, Reason: "writes the signal that cancels a render",
		Effect: feature(Medium, uncancellable), Source: cancelPage},
	{Kind: User, Action: "s3:PutObjectAcl", Operations: rendering, Buckets: mainBucket,
		Since: cancelSince, Reason: "sets the read access to the signal that cancels a render",
		Effect: feature(Medium, uncancellable), Source: cancelPage},
	{Kind: User, Action: "s3:DeleteObject", Operations: sites, Buckets: mainOrSite,
		Reason: "removes sites, and old files of a site that is replaced", Source: permissionsPage,
		Effect: hard(Medium, "sites cannot be deleted or replaced")},
	{Kind: User, Action: "s3:DeleteObject", Operations: []Operation{DeleteRender},
		Buckets: mainBucket, Reason: "removes the files of a render", Source: permissionsPage,
		Effect: hard(Medium, "renders cannot be deleted")},
	{Kind: User, Action: "s3:DeleteObject", Operations: []Operation{DeleteRender},
		Buckets: outputBucketOnly, Reason: "removes the output of a render", Source: ownOutputBucket,
		Effect: hard(Low, "renders with outputs in this bucket cannot be deleted with deleteRender()")},
	{Kind: User, Action: "s3:ListBucket", Operations: sites, Buckets: mainOrSite,
		Reason: "compares a site with the objects already uploaded", Source: permissionsPage,
		Effect: hard(High, "sites cannot be deployed or listed")},
	{Kind: User, Action: "s3:ListBucket", Operations: []Operation{DeleteRender},
		Buckets: mainBucket, Reason: "lists the files of a render", Source: permissionsPage,
		Effect: hard(Medium, "renders cannot be deleted")},
	{Kind: User, Action: "s3:GetBucketLocation", Operations: sites, Buckets: mainOrSite,
		Reason: "checks that the bucket of a site exists", Source: permissionsPage,
		Effect: hard(High, "sites cannot be deployed")},
	{Kind: User, Action: "s3:GetBucketLocation", Operations: deploying, Buckets: mainBucket,
		Until:  beforeNamedRegions,
		Reason: "finds the region's Remotion bucket among all buckets", Source: permissionsPage,
		Effect: hard(High, "the Remotion bucket is not found, so deploys stop")},
	{Kind: User, Action: "s3:GetBucketLocation", Operations: starting, Buckets: mainBucket,
		Until:  beforeNamedRegions,
		Reason: "finds the region's Remotion bucket among all buckets", Source: permissionsPage,
		Effect: hard(Medium, "renders with large input props cannot start")},
	{Kind: User, Action: "s3:GetBucketLocation", Operations: deploying, Buckets: mainBucket,
		OldNames: true, Since: sinceNamedRegions,
		Reason: "finds the region of a bucket without the region in its name", Source: permissionsPage,
		Effect: hard(High, "the Remotion bucket is not found, so deploys stop")},
	{Kind: User, Action: "s3:GetBucketLocation", Operations: starting, Buckets: mainBucket,
		OldNames: true, Since: sinceNamedRegions,
		Reason: "finds the region of a bucket without the region in its name", Source: permissionsPage,
		Effect: feature(Medium, "renders with large input props cannot start")},
	{Kind: User, Action: "s3:CreateBucket", Operations: deploying, Buckets: mainBucket,
		Reason: "creates the Remotion bucket of a region", Source: permissionsPage,
		Effect: hard(High, "a new region cannot be set up").inSomeCases()},
	{Kind: User, Action: "s3:PutBucketAcl", Operations: deploying, Buckets: mainBucket,
		Reason: "sets the ACL of a new bucket", Source: permissionsPage,
		Effect: hard(High, "a new bucket is left half configured").inSomeCases()},
	{Kind: User, Action: "s3:PutBucketOwnershipControls", Operations: deploying, Buckets: mainBucket,
		Since:  sinceOwnership,
		Reason: "enables ACLs for the objects of a new bucket", Source: publicAccess,
		Effect: hard(High, "a new bucket is left half configured").inSomeCases()},
	{Kind: User, Action: "s3:PutBucketPublicAccessBlock", Operations: deploying, Buckets: mainBucket,
		Since: sinceOwnership, Reason: "lets a new bucket serve sites and videos",
		Effect: hard(High, "a new bucket is left half configured").inSomeCases(), Source: publicAccess},
	{Kind: User, Action: "s3:PutLifecycleConfiguration", Operations: deploying, Buckets: mainBucket,
		Since: "4.0.32", Reason: "expires old renders if enableFolderExpiry is set",
		Effect: feature(Medium, "enableFolderExpiry fails"), Source: autodelete},
	{Kind: User, Action: "s3:PutBucketPolicy", Operations: deploying, Buckets: mainBucket,
		Since:  "4.0.418",
		Reason: "makes the objects of a new bucket readable without making the bucket listable",
		Effect: warned(High,
			"the next bucket falls back to a public-read ACL: anyone can list it"),
		Source: bucketSecurity},
	{Kind: User, Action: "s3:PutBucketWebsite", Operations: deploying, Buckets: mainBucket,
		Until: "3.3.11", Reason: "configures a new bucket as a website", Source: permissionsPage,
		Effect: hard(High, "a new bucket is left half configured").inSomeCases()},
	{Kind: User, Action: "s3:PutBucketWebsite", Operations: sites, Buckets: mainOrSite,
		Until: "3.3.11", Reason: "configures the bucket of a site as a website",
		Effect: hard(High, "sites cannot be deployed"), Source: permissionsPage},
	{Kind: User, Action: "s3:ListAllMyBuckets", Operations: deploying,
		Reason: "finds the Remotion bucket", Source: permissionsPage,
		Effect: hard(High, "the Remotion bucket of a region is neither found nor created")},
	{Kind: User, Action: "s3:ListAllMyBuckets", Operations: sites,
		Reason: "finds the Remotion bucket of sites", Source: permissionsPage,
		Effect: hard(High, "`remotion lambda sites` finds no bucket")},
	{Kind: User, Action: "s3:ListAllMyBuckets", Operations: starting,
		Reason: "finds the bucket for large input props and for sites by name",
		Effect: feature(Medium, "renders with large input props cannot start unless they name the "+
			"bucket (forceBucketName)"), UnlessGiven: "the name of the bucket",
		Source: permissionsPage},

	{Kind: User, Action: "lambda:ListFunctions", Operations: deploying,
		Reason: "finds the deployed functions", Source: permissionsPage,
		Effect: hard(High, "functions can be neither listed nor deployed")},
	{Kind: User, Action: "lambda:ListFunctions", Operations: starting,
		Reason: "finds a function for a render that names none", Source: permissionsPage,
		Effect: feature(Medium, "`remotion lambda render` and getFunctions() fail: renders start only "+
			"with renderMediaOnLambda() and the name of the function"),
		UnlessGiven: "the name of the function"},
	{Kind: User, Action: "lambda:GetFunction", Operations: deploying,
		Reason: "waits for a new function to be ready", Source: permissionsPage,
		Effect: hard(High, "a deploy fails after the function was created")},
	{Kind: User, Action: "lambda:InvokeFunction", Operations: invoking,
		Reason: "starts renders and requests their progress", Source: permissionsPage,
		Effect: hard(Critical, "renders cannot be started")},
	{Kind: User, Action: "lambda:InvokeFunction", Operations: deploying,
		Reason: "learns the release of the deployed functions", Source: permissionsPage,
		Effect: hard(High, "deployed functions are not recognized, so a second deploy fails").
			inSomeCases()},
	{Kind: User, Action: "lambda:CreateFunction", Operations: deploying,
		Reason: "creates the function", Source: permissionsPage,
		Effect: hard(High, "functions cannot be deployed")},
	{Kind: User, Action: "lambda:DeleteFunction", Operations: deploying,
		Reason: "removes a function", Source: permissionsPage,
		Effect: hard(Medium, "functions cannot be removed")},
	{Kind: User, Action: "lambda:PutFunctionEventInvokeConfig", Operations: deploying,
		Reason: "turns off Lambda's retries", Source: permissionsPage,
		Effect: hard(High,
			"a deploy fails after the function was created, and Lambda's retries stay on")},
	{Kind: User, Action: "lambda:PutRuntimeManagementConfig", Operations: deploying,
		Since:  "3.3.54",
		Reason: "pins the function to a runtime version that is known to work",
		Effect: warned(Medium,
			"AWS may move the function to a runtime Remotion was not tested with"),
		Source: runtimeIncident},
	{Kind: User, Action: "lambda:TagResource", Operations: deploying, Since: "4.0.51",
		Reason: "tags the function with its release and size", Source: tagging,
		Effect: swallowed(Medium, "functions have no tags")},
	{Kind: User, Action: "logs:CreateLogGroup", Operations: deploying,
		Reason: "creates the function's log group", Source: permissionsPage,
		Effect: hard(High, "functions cannot be deployed")},
	{Kind: User, Action: "logs:PutRetentionPolicy", Operations: deploying,
		Reason: "lets the logs expire", Source: permissionsPage,
		Effect: hard(High, "functions cannot be deployed")},
	{Kind: User, Action: "lambda:GetLayerVersion", Operations: deploying,
		Reason: "attaches Chromium and its fonts to the function", Source: permissionsPage,
		Effect: hard(High, "functions cannot be deployed")},
	{Kind: User, Action: "lambda:GetLayerVersion", Operations: deploying, Insights: true,
		Since:  insightsSince,
		Reason: "attaches the Lambda Insights extension if it is enabled", Source: insightsPage,
		Effect: feature(Medium, "functions with Lambda Insights cannot be deployed")},

	{Kind: User, Action: "lambda:GetFunctionConfiguration", Operations: deploying,
		Since:  ownLayersSince,
		Reason: "compares the layers of a function with customLayerArns", Source: ownLayersPage,
		Effect: feature(High, "the next deploy with customLayerArns fails").inSomeCases()},
	{Kind: User, Action: "lambda:UpdateFunctionConfiguration", Operations: deploying,
		Since:  ownLayersSince,
		Reason: "replaces the layers of a function by customLayerArns", Source: ownLayersPage,
		Effect: feature(High, "a deploy that changes customLayerArns fails").inSomeCases()},
	{Kind: User, Action: "ec2:DescribeSecurityGroups", Operations: deploying, Since: vpcSince,
		Reason: "lets Lambda check the security groups of a new function", Source: vpcPage,
		Effect: hard(High, "functions cannot be deployed into a VPC").inSomeCases()},
	{Kind: User, Action: "ec2:DescribeSubnets", Operations: deploying, Since: vpcSince,
		Reason: "lets Lambda check the subnets of a new function", Source: vpcPage,
		Effect: hard(High, "functions cannot be deployed into a VPC").inSomeCases()},
	{Kind: User, Action: "ec2:DescribeVpcs", Operations: deploying, Since: vpcSince,
		Reason: "lets Lambda check the VPC of a new function", Source: vpcPage,
		Effect: hard(High, "functions cannot be deployed into a VPC").inSomeCases()},
}

const uncancellable = "renders cannot be cancelled with cancelRenderOnLambda()"

func quotaUse(action string) Use {
	return Use{Kind: User, Action: action, Operations: []Operation{Quotas},
		Reason: "is used by `remotion lambda quotas`", Source: permissionsPage,
		Effect: feature(Low, "`remotion lambda quotas` fails")}
}

// roleBucket is the impact on a role that may not create buckets, before and since the next call of
// the creation is one that the documented role policy denies.
const roleBucket = "the first render in a region without a bucket fails; since 3.3.87 it fails " +
	"in any case, because Remotion's role policy does not grant the next call, " +
	"s3:PutBucketOwnershipControls: create the bucket before the first render"

const unlistedOutput = "renders stop unless they set overwrite, because S3 returns 403 instead " +
	"of 404 for an output that does not exist"

var roleUses = []Use{
	{Kind: Role, Action: "s3:ListAllMyBuckets",
		Reason: "finds the Remotion bucket when a render names none", Source: permissionsPage,
		Effect: hard(Critical, "renders stop if they do not name a bucket").inSomeCases()},
	{Kind: Role, Action: "s3:CreateBucket", Buckets: mainBucket, Until: beforeOwnership,
		Reason: "creates the bucket when a render starts in a region without one",
		Effect: feature(Medium, "the first render in a region without a bucket fails"),
		Source: permissionsPage},
	{Kind: Role, Action: "s3:CreateBucket", Buckets: mainBucket, Since: sinceOwnership,
		Reason: "creates the bucket when a render starts in a region without one",
		Effect: feature(Low, roleBucket), Source: publicAccess},
	{Kind: Role, Action: "s3:PutBucketAcl", Buckets: mainBucket, Until: beforeOwnership,
		Reason: "sets the ACL of a bucket it creates", Source: permissionsPage,
		Effect: feature(Medium, "the first render in a region without a bucket fails")},
	{Kind: Role, Action: "s3:PutBucketAcl", Buckets: mainBucket, Since: sinceOwnership,
		Reason: "sets the ACL of a bucket it creates", Source: publicAccess,
		Effect: feature(Low, roleBucket)},
	// Since 4.0.523 the code catches a 403 about the output. The deployed function has two copies of
	// the class of that error, and compares with the wrong one, so its renders stop up to 4.0.527 at
	// least: `make calls` runs the deployed code.
	{Kind: Role, Action: "s3:ListBucket", Buckets: mainBucket,
		Reason: "checks whether an output exists", Source: outputCheck,
		Effect: hard(Critical, unlistedOutput).inSomeCases()},
	{Kind: Role, Action: "s3:ListBucket", Buckets: outputBucketOnly, Since: sinceOutputChecked,
		Reason: "checks whether an output exists", Source: ownOutputBucket,
		Effect: hard(Critical, unlistedOutput).inSomeCases()},
	{Kind: Role, Action: "s3:GetObject", Buckets: mainBucket,
		Reason: "reads input props, progress and chunks", Source: permissionsPage,
		Effect: hard(Critical, "renders stop")},
	{Kind: Role, Action: "s3:GetObject", Buckets: outputBucketOnly, Since: sinceOutputChecked,
		Reason: "checks whether an output exists", Source: ownOutputBucket,
		Effect: hard(Critical, "renders with this output bucket stop unless they set overwrite").
			inSomeCases()},
	{Kind: Role, Action: "s3:DeleteObject", Buckets: mainBucket, Until: chunksInBucketUntil,
		Reason: "removes the chunks of a render", Source: permissionsPage,
		Effect: hard(Critical, "renders are marked as failed at their end")},
	{Kind: Role, Action: "s3:DeleteObject", Buckets: mainBucket,
		Reason: "removes input props that were uploaded for a render", Source: permissionsPage,
		Effect: feature(Medium, "renders with large input props are marked as failed at their end")},
	{Kind: Role, Action: "s3:PutObject", Buckets: mainOrOutput,
		Reason: "writes progress, chunks and the output", Source: permissionsPage,
		Effect: hard(Critical, "renders stop when they write to the bucket")},
	{Kind: Role, Action: "s3:PutObjectAcl", Buckets: mainOrOutput,
		Reason: "sets the read access to the output", Source: permissionsPage,
		Effect: hard(Critical, "renders stop when they write to the bucket")},
	{Kind: Role, Action: "s3:GetBucketLocation", Buckets: mainBucket, Until: beforeNamedRegions,
		Reason: "finds the region's Remotion bucket among all buckets", Source: permissionsPage,
		Effect: hard(Critical, "renders stop if they do not name a bucket").inSomeCases()},
	{Kind: Role, Action: "s3:GetBucketLocation", Buckets: mainBucket, OldNames: true,
		Since:  sinceNamedRegions,
		Reason: "finds the region of a bucket without the region in its name", Source: permissionsPage,
		Effect: hard(Critical, "renders stop if they do not name a bucket").inSomeCases()},
	{Kind: Role, Action: "lambda:InvokeFunction",
		Reason: "lets the first invocation start the others", Source: permissionsPage,
		Effect: hard(Critical, "renders stop immediately")},
	{Kind: Role, Action: "logs:CreateLogStream",
		Reason: "creates the log stream of a function instance", Source: permissionsPage,
		Effect: swallowed(Medium, "renders leave no logs")},
	{Kind: Role, Action: "logs:PutLogEvents",
		Reason: "writes the function's logs", Source: permissionsPage,
		Effect: swallowed(Medium, "renders leave no logs")},
	insightsUse("logs:CreateLogGroup"), insightsUse("logs:CreateLogStream"),
	insightsUse("logs:PutLogEvents"),

	vpcUse("ec2:CreateNetworkInterface", "connects a function to its VPC"),
	vpcUse("ec2:DescribeNetworkInterfaces", "finds the network interfaces of a function"),
	vpcUse("ec2:DeleteNetworkInterface", "removes the network interfaces of a function"),
}

func insightsUse(action string) Use {
	return Use{Kind: Role, Action: action, Insights: true, Since: insightsSince,
		Reason: "writes the metrics of Lambda Insights if it is enabled", Source: insightsPage,
		Effect: feature(Medium, "Lambda Insights shows no data")}
}

func vpcUse(action, reason string) Use {
	return Use{Kind: Role, Action: action, Since: vpcSince, Reason: reason, Source: vpcPage,
		Effect: hard(High, "functions cannot be deployed into the VPC, and Lambda cannot restore idle "+
			"ones").inSomeCases()}
}

// A calledAction is an action that an operation calls; any operation if it is empty.
type calledAction struct {
	who       PolicyKind
	operation Operation
	action    string
}

// notRequired are recorded calls that no requirement covers, with the reason.
var notRequired = map[calledAction]string{
	{User, Invoke, "s3:PutObject"}:    largePropsOnly,
	{User, Invoke, "s3:PutObjectAcl"}: largePropsOnly,
	{User, ProgressFromBucket, "s3:ListBucket"}: "since 4.0.523, a denial counts as an output " +
		"that does not exist yet",
	{User, "", "s3:AbortMultipartUpload"}:       cleansUp,
	{Role, "", "s3:AbortMultipartUpload"}:       cleansUp,
	{Role, "", "s3:PutBucketOwnershipControls"}: configuresBucket,
	{Role, "", "s3:PutBucketPublicAccessBlock"}: configuresBucket,
	{Role, "", "s3:PutBucketPolicy"}:            configuresBucket,
}

const (
	largePropsOnly   = "is for large input props, which the operation does not have"
	cleansUp         = "cleans up after an upload that failed; the error is dropped"
	configuresBucket = "configures a bucket that a render creates, which Remotion's role policy " +
		"does not allow"
)

// checkedByAWS are actions that AWS checks for a call of Remotion, or that Lambda performs.
var checkedByAWS = map[string]bool{
	"ec2:CreateNetworkInterface": true, "ec2:DescribeNetworkInterfaces": true,
	"ec2:DeleteNetworkInterface": true, "ec2:DescribeSecurityGroups": true,
	"ec2:DescribeSubnets": true, "ec2:DescribeVpcs": true,
	"logs:CreateLogStream": true, "logs:PutLogEvents": true, "logs:CreateLogGroup": true,
}

var usesByAction = sync.OnceValue(func() map[useKey][]*Use {
	all := map[useKey][]*Use{}
	for i := range useTable {
		u := &useTable[i]
		key := useKey{u.Kind, u.Action, u.Insights}
		all[key] = append(all[key], u)
	}
	return all
})
