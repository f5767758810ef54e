package e2e

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// keepFunctions returns the deployment in an account that only has the first of its functions, with
// the same state.
func (w *deployment) keepFunctions(functions int) *deployment {
	w.t.Helper()
	a := account(w.t, "releases")
	a.Functions = a.Functions[:functions]
	objects := map[string]string{}
	for key, body := range w.server.Objects(bucket) {
		objects[key] = string(body)
	}
	a.Buckets[bucket] = awsemu.Bucket{Objects: objects}
	return newDeployment(w.t, a)
}

// The deployed functions determine the requirements and the audited roles. If they cannot be
// listed, gaps stay open; if they are deleted, their gaps are no longer audited.
func TestGapsFollowTheDeployedFunctions(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "releases"))
	w.says("the first run", w.run(), "first audit, 14 gaps")
	w.server.SetFaults(awsemu.Fault{Operation: "lambda:*", Deny: true})
	o := w.run()
	w.says("functions cannot be listed", o, "audit incomplete, 1 open")
	for _, want := range []string{"13 gaps not rechecked",
		"the account: the functions in us-east-1, ", "Auditor lacks lambda:ListFunctions on the account"} {
		if !strings.Contains(o.messages[0].Body("email"), want) {
			t.Errorf("no %q in\n%s", want, o.messages[0].Body("email"))
		}
	}
	w.says("functions still cannot be listed", w.run(), "")
	w.server.SetFaults()
	o = w.run()
	if s := o.subjects(); len(s) != 1 ||
		!strings.Contains(s[0], "Remotion IAM: verified again after ") ||
		!strings.Contains(s[0], ", 14 open | ") {
		t.Errorf("functions can be listed: %q", s)
	}

	w = w.keepFunctions(2)
	o = w.run()
	w.says("a function and its role are deleted", o,
		"1 recovered, 13 no longer audited, 1 notice")
	if mail := o.messages[0].Body("email"); !strings.Contains(mail,
		"NO LONGER AUDITED  role/clips (render role)") ||
		strings.Contains(mail, "RECOVERED  role/clips") {
		t.Errorf("%s", mail)
	}
	w.says("no change", w.run(), "")
	w = w.keepFunctions(4)
	w.says("the function is deployed again", w.run(), "14 reopened")
	w.says("no further change", w.run(), "")
}
