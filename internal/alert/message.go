package alert

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// An Event is why a message is sent.
type Event string

const (
	// Opened: there are gaps.
	Opened Event = "opened"
	// AuditorError: something could not be learnt.
	AuditorError Event = "auditor_error"
	// Test: somebody wants to see whether messages arrive.
	Test Event = "test"
)

// SchemaVersion is that of the default body.
const SchemaVersion = "1"

// MaxBytes is what SNS takes as one message, attributes included.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MaxBytes = 256 * 1024

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
	// Settings are the flags that make `remotion-audit audit` audit the same: report.MailOptions.
	Settings []string
	// Bucket is the evidence bucket, empty when there is none: then nothing can be muted. Evidence is the
	// key in it under which this run's full report is kept.
	Bucket, Evidence string
	// Format is what https subscribers get; empty is Chat.
	Format Format
}

// A Format is a form of the https body.
type Format string

const (
	// Chat is an Amazon Q Developer custom notification, for Slack and Microsoft Teams.
	Chat Format = "chat"
	// JSON is the default body.
	JSON Format = "json"
)

// document is the default body.
type document struct {
	SchemaVersion string       `json:"schemaVersion"`
	Source        string       `json:"source"`
	Events        []Event      `json:"events"`
	Subject       string       `json:"subject"`
	DedupKey      string       `json:"dedupKey"`
	Truncated     bool         `json:"truncated"`
	Report        audit.Report `json:"report"`
}

// Compose makes the message about a report; ok is false when there is nothing to say. Findings that
// hold no news, the satisfied ones, are left out of every body. What does not fit is cut by whole
// findings, the least severe first, and the message says so.
func Compose(r audit.Report, from Sender) (m Message, ok bool) {
	if r.Status == audit.Compliant {
		return Message{}, false
	}
	var events []Event
	if r.Summary.Gaps > 0 {
		events = append(events, Opened)
	}
	if r.Blind() {
		events = append(events, AuditorError)
	}
	news := bySeverity(r.Findings)
	// What is told first is cut last: findings before problems, the worst before the rest. The most
	// that fits is told.
	all := len(news) + len(r.Problems)
	tell := func(n int) Message {
		shown := r
		shown.Findings, shown.Problems = news[:min(n, len(news))], r.Problems[:max(0, n-len(news))]
		return compose(r, shown, all-n, events, from)
	}
	if m = tell(all); m.size() <= MaxBytes {
		return m, true
	}
	return tell(max(0, sort.Search(all, func(n int) bool { return tell(n).size() > MaxBytes })-1)), true
}

// ReportIn reads the report back out of a default body. Its findings are those that are not
// satisfied, and fewer if the message was truncated.
func ReportIn(body string) (audit.Report, error) {
	var d document
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return audit.Report{}, err
	}
	if d.Report.SchemaVersion == "" {
		return audit.Report{}, errors.New("the message is about no report")
	}
	return d.Report, nil
}

// bySeverity leaves satisfied findings out, and puts gaps before what is unverified and the worst
// before the rest.
func bySeverity(findings []audit.Finding) []audit.Finding {
	list := []audit.Finding{}
	for _, f := range findings {
		if f.Status != audit.Satisfied {
			list = append(list, f)
		}
	}
	weight := func(f audit.Finding) int {
		if f.Status.Gap() {
			return int(f.Severity) + int(policies.Critical)
		}
		return int(f.Severity)
	}
	slices.SortStableFunc(list, func(a, b audit.Finding) int { return weight(b) - weight(a) })
	return list
}

// compose makes the message about r that shows a part of it; left findings and problems are not shown.
func compose(r, shown audit.Report, left int, events []Event, from Sender) Message {
	m := Message{Subject: report.Subject(r), Bodies: map[string]string{}}
	key := DedupKey(r)
	var mail bytes.Buffer
	// A bytes.Buffer takes everything.
	_ = report.Mail(&mail, r, report.MailOptions{Function: from.Function, Region: from.Region, Settings: from.Settings, Shown: &shown, Left: left})
	m.Bodies["email"] = mail.String()
	m.Bodies["sms"] = report.SMS(r)
	m.Bodies["default"] = marshal(document{
		SchemaVersion: SchemaVersion, Source: "remotion-audit", Events: events, Subject: m.Subject,
		DedupKey: key, Truncated: left > 0, Report: shown,
	})
	severity := r.Worst().String()
	if severity == "" {
		severity = policies.High.String() // a blind auditor hides whatever is there
	}
	m.Attributes = []Attribute{
		{"events", "String.Array", marshal(events)},
		{"targets", "String.Array", marshal(targets(r))},
		{"severity", "String", severity},
		{"account", "String", r.Account},
		{"gapCount", "Number", strconv.Itoa(r.Summary.Gaps)},
		{"dedupKey", "String", key},
		{"schemaVersion", "String", SchemaVersion},
		{"truncated", "String", strconv.FormatBool(left > 0)},
	}
	return m
}

// targets lists whom the message is about, once each: a role may be a caller and a render role.
func targets(r audit.Report) []string {
	names := []string{}
	for _, t := range r.Targets {
		if (t.Summary.Gaps > 0 || r.BlindTo(t.Name)) && !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// TestMessage is a marked message that shows whether alerts arrive.
func TestMessage(account string, from Sender) Message {
	const text = "This is a test of remotion-audit: nothing was audited, and nothing is wrong. If you read this, alerts reach you."
	subject := "[TEST] Remotion IAM: test message | " + account
	return Message{
		Subject: subject,
		Bodies: map[string]string{
			"email": text + "\n\nSent by the function " + from.Function + " in account " + account + ".\n",
			"sms":   "TEST remotion-audit " + account + ": alerts reach you.",
			"default": marshal(struct {
				SchemaVersion string  `json:"schemaVersion"`
				Source        string  `json:"source"`
				Events        []Event `json:"events"`
				Subject       string  `json:"subject"`
				Account       string  `json:"account"`
			}{SchemaVersion, "remotion-audit", []Event{Test}, subject, account}),
		},
		Attributes: []Attribute{
			{"events", "String.Array", marshal([]Event{Test})},
			{"account", "String", account},
			{"schemaVersion", "String", SchemaVersion},
		},
	}
}

// DedupKey is equal for equal announcements: the same account with the same gaps and blind spots.
// Nothing volatile is in it.
func DedupKey(r audit.Report) string {
	h := sha256.New()
	fmt.Fprintln(h, r.Account, r.Status)
	for _, f := range r.Findings {
		if f.Status != audit.Satisfied {
			fmt.Fprintln(h, f.Target, f.Policy, f.Sid, f.Action, f.Resource, f.Status, f.Cause)
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintln(h, p.Target, p.What, p.Grant)
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// Structure is the Message parameter of a publish with MessageStructure=json.
func (m Message) Structure() string { return marshal(m.Bodies) }

// size is what SNS counts.
func (m Message) size() int {
	n := len(m.Structure())
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

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
