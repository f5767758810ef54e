package infra

import (
	_ "embed"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// dashboard is the dashboard's body for Fn::Sub. template.yaml has the same text. It uses SEARCH
// expressions, because targets are known only at run time.
//
//go:embed dashboard.json
var dashboard string

func (a *permissionAuditor) newDashboard(p PermissionAuditorProps) awscloudwatch.CfnDashboard {
	// The names are logical ids in template.yaml.
	names := []string{
		"${AWS::Region}", *awscdk.Aws_REGION(),
		"${MetricNamespace}", *p.MetricNamespace,
		"${AuditLogGroup}", *a.logGroup.LogGroupName(),
		"${AuditFunction}", *a.function.FunctionName(),
		"${FailureQueue.QueueName}", *a.failures.QueueName(),
		"${!", "${", // an expression of the dashboard
	}
	for name, alarm := range a.alarms {
		names = append(names, "${"+name+"Alarm.Arn}", *alarm.AlarmArn())
	}
	return awscloudwatch.NewCfnDashboard(a, jsii.String("AuditDashboard"),
		&awscloudwatch.CfnDashboardProps{
			DashboardBody: jsii.String(strings.NewReplacer(names...).Replace(dashboard)),
		})
}
