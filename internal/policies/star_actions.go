package policies

import (
	"fmt"
	"slices"
	"strings"
)

// StarScope says which resource the requests for an action name, if Remotion's documents grant the
// action on "*".
type StarScope string

const (
	// NoResource means that the requests name no resource. IAM compares them with the text "*", so
	// statements about ARNs do not apply.
	NoResource StarScope = "no resource"
	// NamedResource means that the requests name a resource, and that statements about its ARN apply.
	NamedResource StarScope = "ARN"
	// ContestedResource means that the sources of AWS disagree: the requests name no resource, or IAM
	// compares them with the text of StarAction.Text.
	ContestedResource StarScope = "contested"
)

// A StarAction is an action that a document of Remotion grants on "*".
type StarAction struct {
	Action string
	Scope  StarScope
	// Requested describes the resource of the requests.
	Requested string
	// Sources are the URLs that support Scope. For a contested resource, the first source says that
	// requests name no resource, and the second says that IAM compares them with Text.
	Sources []string
	// Text is the other resource of a contested action, with PARTITION for the partition.
	Text string
}

const (
	serviceReference = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
	s3Actions        = serviceReference + "list_amazons3.html"
	lambdaActions    = serviceReference + "list_awslambda.html"
	iamActions       = serviceReference + "list_awsidentityandaccessmanagementiam.html"
	quotaActions     = serviceReference + "list_servicequotas.html"
	statementPage    = "https://docs.aws.amazon.com/IAM/latest/UserGuide/" +
		"reference_policies_elements_statement.html"
)

// QuotaResource is the resource part of the ARN of the only quota that Remotion reads and raises:
// the concurrent executions of Lambda, LAMBDA_CONCURRENCY_LIMIT_QUOTA in @remotion/lambda-client.
const QuotaResource = "lambda/L-B99A9384"

// starActions has an entry for each action that a document of Remotion grants on "*". A Scope
// follows the column "Resource types" of the Service Authorization Reference: an action without
// resource types has NoResource. For an action with resource types, the code of @remotion/lambda
// 4.0.527 says which resource it requests.
//
// Until 2025 the reference listed the resource type quota only for RequestServiceQuotaIncrease.
// AWS's simulator accepts the ARN of a quota for every action of Service Quotas.
var starActions = []StarAction{
	{Action: "s3:ListAllMyBuckets", Scope: ContestedResource,
		Requested: "none, or the text `arn:PARTITION:s3:::*`",
		Sources:   []string{s3Actions, statementPage}, Text: "arn:PARTITION:s3:::*"},
	{Action: "lambda:ListFunctions", Scope: NoResource, Requested: "none",
		Sources: []string{lambdaActions}},
	{Action: "lambda:GetFunction", Scope: NamedResource, Requested: "the function",
		Sources: []string{lambdaActions}},
	{Action: "iam:SimulatePrincipalPolicy", Scope: NamedResource, Requested: "the caller itself",
		Sources: []string{iamActions}},
	{Action: "servicequotas:GetServiceQuota", Scope: NamedResource,
		Requested: "the quota `" + QuotaResource + "`", Sources: []string{quotaActions}},
	{Action: "servicequotas:GetAWSDefaultServiceQuota", Scope: NoResource, Requested: "none",
		Sources: []string{quotaActions}},
	{Action: "servicequotas:RequestServiceQuotaIncrease", Scope: NamedResource,
		Requested: "the quota `" + QuotaResource + "`", Sources: []string{quotaActions}},
	{Action: "servicequotas:ListRequestedServiceQuotaChangeHistoryByQuota", Scope: NamedResource,
		Requested: "the quota `" + QuotaResource + "`", Sources: []string{quotaActions}},
}

// StarActions lists the actions that a document of Remotion grants on "*".
func StarActions() []StarAction { return slices.Clone(starActions) }

// FindStarAction returns the entry of an action. The case of the action does not matter.
func FindStarAction(action string) (StarAction, bool) {
	for _, a := range starActions {
		if strings.EqualFold(a.Action, action) {
			return a, true
		}
	}
	return StarAction{}, false
}

// TextIn returns the other resource of a contested action in a partition, or an empty text.
func (a StarAction) TextIn(partition string) string {
	return strings.Replace(a.Text, "PARTITION", partition, 1)
}

// Dispute explains why the judgement on a contested action is uncertain, and names both sources.
// text is the other resource in the partition of the account.
func (a StarAction) Dispute(text string) string {
	return fmt.Sprintf(`AWS's documentation disagrees about the resource of %s: by %s, only `+
		`statements about "*" apply; by %s, statements that match %s apply as well`, a.Action,
		a.Sources[0], a.Sources[1], text)
}
