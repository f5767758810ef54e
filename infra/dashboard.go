package infra

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"
)

// dashboard is the body of the dashboard, with placeholders in the syntax of Fn::Sub. template.yaml
// contains the same text. The body uses SEARCH expressions, because targets are known only at run
// time.
//
//go:embed dashboard.json
var dashboard string

func (a *permissionAuditor) newDashboard(p PermissionAuditorProps) awscloudwatch.CfnDashboard {
	// The placeholders use the logical ids and parameters of template.yaml.
	replacements := []string{
		"${AWS::Region}", *awscdk.Aws_REGION(),
		"${MetricNamespace}", *p.MetricNamespace,
		"${AuditLogGroup}", *a.logGroup.LogGroupName(),
		"${AuditFunction}", *a.function.FunctionName(),
		"${FailureQueue.QueueName}", *a.failures.QueueName(),
		"${TwoIntervals}", strconv.Itoa(watchInterval(p.schedule().longest).warmUpMinutes),
		"${!", "${", // Fn::Sub writes ${!Name} as ${Name}, an expression of the dashboard
	}
	for name, alarm := range a.alarms {
		replacements = append(replacements, "${"+name+"Alarm.Arn}", *alarm.AlarmArn())
	}
	return awscloudwatch.NewCfnDashboard(a, jsii.String("AuditDashboard"),
		&awscloudwatch.CfnDashboardProps{
			DashboardBody: jsii.String(strings.NewReplacer(replacements...).Replace(dashboard)),
		})
}
