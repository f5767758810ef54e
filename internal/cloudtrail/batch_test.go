package cloudtrail

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// queued is what Lambda makes of messages with these bodies.
func queued(bodies ...string) string {
	var records []string
	for i, body := range bodies {
		text, _ := json.Marshal(body)
		records = append(records,
			fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"AQEB","body":%s,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1794905841000"},`+
				`"messageAttributes":{},"md5OfBody":"0","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:changes","awsRegion":"us-east-1"}`, i, text))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

// deleted is the event of a user's end, with an id, so many minutes after nine.
func deleted(user, id string, minute int) string {
	at := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC).Add(time.Duration(minute) * time.Minute)
	return call{event: "DeleteUser", parameters: `{"userName":"` + user + `"}`,
		edit: map[string]string{"eventID": `"` + id + `"`,
			"eventTime": `"` + at.Format(time.RFC3339) + `"`}}.record()
}

func users(b Batch) (names []string) {
	for _, c := range b.Changes {
		names = append(names, c.UserName)
	}
	return names
}

func TestABatchIsReadToItsEnd(t *testing.T) {
	failed := call{event: "DeleteUser", parameters: `{"userName":"f"}`,
		edit: map[string]string{"errorCode": `"NoSuchEntity"`}}.record()
	foreign := strings.Replace(deleted("g", "7", 0), `"recipientAccountId":"123456789012"`,
		`"recipientAccountId":"210987654321"`, 1)
	unknown := call{event: "DeleteUser", parameters: `{"userName":"h"}`,
		edit: map[string]string{"recipientAccountId": ""}}.record()
	unknown = strings.Replace(unknown, `"account":"123456789012",`, ``, 1)
	b, err := ReadQueue([]byte(queued("no JSON", deleted("a", "1", 0), deleted("b", "2", 5),
		deleted("a", "1", 0), failed, "", foreign, deleted("c", "3", 2), unknown,
		`{"source":"aws.s3","detail-type":"Object Created"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := users(b); !slices.Equal(got, []string{"b", "c", "a", "g", "h"}) {
		t.Errorf("changes of %q, want the newest first", got)
	}
	if b.Dropped != 3 || b.Unreadable != 2 || len(b.Why) != 2 || b.Why[0].Message != "m0" ||
		b.Why[0].Begins != "no JSON" || b.Why[1].Message != "m5" || b.More != 0 {
		t.Errorf("%d dropped, %d unreadable: %+v", b.Dropped, b.Unreadable, b.Why)
	}
	own := b.Of(account)
	if got := users(own); !slices.Equal(got, []string{"b", "c", "a", "h"}) || own.Dropped != 4 {
		t.Errorf("of the account: %q, %d dropped", got, own.Dropped)
	}
	if got := users(b); len(got) != 5 {
		t.Errorf("the batch is changed: %q", got)
	}
}

// What is told twice is known by all that it says: nothing else hides behind the id of what
// somebody wants unheard.
func TestTheSameChangeTwice(t *testing.T) {
	anonymous := func(user string) string {
		return call{event: "DeleteUser", parameters: `{"userName":"` + user + `"}`,
			edit: map[string]string{"eventID": ""}}.record()
	}
	for name, test := range map[string]struct {
		bodies []string
		want   int
	}{
		"the same message": {[]string{deleted("a", "1", 0), deleted("a", "1", 0)}, 1},
		"by two rules": {[]string{deleted("a", "1", 0),
			strings.Replace(deleted("a", "1", 0), "53dc4d37", "64ed5e48", 1)}, 1},
		"the same call again":       {[]string{deleted("a", "1", 0), deleted("a", "2", 0)}, 2},
		"somebody else with its id": {[]string{deleted("b", "1", 0), deleted("a", "1", 0)}, 2},
		"another account with its id": {[]string{strings.ReplaceAll(deleted("a", "1", 0), account,
			"210987654321"), deleted("a", "1", 0)}, 2},
		"another call with its id": {[]string{strings.Replace(deleted("a", "1", 0),
			"DeleteUser", "CreateUser", 1), deleted("a", "1", 0)}, 2},
		"without an id":                      {[]string{anonymous("a"), anonymous("a")}, 1},
		"without an id, about somebody else": {[]string{anonymous("a"), anonymous("b")}, 2},
	} {
		b, err := ReadQueue([]byte(queued(test.bodies...)))
		if err != nil || len(b.Changes) != test.want || len(b.Changes)+b.Dropped != len(test.bodies) {
			t.Errorf("%s: %d changes, %d dropped, %v; want %d", name, len(b.Changes), b.Dropped, err,
				test.want)
		}
	}
}

func TestReadQueueRefuses(t *testing.T) {
	for event, want := range map[string]string{
		`{"Records":[]}`:                          "empty",
		`{"Records":{}}`:                          "no list",
		`{"Records":null}`:                        "empty",
		`{"Records":[1]}`:                         `record 1 of its "Records" has eventSource ""`,
		`{"Records":[{"eventSource":"aws:s3"}]}`:  `eventSource "aws:s3"`,
		`{"Records":[{"EventSource":"aws:sns"}]}`: `eventSource ""`,
		strings.Replace(queued("a", "b"), `"aws:sqs"`, `"aws:kinesis"`,
			1): `record 1 of its "Records" has eventSource "aws:kinesis"`,
	} {
		if b, err := ReadQueue([]byte(event)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %+v, %v; want %q", event, b, err, want)
		}
	}
}

// Whoever can write to the queue cannot make the auditor keep much of it.
func TestAHostileBatchIsBounded(t *testing.T) {
	long := strings.Repeat("é\n", 20_000)
	var bodies []string
	for i := range MaxChanges + 500 {
		bodies = append(bodies, deleted(fmt.Sprint("u", i), fmt.Sprint(i), i))
	}
	bodies = append(bodies, strings.Repeat("x", maxBody+1),
		deleted(strings.Repeat("n", 500_000), "long", 0))
	for range 50 {
		bodies = append(bodies, `{"source":"`+long)
	}
	b, err := ReadQueue([]byte(queued(bodies...)))
	if err != nil || len(b.Changes) != MaxChanges || b.More != 501 || b.Unreadable != 51 ||
		len(b.Why) != maxUnreadable {
		t.Errorf("%d changes, %d more, %d unreadable of which %d say why, %v", len(b.Changes), b.More,
			b.Unreadable, len(b.Why), err)
	}
	if why := b.Why[0]; !strings.Contains(why.Err.Error(), "1048577 bytes") ||
		len(why.Begins) > 2*maxShown {
		t.Errorf("%v of %d bytes", why.Err, len(why.Begins))
	}
	c, err := Single([]byte(call{event: "PutUserPolicy",
		parameters: fmt.Sprintf(`{"userName":%q,"policyName":%[1]q}`, long), edit: map[string]string{
			"userIdentity":    fmt.Sprintf(`{"type":%q,"userName":%[1]q,"invokedBy":%[1]q}`, long),
			"sourceIPAddress": fmt.Sprintf("%q", long), "eventID": fmt.Sprintf("%q", long)}}.record()))
	if text, _ := json.Marshal(c.Changes); err != nil || len(text) > 8<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

func FuzzReadQueue(f *testing.F) {
	f.Add([]byte(queued(deleted("a", "1", 0), "no JSON", deleted("b", "2", 0))))
	f.Add([]byte(`{"Records":[{"eventSource":"aws:sqs"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := ReadQueue(raw)
		if err != nil {
			return
		}
		var event map[string]json.RawMessage
		var records []json.RawMessage
		if err := errors.Join(json.Unmarshal(raw, &event),
			json.Unmarshal(event["Records"], &records)); err != nil ||
			len(b.Changes)+b.More+b.Dropped+b.Unreadable != len(records) {
			t.Errorf("%d messages, %v: %+v", len(records), err, b)
		}
	})
}
