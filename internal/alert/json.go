package alert

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// SchemaVersion is that of the default body: docs/message.schema.json.
const SchemaVersion = "1"

// source tells whose message it is.
const source = "remotion-audit"

// jsonBody is the default body, for machines.
type jsonBody struct {
	SchemaVersion string            `json:"schemaVersion"`
	Source        string            `json:"source"`
	Account       string            `json:"account"`
	Events        []Reason          `json:"events"`
	Severity      policies.Severity `json:"severity"`
	Subject       string            `json:"subject"`
	DedupKey      string            `json:"dedupKey,omitempty"`
	ThreadID      string            `json:"threadId,omitempty"`
	Truncated     bool              `json:"truncated"`
	// Evidence is where the full report is kept, if it is.
	Evidence      string         `json:"evidence,omitempty"`
	Announcements []announcement `json:"announcements,omitempty"`
	// Calls are those to IAM that made the auditor look, as far as they touch whom the announcements
	// are about. MoreCalls counts those that did not fit.
	Calls        []iamChangeJSON `json:"changes,omitempty"`
	MoreCalls    int             `json:"moreChanges,omitempty"`
	NextReminder *time.Time      `json:"nextReminder,omitempty"`
	// Report has no findings that are satisfied or muted. A test has none at all.
	Report *audit.Report `json:"report,omitempty"`
	// Subscriptions are whom a test message goes to.
	Subscriptions []Subscription `json:"subscriptions,omitempty"`
}

// An announcement is one thing that is said about a gap, about something that could not be looked
// at, or about a mute.
type announcement struct {
	Event    Reason              `json:"event"`
	Target   string              `json:"target,omitempty"`
	Policy   policies.PolicyKind `json:"policy,omitempty"`
	Sid      string              `json:"sid,omitempty"`
	Action   string              `json:"action,omitempty"`
	Resource string              `json:"resource,omitempty"`
	Status   audit.Status        `json:"status,omitempty"`
	Cause    audit.Cause         `json:"cause,omitempty"`
	Severity policies.Severity   `json:"severity"`
	// WasStatus and WasSeverity are what was said before of a gap that is worse, or less bad, than
	// that.
	WasStatus   audit.Status      `json:"wasStatus,omitempty"`
	WasSeverity policies.Severity `json:"wasSeverity,omitzero"`
	// Since is when it began. Ended says that it is over, Seconds how long it took.
	Since   *time.Time `json:"since,omitempty"`
	Ended   bool       `json:"ended"`
	Seconds int64      `json:"seconds,omitempty"`
	// Opened counts how often a gap was opened, Reminders how often something was told again.
	Opened    int    `json:"opened,omitempty"`
	Reminders int    `json:"reminders,omitempty"`
	Text      string `json:"text"`
	Mute      *Mute  `json:"mute,omitempty"`
}

func (n digest) jsonBody() string {
	d := jsonBody{
		SchemaVersion: SchemaVersion, Source: source, Account: n.report.Account, Events: n.reasons(),
		Severity: n.severity(),
		Subject:  n.subject(), DedupKey: n.key, ThreadID: n.thread, Truncated: n.omitted > 0,
		Evidence: n.options.Sender.full(), Report: &n.excerpt.report,
	}
	if !n.nextReminder.IsZero() {
		d.NextReminder = &n.nextReminder
	}
	for _, c := range n.excerpt.changes {
		g := c.gap
		a := announcement{Event: c.reason, Target: g.Target, Policy: g.Policy, Sid: g.Sid,
			Action: g.Action, Resource: g.Resource,
			Status: c.finding.Status, Cause: c.finding.Cause, Severity: c.finding.Severity, Since: &g.Since,
			Opened: g.Opened, Text: c.finding.Why}
		if g.changed(c.reason) {
			a.WasStatus, a.WasSeverity = g.NotifiedStatus, g.NotifiedSeverity
		}
		if c.reason == ReasonReminder {
			a.Reminders = g.Reminders + 1
		}
		if !g.Closed.IsZero() {
			a.Ended, a.Seconds = true, int64(g.Closed.Sub(g.Since)/time.Second)
		}
		d.Announcements = append(d.Announcements, a)
	}
	for _, e := range n.excerpt.errors {
		a := announcement{Event: e.reason, Target: e.error.Target, Severity: policies.High,
			Since: &e.error.Since, Ended: e.ended, Text: n.said(e)}
		if e.ended {
			a.Seconds = int64(n.now.Sub(e.error.Since) / time.Second)
		}
		if e.reason == ReasonReminder {
			a.Reminders = e.error.Reminders + 1
		}
		d.Announcements = append(d.Announcements, a)
	}
	for _, x := range n.excerpt.notices {
		d.Announcements = append(d.Announcements, announcement{Event: ReasonNotice, Severity: x.severity,
			Text: "mute of " + x.mute.what() + " " + x.said(n.now), Mute: &x.mute})
	}
	for _, x := range n.excerpt.worth {
		d.Announcements = append(d.Announcements, announcement{Event: ReasonNotice, Target: x.Target,
			Severity: policies.Low, Text: x.Text})
	}
	for _, c := range n.excerpt.calls {
		d.Calls = append(d.Calls, iamChangeJSON{c, iamChangeText(c)})
	}
	d.MoreCalls = len(n.iamChanges) - len(n.excerpt.calls)
	return marshal(d)
}

// ReportIn reads the report back out of a default body. Its findings are those that are neither
// satisfied nor muted, and fewer if the message was truncated.
func ReportIn(body string) (audit.Report, error) {
	var d jsonBody
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return audit.Report{}, err
	}
	if d.Report == nil || d.Report.SchemaVersion == "" {
		return audit.Report{}, errors.New("the message is about no report")
	}
	return *d.Report, nil
}
