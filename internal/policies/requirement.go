package policies

import (
	"fmt"
	"slices"
	"strings"
)

// Purpose is what a caller is for. A web application that only renders does not need the right to
// create functions.
type Purpose string

const (
	// Render starts renders and reads their results.
	Render Purpose = "render"
	// Deploy sets up functions, sites and buckets.
	Deploy Purpose = "deploy"
	// All is both.
	All Purpose = "all"
)

// Severity says how much a gap hurts. The zero value is no severity at all.
type Severity uint8

const (
	_        Severity = iota
	Low               // validation or quotas
	Medium            // a feature degrades
	High              // deploys stop, or the next bucket would be public
	Critical          // renders stop
)

var severities = [...]string{"", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severities[s] }

// MarshalText spells the severity in lower case.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities[:], string(text))
	if i <= 0 {
		return fmt.Errorf("%q is not a severity: write critical, high, medium or low", text)
	}
	*s = Severity(i)
	return nil
}

// Breakage says how the lack of a permission shows.
type Breakage string

const (
	// Hard: the call fails and takes the render or the deploy with it.
	Hard Breakage = "hard failure"
	// Swallowed: Remotion goes on without a word, or with a line in a verbose log.
	Swallowed Breakage = "swallowed"
	// Warned: Remotion prints a warning and goes on.
	Warned Breakage = "warned"
	// Feature: only a feature that is not used by every project fails.
	Feature Breakage = "feature"
	// Nothing: no release calls it.
	Nothing Breakage = "nothing"
)

// A Requirement is one permission that a Remotion release asks for.
type Requirement struct {
	Kind Kind
	// Sid, Action and Resource are the document's own. Resource is a pattern for any account and region.
	Sid, Action, Resource string
	// Since and Until are the first and the last release that asks for it. Until is empty if the newest
	// known does.
	Since, Until string
	// Undocumented says that no document grants it: see Undocumented.
	Undocumented bool
	// NeededBy names, in a union of releases, those that need it, oldest first.
	NeededBy []string
	Details
}

// A grant is what a requirement is about. Its Sid is not part of that: the role's are numbers, which
// shift when a statement is added.
type grant struct {
	kind             Kind
	action, resource string
}

func (r Requirement) grant() grant { return grant{r.Kind, r.Action, r.Resource} }

// Details are what a document does not say of a permission.
type Details struct {
	// Purposes are the purposes of a caller that need it. For a role it is Render.
	Purposes []Purpose
	// Reason is what Remotion uses it for.
	Reason string
	// Breakage and Impact say how its lack shows, in a word and in a sentence.
	Breakage Breakage
	Impact   string
	Severity Severity
	// Source is the page or issue that says so.
	Source string
}

// For reports whether a caller with that purpose needs the requirement.
func (r Requirement) For(p Purpose) bool {
	return r.Kind == Role || p == All || slices.Contains(r.Purposes, p)
}

type key struct {
	kind   Kind
	action string
}

// explain looks up what the document does not say.
func (r Requirement) explain() Details {
	if strings.Contains(r.Resource, insights) {
		return insightsDetails[key{r.Kind, r.Action}]
	}
	return details[key{r.Kind, r.Action}]
}

// insights marks the resources of CloudWatch Lambda Insights in both documents: an optional feature.
const insights = "nsights"

const (
	permissionsPage = "https://www.remotion.dev/docs/lambda/permissions"
	bucketSecurity  = "https://www.remotion.dev/docs/lambda/bucket-security"
	insightsPage    = "https://www.remotion.dev/docs/lambda/insights"
	autodelete      = "https://www.remotion.dev/docs/lambda/autodelete"
	runtimeIncident = "https://www.remotion.dev/docs/lambda/feb-2023-incident"
	identityChange  = "https://github.com/remotion-dev/remotion/pull/1544"
	publicAccess    = "https://github.com/remotion-dev/remotion/issues/2149"
)

var (
	both   = []Purpose{Render, Deploy}
	deploy = []Purpose{Deploy}
	render = []Purpose{Render}
)

