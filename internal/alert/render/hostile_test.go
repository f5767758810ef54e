package render

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// hostileNames are names of policies, roles and Sids that try to forge lines, markup or commands.
var hostileNames = []string{
	"user/x\n\nCRITICAL  forged", "user/x\r\nSubject: forged", "user/x\u2028CRITICAL  forged\u202e",
	"user/\x1b[31mred\x1b[0m", "user/\x00", "user/\xff\xfe",
	"user/<!channel> <!here> <@U123|bob> <https://evil.example|ok>", "user/@here @channel @everyone",
	"user/`code` ```block``` *bold* _it_ ~no~", "user/[text](https://evil.example)",
	"user/&lt;!channel&gt;", "user/'; rm -rf ~ #", "user/$(id)`id`${HOME}", "user/\"quoted\" \\ back",
	"user/été 日本 🎬", "user/" + strings.Repeat("long", 4000), "", "-rf", "*",
}

// hostileReport returns a report with the name in each text that comes from outside the auditor.
func hostileReport(name string) audit.Report {
	gap := finding("user/u", "a", audit.Missing, policies.Critical)
	for _, text := range []*string{&gap.Target, &gap.Sid, &gap.Action, &gap.Resource, &gap.ExampleARN,
		&gap.Region, &gap.Why, &gap.Impact} {
		*text = name
	}
	gap.Notes = []string{name}
	gap.Statements = []audit.StatementRef{{Policy: name, Index: 1, Sid: name, Effect: "Allow",
		Resources: []string{name}}}
	unverified := finding(name, "b", audit.Unverified, policies.Low)
	unverified.Why = name
	r := reportOf([]string{name}, gap, unverified)
	r.Problems = []audit.Problem{{Target: name, What: name, Why: name, Grant: name},
		{Target: name, What: name, Why: name, Remedy: name}, {Target: "user/gone", What: name, Why: name}}
	r.Targets[0].ARN = name
	need := remedy.Need{Sid: name, Action: name, Resource: name}
	edit := remedy.Edit{Policy: name, Location: iampolicy.Location{Kind: iampolicy.ManagedLocation,
		Holder: name, Name: name, ARN: name}, Changes: []remedy.Change{{Kind: remedy.CorrectResource,
		Statement: 1, Sid: name, Old: []string{name}, New: []string{name + "x"}, Text: name,
		Miss:   &iampolicy.NearMatch{Kind: iampolicy.Typo, Pattern: name, Got: name, Want: name},
		Closes: []remedy.Need{need}}}}
	r.Fixes = []remedy.Fix{{Target: name, Policy: gap.Policy, Edits: []remedy.Edit{edit},
		Closes: []remedy.Need{need}, Guards: []remedy.Guard{{Policy: name, Owner: name, Ask: name,
			Edits: []remedy.Edit{edit}, Blocks: []remedy.Need{{Sid: name, Action: "b"}}}}}}
	r.AssumedContext = []string{name}
	r = triggered(r, audit.IAMChange{ID: name, Event: "PutUserPolicy", At: start, Actor: name,
		From: name, UserName: name, NewUserName: name, GroupName: name, NewGroupName: name,
		PolicyName: name, PolicyARN: name, VersionID: name, Boundary: name,
		Targets: []string{name}}, audit.IAMChange{Event: name, Actor: name, PolicyARN: name,
		Targets: []string{name, name}, Unsure: true})
	return r
}

func TestHostileNames(t *testing.T) {
	for _, name := range hostileNames {
		s := newStory(t)
		s.Mutes = mute.List{{Target: name + "*", Cause: audit.SCP, Reason: name, Owner: name,
			Until: start.Add(day)}}
		s.Options.MuteErrors = []mute.Error{{Line: 1, Text: name}}
		s.Options.Problems = []audit.Problem{{What: name, Why: name, Remedy: name}}
		s.from = Sender{Function: name, Region: name, Settings: []string{"--render-role", name},
			Bucket: name, Evidence: name}
		plans := []rendered{s.run(hostileReport(name)), s.after(day, hostileReport(name)),
			s.after(day, reportOf([]string{name}))}
		for _, p := range plans {
			checkMessage(t, p)
			checkTexts(t, name, p.Message)
		}
		m := TestMessage("123456789012", []string{name},
			[]alert.Subscription{{Protocol: name, Endpoint: name, Confirmed: true},
				{Protocol: name, Endpoint: name, Confirmed: false}}, s.from)
		checkSubject(t, m.Subject)
		checkTexts(t, name, m)
	}
}

