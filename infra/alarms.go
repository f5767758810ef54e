package infra

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// recent is the window of the alarms on the last run. Each run has its own period of one minute.
// The window has five periods, because a metric can be two minutes late.
var recent = window{period: 60, periods: 5}

// newAlarms creates the alarms and returns them by name. The alarms use metrics of the account,
// because targets are known only at run time. Alarms that ignore missing data keep the state of the
// last run until the next run.
func (a *permissionAuditor) newAlarms(p PermissionAuditorProps) map[string]awscloudwatch.Alarm {
	w := watchInterval(p.schedule().longest)
	opsTopic := p.OpsTopic
	if opsTopic == nil {
		opsTopic = a.topic
	}
	// Each description states the problem, its meaning and the first command to run.
	lines := func(list ...string) string { return strings.Join(list, "\n") }
	log, function, topic := *a.logGroup.LogGroupName(), *a.function.FunctionName(), *a.topic.TopicArn()
	queueName, queueURL := *a.failures.QueueName(), *a.failures.QueueUrl()
	region := *awscdk.Aws_REGION()
	own := func(name string, w window) metric {
		return metric{namespace: p.MetricNamespace, name: name, statistic: "Maximum", period: w.period}
	}
	all := map[string]awscloudwatch.Alarm{}
	add := func(name string, spec alarmSpec) {
		all[name] = spec.alarm(a, name+"Alarm")
	}

	add("DeadMan", alarmSpec{
		description: lines(
			"No audit has completed for two intervals, so new gaps stay unnoticed.",
			"Start an audit by hand:",
			"aws lambda invoke --region "+region+" --function-name "+function+
				` --cli-binary-format raw-in-base64-out --payload '{"command":"audit"}' /dev/stdout`,
			"If it succeeds, check whether the schedule is disabled:",
			"aws scheduler get-schedule --region "+region+" --name "+*a.schedule.Ref()+" --query State",
			"If it fails, the log group "+log+" has the cause.",
			"The queue "+queueName+" has the events of lost runs.",
		),
		metric: metric{namespace: p.MetricNamespace, name: contract.MetricAuditCompleted,
			statistic: "Sum", period: w.deadMan.period},
		fewer: true, count: w.deadMan.periods, of: w.deadMan.periods,
		missing: awscloudwatch.TreatMissingData_BREACHING, topic: opsTopic, notifyOK: true,
	})
	// A first deploy must not trigger the alarm:
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
	all["DeadMan"].Node().DefaultChild().(awscloudwatch.CfnAlarm).SetWarmUpConfiguration(
		&awscloudwatch.CfnAlarm_WarmUpConfigurationProperty{
			WarmUpPeriodDurationInMinutes:            jsii.Number(w.warmUpMinutes),
			OnlyStartEvaluatingAfterWarmUpPeriodEnds: jsii.Bool(true),
		})

	// The alarm needs two incomplete runs in succession, each in its own period.
	add("Blind", alarmSpec{
		description: lines(
			"Two audits were incomplete: some requirements are unverified.",
			"The gap alarms keep their state until an audit is complete.",
			"The alert and the log name each failed call and the action that the role "+
				*a.role.RoleName()+" needs:",
			"aws logs tail "+log+" --region "+region+` --since 1d --filter-pattern '"read failed"'`,
		),
		metric: own(contract.MetricRequirementsUnverified, w.unverified),
		count:  2, of: w.unverified.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, topic: opsTopic,
	})
	// A failed run and its failed retry are two errors. The third error means that another run failed.
	errors := metric{namespace: jsii.String("AWS/Lambda"), name: "Errors", statistic: "Sum",
		period:     w.errors.period,
		dimensions: map[string]*string{"FunctionName": a.function.FunctionName()}}
	add("Errors", alarmSpec{
		description: lines(
			"At least two of four runs failed: the audit could not run, or the alert could not be sent.",
			"The log has the error and its fix:",
			"aws logs tail "+log+" --region "+region+" --since 3d --filter-pattern '?ERROR ?timeout'",
		),
		metric: errors, count: 3, of: w.errors.periods,
		missing: awscloudwatch.TreatMissingData_NOT_BREACHING, topic: opsTopic, notifyOK: true,
	})
	add("FailureQueue", lostEventsAlarm(a.failures, alarmSpec{
		description: lines(
			"A run and all its retries failed, or an IAM change started no run.",
			"The queue "+queueName+" has its event and error. Read them:",
			"aws sqs receive-message --region "+region+" --queue-url "+queueURL+
				" --message-attribute-names All",
			"The next scheduled run replaces the failed one.",
			"Fix the cause (see the log group "+log+"), then purge the queue to end this alarm:",
			"aws sqs purge-queue --region "+region+" --queue-url "+queueURL,
		),
		topic: opsTopic,
	}))
	add("AlertFailures", alarmSpec{
		description: lines(
			"An alert could not be sent to "+topic+".",
			"The log has the answer of SNS:",
			"aws logs tail "+log+" --region "+region+" --since 1d --filter-pattern ERROR",
			"Usually the topic, its policy or its key has changed.",
			"After the fix, the next run sends the alert.",
		),
		metric: own(contract.MetricAlertFailures, recent), count: 1, of: recent.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, topic: opsTopic,
	})
	add("NoSubscribers", alarmSpec{
		description: lines(
			"The alerts of "+*p.AuditorID+
				" reach no subscriber: the topic has no confirmed subscription.",
			"Confirm the mail from AWS, or subscribe another address and confirm it:",
			"aws sns subscribe --region "+region+" --topic-arn "+topic+
				" --protocol email --notification-endpoint ADDRESS",
			"The next run then sends the missed alert.",
		),
		metric: own(contract.MetricNoSubscribers, recent), count: 1, of: recent.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, topic: opsTopic,
	})

	// The function's alert contains the details. These two alarms are for dashboards and pagers.
	add("GapsCritical", alarmSpec{
		description: lines(
			"Renders fail: Remotion lacks permissions that every render needs.",
			"The alert of "+*p.AuditorID+" on "+topic+
				" has the permissions, principals and causes.",
			"The log has them, too:",
			"aws logs tail "+log+" --region "+region+
				` --since 1d --filter-pattern '{ $.severity = "critical" }'`,
		),
		metric: own(contract.MetricGapsCritical, recent), count: 1, of: recent.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, topic: p.PagerTopic, notifyOK: true,
	})
	add("Gaps", alarmSpec{
		description: lines(
			"Remotion lacks permissions.",
			"The alert of "+*p.AuditorID+" on "+topic+" has the permissions, principals and causes.",
			"The log group "+log+" has them, too.",
		),
		metric: own(contract.MetricGaps, recent), count: 1, of: recent.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE,
	})
	return all
}

