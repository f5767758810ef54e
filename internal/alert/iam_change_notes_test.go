package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// triggered is a report of a run that calls to IAM have triggered.
func triggered(r audit.Report, calls ...audit.IAMChange) audit.Report {
	r.Run.Trigger = &audit.Trigger{By: audit.TriggeredByChanges, Changes: calls}
	return r
}

const otherPolicy = "arn:aws:iam::123456789012:policy/team/RemotionUser"

// someChanges are calls to IAM a few minutes before noon, the newest first. The last is about
// somebody else.
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
	{ID: "2", Event: "PutRolePolicy", At: start.Add(175 * time.Minute), Actor: "user/somebody-else",
		RoleName: "remotion-lambda-role", PolicyName: "p",
		Targets: []string{"role/remotion-lambda-role"}},
}

// Calls are told where they touch whom something is announced about, those first that do for sure,
// and nothing else of them is. A run by schedule tells of none.
func TestCallsThatAreTold(t *testing.T) {
	drifted, compliant := fixture(t, "drifted"), fixture(t, "compliant")
	role := func(f audit.Finding) bool { return f.Target == "role/remotion-lambda-role" }
	userOnly := without(drifted, role)
	scheduled := userOnly
	scheduled.Run.Trigger = &audit.Trigger{By: audit.TriggeredBySchedule}
	put := func(id string) audit.IAMChange {
		return audit.IAMChange{ID: id, Event: "PutUserPolicy", Actor: "user/ci",
			UserName: "remotion-user", PolicyName: id, Targets: []string{"user/remotion-user"}}
	}
	nobodys := audit.IAMChange{ID: "1", Event: "DetachGroupPolicy", Actor: "user/x", GroupName: "g",
		Unsure: true}
	for name, test := range map[string]struct {
		report audit.Report
		want   string
	}{
		"about the user": {triggered(userOnly, someChanges...), "4 3 5"},
		"about both":     {triggered(drifted, someChanges...), "4 3 2 5"},
		"what was done again goes last": {triggered(userOnly, put("a"), put("b"), someChanges[0],
			put("c"), someChanges[2]), "a 3 5 b c"},
		"of somebody else":                 {triggered(userOnly, someChanges[3]), ""},
		"of nobody knows whom":             {triggered(userOnly, nobodys), ""},
		"by schedule":                      {scheduled, ""},
		"by nobody knows what":             {userOnly, ""},
		"by messages that nobody can read": {triggered(userOnly), ""},
	} {
		s := newStory(t)
		s.run(compliant)
		p := s.after(time.Hour, test.report)
		d := decoded(p.Message)
		var got []string
		for _, c := range d.Calls {
			got = append(got, c.ID)
		}
		mail, card := p.Message.Bodies["email"], p.Message.Bodies["https"]
		told := test.want != ""
		if strings.Join(got, " ") != test.want || d.MoreCalls != 0 ||
			strings.Contains(mail, iamChangesTitle) != told ||
			strings.Contains(card, iamChangesTitle) != told {
			t.Errorf("%s: %q, want %q\n%s\n%s", name, got, test.want, mail, card)
		}
		if strings.Contains(mail, "somebody-else") != strings.Contains(test.want, "2") {
			t.Errorf("%s: the mail tells of the wrong ones\n%s", name, mail)
		}
		if d.Report.Run.Trigger != nil && len(d.Report.Run.Trigger.Changes) > 0 {
			t.Errorf("%s: the message has them twice", name)
		}
	}
	s := newStory(t)
	s.run(drifted)
	if p := s.after(time.Hour, triggered(drifted, someChanges...)); !p.Message.Zero() {
		t.Errorf("calls alone are news: %s", p.Message.Subject)
	}
}

// What could not be looked at is the first thing said, where it is the worst: calls beside it and
// notices can wait.
func TestWhatCouldNotBeLookedAtGoesFirst(t *testing.T) {
	r := made([]string{"user/u"}, finding("user/u", "a", audit.Unverified, high))
	r.Notices = []audit.Notice{{Kind: audit.NoticeReadScope, Text: "nothing is discovered"}}
	r = triggered(r, audit.IAMChange{Event: "DetachUserPolicy", Actor: "user/kim", UserName: "u",
		Targets: []string{"user/u"}})
	s := newStory(t)
	s.mutes = Mutes{{Target: "user/v", Reason: "known", Owner: "kim", Until: start.Add(90 * day)}}
	s.options.First = &r
	m := s.run(r).Message
	inOrder := func(body string, parts ...string) {
		t.Helper()
		rest := body
		for _, part := range parts {
			var found bool
			if _, rest, found = strings.Cut(rest, part); !found {
				t.Errorf("%s is not after what goes before it in\n%s", part, body)
			}
		}
	}
	inOrder(m.Bodies["email"], "could not look", "COULD NOT LOOK\n  blind", iamChangesTitle, "MUTE\n",
		"NOTICE\n", "ABOUT\n")
	inOrder(m.Bodies["https"], "*COULD NOT LOOK*", iamChangesTitle, "*MUTE*", "*NOTICE*")
}

