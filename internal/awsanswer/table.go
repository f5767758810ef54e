package awsanswer

// answer describes the successful answer to one operation. It lists only what each real answer
// holds: a member that AWS may omit is not in the list.
type answer struct {
	// holds are the members that the answer always holds, as paths: "Role.Arn" is a value that is not
	// empty, "PolicyNames[]" a list that may be empty, "AttachedPolicies[].PolicyArn" a value in each
	// item of a list, and "Tags{}" a map that may be empty.
	holds []string
	// only is the single member of a JSON object that may be empty; empty for an answer that may have
	// other members. An object with another member is the answer to something else.
	only string
	// pages is true if the answer is a page of a list of IAM: it says whether the list goes on
	// (IsTruncated), and if it does, from where (Marker).
	pages bool
	// header is a header that the answer always has; empty for none.
	header string
	// form is the protocol of the answer.
	form form
	// performs is true if the operation has an effect that a second call would repeat.
	performs bool
}

// form is the protocol of an answer.
type form uint8

const (
	// queryXML is <OperationResponse><OperationResult>...</OperationResult><ResponseMetadata>
	// <RequestId>. https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
	queryXML form = iota
	// restJSON is a JSON object, with the request ID in a header.
	// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
	restJSON
	// s3Headers is an answer of S3 whose body is an object, or empty.
	s3Headers
	// s3List is the XML of a list of objects.
	s3List
)

// answers has a row for each operation whose answer the auditor reads, by service and operation.
// The sources of the rows are the pages of the operations in the API references, with their
// sample responses, and "This member is required" in the service models:
//
//   - https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html and the pages
//     of the other lists of IAM: the list element and IsTruncated are in each sample response.
//     Recorded answers have the element of an empty list, too: <PolicyNames/>.
//   - API_GetUser.html, API_GetRole.html, API_GetUserPolicy.html: the members are required in the
//     model. API_PolicyVersion.html: "The policy document is returned in the response to the
//     CreatePolicyVersion and GetPolicyVersion operations".
//   - API_SimulatePrincipalPolicy.html: the sample response has IsTruncated, and EvalActionName and
//     EvalDecision are required in API_EvaluationResult.html.
//   - https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html and API_ListTags.html: an
//     account without functions has "Functions": [], a function without tags "Tags": {}.
//   - https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html: the limits are in
//     each recorded answer.
//   - https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html: the sample
//     response has the state. API_GetFunctionConcurrency.html: recorded answers about a function
//     without reserved concurrency are {}.
//   - https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html and
//     API_Publish.html: the list element and MessageId are in the sample responses.
//   - https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
//   - https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, API_PutObject.html and
//     API_ListObjectsV2.html: each sample response has the ETag, or IsTruncated.
var answers = map[string]answer{
	"IAM.ListUserPolicies":  {holds: []string{"PolicyNames[]"}, pages: true},
	"IAM.ListGroupPolicies": {holds: []string{"PolicyNames[]"}, pages: true},
	"IAM.ListRolePolicies":  {holds: []string{"PolicyNames[]"}, pages: true},
	"IAM.ListAttachedUserPolicies": {holds: []string{"AttachedPolicies[].PolicyArn",
		"AttachedPolicies[].PolicyName"}, pages: true},
	"IAM.ListAttachedGroupPolicies": {holds: []string{"AttachedPolicies[].PolicyArn",
		"AttachedPolicies[].PolicyName"}, pages: true},
	"IAM.ListAttachedRolePolicies": {holds: []string{"AttachedPolicies[].PolicyArn",
		"AttachedPolicies[].PolicyName"}, pages: true},
	"IAM.ListGroupsForUser": {holds: []string{"Groups[].GroupName", "Groups[].Arn"}, pages: true},
	"IAM.ListRoles":         {holds: []string{"Roles[].RoleName", "Roles[].Arn"}, pages: true},
	"IAM.ListUsers":         {holds: []string{"Users[].UserName", "Users[].Arn"}, pages: true},
	"IAM.GetUser":           {holds: []string{"User.UserName", "User.Arn"}},
	"IAM.GetRole":           {holds: []string{"Role.RoleName", "Role.Arn"}},
	"IAM.GetUserPolicy":     {holds: []string{"UserName", "PolicyName", "PolicyDocument"}},
	"IAM.GetGroupPolicy":    {holds: []string{"GroupName", "PolicyName", "PolicyDocument"}},
	"IAM.GetRolePolicy":     {holds: []string{"RoleName", "PolicyName", "PolicyDocument"}},
	"IAM.GetPolicy":         {holds: []string{"Policy.Arn", "Policy.DefaultVersionId"}},
	"IAM.GetPolicyVersion": {holds: []string{"PolicyVersion.VersionId",
		"PolicyVersion.Document"}},
	"IAM.SimulatePrincipalPolicy": {holds: []string{"EvaluationResults[].EvalActionName",
		"EvaluationResults[].EvalDecision"}, pages: true},
	"Lambda.ListFunctions": {holds: []string{"Functions[].FunctionName"}, form: restJSON},
	"Lambda.ListTags":      {holds: []string{"Tags{}"}, form: restJSON},
	"Lambda.GetAccountSettings": {holds: []string{"AccountLimit.ConcurrentExecutions",
		"AccountLimit.UnreservedConcurrentExecutions"}, form: restJSON},
	"Lambda.GetFunctionConfiguration": {holds: []string{"FunctionName", "State"}, form: restJSON},
	"Lambda.GetFunctionConcurrency":   {only: "ReservedConcurrentExecutions", form: restJSON},
	"SNS.ListSubscriptionsByTopic": {holds: []string{"Subscriptions[].SubscriptionArn",
		"Subscriptions[].Protocol"}},
	"SNS.Publish":           {holds: []string{"MessageId"}, performs: true},
	"STS.GetCallerIdentity": {holds: []string{"Account", "Arn"}},
	"S3.GetObject":          {header: "ETag", form: s3Headers},
	"S3.PutObject":          {header: "ETag", form: s3Headers},
	"S3.ListObjectsV2":      {holds: []string{"Name", "IsTruncated"}, form: s3List},
}
