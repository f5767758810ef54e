package house

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/cwalarm"
)

// alarmsOf are the alarms of a stack, by logical id.
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

// The watchdogs tell of the auditor itself. What an audit finds, the function tells: the gap alarms
// are for dashboards and pagers.
var watchdogs = []string{"AlertFailuresAlarm", "BlindAlarm", "DeadManAlarm", "ErrorsAlarm",
	"FailureQueueAlarm", "NoSubscribersAlarm"}

// tellOver are the alarms that tell when they are over. Such a one also tells of its first OK after
// a deploy, so it is for where nobody else says so: the function says itself that it can look
// again, or has sent what it could not.
var tellOver = []string{"DeadManAlarm", "ErrorsAlarm", "GapsCriticalAlarm"}

const (
	someTopic  = "arn:aws:sns:eu-central-1:123456789012:alerts"
	opsTopic   = "arn:aws:sns:eu-central-1:123456789012:ops"
	pagerTopic = "arn:aws:sns:eu-central-1:123456789012:pager"
	someKey    = "arn:aws:kms:eu-central-1:123456789012:key/0f1e2d3c"
)

// Every alarm tells whom it should, and can.
func TestAlarmsReachTheirTopics(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]string
		watchdogs  string // their topic
		pager      []string
		key        string // of the topic that is made
	}{
		{"nothing given", nil, "${AlertTopic}", nil, "${AlertTopicKey.Arn}"},
		{"a key", map[string]string{"KmsKeyArn": someKey}, "${AlertTopic}", nil, someKey},
		{"a topic", map[string]string{"AlertTopicArn": someTopic}, someTopic, nil, ""},
		{"a topic and its key", map[string]string{"AlertTopicArn": someTopic, "KmsKeyArn": someKey},
			someTopic, nil, ""},
		{"a topic for operations", map[string]string{"OpsTopicArn": opsTopic}, opsTopic, nil,
			"${AlertTopicKey.Arn}"},
		{"a pager", map[string]string{"PagerTopicArn": pagerTopic}, "${AlertTopic}", []string{pagerTopic},
			"${AlertTopicKey.Arn}"},
		{"all topics", map[string]string{"AlertTopicArn": someTopic, "OpsTopicArn": opsTopic,
			"PagerTopicArn": pagerTopic}, opsTopic, []string{pagerTopic}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resources := resourcesWith(t, tt.parameters)
			alarms := alarmsOf(t, resources)
			if ids := slices.Sorted(maps.Keys(alarms)); !slices.Equal(ids,
				slices.Sorted(slices.Values(append(watchdogs, "GapsAlarm", "GapsCriticalAlarm")))) {
				t.Errorf("alarms %v", ids)
			}
			for id, a := range alarms {
				want := map[string][]string{"GapsAlarm": nil, "GapsCriticalAlarm": tt.pager}[id]
				if slices.Contains(watchdogs, id) {
					want = []string{tt.watchdogs}
				}
				if got := a.Actions(cwalarm.InAlarm); !slices.Equal(got, want) {
					t.Errorf("%s tells %v, want %v", id, got, want)
				}
				if !slices.Contains(tellOver, id) {
					want = nil
				}
				if got := a.Actions(cwalarm.OK); !slices.Equal(got, want) {
					t.Errorf("%s tells %v that it is over, want %v", id, got, want)
				}
				if got := a.Actions(cwalarm.InsufficientData); got != nil {
					t.Errorf("%s tells %v that it has no data", id, got)
				}
				for _, topic := range a.Actions(cwalarm.InAlarm) {
					if logical, made := strings.CutPrefix(topic, "${"); made {
						alarmsMayPublish(t, resources, strings.TrimSuffix(logical, "}"), tt.key)
					}
				}
			}
			for _, id := range []string{"AlertTopic", "AlertTopicPolicy", "AlertTopicKey"} {
				_, made := resources[id]
				if want := tt.key != "" && (id != "AlertTopicKey" || tt.key != someKey); made != want {
					t.Errorf("%s made: %v", id, made)
				}
			}
		})
	}
}

// alarmsMayPublish walks from a topic to its policy, and to its key and that one's. A key that is
// given is the giver's to open.
func alarmsMayPublish(t *testing.T, resources map[string]cfn.Resource, topic, key string) {
	t.Helper()
	policies := 0
	for id, r := range resources {
		if r.Type == "AWS::SNS::TopicPolicy" &&
			slices.Contains(cfn.List(r.Properties["Topics"]), any("${"+topic+"}")) {
			policies++
			letsAlarms(t, id, r.Properties["PolicyDocument"], "${"+topic+"}", "sns:Publish")
		}
	}
	// SNS keeps one policy: of two, the later takes the place of the other.
	if policies != 1 {
		t.Errorf("%s has %d policies", topic, policies)
	}
	// Without a key of one's own the topic would be in the clear, or under a key of AWS's that alarms
	// cannot use.
	if got := resources[topic].Properties["KmsMasterKeyId"]; got != key {
		t.Errorf("%s is encrypted with %v, want %s", topic, got, key)
	}
	if logical, made := strings.CutPrefix(key, "${"); made {
		id := strings.TrimSuffix(logical, ".Arn}")
		letsAlarms(t, id, resources[id].Properties["KeyPolicy"], "*", "kms:Decrypt",
			"kms:GenerateDataKey*")
	}
}

// letsAlarms holds a resource's policy to letting this account's alarms take actions, and them
// alone beside the account's own principals.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
func letsAlarms(t *testing.T, id string, document any, resource string, actions ...string) {
	t.Helper()
	var let []string
	for _, s := range cfn.List(at(document, "Statement")) {
		s := maps.Clone(s.(map[string]any))
		granted := cfn.List(s["Action"])
		delete(s, "Action")
		delete(s, "Sid")
		switch {
		case reflect.DeepEqual(s,
			map[string]any{"Effect": "Allow",
				"Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"}, "Resource": resource,
				"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": "${AWS::AccountId}"}}}):
			for _, action := range granted {
				let = append(let, action.(string))
			}
		case reflect.DeepEqual(s,
			map[string]any{"Effect": "Allow",
				"Principal": map[string]any{"AWS": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"},
				"Resource":  "*"}):
		case s["Effect"] == "Deny" &&
			reflect.DeepEqual(s["Condition"],
				map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}):
		default:
			t.Errorf("%s: this test cannot tell what %v does to alarms", id, s)
		}
	}
	slices.Sort(let)
	if !slices.Equal(let, actions) {
		t.Errorf("%s lets alarms %v, want %v", id, let, actions)
	}
}

// Alarms watch the account: targets are learnt at run time, and a metric of theirs would need an
// alarm each.
func TestAlarmsWatchTheAccount(t *testing.T) {
	for id, a := range alarmsOf(t, resourcesWith(t, map[string]string{"MetricNamespace": "Ours"})) {
		switch a.Namespace {
		case "Ours":
			if len(a.Dimensions) > 0 || !slices.Contains(contract.Metrics(), a.MetricName) {
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

// Whoever an alarm wakes is told where to look or what to run.
func TestAlarmsSayWhatToDo(t *testing.T) {
	for id, a := range alarmsOf(t, readResources(t)) {
		if !strings.Contains(a.Description, "${AuditLogGroup}") &&
			!strings.Contains(a.Description, "\naws ") ||
			strings.Count(a.Description, ". ")+strings.Count(a.Description, ": ") == 0 {
			t.Errorf("%s says neither where to look nor what to run: %q", id, a.Description)
		}
	}
}