// lostEventsAlarm returns the spec with the metric of a queue: the alarm triggers if the queue
// holds messages. A queue without calls publishes no metrics after six hours, so missing data
// changes nothing.
func lostEventsAlarm(queue awssqs.Queue, spec alarmSpec) alarmSpec {
	spec.metric = metric{namespace: jsii.String("AWS/SQS"),
		name: "ApproximateNumberOfMessagesVisible", statistic: "Maximum", period: 300,
		dimensions: map[string]*string{"QueueName": queue.QueueName()}}
	spec.count, spec.of, spec.missing = 1, 1, awscloudwatch.TreatMissingData_IGNORE
	return spec
}

// alarmSpec describes an alarm. The alarm triggers if the metric is above zero in at least count
// periods. If fewer is true, it triggers if the metric is below one instead. The field of is the
// number of periods that the alarm evaluates.
type alarmSpec struct {
	description string
	metric      metric
	fewer       bool
	count, of   int
	missing     awscloudwatch.TreatMissingData
	// topic receives the alarm; nil means no topic. If notifyOK is true, topic also receives the
	// return to OK, and the first OK after a deploy. notifyOK is false if the function itself reports
	// the end of the problem, or if the user ends the alarm.
	topic    awssns.ITopic
	notifyOK bool
}

func (s alarmSpec) alarm(scope constructs.Construct, id string) awscloudwatch.Alarm {
	props := &awscloudwatch.AlarmProps{
		AlarmDescription: jsii.String(s.description), Metric: s.metric.metric(),
		Threshold:          jsii.Number(0),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
		EvaluationPeriods:  jsii.Number(s.of), TreatMissingData: s.missing,
	}
	if s.fewer {
		props.Threshold, props.ComparisonOperator = jsii.Number(1),
			awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
	}
	if s.count < s.of {
		props.DatapointsToAlarm = jsii.Number(s.count)
	}
	alarm := awscloudwatch.NewAlarm(scope, jsii.String(id), props)
	if s.topic != nil {
		action := awscloudwatchactions.NewSnsAction(s.topic)
		alarm.AddAlarmAction(action)
		if s.notifyOK {
			alarm.AddOkAction(action)
		}
	}
	return alarm
}

// metric is the metric of an alarm.
type metric struct {
	namespace       *string
	name, statistic string
	period          int // seconds
	dimensions      map[string]*string
}

func (m metric) metric() awscloudwatch.Metric {
	props := awscloudwatch.MetricProps{
		Namespace: m.namespace, MetricName: jsii.String(m.name), Statistic: jsii.String(m.statistic),
		Period: awscdk.Duration_Seconds(jsii.Number(m.period)),
	}
	if m.dimensions != nil {
		props.DimensionsMap = &m.dimensions
	}
	return awscloudwatch.NewMetric(&props)
}
