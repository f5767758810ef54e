package e2e

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// deployed goes on in an account that has only the first so many of its functions, and the same
// evidence.
func (w *watch) deployed(functions int) *watch {
	w.t.Helper()
	a := account(w.t, "releases")
	a.Functions = a.Functions[:functions]
	objects := map[string]string{}
	for key, body := range w.server.Objects(bucket) {
		objects[key] = string(body)
	}
	a.Buckets[bucket] = awsemu.Bucket{Objects: objects}
	return newWatch(w.t, a)
}

// What is needed, and which roles are audited, follows from what is deployed. That it cannot be
// listed closes no gap; that it is gone retires them.
func TestGapsOfFunctionsThatComeAndGo(t *testing.T) {
	t.Parallel()
	w := newWatch(t, account(t, "releases"))
	w.says("the first run", w.run(), "first audit, 14 gaps")
	w.server.SetFaults(awsemu.Fault{Operation: "lambda:*", Deny: true})
	o := w.run()
	w.says("functions cannot be listed", o, "could not look at everything, 1 open")
	for _, want := range []string{"13 gaps could not be looked at again",
		"blind       the functions in us-east-1, ", "denied      lambda:ListFunctions on the account"} {
		if !strings.Contains(o.messages[0].Body("email"), want) {
			t.Errorf("no %q in\n%s", want, o.messages[0].Body("email"))
		}
	}
	w.says("nor now", w.run(), "")
	w.server.SetFaults()
	o = w.run()
	if s := o.subjects(); len(s) != 1 ||
		!strings.Contains(s[0], "Remotion IAM: can look again after ") ||
		!strings.Contains(s[0], ", 14 open | ") {
		t.Errorf("they can: %q", s)
	}

	w = w.deployed(2)
	o = w.run()
	w.says("a function is gone, and its role with it", o,
		"1 recovered, 13 no longer audited, 1 notice")
	if mail := o.messages[0].Body("email"); !strings.Contains(mail,
		"NO LONGER AUDITED  role/clips (render role)") ||
		strings.Contains(mail, "RECOVERED  role/clips") {
		t.Errorf("%s", mail)
	}
	w.says("nothing else happens", w.run(), "")
	w = w.deployed(4)
	w.says("it is back", w.run(), "14 back")
	w.says("and stays", w.run(), "")
}
