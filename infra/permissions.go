package infra

import (
	"os"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// statements returns the policy statements of the function's role. They allow the actions that the
// code calls, and the actions that AWS services call with the role. Each action is allowed on the
// resources of its scope. Statements for resources that the stack does not have are omitted.
func (a *permissionAuditor) statements(p PermissionAuditorProps) []awsiam.PolicyStatement {
	references := map[string]*string{
		"AWS::Partition":    awscdk.Aws_PARTITION(),
		"AWS::AccountId":    awscdk.Aws_ACCOUNT_ID(),
		"AWS::Region":       awscdk.Aws_REGION(),
		"MetricNamespace":   p.MetricNamespace,
		"EvidenceBucket":    a.evidence.BucketName(),
		"AlertTopic":        a.topic.TopicArn(),
		"AuditLogGroup.Arn": a.logGroup.LogGroupArn(),
		"FailureQueue.Arn":  a.failures.QueueArn(),
	}
	if a.changes != nil {
		references["ChangeQueue.Arn"] = a.changes.QueueArn()
	}
	if p.EvidenceKey != nil {
		references["EvidenceKmsKeyArn"] = p.EvidenceKey.KeyArn()
	}
	if a.key != nil {
		references["AlertTopicKey.Arn"] = a.key.KeyArn()
	}
	resolve := func(text string) *string {
		return jsii.String(os.Expand(text, func(name string) string {
			if references[name] == nil {
				panic("infra: unknown reference " + name)
			}
			return *references[name]
		}))
	}
	permissions := slices.Concat(contract.ReadPermissions(), contract.FunctionPermissions(),
		contract.OnBehalfPermissions())
	var statements []awsiam.PolicyStatement
	for _, s := range contract.Statements(*p.ReadScope, permissions) {
		if s.Scope == contract.ScopeChangeQueue && a.changes == nil ||
			s.Scope == contract.ScopeEvidenceKey && p.EvidenceKey == nil ||
			s.Scope == contract.ScopeTopicKey && a.key == nil {
			continue
		}
		var resources []*string
		for _, resource := range s.Resources {
			if resource == "${NamedPrincipals}" {
				resources = append(resources, *p.NamedPrincipals...)
			} else {
				resources = append(resources, resolve(resource))
			}
		}
		statement := allow(s.Sid, s.Actions, resources...)
		if c := s.Condition; c.Operator != "" {
			statement.AddCondition(&c.Operator, map[string]any{c.Key: resolve(c.Value)})
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
