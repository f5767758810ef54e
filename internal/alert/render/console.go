package render

import (
	"net/url"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// partitions has the host of the console of each partition, and the region in which CloudTrail
// records the calls to IAM.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-cli.html
var partitions = map[string]struct{ console, cloudTrail string }{
	"aws":        {"console.aws.amazon.com", "us-east-1"},
	"aws-cn":     {"console.amazonaws.cn", "cn-north-1"},
	"aws-us-gov": {"console.amazonaws-us-gov.com", "us-gov-west-1"},
}

// consoleURL returns the console page of a user, role or managed policy of the audited account. It
// returns "" for any other text: a link must not lead to a page that the account does not own.
func consoleURL(r audit.Report, text string) string {
	a, ok := arn.Parse(text)
	host := partitions[r.Partition].console
	if !ok || host == "" || !awsname.IsIAMARN(a) || a.Partition != r.Partition ||
		a.Account != r.Account || !awsname.IsIAMName(a.Name()) || !awsname.IsIAMPath(a.Path()) {
		return ""
	}
	start := "https://" + host + "/iam/home#/"
	switch a.Kind() {
	case "user":
		return start + "users/details/" + url.QueryEscape(a.Name())
	case "role":
		return start + "roles/details/" + url.QueryEscape(a.Name())
	case "policy":
		return start + "policies/details/" + url.QueryEscape(text)
	}
	return ""
}

// consolePage returns the console page on which the gaps of a group can be repaired: that of the
// managed policy that the fix edits, else that of the principal. It is "" if there is none.
func consolePage(r audit.Report, g report.Group) string {
	if g.Cause == audit.TargetMissing {
		return ""
	}
	if e, ok := g.Fix(r.Fixes, 0); ok && len(e.Changes) > 0 {
		if edit, ok := editOf(r.Fixes, g, e.Changes[0]); ok && edit.Before != nil &&
			(edit.Location.Kind == iampolicy.ManagedLocation ||
				edit.Location.Kind == iampolicy.BoundaryLocation) {
			if page := consoleURL(r, edit.Location.ARN); page != "" {
				return page
			}
		}
	}
	for _, t := range r.Targets {
		if t.Name == g.Target {
			return consoleURL(r, t.ARN)
		}
	}
	return ""
}

// editOf returns the edit of the group's fix that contains a change.
func editOf(fixes []remedy.Fix, g report.Group, c remedy.Change) (edit remedy.Edit, ok bool) {
	for _, fix := range fixes {
		if fix.Target != g.Target || fix.Policy != g.Policy && fix.Policy != "" {
			continue
		}
		edits := fix.Edits
		for _, guard := range fix.Guards {
			edits = append(slices.Clip(edits), guard.Edits...)
		}
		for _, edit := range edits {
			if slices.ContainsFunc(edit.Changes, func(o remedy.Change) bool {
				return o.Kind == c.Kind && o.Statement == c.Statement && o.Sid == c.Sid &&
					o.Text == c.Text && slices.Equal(o.New, c.New)
			}) {
				return edit, true
			}
		}
	}
	return edit, false
}

// lookupCommand returns the command that prints the latest calls about the principal of a group
// that CloudTrail recorded. It is "" if the name cannot be an argument of the command.
func lookupCommand(r audit.Report, g report.Group) string {
	name, region := arn.Name(g.Target), partitions[r.Partition].cloudTrail
	if g.IsCheck() || region == "" || !awsname.IsIAMName(name) || strings.ContainsAny(name, ",=") {
		return ""
	}
	return textfmt.ShellWords("aws", "cloudtrail", "lookup-events", "--region", region,
		"--lookup-attributes", "AttributeKey=ResourceName,AttributeValue="+name, "--max-items", "5")
}
