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

// A givenTopic is a topic among the props, by the name of its field.
type givenTopic struct {
	field string
	awssns.ITopic
}

// givenTopics are the topics that are given.
func (p *PermissionAuditorProps) givenTopics() []givenTopic {
	all := []givenTopic{{"AlertTopic", p.AlertTopic}, {"OpsTopic", p.OpsTopic},
		{"PagerTopic", p.PagerTopic}}
	return slices.DeleteFunc(all, func(t givenTopic) bool { return t.ITopic == nil })
}

// elsewhere is an error for each topic of another region than the stack's, where both are known:
// alarms cannot tell it.
func (p *PermissionAuditorProps) elsewhere(stack awscdk.Stack) error {
	var errs []error
	for _, given := range p.givenTopics() {
		here, there := stack.Region(), given.Env().Region
		if !*awscdk.Token_IsUnresolved(here) && !*awscdk.Token_IsUnresolved(there) && *here != *there {
			errs = append(errs,
				fmt.Errorf("PermissionAuditor: %s: is in %s, and the stack in %s: an alarm tells topics of "+
					"its own region alone", given.field, *there, *here))
		}
	}
	return errors.Join(errs...)
}

// newTopic is the topic of the alerts and its key: those that are given, or new ones. A topic that
// is given without a key may have one that CDK knows of.
func (a *permissionAuditor) newTopic(p PermissionAuditorProps) (awssns.ITopic, awskms.IKey) {
	topic, key := p.AlertTopic, p.AlertTopicKey
	if topic == nil {
		if key == nil {
			key = a.newTopicKey()
		}
		made := awssns.NewTopic(a, jsii.String("AlertTopic"),
			&awssns.TopicProps{DisplayName: jsii.String("Remotion audit"), MasterKey: key})
		// The function publishes by its own role. Alarms are of this account's CloudWatch alone.
		made.AddToResourcePolicy(letAlarms([]string{"sns:Publish"}, made.TopicArn()))
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

// newTopicKey is a key that alarms can use. AWS's own key for SNS does not let them publish, and
// says so in the alarm's history alone:
// https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
func (a *permissionAuditor) newTopicKey() awskms.IKey {
	return awskms.NewKey(a, jsii.String("AlertTopicKey"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts remotion-audit's alerts"),
		EnableKeyRotation: jsii.Bool(true),
		// Nothing lasting is encrypted with it: a message lives until it is delivered.
		PendingWindow: awscdk.Duration_Days(jsii.Number(7)),
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Policy: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
			// So that this account's policies, the function's role among them, decide.
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Sid: jsii.String("Account"), Principals: &[]awsiam.IPrincipal{awsiam.NewAccountRootPrincipal()},
				Actions: jsii.Strings("kms:*"), Resources: jsii.Strings("*"),
			}),
			letAlarms([]string{"kms:GenerateDataKey*", "kms:Decrypt"}, jsii.String("*")),
		}}),
	})
}

// letAlarms lets this account's CloudWatch alarms do something, with the condition that CloudWatch
// documents, and SNS for a key.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
func letAlarms(actions []string, resource *string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Alarms"), Actions: jsii.Strings(actions...), Resources: &[]*string{resource},
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
	})
}
