package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/timeline"
)

func read(t testing.TB, file string) (r audit.Report) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// drifted returns the report on examples/drifted.
func drifted(t testing.TB) audit.Report { return read(t, "testdata/drifted.json") }

var at = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// everything returns a report that fills each part of a page.
func everything(t testing.TB) audit.Report {
	r := drifted(t)
	need := func(f audit.Finding) remedy.Need {
		return remedy.Need{Sid: f.Sid, Action: f.Action,
			Resource: f.Resource}
	}
	passed := slices.IndexFunc(r.Findings, func(f audit.Finding) bool {
		return f.Status == audit.Satisfied
	})
	for i, s := range []audit.Status{audit.Denied, audit.Partial, audit.Conditional, audit.Unverified,
		audit.Missing} {
		f := r.Findings[passed]
		f.Action, f.Status, f.Cause, f.Why = fmt.Sprintf("s3:Action%d", i), s, audit.SCP, "a reason"
		f.Severity, f.Notes, f.MissingContext = policies.High, []string{"a note"},
			[]string{"aws:SourceIp"}
		f.UnderAssumedContext, f.SimulatedStatements = s == audit.Denied, []string{"a statement"}
		f.ExampleARN, f.Region = "*", "us-east-1"
		if s == audit.Missing {
			f.Muted = &audit.Mute{Owner: "an owner", Reason: "a reason", Until: at}
			r.Summary.GapsMuted++
		}
		r.Findings = append(r.Findings, f)
	}
	absent := r.Findings[passed]
	absent.Target, absent.Action, absent.Sid, absent.Status = "user/absent", "", "", audit.Missing
	absent.Cause, absent.Severity = audit.TargetMissing, policies.Critical
	r.Findings = append(r.Findings, absent)
	fix := &r.Fixes[0]
	guard := fix.Edits[0]
	guard.Policy, guard.Location = `service control policy "guardrail"`,
		iampolicy.Location{Kind: iampolicy.SCPLocation, Name: "guardrail"}
	denied := need(r.Findings[len(r.Findings)-6])
	fix.Guards = []remedy.Guard{{Cause: iampolicy.SCP, Policy: guard.Policy, Owner: "an administrator",
		Ask: "a text\nof two lines", Edits: []remedy.Edit{guard}, Why: "a reason",
		Blocks: []remedy.Need{denied}, Closes: []remedy.Need{denied},
		AlsoAllows: &remedy.Example{Action: "s3:GetObject", Resource: "arn:aws:s3:::other/x"}}}
	fix.Remaining = []remedy.Remaining{{Need: denied, Why: "a reason"}}
	fix.Wider = &remedy.Wider{Edits: fix.Edits, Closes: fix.Closes}
	fix.Undo = &remedy.Undo{Edits: fix.Edits, Closes: fix.Closes, Version: "v1"}
	fix.Owner = remedy.Ownership{Tool: remedy.Terraform, Certainty: remedy.ProbableOwner,
		Evidence: []string{"a tag"}}
	r.Problems = []audit.Problem{
		{Target: "user/ci", What: "its groups", Why: "throttled", Remedy: "try again"},
		{Target: "user/ci", What: "its policies", Why: "access denied", Grant: "iam:GetUserPolicy"}}
	r.AuditorAccess = &audit.AuditorAccess{Principal: "arn:aws:iam::123456789012:user/auditor",
		AttachTo: "user/auditor", Error: "access denied", Policy: fix.Edits[0].After,
		Lacks: []audit.DeniedAction{{Action: "iam:GetUserPolicy", Targets: []string{"user/ci"}, More: 2,
			Layer: "service control policy"}}}
	r.Notices = append(r.Notices, audit.Notice{Kind: audit.NoticeAdministrator, Target: "user/ci",
		Severity: policies.High, Text: "may do everything", Command: "remotion-audit fix --tighten x"})
	r.Upgrade = &audit.Upgrade{To: "4.1.0", Release: "4.1.0", Problem: "unknown",
		Findings: []audit.Finding{r.Findings[passed]}}
	r.Run.Trigger = &audit.Trigger{By: audit.TriggeredByChanges, More: 3, Unreadable: 1,
		Changes: []audit.IAMChange{{Event: "PutUserPolicy", At: at, Actor: "user/kim", From: "192.0.2.7",
			UserName: "remotion-user", PolicyName: "a policy", Targets: []string{"user/remotion-user"}}}}
	r.Run.Flags = []string{"--regions", "us-east-1"}
	r.Targets[0].Context = []string{"aws:PrincipalTag/team=video"}
	r.Remotion.Releases = []string{"4.0.61", "4.0.418"}
	return r
}

