package repository

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/events"
)

// fields returns a JSON object, and its field names, sorted and separated by spaces.
func fields(t *testing.T, raw json.RawMessage) (object map[string]json.RawMessage, names string) {
	t.Helper()
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return object, strings.Join(slices.Sorted(maps.Keys(object)), " ")
}

// TestEventsAboutIAMAreWhatAWSSends checks that the example events of IAM changes have exactly the
// fields that AWS sends.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func TestEventsAboutIAMAreWhatAWSSends(t *testing.T) {
	const (
		envelope = "account detail detail-type id region resources source time version"
		record   = "awsRegion eventCategory eventID eventName eventSource eventTime eventType " +
			"eventVersion managementEvent readOnly recipientAccountId requestID requestParameters " +
			"responseElements sourceIPAddress userAgent userIdentity"
		message = "attributes awsRegion body eventSource eventSourceARN md5OfBody messageAttributes " +
			"messageId receiptHandle"
	)
	checkEvent := func(name string, raw json.RawMessage) {
		event, names := fields(t, raw)
		if names != envelope {
			t.Errorf("%s has %s\nwant %s", name, names, envelope)
		}
		detail, _ := fields(t, event["detail"])
		for _, optional := range []string{"tlsDetails", "sessionCredentialFromConsole"} {
			delete(detail, optional)
		}
		if names := strings.Join(slices.Sorted(maps.Keys(detail)), " "); names != record {
			t.Errorf("%s: the record has %s\nwant %s", name, names, record)
		}
		for _, pair := range [][2]string{{"account", "recipientAccountId"}, {"region", "awsRegion"},
			{"time", "eventTime"}} {
			if string(event[pair[0]]) != string(detail[pair[1]]) {
				t.Errorf("%s: %s is %s, but %s is %s", name, pair[0], event[pair[0]], pair[1],
					detail[pair[1]])
			}
		}
	}
	read := func(name string) []byte {
		raw, err := events.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	checkEvent("iam-change.json", read("iam-change.json"))
	var queue struct{ Records []json.RawMessage }
	if err := json.Unmarshal(read("iam-changes-sqs.json"), &queue); err != nil ||
		len(queue.Records) < 2 {
		t.Fatalf("%d messages, want at least 2; error %v", len(queue.Records), err)
	}
	for _, raw := range queue.Records {
		m, names := fields(t, raw)
		if names != message {
			t.Errorf("a message has %s\nwant %s", names, message)
		}
		var id, body, sum string
		for field, into := range map[string]*string{"messageId": &id, "body": &body, "md5OfBody": &sum} {
			if err := json.Unmarshal(m[field], into); err != nil {
				t.Error(err)
			}
		}
		if want := md5.Sum([]byte(body)); sum != hex.EncodeToString(want[:]) {
			t.Errorf("message %s: md5OfBody is %s, want %x", id, sum, want)
		}
		checkEvent("message "+id, json.RawMessage(body))
	}
}
