package render

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// compareGolden compares a message with three golden files. One contains the subject, the SMS, the
// attributes and the mail, one the subject and the mail as a phone shows them, and one the chat
// card.
func compareGolden(t *testing.T, name string, m alert.Message) {
	t.Helper()
	if m.Zero() {
		t.Fatal("no message")
	}
	var card bytes.Buffer
	if err := json.Indent(&card, []byte(m.Bodies["https"]), "", "  "); err != nil {
		t.Fatal(err)
	}
	card.WriteByte('\n')
	head := "Subject: " + m.Subject + "\nSMS: " + m.Bodies["sms"] + "\n"
	for _, a := range m.Attributes {
		head += a.Name + ": " + a.Value + "\n"
	}
	for suffix, got := range map[string][]byte{".mail": []byte(head + "\n" + m.Bodies["email"]),
		".phone":     []byte(onPhone(m.Subject + "\n\n" + m.Bodies["email"])),
		".card.json": card.Bytes()} {
		golden.Compare(t, filepath.Join("testdata", "golden", name+suffix), got)
	}
}

// without returns a report in which the gaps for which granted returns true are satisfied.
func without(r audit.Report, granted func(audit.Finding) bool) audit.Report {
	r.Findings, r.Targets = slices.Clone(r.Findings), slices.Clone(r.Targets)
	for i, f := range r.Findings {
		if !f.Status.Gap() || !granted(f) {
			continue
		}
		// Muted removes the gap from the sums. The code below adds the finding as satisfied.
		r = r.Muted(func(g audit.Finding) *audit.Mute {
			if alert.IdentityOf(g) == alert.IdentityOf(f) {
				return &audit.Mute{}
			}
			return nil
		})
		r.Findings[i].Muted, r.Findings[i].Status, r.Findings[i].Cause, r.Findings[i].Why = nil,
			audit.Satisfied, "", ""
		for j, t := range r.Targets {
			if t.Name == f.Target && t.Kind.Policy() == f.Policy {
				r.Targets[j].Summary.GapsMuted--
				r.Targets[j].Summary.Satisfied++
			}
		}
		r.Summary.GapsMuted--
		r.Summary.Satisfied++
	}
	return r
}

