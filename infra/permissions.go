package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// A reach is the statement that grants the actions of a scope.
type reach struct {
	scope     contract.Scope
	sid       string
	resources []*string
}

// statements are what the function's role may do: the actions the code calls, each on what its
// scope names, and writing its own log. A scope that nobody told this function about panics.
func (a *permissionAuditor) statements(p PermissionAuditorProps) []awsiam.PolicyStatement {
	// Which roles exist is learnt at run time, so the reads reach every principal of this account.
	principals := func(kind string) *string {
		return jsii.Sprintf("arn:%s:iam::%s:%s/*", *awscdk.Aws_PARTITION(), *awscdk.Aws_ACCOUNT_ID(), kind)
	}
	evidence := func(key string) *string {
		return jsii.Sprintf("arn:%s:s3:::%s%s", *awscdk.Aws_PARTITION(), *a.evidence.BucketName(), key)
	}
	state := evidence("/state/" + *awscdk.Aws_ACCOUNT_ID() + "/*")
	reaches := []reach{
		{contract.ScopePrincipals, "SimulatePrincipals", []*string{principals("user"), principals("role")}},
		{contract.ScopeUsers, "ReadUsers", []*string{principals("user")}},
		{contract.ScopeGroups, "ReadGroups", []*string{principals("group")}},
		{contract.ScopeRoles, "ReadRoles", []*string{principals("role")}},
		{contract.ScopeAny, "List", []*string{jsii.String("*")}},
		{contract.ScopeFunctions, "ReadFunctions", []*string{
			jsii.Sprintf("arn:%s:lambda:*:%s:function:*", *awscdk.Aws_PARTITION(), *awscdk.Aws_ACCOUNT_ID()),
		}},
		{contract.ScopePolicies, "ReadPolicies", []*string{
			principals("policy"), jsii.Sprintf("arn:%s:iam::aws:policy/*", *awscdk.Aws_PARTITION()),
		}},
		// Without it a missing object looks forbidden. There is no prefix in that question to narrow it by.
		{contract.ScopeEvidence, "FindEvidence", []*string{evidence("")}},
		{contract.ScopeRemembered, "ReadEvidence", []*string{state, evidence("/mutes.yaml")}},
		{contract.ScopeRecorded, "KeepEvidence", []*string{state, evidence("/reports/*")}},
		{contract.ScopeTopic, "Alert", []*string{a.topic.TopicArn()}},
		// PutMetricData knows no resources; the condition, added below, is its narrower form.
		{contract.ScopeNamespace, "PublishMetrics", []*string{jsii.String("*")}},
	}
	byScope := map[contract.Scope][]string{}
	for _, permission := range append(contract.ReadPermissions(), contract.FunctionPermissions()...) {
		byScope[permission.Scope] = append(byScope[permission.Scope], permission.Action)
	}
	var statements []awsiam.PolicyStatement
	for _, r := range reaches {
		actions := byScope[r.scope]
		delete(byScope, r.scope)
		if len(actions) == 0 {
			continue
		}
		statement := allow(r.sid, actions, r.resources...)
		if r.scope == contract.ScopeNamespace {
			statement.AddCondition(jsii.String("StringEquals"), map[string]any{"cloudwatch:namespace": p.MetricNamespace})
		}
		statements = append(statements, statement)
	}
	for scope := range byScope {
		panic("infra: no resources are known for the scope " + string(scope))
	}
	// What Lambda does in the role's name.
	return append(statements, allow("WriteLogs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, a.logGroup.LogGroupArn()))
}

func allow(sid string, actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Actions: jsii.Strings(actions...), Resources: &resources,
	})
}
