package policies

import "strings"

type consequenceKey struct {
	kind   PolicyKind
	action string
}

// consequence returns the entry of the tables below for the requirement.
func (r Requirement) consequence() Consequence {
	if r.IsInsights() {
		return insightsConsequences[consequenceKey{r.Kind, r.Action}]
	}
	return consequences[consequenceKey{r.Kind, r.Action}]
}

// IsInsights reports whether the permission is for CloudWatch Lambda Insights, an optional feature.
func (r Requirement) IsInsights() bool { return strings.Contains(r.Resource, insights) }

// insights occurs in every resource of CloudWatch Lambda Insights in both documents, and in no
// other resource.
const insights = "nsights"

const (
	permissionsPage = "https://www.remotion.dev/docs/lambda/permissions"
	bucketSecurity  = "https://www.remotion.dev/docs/lambda/bucket-security"
	insightsPage    = "https://www.remotion.dev/docs/lambda/insights"
	autodelete      = "https://www.remotion.dev/docs/lambda/autodelete"
	runtimeIncident = "https://www.remotion.dev/docs/lambda/feb-2023-incident"
	identityChange  = "https://github.com/remotion-dev/remotion/pull/1544"
	tagging         = "https://github.com/remotion-dev/remotion/pull/3029"
	publicAccess    = "https://github.com/remotion-dev/remotion/issues/2149"
)

var (
	both   = []Purpose{Render, Deploy}
	deploy = []Purpose{Deploy}
	render = []Purpose{Render}
)