func TestGolden(t *testing.T) {
	drifted, compliant, unverified := withStops(fixture(t, "drifted")), fixture(t, "compliant"),
		fixture(t, "simulation-denied")
	mixed, hostile := withStops(fixture(t, "mixed")), fixture(t, "hostile")
	ofRole := func(f audit.Finding) bool { return f.Target == "role/remotion-lambda-role" }
	userOnly := without(drifted, ofRole)
	roleOnly := without(drifted, func(f audit.Finding) bool { return !ofRole(f) })
	partly := drifted
	partly.Findings = slices.Clone(drifted.Findings)
	for i, f := range partly.Findings {
		if f.Action == "s3:GetObject" && f.Status.Gap() {
			partly.Findings[i].Status = audit.Partial
		}
	}
	day := 24 * time.Hour
	tests := []struct {
		name string
		plan func(*story) rendered
	}{
		{"baseline", func(s *story) rendered { return s.run(drifted) }},
		{"releases", func(s *story) rendered { return s.run(fixture(t, "releases")) }},
		{"mixed-baseline", func(s *story) rendered { return s.run(mixed) }},
		{"organization", func(s *story) rendered { return s.run(withStops(fixture(t, "organization"))) }},
		{"reads-denied", func(s *story) rendered { return s.run(fixture(t, "reads-denied")) }},
		{"new", func(s *story) rendered {
			s.run(userOnly)
			return s.after(3*time.Hour, drifted)
		}},
		{"reminder", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, userOnly)
			return s.after(day, userOnly)
		}},
		{"worse", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, partly)
			return s.after(2*time.Hour, drifted)
		}},
		{"improved", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, drifted)
			return s.after(2*time.Hour, partly)
		}},
		{"recovered", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, roleOnly)
			return s.after(2*day+3*time.Hour, compliant)
		}},
		{"partly-recovered", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, drifted)
			return s.after(5*time.Hour, without(drifted, func(f audit.Finding) bool {
				return f.Action == "s3:GetObject" || f.Action == "s3:PutObject"
			}))
		}},
		{"reopened", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, userOnly)
			s.after(time.Hour, compliant)
			return s.after(time.Hour, userOnly)
		}},
		{"retired", func(s *story) rendered {
			s.Options.Configured.Targets = []string{roleOnly.Targets[0].Name, roleOnly.Targets[1].Name}
			s.run(drifted)
			s.Options.Configured.Targets = s.Options.Configured.Targets[1:]
			withoutUser := roleOnly
			withoutUser.Targets = withoutUser.Targets[1:]
			withoutUser.Findings = slices.DeleteFunc(slices.Clone(withoutUser.Findings),
				func(f audit.Finding) bool { return !ofRole(f) })
			withoutUser.Summary = withoutUser.Targets[0].Summary
			return s.after(6*time.Hour, withoutUser)
		}},
		{"incomplete", func(s *story) rendered {
			s.run(drifted)
			return s.after(time.Hour, unverified)
		}},
		{"verified-again", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, unverified)
			return s.after(4*time.Hour, compliant)
		}},
		{"mixed", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, mixed)
			return s.after(time.Hour, mixed)
		}},
		{"mutes", func(s *story) rendered {
			s.run(drifted)
			s.Mutes = mute.List{
				{Target: "user/remotion-user", Cause: audit.NoGrant,
					Reason: "the bucket is being moved, OPS-17", Owner: "kim", Until: s.Now.Add(day)},
				{Action: "s3:*Bucket", Reason: "never used here", Owner: "alex", Until: s.Now.Add(60 * day)},
				{Target: "role/other", Reason: "gone", Owner: "sam", Until: s.Now.Add(3 * day)},
			}
			return s.after(time.Hour, drifted)
		}},
		{"mute-errors", func(s *story) rendered {
			s.run(compliant)
			s.Mutes, s.Options.MuteErrors = mute.Parse([]byte("mutes:\n  - target: user/remotion-user\n   "+
				" owner: kim\n    until: 2026-13-01\n"), s.Now)
			return s.after(time.Hour, userOnly)
		}},
		{"state-damaged", func(s *story) rendered {
			s.Options.Problems = []audit.Problem{{
				What: "the auditor's state, state/123456789012/remotion-audit.json in the evidence bucket",
				Why:  "the state is not JSON: unexpected end of JSON input",
				Remedy: "no action needed: the auditor keeps a copy of the damaged state, and announces all open gaps " +
					"again"}}
			return s.run(userOnly)
		}},
		{"stateless", func(s *story) rendered {
			s.Options.Stateless = true
			s.from.Bucket, s.from.Evidence = "", ""
			return s.run(mixed)
		}},
		{"notice", func(s *story) rendered {
			s.run(userOnly)
			later := userOnly
			later.Notices = []audit.Notice{
				{Kind: audit.NoticeDocument, Target: "user/remotion-user",
					Text: `inline policy "remotion-user-policy": this is the user policy of Remotion ` +
						`4.0.61-4.0.417, unchanged`},
				{Kind: audit.NoticeUpgrade,
					Text: "Remotion 4.0.418 and later needs permissions that are not granted: " +
						"s3:PutBucketOwnershipControls " +
						"for user/remotion-user", Command: "remotion-audit audit --upgrade-to 4.0.527"},
				{Kind: audit.NoticeCustomName,
					Text: "the documented policies cover only buckets named remotionlambda-*, but not videos"},
			}
			return s.after(time.Hour, later)
		}},
		{"iam-changes", func(s *story) rendered {
			s.run(compliant)
			return s.after(3*time.Hour, triggered(userOnly, someChanges...))
		}},
		{"iam-changes-many", func(s *story) rendered {
			s.run(compliant)
			var list []audit.IAMChange
			for i := range 12 {
				list = append(list,
					audit.IAMChange{Event: "PutRolePolicy",
						At:       start.Add(time.Hour - time.Duration(i)*time.Minute),
						Actor:    "role/pipeline (session deploy) through cloudformation.amazonaws.com",
						RoleName: "remotion-lambda-role", PolicyName: "part-" + string(rune('a'+i)),
						Targets: []string{"role/remotion-lambda-role"}})
			}
			return s.after(time.Hour, triggered(drifted, list...))
		}},
		{"recovered-by-change", func(s *story) rendered {
			s.run(compliant)
			s.after(time.Hour, roleOnly)
			return s.after(20*time.Minute,
				triggered(compliant, audit.IAMChange{Event: "PutRolePolicy", At: s.Now.Add(18 * time.Minute),
					Actor: "the root user", From: "2001:db8::1",
					RoleName: "remotion-lambda-role", PolicyName: "remotion-lambda-role-policy",
					Targets: []string{"role/remotion-lambda-role"}}))
		}},
		{"reclassified", func(s *story) rendered {
			s.Options.Judgement = alert.Judgement{Rules: "1", Version: "v0.1.0"}
			s.run(drifted)
			s.after(time.Hour, drifted)
			s.Options.Judgement = alert.Judgement{Rules: "2", Version: "v0.2.0"}
			return s.after(time.Hour, partly)
		}},
		{"misconfigured", func(s *story) rendered {
			s.run(drifted)
			s.Options.First = &misconfigured
			return s.after(time.Hour, misconfigured)
		}},
		{"hostile", func(s *story) rendered {
			s.Mutes = mute.List{{Target: "*", Sid: "nothing", Reason: "<!channel> `x`\n\x1b[31m",
				Owner: "@here", Until: s.Now.Add(90 * day)}}
			return s.run(hostile)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := test.plan(newStory(t))
			compareGolden(t, test.name, p.Message)
			checkTop(t, test.name, p)
		})
	}
	compareGolden(t, "test", TestMessage("123456789012", []string{"user/remotion-user"},
		[]alert.Subscription{
			{Protocol: "email", Endpoint: "ops@example.com", Confirmed: true},
			{Protocol: "https", Endpoint: "https://global.sns-api.chatbot.amazonaws.com",
				Confirmed: true},
			{Protocol: "sms", Endpoint: "+15550100", Confirmed: false},
		}, Sender{Function: "remotion-audit"}))
}
