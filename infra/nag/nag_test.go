// Package nag runs cdk-nag's AwsSolutions rules on the constructs. Each finding is fixed, or
// accepted here with a reason. It is a separate module, so that the construct's module does not
// require cdk-nag.
package nag

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/remotion-audit/remotion-audit/infra"
	"github.com/remotion-audit/remotion-audit/infra/internal/cdktest"
)

func TestMain(m *testing.M) { cdktest.Main(m) }

const (
	reads = "the users and roles to audit are known only at run time; these are read actions, and " +
		"ReadScope=named narrows them to the named principals"
	own = "objects with one prefix in the auditor's own bucket, whose names contain dates and ids"
)

// accepted maps each accepted finding of cdk-nag, with its construct, to the reason. The test fails
// if cdk-nag does not report one of these findings.
// https://github.com/cdklabs/cdk-nag/blob/main/RULES.md
var accepted = map[string]string{
	"EvidenceBucket AwsSolutions-S1": "a second bucket for access logs would need the same protection; " +
		"the bucket's policy lets only one role write reports and state, and CloudTrail's data events " +
		"can record reads",
	"FailureQueue AwsSolutions-SQS3": "it is the dead-letter queue of the schedule and of the function, " +
		"which cdk-nag does not detect; it has an alarm",
	"ForwardFailureQueue AwsSolutions-SQS3": "it is the dead-letter queue of the rule, which cdk-nag " +
		"does not detect; it has an alarm",
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:user/*]":   reads,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:role/*]":   reads,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:group/*]":  reads,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:policy/*]": reads,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:iam::aws:policy/*]": "AWS managed " +
		"policies, which all accounts can read",
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:lambda:*:<AWS::AccountId>:function:*]": "tags of functions, whose names and " +
		"regions are known only at run time",
	"AuditPolicy AwsSolutions-IAM5[Resource::*]": "list actions and PutMetricData support no resource; a " +
		"condition limits PutMetricData to one namespace",
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<EvidenceBucket>/state/<AWS::AccountId>/*]": own,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::<EvidenceBucket>/reports/*]":                own,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::evidence/state/<AWS::AccountId>/*]":         own,
	"AuditPolicy AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::evidence/reports/*]":                        own,
	"AuditPolicy AwsSolutions-IAM5[Action::kms:GenerateDataKey*]": "the form that SNS documents for " +
		"publishers; only on one key and through SNS: " +
		"https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html",
}

func TestNag(t *testing.T) {
	if testing.Short() {
		t.Skip("cdk-nag takes a quarter of a minute to start; run without -short")
	}
	unused := map[string]bool{}
	for finding := range accepted {
		unused[finding] = true
	}
	audit := func(props *infra.PermissionAuditorProps) func(awscdk.Stack) {
		return func(stack awscdk.Stack) {
			props.Code = cdktest.Code(t)
			infra.NewPermissionAuditor(stack, "Auditor", props)
		}
	}
	for _, tt := range []struct {
		name string
		add  func(awscdk.Stack)
	}{
		{"defaults", audit(&infra.PermissionAuditorProps{Callers: jsii.Strings("user/render")})},
		{"changes, mail, named principals and an existing bucket", audit(&infra.PermissionAuditorProps{
			Callers: jsii.Strings("user/render"), ReactToChanges: jsii.Bool(true),
			AlertEmail: jsii.String("ops@example.com"), EvidenceBucket: jsii.String("evidence"),
			ReadScope:       jsii.String("named"),
			NamedPrincipals: jsii.Strings("arn:aws:iam::123456789012:user/render"),
		})},
		{"the change forwarder", func(stack awscdk.Stack) {
			infra.NewChangeForwarder(stack, "Forwarder",
				&infra.ChangeForwarderProps{HomeRegion: jsii.String("eu-central-1")})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stack := cdktest.Stack(t)
			tt.add(stack)
			for finding, message := range findings(stack) {
				delete(unused, finding)
				if _, ok := accepted[finding]; !ok {
					t.Errorf("not accepted: %s\n%s", finding, message)
				}
			}
		})
	}
	for finding := range unused {
		t.Errorf("accepted, but cdk-nag no longer reports it: %s", finding)
	}
}

// generated matches a logical id of CDK: the auditor's id, the construct's id and a hash.
var generated = regexp.MustCompile(`<Auditor([A-Za-z]+?)[0-9A-F]{8}>`)

// findings returns the texts of the errors and warnings of a stack, by construct and rule.
func findings(stack awscdk.Stack) map[string]string {
	awscdk.Aspects_Of(stack).Add(
		cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true),
			Reports: jsii.Bool(false)}), nil)
	annotations := assertions.Annotations_FromStack(stack)
	found := map[string]string{}
	for _, m := range slices.Concat(*annotations.FindError(jsii.String("*"),
		assertions.Match_AnyValue()),
		*annotations.FindWarning(jsii.String("*"), assertions.Match_AnyValue())) {
		//nolint:staticcheck // SA1019: the type has moved, and assertions still returns the old one
		id, data := *m.Id, m.Entry.Data
		construct := strings.TrimSuffix(id, "/Resource")
		construct = construct[strings.LastIndex(construct, "/")+1:]
		message, _ := data.(string)
		rule, text, _ := strings.Cut(message, ": ")
		found[construct+" "+generated.ReplaceAllString(rule, "<$1>")] = text
	}
	return found
}
