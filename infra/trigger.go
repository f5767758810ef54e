package infra

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// scheduleInput is the event that Scheduler sends. Scheduler replaces each <…> with its value;
// events/scheduler.json shows the result. The constant is a literal, because json.Marshal would
// write < as \u003c, which Scheduler does not replace.
const scheduleInput = `{"command":"audit","schedule":"<aws.scheduler.schedule-arn>",` +
	`"scheduledTime":"<aws.scheduler.scheduled-time>"}`

// newSchedule creates the schedule and its role, and returns the schedule. The role may only start
// the function and send failed events to the failure queue.
func (a *permissionAuditor) newSchedule(p PermissionAuditorProps) awsscheduler.CfnSchedule {
	role := awsiam.NewRole(a, jsii.String("ScheduleRole"), &awsiam.RoleProps{
		Description: jsii.String("EventBridge Scheduler starts remotion-audit"),
		Path:        p.RolePath, PermissionsBoundary: p.PermissionsBoundary,
		AssumedBy: ownService("scheduler.amazonaws.com"),
	})
	policy := awsiam.NewPolicy(a, jsii.String("SchedulePolicy"), &awsiam.PolicyProps{
		PolicyName: jsii.String("invoke"),
		Roles:      &[]awsiam.IRole{role},
		Statements: &[]awsiam.PolicyStatement{
			allow("Invoke", []string{"lambda:InvokeFunction"}, a.function.FunctionArn()),
			allow("KeepFailures", []string{"sqs:SendMessage"}, a.failures.QueueArn()),
		},
	})
	window := &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")}
	when := p.schedule()
	if when.flexible > 0 {
		window = &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("FLEXIBLE"),
			MaximumWindowInMinutes: jsii.Number(when.flexible.Minutes())}
	}
	schedule := awsscheduler.NewCfnSchedule(a, jsii.String("AuditSchedule"),
		&awsscheduler.CfnScheduleProps{
			Description:                jsii.String("Runs the audit of Remotion's permissions"),
			ScheduleExpression:         &when.expression,
			ScheduleExpressionTimezone: p.TimeZone,
			FlexibleTimeWindow:         window,
			State:                      jsii.String("ENABLED"),
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn:     a.function.FunctionArn(),
				RoleArn: role.RoleArn(),
				Input:   jsii.String(scheduleInput),
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
					MaximumRetryAttempts: jsii.Number(2), MaximumEventAgeInSeconds: jsii.Number(3600),
				},
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{
					Arn: a.failures.QueueArn()},
			},
		})
	schedule.Node().AddDependency(policy) // the first run needs the policy
	return schedule
}

// ownService returns a service principal that may act only for this account. Scheduler documents
// the condition, and EventBridge's console creates roles with the same condition.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func ownService(name string) awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsii.String(name), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
	})
}

// newQueue returns a new queue that uses SQS managed encryption and requires TLS.
func newQueue(scope constructs.Construct, id string, props *awssqs.QueueProps) awssqs.Queue {
	props.Encryption = awssqs.QueueEncryption_SQS_MANAGED
	queue := awssqs.NewQueue(scope, jsii.String(id), props)
	queue.AddToResourcePolicy(tlsOnly("sqs:*", queue.QueueArn()))
	return queue
}

// newChangeQueue returns a new queue in which IAM changes wait until they are effective. It also
// creates the rule that sends the changes to the queue. Changes in quick succession cause one run.
func (a *permissionAuditor) newChangeQueue() awssqs.Queue {
	queue := newQueue(a, "ChangeQueue", &awssqs.QueueProps{
		DeliveryDelay: awscdk.Duration_Minutes(jsii.Number(1)),
		// By then, a scheduled run has usually audited the change.
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(1)),
		// Six times the function's timeout plus the batching window:
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
		VisibilityTimeout: awscdk.Duration_Minutes(jsii.Number(7)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: a.failures, MaxReceiveCount: jsii.Number(3)},
	})
	rule := newChangeRule(a, "ChangeRule", &awsevents.CfnRule_TargetProperty{
		Id: jsii.String("ChangeQueue"), Arn: queue.QueueArn(),
		DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: a.failures.QueueArn()},
	})
	allowRule(queue, rule)
	allowRule(a.failures, rule)
	return queue
}

// allowRule lets EventBridge send to the queue, for this rule only.
func allowRule(queue awssqs.Queue, rule awsevents.CfnRule) {
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Changes"), Actions: jsii.Strings("sqs:SendMessage"),
		Resources: &[]*string{queue.QueueArn()},
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"),
			nil)},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.AttrArn()}},
	}))
}

// newChangeRule returns a new rule for successful IAM calls that can change permissions.
func newChangeRule(scope constructs.Construct, id string,
	target *awsevents.CfnRule_TargetProperty) awsevents.CfnRule {
	return awsevents.NewCfnRule(scope, jsii.String(id), &awsevents.CfnRuleProps{
		Description: jsii.String("IAM changes that can affect permissions, for remotion-audit"),
		State:       jsii.String("ENABLED"),
		EventPattern: map[string]any{
			"source":      []string{"aws.iam"},
			"detail-type": []string{"AWS API Call via CloudTrail"},
			"detail": map[string]any{
				"eventSource": []string{"iam.amazonaws.com"},
				"eventName":   contract.ChangeEvents(),
				"errorCode":   []any{map[string]any{"exists": false}}, // a failed call has no effect
			},
		},
		Targets: []any{target},
	})
}

// newChangeSource connects the queue of IAM changes to the function.
func (a *permissionAuditor) newChangeSource(policy awsiam.Policy) {
	source := awslambda.NewCfnEventSourceMapping(a, jsii.String("ChangeSource"),
		&awslambda.CfnEventSourceMappingProps{
			FunctionName: a.function.FunctionName(), EventSourceArn: a.changes.QueueArn(),
			BatchSize: jsii.Number(100), MaximumBatchingWindowInSeconds: jsii.Number(60),
			// Two is the minimum. Two concurrent runs still send only one alert.
			ScalingConfig: &awslambda.CfnEventSourceMapping_ScalingConfigProperty{
				MaximumConcurrency: jsii.Number(2)},
		})
	source.Node().AddDependency(policy) // Lambda checks that the role may poll the queue
}
