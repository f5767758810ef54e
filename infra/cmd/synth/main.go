// Command synth is the CDK app that deploys remotion-audit. cdk runs it, from the folder of
// cdk.json:
//
//	cdk deploy --context callers=user/render,role/web=render --context alertEmail=ops@example.com
//
// Run by itself it writes the template to the folder CDK_OUTDIR names (default: cdk.out):
//
//	CALLERS=user/render go run ./cmd/synth
//
// What can be said is in settings, as context or as environment; context wins. Whoever needs
// more than that takes the construct of package infra into an app of their own.
package main

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

func main() {
	err := synth()
	// It may print "Runtime process exited abnormally: waitid: no child processes": jsii waits for
	// its Node twice, and one of the two comes too late. Nothing is wrong then.
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "synth:", err)
		os.Exit(1)
	}
}

func synth() error {
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	props := settings(app)
	if err := props.Validate(); err != nil {
		return err
	}
	stack := awscdk.NewStack(app, jsii.String("RemotionAudit"), &awscdk.StackProps{
		Description: jsii.String("remotion-audit: watches whether the AWS users and roles that run Remotion Lambda still have the permissions they need, and says so when they do not."),
	})
	auditor := infra.NewPermissionAuditor(stack, "Auditor", props)
	for _, output := range []struct {
		name, description string
		value             *string
	}{
		{"FunctionName", `The function; "aws lambda invoke" with events/test-alert.json tries its alerts`, auditor.Function().FunctionName()},
		{"FunctionArn", "The function's ARN", auditor.Function().FunctionArn()},
		{"TopicArn", "The topic of the alerts; subscribe to it", auditor.Topic().TopicArn()},
		{"EvidenceBucket", `Where state, mutes and reports are kept; "remotion-audit mute --bucket" takes it`, auditor.EvidenceBucket().BucketName()},
		{"LogGroupName", "Where the function logs", auditor.LogGroup().LogGroupName()},
	} {
		awscdk.NewCfnOutput(stack, jsii.String(output.name), &awscdk.CfnOutputProps{Description: jsii.String(output.description), Value: output.value})
	}
	app.Synth(nil)
	return nil
}

// settings reads the props from the context or, failing that, the environment.
func settings(app awscdk.App) *infra.PermissionAuditorProps {
	one := func(context, env string) *string {
		said, _ := app.Node().TryGetContext(jsii.String(context)).(string)
		if said = cmp.Or(said, os.Getenv(env)); said == "" {
			return nil
		}
		return &said
	}
	list := func(context, env string) *[]*string {
		said := one(context, env)
		if said == nil {
			return nil
		}
		var values []*string
		for value := range strings.SplitSeq(*said, ",") {
			values = append(values, jsii.String(strings.TrimSpace(value)))
		}
		return &values
	}
	return &infra.PermissionAuditorProps{
		Callers:            list("callers", contract.EnvCallers),
		RenderRole:         one("renderRole", contract.EnvRenderRole),
		RemotionVersion:    one("remotionVersion", contract.EnvRemotionVersion),
		Regions:            list("regions", contract.EnvRegions),
		Buckets:            list("buckets", contract.EnvBuckets),
		AssumedContext:     list("assumedContext", contract.EnvAssumedContext),
		ScheduleExpression: one("scheduleExpression", "SCHEDULE_EXPRESSION"),
		AlertEmail:         one("alertEmail", "ALERT_EMAIL"),
		HTTPSFormat:        one("httpsFormat", contract.EnvHTTPSFormat),
		RepeatAfter:        one("repeatAfter", contract.EnvRepeatAfter),
		EvidenceBucket:     one("evidenceBucket", contract.EnvEvidenceBucket),
		MetricNamespace:    one("metricNamespace", contract.EnvMetricNamespace),
		AuditorID:          one("auditorId", contract.EnvAuditorID),
	}
}
