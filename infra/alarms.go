package infra

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// lately is how many minutes back an alarm looks for what the last run said: a metric may be seen two minutes late.
const lately = 5

// newAlarms are the alarms, on metrics of the account: targets are found at run time. Where they ignore missing data, the
// state stays what the last run said, until the next one.
func (a *permissionAuditor) newAlarms(p PermissionAuditorProps) map[string]awscloudwatch.Alarm {
	w, err := p.watch()
	if err != nil {
		panic(err) // Validate has seen it
	}
	watchers := p.OpsTopic
	if watchers == nil {
		watchers = a.topic
	}
	// Descriptions are for whoever is woken up by them: what is wrong, what it means, and what to do first, with names to paste.
	lines := func(list ...string) string { return strings.Join(list, "\n") }
	log, function, topic := *a.logGroup.LogGroupName(), *a.function.FunctionName(), *a.topic.TopicArn()
	lost, queue, region := *a.failures.QueueName(), *a.failures.QueueUrl(), *awscdk.Aws_REGION()
	own := func(name string) metric {
		return metric{namespace: p.MetricNamespace, name: name, statistic: "Maximum"}
	}
	all := map[string]awscloudwatch.Alarm{}
	add := func(name, description string, m metric, periods, of int, missing awscloudwatch.TreatMissingData, told awssns.ITopic) {
		alarm := awscloudwatch.NewAlarm(a, jsii.String(name+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmDescription: jsii.String(description), Metric: m.metric(),
			Threshold: jsii.Number(0), ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
			EvaluationPeriods: jsii.Number(of), TreatMissingData: missing,
		})
		if periods < of {
			alarm.Node().DefaultChild().(awscloudwatch.CfnAlarm).SetDatapointsToAlarm(jsii.Number(periods))
		}
		notify(alarm, told, name == "Errors" || name == "GapsCritical")
		all[name] = alarm
	}

	dead := awscloudwatch.NewAlarm(a, jsii.String("DeadManAlarm"), &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String(lines(
			"Remotion's permissions are not being audited: no run has completed for two intervals, and a gap would go unnoticed. First run it by hand:",
			"aws lambda invoke --region "+region+" --function-name "+function+` --cli-binary-format raw-in-base64-out --payload '{"command":"audit"}' /dev/stdout`,
			"Where that works, see whether its schedule is disabled:",
			"aws scheduler get-schedule --region "+region+" --name "+*a.schedule.Ref()+" --query State",
			"Where it does not, the log group "+log+" says why. Events of runs that were lost are in the queue "+lost+".",
		)),
		Metric:             metric{namespace: p.MetricNamespace, name: contract.MetricAuditCompleted, statistic: "Sum", period: w.deadMan.period}.metric(),
		Threshold:          jsii.Number(1),
		ComparisonOperator: awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD,
		EvaluationPeriods:  jsii.Number(w.deadMan.periods),
		TreatMissingData:   awscloudwatch.TreatMissingData_BREACHING,
	})
	// So that a first deploy is no death: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
	dead.Node().DefaultChild().(awscloudwatch.CfnAlarm).SetWarmUpConfiguration(&awscloudwatch.CfnAlarm_WarmUpConfigurationProperty{
		WarmUpPeriodDurationInMinutes: jsii.Number(w.warmUpMinutes), OnlyStartEvaluatingAfterWarmUpPeriodEnds: jsii.Bool(true),
	})
	notify(dead, watchers, true)
	all["DeadMan"] = dead

	// Two runs in a row, each in a period of its own.
	blind := own(contract.MetricRequirementsUnverified)
	blind.period = w.blind.period
	add("Blind", lines(
		"The auditor could not look in two runs: what it could not verify is neither good nor bad, and gap alarms stay as they were. The alert and the log name each call that was refused, and the action to grant to the role "+*a.role.RoleName()+":",
		"aws logs tail "+log+" --region "+region+` --since 1d --filter-pattern '"could not look"'`,
	), blind, 2, w.blind.periods, awscloudwatch.TreatMissingData_IGNORE, watchers)
	// A run that fails with its retry is two of them, and in the failure queue: this is the next one, too.
	errors := metric{namespace: jsii.String("AWS/Lambda"), name: "Errors", statistic: "Sum", period: w.errors.period,
		dimensions: map[string]*string{"FunctionName": a.function.FunctionName()}}
	add("Errors", lines(
		"The audit fails again and again: it could not run, or nobody could be told. The log has the error, with what to do:",
		"aws logs tail "+log+" --region "+region+" --since 3d --filter-pattern '?ERROR ?timeout'",
	), errors, 3, w.errors.periods, awscloudwatch.TreatMissingData_NOT_BREACHING, watchers)
	depth := metric{namespace: jsii.String("AWS/SQS"), name: "ApproximateNumberOfMessagesVisible", statistic: "Maximum", period: 300,
		dimensions: map[string]*string{"QueueName": a.failures.QueueName()}}
	add("FailureQueue", lines(
		"A run was lost: it failed with its retries, and its event and error are in the queue "+lost+". Read them:",
		"aws sqs receive-message --region "+region+" --queue-url "+queue+" --message-attribute-names All",
		"Mend the cause (log group "+log+"), then purge the queue, which ends this alarm; the next scheduled run makes up for what was lost:",
		"aws sqs purge-queue --region "+region+" --queue-url "+queue,
	), depth, 1, 1, awscloudwatch.TreatMissingData_IGNORE, watchers)
	add("AlertFailures", lines(
		"An alert was due and could not be published to "+topic+": nobody knows what it says. SNS's answer is in the log:",
		"aws logs tail "+log+" --region "+region+" --since 1d --filter-pattern ERROR",
		"Mostly the topic, its policy or its key has changed. Once that is mended the next run tells what this one could not.",
	), own(contract.MetricAlertFailures), 1, lately, awscloudwatch.TreatMissingData_IGNORE, watchers)
	add("NoSubscribers", lines(
		"Nobody gets the alerts of "+*p.AuditorID+": its topic has no confirmed subscription. Confirm the mail that AWS has sent, or subscribe with an address of yours, and confirm:",
		"aws sns subscribe --region "+region+" --topic-arn "+topic+" --protocol email --notification-endpoint ADDRESS",
		"The next run tells what nobody got.",
	), own(contract.MetricNoSubscribers), 1, lately, awscloudwatch.TreatMissingData_IGNORE, watchers)

	// The function's own message says what and why: these two are for dashboards and pagers.
	add("GapsCritical", lines(
		"Renders stop: Remotion lacks permissions that every render needs. The alert of "+*p.AuditorID+", sent to "+topic+", says which, for whom and why, and how to check. The log says so too:",
		"aws logs tail "+log+" --region "+region+` --since 1d --filter-pattern '{ $.severity = "critical" }'`,
	), own(contract.MetricGapsCritical), 1, lately, awscloudwatch.TreatMissingData_IGNORE, p.PagerTopic)
	add("Gaps", lines(
		"Remotion lacks permissions. The alert of "+*p.AuditorID+", sent to "+topic+", says which, for whom and why, and how to check; the log group "+log+" says so too.",
	), own(contract.MetricGaps), 1, lately, awscloudwatch.TreatMissingData_IGNORE, nil)
	return all
}

// A metric is what an alarm looks at. A period of zero is a minute: every run on its own.
type metric struct {
	namespace       *string
	name, statistic string
	period          int // seconds
	dimensions      map[string]*string
}

func (m metric) metric() awscloudwatch.Metric {
	if m.period == 0 {
		m.period = 60
	}
	props := awscloudwatch.MetricProps{
		Namespace: m.namespace, MetricName: jsii.String(m.name), Statistic: jsii.String(m.statistic),
		Period: awscdk.Duration_Seconds(jsii.Number(m.period)),
	}
	if m.dimensions != nil {
		props.DimensionsMap = &m.dimensions
	}
	return awscloudwatch.NewMetric(&props)
}

// notify tells a topic, if there is one, when the alarm goes off and, if over, when that is over. That also tells of its first OK,
// so it is for where nobody else says so: the function says itself that it can look, or has sent what it could not.
func notify(alarm awscloudwatch.Alarm, topic awssns.ITopic, over bool) {
	if topic == nil {
		return
	}
	action := awscloudwatchactions.NewSnsAction(topic)
	alarm.AddAlarmAction(action)
	if over {
		alarm.AddOkAction(action)
	}
}
