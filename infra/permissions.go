package infra

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// statements returns the policy statements of the function's role. They allow the actions that the
// code calls, and the actions that AWS services call with the role. Each action is allowed on the
// resources of its scope; statements panics for an unknown scope.
func (a *permissionAuditor) statements(p PermissionAuditorProps) []awsiam.PolicyStatement {
	arn := func(resource string) *string {
		return jsii.Sprintf("arn:%s:%s", *awscdk.Aws_PARTITION(), resource)
	}
	account := *awscdk.Aws_ACCOUNT_ID()
	ofAWS := arn("iam::aws:policy/*")
	// The roles of functions are known only at run time. So the role may read every principal of the
	// account, unless the read scope is named.
	every := func(kind string) *string { return arn("iam::" + account + ":" + kind + "/*") }
	evidence := func(key string) *string { return arn("s3:::" + *a.evidence.BucketName() + key) }
	state := evidence("/state/" + account + "/*")
	resources := map[contract.Scope][]*string{
		contract.ScopePrincipals: {every("user"), every("role")},
		contract.ScopeUsers:      {every("user")},
		contract.ScopeGroups:     {every("group")},
		contract.ScopeRoles:      {every("role")},
		contract.ScopeAny:        {jsii.String("*")},
		contract.ScopeFunctions:  {arn("lambda:*:" + account + ":function:*")},
		contract.ScopePolicies:   {every("policy"), ofAWS},
		// With s3:ListBucket, S3 answers 404 instead of 403 for a missing object. No condition limits the
		// action to a prefix, because a GetObject request contains no prefix.
		contract.ScopeEvidence:       {evidence("")},
		contract.ScopeEvidenceReads:  {state, evidence("/mutes.yaml")},
		contract.ScopeEvidenceWrites: {state, evidence("/reports/*")},
		contract.ScopeTopic:          {a.topic.TopicArn()},
		// PutMetricData supports no resource. The condition below limits it to one namespace.
		contract.ScopeNamespace:    {jsii.String("*")},
		contract.ScopeLog:          {a.logGroup.LogGroupArn()},
		contract.ScopeFailureQueue: {a.failures.QueueArn()},
		// The resources of these scopes are set below, if they exist.
		contract.ScopeChangeQueue: nil,
		contract.ScopeTopicKey:    nil,
	}
	if p.NamedPrincipals != nil {
		resources[contract.ScopeNamed] = append(slices.Clone(*p.NamedPrincipals), ofAWS)
	}
	if a.changes != nil {
		resources[contract.ScopeChangeQueue] = []*string{a.changes.QueueArn()}
	}
	if a.key != nil {
		resources[contract.ScopeTopicKey] = []*string{a.key.KeyArn()}
	}
	permissions := slices.Concat(contract.ReadPermissions(), contract.FunctionPermissions(),
		contract.OnBehalfPermissions())
	var statements []awsiam.PolicyStatement
	for _, s := range contract.Statements(*p.ReadScope, permissions) {
		arns, known := resources[s.Scope]
		if !known {
			panic("infra: unknown scope " + string(s.Scope))
		}
		if len(arns) == 0 {
			continue
		}
		statement := allow(s.Sid, s.Actions, arns...)
		switch s.Scope {
		case contract.ScopeNamespace:
			statement.AddCondition(jsii.String("StringEquals"),
				map[string]any{"cloudwatch:namespace": p.MetricNamespace})
		case contract.ScopeTopicKey:
			// The wildcard is for China: service names end in .cn in some places, and KMS does not document
			// which form it compares. Only AWS sets this context key.
			statement.AddCondition(jsii.String("StringLike"),
				map[string]any{"kms:ViaService": "sns." + *awscdk.Aws_REGION() + ".amazonaws.com*"})
		}
		statements = append(statements, statement)
	}
	return statements
}

func allow(sid string, actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String(sid), Actions: jsii.Strings(actions...), Resources: &resources,
	})
}
