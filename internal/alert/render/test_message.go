package render

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxSubscriptions bounds the subscriptions that a test message lists.
const maxSubscriptions = 50

// TestMessage returns a message that tests the delivery of alerts and lists its recipients. It is
// critical and names the given targets, so that it passes every filter that an alert may pass. Nil
// subscriptions mean that listing failed. Without a function in from, the text names the command as
// sender.
func TestMessage(account string, targets []string, subscriptions []alert.Subscription,
	from Sender) alert.Message {
	const body = "This is a test message of remotion-audit. Nothing was audited, and no action is " +
		"needed. Alerts reach this address."
	account = textfmt.ASCII(account, alert.MaxAccount)
	subject := textfmt.ASCII("[TEST] Test message, no action needed ("+account+")", subjectLimit)
	shown := subscriptions[:min(len(subscriptions), maxSubscriptions)]
	var mail strings.Builder
	by := "the command remotion-audit for"
	if from.Function != "" {
		by = "the function " + textfmt.OneLine(from.Function) + " in"
	}
	fmt.Fprintf(&mail, "%s\n\nSent by %s account %s.\n\nRECIPIENTS\n", body, by,
		textfmt.OneLine(account))
	for _, line := range recipients(subscriptions) {
		fmt.Fprintf(&mail, "  %s\n", line)
	}
	key := "test-" + account
	m := alert.Message{
		Subject: subject,
		Bodies: map[string]string{
			"email": mail.String(),
			"sms": textfmt.ASCII("TEST remotion-audit "+account+": test message, no action needed.",
				smsLimit),
			"default": textfmt.JSON(jsonBody{SchemaVersion: SchemaVersion, Source: source, Account: account,
				Events:   []alert.Reason{alert.ReasonTest},
				Severity: policies.Critical, Subject: subject, Subscriptions: shown}),
		},
		Attributes: []alert.Attribute{{Name: "events", Type: "String.Array",
			Value: textfmt.JSON([]alert.Reason{alert.ReasonTest})}},
	}
	m.Bodies["https"] = m.Bodies["default"]
	if from.Format != JSON {
		m.Bodies["https"] = textfmt.JSON(card{Version: "1.0", Source: "custom", ID: key,
			Content: cardContent{TextType: "client-markdown", Title: subject, Description: body},
			Metadata: cardMetadata{ThreadID: "remotion-audit-" + account + "-test", Summary: m.Bodies["sms"],
				EventType:         eventType(alert.ReasonTest),
				AdditionalContext: map[string]string{"account": code(account)}}})
	}
	if targets = targets[:min(len(targets), maxTargets)]; len(targets) > 0 {
		m.Attributes = append(m.Attributes, alert.Attribute{Name: "targets", Type: "String.Array",
			Value: textfmt.JSON(targets)})
	}
	m.Attributes = append(m.Attributes, []alert.Attribute{
		{Name: "severity", Type: "String", Value: policies.Critical.String()},
		{Name: "account", Type: "String", Value: account},
		{Name: "schemaVersion", Type: "String", Value: SchemaVersion},
	}...)
	return m
}

// recipients describes the confirmed subscriptions of a topic, one per line, and counts the
// unconfirmed subscriptions.
func recipients(list []alert.Subscription) (lines []string) {
	if list == nil {
		return []string{"unknown: listing the subscriptions of the topic failed"}
	}
	unconfirmed := 0
	for i, s := range list {
		switch {
		case !s.Confirmed:
			unconfirmed++
		case i < maxSubscriptions:
			lines = append(lines, textfmt.OneLine(s.Protocol+"  "+s.Endpoint))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "none: the topic has no confirmed subscription")
	}
	if unconfirmed > 0 {
		lines = append(lines, textfmt.Plural(unconfirmed, "unconfirmed subscription")+
			": confirm with the link in the confirmation mail")
	}
	return lines
}
