package infra

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// A reach is the statement that grants the actions of a scope. Without resources, or actions, there is none.
type reach struct {
	scope     contract.Scope
	sid       string
	resources []*string
}

// scopeNamed is that of all reads where the read scope narrows them: one statement, since each further copy of the names
// counts towards what a role's inline policies may have.
const scopeNamed contract.Scope = "named"

// statements are what the function's role may do: the actions the code calls, and those that AWS does in the role's
// name, each on what its scope names. A scope that nobody told this function about panics.
func (a *permissionAuditor) statements(p PermissionAuditorProps) []awsiam.PolicyStatement {
	arn := func(resource string) *string { return jsii.Sprintf("arn:%s:%s", *awscdk.Aws_PARTITION(), resource) }
	account := *awscdk.Aws_ACCOUNT_ID()
	ofAWS := arn("iam::aws:policy/*")
	// Which roles exist is learnt at run time, so the reads reach every principal of this account, unless the
	// read scope narrows them.
	every := func(kind string) *string { return arn("iam::" + account + ":" + kind + "/*") }
	named := *p.ReadScope == contract.ReadScopeNamed
	evidence := func(key string) *string { return arn("s3:::" + *a.evidence.BucketName() + key) }
	state := evidence("/state/" + account + "/*")
	reaches := []reach{
		{scopeNamed, "ReadNamed", nil},
		{contract.ScopePrincipals, "SimulatePrincipals", []*string{every("user"), every("role")}},
		{contract.ScopeUsers, "ReadUsers", []*string{every("user")}},
		{contract.ScopeGroups, "ReadGroups", []*string{every("group")}},
		{contract.ScopeRoles, "ReadRoles", []*string{every("role")}},
		{contract.ScopeAny, "List", []*string{jsii.String("*")}},
		{contract.ScopeFunctions, "ReadFunctions", []*string{arn("lambda:*:" + account + ":function:*")}},
		{contract.ScopePolicies, "ReadPolicies", []*string{every("policy"), ofAWS}},
		// Without it a missing object looks forbidden. There is no prefix in that question to narrow it by.
		{contract.ScopeEvidence, "FindEvidence", []*string{evidence("")}},
		{contract.ScopeRemembered, "ReadEvidence", []*string{state, evidence("/mutes.yaml")}},
		{contract.ScopeRecorded, "KeepEvidence", []*string{state, evidence("/reports/*")}},
		{contract.ScopeTopic, "Alert", []*string{a.topic.TopicArn()}},
		// PutMetricData knows no resources; the condition, added below, is its narrower form.
		{contract.ScopeNamespace, "PublishMetrics", []*string{jsii.String("*")}},
		{contract.ScopeLog, "WriteLogs", []*string{a.logGroup.LogGroupArn()}},
		{contract.ScopeFailures, "KeepFailures", []*string{a.failures.QueueArn()}},
		{contract.ScopeChanges, "TakeChanges", nil},
		{contract.ScopeTopicKey, "EncryptAlerts", nil},
	}
	for i := range reaches {
		switch r := &reaches[i]; {
		case r.scope == scopeNamed && named:
			r.resources = append(slices.Clone(*p.NamedPrincipals), ofAWS)
		case r.scope == contract.ScopeChanges && a.changes != nil:
			r.resources = []*string{a.changes.QueueArn()}
		case r.scope == contract.ScopeTopicKey && a.key != nil:
			r.resources = []*string{a.key.KeyArn()}
		}
	}
	byScope := map[contract.Scope][]string{}
	for _, permission := range contract.ReadPermissions() {
		switch {
		case !named:
			byScope[permission.Scope] = append(byScope[permission.Scope], permission.Action)
		case !permission.Discovers():
			byScope[scopeNamed] = append(byScope[scopeNamed], permission.Action)
		}
	}
	for _, permission := range slices.Concat(contract.FunctionPermissions(), contract.OnBehalf()) {
		byScope[permission.Scope] = append(byScope[permission.Scope], permission.Action)
	}
	var statements []awsiam.PolicyStatement
	for _, r := range reaches {
		actions := byScope[r.scope]
		delete(byScope, r.scope)
		if len(actions) == 0 || len(r.resources) == 0 {
			continue
		}
		statement := allow(r.sid, actions, r.resources...)
		switch r.scope {
		case contract.ScopeNamespace:
			statement.AddCondition(jsii.String("StringEquals"), map[string]any{"cloudwatch:namespace": p.MetricNamespace})
		case contract.ScopeTopicKey:
			// The wildcard is for China, where a service's name ends in .cn in one place and not in another, and KMS does
			// not document which it compares. Only AWS sets the key.
			statement.AddCondition(jsii.String("StringLike"), map[string]any{"kms:ViaService": "sns." + *awscdk.Aws_REGION() + ".amazonaws.com*"})
		}
		statements = append(statements, statement)
	}
	for scope := range byScope {
		panic("infra: no resources are known for the scope " + string(scope))
	}
	return statements
}

func allow(sid string, actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Actions: jsii.Strings(actions...), Resources: &resources,
	})
}
