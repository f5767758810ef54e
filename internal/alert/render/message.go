package render

import (
	"slices"
	"strconv"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Sender describes the auditor that sends a message.
type Sender struct {
	// Function and Region are those of the auditor's Lambda function, empty if there is none.
	Function, Region string
	// Settings are the flags of `remotion-audit audit` for the same audit, except callers and regions:
	// "--render-role", "video-renderer".
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

// maxTargets bounds the targets of a message, so that many targets do not exceed the size limit of
// a message.
const maxTargets = 100

// Message returns the message with as much of the digest as fits.
func Message(d alert.Digest, from Sender) alert.Message {
	d.Targets = d.Targets[:min(len(d.Targets), maxTargets)]
	limit, h := maxBytes(d), headOf(d)
	m := fitMessage(units(d), limit, func(n int) alert.Message {
		return compose(excerptOf(d, from, h, n))
	})
	if sizeOf(m) > limit {
		return fallbackMessage(d, from, h)
	}
	return m
}

// compose returns the message with the excerpt.
func compose(x excerpt) alert.Message {
	m := alert.Message{Subject: x.head.subject, Bodies: map[string]string{"email": mail(x),
		"sms": x.head.sms, "default": defaultBody(x)}}
	m.Bodies["https"] = m.Bodies["default"]
	if x.from.Format != JSON {
		m.Bodies["https"] = chatCard(x)
	}
	m.Attributes = attributes(x.digest, x.omitted > 0)
	return m
}

// fallbackMessage returns the message to send if names are so long that no part of the digest fits.
// IAM does not allow such names. The message names the location of the full report.
func fallbackMessage(d alert.Digest, from Sender, h head) alert.Message {
	text := h.subject +
		"\n\nThe content exceeds the size limit of a message. The full report is in the evidence " +
		"bucket, if one is configured, and in the function's log.\n"
	body := jsonBody{SchemaVersion: SchemaVersion, Source: source,
		Account: textfmt.ASCII(d.Report.Account, alert.MaxAccount), Events: d.Reasons,
		Severity: d.Severity, Subject: h.subject, DedupKey: d.DedupKey, ThreadID: d.Thread,
		Truncated: true}
	m := alert.Message{Subject: h.subject, Bodies: map[string]string{"email": text, "sms": h.sms,
		"default": textfmt.JSON(body)}}
	m.Attributes = slices.DeleteFunc(attributes(d, units(d) > 0), func(a alert.Attribute) bool {
		return a.Name == "targets"
	})
	m.Bodies["https"] = m.Bodies["default"]
	if from.Format != JSON {
		m.Bodies["https"] = textfmt.JSON(card{Version: "1.0", Source: "custom", ID: d.DedupKey,
			Content: cardContent{TextType: "client-markdown", Title: prose(h.subject),
				Description: prose(text)},
			Metadata: cardMetadata{ThreadID: d.Thread, Summary: prose(h.sms),
				EventType: eventType(d.Reasons[0]), AdditionalContext: map[string]string{}}})
	}
	return m
}

// attributes returns the attributes of a message. They cover all announcements, including those
// that do not fit into the bodies.
func attributes(d alert.Digest, truncated bool) []alert.Attribute {
	list := []alert.Attribute{{Name: "events", Type: "String.Array", Value: textfmt.JSON(d.Reasons)}}
	if len(d.Targets) > 0 {
		list = append(list, alert.Attribute{Name: "targets", Type: "String.Array",
			Value: textfmt.JSON(d.Targets)})
	}
	return append(list, []alert.Attribute{
		{Name: "severity", Type: "String", Value: d.Severity.String()},
		{Name: "account", Type: "String", Value: textfmt.ASCII(d.Report.Account, alert.MaxAccount)},
		{Name: "gapCount", Type: "Number", Value: strconv.Itoa(d.Report.Summary.Gaps)},
		{Name: "dedupKey", Type: "String", Value: d.DedupKey},
		{Name: "schemaVersion", Type: "String", Value: SchemaVersion},
		{Name: "truncated", Type: "String", Value: strconv.FormatBool(truncated)},
	}...)
}
