package repository

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/testing/cwalarm"
)

// alarmsOf returns the alarms of a stack by logical id.
func alarmsOf(t testing.TB, resources map[string]cfn.Resource) map[string]cwalarm.Alarm {
	t.Helper()
	alarms := map[string]cwalarm.Alarm{}
	for id, r := range resources {
		if r.Type != "AWS::CloudWatch::Alarm" {
			continue
		}
		a, err := cwalarm.FromProperties(r.Properties)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		alarms[id] = a
	}
	return alarms
}

// watchdogs lists the alarms about the auditor itself. The other alarms are about gaps. They are
// for dashboards and pagers, because the function itself reports gaps.
var watchdogs = []string{"AlertFailuresAlarm", "BlindAlarm", "DeadManAlarm", "ErrorsAlarm",
	"FailureQueueAlarm", "NoSubscribersAlarm"}

// alarmsWithOKAction lists the alarms that notify when they return to OK. Such an alarm also
// notifies when it becomes OK after a deployment, so the other alarms have no OK action. The
// function itself reports that an audit is complete again or that a delayed alert was sent.
var alarmsWithOKAction = []string{"DeadManAlarm", "ErrorsAlarm", "GapsCriticalAlarm"}

const (
	someTopic  = "arn:aws:sns:eu-central-1:123456789012:alerts"
	opsTopic   = "arn:aws:sns:eu-central-1:123456789012:ops"
	pagerTopic = "arn:aws:sns:eu-central-1:123456789012:pager"
	someKey    = "arn:aws:kms:eu-central-1:123456789012:key/0f1e2d3c"
)

// TestAlarmsReachTheirTopics checks that every alarm notifies the right topics, and that the
// policies of the created topic and key allow the messages.
func TestAlarmsReachTheirTopics(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]string
		watchdogs  string // topic of the watchdogs
		pager      []string
		key        string // of the topic that the stack creates; empty if it creates none
	}{
		{"without parameters, watchdogs notify the created topic", nil, "${AlertTopic}", nil,
			"${AlertTopicKey.Arn}"},
		{"KmsKeyArn encrypts the created topic", map[string]string{"KmsKeyArn": someKey},
			"${AlertTopic}", nil, someKey},
		{"AlertTopicArn replaces the created topic", map[string]string{"AlertTopicArn": someTopic},
			someTopic, nil, ""},
		{"AlertTopicArn and KmsKeyArn replace the created topic and key",
			map[string]string{"AlertTopicArn": someTopic, "KmsKeyArn": someKey},
			someTopic, nil, ""},
		{"watchdogs notify OpsTopicArn", map[string]string{"OpsTopicArn": opsTopic}, opsTopic, nil,
			"${AlertTopicKey.Arn}"},
		{"the critical gap alarm notifies PagerTopicArn", map[string]string{"PagerTopicArn": pagerTopic},
			"${AlertTopic}", []string{pagerTopic},
			"${AlertTopicKey.Arn}"},
		{"watchdogs notify OpsTopicArn instead of AlertTopicArn",
			map[string]string{"AlertTopicArn": someTopic, "OpsTopicArn": opsTopic,
				"PagerTopicArn": pagerTopic}, opsTopic, []string{pagerTopic}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resources := resourcesWith(t, tt.parameters)
			alarms := alarmsOf(t, resources)
			if ids := slices.Sorted(maps.Keys(alarms)); !slices.Equal(ids,
				slices.Sorted(slices.Values(append(watchdogs, "GapsAlarm", "GapsCriticalAlarm")))) {
				t.Errorf("the template has the alarms %v", ids)
			}
			for id, a := range alarms {
				want := map[string][]string{"GapsAlarm": nil, "GapsCriticalAlarm": tt.pager}[id]
				if slices.Contains(watchdogs, id) {
					want = []string{tt.watchdogs}
				}
				if got := a.Actions(cwalarm.InAlarm); !slices.Equal(got, want) {
					t.Errorf("%s notifies %v, want %v", id, got, want)
				}
				if !slices.Contains(alarmsWithOKAction, id) {
					want = nil
				}
				if got := a.Actions(cwalarm.OK); !slices.Equal(got, want) {
					t.Errorf("%s notifies %v when it returns to OK, want %v", id, got, want)
				}
				if got := a.Actions(cwalarm.InsufficientData); got != nil {
					t.Errorf("%s notifies %v of INSUFFICIENT_DATA, want no topic", id, got)
				}
				for _, topic := range a.Actions(cwalarm.InAlarm) {
					if logical, created := strings.CutPrefix(topic, "${"); created {
						checkAlarmsMayPublish(t, resources, strings.TrimSuffix(logical, "}"), tt.key)
					}
				}
			}
			for _, id := range []string{"AlertTopic", "AlertTopicPolicy", "AlertTopicKey"} {
				_, created := resources[id]
				want := tt.key != "" && (id != "AlertTopicKey" || tt.key != someKey)
				if created != want {
					t.Errorf("the stack creates %s: %v, want %v", id, created, want)
				}
			}
		})
	}
}