// consequences has an entry for each action of the two policies. The entries follow the source code
// of the published packages, up to 4.0.527. A Reason is a verb phrase with the permission as its
// subject. An Impact is a clause that reports and mails print.
var consequences = map[consequenceKey]Consequence{
	{User, "servicequotas:GetServiceQuota"}:                               quota,
	{User, "servicequotas:GetAWSDefaultServiceQuota"}:                     quota,
	{User, "servicequotas:RequestServiceQuotaIncrease"}:                   quota,
	{User, "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota"}: quota,

	{User, "iam:SimulatePrincipalPolicy"}: {deploy,
		"lets `remotion lambda policies validate` simulate the permissions of the caller",
		Feature, "`remotion lambda policies validate` cannot run", Low, permissionsPage},
	{User, "iam:GetUser"}: {both, "returns the account ID to deploys, downloads and site listings",
		Hard, "functions and sites cannot be deployed, and videos cannot be downloaded", High,
		identityChange},
	{User, "iam:PassRole"}: {deploy, "passes the render role to a new function",
		Hard, "functions cannot be deployed", High, permissionsPage},

	{User, "s3:GetObject"}: {both, "reads the progress and the output of renders",
		Hard, "render progress and videos cannot be read", Critical, permissionsPage},
	{User, "s3:PutObject"}: {both, "uploads sites, and input props too large for one call",
		Hard, "sites cannot be uploaded, and renders with large input props cannot start", Critical,
		permissionsPage},
	{User, "s3:PutObjectAcl"}: {both, "sets the read access to uploaded objects",
		Hard, "sites and large input props cannot be uploaded", Critical, permissionsPage},
	{User, "s3:DeleteObject"}: {both, "removes sites and finished renders",
		Hard, "sites and renders cannot be deleted, and sites cannot be replaced", Medium,
		permissionsPage},
	{User, "s3:ListBucket"}: {both,
		"compares a site with the objects already uploaded, and finds outputs",
		Hard, "sites cannot be deployed, and S3 returns 403 instead of 404 for an output that does not " +
			"exist", High, permissionsPage},
	{User, "s3:GetBucketLocation"}: {both, "finds the region's Remotion bucket among all buckets",
		Hard, "the Remotion bucket is not found, so renders and deploys do not start", Critical,
		permissionsPage},
	{User, "s3:CreateBucket"}: {deploy, "creates the Remotion bucket of a region",
		Hard, "a new region cannot be set up", High, permissionsPage},
	{User, "s3:PutBucketAcl"}: {deploy, "sets the ACL of a new bucket",
		Hard, "a new bucket is left half configured", High, permissionsPage},
	{User, "s3:DeleteBucket"}: {deploy, "is in the documented policy, but no release calls it",
		NoBreakage, "none, because no release calls the action", Low, permissionsPage},
	{User, "s3:PutBucketOwnershipControls"}: {deploy, "enables ACLs for the objects of a new bucket",
		Hard, "a new bucket is left half configured", High, publicAccess},
	{User, "s3:PutBucketPublicAccessBlock"}: {deploy, "lets a new bucket serve sites and videos",
		Hard, "a new bucket is left half configured", High, publicAccess},
	{User, "s3:PutLifecycleConfiguration"}: {deploy,
		"expires old renders if enableFolderExpiry is set",
		Feature, "enableFolderExpiry fails", Medium, autodelete},
	{User, "s3:PutBucketPolicy"}: {deploy,
		"makes the objects of a new bucket readable without making the bucket listable",
		Warned, "the next bucket falls back to a public-read ACL: anyone can list it", High,
		bucketSecurity},

	{User, "s3:PutBucketWebsite"}: {deploy,
		"configures the bucket as a website, for each new bucket and each site",
		Hard, "sites cannot be deployed, and a new bucket is left half configured", High,
		permissionsPage},
	{User, "s3:DeleteBucketWebsite"}: {deploy, "is in the documented policy, but no release calls it",
		NoBreakage, "none, because no release calls the action", Low, permissionsPage},

	{User, "s3:ListAllMyBuckets"}: {both, "finds the Remotion bucket",
		Hard, "the Remotion bucket is not found, so renders and deploys do not start", Critical,
		permissionsPage},
	{User, "lambda:ListFunctions"}: {both, "finds the deployed functions",
		Hard, "`remotion lambda render` finds no function", Critical, permissionsPage},
	{User, "lambda:GetFunction"}: {both, "reads a function, and waits for a new one to be ready",
		Hard, "a deploy fails after the function was created", High, permissionsPage},

	{User, "lambda:InvokeFunction"}: {both, "starts renders and requests their progress",
		Hard, "renders cannot be started", Critical, permissionsPage},
	{User, "lambda:InvokeAsync"}: {render, "is in the documented policy, but no release calls it",
		NoBreakage, "none, because no release calls the action", Low, permissionsPage},
	{User, "lambda:CreateFunction"}: {deploy, "creates the function",
		Hard, "functions cannot be deployed", High, permissionsPage},
	{User, "lambda:DeleteFunction"}: {deploy, "removes a function",
		Hard, "functions cannot be removed", Medium, permissionsPage},
	{User, "lambda:PutFunctionEventInvokeConfig"}: {deploy, "turns off Lambda's retries",
		Hard, "a deploy fails after the function was created, and Lambda's retries stay on", High,
		permissionsPage},
	{User, "lambda:PutRuntimeManagementConfig"}: {deploy,
		"pins the function to a runtime version that is known to work",
		Warned, "AWS may move the function to a runtime Remotion was not tested with", Medium,
		runtimeIncident},
	{User, "lambda:TagResource"}: {deploy, "tags the function with its release and size",
		Swallowed, "functions have no tags", Medium, tagging},

	{User, "logs:CreateLogGroup"}: {deploy, "creates the function's log group",
		Hard, "functions cannot be deployed", High, permissionsPage},
	{User, "logs:PutRetentionPolicy"}: {deploy, "lets the logs expire",
		Hard, "functions cannot be deployed", High, permissionsPage},
	{User, "lambda:GetLayerVersion"}: {deploy, "attaches Chromium and its fonts to the function",
		Hard, "functions cannot be deployed", High, permissionsPage},

	{Role, "s3:ListAllMyBuckets"}: {render, "finds the Remotion bucket when a render names none",
		Hard, "renders stop if they do not name a bucket", Critical, permissionsPage},
	{Role, "s3:CreateBucket"}: {render,
		"creates the bucket when a render starts in a region without one",
		Feature, "the first render in a region without a bucket fails", Medium, permissionsPage},
	{Role, "s3:ListBucket"}: {render, "checks whether an output exists",
		Hard, "renders stop, because S3 returns 403 instead of 404 for an object that does not exist",
		Critical, permissionsPage},
	{Role, "s3:PutBucketAcl"}: {render, "sets the ACL of a bucket it creates",
		Feature, "the first render in a region without a bucket fails", Medium, permissionsPage},
	{Role, "s3:GetObject"}: {render, "reads sites, props and chunks",
		Hard, "renders stop", Critical, permissionsPage},
	{Role, "s3:DeleteObject"}: {render, "removes input props that were uploaded for a render",
		Hard, "renders with large input props fail at the end", Critical, permissionsPage},
	{Role, "s3:PutObjectAcl"}: {render, "sets the read access to the output",
		Hard, "renders stop when they write to the bucket", Critical, permissionsPage},
	{Role, "s3:PutObject"}: {render, "writes progress, chunks and the output",
		Hard, "renders stop when they write to the bucket", Critical, permissionsPage},
	{Role, "s3:GetBucketLocation"}: {render, "finds the region's Remotion bucket among all buckets",
		Hard, "renders stop if they do not name a bucket", Critical, permissionsPage},
	{Role, "lambda:InvokeFunction"}: {render, "lets the first invocation start the others",
		Hard, "renders stop immediately", Critical, permissionsPage},
	{Role, "logs:CreateLogStream"}: {render, "creates the log stream of a function instance",
		Swallowed, "renders leave no logs", Medium, permissionsPage},
	{Role, "logs:PutLogEvents"}: {render, "writes the function's logs",
		Swallowed, "renders leave no logs", Medium, permissionsPage},
}

// insightsConsequences replaces entries of consequences for the resources of Lambda Insights.
var insightsConsequences = map[consequenceKey]Consequence{
	{User, "lambda:GetLayerVersion"}: {deploy,
		"attaches the Lambda Insights extension if it is enabled",
		Feature, "functions with Lambda Insights cannot be deployed", Medium, insightsPage},
	{Role, "logs:CreateLogGroup"}:  insightsLogs,
	{Role, "logs:CreateLogStream"}: insightsLogs,
	{Role, "logs:PutLogEvents"}:    insightsLogs,
}

var (
	insightsElsewhere = Consequence{deploy,
		"attaches the Lambda Insights extension, which in this region belongs to an account that the " +
			"documented policy does not cover",
		Feature,
		"functions with Lambda Insights cannot be deployed in this region, even with the documented " +
			"policy", Low, insightsPage}
	quota = Consequence{deploy, "is used by `remotion lambda quotas`",
		Feature, "`remotion lambda quotas` fails", Low, permissionsPage}
	insightsLogs = Consequence{render, "writes the metrics of Lambda Insights if it is enabled",
		Feature, "Lambda Insights shows no data", Medium, insightsPage}
)
