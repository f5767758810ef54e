package app

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/events"
)

func TestEventFiles(t *testing.T) {
	want := map[string]Event{
		"scheduler.json":      {Command: Audit},
		"scheduled-rule.json": {Command: Audit},
		"audit.json":          {Command: Audit},
		"audit-dry-run.json":  {Command: Audit, DryRun: true},
		"test-alert.json":     {Command: TestAlert},
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
		if got, err := ParseEvent(raw); err != nil || got != want[file] {
			t.Errorf("%s: %+v, %v; want %+v", file, got, err, want[file])
		}
	}
}

func TestParseEventRefuses(t *testing.T) {
	for name, test := range map[string]struct{ raw, want string }{
		"nothing":                       {``, "not a JSON object"},
		"null":                          {`null`, "not a JSON object"},
		"a list":                        {`[]`, "not a JSON object"},
		"an empty object":               {`{}`, `command ""`},
		"the console's test event":      {`{"key1":"value1","key2":"value2"}`, `unknown field "key1"`},
		"an unknown command":            {`{"command":"delete"}`, `command "delete"`},
		"a target":                      {`{"command":"audit","callers":"user/x"}`, `unknown field "callers"`},
		"a topic":                       {`{"command":"test-alert","topicArn":"arn:aws:sns:x"}`, `unknown field "topicArn"`},
		"another source":                {`{"source":"aws.s3","detail-type":"Object Created"}`, `source "aws.s3"`},
		"an IAM change":                 {`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","detail":{}}`, `source "aws.iam"`},
		"a rule's event with more":      {`{"source":"aws.events","detail-type":"Scheduled Event","command":"audit"}`, `unknown field "command"`},
		"a command in capitals":         {`{"COMMAND":"audit"}`, `unknown field "COMMAND"`},
		"two commands":                  {`{"command":"audit","Command":"test-alert"}`, `unknown field "Command"`},
		"text behind the event":         {`{"command":"audit"} {}`, "not a JSON object"},
		"a dry run that is not boolean": {`{"command":"audit","dryRun":"yes"}`, `its field "dryRun" may not be a string`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseEvent([]byte(test.raw))
			if !errors.Is(err, ErrEvent) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), `{"command":"audit"}`) {
				t.Errorf("%v; want %q, and what is accepted", err, test.want)
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
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := ParseEvent(raw)
		if (err == nil) != (e.Command == Audit || e.Command == TestAlert) {
			t.Errorf("%s: %+v, %v", raw, e, err)
		}
	})
}
