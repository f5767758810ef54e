package infra

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
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
	Topic() awssns.Topic
	// LogGroup is where the function logs.
	LogGroup() awslogs.LogGroup
	// Schedule runs the audit.
	Schedule() awsscheduler.CfnSchedule
	// EvidenceBucket is where state, mutes and reports are kept.
	EvidenceBucket() awss3.IBucket
}

type permissionAuditor struct {
	constructs.Construct
	function awslambda.Function
	role     awsiam.Role
	topic    awssns.Topic
	logGroup awslogs.LogGroup
	schedule awsscheduler.CfnSchedule
	evidence awss3.IBucket
}

func (a *permissionAuditor) Function() awslambda.Function       { return a.function }
func (a *permissionAuditor) Role() awsiam.Role                  { return a.role }
func (a *permissionAuditor) Topic() awssns.Topic                { return a.topic }
func (a *permissionAuditor) LogGroup() awslogs.LogGroup         { return a.logGroup }
func (a *permissionAuditor) Schedule() awsscheduler.CfnSchedule { return a.schedule }
func (a *permissionAuditor) EvidenceBucket() awss3.IBucket      { return a.evidence }

// scheduleInput is what Scheduler hands to the function; it fills in what stands between < and >.
// events/scheduler.json is what arrives. It is written out here because json.Marshal would
// spell < as \u003c, which Scheduler does not look for.
const scheduleInput = `{"command":"audit","schedule":"<aws.scheduler.schedule-arn>","scheduledTime":"<aws.scheduler.scheduled-time>"}`

// NewPermissionAuditor adds an auditor to scope. It panics with the error of props.Validate
// if there is one, as CDK's own constructs do with theirs.
func NewPermissionAuditor(scope constructs.Construct, id string, props *PermissionAuditorProps) PermissionAuditor {
	if err := props.Validate(); err != nil {
		panic(err)
	}
	p := props.withDefaults()
	this := &permissionAuditor{}
	constructs.NewConstruct_Override(this, scope, &id) // and not an embedded NewConstruct: jsii would see two objects

	// The ids below are the logical ids of template.yaml: the parity test goes by them.
	this.topic = awssns.NewTopic(this, jsii.String("AlertTopic"), &awssns.TopicProps{
		DisplayName: jsii.String("Remotion audit"),
	})
	if p.AlertEmail != nil {
		awssns.NewSubscription(this, jsii.String("AlertEmailSubscription"), &awssns.SubscriptionProps{
			Topic: this.topic, Protocol: awssns.SubscriptionProtocol_EMAIL, Endpoint: p.AlertEmail,
		})
	}
	this.evidence = this.newEvidence(p)
	this.logGroup = awslogs.NewLogGroup(this, jsii.String("AuditLogGroup"), &awslogs.LogGroupProps{
		Retention:     awslogs.RetentionDays_ONE_MONTH,
		RemovalPolicy: awscdk.RemovalPolicy_DESTROY, // goes with the stack, and so do its logs
	})
	this.role = awsiam.NewRole(this, jsii.String("AuditRole"), &awsiam.RoleProps{
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		Description: jsii.String("remotion-audit reads IAM, asks its simulator, publishes metrics and alerts"),
	})
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
		// The audit needs a few dozen MB, but Lambda gives CPU by memory, and TLS handshakes want some. An
		// hourly run of 2 s costs half a cent a month: 720 x 2 s x 0.25 GB x $0.0000133.
		MemorySize: jsii.Number(256),
		// A run takes seconds. What is left of the minute is for a throttled IAM, and the last of it
		// is kept for telling what is known.
		Timeout:       awscdk.Duration_Minutes(jsii.Number(1)),
		Role:          this.role,
		LogGroup:      this.logGroup,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Environment:   this.environment(p),
		// The function fails when the audit could not run or nobody could be told, never for a gap.
		// One retry gets over a passing outage; the next scheduled run is the retry after that.
		RetryAttempts: jsii.Number(1),
		MaxEventAge:   awscdk.Duration_Hours(jsii.Number(1)),
	})
	this.function.Node().AddDependency(policy) // so that the first run already finds its permissions
	this.schedule = this.newSchedule(p)
	return this
}

// environment is the function's environment. Every variable is set, so that the console shows them all.
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
	}
}

// newEvidence is the evidence bucket: the one that is named, or a new one, which stays when the stack goes.
func (a *permissionAuditor) newEvidence(p PermissionAuditorProps) awss3.IBucket {
	const id = "EvidenceBucket"
	if p.EvidenceBucket != nil {
		return awss3.Bucket_FromBucketName(a, jsii.String(id), p.EvidenceBucket)
	}
	return awss3.NewBucket(a, jsii.String(id), &awss3.BucketProps{
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		EnforceSSL:        jsii.Bool(true),
		Versioned:         jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		// Reports alone: the state and the mutes are what the next run goes by.
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id: jsii.String("reports"), Prefix: jsii.String("reports/"),
			Expiration: awscdk.Duration_Days(jsii.Number(400)), NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(30)),
		}},
	})
}

// newSchedule is the schedule, with the role that lets Scheduler start the function and do nothing else.
func (a *permissionAuditor) newSchedule(p PermissionAuditorProps) awsscheduler.CfnSchedule {
	role := awsiam.NewRole(a, jsii.String("ScheduleRole"), &awsiam.RoleProps{
		Description: jsii.String("EventBridge Scheduler starts remotion-audit"),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			// Only for schedules of this account, whoever asks Scheduler to use the role.
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": awscdk.Aws_ACCOUNT_ID()}},
		}),
	})
	policy := awsiam.NewPolicy(a, jsii.String("SchedulePolicy"), &awsiam.PolicyProps{
		PolicyName: jsii.String("invoke"),
		Roles:      &[]awsiam.IRole{role},
		Statements: &[]awsiam.PolicyStatement{allow("Invoke", []string{"lambda:InvokeFunction"}, a.function.FunctionArn())},
	})
	schedule := awsscheduler.NewCfnSchedule(a, jsii.String("AuditSchedule"), &awsscheduler.CfnScheduleProps{
		Description:        jsii.String("Runs the audit of Remotion's permissions"),
		ScheduleExpression: p.ScheduleExpression,
		FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{
			Mode: jsii.String("FLEXIBLE"), MaximumWindowInMinutes: jsii.Number(10),
		},
		State: jsii.String("ENABLED"),
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:     a.function.FunctionArn(),
			RoleArn: role.RoleArn(),
			Input:   jsii.String(scheduleInput),
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumRetryAttempts: jsii.Number(2), MaximumEventAgeInSeconds: jsii.Number(3600),
			},
		},
	})
	schedule.Node().AddDependency(policy) // so that the first run is allowed
	return schedule
}

func commaSeparated(list *[]*string) *string {
	if list == nil {
		return jsii.String("")
	}
	var values []string
	for _, v := range *list {
		values = append(values, *v)
	}
	return jsii.String(strings.Join(values, ","))
}
