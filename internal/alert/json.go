package alert

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// SchemaVersion is the schema version of the default body: docs/message.schema.json.
const SchemaVersion = "1"

// source names the program that sends the message.
const source = "remotion-audit"

// jsonBody is the default body.
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
	// Evidence is the S3 URL of the full report, empty without a bucket.
	Evidence      string         `json:"evidence,omitempty"`
	Announcements []announcement `json:"announcements,omitempty"`
	// Changes are the IAM changes that triggered the run and affect a target of the announcements.
	// MoreChanges counts the omitted changes.
	Changes      []iamChangeJSON `json:"changes,omitempty"`
	MoreChanges  int             `json:"moreChanges,omitempty"`
	NextReminder *time.Time      `json:"nextReminder,omitempty"`
	// Report contains no satisfied or muted findings. A test message has no report.
	Report *audit.Report `json:"report,omitempty"`
	// Subscriptions are the recipients of a test message.
	Subscriptions []Subscription `json:"subscriptions,omitempty"`
}

// announcement announces a gap, an auditor error, a mute or a notice.
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
	// WasStatus and WasSeverity are the last announced status and severity of a gap that is worse or
	// better now.
	WasStatus   audit.Status      `json:"wasStatus,omitempty"`
	WasSeverity policies.Severity `json:"wasSeverity,omitzero"`
	// Since is when the gap or error was found. Ended is true if the gap or error ended. Seconds is
	// its duration if it ended.
	Since   *time.Time `json:"since,omitempty"`
	Ended   bool       `json:"ended"`
	Seconds int64      `json:"seconds,omitempty"`
	// Opened counts how often the gap opened. Reminders counts the reminders, including this message.
	Opened    int        `json:"opened,omitempty"`
	Reminders int        `json:"reminders,omitempty"`
	Text      string     `json:"text"`
	Mute      *mute.Mute `json:"mute,omitempty"`
}

func (d digest) jsonBody() string {
	body := jsonBody{
		SchemaVersion: SchemaVersion, Source: source, Account: d.report.Account, Events: d.reasons(),
		Severity: d.severity(),
		Subject:  d.subject(), DedupKey: d.key, ThreadID: d.thread, Truncated: d.omitted > 0,
		Evidence: d.options.Sender.reportURL(), Report: &d.excerpt.report,
	}
	if !d.nextReminder.IsZero() {
		body.NextReminder = &d.nextReminder
	}
	for _, c := range d.excerpt.transitions {
		g := c.gap
		a := announcement{Event: c.reason, Target: g.Target, Policy: g.Policy, Sid: g.Sid,
			Action: g.Action, Resource: g.Resource,
			Status: c.finding.Status, Cause: c.finding.Cause, Severity: c.finding.Severity, Since: &g.Since,
			Opened: g.Opened, Text: c.finding.Why}
		if g.statusChanged(c.reason) {
			a.WasStatus, a.WasSeverity = g.NotifiedStatus, g.NotifiedSeverity
		}
		if c.reason == ReasonReminder {
			a.Reminders = g.Reminders + 1
		}
		if !g.Closed.IsZero() {
			a.Ended, a.Seconds = true, int64(g.Closed.Sub(g.Since)/time.Second)
		}
		body.Announcements = append(body.Announcements, a)
	}
	for _, e := range d.excerpt.errorTransitions {
		a := announcement{Event: e.reason, Target: e.error.Target, Severity: policies.High,
			Since: &e.error.Since, Ended: e.ended, Text: d.errorText(e)}
		if e.ended {
			a.Seconds = int64(d.now.Sub(e.error.Since) / time.Second)
		}
		if e.reason == ReasonReminder {
			a.Reminders = e.error.Reminders + 1
		}
		body.Announcements = append(body.Announcements, a)
	}
	for _, x := range d.excerpt.muteNotices {
		body.Announcements = append(body.Announcements, announcement{Event: ReasonNotice,
			Severity: x.severity, Text: x.sentence(d.now), Mute: &x.mute})
	}
	for _, x := range d.excerpt.reportNotices {
		body.Announcements = append(body.Announcements, announcement{Event: ReasonNotice,
			Target: x.Target, Severity: policies.Low, Text: x.Text})
	}
	for _, c := range d.excerpt.iamChanges {
		body.Changes = append(body.Changes, iamChangeJSON{c, iamChangeText(c)})
	}
	body.MoreChanges = len(d.iamChanges) - len(d.excerpt.iamChanges)
	return marshal(body)
}

// ReportIn returns the report that a default body contains. The report has no satisfied or muted
// findings. In a truncated message it has only a part of the other findings.
func ReportIn(body string) (audit.Report, error) {
	var d jsonBody
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		return audit.Report{}, err
	}
	if d.Report == nil || d.Report.SchemaVersion == "" {
		return audit.Report{}, errors.New("the message has no report")
	}
	return *d.Report, nil
}
