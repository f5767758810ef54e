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

// queued returns the event that Lambda creates from messages with the given bodies.
func queued(bodies ...string) string {
	var records []string
	for i, body := range bodies {
		text, _ := json.Marshal(body)
		records = append(records,
			fmt.Sprintf(
				`{"messageId":"m%d","receiptHandle":"AQEB","body":%s,"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1794905841000"},`+
					`"messageAttributes":{},"md5OfBody":"0","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:123456789012:changes","awsRegion":"us-east-1"}`, i, text))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

// deleted returns the event of a DeleteUser call. minute is the number of minutes after 09:00.
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

func TestReadQueueReadsTheWholeBatch(t *testing.T) {
	failed := call{event: "DeleteUser", parameters: `{"userName":"f"}`,
		edit: map[string]string{"errorCode": `"NoSuchEntity"`}}.record()
	foreign := strings.Replace(deleted("g", "7", 0), `"recipientAccountId":"123456789012"`,
		`"recipientAccountId":"210987654321"`, 1)
	noAccount := call{event: "DeleteUser", parameters: `{"userName":"h"}`,
		edit: map[string]string{"recipientAccountId": ""}}.record()
	noAccount = strings.Replace(noAccount, `"account":"123456789012",`, ``, 1)
	b, err := ReadQueue([]byte(queued("no JSON", deleted("a", "1", 0), deleted("b", "2", 5),
		deleted("a", "1", 0), failed, "", foreign, deleted("c", "3", 2), noAccount,
		`{"source":"aws.s3","detail-type":"Object Created"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := users(b); !slices.Equal(got, []string{"b", "c", "a", "g", "h"}) {
		t.Errorf("changes of %q, want the newest first", got)
	}
	if b.Dropped != 3 || b.Unreadable != 2 || len(b.Errors) != 2 || b.Errors[0].MessageID != "m0" ||
		b.Errors[0].Prefix != "no JSON" || b.Errors[1].MessageID != "m5" || b.More != 0 {
		t.Errorf("%d dropped, %d unreadable: %+v", b.Dropped, b.Unreadable, b.Errors)
	}
	own := b.InAccount(account)
	if got := users(own); !slices.Equal(got, []string{"b", "c", "a", "h"}) || own.Dropped != 4 {
		t.Errorf("in the account: %q, %d dropped", got, own.Dropped)
	}
	if got := users(b); len(got) != 5 {
		t.Errorf("InAccount changed the batch: %q", got)
	}
}

// TestReadQueueDropsDuplicates checks that ReadQueue drops a change only if all its fields equal
// those of another change. A forged change therefore cannot hide a real one by reusing its ID.
func TestReadQueueDropsDuplicates(t *testing.T) {
	anonymous := func(user string) string {
		return call{event: "DeleteUser", parameters: `{"userName":"` + user + `"}`,
			edit: map[string]string{"eventID": ""}}.record()
	}
	for name, test := range map[string]struct {
		bodies []string
		want   int
	}{
		"the same message twice is one change": {[]string{deleted("a", "1", 0), deleted("a", "1", 0)}, 1},
		"the same call through two rules is one change": {[]string{deleted("a", "1", 0),
			strings.Replace(deleted("a", "1", 0), "53dc4d37", "64ed5e48", 1)}, 1},
		"two calls that differ only in the id are two changes": {
			[]string{deleted("a", "1", 0), deleted("a", "2", 0)}, 2},
		"two calls that differ only in the user are two changes": {
			[]string{deleted("b", "1", 0), deleted("a", "1", 0)}, 2},
		"two calls that differ only in the account are two changes": {
			[]string{strings.ReplaceAll(deleted("a", "1", 0), account, "210987654321"),
				deleted("a", "1", 0)}, 2},
		"two calls that differ only in the event name are two changes": {
			[]string{strings.Replace(deleted("a", "1", 0), "DeleteUser", "CreateUser", 1),
				deleted("a", "1", 0)}, 2},
		"two equal calls without an id are one change": {[]string{anonymous("a"), anonymous("a")}, 1},
		"two calls without an id for different users are two changes": {
			[]string{anonymous("a"), anonymous("b")}, 2},
	} {
		b, err := ReadQueue([]byte(queued(test.bodies...)))
		if err != nil || len(b.Changes) != test.want || len(b.Changes)+b.Dropped != len(test.bodies) {
			t.Errorf("%s: %d changes, %d dropped, %v; want %d", name, len(b.Changes), b.Dropped, err,
				test.want)
		}
	}
}

func TestReadQueueRefusesInvalidEvents(t *testing.T) {
	for event, want := range map[string]string{
		`{"Records":[]}`:                          "at least one record",
		`{"Records":{}}`:                          "must be a list",
		`{"Records":null}`:                        "at least one record",
		`{"Records":[1]}`:                         `record 1 of "Records" must have eventSource "aws:sqs", got ""`,
		`{"Records":[{"eventSource":"aws:s3"}]}`:  `got "aws:s3"`,
		`{"Records":[{"EventSource":"aws:sns"}]}`: `got ""`,
		strings.Replace(queued("a", "b"), `"aws:sqs"`, `"aws:kinesis"`,
			1): `record 1 of "Records" must have eventSource "aws:sqs", got "aws:kinesis"`,
	} {
		if b, err := ReadQueue([]byte(event)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %+v, %v; want %q", event, b, err, want)
		}
	}
}

// TestBatchIsBounded checks that long messages and many messages do not make a batch large.
func TestBatchIsBounded(t *testing.T) {
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
		len(b.Errors) != maxErrors {
		t.Errorf("%d changes, %d more, %d unreadable, %d errors, %v", len(b.Changes), b.More,
			b.Unreadable, len(b.Errors), err)
	}
	if first := b.Errors[0]; !strings.Contains(first.Err.Error(),
		"at most 1048576 bytes, got 1048577") || len(first.Prefix) > 2*maxPrefix {
		t.Errorf("%v, prefix of %d bytes", first.Err, len(first.Prefix))
	}
	c, err := ReadEvent([]byte(call{event: "PutUserPolicy",
		parameters: fmt.Sprintf(`{"userName":%q,"policyName":%[1]q}`, long), edit: map[string]string{
			"userIdentity":    fmt.Sprintf(`{"type":%q,"userName":%[1]q,"invokedBy":%[1]q}`, long),
			"sourceIPAddress": fmt.Sprintf("%q", long), "eventID": fmt.Sprintf("%q", long)}}.record()))
	if text, _ := json.Marshal(c.Changes); err != nil || len(text) > 8<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestAnAmbiguousMessageIsUnreadable checks that a message with a duplicate key counts as
// unreadable, so that the run audits, and that it does not hide the other messages.
func TestAnAmbiguousMessageIsUnreadable(t *testing.T) {
	twice := strings.Replace(deleted("b", "2", 0), `"userName":"b"`,
		`"userName":"b","UserName":"c"`, 1)
	b, err := ReadQueue([]byte(queued(deleted("a", "1", 0), twice)))
	if err != nil || b.Unreadable != 1 || !slices.Equal(users(b), []string{"a"}) ||
		!strings.Contains(b.Errors[0].Err.Error(), `duplicate key "UserName"`) {
		t.Errorf("%+v, %v", b, err)
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
