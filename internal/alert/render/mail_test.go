package render

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// TestCommandsAreNotWrapped checks that a command in a mail is one line of any length, so that the
// command can be copied.
func TestCommandsAreNotWrapped(t *testing.T) {
	s := newStory(t)
	s.from.Bucket = strings.Repeat("bucket-", 40)
	s.from.Settings = []string{"--buckets", strings.Repeat("b,", 200)}
	p := s.run(fixture(t, "drifted"))
	mail := p.Message.Bodies["email"]
	commands := checkCommands(p.Report, s.from)
	commands = append(commands, muteCommand(s.from.Bucket, entries(p.Digest.Gaps)[0].group))
	for _, want := range commands {
		if len(want) < 100 || !strings.Contains(mail, want+"\n") {
			t.Errorf("%q is not a separate line of more than 100 bytes in\n%s", want, mail)
		}
	}
}

// TestMailWithoutSpaceForErrors checks that a mail states that the audit is incomplete, even if it
// has no space for the errors.
func TestMailWithoutSpaceForErrors(t *testing.T) {
	gap := alert.Error{Target: "user/ci", Since: start}
	got := mail(excerpt{digest: alert.Digest{Now: start, Stateless: true},
		errors: []alert.ErrorTransition{{Error: gap}}, report: audit.Report{}, omitted: 1})
	for _, want := range []string{"[UNVERIFIED] Could not check\nWho: user/ci, not fully verified\n",
		"1 more finding not shown for lack of space: run the audit"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
