package e2e

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// keepFunctions returns a deployment with the state of w, in an account that contains only the
// first n functions.
func (w *deployment) keepFunctions(n int) *deployment {
	w.t.Helper()
	a := account(w.t, "releases")
	a.Functions = a.Functions[:n]
	objects := map[string]string{}
	for key, body := range w.server.Objects(bucket) {
		objects[key] = string(body)
	}
	a.Buckets[bucket] = awsemu.Bucket{Objects: objects}
	return newDeployment(w.t, a)
}

// TestGapsFollowTheDeployedFunctions checks that the deployed functions determine the requirements
// and the audited roles. If the functions cannot be listed, their gaps stay open. If the functions
// are deleted, their gaps are no longer audited after two runs without them.
func TestGapsFollowTheDeployedFunctions(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "releases"))
	w.wantSubjects("the first run", w.run(),
		"Some renders will fail: grant too narrow in clips +5 more")
	w.server.SetFaults(awsemu.Fault{Operation: "lambda:*", Deny: true})
	o := w.run()
	w.wantSubjects("functions cannot be listed", o,
		"Could not check: the function...; still open: new buckets may be public")
	for _, want := range []string{"12 gaps not rechecked",
		"Could not check: the functions in us-east-1, ",
		"Cause: the auditor lacks lambda:ListFunctions on the account"} {
		if !strings.Contains(o.messages[0].Body("email"), want) {
			t.Errorf("no %q in\n%s", want, o.messages[0].Body("email"))
		}
	}
	w.wantSubjects("functions still cannot be listed", w.run(), "")
	w.server.SetFaults()
	o = w.run()
	if s := o.subjects(); len(s) != 1 ||
		!strings.Contains(s[0], "[CRITICAL] Verified again after ") ||
		!strings.Contains(s[0], "; still open: some renders will fail (") {
		t.Errorf("functions can be listed: %q", s)
	}

	w = w.keepFunctions(2)
	w.wantSubjects("a function and its role are deleted", w.run(), "")
	o = w.run()
	w.wantSubjects("they are absent in a second run", o,
		"Recovered: remotion-user; no longer audited: clips +1 more")
	if mail := o.messages[0].Body("email"); !strings.Contains(mail,
		"No longer audited: role/clips (render role)\nNot recovered: ") ||
		strings.Contains(mail, "less than a minute: role/clips") {
		t.Errorf("%s", mail)
	}
	w.wantSubjects("no change", w.run(), "")
	w = w.keepFunctions(4)
	w.wantSubjects("the function is deployed again", w.run(),
		"Some renders will fail (reopened): grant too narrow in clips +5 more")
	w.wantSubjects("another run without a change", w.run(), "")
}
