package infra

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// lately is how far back an alarm looks for what the last run said: a metric may be seen two
// minutes late, and a period of a minute has one run.
var lately = window{period: 60, periods: 5}

// newAlarms are the alarms, on metrics of the account: targets are found at run time. Where they
// ignore missing data, the state stays what the last run said, until the next one.
func (a *permissionAuditor) newAlarms(p PermissionAuditorProps) map[string]awscloudwatch.Alarm {
	w, err := p.watch()
	if err != nil {
		panic(err) // Validate has seen it
	}
	watchers := p.OpsTopic
	if watchers == nil {
		watchers = a.topic
	}
	// Descriptions are for whoever is woken up by them: what is wrong, what it means, and what to do
	// first, with names to paste.
	lines := func(list ...string) string { return strings.Join(list, "\n") }
	log, function, topic := *a.logGroup.LogGroupName(), *a.function.FunctionName(), *a.topic.TopicArn()
	lost, queue, region := *a.failures.QueueName(), *a.failures.QueueUrl(), *awscdk.Aws_REGION()
	own := func(name string, w window) metric {
		return metric{namespace: p.MetricNamespace, name: name, statistic: "Maximum", period: w.period}
	}
	all := map[string]awscloudwatch.Alarm{}
	add := func(name string, spec alarmSpec) {
		all[name] = spec.alarm(a, name+"Alarm")
	}

	add("DeadMan", alarmSpec{
		description: lines(
			"Remotion's permissions are not being audited: no run has completed for two intervals, and a "+
				"gap would go unnoticed. First run it by hand:",
			"aws lambda invoke --region "+region+" --function-name "+function+
				` --cli-binary-format raw-in-base64-out --payload '{"command":"audit"}' /dev/stdout`,
			"Where that works, see whether its schedule is disabled:",
			"aws scheduler get-schedule --region "+region+" --name "+*a.schedule.Ref()+" --query State",
			"Where it does not, the log group "+log+
				" says why. Events of runs that were lost are in the queue "+lost+".",
		),
		metric: metric{namespace: p.MetricNamespace, name: contract.MetricAuditCompleted,
			statistic: "Sum", period: w.deadMan.period},
		fewer: true, count: w.deadMan.periods, of: w.deadMan.periods,
		missing: awscloudwatch.TreatMissingData_BREACHING, tells: watchers, over: true,
	})
	// So that a first deploy is no death:
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
	all["DeadMan"].Node().DefaultChild().(awscloudwatch.CfnAlarm).SetWarmUpConfiguration(&awscloudwatch.CfnAlarm_WarmUpConfigurationProperty{
		WarmUpPeriodDurationInMinutes:            jsii.Number(w.warmUpMinutes),
		OnlyStartEvaluatingAfterWarmUpPeriodEnds: jsii.Bool(true),
	})

	// Two runs in a row, each in a period of its own.
	add("Blind", alarmSpec{
		description: lines(
			"The auditor could not look in two runs: what it could not verify is neither good nor bad, "+
				"and gap alarms stay as they were. The alert and the log name each call that was refused, "+
				"and the action to grant to the role "+*a.role.RoleName()+":",
			"aws logs tail "+log+" --region "+region+` --since 1d --filter-pattern '"could not look"'`,
		),
		metric: own(contract.MetricRequirementsUnverified, w.blind), count: 2, of: w.blind.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, tells: watchers,
	})
	// A run that fails with its retry is two of them, and in the failure queue: this is the next one,
	// too.
	errors := metric{namespace: jsii.String("AWS/Lambda"), name: "Errors", statistic: "Sum",
		period:     w.errors.period,
		dimensions: map[string]*string{"FunctionName": a.function.FunctionName()}}
	add("Errors", alarmSpec{
		description: lines(
			"The audit fails again and again: it could not run, or nobody could be told. The log has the "+
				"error, with what to do:",
			"aws logs tail "+log+" --region "+region+" --since 3d --filter-pattern '?ERROR ?timeout'",
		),
		metric: errors, count: 3, of: w.errors.periods,
		missing: awscloudwatch.TreatMissingData_NOT_BREACHING, tells: watchers, over: true,
	})
	depth := metric{namespace: jsii.String("AWS/SQS"), name: "ApproximateNumberOfMessagesVisible",
		statistic: "Maximum", period: 300,
		dimensions: map[string]*string{"QueueName": a.failures.QueueName()}}
	add("FailureQueue", alarmSpec{
		description: lines(
			"A run was lost: it failed with its retries, and its event and error are in the queue "+lost+
				". Read them:",
			"aws sqs receive-message --region "+region+" --queue-url "+queue+
				" --message-attribute-names All",
			"Mend the cause (log group "+log+
				"), then purge the queue, which ends this alarm; the next scheduled run makes up for what "+
				"was lost:",
			"aws sqs purge-queue --region "+region+" --queue-url "+queue,
		),
		metric: depth, count: 1, of: 1, missing: awscloudwatch.TreatMissingData_IGNORE, tells: watchers,
	})
	add("AlertFailures", alarmSpec{
		description: lines(
			"An alert was due and could not be published to "+topic+
				": nobody knows what it says. SNS's answer is in the log:",
			"aws logs tail "+log+" --region "+region+" --since 1d --filter-pattern ERROR",
			"Mostly the topic, its policy or its key has changed. Once that is mended the next run tells "+
				"what this one could not.",
		),
		metric: own(contract.MetricAlertFailures, lately), count: 1, of: lately.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, tells: watchers,
	})
	add("NoSubscribers", alarmSpec{
		description: lines(
			"Nobody gets the alerts of "+*p.AuditorID+
				": its topic has no confirmed subscription. Confirm the mail that AWS has sent, or subscribe "+
				"with an address of yours, and confirm:",
			"aws sns subscribe --region "+region+" --topic-arn "+topic+
				" --protocol email --notification-endpoint ADDRESS",
			"The next run tells what nobody got.",
		),
		metric: own(contract.MetricNoSubscribers, lately), count: 1, of: lately.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, tells: watchers,
	})

	// The function's own message says what and why: these two are for dashboards and pagers.
	add("GapsCritical", alarmSpec{
		description: lines(
			"Renders stop: Remotion lacks permissions that every render needs. The alert of "+*p.AuditorID+
				", sent to "+topic+", says which, for whom and why, and how to check. The log says so too:",
			"aws logs tail "+log+" --region "+region+
				` --since 1d --filter-pattern '{ $.severity = "critical" }'`,
		),
		metric: own(contract.MetricGapsCritical, lately), count: 1, of: lately.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE, tells: p.PagerTopic, over: true,
	})
	add("Gaps", alarmSpec{
		description: lines(
			"Remotion lacks permissions. The alert of " + *p.AuditorID + ", sent to " + topic +
				", says which, for whom and why, and how to check; the log group " + log + " says so too.",
		),
		metric: own(contract.MetricGaps, lately), count: 1, of: lately.periods,
		missing: awscloudwatch.TreatMissingData_IGNORE,
	})
	return all
}

// An alarmSpec is an alarm: it goes off when the metric is above zero, or with fewer below one, in
// count of the last periods.
type alarmSpec struct {
	description string
	metric      metric
	fewer       bool
	count, of   int
	missing     awscloudwatch.TreatMissingData
	// tells is the topic that is told, nil for none; and, if over, when it is over. That also tells of
	// its first OK, so it is for where nobody else says so: the function says itself that it can look,
	// or has sent what it could not.
	tells awssns.ITopic
	over  bool
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
	if s.tells != nil {
		action := awscloudwatchactions.NewSnsAction(s.tells)
		alarm.AddAlarmAction(action)
		if s.over {
			alarm.AddOkAction(action)
		}
	}
	return alarm
}

// A metric is what an alarm looks at.
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
