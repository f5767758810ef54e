package alert

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Reason is why a message is sent.
type Reason string

const (
	// ReasonOpened means that a gap is new.
	ReasonOpened Reason = "opened"
	// ReasonReopened means that a gap that had recovered is open again.
	ReasonReopened Reason = "reopened"
	// ReasonWorse means that a gap has a higher severity or a worse status than announced.
	ReasonWorse Reason = "worse"
	// ReasonReminder means that a gap or an auditor error that was announced is still open.
	ReasonReminder Reason = "reminder"
	// ReasonRecovered means that all permissions that a target lacked for one root cause are granted.
	ReasonRecovered Reason = "recovered"
	// ReasonPartlyRecovered means that some, but not all, permissions that a target lacked for one
	// root cause are granted, or that a gap has a lower severity or a better status than announced.
	ReasonPartlyRecovered Reason = "partly_recovered"
	// ReasonRetired means that a target, region or requirement is no longer audited. Its gaps have not
	// recovered.
	ReasonRetired Reason = "retired"
	// ReasonBaseline means that the first run found the gap, or a later run before any message was
	// sent.
	ReasonBaseline Reason = "baseline"
	// ReasonAuditorError means that the auditor cannot do a part of its work, or that such an error
	// ended.
	ReasonAuditorError Reason = "auditor_error"
	// ReasonNotice means that a mute needs attention, or the report has a new notice.
	ReasonNotice Reason = "notice"
	// ReasonTest means that a user sent a test message.
	ReasonTest Reason = "test"
)

// Message is a message to publish with MessageStructure=json.
type Message struct {
	// Subject is printable ASCII of at most 99 characters.
	Subject string `json:"subject"`
	// Bodies are the texts by protocol. The text for "default" is JSON.
	Bodies map[string]string `json:"bodies"`
	// Attributes are the message attributes that subscription filters match.
	Attributes []Attribute `json:"attributes"`
}

// Zero reports whether there is no message to send.
func (m Message) Zero() bool { return m.Subject == "" }

// Attribute is a message attribute. Type is String, Number or String.Array.
type Attribute struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Sender describes the auditor that sends a message.
type Sender struct {
	// Function and Region are those of the auditor's Lambda function, empty if there is none.
	Function, Region string
	// Settings are flags of `remotion-audit audit`, as in report.Letter.
	Settings []string
	// Bucket is the evidence bucket. If it is empty, gaps cannot be muted. Evidence is the key of this
	// run's full report in the bucket.
	Bucket, Evidence string
	// Format is the form of the https body; empty means Chat.
	Format Format
}

// reportURL returns the S3 URL of the full report, or "".
func (s Sender) reportURL() string {
	if s.Bucket == "" || s.Evidence == "" {
		return ""
	}
	return "s3://" + s.Bucket + "/" + s.Evidence
}

// Format is a form of the https body.
type Format string

const (
	// Chat is an Amazon Q Developer custom notification, for Slack and Microsoft Teams.
	Chat Format = "chat"
	// JSON is the form of the default body.
	JSON Format = "json"
)

// message returns the message with as much of the digest as fits.
func (d digest) message() Message {
	m := fitMessage(d.units(), func(units int) Message { return d.truncate(units).compose() })
	if m.size() > MaxBytes {
		return d.fallbackMessage()
	}
	return m
}

// fallbackMessage returns the message to send if names are so long that no part of the digest fits.
// IAM does not allow such names. The message names the location of the full report.
func (d digest) fallbackMessage() Message {
	d.omitted = d.units()
	d.excerpt = &excerpt{}
	text := d.subject() +
		"\n\nThe content exceeds the size limit of a message. The full report is in the evidence " +
		"bucket, if one is configured, and in the function's log.\n"
	body := jsonBody{SchemaVersion: SchemaVersion, Source: source,
		Account: ascii(d.report.Account, maxAccount), Events: d.reasons(), Severity: d.severity(),
		Subject: d.subject(), DedupKey: d.key, ThreadID: d.thread, Truncated: true}
	m := d.withAttributes(Message{Subject: d.subject(),
		Bodies: map[string]string{"email": text, "sms": d.sms(), "default": marshal(body)}})
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a Attribute) bool {
		return a.Name == "targets"
	})
	m.Bodies["https"] = m.Bodies["default"]
	if d.options.Sender.Format != JSON {
		m.Bodies["https"] = marshal(card{Version: "1.0", Source: "custom", ID: d.key,
			Content: cardContent{TextType: "client-markdown", Title: prose(d.subject()),
				Description: prose(text)},
			Metadata: cardMetadata{ThreadID: d.thread, Summary: prose(d.sms()),
				EventType: "remotion-audit." + string(d.reasons()[0]), AdditionalContext: map[string]string{}}})
	}
	return m
}

// maxAccount bounds the length of an account ID, which has 12 digits.
const maxAccount = 12

// compose returns the message with the excerpt of the digest.
func (d digest) compose() Message {
	m := Message{Subject: d.subject(), Bodies: map[string]string{"email": d.mail(), "sms": d.sms(),
		"default": d.jsonBody()}}
	m.Bodies["https"] = m.Bodies["default"]
	if d.options.Sender.Format != JSON {
		m.Bodies["https"] = d.card()
	}
	return d.withAttributes(m)
}

// withAttributes returns the message with its attributes. The attributes cover all announcements,
// including those that do not fit into the bodies.
func (d digest) withAttributes(m Message) Message {
	m.Attributes = []Attribute{{"events", "String.Array", marshal(d.reasons())}}
	if targets := d.targets(); len(targets) > 0 {
		m.Attributes = append(m.Attributes, Attribute{"targets", "String.Array", marshal(targets)})
	}
	m.Attributes = append(m.Attributes, []Attribute{
		{"severity", "String", d.severity().String()},
		{"account", "String", ascii(d.report.Account, maxAccount)},
		{"gapCount", "Number", strconv.Itoa(d.report.Summary.Gaps)},
		{"dedupKey", "String", d.key},
		{"schemaVersion", "String", SchemaVersion},
		{"truncated", "String", strconv.FormatBool(d.omitted > 0)},
	}...)
	return m
}

// Structure returns the Message parameter for a publish with MessageStructure=json.
func (m Message) Structure() string { return marshal(m.Bodies) }

// marshal returns a value as JSON. The value must consist of strings, numbers and structs, which
// always encode.
func marshal(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "{}"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
