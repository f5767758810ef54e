package house

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// at follows keys into nested mappings. A list of one element counts as that element.
func at(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		if list, ok := v.([]any); ok && len(list) == 1 {
			v = list[0]
		}
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// Both rules match the successful calls that the contract lists.
func TestRulesMatchTheContractsCalls(t *testing.T) {
	forwarding, err := parseTemplate(t,
		forwarderFile).Resources(map[string]string{"HomeRegion": "eu-central-1"})
	if err != nil {
		t.Fatal(err)
	}
	var names []any
	for _, name := range contract.ChangeEvents() {
		names = append(names, name)
	}
	want := map[string]any{
		"source": []any{"aws.iam"}, "detail-type": []any{"AWS API Call via CloudTrail"},
		"detail": map[string]any{
			"eventSource": []any{"iam.amazonaws.com"}, "eventName": names,
			"errorCode": []any{map[string]any{"exists": false}},
		},
	}
	for id, rule := range map[string]cfn.Resource{"ChangeRule": readResources(t)["ChangeRule"],
		"ForwardRule": forwarding["ForwardRule"]} {
		if got := rule.Properties["EventPattern"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s matches\n     %v\nwant %v", id, got, want)
		}
	}
	// EventBridge's own limit: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	if text, _ := json.Marshal(want); len(text) > 2048 {
		t.Errorf("the pattern has %d characters, at most 2048", len(text))
	}
}

// Scheduler, Lambda and the queue of changes keep failed events in the failure queue. The queue is
// encrypted and requires TLS.
func TestNothingIsLost(t *testing.T) {
	resources := readResources(t)
	for _, tt := range []struct{ id, path string }{
		{"AuditSchedule", "Target.DeadLetterConfig.Arn"},
		{"AuditFunctionEventInvokeConfig", "DestinationConfig.OnFailure.Destination"},
		{"ChangeQueue", "RedrivePolicy.deadLetterTargetArn"},
	} {
		if got := at(resources[tt.id].Properties, tt.path); got != "${FailureQueue.Arn}" {
			t.Errorf("%s: %s is %v, want the failure queue", tt.id, tt.path, got)
		}
	}
	seconds := func(id, property string) float64 {
		n, _ := resources[id].Properties[property].(float64)
		return n
	}
	if got := seconds("FailureQueue", "MessageRetentionPeriod"); got != 14*24*3600 {
		t.Errorf("the failure queue keeps messages for %v s", got)
	}
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	if got, want := seconds("ChangeQueue", "VisibilityTimeout"),
		6*seconds("AuditFunction", "Timeout")+
			seconds("ChangeSource", "MaximumBatchingWindowInSeconds"); got < want {
		t.Errorf("the visibility timeout of changes is %v s, want at least %v", got, want)
	}
}

// Every topic, queue and bucket refuses requests without TLS and is encrypted at rest.
func TestEncryption(t *testing.T) {
	resources := readResources(t)
	policies := map[string]string{"AWS::SNS::Topic": "AlertTopicPolicy",
		"AWS::S3::Bucket": "EvidenceBucketPolicy"}
	encrypted := map[string]func(cfn.Resource) bool{
		"AWS::SNS::Topic": func(r cfn.Resource) bool {
			return r.Properties["KmsMasterKeyId"] == "${AlertTopicKey.Arn}"
		},
		"AWS::SQS::Queue": func(r cfn.Resource) bool {
			return r.Properties["SqsManagedSseEnabled"] == true
		},
		"AWS::S3::Bucket": func(r cfn.Resource) bool { return r.Properties["BucketEncryption"] != nil },
	}
	found := 0
	for id, r := range resources {
		rests, ok := encrypted[r.Type]
		if !ok {
			continue
		}
		found++
		if !rests(r) {
			t.Errorf("%s: not encrypted", id)
		}
		policy := policies[r.Type]
		if r.Type == "AWS::SQS::Queue" {
			policy = id + "Policy"
		}
		if !slices.ContainsFunc(cfn.List(at(resources[policy].Properties, "PolicyDocument.Statement")),
			func(s any) bool {
				return at(s, "Effect") == "Deny" && at(s, "Condition.Bool.aws:SecureTransport") == "false" &&
					at(s, "Principal.AWS") == "*"
			}) {
			t.Errorf("%s: %s allows requests without TLS", id, policy)
		}
	}
	if found != 4 {
		t.Errorf("found %d resources, want more", found)
	}
}

// Only the auditor's role may write evidence: all other principals are denied.
func TestOnlyTheAuditorWritesEvidence(t *testing.T) {
	statements := cfn.List(at(readResources(t)["EvidenceBucketPolicy"].Properties,
		"PolicyDocument.Statement"))
	i := slices.IndexFunc(statements, func(s any) bool {
		return at(s, "Sid") == "OnlyTheAuditorWrites"
	})
	if i < 0 {
		t.Fatal("no such statement")
	}
	s := statements[i]
	want := []any{"${EvidenceBucket.Arn}/state/*", "${EvidenceBucket.Arn}/reports/*"}
	if at(s, "Effect") != "Deny" || at(s, "Principal.AWS") != "*" ||
		!reflect.DeepEqual(at(s, "Resource"), want) ||
		at(s, "Condition.ArnNotEquals.aws:PrincipalArn") != "${AuditRole.Arn}" {
		t.Errorf("%v", s)
	}
	for _, action := range []string{"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"} {
		if !slices.Contains(cfn.List(at(s, "Action")), any(action)) {
			t.Errorf("%s is not denied to other principals", action)
		}
	}
}

// The dashboard is one text. It shows every metric of the account and finds targets by search.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../infra/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	resource := readTemplate(t).Section("Resources")["AuditDashboard"]
	if at(resource, "Properties.DashboardBody.Fn::Sub") != string(text) {
		t.Error("template.yaml and infra/dashboard.json have different dashboards")
	}
	body, _ := readResources(t)["AuditDashboard"].Properties["DashboardBody"].(string)
	var dashboard struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct{ Title string }
		}
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, name := range contract.Metrics() {
		if name != contract.MetricRequirementsTotal &&
			!strings.Contains(body, `"RemotionAudit","`+name+`"`) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	for _, want := range []string{`SEARCH('{\"RemotionAudit\",Target} MetricName=\"Gaps\"'`,
		`"${PROP('Dim.Target')}"`, `"Duration"`, `"Throttles"`, `SOURCE '${AuditLogGroup}'`} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard has no %s", want)
		}
	}
	alarms := 0
	for id, r := range readResources(t) {
		if r.Type == "AWS::CloudWatch::Alarm" {
			alarms++
			if !strings.Contains(body, "${"+id+".Arn}") {
				t.Errorf("the dashboard does not show %s", id)
			}
		}
	}
	if alarms != 8 {
		t.Errorf("%d alarms", alarms)
	}
	// No widget covers another, and none leaves the grid of 24 columns.
	grid := map[[2]int]string{}
	for _, w := range dashboard.Widgets {
		if w.Properties.Title == "" || w.X+w.Width > 24 {
			t.Errorf("widget %+v", w)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other := grid[[2]int{x, y}]; other != "" {
					t.Errorf("%s covers %s", w.Properties.Title, other)
				}
				grid[[2]int{x, y}] = w.Properties.Title
			}
		}
	}
}
