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
)

// Command is what an event asks for.
type Command string

const (
	// Audit audits the account.
	Audit Command = "audit"
	// TestAlert sends a marked test message.
	TestAlert Command = "test-alert"
)

// An Event says when to do what. It never says about whom: no target, role, topic, region or
// endpoint comes from it, and a field that is not known is an error.
type Event struct {
	Command Command
	// DryRun audits without publishing anything.
	DryRun bool
	// By says what an audit is asked for by.
	By audit.TriggerKind
	// Changes are calls to IAM: an audit is asked for if one of them touches somebody audited. Nil is
	// an event that is about none.
	Changes *cloudtrail.Batch
}

// ErrEvent is the error of every event that is not one of ours.
var ErrEvent = errors.New(`the event is not one of ours: accepted are {"command":"audit"} and {"command":"test-alert"}, ` +
	`each with an optional "dryRun":true, "schedule" and "scheduledTime", a scheduled EventBridge event (source aws.events), ` +
	`and what CloudTrail reports of IAM (source aws.iam), directly or as messages in SQS ("Records")`)

// command is our own form of an event; EventBridge Scheduler fills the last two.
type command struct {
	Command       Command `json:"command"`
	DryRun        bool    `json:"dryRun"`
	Schedule      string  `json:"schedule"`
	ScheduledTime string  `json:"scheduledTime"`
}

// envelope is what EventBridge puts around what it delivers. Only a replay of an archive has the
// last. https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
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

// messages is what Lambda makes of messages in a queue.
type messages struct {
	Records json.RawMessage `json:"Records"`
}

// ParseEvent reads an event. Its error wraps ErrEvent and says what is wrong with this one.
func ParseEvent(raw []byte) (Event, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil || keys == nil {
		return Event{}, fmt.Errorf("%w; this one is not a JSON object", ErrEvent)
	}
	if _, ok := keys["Records"]; ok {
		if err := strict(raw, keys, new(messages)); err != nil {
			return Event{}, fmt.Errorf("%w; %v", ErrEvent, err)
		}
		return ofChanges(cloudtrail.ReadQueue(raw))
	}
	if _, ok := keys["source"]; ok {
		var e envelope
		if err := strict(raw, keys, &e); err != nil {
			return Event{}, fmt.Errorf("%w; %v", ErrEvent, err)
		}
		switch {
		case e.Source == "aws.events" && e.DetailType == "Scheduled Event":
			return Event{Command: Audit, By: audit.TriggeredBySchedule}, nil
		case e.Source == cloudtrail.Source && e.DetailType == cloudtrail.DetailType:
			return ofChanges(cloudtrail.Single(raw))
		}
		return Event{}, fmt.Errorf("%w; this one has source %q and detail-type %q", ErrEvent, e.Source,
			e.DetailType)
	}
	var c command
	if err := strict(raw, keys, &c); err != nil {
		return Event{}, fmt.Errorf("%w; %v", ErrEvent, err)
	}
	if c.Command != Audit && c.Command != TestAlert {
		return Event{}, fmt.Errorf("%w; this one has command %q", ErrEvent, c.Command)
	}
	e := Event{Command: c.Command, DryRun: c.DryRun, By: audit.TriggeredByRequest}
	if c.Schedule != "" {
		e.By = audit.TriggeredBySchedule
	}
	return e, nil
}

func ofChanges(batch cloudtrail.Batch, err error) (Event, error) {
	if err != nil {
		return Event{}, fmt.Errorf("%w; %v", ErrEvent, err)
	}
	return Event{Command: Audit, By: audit.TriggeredByChanges, Changes: &batch}, nil
}

// strict decodes an object whose keys are known to be exactly fields of the struct: encoding/json
// alone would take them in any case, and of two the last.
func strict(raw []byte, keys map[string]json.RawMessage, into any) error {
	fields := map[string]bool{}
	for field := range reflect.TypeOf(into).Elem().Fields() {
		fields[field.Tag.Get("json")] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !fields[key] {
			return fmt.Errorf("it has an unknown field %q", key)
		}
	}
	err := json.Unmarshal(raw, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("its field %q may not be a %s", wrong.Field, wrong.Value)
	}
	return err
}
