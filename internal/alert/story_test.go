package alert

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

var start = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

// fixture returns a report from the test data of package report.
func fixture(t testing.TB, name string) audit.Report {
	t.Helper()
	raw, err := os.ReadFile("../report/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// reportOf returns a report of findings. Each target has the given findings about it. If none of
// them is about the action a, b or c, the target also has a satisfied finding about that action, so
// that no target is entirely unverified.
func reportOf(targets []string, findings ...audit.Finding) audit.Report {
	r := audit.Report{SchemaVersion: audit.SchemaVersion, Status: audit.StatusCompliant,
		Account: "123456789012", Partition: "aws", Regions: []string{"us-east-1", "eu-west-1"},
		Remotion: audit.Remotion{Requested: "auto", Since: "4.0.418",
			Release: "Remotion 4.0.418 and later"}, Targets: []audit.TargetReport{},
		Findings: []audit.Finding{}, Problems: []audit.Problem{}, AssumedContext: []string{}}
	for _, name := range targets {
		list := slices.DeleteFunc(slices.Clone(findings), func(f audit.Finding) bool {
			return f.Target != name
		})
		for _, action := range []string{"a", "b", "c"} {
			if !slices.ContainsFunc(list, func(f audit.Finding) bool { return f.Action == action }) {
				list = append(list, finding(name, action, audit.Satisfied, policies.High))
			}
		}
		s := audit.Summary{}
		for _, f := range list {
			s.Requirements++
			switch f.Status {
			case audit.Satisfied:
				s.Satisfied++
			case audit.Unverified:
				s.Unverified++
			default:
				s.Gaps++
				if f.Severity == policies.Critical {
					s.GapsCritical++
				}
			}
		}
		r.Findings = append(r.Findings, list...)
		r.Targets = append(r.Targets,
			audit.TargetReport{Name: name, ARN: "arn:aws:iam::123456789012:" + name, Kind: audit.Caller,
				Purpose: policies.All, Summary: s})
		r.Summary = r.Summary.Plus(s)
	}
	switch {
	case r.Summary.Gaps > 0:
		r.Status = audit.StatusGaps
	case r.Summary.Unverified > 0:
		r.Status = audit.StatusUnverified
	}
	return r
}

func finding(target, action string, status audit.Status, severity policies.Severity) audit.Finding {
	f := audit.Finding{Target: target, Policy: policies.User, Sid: "Storage", Action: action,
		Resource: "arn:aws:s3:::remotionlambda-*", Status: status, Severity: severity,
		Asked: 1, Reason: "stores renders", Impact: action + " fails", Breakage: policies.Hard,
		Source: "https://www.remotion.dev/docs/lambda/permissions"}
	switch {
	case status == audit.Unverified:
		f.Why = "no simulation"
	case status.Gap():
		f.Cause, f.Why, f.ExampleARN, f.Region = audit.NoGrant, "no statement grants the action",
			"arn:aws:s3:::remotionlambda-useast1-x", "us-east-1"
	default:
		f.Covered = 1
	}
	return f
}

// story is a sequence of runs. It stores the state between them as a caller of Plan does.
type story struct {
	t             testing.TB
	state         State
	now           time.Time
	mutes         mute.List
	options       Options
	noSubscribers bool // the topic has no confirmed subscription
	runs          int
	last          Planned
}

func newStory(t testing.TB) *story {
	return &story{t: t, now: start, options: Options{RepeatAfter: 24 * time.Hour, Sender: Sender{
		Function: "remotion-audit", Region: "us-east-1", Bucket: "audit-evidence",
		Evidence: "reports/2026/11/16/r1.json",
	}}}
}

// run plans the report as that of a new run, and stores the state as JSON, as in the evidence
// bucket.
func (s *story) run(r audit.Report) Planned {
	s.t.Helper()
	s.runs++
	r.Run = audit.Run{ID: time.Duration(s.runs).String(), At: s.now, Auditor: "remotion-audit",
		Trigger: r.Run.Trigger}
	return s.plan(r)
}

func (s *story) plan(r audit.Report) Planned {
	s.t.Helper()
	p := Plan(s.state, r, s.mutes, s.now, s.options)
	next := p.Next
	if s.noSubscribers && !p.Message.Zero() {
		next = p.NextUndelivered
	}
	if !s.options.Stateless {
		var err error
		if s.state, err = ParseState(next.JSON()); err != nil {
			s.t.Fatalf("the next state cannot be read: %v\n%s", err, next.JSON())
		}
	}
	s.last = p
	return p
}

// after plans the report of a run at the given time after the last run.
func (s *story) after(d time.Duration, r audit.Report) Planned {
	s.t.Helper()
	s.now = s.now.Add(d)
	return s.run(r)
}

func attribute(m Message, name string) string {
	for _, a := range m.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
