package repository

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/testing/cfntest"
	"github.com/remotion-audit/remotion-audit/internal/testing/cwalarm"
)

// at returns the value at a path of keys in nested mappings, or nil. A list with one element counts
// as that element.
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

// TestRulesMatchTheContractsCalls checks that the rules of the template and of the forwarder match
// exactly the successful calls that the contract lists.
func TestRulesMatchTheContractsCalls(t *testing.T) {
	forwarding, err := cfntest.Read(t,
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
	// The limit of EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
	if text, _ := json.Marshal(want); len(text) > 2048 {
		t.Errorf("the pattern has %d characters, at most 2048", len(text))
	}
}

// TestLostChangesReachAQueue checks that each rule sends the changes that it cannot deliver to an
// encrypted queue with an alarm, and that EventBridge may do so for this rule only.
func TestLostChangesReachAQueue(t *testing.T) {
	const topic = "arn:aws:sns:us-east-1:123456789012:ops"
	forwarding, err := cfntest.Read(t, forwarderFile).Resources(map[string]string{
		"HomeRegion": "eu-central-1", "OpsTopicArn": topic})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		resources          map[string]cfn.Resource
		rule, queue, alarm string
		notifies           []string
	}{
		{readResources(t), "ChangeRule", "FailureQueue", "FailureQueueAlarm", []string{"${AlertTopic}"}},
		{forwarding, "ForwardRule", "ForwardFailureQueue", "ForwardFailuresAlarm", []string{topic}},
	} {
		if got := at(tt.resources[tt.rule].Properties, "Targets.DeadLetterConfig.Arn"); got !=
			"${"+tt.queue+".Arn}" {
			t.Errorf("%s: the dead-letter queue is %v, want %s", tt.rule, got, tt.queue)
		}
		if at(tt.resources[tt.queue].Properties, "SqsManagedSseEnabled") != true {
			t.Errorf("%s is not encrypted", tt.queue)
		}
		var got, denied []any
		for _, s := range cfn.List(at(tt.resources[tt.queue+"Policy"].Properties,
			"PolicyDocument.Statement")) {
			if at(s, "Effect") == "Deny" {
				denied = append(denied, at(s, "Condition"))
			} else {
				got = append(got, s)
			}
		}
		want := []any{map[string]any{"Sid": "Changes", "Effect": "Allow",
			"Principal": map[string]any{"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
			"Resource":  "${" + tt.queue + ".Arn}",
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": "${" + tt.rule + ".Arn}"}}}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the policy allows\n     %v\nwant %v", tt.queue, got, want)
		}
		if tls := []any{map[string]any{"Bool": map[string]any{
			"aws:SecureTransport": "false"}}}; !reflect.DeepEqual(denied, tls) {
			t.Errorf("%s: the policy denies %v, want requests without TLS", tt.queue, denied)
		}
		alarm := alarmsOf(t, tt.resources)[tt.alarm]
		if alarm.Dimensions["QueueName"] != "${"+tt.queue+".QueueName}" ||
			!slices.Equal(alarm.Actions(cwalarm.InAlarm), tt.notifies) {
			t.Errorf("%s watches %v and notifies %v", tt.alarm, alarm.Dimensions,
				alarm.Actions(cwalarm.InAlarm))
		}
	}
	// Without ReactToChanges there is no rule that may send.
	if statements := cfn.List(at(resourcesWith(t, nil)["FailureQueuePolicy"].Properties,
		"PolicyDocument.Statement")); len(statements) != 1 || at(statements[0], "Effect") != "Deny" {
		t.Errorf("without rules, the failure queue allows %v", statements)
	}
}

// TestFailedEventsReachTheFailureQueue checks that Scheduler, Lambda, the rule and the queue of
// changes send failed events to the failure queue, and that the timeouts of the queues are long
// enough.
func TestFailedEventsReachTheFailureQueue(t *testing.T) {
	resources := readResources(t)
	for _, tt := range []struct{ id, path string }{
		{"AuditSchedule", "Target.DeadLetterConfig.Arn"},
		{"AuditFunctionEventInvokeConfig", "DestinationConfig.OnFailure.Destination"},
		{"ChangeQueue", "RedrivePolicy.deadLetterTargetArn"},
		{"ChangeRule", "Targets.DeadLetterConfig.Arn"},
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
		t.Errorf("the failure queue keeps messages for %v s, want 14 days", got)
	}
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	if got, want := seconds("ChangeQueue", "VisibilityTimeout"),
		6*seconds("AuditFunction", "Timeout")+
			seconds("ChangeSource", "MaximumBatchingWindowInSeconds"); got < want {
		t.Errorf("the visibility timeout of the queue of changes is %v s, want at least %v", got, want)
	}
}

// TestEncryption checks that every topic, queue and bucket denies requests without TLS and is
// encrypted at rest.
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
		isEncrypted, ok := encrypted[r.Type]
		if !ok {
			continue
		}
		found++
		if !isEncrypted(r) {
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
		t.Errorf("found %d topics, queues and buckets, want 4", found)
	}
}

