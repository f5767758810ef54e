package infra

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// givenTopic is a topic in the props with the name of its field.
type givenTopic struct {
	field string
	awssns.ITopic
}

// givenTopics returns the topics in the props.
func (p *PermissionAuditorProps) givenTopics() []givenTopic {
	all := []givenTopic{{"AlertTopic", p.AlertTopic}, {"OpsTopic", p.OpsTopic},
		{"PagerTopic", p.PagerTopic}}
	return slices.DeleteFunc(all, func(t givenTopic) bool { return t.ITopic == nil })
}

// checkTopicRegions returns an error for each topic that CDK knows to be in another region than the
// stack. Alarms cannot use such a topic.
func (p *PermissionAuditorProps) checkTopicRegions(stack awscdk.Stack) error {
	var errs []error
	for _, given := range p.givenTopics() {
		here, there := stack.Region(), given.Env().Region
		if !*awscdk.Token_IsUnresolved(here) && !*awscdk.Token_IsUnresolved(there) && *here != *there {
			errs = append(errs,
				fmt.Errorf("PermissionAuditor: %s is in %s, but the stack is in %s: alarms can use only "+
					"topics of their own region", given.field, *there, *here))
		}
	}
	return errors.Join(errs...)
}

// newTopic returns the topic of the alerts and the key of the topic. It creates what the props do
// not contain. If the props contain a topic but no key, it returns the key that CDK knows for the
// topic, which can be nil. newTopic also subscribes AlertEmail to the topic.
func (a *permissionAuditor) newTopic(p PermissionAuditorProps) (awssns.ITopic, awskms.IKey) {
	topic, key := p.AlertTopic, p.AlertTopicKey
	if topic == nil {
		if key == nil {
			key = a.newTopicKey()
		}
		made := awssns.NewTopic(a, jsii.String("AlertTopic"),
			&awssns.TopicProps{DisplayName: jsii.String("Remotion audit"), MasterKey: key})
		// Only alarms of this account need the policy, because the function publishes with its own role.
		made.AddToResourcePolicy(allowAlarms([]string{"sns:Publish"}, made.TopicArn()))
		made.AddToResourcePolicy(tlsOnly("sns:Publish", made.TopicArn()))
		topic = made
	} else if key == nil {
		key = topic.MasterKey()
	}
	if p.AlertEmail != nil {
		awssns.NewSubscription(a, jsii.String("AlertEmailSubscription"), &awssns.SubscriptionProps{
			Topic: topic, Protocol: awssns.SubscriptionProtocol_EMAIL, Endpoint: p.AlertEmail,
		})
	}
	return topic, key
}

// newTopicKey returns a new key that alarms can use. With the AWS managed key for SNS, alarms
// cannot publish, and only the history of an alarm shows the error:
// https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
func (a *permissionAuditor) newTopicKey() awskms.IKey {
	return awskms.NewKey(a, jsii.String("AlertTopicKey"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts remotion-audit's alerts"),
		EnableKeyRotation: jsii.Bool(true),
		// The key encrypts only messages until their delivery, so it can be deleted with the stack.
		PendingWindow: awscdk.Duration_Days(jsii.Number(7)),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Policy: awsiam.NewPolicyDocument(
			&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
				// With this statement, IAM policies of the account can allow the use of the key. The policy of
				// the function's role does so.
				awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
					Sid:        jsii.String("Account"),
					Principals: &[]awsiam.IPrincipal{awsiam.NewAccountRootPrincipal()},
					Actions:    jsii.Strings("kms:*"), Resources: jsii.Strings("*"),
				}),
				allowAlarms([]string{"kms:GenerateDataKey*", "kms:Decrypt"}, jsii.String("*")),
			}}),
	})
}

// allowAlarms returns a statement that allows the actions to this account's CloudWatch alarms.
// CloudWatch documents the condition for topics, and SNS documents it for keys.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
func allowAlarms(actions []string, resource *string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Actions: jsii.Strings(actions...), Resources: &[]*string{resource},
		Principals: &[]awsiam.IPrincipal{
			awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
	})
}
