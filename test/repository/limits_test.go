package repository

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// longest replaces references with the longest names that AWS can generate: for a stack with the
// longest possible name, in the partition with the longest names.
var longest = strings.NewReplacer(
	"${AWS::Partition}", "aws-cn", "${AWS::Region}", "cn-northwest-1", "${AWS::URLSuffix}",
	"amazonaws.com.cn", "${AWS::AccountId}", "123456789012",
	"${AlertTopicKey.Arn}",
	"arn:aws-cn:kms:cn-northwest-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
	"${AlertTopic}", "arn:aws-cn:sns:cn-northwest-1:123456789012:"+
		strings.Repeat("t", 128+len("-AlertTopic-")+12),
	"${EvidenceBucket}", strings.Repeat("b", 63), "${AuditRole}", strings.Repeat("r", 64),
	"${AuditSchedule}", strings.Repeat("s", 64), "${AuditFunction}", strings.Repeat("f", 64),
	"${AuditLogGroup.Arn}",
	"arn:aws-cn:logs:cn-northwest-1:123456789012:log-group:"+
		strings.Repeat("g", 128+len("-AuditLogGroup-")+12)+":*",
	"${AuditLogGroup}", strings.Repeat("g", 128+len("-AuditLogGroup-")+12),
	"${FailureQueue.QueueName}", strings.Repeat("q", 80), "${FailureQueue.Arn}",
	"arn:aws-cn:sqs:cn-northwest-1:123456789012:"+strings.Repeat("q", 80),
	"${FailureQueue}", "https://sqs.cn-northwest-1.amazonaws.com.cn/123456789012/"+
		strings.Repeat("q", 80),
	"${ChangeQueue.Arn}", "arn:aws-cn:sqs:cn-northwest-1:123456789012:"+strings.Repeat("c", 80),
)

// TestPolicyFitsIntoTheRole checks that the role's inline policy fits into IAM's quota, which does
// not count white space, even with the longest value of NamedPrincipals.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-entity-length
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
func TestPolicyFitsIntoTheRole(t *testing.T) {
	const maxPolicy, maxParameter = iampolicy.InlineRoleQuota, 4096
	var arns []string
	for size := 0; ; {
		arn := fmt.Sprintf("arn:aws-cn:iam::123456789012:user/ci/r%02d", len(arns))
		if size += len(arn) + 1; size > maxParameter {
			break
		}
		arns = append(arns, arn)
	}
	for name, parameters := range map[string]map[string]string{
		"account": {"ReactToChanges": "yes", "EvidenceKmsKeyArn": someKey},
		"named": {"ReactToChanges": "yes", "EvidenceKmsKeyArn": someKey,
			"ReadScope":       "named",
			"NamedPrincipals": strings.Join(arns, ","), "AWS::Partition": "aws-cn"},
	} {
		raw, err := json.Marshal(resourcesWith(t, parameters)["AuditPolicy"].Properties["PolicyDocument"])
		if err != nil {
			t.Fatal(err)
		}
		document := longest.Replace(string(raw))
		if strings.Contains(document, "${") {
			t.Errorf("%s: add the missing reference to longest: %s", name, document)
		}
		if size := len(strings.ReplaceAll(document, " ", "")); size > maxPolicy {
			t.Errorf("%s: the policy has %d characters, at most %d", name, size, maxPolicy)
		}
	}
}

// TestDescriptionsFit checks that descriptions fit into the limits of CloudFormation and of the
// services, even with the longest names.
func TestDescriptionsFit(t *testing.T) {
	// The API reference of each service has the limit, for example
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
	limits := map[string]struct {
		property string
		length   int
	}{
		"AWS::CloudWatch::Alarm": {"AlarmDescription", 1024},
		"AWS::Lambda::Function":  {"Description", 256}, "AWS::Serverless::Function": {"Description", 256},
		"AWS::IAM::Role": {"Description", 1000}, "AWS::Events::Rule": {"Description", 512},
		"AWS::Scheduler::Schedule": {"Description", 512},
	}
	for id, r := range resourcesWith(t,
		map[string]string{"ReactToChanges": "yes", "AuditorId": strings.Repeat("a", 64)}) {
		limit, limited := limits[r.Type]
		if !limited {
			continue
		}
		text := longest.Replace(fmt.Sprint(r.Properties[limit.property]))
		if len(text) > limit.length || strings.Contains(text, "${") {
			t.Errorf("%s: %s may have at most %d characters, has %d: %s", id, limit.property, limit.length,
				len(text), text)
		}
	}
	template := readTemplate(t)
	for name, p := range template.Section("Parameters") {
		if description, _ := p.(map[string]any)["Description"].(string); len(description) > 4000 {
			t.Errorf("parameter %s: the description has %d characters, at most 4000", name, len(description))
		}
	}
	outputs, err := template.Outputs(map[string]string{"Callers": "none"})
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range outputs {
		if len(o.Description) > 1024 || len(longest.Replace(o.Value)) > 1024 {
			t.Errorf("output %s: the description or the value has more than 1024 characters", name)
		}
	}
	if description, _ := template["Description"].(string); len(description) > 1024 {
		t.Errorf("the template's description has %d characters, at most 1024", len(description))
	}
}

// TestTemplateFitsIntoARequest checks that a request to CloudFormation, for example
// ValidateTemplate, can contain the template. A larger template must be in a bucket.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
func TestTemplateFitsIntoARequest(t *testing.T) {
	info, err := os.Stat(templateFile)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 51_200 {
		t.Errorf("template.yaml has %d bytes, at most 51,200", info.Size())
	}
}
