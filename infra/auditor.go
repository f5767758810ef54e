package infra

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// PermissionAuditor is the construct of the deployed auditor.
type PermissionAuditor interface {
	constructs.Construct
	// Function runs the audit.
	Function() awslambda.Function
	// Role is the function's role. It already has all permissions that the function needs.
	Role() awsiam.Role
	// Topic receives the alerts. Subscribe to it.
	Topic() awssns.ITopic
	// LogGroup is the log group of the function.
	LogGroup() awslogs.LogGroup
	// Schedule starts the audit.
	Schedule() awsscheduler.CfnSchedule
	// EvidenceBucket holds state, mutes and reports.
	EvidenceBucket() awss3.IBucket
	// FailureQueue holds the events of lost runs for two weeks.
	FailureQueue() awssqs.Queue
	// Alarms contains the alarms by name: DeadMan, Blind, Errors, FailureQueue, AlertFailures,
	// NoSubscribers, GapsCritical and Gaps.
	Alarms() map[string]awscloudwatch.Alarm
	// Dashboard is the dashboard; nil if Dashboard is false in the props.
	Dashboard() awscloudwatch.CfnDashboard
}

type permissionAuditor struct {
	constructs.Construct
	function  awslambda.Function
	role      awsiam.Role
	topic     awssns.ITopic
	key       awskms.IKey // of the topic; nil if CDK does not know a key
	logGroup  awslogs.LogGroup
	schedule  awsscheduler.CfnSchedule
	evidence  awss3.IBucket
	failures  awssqs.Queue
	changes   awssqs.Queue // the queue of IAM changes; nil without ReactToChanges
	alarms    map[string]awscloudwatch.Alarm
	dashboard awscloudwatch.CfnDashboard
}

func (a *permissionAuditor) Function() awslambda.Function           { return a.function }
func (a *permissionAuditor) Role() awsiam.Role                      { return a.role }
func (a *permissionAuditor) Topic() awssns.ITopic                   { return a.topic }
func (a *permissionAuditor) LogGroup() awslogs.LogGroup             { return a.logGroup }
func (a *permissionAuditor) Schedule() awsscheduler.CfnSchedule     { return a.schedule }
func (a *permissionAuditor) EvidenceBucket() awss3.IBucket          { return a.evidence }
func (a *permissionAuditor) FailureQueue() awssqs.Queue             { return a.failures }
func (a *permissionAuditor) Alarms() map[string]awscloudwatch.Alarm { return a.alarms }
func (a *permissionAuditor) Dashboard() awscloudwatch.CfnDashboard  { return a.dashboard }

// NewPermissionAuditor adds an auditor to scope and returns it. Like CDK's own constructs, it
// panics for invalid props, with the error of props.Validate. It also panics if CDK knows that a
// topic is in another region than the stack, or if Code is nil and the build of the function fails.
func NewPermissionAuditor(scope constructs.Construct, id string,
	props *PermissionAuditorProps) PermissionAuditor {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	stack := awscdk.Stack_Of(scope)
	p := props.withDefaults(stack)
	if err := p.checkTopicRegions(stack); err != nil {
		panic(err)
	}
	this := &permissionAuditor{}
	// With an embedded NewConstruct, jsii would see two objects.
	constructs.NewConstruct_Override(this, scope, &id)

	// The ids below equal the logical ids in template.yaml, so that the parity test can compare both.
	this.failures = newQueue(this, "FailureQueue", &awssqs.QueueProps{
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)), // the maximum
	})
	if *p.ReactToChanges {
		this.changes = this.newChangeQueue()
	}
	this.topic, this.key = this.newTopic(p)
	this.logGroup = awslogs.NewLogGroup(this, jsii.String("AuditLogGroup"), &awslogs.LogGroupProps{
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY, // delete the logs with the stack
	})
	this.logGroup.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(p.LogRetentionDays)
	this.role = awsiam.NewRole(this, jsii.String("AuditRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("remotion-audit reads and simulates IAM policies, publishes " +
			"metrics and alerts"),
		Path:                p.RolePath,
		PermissionsBoundary: p.PermissionsBoundary,
	})
	this.evidence = this.newEvidence(p)
	statements := this.statements(p)
	policy := awsiam.NewPolicy(this, jsii.String("AuditPolicy"), &awsiam.PolicyProps{
		PolicyName: jsii.String("audit"), Roles: &[]awsiam.IRole{this.role}, Statements: &statements,
	})
	this.function = awslambda.NewFunction(this, jsii.String("AuditFunction"), &awslambda.FunctionProps{
		Description:  jsii.String("Audits the permissions of Remotion Lambda"),
		Code:         p.Code,
		Handler:      jsii.String("bootstrap"),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(),
		Architecture: awslambda.Architecture_ARM_64(),
		// An audit of a few callers needs a few dozen MB, but the CPU share depends on the memory size,
		// and TLS handshakes need CPU. An hourly run of 2 s with 256 MB costs half a cent a month: 720 x
		// 2 s x 0.25 GB x $0.0000133.
		MemorySize: p.MemorySize,
		// A run takes seconds. The rest of the minute is for throttled calls. The last seconds are
		// reserved for the alert and the metrics.
		Timeout:       awscdk.Duration_Minutes(jsii.Number(1)),
		Role:          this.role,
		LogGroup:      this.logGroup,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Environment:   this.environment(p),
	})
	this.function.Node().AddDependency(policy) // the first run needs the policy
	// The function fails if the audit could not run or the alert could not be sent, but not because
	// of a gap. One retry covers a short outage. An event that fails twice goes to the queue, which
	// has an alarm. CDK's own destination would add a grant that the policy already contains.
	awslambda.NewCfnEventInvokeConfig(this, jsii.String("AuditFunctionEventInvokeConfig"),
		&awslambda.CfnEventInvokeConfigProps{
			FunctionName: this.function.FunctionName(), Qualifier: jsii.String("$LATEST"),
			MaximumRetryAttempts: jsii.Number(1), MaximumEventAgeInSeconds: jsii.Number(3600),
			DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
				OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{
					Destination: this.failures.QueueArn()},
			},
		}).Node().AddDependency(policy) // Lambda checks that the role may send to the queue
	this.schedule = this.newSchedule(p)
	if *p.ReactToChanges {
		this.newChangeSource(policy)
	}
	this.alarms = this.newAlarms(p)
	if *p.Dashboard {
		this.dashboard = this.newDashboard(p)
	}
	return this
}

func commaSeparated(list *[]*string) *string {
	if list == nil {
		return jsii.String("")
	}
	if *awscdk.Token_IsUnresolved(list) { // the value of a list parameter
		return awscdk.Fn_Join(jsii.String(","), list)
	}
	var values []string
	for _, v := range *list {
		if v != nil { // Validate reports nil elements
			values = append(values, *v)
		}
	}
	return jsii.String(strings.Join(values, ","))
}
