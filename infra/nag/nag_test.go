// Package nag has cdk-nag look at the construct: AWS's own rules for solutions that others deploy.
// Each finding is mended, or accepted here for a reason. It is a module of its own, so that whoever
// imports the construct has nothing of cdk-nag among their requirements.
package nag

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/remotion-audit/remotion-audit/infra"
)

func TestMain(m *testing.M) {
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

const (
	reads = "which roles and users there are to audit is learnt at run time; these are reads, and " +
		"ReadScope=named narrows them to what is named"
	own = "objects of one prefix in the auditor's own bucket, whose names have dates and ids in them"
)

// accepted is what cdk-nag finds and is right as it is, by construct and finding, and why. What is
// not found any more has to go from here. https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
var accepted = map[string]string{
	"EvidenceBucket AwsSolutions-S1": "a second bucket for access logs would want the same care; " +
		"the bucket's policy lets one role alone write " +
		"reports and state, and CloudTrail's data events say who read them, where an account asks for " +
		"that",
	"FailureQueue AwsSolutions-SQS3": "it is the queue for what failed, of the schedule and of the " +
		"function, which cdk-nag does not see; an alarm says when something is in it",
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:user/*]": reads,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:role/*]": reads,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:group/*]": reads,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:policy/*]": reads,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::aws:policy/*]": "AWS's own managed " +
		"policies, which anybody may read",
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lambda:*:<AWS::AccountId>:function:*]": "tags of functions, whose names and " +
		"regions are learnt at run time",
	"AuditPolicy AwsSolutions-IAM5[Resource::*]": "lists, and PutMetricData, know no resources; the " +
		"latter is bound to one namespace by a condition",
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<EvidenceBucket>/state/<AWS::AccountId>/*]": own,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<EvidenceBucket>/reports/*]": own,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::evidence/state/<AWS::AccountId>/*]": own,
	"AuditPolicy " +
		"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::evidence/reports/*]": own,
	"AuditPolicy AwsSolutions-IAM5[Action::kms:GenerateDataKey*]": "the form that SNS documents for " +
		"its publishers; on one key, and through SNS alone: " +
		"https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
}

func TestNag(t *testing.T) {
	if testing.Short() {
		t.Skip("cdk-nag takes a quarter of a minute to start; run without -short")
	}
	code := t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), []byte("not a program"),
		0o755); err != nil {
		t.Fatal(err)
	}
	unused := map[string]bool{}
	for finding := range accepted {
		unused[finding] = true
	}
	audit := func(props *infra.PermissionAuditorProps) func(awscdk.Stack) {
		return func(stack awscdk.Stack) {
			props.Code = awslambda.Code_FromAsset(&code, nil)
			infra.NewPermissionAuditor(stack, "Auditor", props)
		}
	}
	for _, tt := range []struct {
		name string
		add  func(awscdk.Stack)
	}{
		{"defaults", audit(&infra.PermissionAuditorProps{Callers: jsii.Strings("user/render")})},
		{"changes, mail, what is named, and a bucket that exists", audit(&infra.PermissionAuditorProps{
			Callers: jsii.Strings("user/render"), ReactToChanges: jsii.Bool(true),
			AlertEmail: jsii.String("ops@example.com"), EvidenceBucket: jsii.String("evidence"),
			ReadScope:       jsii.String("named"),
			NamedPrincipals: jsii.Strings("arn:aws:iam::123456789012:user/render"),
		})},
		{"the forwarder", func(stack awscdk.Stack) {
			infra.NewChangeForwarder(stack, "Forwarder",
				&infra.ChangeForwarderProps{HomeRegion: jsii.String("eu-central-1")})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir()),
				AnalyticsReporting: jsii.Bool(false)})
			stack := awscdk.NewStack(app, jsii.String("Stack"), nil)
			tt.add(stack)
			for finding, message := range findings(stack) {
				delete(unused, finding)
				if _, ok := accepted[finding]; !ok {
					t.Errorf("%s\n%s", finding, message)
				}
			}
		})
	}
	for finding := range unused {
		t.Errorf("accepted, and not found any more: %s", finding)
	}
}

// A name that CDK has made: the auditor's id before the construct's own, and a hash behind it.
var generated = regexp.MustCompile(`<Auditor([A-Za-z]+?)[0-9A-F]{8}>`)

// findings are the errors and warnings of a stack, by construct and rule, with what they say.
func findings(stack awscdk.Stack) map[string]string {
	awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true), Reports: jsii.Bool(false)}), nil)
	annotations := assertions.Annotations_FromStack(stack)
	found := map[string]string{}
	for _, m := range slices.Concat(*annotations.FindError(jsii.String("*"),
		assertions.Match_AnyValue()),
		*annotations.FindWarning(jsii.String("*"), assertions.Match_AnyValue())) {
		//lint:ignore SA1019 the type has moved, and assertions still gives the old one
		id, data := *m.Id, m.Entry.Data
		construct := strings.TrimSuffix(id, "/Resource")
		construct = construct[strings.LastIndex(construct, "/")+1:]
		message, _ := data.(string)
		rule, text, _ := strings.Cut(message, ": ")
		found[construct+" "+generated.ReplaceAllString(rule, "<$1>")] = text
	}
	return found
}