// checkTexts checks that the name forges no line, markup or link in the texts of the message.
func checkTexts(t *testing.T, name string, m alert.Message) {
	t.Helper()
	for _, protocol := range []string{"email", "sms"} {
		for _, line := range strings.Split(strings.TrimSuffix(m.Bodies[protocol], "\n"), "\n") {
			if strings.HasPrefix(line, "CRITICAL  forged") || strings.HasPrefix(line, "Subject:") {
				t.Errorf("%q forges a line in %s: %q", name, protocol, line)
			}
			if link, ok := strings.CutPrefix(line, "Console: "); ok && (strings.ContainsAny(link,
				" <>|`'\"()") || !strings.HasPrefix(link, "https://console.aws.amazon.com/iam/home#/")) {
				t.Errorf("%q leads the link to %q", name, link)
			}
			for _, c := range line {
				if !unicode.IsPrint(c) {
					t.Errorf("%q puts %U into %s: %q", name, c, protocol, line)
				}
			}
		}
	}
	if strings.Contains(m.Bodies["sms"], "\n") {
		t.Errorf("%q puts a line break into the SMS", name)
	}
	var c card
	if err := json.Unmarshal([]byte(m.Bodies["https"]), &c); err != nil {
		t.Fatalf("%q: %v", name, err)
	}
	texts := append([]string{c.Content.Title, c.Content.Description, c.Metadata.Summary,
		c.Metadata.ThreadID}, c.Content.NextSteps...)
	texts = append(append(texts, c.Content.Keywords...), c.Metadata.RelatedResources...)
	for _, v := range c.Metadata.AdditionalContext {
		texts = append(texts, v)
	}
	for _, text := range texts {
		for _, markup := range []string{"<", ">", "&", "```"} {
			if strings.Contains(text, markup) {
				t.Errorf("%q puts %s into the card: %q", name, markup, text)
			}
		}
		if strings.Count(text, "`")%2 != 0 {
			t.Errorf("%q breaks a code span of the card: %q", name, text)
		}
		outside := ""
		for i, part := range strings.Split(text, "`") {
			if i%2 == 0 {
				outside += part
			}
		}
		for _, markup := range []string{"@", "](", "://", "*bold", "_it_", "~no~"} {
			if strings.Contains(outside, markup) {
				t.Errorf("%q puts %s into the card, outside of code: %q", name, markup, outside)
			}
		}
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%q puts %U into the card", name, r)
			}
		}
		if strings.Contains(text, "\nCRITICAL  forged") {
			t.Errorf("%q forges a line of the card: %q", name, text)
		}
	}
}

// TestCommandsInAShell checks that a shell runs the commands of a mail as printed, although the
// commands contain hostile names.
func TestCommandsInAShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("sh is not installed")
	}
	for _, name := range hostileNames {
		s := newStory(t)
		s.from = Sender{Function: name, Region: "us-east-1",
			Settings: []string{"--render-role", name}, Bucket: "bucket", Evidence: "r"}
		mail := s.run(hostileReport(name)).Message.Bodies["email"]
		commands := 0
		for _, line := range strings.Split(mail, "\n") {
			at := strings.Index(line, "remotion-audit ")
			for _, command := range []string{"aws lambda invoke ", "aws cloudtrail "} {
				if aws := strings.Index(line, command); aws >= 0 {
					at = aws
				}
			}
			if at < 0 || strings.TrimSpace(line[:at]) != "" {
				continue // a text about a command
			}
			commands++
			// The function remotion_audit only prints its arguments. An unquoted name would run a command or
			// expand a variable.
			out, err := exec.Command(sh, "-c",
				"USER=me; HOME=/nowhere; remotion_audit() { printf '%s\\n' \"$@\"; }; "+
					strings.Replace(strings.Replace(line[at:], "aws ", "remotion_audit ", 1), "remotion-audit ",
						"remotion_audit ", 1)).CombinedOutput()
			if err != nil || strings.Contains(string(out), "uid=") ||
				strings.Contains(string(out), "/nowhere") {
				t.Errorf("%q: error %v, output %s\nof the command %s", name, err, out, line[at:])
			}
		}
		if commands < 3 {
			t.Errorf("%q: %d commands, want at least 3, in\n%s", name, commands, mail)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("user/render-ci", "123456789012", 3, 0)
	f.Add("user/"+strings.Repeat("é\n", 80), "12345678901\r2", 1000000, 7)
	f.Add("", "", 0, 0)
	f.Fuzz(func(t *testing.T, target, account string, gaps, unverified int) {
		r := hostileReport(target)
		r.Account, r.Summary.Gaps, r.Summary.Unverified = account, gaps, unverified
		s := newStory(t)
		for _, p := range []rendered{s.run(r), s.after(day, r),
			s.after(hour, reportOf([]string{target}))} {
			if p.Message.Zero() {
				continue
			}
			checkSubject(t, p.Message.Subject)
			if sms := p.Message.Bodies["sms"]; len(sms) > smsLimit ||
				strings.ContainsFunc(sms, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("SMS %q of %d bytes", sms, len(sms))
			}
			if sizeOf(p.Message) > MaxBytes {
				t.Errorf("the message has %d bytes", sizeOf(p.Message))
			}
		}
	})
}
