package render

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
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
	Events        []alert.Reason    `json:"events"`
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
	Subscriptions []alert.Subscription `json:"subscriptions,omitempty"`
}

// announcement announces a gap, an auditor error, a mute or a notice.
type announcement struct {
	Event    alert.Reason        `json:"event"`
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
	// Reclassified is why a finding is reclassified; empty for other events. WasStatus and WasSeverity
	// are then the status and the severity before.
	Reclassified alert.Reclassification `json:"reclassified,omitempty"`
	// Since is when the gap or error was found. Ended is true if the gap or error ended. Seconds is
	// its duration if it ended.
	Since   *time.Time `json:"since,omitempty"`
	Ended   bool       `json:"ended"`
	Seconds int64      `json:"seconds,omitempty"`
	// Opened counts how often the gap opened. Reminders counts the reminders, including this message.
	Opened    int    `json:"opened,omitempty"`
	Reminders int    `json:"reminders,omitempty"`
	Text      string `json:"text"`
	// Fix describes the change that closes the gap, and FixCommand prints it; both are empty if no fix
	// is known.
	Fix        string     `json:"fix,omitempty"`
	FixCommand string     `json:"fixCommand,omitempty"`
	Mute       *mute.Mute `json:"mute,omitempty"`
}

// defaultBody returns the default body.
func defaultBody(x excerpt) string {
	d := x.digest
	body := jsonBody{
		SchemaVersion: SchemaVersion, Source: source, Account: d.Report.Account, Events: d.Reasons,
		Severity: d.Severity,
		Subject:  x.head.subject, DedupKey: d.DedupKey, ThreadID: d.Thread, Truncated: x.omitted > 0,
		Evidence: x.from.reportURL(), Report: &x.report,
	}
	if !d.NextReminder.IsZero() {
		body.NextReminder = &d.NextReminder
	}
	for _, c := range x.gaps {
		g := c.Gap
		a := announcement{Event: c.Reason, Target: g.Target, Policy: g.Policy, Sid: g.Sid,
			Action: g.Action, Resource: g.Resource,
			Status: c.Finding.Status, Cause: c.Finding.Cause, Severity: c.Finding.Severity, Since: &g.Since,
			Opened: g.Opened, Text: c.Finding.Why}
		if group := report.Grouped([]audit.Finding{c.Finding}); g.Closed.IsZero() && len(group) > 0 {
			if e, ok := group[0].Fix(d.Report.Fixes, 0); ok {
				if a.Fix = e.Text; e.Edits {
					a.FixCommand = fixCommand(d.Report, x.from, group[0], e)
				}
			}
		}
		if c.StatusChanged() {
			a.WasStatus, a.WasSeverity = g.NotifiedStatus, g.NotifiedSeverity
		}
		if c.Reclassified != "" {
			a.Reclassified, a.Text = c.Reclassified, reclassifiedText(c)
			a.WasStatus, a.WasSeverity = c.Previous.Status, c.Previous.Severity
		}
		if c.Reason == alert.ReasonReminder {
			a.Reminders = g.Reminders + 1
		}
		if !g.Closed.IsZero() {
			a.Ended, a.Seconds = true, int64(g.Closed.Sub(g.Since)/time.Second)
		}
		body.Announcements = append(body.Announcements, a)
	}
	for _, e := range x.errors {
		a := announcement{Event: e.Reason, Target: e.Error.Target, Severity: policies.High,
			Since: &e.Error.Since, Ended: e.Ended, Text: errorText(d, e)}
		if e.Ended {
			a.Seconds = int64(d.Now.Sub(e.Error.Since) / time.Second)
		}
		if e.Reason == alert.ReasonReminder {
			a.Reminders = e.Error.Reminders + 1
		}
		body.Announcements = append(body.Announcements, a)
	}
	for _, n := range x.mutes {
		body.Announcements = append(body.Announcements, announcement{Event: alert.ReasonNotice,
			Severity: n.Severity, Text: muteSentence(n, d.Now), Mute: &n.Mute})
	}
	for _, n := range x.notices {
		body.Announcements = append(body.Announcements, announcement{Event: alert.ReasonNotice,
			Target: n.Target, Severity: policies.Low, Text: n.Text})
	}
	for _, c := range x.iamChanges {
		body.Changes = append(body.Changes, iamChangeJSON{c, iamChangeText(c)})
	}
	body.MoreChanges = len(d.IAMChanges) - len(x.iamChanges)
	return textfmt.JSON(body)
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