// TestKeyOfTheEvidence checks that S3 managed keys or the user's key encrypt the new bucket, and
// that the role may also use the key of an existing bucket.
func TestKeyOfTheEvidence(t *testing.T) {
	encryption := func(parameters map[string]string) any {
		list := cfn.List(at(resourcesWith(t, parameters)["EvidenceBucket"].Properties,
			"BucketEncryption.ServerSideEncryptionConfiguration"))
		if len(list) != 1 {
			t.Fatalf("%v: encryption %v, want one rule", parameters, list)
		}
		return list[0]
	}
	for _, tt := range []struct {
		parameters map[string]string
		want       map[string]any
	}{
		{nil, map[string]any{"ServerSideEncryptionByDefault": map[string]any{
			"SSEAlgorithm": "AES256"}}},
		{map[string]string{"EvidenceKmsKeyArn": someKey}, map[string]any{"BucketKeyEnabled": true,
			"ServerSideEncryptionByDefault": map[string]any{"SSEAlgorithm": "aws:kms",
				"KMSMasterKeyID": someKey}}},
	} {
		if got := encryption(tt.parameters); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v: encryption %v, want %v", tt.parameters, got, tt.want)
		}
	}
	existing := resourcesWith(t, map[string]string{"EvidenceKmsKeyArn": someKey,
		"EvidenceBucketName": "evidence"})
	if !slices.ContainsFunc(grants(t, existing), func(g grant) bool {
		return g.Sid == "EncryptEvidence" && slices.Equal(g.Resources, []any{someKey})
	}) {
		t.Error("the role may not use the key of an existing bucket")
	}
}

// TestOnlyTheAuditorWritesEvidence checks that the bucket policy denies writes of evidence to all
// principals except the auditor's role.
func TestOnlyTheAuditorWritesEvidence(t *testing.T) {
	statements := cfn.List(at(readResources(t)["EvidenceBucketPolicy"].Properties,
		"PolicyDocument.Statement"))
	i := slices.IndexFunc(statements, func(s any) bool {
		return at(s, "Sid") == "OnlyTheAuditorWrites"
	})
	if i < 0 {
		t.Fatal("the bucket policy has no statement OnlyTheAuditorWrites")
	}
	s := statements[i]
	want := []any{"${EvidenceBucket.Arn}/state/*", "${EvidenceBucket.Arn}/reports/*"}
	if at(s, "Effect") != "Deny" || at(s, "Principal.AWS") != "*" ||
		!reflect.DeepEqual(at(s, "Resource"), want) ||
		at(s, "Condition.ArnNotEquals.aws:PrincipalArn") != "${AuditRole.Arn}" {
		t.Errorf("OnlyTheAuditorWrites is %v", s)
	}
	for _, action := range []string{"s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
		"s3:ReplicateObject", "s3:ReplicateDelete"} {
		if !slices.Contains(cfn.List(at(s, "Action")), any(action)) {
			t.Errorf("%s is not denied to other principals", action)
		}
	}
}

// TestDashboard checks that template.yaml contains infra/dashboard.json, and that the dashboard
// shows the metrics of the account, the metrics of the targets and all alarms.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../infra/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	resource := readTemplate(t).Section("Resources")["AuditDashboard"]
	if cfn.List(at(resource, "Properties.DashboardBody.Fn::Sub"))[0] != string(text) {
		t.Error("template.yaml and infra/dashboard.json have different dashboards")
	}
	body, _ := readResources(t)["AuditDashboard"].Properties["DashboardBody"].(string)
	for _, name := range metrics() {
		if name != contract.MetricRequirementsTotal &&
			!strings.Contains(body, `"RemotionAudit","`+name+`"`) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	for _, want := range []string{`SEARCH('{\"RemotionAudit\",Target} MetricName=\"Gaps\"'`,
		`"${PROP('Dim.Target')}"`, `"Duration"`, `"Throttles"`, `SOURCE '${AuditLogGroup}'`} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard does not contain %s", want)
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
		t.Errorf("the template has %d alarms, want 8", alarms)
	}
}

// TestDashboardWidgets checks the widgets of the dashboard: six single values and a text, periods
// of an hour, and a table with all actions of a gap in which recovered gaps are marked.
func TestDashboardWidgets(t *testing.T) {
	body, _ := readResources(t)["AuditDashboard"].Properties["DashboardBody"].(string)
	var dashboard struct {
		Widgets []struct {
			Type                string
			X, Y, Width, Height int
			Properties          struct {
				Title, View, Markdown string
				Period                int
				Metrics               [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	tiles, texts := 0, 0
	for _, w := range dashboard.Widgets {
		switch {
		case w.Type == "text":
			texts++
			for _, word := range []string{"gap", "Unverified", "alarm"} {
				if !strings.Contains(w.Properties.Markdown, word) {
					t.Errorf("the text does not say what to do about %q: %s", word, w.Properties.Markdown)
				}
			}
		case w.Type == "metric" && w.Properties.Period != 3600:
			t.Errorf("%s has periods of %d s, want an hour", w.Properties.Title, w.Properties.Period)
		}
		if w.Properties.View == "singleValue" {
			tiles += len(w.Properties.Metrics) - 1 // the age in seconds is hidden
		}
	}
	if tiles != 6 || texts != 1 {
		t.Errorf("the dashboard has %d single values and %d texts, want 6 and 1", tiles, texts)
	}
	for _, want := range []string{`"expression":"age/3600","label":"oldest gap, hours"`,
		`parse @message '\"actions\":[*]' as missing`, ` / 60000 / 150), 1) as gone`,
		"min(gone) as recovered", "by target, missing"} {
		if !strings.Contains(body, want) {
			t.Errorf("the dashboard does not contain %s", want)
		}
	}
	// Widgets do not overlap, and are inside the grid of 24 columns.
	grid := map[[2]int]string{}
	for _, w := range dashboard.Widgets {
		if w.Properties.Title == "" && w.Type != "text" || w.X+w.Width > 24 {
			t.Errorf("a widget has no title or leaves the grid: %+v", w)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other := grid[[2]int{x, y}]; other != "" {
					t.Errorf("%s covers %s", w.Properties.Title, other)
				}
				grid[[2]int{x, y}] = w.Type + " " + w.Properties.Title
			}
		}
	}
}
