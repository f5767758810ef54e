package e2e

import (
	"strings"
	"testing"
)

// A configuration that is wrong is told once, by the names of what is wrong, and changes nothing
// that is known.
func TestAWrongConfigurationIsOneAuditorError(t *testing.T) {
	t.Parallel()
	w := newWatch(t, account(t, "drifted"))
	w.says("the first run", w.run(), "first audit, 10 gaps")
	wrong := func(what string, env map[string]string, said string, names ...string) {
		t.Helper()
		w.trial.env = env
		o := w.run()
		if o.FunctionError == "" {
			t.Fatalf("%s: the run reads as good: %+v", what, o.answer)
		}
		var subjects []string
		for _, s := range o.subjects() {
			_, s, _ = strings.Cut(s, "Remotion IAM: ")
			subjects = append(subjects, s)
		}
		if text := strings.Join(subjects, "; "); text != said {
			t.Errorf("%s: said %q, want %q", what, text, said)
		}
		if o.puts > 0 {
			t.Errorf("%s: metrics are published, and the dead man is kept alive: %v", what, o.metrics)
		}
		for _, name := range names {
			if !strings.Contains(o.ErrorMessage, name) {
				t.Errorf("%s: the error does not name %s: %s", what, name, o.ErrorMessage)
			}
			if len(o.messages) > 0 &&
				!strings.Contains(o.messages[0].Body("email"), "10 gaps could not be looked at again") {
				t.Errorf("%s: the mail does not tell what is open:\n%s", what, o.messages[0].Body("email"))
			}
			if len(o.messages) > 0 && !strings.Contains(o.messages[0].Body("email"), name) {
				t.Errorf("%s: the mail does not name %s:\n%s", what, name, o.messages[0].Body("email"))
			}
		}
	}
	const nothing = "nothing is audited | the account | 123456789012"
	wrong("a mistyped purpose, and a release before there was Lambda",
		map[string]string{"CALLERS": "user/remotion-user=rendr", "REMOTION_VERSION": "2.0.0"}, nothing,
		"CALLERS", "REMOTION_VERSION")
	wrong("the same again", map[string]string{"CALLERS": "user/remotion-user=rendr",
		"REMOTION_VERSION": "2.0.0"}, "")
	w.trial.env = nil
	o := w.run()
	if s := o.subjects(); len(s) != 1 || !strings.Contains(s[0], "can look again after ") ||
		!strings.Contains(s[0], ", 10 open | ") {
		t.Errorf("corrected: %q", s)
	}
	w.says("and all is as it was", w.run(), "")

	// What only the place shows is told alike.
	wrong("somebody of another account",
		map[string]string{"CALLERS": "arn:aws:iam::999999999999:user/a"}, nothing, "CALLERS",
		"999999999999")
	// What cannot be told to anybody still fails the run.
	wrong("no topic", map[string]string{"CALLERS": "group/ops", "TOPIC_ARN": "alerts"}, "", "CALLERS",
		"TOPIC_ARN")
	// A dry run tells nobody.
	w.trial.event = "audit-dry-run.json"
	before := len(w.server.Objects(bucket))
	wrong("a dry run", map[string]string{"CALLERS": "group/staff", "RENDER_ROLE": "a b"}, "",
		"CALLERS", "RENDER_ROLE")
	if after := len(w.server.Objects(bucket)); after != before {
		t.Errorf("a dry run writes to the bucket: %d objects, %d before", after, before)
	}
	// A test alert says nothing about the audit, and would read as good.
	w.trial.event = "test-alert.json"
	wrong("a test alert", map[string]string{"CALLERS": "group/ops"}, "", "CALLERS")
}

// What is wrong with how it is told does not keep it from being told, nor does it repeat it on
// every run.
func TestAWrongFormatIsToldAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWatch(t, account(t, "compliant"))
	w.trial.env = map[string]string{"HTTPS_FORMAT": "xml", "REPEAT_AFTER": "daily"}
	o := w.run()
	if s := o.subjects(); len(s) != 1 || !strings.Contains(s[0], "nothing is audited") ||
		!strings.Contains(o.messages[0].Body("email"), "HTTPS_FORMAT") {
		t.Errorf("said %q", s)
	} else if card := o.messages[0].Body("https"); !strings.Contains(card, `"source":"custom"`) {
		t.Errorf("no card: %s", card)
	}
	if o = w.run(); len(o.messages) > 0 || o.FunctionError == "" {
		t.Errorf("said %q", o.subjects())
	}
}
