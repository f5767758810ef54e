package app

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

func TestEventFiles(t *testing.T) {
	const role, user, other = "PutRolePolicy on role/remotion-lambda-role (inline policy " +
		"remotion-lambda-role-policy)",
		"PutUserPolicy on user/remotion-user (inline policy remotion-user-policy)",
		"AttachRolePolicy on role/image-resizer (policy AWSLambdaBasicExecutionRole)"
	want := map[string]struct {
		Event
		changes []string
	}{
		"scheduler.json":      {Event{Command: Audit, By: audit.TriggeredBySchedule}, nil},
		"scheduled-rule.json": {Event{Command: Audit, By: audit.TriggeredBySchedule}, nil},
		"audit.json":          {Event{Command: Audit, By: audit.TriggeredByRequest}, nil},
		"audit-dry-run.json":  {Event{Command: Audit, By: audit.TriggeredByRequest, DryRun: true}, nil},
		"test-alert.json":     {Event{Command: TestAlert, By: audit.TriggeredByRequest}, nil},
		"iam-change.json":     {Event{Command: Audit, By: audit.TriggeredByChanges}, []string{role}},
		"iam-changes-sqs.json": {Event{Command: Audit, By: audit.TriggeredByChanges},
			[]string{other, user, role}},
	}
	files, err := fs.Glob(events.FS, "*.json")
	if err != nil || len(files) != len(want) {
		t.Errorf("files %q, %v; want %d", files, err, len(want))
	}
	for _, file := range files {
		raw, err := fs.ReadFile(events.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseEvent(raw)
		var changes []string
		if got.Changes != nil {
			for _, c := range got.Changes.Changes {
				changes = append(changes, c.Description())
			}
			got.Changes = nil
		}
		if err != nil || got != want[file].Event || !slices.Equal(changes, want[file].changes) {
			t.Errorf("%s: %+v %q, %v; want %+v", file, got, changes, err, want[file])
		}
	}
}

func TestParseEventRefuses(t *testing.T) {
	long := strings.Repeat("long", 500)
	for name, test := range map[string]struct{ raw, want string }{
		"no text":                  {``, "not a JSON object"},
		"null":                     {`null`, "not a JSON object"},
		"a list":                   {`[]`, "not a JSON object"},
		"an empty object":          {`{}`, `command ""`},
		"the console's test event": {`{"key1":"value1","key2":"value2"}`, `unknown field "key1"`},
		"an unknown command":       {`{"command":"delete"}`, `command "delete"`},
		"a command with a target": {`{"command":"audit","callers":"user/x"}`,
			`unknown field "callers"`},
		"a command with a topic": {`{"command":"test-alert","topicArn":"arn:aws:sns:x"}`,
			`unknown field "topicArn"`},
		"an event from another source": {`{"source":"aws.s3","detail-type":"Object Created"}`,
			`source "aws.s3"`},
		"an IAM change without a record": {`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{}}`,
			`missing key "eventName"`},
		"an IAM change without a detail":   {`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail"}`, `missing key "eventName"`},
		"an IAM change with another field": {`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"DeleteUser"},"callers":"user/x"}`, `unknown field "callers"`},
		"an IAM event of another type": {`{"source":"aws.iam","detail-type":"AWS Service Event via CloudTrail","detail":{}}`,
			`source "aws.iam", detail-type "AWS Service`},
		"an empty list of records": {`{"Records":[]}`,
			`"Records" must be a list of at least one record`},
		"records of another kind": {`{"Records":[{"eventSource":"aws:s3","s3":{}}]}`,
			`must have eventSource "aws:sqs", got "aws:s3"`},
		"records and a command": {`{"Records":[{"eventSource":"aws:sqs","body":""}],"command":"audit"}`,
			`unknown field "command"`},
		"Records in lower case": {`{"records":[{"eventSource":"aws:sqs","body":""}]}`,
			`unknown field "records"`},
		"an event of a scheduled rule with another field": {`{"source":"aws.events","detail-type":"Scheduled Event","command":"audit"}`,
			`unknown field "command"`},
		"a key in capitals": {`{"COMMAND":"audit"}`, `unknown field "COMMAND"`},
		"two keys that differ in case": {`{"command":"audit","Command":"test-alert"}`,
			`duplicate key "Command"`},
		"a key twice": {`{"command":"audit","command":"test-alert"}`, `duplicate key "command"`},
		"a key twice in a record": {`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail",` +
			`"detail":{"eventName":"DeleteUser","requestParameters":{"userName":"a","userName":"b"}}}`,
			`duplicate key "userName"`},
		"a key in two cases in a record": {`{"source":"aws.iam","detail-type":"AWS API Call via ` +
			`CloudTrail","detail":{"eventName":"DeleteUser","EventName":"GetUser"}}`,
			`duplicate key "EventName"`},
		"a key twice in a message of a queue": {`{"Records":[{"eventSource":"aws:sqs","body":"",` +
			`"body":"{}"}]}`, `duplicate key "body"`},
		"a long command": {`{"command":"` + long + `"}`, `command "` + long[:100] + `"…. Send`},
		"a long key":     {`{"` + long + `":1}`, `unknown field "` + long[:100] + `"…. Send`},
		"a long source": {`{"source":"` + long + `","detail-type":"` + long + `"}`,
			`source "` + long[:100] + `"…, detail-type "` + long[:100] + `"…. Send`},
		"a long time": {`{"source":"aws.events","time":"` + long + `"}`, `…. Send`},
		"a long source of a record": {`{"Records":[{"eventSource":"` + long + `"}]}`,
			`got "` + long[:127] + `…". Send`},
		"deep nesting": {strings.Repeat(`{"a":`, 1000), "at most 40 objects and lists may be nested"},
		"many values": {`{"a":[` + strings.Repeat("1,", 1<<20) + `1]}`,
			"the lists of the text must have at most 20000 elements"},
		"more than Lambda passes": {strings.Repeat(" ", 6<<20+1),
			"the text must have at most 6291456 bytes, got 6291457"},
		"text after the event": {`{"command":"audit"} {}`, "not a JSON object"},
		"a dry run that is not boolean": {`{"command":"audit","dryRun":"yes"}`,
			`field "dryRun" must not be a string`},
	} {
		t.Run(name, func(t *testing.T) {
			raw := []byte(test.raw)
			var err error
			memory.AtMost(t, 1<<20, func() { _, err = ParseEvent(raw) })
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(err.Error(), `{"command":"audit"}`) {
				t.Errorf("%v; want %q and the supported events", err, test.want)
			}
		})
	}
}

func FuzzParseEvent(f *testing.F) {
	files, _ := fs.Glob(events.FS, "*.json")
	for _, file := range files {
		raw, _ := fs.ReadFile(events.FS, file)
		f.Add(raw)
	}
	f.Add([]byte(`{"source":1}`))
	f.Add([]byte(`{"Records":[{"eventSource":"aws:sqs","body":"{}","Body":"{}"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e Event
		var err error
		memory.AtMost(t, 1<<20+500*uint64(len(raw)), func() { e, err = ParseEvent(raw) })
		if err != nil && len(err.Error()) > 2000 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
		if (err == nil) != (e.Command == Audit || e.Command == TestAlert) ||
			(err == nil) != (e.By != "") || (e.Changes != nil) != (e.By == audit.TriggeredByChanges) {
			t.Errorf("%s: %+v, %v", raw, e, err)
		}
	})
}
