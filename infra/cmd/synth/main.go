// Command synth is the CDK app that deploys remotion-audit. cdk runs it, from the folder of
// cdk.json:
//
//	cdk deploy --context callers=user/render,role/web=render --context alertEmail=ops@example.com
//
// Run by itself it writes the template to the folder CDK_OUTDIR names (default: cdk.out):
//
//	CALLERS=user/render go run ./cmd/synth
//
// The settings are CDK context or environment variables; context wins. For further props, use the
// construct of package infra in an app.
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
	// It may print "Runtime process exited abnormally: waitid: no child processes": jsii waits for
	// its Node twice, and one of the two comes too late. Nothing is wrong then.
	jsii.Close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "synth:", err)
		os.Exit(1)
	}
}

// synth writes the templates of app's stacks: the auditor's, and where changes have to be forwarded
// to it, that of what does so.
func synth(app awscdk.App, getenv func(string) string, code ...awslambda.Code) error {
	stack := awscdk.NewStack(app, jsii.String("RemotionAudit"), &awscdk.StackProps{
		Description: jsii.String("remotion-audit: watches whether the AWS users and roles that run " +
			"Remotion Lambda still have the permissions they need, and says so when they do not."),
	})
	said := settings{node: app.Node(), getenv: getenv}
	props, forwarder := said.read(stack)
	if len(code) > 0 { // of a test, which builds none
		props.Code = code[0]
	}
	if err := said.err(props.Validate()); err != nil {
		return err
	}
	auditor := infra.NewPermissionAuditor(stack, "Auditor", props)
	for _, output := range outputs(auditor) {
		awscdk.NewCfnOutput(stack, jsii.String(output.name),
			&awscdk.CfnOutputProps{Description: jsii.String(output.description), Value: output.value})
	}
	if forwarder != nil {
		if err := forwarder.Validate(); err != nil {
			return err
		}
		changes := awscdk.NewStack(app, jsii.String("RemotionAuditChanges"), &awscdk.StackProps{
			Env: &awscdk.Environment{Region: jsii.String(said.changeRegion(*forwarder.HomeRegion))},
			Description: jsii.String("remotion-audit: forwards changes in IAM to the region of the " +
				"auditor."),
		})
		infra.NewChangeForwarder(changes, "Forwarder", forwarder)
	}
	app.Synth(nil)
	return nil
}

type output struct {
	name, description string
	value             *string
}

// outputs are those of template.yaml.
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
			`Bucket of state, mutes and reports, for "remotion-audit mute --bucket"`,
			auditor.EvidenceBucket().BucketName()},
		{"FailureQueueUrl", "Queue with the events of lost runs, kept for two weeks",
			auditor.FailureQueue().QueueUrl()},
	}
	if auditor.Dashboard() != nil {
		list = append(list, output{"DashboardName", "Address of the CloudWatch dashboard",
			auditor.Dashboard().Ref()})
	}
	return list
}
