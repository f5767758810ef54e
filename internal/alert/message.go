package alert

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// An Event is why a message is sent.
type Reason string

const (
	// ReasonOpened: a gap that was not there before.
	ReasonOpened Reason = "opened"
	// ReasonReopened: a gap that had recovered is back.
	ReasonReopened Reason = "reopened"
	// ReasonWorse: a gap is more severe than was said, or more of what is needed is lacking.
	ReasonWorse Reason = "worse"
	// ReasonReminder: what was announced is still so.
	ReasonReminder Reason = "reminder"
	// ReasonRecovered: what a root cause had taken from a target is granted again.
	ReasonRecovered Reason = "recovered"
	// ReasonPartlyRecovered: some of it is, or it is less bad than was said.
	ReasonPartlyRecovered Reason = "partly_recovered"
	// ReasonRetired: a target, region or requirement is no longer audited. That is no recovery.
	ReasonRetired Reason = "retired"
	// ReasonBaseline: what the first run found.
	ReasonBaseline Reason = "baseline"
	// ReasonAuditorError: something could not be looked at, or can be again.
	ReasonAuditorError Reason = "auditor_error"
	// ReasonNotice: something about a mute, or a notice of the report that nobody was told of.
	ReasonNotice Reason = "notice"
	// ReasonTest: somebody wants to see whether messages arrive.
	ReasonTest Reason = "test"
)

// A Message is ready to be published with MessageStructure=json.
type Message struct {
	// Subject is printable ASCII of at most 99 characters.
	Subject string `json:"subject"`
	// Bodies are the texts by protocol; default is JSON, for machines.
	Bodies map[string]string `json:"bodies"`
	// Attributes are in the order in which they are to be sent.
	Attributes []Attribute `json:"attributes"`
}

// Zero reports whether there is no message: there is nothing to say.
func (m Message) Zero() bool { return m.Subject == "" }

// An Attribute is a message attribute. Type is String, Number or String.Array.
type Attribute struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// A Sender says who composes a message, for the texts.
type Sender struct {
	// Function and Region are those of the auditor's Lambda function, empty when there is none.
	Function, Region string
	// Settings are the flags that make `remotion-audit audit` audit the same: report.Letter.
	Settings []string
	// Bucket is the evidence bucket, empty when there is none: then nothing can be muted. Evidence is
	// the key in it under which this run's full report is kept.
	Bucket, Evidence string
	// Format is what https subscribers get; empty is Chat.
	Format Format
}

// full is where the whole report is kept, or empty.
func (s Sender) full() string {
	if s.Bucket == "" || s.Evidence == "" {
		return ""
	}
	return "s3://" + s.Bucket + "/" + s.Evidence
}

// A Format is a form of the https body.
type Format string

const (
	// Chat is an Amazon Q Developer custom notification, for Slack and Microsoft Teams.
	Chat Format = "chat"
	// JSON is the default body.
	JSON Format = "json"
)

// message composes what fits of the news.
func (n digest) message() Message {
	m := fitMessage(n.units(), func(units int) Message { return n.truncate(units).compose() })
	if m.size() > MaxBytes {
		return n.bare()
	}
	return m
}

// bare is the message when nothing fits: names are longer than IAM lets them be. It says that there
// is something to say, and where.
func (n digest) bare() Message {
	n.omitted = n.units()
	n.excerpt = &excerpt{}
	text := n.subject() +
		"\n\nAll there is to say is more than a message holds. The full report is in the evidence " +
		"bucket, if there is one, and in the function's log.\n"
	d := jsonBody{SchemaVersion: SchemaVersion, Source: source,
		Account: ascii(n.report.Account, maxAccount), Events: n.reasons(), Severity: n.severity(),
		Subject: n.subject(), DedupKey: n.key, ThreadID: n.thread, Truncated: true}
	m := n.attributed(Message{Subject: n.subject(),
		Bodies: map[string]string{"email": text, "sms": n.sms(), "default": marshal(d)}})
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a Attribute) bool {
		return a.Name == "targets"
	})
	m.Bodies["https"] = m.Bodies["default"]
	if n.options.Sender.Format != JSON {
		m.Bodies["https"] = marshal(card{Version: "1.0", Source: "custom", ID: n.key,
			Content: cardContent{TextType: "client-markdown", Title: prose(n.subject()),
				Description: prose(text)},
			Metadata: cardMetadata{ThreadID: n.thread, Summary: prose(n.sms()),
				EventType: "remotion-audit." + string(n.reasons()[0]), AdditionalContext: map[string]string{}}})
	}
	return m
}

// maxAccount bounds an account id, which has 12 digits.
const maxAccount = 12

// compose makes the message that tells all of the news.
func (n digest) compose() Message {
	m := Message{Subject: n.subject(), Bodies: map[string]string{"email": n.mail(), "sms": n.sms(),
		"default": n.jsonBody()}}
	m.Bodies["https"] = m.Bodies["default"]
	if n.options.Sender.Format != JSON {
		m.Bodies["https"] = n.card()
	}
	return n.attributed(m)
}

// attributed adds the attributes, which go by all that is announced.
func (n digest) attributed(m Message) Message {
	m.Attributes = []Attribute{{"events", "String.Array", marshal(n.reasons())}}
	if targets := n.targets(); len(targets) > 0 {
		m.Attributes = append(m.Attributes, Attribute{"targets", "String.Array", marshal(targets)})
	}
	m.Attributes = append(m.Attributes, []Attribute{
		{"severity", "String", n.severity().String()},
		{"account", "String", ascii(n.report.Account, maxAccount)},
		{"gapCount", "Number", strconv.Itoa(n.report.Summary.Gaps)},
		{"dedupKey", "String", n.key},
		{"schemaVersion", "String", SchemaVersion},
		{"truncated", "String", strconv.FormatBool(n.omitted > 0)},
	}...)
	return m
}

// Structure is the Message parameter of a publish with MessageStructure=json.
func (m Message) Structure() string { return marshal(m.Bodies) }

// marshal is for values that always encode: strings, numbers and structs of them.
func marshal(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "{}"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