// What triggered a run changes nothing but texts: not whether there is a message, not its subject,
// key or attributes, not what is remembered. Otherwise two runs that overlap would announce the
// same twice.
func TestCallsDecideNothing(t *testing.T) {
	d := newDrift(3)
	plain, called := newStory(t), newStory(t)
	messages, differ := 0, 0
	for i := range 60 {
		r := d.step()
		p := plain.after(7*hour, r)
		q := called.after(7*hour,
			triggered(r, audit.IAMChange{ID: fmt.Sprint(i), Event: "PutUserPolicy", Actor: "user/a",
				UserName: "u", Targets: []string{"user/u", "user/v", "user/w"}}))
		if !p.Message.Zero() {
			messages++
		}
		if p.Message.Bodies["email"] != q.Message.Bodies["email"] {
			differ++
		}
		if p.DedupKey != q.DedupKey || p.Message.Subject != q.Message.Subject ||
			!slices.Equal(p.Message.Attributes, q.Message.Attributes) ||
			p.Message.Bodies["sms"] != q.Message.Bodies["sms"] {
			t.Fatalf("run %d: %s %+v\n%s %+v", i, p.DedupKey, p.Message, q.DedupKey, q.Message)
		}
		if string(p.Next.JSON()) != string(q.Next.JSON()) ||
			string(p.Unheard.JSON()) != string(q.Unheard.JSON()) {
			t.Fatalf("run %d: %s\n%s", i, p.Next.JSON(), q.Next.JSON())
		}
		checkMessage(t, q, called.options)
	}
	if messages < 20 || differ != messages {
		t.Errorf("of %d messages %d tell of the calls", messages, differ)
	}
}

// Where there is no room, calls are left out before any finding.
func TestCallsAreLeftOutFirst(t *testing.T) {
	s := newStory(t)
	var list []audit.IAMChange
	for i := range 100 {
		list = append(list, audit.IAMChange{ID: fmt.Sprint(i), Event: "PutUserPolicy", At: start,
			Actor: strings.Repeat("a", 400), From: strings.Repeat("f", 128), UserName: "u0",
			PolicyName: strings.Repeat("p", 128), Targets: []string{"user/u0"}})
	}
	full := 0
	for _, n := range []int{1, 7, 8, 9, 10, 20} {
		r := crowd(n, 20, 2, 150)
		p := newStory(t).run(triggered(r, list...))
		checkMessage(t, p, s.options)
		d := decoded(p.Message)
		findings := len(d.Report.Findings) + len(d.Report.Problems)
		if whole := findings == n*22; !whole && len(d.Calls) > 0 ||
			d.Truncated != (len(d.Calls) < maxIAMChanges) || len(d.Calls)+d.MoreCalls != 100 {
			t.Errorf("%d targets: %d of %d findings, %d calls and %d more, truncated %v", n, findings, n*22,
				len(d.Calls), d.MoreCalls, d.Truncated)
		} else if whole && len(d.Calls) > 0 && len(d.Calls) < maxIAMChanges {
			full++
		}
		mail := p.Message.Bodies["email"]
		if lines := strings.Count(mail, "\n  by          "); lines != min(maxSpelt, len(d.Calls)) {
			t.Errorf("%d targets: the mail tells of %d calls", n, lines)
		}
		more := fmt.Sprintf("and %d more", 100-min(maxSpelt, len(d.Calls)))
		if len(d.Calls) == 0 {
			more = "100 calls"
		}
		if !strings.Contains(mail, more+": the full report has them\n") ||
			strings.Contains(mail, "did not fit") != (findings < n*22) {
			t.Errorf("%d targets: the mail does not say that there are more\n%s", n, mail)
		}
	}
	if full == 0 {
		t.Error("no message has all findings and a part of the calls: the test is about that")
	}
	// A card is smaller: it tells of those for which it has room, or how many there are.
	for _, test := range []struct {
		report audit.Report
		want   string
		told   int
	}{{crowd(1, 1, 0, 60), "and 97 more: the full report has them", 3},
		{crowd(1, 4, 0, 60), "and 98 more: the full report has them", 2},
		{crowd(10, 4, 0, 280), "_and 35 more: see `s3://", 0}} {
		var c card
		err := json.Unmarshal([]byte(newStory(t).run(triggered(test.report,
			list...)).Message.Bodies["https"]), &c)
		if text := c.Content.Description; err != nil || !strings.Contains(text, test.want) ||
			strings.Count(text, "\nby `") != test.told ||
			strings.Contains(text, iamChangesTitle) != (test.told > 0) {
			t.Errorf("%v: want %q in\n%s", err, test.want, text)
		}
	}
}
