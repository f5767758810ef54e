package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Command is the command in an event.
type Command string

const (
	// Audit starts an audit of the account.
	Audit Command = "audit"
	// TestAlert starts a test message.
	TestAlert Command = "test-alert"
)

// Event starts a run. An event selects the command, but never what the command acts on: no target,
// role, topic, region or endpoint comes from an event. An unknown field is an error.
type Event struct {
	Command Command
	// DryRun disables alerts, metrics and evidence.
	DryRun bool
	// By is the kind of trigger.
	By audit.TriggerKind
	// Changes are IAM changes; nil for other events. They start an audit if one of them is relevant.
	Changes *cloudtrail.Batch
}

// ErrEvent is wrapped by the error of every unsupported event.
var ErrEvent = errors.New("unsupported event")

// unsupported returns the error of an event, with the reason and the supported events.
func unsupported(reason error) error {
	return fmt.Errorf(`%w: %w. Send {"command":"audit"} or {"command":"test-alert"} (optional `+
		`fields: `+
		`dryRun, schedule, scheduledTime); a scheduled EventBridge event (source aws.events); or IAM `+
		`changes from CloudTrail (source aws.iam), directly or as messages in SQS (Records)`,
		ErrEvent, reason)
}

// command is an event in the auditor's own form. EventBridge Scheduler sets Schedule and
// ScheduledTime.
type command struct {
	Command       Command `json:"command"`
	DryRun        bool    `json:"dryRun"`
	Schedule      string  `json:"schedule"`
	ScheduledTime string  `json:"scheduledTime"`
}

// envelope is an event from EventBridge. Only the replay of an archive sets ReplayName.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
	ReplayName string          `json:"replay-name"`
}

// messages is an event with messages from an SQS queue.
type messages struct {
	Records json.RawMessage `json:"Records"`
}

// eventLimits are the limits of an event. Lambda passes at most 6 MB, which hold about 5,000
// messages with a CloudTrail record each.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
var eventLimits = jsonlimit.Limits{Bytes: 6 << 20, Depth: 40, Values: 300_000, Elements: 20_000,
	UniqueKeys: true}

// maxQuoted is how many bytes of a value of an event an error quotes.
const maxQuoted = 100

// ParseEvent reads an event. Its error wraps ErrEvent and adds the reason.
func ParseEvent(raw []byte) (Event, error) {
	if err := jsonlimit.Check(raw, eventLimits); err != nil {
		return Event{}, unsupported(err)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return Event{}, unsupported(errors.New("the text is not a JSON object"))
	}
	if _, ok := keys["Records"]; ok {
		if err := decodeStrict(raw, keys, new(messages)); err != nil {
			return Event{}, unsupported(err)
		}
		return changeEvent(cloudtrail.ReadQueue(raw))
	}
	if _, ok := keys["source"]; ok {
		var e envelope
		if err := decodeStrict(raw, keys, &e); err != nil {
			return Event{}, unsupported(err)
		}
		switch {
		case e.Source == "aws.events" && e.DetailType == "Scheduled Event":
			return Event{Command: Audit, By: audit.TriggeredBySchedule}, nil
		case e.Source == cloudtrail.Source && e.DetailType == cloudtrail.DetailType:
			return changeEvent(cloudtrail.ReadEvent(raw))
		}
		return Event{}, unsupported(fmt.Errorf("source %s, detail-type %s",
			textfmt.Quote(e.Source, maxQuoted), textfmt.Quote(e.DetailType, maxQuoted)))
	}
	var c command
	if err := decodeStrict(raw, keys, &c); err != nil {
		return Event{}, unsupported(err)
	}
	if c.Command != Audit && c.Command != TestAlert {
		return Event{}, unsupported(fmt.Errorf("command %s",
			textfmt.Quote(string(c.Command), maxQuoted)))
	}
	e := Event{Command: c.Command, DryRun: c.DryRun, By: audit.TriggeredByRequest}
	if c.Schedule != "" {
		e.By = audit.TriggeredBySchedule
	}
	return e, nil
}

func changeEvent(batch cloudtrail.Batch, err error) (Event, error) {
	if err != nil {
		return Event{}, unsupported(err)
	}
	return Event{Command: Audit, By: audit.TriggeredByChanges, Changes: &batch}, nil
}

// decodeStrict decodes an object and returns an error for unknown keys. encoding/json alone would
// accept keys in any case: of two such keys, the last one would win.
func decodeStrict(raw []byte, keys map[string]json.RawMessage, into any) error {
	fields := map[string]bool{}
	for field := range reflect.TypeOf(into).Elem().Fields() {
		fields[field.Tag.Get("json")] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !fields[key] {
			return fmt.Errorf("unknown field %s", textfmt.Quote(key, maxQuoted))
		}
	}
	err := json.Unmarshal(raw, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("field %s must not be a %s", textfmt.Quote(wrong.Field, maxQuoted),
			textfmt.Head(wrong.Value, maxQuoted))
	}
	if err != nil {
		return errors.New(textfmt.Head(err.Error(), 2*maxQuoted))
	}
	return nil
}