// checkAlarmsMayPublish checks that the policies of a created topic and of its key allow alarms to
// publish. The policy of a key from a parameter is outside the stack.
func checkAlarmsMayPublish(t *testing.T, resources map[string]cfn.Resource, topic, key string) {
	t.Helper()
	policies := 0
	for id, r := range resources {
		if r.Type == "AWS::SNS::TopicPolicy" &&
			slices.Contains(cfn.List(r.Properties["Topics"]), any("${"+topic+"}")) {
			policies++
			checkStatementsForAlarms(t, id, r.Properties["PolicyDocument"], "${"+topic+"}", "sns:Publish")
		}
	}
	// A topic has one policy: a second AWS::SNS::TopicPolicy replaces the first.
	if policies != 1 {
		t.Errorf("%s has %d policies, want 1", topic, policies)
	}
	// Without a customer managed key the topic would be unencrypted, or encrypted with an AWS managed
	// key that alarms cannot use.
	if got := resources[topic].Properties["KmsMasterKeyId"]; got != key {
		t.Errorf("%s is encrypted with %v, want %s", topic, got, key)
	}
	if logical, created := strings.CutPrefix(key, "${"); created {
		id := strings.TrimSuffix(logical, ".Arn}")
		checkStatementsForAlarms(t, id, resources[id].Properties["KeyPolicy"], "*", "kms:Decrypt",
			"kms:GenerateDataKey*")
	}
}

// checkStatementsForAlarms checks that a resource policy allows the actions to the alarms of this
// account. Other statements may only allow the account's own principals, or deny requests without
// TLS.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
func checkStatementsForAlarms(t *testing.T, id string, document any, resource string,
	actions ...string) {
	t.Helper()
	var allowed []string
	for _, s := range cfn.List(at(document, "Statement")) {
		s := maps.Clone(s.(map[string]any))
		granted := cfn.List(s["Action"])
		delete(s, "Action")
		delete(s, "Sid")
		switch {
		case reflect.DeepEqual(s,
			map[string]any{"Effect": "Allow",
				"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"}, "Resource": resource,
				"Condition": map[string]any{
					"StringEquals": map[string]any{"aws:SourceAccount": "${AWS::AccountId}"}}}):
			for _, action := range granted {
				allowed = append(allowed, action.(string))
			}
		case reflect.DeepEqual(s,
			map[string]any{"Effect": "Allow",
				"Principal": map[string]any{"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
				"Resource":  "*"}):
		case s["Effect"] == "Deny" &&
			reflect.DeepEqual(s["Condition"],
				map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}):
		default:
			t.Errorf("%s: unexpected statement %v", id, s)
		}
	}
	slices.Sort(allowed)
	if !slices.Equal(allowed, actions) {
		t.Errorf("%s allows alarms the actions %v, want %v", id, allowed, actions)
	}
}

// TestAlarmsWatchTheAccount checks that alarms use metrics of the whole account. The template
// cannot contain an alarm for each target, because the targets are known only at run time.
func TestAlarmsWatchTheAccount(t *testing.T) {
	for id, a := range alarmsOf(t, resourcesWith(t, map[string]string{"MetricNamespace": "Ours"})) {
		switch a.Namespace {
		case "Ours":
			if len(a.Dimensions) > 0 || !slices.Contains(metrics(), a.MetricName) {
				t.Errorf("%s watches %s %v, which no run publishes", id, a.MetricName, a.Dimensions)
			}
		case "AWS/Lambda", "AWS/SQS":
			want := map[string]map[string]string{"Errors": {"FunctionName": "${AuditFunction}"},
				"ApproximateNumberOfMessagesVisible": {"QueueName": "${FailureQueue.QueueName}"}}[a.MetricName]
			if want == nil || !maps.Equal(a.Dimensions, want) {
				t.Errorf("%s watches %s %v", id, a.MetricName, a.Dimensions)
			}
		default:
			t.Errorf("%s watches the namespace %s", id, a.Namespace)
		}
	}
}

// TestAlarmDescriptionsNameTheNextStep checks that every alarm description names the log group or
// an AWS CLI command.
func TestAlarmDescriptionsNameTheNextStep(t *testing.T) {
	for id, a := range alarmsOf(t, readResources(t)) {
		text := strings.ReplaceAll(a.Description, "\n", " ")
		if !strings.Contains(a.Description, "${AuditLogGroup}") &&
			!strings.Contains(a.Description, "\naws ") ||
			strings.Count(text, ". ")+strings.Count(text, ": ") == 0 {
			t.Errorf("%s: the description must name the log group or an AWS CLI command: %q", id,
				a.Description)
		}
	}
}
