package render

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

const otherPolicy = "arn:aws:iam::123456789012:policy/team/RemotionUser"

// someChanges are IAM changes a few minutes before noon, the newest first. All changes except the
// last one affect the user.
var someChanges = []audit.IAMChange{
	{ID: "5", Event: "CreatePolicyVersion", At: start.Add(178 * time.Minute),
		Actor:     "role/pipeline (session deploy) through cloudformation.amazonaws.com",
		PolicyARN: otherPolicy, VersionID: "v5",
		Targets: []string{"user/remotion-user", "role/remotion-lambda-role"}, Unsure: true},
	{ID: "4", Event: "DetachGroupPolicy", At: start.Add(177 * time.Minute),
		Actor: "role/AWSReservedSSO_Administrator_0123456789abcdef (session kim@example.com)",
		From:  "203.0.113.7", GroupName: "renderers",
		PolicyARN: otherPolicy, Targets: []string{"user/remotion-user"}},
	{ID: "3", Event: "DetachUserPolicy", At: start.Add(176 * time.Minute), Actor: "user/ci-deployer",
		From: "198.51.100.23", UserName: "remotion-user", PolicyARN: otherPolicy,
		Targets: []string{"user/remotion-user"}},
	{ID: "2", Event: "PutRolePolicy", At: start.Add(175 * time.Minute), Actor: "user/other-admin",
		RoleName: "remotion-lambda-role", PolicyName: "p",
		Targets: []string{"role/remotion-lambda-role"}},
}

// TestAnnouncedIAMChanges checks that a message contains the IAM changes that affect an announced
// target, in the right order, and that the message of a scheduled run contains none.
func TestAnnouncedIAMChanges(t *testing.T) {
	drifted, compliant := fixture(t, "drifted"), fixture(t, "compliant")
	aboutRole := func(f audit.Finding) bool { return f.Target == "role/remotion-lambda-role" }
	userOnly := without(drifted, aboutRole)
	scheduledReport := userOnly
	scheduledReport.Run.Trigger = &audit.Trigger{By: audit.TriggeredBySchedule}
	put := func(id string) audit.IAMChange {
		return audit.IAMChange{ID: id, Event: "PutUserPolicy", Actor: "user/ci",
			UserName: "remotion-user", PolicyName: id, Targets: []string{"user/remotion-user"}}
	}
	withoutTargets := audit.IAMChange{ID: "1", Event: "DetachGroupPolicy", Actor: "user/x",
		GroupName: "g",
		Unsure:    true}
	for name, test := range map[string]struct {
		report audit.Report
		want   string
		// lookup is true if the mail has the command that lists the changes.
		lookup bool
	}{
		"changes that affect the user":         {triggered(userOnly, someChanges...), "4 3 5", false},
		"changes that affect the user or role": {triggered(drifted, someChanges...), "4 3 2 5", false},
		"repeated calls come last": {triggered(userOnly, put("a"), put("b"), someChanges[0],
			put("c"), someChanges[2]), "a 3 5 b c", false},
		"a change that affects another target": {triggered(userOnly, someChanges[3]), "", true},
		"a change without targets":             {triggered(userOnly, withoutTargets), "", true},
		"a scheduled run":                      {scheduledReport, "", true},
		"a run without a trigger":              {userOnly, "", true},
		"a trigger without changes":            {triggered(userOnly), "", true},
	} {
		s := newStory(t)
		s.run(compliant)
		p := s.after(time.Hour, test.report)
		d := decoded(p.Message)
		var got []string
		for _, c := range d.Changes {
			got = append(got, c.ID)
		}
		mail, card := p.Message.Bodies["email"], p.Message.Bodies["https"]
		hasChanges := test.want != ""
		if strings.Join(got, " ") != test.want || d.MoreChanges != 0 ||
			strings.Contains(mail, "hanged by: ") != (hasChanges || test.lookup) ||
			strings.Contains(mail, "aws cloudtrail lookup-events ") != test.lookup ||
			strings.Contains(card, iamChangesTitle) != hasChanges {
			t.Errorf("%s: changes %q, want %q\n%s\n%s", name, got, test.want, mail, card)
		}
		if strings.Contains(mail, "other-admin") != strings.Contains(test.want, "2") {
			t.Errorf("%s: the mail has the wrong changes\n%s", name, mail)
		}
		if d.Report.Run.Trigger != nil && len(d.Report.Run.Trigger.Changes) > 0 {
			t.Errorf("%s: the report in the message contains the changes, too", name)
		}
	}
	s := newStory(t)
	s.run(drifted)
	if p := s.after(time.Hour, triggered(drifted, someChanges...)); !p.Message.Zero() {
		t.Errorf("IAM changes alone cause a message: %s", p.Message.Subject)
	}
}

// TestUnverifiedTargetsComeFirst checks that without announced gaps the section of unverified
// targets comes before IAM changes and notices.
func TestUnverifiedTargetsComeFirst(t *testing.T) {
	r := reportOf([]string{"user/u"}, finding("user/u", "a", audit.Unverified, policies.High))
	r.Notices = []audit.Notice{{Kind: audit.NoticeReadScope, Text: "nothing is discovered"}}
	r = triggered(r, audit.IAMChange{Event: "DetachUserPolicy", Actor: "user/kim", UserName: "u",
		Targets: []string{"user/u"}})
	s := newStory(t)
	s.Mutes = mute.List{{Target: "user/v", Reason: "known", Owner: "kim", Until: start.Add(90 * day)}}
	s.Options.First = &r
	m := s.run(r).Message
	checkOrder := func(body string, parts ...string) {
		t.Helper()
		rest := body
		for _, part := range parts {
			var found bool
			if _, rest, found = strings.Cut(rest, part); !found {
				t.Errorf("%s is missing, or not in order, in\n%s", part, body)
			}
		}
	}
	checkOrder(m.Bodies["email"], "[UNVERIFIED] Could not check: 1 of 3 requirements\n", "Who: ",
		"Cause: user/u, a: no simulation\n", "IAM CHANGES\n", "Changed by: user/kim: ", "Mute of ",
		"Notice: ", "ABOUT THIS AUDIT\n")
	checkOrder(m.Bodies["https"], "*UNVERIFIED*", iamChangesTitle, "*MUTE*", "*NOTICE*")
}

