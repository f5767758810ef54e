package alert

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// A Subscription is one of a topic's.
type Subscription struct {
	Protocol string `json:"protocol"`
	Endpoint string `json:"endpoint"`
	// Confirmed says that it gets messages; SNS sends nothing to the others.
	Confirmed bool `json:"confirmed"`
}

// maxSubscriptions is how many a test message lists.
const maxSubscriptions = 50

// TestMessage is a marked message that shows whether alerts arrive, and says who gets it. Its
// severity is critical and it is about the given targets, so that it passes the filters that a real
// one would. Nil subscriptions are not known; without a function it was the command that sent it.
func TestMessage(account string, targets []string, subscriptions []Subscription,
	from Sender) Message {
	const text = "This is a test of remotion-audit: nothing was audited, and nothing is wrong. If " +
		"you read this, alerts reach you."
	account = ascii(account, maxAccount)
	subject := ascii("[TEST] Remotion IAM: test message | "+account, subjectLimit)
	shown := subscriptions[:min(len(subscriptions), maxSubscriptions)]
	var mail strings.Builder
	by := "the command remotion-audit for"
	if from.Function != "" {
		by = "the function " + oneLine(from.Function) + " in"
	}
	fmt.Fprintf(&mail, "%s\n\nSent by %s account %s.\n\nIT GOES TO\n", text, by, oneLine(account))
	for _, line := range recipients(subscriptions) {
		fmt.Fprintf(&mail, "  %s\n", line)
	}
	key := "test-" + account
	m := Message{
		Subject: subject,
		Bodies: map[string]string{
			"email": mail.String(),
			"sms":   ascii("TEST remotion-audit "+account+": alerts reach you.", smsLimit),
			"default": marshal(jsonBody{SchemaVersion: SchemaVersion, Source: source, Account: account,
				Events:   []Reason{ReasonTest},
				Severity: policies.Critical, Subject: subject, Subscriptions: shown}),
		},
		Attributes: []Attribute{{"events", "String.Array", marshal([]Reason{ReasonTest})}},
	}
	m.Bodies["https"] = m.Bodies["default"]
	if from.Format != JSON {
		m.Bodies["https"] = marshal(card{Version: "1.0", Source: "custom", ID: key,
			Content: cardContent{TextType: "client-markdown", Title: subject, Description: text},
			Metadata: cardMetadata{ThreadID: "remotion-audit-" + account + "-test", Summary: m.Bodies["sms"],
				EventType:         "remotion-audit.test",
				AdditionalContext: map[string]string{"account": code(account)}}})
	}
	if targets = targets[:min(len(targets), maxTargets)]; len(targets) > 0 {
		m.Attributes = append(m.Attributes, Attribute{"targets", "String.Array", marshal(targets)})
	}
	m.Attributes = append(m.Attributes, Attribute{"severity", "String", policies.Critical.String()},
		Attribute{"account", "String", account}, Attribute{"schemaVersion", "String", SchemaVersion})
	return m
}

// recipients says who gets the messages of a topic, a line each, and last who does not yet.
func recipients(list []Subscription) (lines []string) {
	if list == nil {
		return []string{"whoever is subscribed: the topic does not say"}
	}
	waiting := 0
	for i, s := range list {
		switch {
		case !s.Confirmed:
			waiting++
		case i < maxSubscriptions:
			lines = append(lines, oneLine(s.Protocol+"  "+s.Endpoint))
		}
	}
	if len(lines) == 0 {
		lines = append(lines, "nobody: no subscription is confirmed")
	}
	if waiting > 0 {
		lines = append(lines,
			report.Plural(waiting, "subscription")+
				" not confirmed: whoever got the mail has to click its link")
	}
	return lines
}