// details explains each statement and action. How each is called, and what its lack does, was read
// in the published packages, up to 4.0.527.
var details = map[key]Details{
	{User, "servicequotas:GetServiceQuota"}:                               quota,
	{User, "servicequotas:GetAWSDefaultServiceQuota"}:                     quota,
	{User, "servicequotas:RequestServiceQuotaIncrease"}:                   quota,
	{User, "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota"}: quota,

	{User, "iam:SimulatePrincipalPolicy"}: {deploy, "lets `remotion lambda policies validate` ask IAM what the caller may do",
		Feature, "`remotion lambda policies validate` cannot run", Low, permissionsPage},
	{User, "iam:GetUser"}: {both, "tells deploys, downloads and site listings the account's number",
		Hard, "functions and sites cannot be deployed, nor videos downloaded", High, identityChange},
	{User, "iam:PassRole"}: {deploy, "hands the render role to the function that is created",
		Hard, "functions cannot be deployed", High, permissionsPage},

	{User, "s3:GetObject"}: {both, "reads the progress and the output of renders",
		Hard, "render progress and videos cannot be read", Critical, permissionsPage},
	{User, "s3:PutObject"}: {both, "uploads sites, and input props too large for one call",
		Hard, "sites cannot be uploaded, and renders with large input props cannot start", Critical, permissionsPage},
	{User, "s3:PutObjectAcl"}: {both, "sets who may read what is uploaded",
		Hard, "uploads of sites and of large input props are refused", Critical, permissionsPage},
	{User, "s3:DeleteObject"}: {both, "removes sites and finished renders",
		Hard, "sites and renders cannot be deleted, nor a site be replaced", Medium, permissionsPage},
	{User, "s3:ListBucket"}: {both, "compares a site with what is already uploaded, and looks for outputs",
		Hard, "sites cannot be deployed, and a missing output looks forbidden", High, permissionsPage},
	{User, "s3:GetBucketLocation"}: {both, "finds the region's Remotion bucket among all buckets",
		Hard, "the Remotion bucket is not found, so renders and deploys do not start", Critical, permissionsPage},
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
	{User, "s3:PutLifecycleConfiguration"}: {deploy, "expires old renders where enableFolderExpiry is used",
		Feature, "enableFolderExpiry fails", Medium, autodelete},
	{User, "s3:PutBucketPolicy"}: {deploy, "makes the objects of a new bucket readable without making the bucket listable",
		Warned, "the next bucket falls back to a public-read ACL: anyone can list it", High, bucketSecurity},

	{User, "s3:PutBucketWebsite"}: {deploy, "makes a website of the bucket, with each new bucket and each site",
		Hard, "sites cannot be deployed, and a new bucket is left half configured", High, permissionsPage},
	{User, "s3:DeleteBucketWebsite"}: {deploy, "is asked for, and called by no release",
		Nothing, "nothing: no release calls it", Low, permissionsPage},

	{User, "s3:ListAllMyBuckets"}: {both, "finds the Remotion bucket",
		Hard, "the Remotion bucket is not found, so renders and deploys do not start", Critical, permissionsPage},
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
		Hard, "a deploy fails after the function was created, and leaves it with retries on", High, permissionsPage},
	{User, "lambda:PutRuntimeManagementConfig"}: {deploy, "holds the function to a runtime known to work",
		Warned, "AWS may move the function to a runtime Remotion was not tested with", Medium, runtimeIncident},
	{User, "lambda:TagResource"}: {deploy, "tags the function with its release and size",
		Swallowed, "functions have no tags", Medium, permissionsPage},

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
var insightsDetails = map[key]Details{
	{User, "lambda:GetLayerVersion"}: {deploy, "attaches the Lambda Insights extension where it is asked for",
		Feature, "functions with Lambda Insights cannot be deployed", Medium, insightsPage},
	{Role, "logs:CreateLogGroup"}:  insightsLogs,
	{Role, "logs:CreateLogStream"}: insightsLogs,
	{Role, "logs:PutLogEvents"}:    insightsLogs,
}

var (
	insightsElsewhere = Details{deploy, "attaches the Lambda Insights extension, which in this region is in an account that the documented policy leaves out",
		Feature, "functions with Lambda Insights cannot be deployed in this region, with the documented policy either", Low, insightsPage}
	quota = Details{deploy, "powers `remotion lambda quotas`",
		Feature, "`remotion lambda quotas` fails", Low, permissionsPage}
	insightsLogs = Details{render, "writes the metrics of Lambda Insights where it is switched on",
		Feature, "Lambda Insights shows nothing", Medium, insightsPage}
)