// TestIAMChangesAffectOnlyTexts checks that the IAM changes of a run affect only the bodies of a
// message. They do not affect whether a message is sent, its subject, SMS, key or attributes, or
// the state. Otherwise two overlapping runs would announce the same twice.
func TestIAMChangesAffectOnlyTexts(t *testing.T) {
	d := newDrift(3)
	withoutChanges, withChanges := newStory(t), newStory(t)
	messages, differ := 0, 0
	for i := range 60 {
		r := d.Step()
		p := withoutChanges.after(7*hour, r)
		q := withChanges.after(7*hour,
			triggered(r, audit.IAMChange{ID: fmt.Sprint(i), Event: "PutUserPolicy", Actor: "user/a",
				UserName: "u", Targets: []string{"user/u", "user/v", "user/w"}}))
		if !p.Message.Zero() {
			messages++
		}
		if p.Message.Bodies["email"] != q.Message.Bodies["email"] {
			differ++
		}
		if p.key() != q.key() || p.Message.Subject != q.Message.Subject ||
			!slices.Equal(p.Message.Attributes, q.Message.Attributes) ||
			p.Message.Bodies["sms"] != q.Message.Bodies["sms"] {
			t.Fatalf("run %d: key %s, message %+v\nwith changes: key %s, message %+v", i,
				p.key(), p.Message, q.key(), q.Message)
		}
		if string(p.Next.JSON()) != string(q.Next.JSON()) ||
			string(p.NextUndelivered.JSON()) != string(q.NextUndelivered.JSON()) {
			t.Fatalf("run %d: state %s\nwith changes: %s", i, p.Next.JSON(), q.Next.JSON())
		}
		checkMessage(t, q)
	}
	if messages < 20 || differ != messages {
		t.Errorf("%d of %d messages contain the changes, want all of at least 20", differ, messages)
	}
}

// TestIAMChangesAreCutFirst checks that a message that is too big omits IAM changes before
// findings.
func TestIAMChangesAreCutFirst(t *testing.T) {
	var list []audit.IAMChange
	for i := range 100 {
		list = append(list, audit.IAMChange{ID: fmt.Sprint(i), Event: "PutUserPolicy", At: start,
			Actor: strings.Repeat("a", 400) + fmt.Sprint(i), From: strings.Repeat("f", 128), UserName: "u0",
			PolicyName: strings.Repeat("p", 128), Targets: []string{"user/u0"}})
	}
	onlyChangesCut := 0
	for _, n := range []int{1, 7, 8, 9, 10, 20} {
		r := bigReport(n, 20, 2, 150)
		p := newStory(t).run(triggered(r, list...))
		checkMessage(t, p)
		d := decoded(p.Message)
		findings := len(d.Report.Findings) + len(d.Report.Problems)
		if complete := findings == n*22; !complete && len(d.Changes) > 0 ||
			d.Truncated != (len(d.Changes) < maxIAMChanges) || len(d.Changes)+d.MoreChanges != 100 {
			t.Errorf("%d targets: %d of %d findings, %d changes and %d more, truncated %v", n, findings,
				n*22, len(d.Changes), d.MoreChanges, d.Truncated)
		} else if complete && len(d.Changes) > 0 && len(d.Changes) < maxIAMChanges {
			onlyChangesCut++
		}
		mail := p.Message.Bodies["email"]
		if lines := strings.Count(mail, "\nChanged by: "); lines != min(maxIAMChangesInText,
			len(d.Changes)) {
			t.Errorf("%d targets: the mail contains %d changes", n, lines)
		}
		more := fmt.Sprintf("%d more IAM changes", 100-min(maxIAMChangesInText, len(d.Changes)))
		if !strings.Contains(mail, more+": see the full report\n") ||
			strings.Contains(mail, "not shown for lack of space") != (findings < n*22) {
			t.Errorf("%d targets: the mail does not count the omitted changes\n%s", n, mail)
		}
	}
	if onlyChangesCut == 0 {
		t.Error("no message contains all findings and a part of the changes: adjust the sizes")
	}
	// A card contains the changes that fit. If none fits, the number of omitted parts includes the
	// section of IAM changes.
	for _, test := range []struct {
		report  audit.Report
		want    string
		changes int
	}{{bigReport(1, 1, 0, 60), "and 97 more: see the full report", 3},
		{bigReport(1, 4, 0, 60), "and 98 more: see the full report", 2},
		{bigReport(10, 4, 0, 280), "_and 36 more: see `s3://", 0}} {
		var c card
		err := json.Unmarshal([]byte(newStory(t).run(triggered(test.report,
			list...)).Message.Bodies["https"]), &c)
		if text := c.Content.Description; err != nil || !strings.Contains(text, test.want) ||
			strings.Count(text, "\nChange by `") != test.changes ||
			strings.Contains(text, iamChangesTitle) != (test.changes > 0) {
			t.Errorf("error %v, want %d changes and %q in\n%s", err, test.changes, test.want, text)
		}
	}
}
