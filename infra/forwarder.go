package infra

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// ChangeForwarderProps are the props of NewChangeForwarder.
type ChangeForwarderProps struct {
	// HomeRegion is the region of the auditor, which must not be the stack's region. Required.
	HomeRegion *string
	// RolePath is the path of the new role. Default: /.
	RolePath *string
	// PermissionsBoundary is the permissions boundary of the new role. Default: none.
	PermissionsBoundary awsiam.IManagedPolicy
	// OpsTopic receives the alarm about changes that could not be forwarded. It must be in the region
	// of the stack. Default: the alarm notifies no topic.
	OpsTopic awssns.ITopic
}

const homeRegionForm = `^` + awsname.Region + `$`

// eventRegion is the region that receives IAM's events. In China the region is cn-north-1, but
// there EventBridge sends no events to another region:
// https://aws.amazon.com/blogs/compute/expanding-cross-region-event-routing-with-amazon-eventbridge/
const eventRegion = "us-east-1"

// Validate returns all errors in the props, joined. Each error names the field.
func (p *ChangeForwarderProps) Validate() error {
	if p == nil || p.HomeRegion == nil {
		return errors.New("ChangeForwarder: HomeRegion is required: set it to the region of the auditor")
	}
	var errs []error
	check := func(field, form, want string, value *string) {
		if value != nil && !*awscdk.Token_IsUnresolved(value) &&
			!regexp.MustCompile(form).MatchString(*value) {
			errs = append(errs, fmt.Errorf("%s: %q is not %s", field, *value, want))
		}
	}
	check("HomeRegion", homeRegionForm, "a region, such as eu-central-1", p.HomeRegion)
	if !*awscdk.Token_IsUnresolved(p.HomeRegion) && strings.HasPrefix(*p.HomeRegion, "cn-") {
		errs = append(errs, fmt.Errorf("HomeRegion: EventBridge sends no events to %s, because it "+
			"connects no regions in China: deploy the auditor in cn-north-1 without a forwarder, or rely "+
			"on its schedule", *p.HomeRegion))
	}
	for _, s := range properties() {
		if s.Property == "RolePath" {
			check(s.Property, s.Pattern, s.Wanted, p.RolePath)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("ChangeForwarder: %w", errors.Join(errs...))
}

// NewChangeForwarder adds a change forwarder to scope and returns it. The forwarder is a rule that
// forwards IAM changes to HomeRegion, the region of an auditor with ReactToChanges. A queue with an
// alarm keeps the changes that could not be forwarded. The stack of scope must be in us-east-1,
// because only this region receives IAM's events. An auditor in this region needs no forwarder.
// change-forwarder.yaml creates the same resources.
//
// NewChangeForwarder panics with the error of props.Validate. It also panics if CDK knows that the
// stack is in another region or in HomeRegion.
func NewChangeForwarder(scope constructs.Construct, id string,
	props *ChangeForwarderProps) constructs.Construct {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	// In another region no event matches, and a bus that forwards to itself would loop.
	switch region := awscdk.Stack_Of(scope).Region(); {
	case *awscdk.Token_IsUnresolved(region):
	case *region != eventRegion:
		panic(fmt.Errorf("ChangeForwarder: the stack is in %s, but IAM's events are in %s: deploy the "+
			"stack in that region", *region, eventRegion))
	case *region == *props.HomeRegion:
		panic(fmt.Errorf("ChangeForwarder: HomeRegion: an auditor in the stack's region %s needs no "+
			"forwarder", *region))
	}
	this := constructs.NewConstruct(scope, &id)
	path := props.RolePath
	if path == nil {
		path = jsii.String("/")
	}
	bus := jsii.Sprintf("arn:%s:events:%s:%s:event-bus/default", *awscdk.Aws_PARTITION(),
		*props.HomeRegion, *awscdk.Aws_ACCOUNT_ID())
	role := awsiam.NewRole(this, jsii.String("ForwardRole"), &awsiam.RoleProps{
		Description: jsii.String("EventBridge forwards IAM changes to remotion-audit's region"),
		Path:        path, PermissionsBoundary: props.PermissionsBoundary,
		AssumedBy: ownService("events.amazonaws.com"),
	})
	awsiam.NewPolicy(this, jsii.String("ForwardPolicy"), &awsiam.PolicyProps{
		PolicyName: jsii.String("forward"), Roles: &[]awsiam.IRole{role},
		Statements: &[]awsiam.PolicyStatement{allow("Forward", []string{"events:PutEvents"}, bus)},
	})
	failures := newQueue(this, "ForwardFailureQueue", &awssqs.QueueProps{
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)), // the maximum
	})
	rule := newChangeRule(this, "ForwardRule", &awsevents.CfnRule_TargetProperty{
		Id: jsii.String("HomeRegion"), Arn: bus, RoleArn: role.RoleArn(),
		DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: failures.QueueArn()},
	})
	allowRule(failures, rule)
	lostEventsAlarm(failures, alarmSpec{
		description: strings.Join([]string{
			"IAM changes could not be forwarded to " + *props.HomeRegion + ", so no audit followed them.",
			"The scheduled audits still find their effects.",
			"The queue " + *failures.QueueName() + " has the changes and the error:",
			"aws sqs receive-message --region " + *awscdk.Aws_REGION() + " --queue-url " +
				*failures.QueueUrl() + " --message-attribute-names All",
			"Fix the cause, then purge the queue to end this alarm:",
			"aws sqs purge-queue --region " + *awscdk.Aws_REGION() + " --queue-url " + *failures.QueueUrl(),
		}, "\n"),
		topic: props.OpsTopic,
	}).alarm(this, "ForwardFailuresAlarm")
	return this
}
