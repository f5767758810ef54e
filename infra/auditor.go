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

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// PermissionAuditor is the deployed auditor.
type PermissionAuditor interface {
	constructs.Construct
	// Function is the audit.
	Function() awslambda.Function
	// Role is the function's role. Whatever is granted to it beyond what it has is not needed.
	Role() awsiam.Role
	// Topic gets the alerts. Subscribe to it.
	Topic() awssns.ITopic
	// LogGroup is where the function logs.
	LogGroup() awslogs.LogGroup
	// Schedule runs the audit.
	Schedule() awsscheduler.CfnSchedule
	// EvidenceBucket is where state, mutes and reports are kept.
	EvidenceBucket() awss3.IBucket
	// FailureQueue keeps the events of runs that were lost, for two weeks.
	FailureQueue() awssqs.Queue
	// Alarms are by name: DeadMan, Blind, Errors, FailureQueue, AlertFailures, NoSubscribers,
	// GapsCritical and Gaps.
	Alarms() map[string]awscloudwatch.Alarm
	// Dashboard is the dashboard, nil where none was asked for.
	Dashboard() awscloudwatch.CfnDashboard
}

type permissionAuditor struct {
	constructs.Construct
	function  awslambda.Function
	role      awsiam.Role
	topic     awssns.ITopic
	key       awskms.IKey // of the topic; nil for none
	logGroup  awslogs.LogGroup
	schedule  awsscheduler.CfnSchedule
	evidence  awss3.IBucket
	failures  awssqs.Queue
	changes   awssqs.Queue // nil for none
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

// NewPermissionAuditor adds an auditor to scope. It panics with the error of props.Validate if
// there is one, as CDK's own constructs do with theirs, and where a topic is known to be of another
// region than the stack.
func NewPermissionAuditor(scope constructs.Construct, id string,
	props *PermissionAuditorProps) PermissionAuditor {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	p := props.withDefaults()
	if err := p.elsewhere(awscdk.Stack_Of(scope)); err != nil {
		panic(err)
	}
	this := &permissionAuditor{}
	// and not an embedded NewConstruct: jsii would see two objects
	constructs.NewConstruct_Override(this, scope, &id)

	// The ids below are the logical ids of template.yaml: the parity test goes by them.
	this.failures = newQueue(this, "FailureQueue", &awssqs.QueueProps{
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)), // the longest there is
	})
	if *p.ReactToChanges {
		this.changes = this.newChangeQueue()
	}
	this.topic, this.key = this.newTopic(p)
	this.logGroup = awslogs.NewLogGroup(this, jsii.String("AuditLogGroup"), &awslogs.LogGroupProps{
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY, // goes with the stack, and so do its logs
	})
	this.logGroup.Node().DefaultChild().(awslogs.CfnLogGroup).SetRetentionInDays(p.LogRetentionDays)
	this.role = awsiam.NewRole(this, jsii.String("AuditRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("remotion-audit reads IAM, asks its simulator, publishes " +
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
		// The audit needs a few dozen MB, but Lambda gives CPU by memory, and TLS handshakes want some.
		// An hourly run of 2 s costs half a cent a month: 720 x 2 s x 0.25 GB x $0.0000133.
		MemorySize: jsii.Number(256),
		// A run takes seconds. What is left of the minute is for a throttled IAM, and the last of it
		// is kept for telling what is known.
		Timeout:       awscdk.Duration_Minutes(jsii.Number(1)),
		Role:          this.role,
		LogGroup:      this.logGroup,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Environment:   this.environment(p),
	})
	this.function.Node().AddDependency(policy) // so that the first run already finds its permissions
	// The function fails when the audit could not run or nobody could be told, never for a gap. One
	// retry gets over a passing outage; what fails twice is kept in the queue, and an alarm says so.
	// CDK's own destination would grant what the policy grants already.
	awslambda.NewCfnEventInvokeConfig(this, jsii.String("AuditFunctionEventInvokeConfig"),
		&awslambda.CfnEventInvokeConfigProps{
			FunctionName: this.function.FunctionName(), Qualifier: jsii.String("$LATEST"),
			MaximumRetryAttempts: jsii.Number(1), MaximumEventAgeInSeconds: jsii.Number(3600),
			DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
				OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: this.failures.QueueArn()},
			},
		}).Node().AddDependency(policy) // Lambda asks whether the role may send to the queue
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

// environment is the function's environment. Every variable is set, so that the console shows them
// all.
func (a *permissionAuditor) environment(p PermissionAuditorProps) *map[string]*string {
	return &map[string]*string{
		contract.EnvCallers:         commaSeparated(p.Callers),
		contract.EnvRenderRole:      p.RenderRole,
		contract.EnvRemotionVersion: p.RemotionVersion,
		contract.EnvRegions:         commaSeparated(p.Regions),
		contract.EnvBuckets:         commaSeparated(p.Buckets),
		contract.EnvAssumedContext:  commaSeparated(p.AssumedContext),
		contract.EnvTopicARN:        a.topic.TopicArn(),
		contract.EnvHTTPSFormat:     p.HTTPSFormat,
		contract.EnvMetricNamespace: p.MetricNamespace,
		contract.EnvEvidenceBucket:  a.evidence.BucketName(),
		contract.EnvAuditorID:       p.AuditorID,
		contract.EnvRepeatAfter:     p.RepeatAfter,
		contract.EnvReadScope:       p.ReadScope,
	}
}

func commaSeparated(list *[]*string) *string {
	if list == nil {
		return jsii.String("")
	}
	if *awscdk.Token_IsUnresolved(list) { // as the value of a parameter that is a list
		return awscdk.Fn_Join(jsii.String(","), list)
	}
	var values []string
	for _, v := range *list {
		if v != nil { // else Validate says so
			values = append(values, *v)
		}
	}
	return jsii.String(strings.Join(values, ","))
}
