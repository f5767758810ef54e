package e2e

import (
	"strings"
	"testing"
)

// TestAWrongConfigurationIsOneAuditorError checks that a wrong configuration is announced once,
// with the names of the wrong variables, and does not change the state of the gaps.
func TestAWrongConfigurationIsOneAuditorError(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "drifted"))
	w.wantSubjects("the first run", w.run(), "Renders will fail: typo in remotion-lambda-role +1 more")
	runMisconfigured := func(what string, env map[string]string, subject string, names ...string) {
		t.Helper()
		w.invocation.env = env
		o := w.run()
		if o.FunctionError == "" {
			t.Fatalf("%s: the run did not fail: %+v", what, o.answer)
		}
		var subjects []string
		for _, s := range o.subjects() {
			_, s, _ = strings.Cut(s, "] ")
			subjects = append(subjects, s)
		}
		if text := strings.Join(subjects, "; "); text != subject {
			t.Errorf("%s: subject %q, want %q", what, text, subject)
		}
		if o.puts > 0 {
			t.Errorf("%s: metrics are published, so a dead man's switch does not fire: %v", what, o.metrics)
		}
		for _, name := range names {
			if !strings.Contains(o.ErrorMessage, name) {
				t.Errorf("%s: the error does not name %s: %s", what, name, o.ErrorMessage)
			}
			if len(o.messages) > 0 &&
				!strings.Contains(o.messages[0].Body("email"), "9 gaps not rechecked") {
				t.Errorf("%s: the mail does not count the open gaps:\n%s", what, o.messages[0].Body("email"))
			}
			if len(o.messages) > 0 && !strings.Contains(o.messages[0].Body("email"), name) {
				t.Errorf("%s: the mail does not name %s:\n%s", what, name, o.messages[0].Body("email"))
			}
		}
	}
	const nothingAudited = "Nothing was audited: the configuration is wrong (123456789012)"
	runMisconfigured("a mistyped purpose, and a release before Remotion Lambda",
		map[string]string{"CALLERS": "user/remotion-user=rendr", "REMOTION_VERSION": "2.0.0"},
		nothingAudited, "CALLERS", "REMOTION_VERSION")
	runMisconfigured("the same configuration again",
		map[string]string{"CALLERS": "user/remotion-user=rendr", "REMOTION_VERSION": "2.0.0"}, "")
	w.invocation.env = nil
	o := w.run()
	if s := o.subjects(); len(s) != 1 || !strings.Contains(s[0], "] Verified again after ") ||
		!strings.Contains(s[0], "; still open: renders will fail (") {
		t.Errorf("after the correction: subjects %q", s)
	}
	w.wantSubjects("another run without a change", w.run(), "")

	// An error that depends on the audited account is announced in the same way.
	runMisconfigured("a caller of another account",
		map[string]string{"CALLERS": "arn:aws:iam::999999999999:user/a"}, nothingAudited, "CALLERS",
		"999999999999")
	// Without a topic the run still fails.
	runMisconfigured("no topic", map[string]string{"CALLERS": "group/ops", "TOPIC_ARN": "alerts"}, "",
		"CALLERS", "TOPIC_ARN")
	// A dry run sends no message.
	w.invocation.event = "audit-dry-run.json"
	before := len(w.server.Objects(bucket))
	runMisconfigured("a dry run", map[string]string{"CALLERS": "group/staff", "RENDER_ROLE": "a b"},
		"", "CALLERS", "RENDER_ROLE")
	if after := len(w.server.Objects(bucket)); after != before {
		t.Errorf("a dry run writes to the bucket: %d objects, %d before", after, before)
	}
	// A test alert also fails. If it succeeded, the configuration would seem to be valid.
	w.invocation.event = "test-alert.json"
	runMisconfigured("a test alert", map[string]string{"CALLERS": "group/ops"}, "", "CALLERS")
}

// TestAWrongFormatIsAnnouncedOnce checks that the function announces a wrong setting of the
// notification itself, and does not repeat the message on every run.
func TestAWrongFormatIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "compliant"))
	w.invocation.env = map[string]string{"HTTPS_FORMAT": "xml", "REPEAT_AFTER": "daily"}
	o := w.run()
	if s := o.subjects(); len(s) != 1 ||
		!strings.Contains(s[0], "Nothing was audited: the configuration is wrong") ||
		!strings.Contains(o.messages[0].Body("email"), "HTTPS_FORMAT") {
		t.Errorf("subjects %q", s)
	} else if card := o.messages[0].Body("https"); !strings.Contains(card, `"source":"custom"`) {
		t.Errorf("no card: %s", card)
	}
	if o = w.run(); len(o.messages) > 0 || o.FunctionError == "" {
		t.Errorf("second run: subjects %q, error %q", o.subjects(), o.ErrorMessage)
	}
}
