// Command synth is the CDK app that deploys remotion-audit. cdk runs it in the directory of
// cdk.json:
//
//	cdk deploy --context callers=user/render,role/web=render --context alertEmail=ops@example.com
//
// Without cdk, the command writes the templates to the directory CDK_OUTDIR (default: cdk.out):
//
//	CALLERS=user/render go run ./cmd/synth
//
// Settings are CDK context values or environment variables; a context value takes precedence. For
// other props, use the construct of package infra in your own app.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra"
)

func main() {
	err := synth(awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)}), os.Getenv)
	// Close can print "Runtime process exited abnormally: waitid: no child processes", because jsii
	// waits for its Node process twice. The message is harmless.
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "synth:", err)
		os.Exit(1)
	}
}

// synth writes the templates of the app's stacks: one stack with the auditor, and one with the
// change forwarder if the auditor needs it. A test passes code, so that synth does not build the
// function.
func synth(app awscdk.App, getenv func(string) string, code ...awslambda.Code) error {
	given := reader{node: app.Node(), getenv: getenv}
	home := given.homeRegion()
	stack := awscdk.NewStack(app, jsii.String("RemotionAudit"), &awscdk.StackProps{
		// The manifest names the region, so that cdk deploys the auditor where the forwarder sends.
		Env: &awscdk.Environment{Region: given.region(home)},
		Description: jsii.String("remotion-audit: checks on a schedule that the AWS users and roles of " +
			"Remotion Lambda have the permissions they need, and sends alerts about gaps."),
	})
	props, forwarder := given.props(stack, home)
	if len(code) > 0 {
		props.Code = code[0]
	}
	if err := given.err(props.Validate()); err != nil {
		return err
	}
	auditor := infra.NewPermissionAuditor(stack, "Auditor", props)
	for _, output := range outputs(auditor) {
		awscdk.NewCfnOutput(stack, jsii.String(output.name),
			&awscdk.CfnOutputProps{Description: jsii.String(output.description), Value: output.value})
	}
	if forwarder != nil {
		changes := awscdk.NewStack(app, jsii.String("RemotionAuditChanges"), &awscdk.StackProps{
			Env:         &awscdk.Environment{Region: jsii.String(eventRegion)},
			Description: jsii.String("remotion-audit: forwards IAM changes to the region of the auditor."),
		})
		forwarder.OpsTopic = given.forwarderTopic(changes)
		if err := given.err(forwarder.Validate()); err != nil {
			return err
		}
		infra.NewChangeForwarder(changes, "Forwarder", forwarder)
	}
	app.Synth(nil)
	return nil
}

type output struct {
	name, description string
	value             *string
}

// outputs returns the outputs of the auditor's stack. template.yaml has the same outputs.
func outputs(auditor infra.PermissionAuditor) []output {
	list := []output{
		{"FunctionName", "Name of the function", auditor.Function().FunctionName()},
		{"FunctionArn", "ARN of the function", auditor.Function().FunctionArn()},
		{"TestAlert", "Last step of a first deploy: sends a test alert and lists the subscriptions",
			jsii.String("aws lambda invoke --region " +
				*awscdk.Aws_REGION() + " --function-name " + *auditor.Function().FunctionName() +
				` --cli-binary-format raw-in-base64-out --payload '{"command":"test-alert"}' /dev/stdout`)},
		{"TopicArn", "Topic of the alerts, to subscribe to", auditor.Topic().TopicArn()},
		{"LogGroupName", "Log group of the function", auditor.LogGroup().LogGroupName()},
		{"EvidenceBucket",
			`Bucket of state, mutes and reports, for "remotion-audit mute --evidence-bucket"`,
			auditor.EvidenceBucket().BucketName()},
		{"FailureQueueUrl", "Queue with the events of lost runs, kept for two weeks",
			auditor.FailureQueue().QueueUrl()},
	}
	if auditor.Dashboard() != nil {
		list = append(list, output{"DashboardName", "Name of the CloudWatch dashboard",
			auditor.Dashboard().Ref()})
	}
	return list
}
