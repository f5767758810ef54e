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

// scheduleInput is what Scheduler hands to the function; it fills in what stands between < and >.
// events/scheduler.json is what arrives. It is written out here because json.Marshal would
// spell < as \u003c, which Scheduler does not look for.
const scheduleInput = `{"command":"audit","schedule":"<aws.scheduler.schedule-arn>","scheduledTime":"<aws.scheduler.scheduled-time>"}`

// newSchedule is the schedule, with the role that lets Scheduler start the function, keep what it
// could not start, and do nothing else.
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
	if minutes := flexible(*p.ScheduleExpression); minutes > 0 {
		window = &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("FLEXIBLE"),
			MaximumWindowInMinutes: jsii.Number(minutes)}
	}
	schedule := awsscheduler.NewCfnSchedule(a, jsii.String("AuditSchedule"),
		&awsscheduler.CfnScheduleProps{
			Description:                jsii.String("Runs the audit of Remotion's permissions"),
			ScheduleExpression:         p.ScheduleExpression,
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
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: a.failures.QueueArn()},
			},
		})
	schedule.Node().AddDependency(policy) // so that the first run is allowed
	return schedule
}

// ownService is a service that acts for this account alone, whoever asks it to use the role.
// Scheduler documents the condition, and EventBridge's console makes roles with it.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
func ownService(name string) awsiam.IPrincipal {
	return awsiam.NewServicePrincipal(jsii.String(name), &awsiam.ServicePrincipalOpts{
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
	})
}

// newQueue is a queue with SQS's own key, which takes messages over TLS alone.
func newQueue(scope constructs.Construct, id string, props *awssqs.QueueProps) awssqs.Queue {
	props.Encryption = awssqs.QueueEncryption_SQS_MANAGED
	queue := awssqs.NewQueue(scope, jsii.String(id), props)
	queue.AddToResourcePolicy(tlsOnly("sqs:*", queue.QueueArn()))
	return queue
}

// newChangeQueue is where changes in IAM wait until IAM has settled, and a burst of them becomes
// one run.
func (a *permissionAuditor) newChangeQueue() awssqs.Queue {
	queue := newQueue(a, "ChangeQueue", &awssqs.QueueProps{
		DeliveryDelay: awscdk.Duration_Minutes(jsii.Number(1)),
		// older changes are news to nobody: the schedule has seen them
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(1)),
		// Six times the function's timeout, and the batching window:
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
		VisibilityTimeout: awscdk.Duration_Minutes(jsii.Number(7)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: a.failures, MaxReceiveCount: jsii.Number(3)},
	})
	rule := newChangeRule(a, "ChangeRule",
		&awsevents.CfnRule_TargetProperty{Id: jsii.String("ChangeQueue"), Arn: queue.QueueArn()})
	queue.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("Changes"), Actions: jsii.Strings("sqs:SendMessage"),
		Resources: &[]*string{queue.QueueArn()},
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"),
			nil)},
		Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.AttrArn()}},
	}))
	return queue
}

// newChangeRule matches the calls that change what IAM principals may do, and succeeded.
func newChangeRule(scope constructs.Construct, id string,
	target *awsevents.CfnRule_TargetProperty) awsevents.CfnRule {
	return awsevents.NewCfnRule(scope, jsii.String(id), &awsevents.CfnRuleProps{
		Description: jsii.String("Changes of what IAM principals may do, for remotion-audit"),
		State:       jsii.String("ENABLED"),
		EventPattern: map[string]any{
			"source":      []string{"aws.iam"},
			"detail-type": []string{"AWS API Call via CloudTrail"},
			"detail": map[string]any{
				"eventSource": []string{"iam.amazonaws.com"},
				"eventName":   contract.ChangeEvents(),
				"errorCode":   []any{map[string]any{"exists": false}}, // a call that failed has changed nothing
			},
		},
		Targets: []any{target},
	})
}

// newChangeSource lets Lambda take changes from their queue.
func (a *permissionAuditor) newChangeSource(policy awsiam.Policy) {
	source := awslambda.NewCfnEventSourceMapping(a, jsii.String("ChangeSource"),
		&awslambda.CfnEventSourceMappingProps{
			FunctionName: a.function.FunctionName(), EventSourceArn: a.changes.QueueArn(),
			BatchSize: jsii.Number(100), MaximumBatchingWindowInSeconds: jsii.Number(60),
			// The least there is; two runs at once announce once.
			ScalingConfig: &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(2)},
		})
	source.Node().AddDependency(policy) // Lambda asks whether the role may poll
}