// open returns the gaps of a report as gaps of a state.
func open(r audit.Report) (gaps []alert.Gap) {
	for _, f := range r.Findings {
		if f.Gap() {
			gaps = append(gaps, alert.Gap{Identity: alert.IdentityOf(f), Since: at})
		}
	}
	return gaps
}

// document returns a page with all parts: a report with its open gaps, a history and notes.
func document(r audit.Report) Document {
	return Document{Report: r, Open: open(r), Timeline: timelineOf(r),
		Notes: []string{"A note about " + r.Account}}
}

// timelineOf returns a history of the gaps of a report: the first one is open from the first run,
// the others opened later, and every second one recovered.
func timelineOf(r audit.Report) *timeline.Timeline {
	s := timeline.Series{Account: r.Account, Auditor: r.Run.Auditor, Latest: r, Open: open(r)}
	for i := range 40 {
		s.Runs = append(s.Runs, timeline.Run{At: at.AddDate(0, 0, i), ID: r.Run.ID, Incomplete: i == 7,
			Open: map[policies.Severity]int{policies.Critical: i % 7, policies.Low: i % 3}})
	}
	for i, gap := range s.Open {
		span := timeline.Span{Identity: gap.Identity, Severity: policies.High, Before: i < 2,
			Opened: at.AddDate(0, 0, i)}
		if i%2 == 0 {
			span.Closed = span.Opened.Add(30 * time.Hour)
		}
		if i == 3 {
			span.Ended = span.Opened.Add(time.Hour)
		}
		s.Spans = append(s.Spans, span)
	}
	second := s
	second.Runs = s.Runs[:1]
	return &timeline.Timeline{Series: []timeline.Series{s, second},
		Unread: []timeline.Unread{{Key: "reports/" + r.Run.ID, Err: errors.New(r.Account)}}}
}

// many returns a report with at least n findings, of principals like those of examples/drifted.
func many(t testing.TB, n int) audit.Report {
	one := drifted(t)
	r := one
	r.Targets, r.Findings, r.Fixes = nil, nil, nil
	for i := 0; len(r.Findings) < n; i++ {
		rename := func(name string) string { return fmt.Sprintf("%s-%03d", name, i) }
		for _, target := range one.Targets {
			target.Name, target.ARN = rename(target.Name), rename(target.ARN)
			r.Targets = append(r.Targets, target)
		}
		for _, f := range one.Findings {
			f.Target = rename(f.Target)
			r.Findings = append(r.Findings, f)
		}
		for _, f := range one.Fixes {
			f.Target, f.Number = rename(f.Target), len(r.Fixes)+1
			f.Edits = slices.Clone(f.Edits)
			for j := range f.Edits {
				f.Edits[j].Location.Holder = rename(f.Edits[j].Location.Holder)
			}
			r.Fixes = append(r.Fixes, f)
		}
	}
	return r
}

func pageOf(t testing.TB, d Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func parse(t testing.TB, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// text returns the text of a node, without that of scripts and styles.
func text(n *html.Node) string {
	var b strings.Builder
	for n := range n.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attribute(n *html.Node, name string) (value string, ok bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// elements returns the elements with a name and, unless class is empty, with a class.
func elements(root *html.Node, name, class string) (list []*html.Node) {
	for n := range root.Descendants() {
		value, _ := attribute(n, "class")
		if n.Type == html.ElementNode && n.Data == name &&
			(class == "" || slices.Contains(strings.Fields(value), class)) {
			list = append(list, n)
		}
	}
	return list
}

// byID returns the element with an id, or fails the test.
func byID(t testing.TB, root *html.Node, id string) *html.Node {
	t.Helper()
	for n := range root.Descendants() {
		if value, _ := attribute(n, "id"); value == id {
			return n
		}
	}
	t.Fatalf("no element has the id %s", id)
	return nil
}
