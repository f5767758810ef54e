package alert

import (
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
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
	// ReasonReclassified means that an upgrade of the auditor judges a finding otherwise. The account
	// did not change, as far as the auditor knows.
	ReasonReclassified Reason = "reclassified"
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

// Subscription is a subscription of a topic.
type Subscription struct {
	Protocol string `json:"protocol"`
	Endpoint string `json:"endpoint"`
	// Confirmed is true if SNS delivers messages to the subscription.
	Confirmed bool `json:"confirmed"`
}

// Structure returns the Message parameter for a publish with MessageStructure=json.
func (m Message) Structure() string { return textfmt.JSON(m.Bodies) }

// MaxAccount bounds the length of an account ID, which has 12 digits.
const MaxAccount = 12
