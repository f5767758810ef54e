package infra

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// ChangeForwarderProps says where changes in IAM go.
type ChangeForwarderProps struct {
	// HomeRegion is the region of the auditor, which is another than the stack's. Required.
	HomeRegion *string
	// RolePath is the path of the role that is made. Default: /.
	RolePath *string
	// PermissionsBoundary bounds the role that is made. Default: none.
	PermissionsBoundary awsiam.IManagedPolicy
}

const homeRegionForm = `^` + regionForm + `$`

// eventRegions are where IAM's events are, in the partitions where Remotion Lambda is.
var eventRegions = []string{"us-east-1", "cn-north-1"}

// Validate checks the props, every problem at once, each naming its field.
func (p *ChangeForwarderProps) Validate() error {
	if p == nil || p.HomeRegion == nil {
		return errors.New("ChangeForwarder: HomeRegion: required: the region of the auditor")
	}
	var errs []error
	check := func(field, form, want string, value *string) {
		if value != nil && !*awscdk.Token_IsUnresolved(value) &&
			!regexp.MustCompile(form).MatchString(*value) {
			errs = append(errs, fmt.Errorf("%s: %q is not %s", field, *value, want))
		}
	}
	check("HomeRegion", homeRegionForm, "a region, such as eu-central-1", p.HomeRegion)
	check("RolePath", rolePathForm, "a path that begins and ends with a slash", p.RolePath)
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("ChangeForwarder: %w", errors.Join(errs...))
}

// NewChangeForwarder adds to scope what forwards changes in IAM to the region of an auditor that
// reacts to them. It belongs into a stack in us-east-1 (in China cn-north-1), where IAM's events
// are; an auditor in that region needs none. It is the same as change-forwarder.yaml. It panics
// with the error of props.Validate if there is one, and where the stack's region is known, and a
// wrong one.
func NewChangeForwarder(scope constructs.Construct, id string,
	props *ChangeForwarderProps) constructs.Construct {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	// In another region no event would ever match; and events that a bus gets from itself would go
	// round and round.
	switch region := awscdk.Stack_Of(scope).Region(); {
	case *awscdk.Token_IsUnresolved(region):
	case !slices.Contains(eventRegions, *region):
		panic(fmt.Errorf("ChangeForwarder: the stack is in %s: IAM's events are in us-east-1 (in China "+
			"in cn-north-1), and so it belongs there", *region))
	case *region == *props.HomeRegion:
		panic(fmt.Errorf("ChangeForwarder: HomeRegion: an auditor in %s, where the stack is, gets the "+
			"events without it", *region))
	}
	this := constructs.NewConstruct(scope, &id)
	path := props.RolePath
	if path == nil {
		path = jsii.String("/")
	}
	bus := jsii.Sprintf("arn:%s:events:%s:%s:event-bus/default", *awscdk.Aws_PARTITION(),
		*props.HomeRegion, *awscdk.Aws_ACCOUNT_ID())
	role := awsiam.NewRole(this, jsii.String("ForwardRole"), &awsiam.RoleProps{
		Description: jsii.String("EventBridge forwards changes in IAM to remotion-audit's region"),
		Path:        path, PermissionsBoundary: props.PermissionsBoundary,
		AssumedBy: ownService("events.amazonaws.com"),
	})
	awsiam.NewPolicy(this, jsii.String("ForwardPolicy"), &awsiam.PolicyProps{
		PolicyName: jsii.String("forward"), Roles: &[]awsiam.IRole{role},
		Statements: &[]awsiam.PolicyStatement{allow("Forward", []string{"events:PutEvents"}, bus)},
	})
	newChangeRule(this, "ForwardRule", &awsevents.CfnRule_TargetProperty{Id: jsii.String("HomeRegion"),
		Arn: bus, RoleArn: role.RoleArn()})
	return this
}
