package policies

import "strings"

type key struct {
	kind   PolicyKind
	action string
}

// explain looks up what the document does not say.
func (r Requirement) explain() Consequence {
	if strings.Contains(r.Resource, insights) {
		return insightsDetails[key{r.Kind, r.Action}]
	}
	return details[key{r.Kind, r.Action}]
}

// insights marks the resources of CloudWatch Lambda Insights in both documents: an optional
// feature.
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

// details explains each statement and action. How each is called, and what its lack does, was read
// in the published packages, up to 4.0.527.
var details = map[key]Consequence{
	{User, "servicequotas:GetServiceQuota"}:                               quota,
	{User, "servicequotas:GetAWSDefaultServiceQuota"}:                     quota,
	{User, "servicequotas:RequestServiceQuotaIncrease"}:                   quota,
	{User, "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota"}: quota,

	{User, "iam:SimulatePrincipalPolicy"}: {deploy,
		"lets `remotion lambda policies validate` ask IAM what the caller may do",
		Feature, "`remotion lambda policies validate` cannot run", Low, permissionsPage},
	{User, "iam:GetUser"}: {both, "tells deploys, downloads and site listings the account's number",
		Hard, "functions and sites cannot be deployed, nor videos downloaded", High, identityChange},
	{User, "iam:PassRole"}: {deploy, "hands the render role to the function that is created",
		Hard, "functions cannot be deployed", High, permissionsPage},

	{User, "s3:GetObject"}: {both, "reads the progress and the output of renders",
		Hard, "render progress and videos cannot be read", Critical, permissionsPage},
	{User, "s3:PutObject"}: {both, "uploads sites, and input props too large for one call",
		Hard, "sites cannot be uploaded, and renders with large input props cannot start", Critical,
		permissionsPage},
	{User, "s3:PutObjectAcl"}: {both, "sets who may read what is uploaded",
		Hard, "uploads of sites and of large input props are refused", Critical, permissionsPage},
	{User, "s3:DeleteObject"}: {both, "removes sites and finished renders",
		Hard, "sites and renders cannot be deleted, nor a site be replaced", Medium, permissionsPage},
	{User, "s3:ListBucket"}: {both,
		"compares a site with what is already uploaded, and looks for outputs",
		Hard, "sites cannot be deployed, and a missing output looks forbidden", High, permissionsPage},
	{User, "s3:GetBucketLocation"}: {both, "finds the region's Remotion bucket among all buckets",
		Hard, "the Remotion bucket is not found, so renders and deploys do not start", Critical,
		permissionsPage},
	{User, "s3:CreateBucket"}: {deploy, "creates the Remotion bucket of a region",
		Hard, "a new region cannot be set up", High, permissionsPage},
	{User, "s3:PutBucketAcl"}: {deploy, "sets the ACL of a new bucket",
		Hard, "a new bucket is left half configured", High, permissionsPage},
	{User, "s3:DeleteBucket"}: {deploy, "is asked for, and called by no release",
		Nothing, "nothing: no release calls it", Low, permissionsPage},
	{User, "s3:PutBucketOwnershipControls"}: {deploy, "lets objects of a new bucket have ACLs",
		Hard, "a new bucket is left half configured", High, publicAccess},
	{User, "s3:PutBucketPublicAccessBlock"}: {deploy, "lets a new bucket serve sites and videos",
		Hard, "a new bucket is left half configured", High, publicAccess},
	{User, "s3:PutLifecycleConfiguration"}: {deploy,
		"expires old renders where enableFolderExpiry is used",
		Feature, "enableFolderExpiry fails", Medium, autodelete},
	{User, "s3:PutBucketPolicy"}: {deploy,
		"makes the objects of a new bucket readable without making the bucket listable",
		Warned, "the next bucket falls back to a public-read ACL: anyone can list it", High,
		bucketSecurity},

	{User, "s3:PutBucketWebsite"}: {deploy,
		"makes a website of the bucket, with each new bucket and each site",
		Hard, "sites cannot be deployed, and a new bucket is left half configured", High,
		permissionsPage},
	{User, "s3:DeleteBucketWebsite"}: {deploy, "is asked for, and called by no release",
		Nothing, "nothing: no release calls it", Low, permissionsPage},

	{User, "s3:ListAllMyBuckets"}: {both, "finds the Remotion bucket",
		Hard, "the Remotion bucket is not found, so renders and deploys do not start", Critical,
		permissionsPage},
	{User, "lambda:ListFunctions"}: {both, "finds the deployed functions",
		Hard, "`remotion lambda render` finds no function", Critical, permissionsPage},
	{User, "lambda:GetFunction"}: {both, "reads a function, and waits for a new one to be ready",
		Hard, "a deploy fails after the function was created", High, permissionsPage},

	{User, "lambda:InvokeFunction"}: {both, "starts renders and asks for their progress",
		Hard, "renders cannot be started", Critical, permissionsPage},
	{User, "lambda:InvokeAsync"}: {render, "is asked for, and called by no release",
		Nothing, "nothing: no release calls it", Low, permissionsPage},
	{User, "lambda:CreateFunction"}: {deploy, "creates the function",
		Hard, "functions cannot be deployed", High, permissionsPage},
	{User, "lambda:DeleteFunction"}: {deploy, "removes a function",
		Hard, "functions cannot be removed", Medium, permissionsPage},
	{User, "lambda:PutFunctionEventInvokeConfig"}: {deploy, "switches off Lambda's own retries",
		Hard, "a deploy fails after the function was created, and leaves it with retries on", High,
		permissionsPage},
	{User, "lambda:PutRuntimeManagementConfig"}: {deploy,
		"holds the function to a runtime known to work",
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
		Hard, "renders that name no bucket stop", Critical, permissionsPage},
	{Role, "s3:CreateBucket"}: {render, "creates the bucket when a render starts where there is none",
		Feature, "the first render in a region without a bucket fails", Medium, permissionsPage},
	{Role, "s3:ListBucket"}: {render, "checks whether an output exists",
		Hard, "renders stop, because a missing object looks forbidden", Critical, permissionsPage},
	{Role, "s3:PutBucketAcl"}: {render, "sets the ACL of a bucket it creates",
		Feature, "the first render in a region without a bucket fails", Medium, permissionsPage},
	{Role, "s3:GetObject"}: {render, "reads sites, props and chunks",
		Hard, "renders stop", Critical, permissionsPage},
	{Role, "s3:DeleteObject"}: {render, "removes input props that were uploaded for a render",
		Hard, "renders with large input props fail at their end", Critical, permissionsPage},
	{Role, "s3:PutObjectAcl"}: {render, "sets who may read the output",
		Hard, "renders stop when they write", Critical, permissionsPage},
	{Role, "s3:PutObject"}: {render, "writes progress, chunks and the output",
		Hard, "renders stop when they write", Critical, permissionsPage},
	{Role, "s3:GetBucketLocation"}: {render, "finds the region's Remotion bucket among all buckets",
		Hard, "renders that name no bucket stop", Critical, permissionsPage},
	{Role, "lambda:InvokeFunction"}: {render, "lets the first call fan out to the others",
		Hard, "renders stop at once", Critical, permissionsPage},
	{Role, "logs:CreateLogStream"}: {render, "opens the log of a function's instance",
		Swallowed, "renders leave no logs", Medium, permissionsPage},
	{Role, "logs:PutLogEvents"}: {render, "writes the function's logs",
		Swallowed, "renders leave no logs", Medium, permissionsPage},
}

// insightsDetails explains the same statements where they are about Lambda Insights.
var insightsDetails = map[key]Consequence{
	{User, "lambda:GetLayerVersion"}: {deploy,
		"attaches the Lambda Insights extension where it is asked for",
		Feature, "functions with Lambda Insights cannot be deployed", Medium, insightsPage},
	{Role, "logs:CreateLogGroup"}:  insightsLogs,
	{Role, "logs:CreateLogStream"}: insightsLogs,
	{Role, "logs:PutLogEvents"}:    insightsLogs,
}

var (
	insightsElsewhere = Consequence{deploy,
		"attaches the Lambda Insights extension, which in this region is in an account that the " +
			"documented policy leaves out",
		Feature,
		"functions with Lambda Insights cannot be deployed in this region, with the documented policy " +
			"either", Low, insightsPage}
	quota = Consequence{deploy, "powers `remotion lambda quotas`",
		Feature, "`remotion lambda quotas` fails", Low, permissionsPage}
	insightsLogs = Consequence{render, "writes the metrics of Lambda Insights where it is switched on",
		Feature, "Lambda Insights shows nothing", Medium, insightsPage}
)
