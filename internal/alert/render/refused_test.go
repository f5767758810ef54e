package render

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
)

// TestAMessageIsShorterAfterARefusal checks the size of the message after each refused alert, and
// that the message says that an alert was refused, even if the section about that does not fit.
func TestAMessageIsShorterAfterARefusal(t *testing.T) {
	var gaps []audit.Finding
	for i := range 1000 {
		gaps = append(gaps, alerttest.Finding("user/u", fmt.Sprint("action", i), audit.Missing,
			policies.High))
		gaps[i].Why = strings.Repeat("w", 300) + fmt.Sprint(i)
	}
	r := alerttest.Report([]string{"user/u"}, gaps...)
	r.Run = audit.Run{ID: "r", At: alerttest.Start}
	refusal := &alert.RefusedError{Err: errors.New("Message too long"), Content: true}
	state, limit := alert.State{}, MaxBytes
	for n := range 8 {
		p := alert.Plan(state, r, nil, alerttest.Start, alert.Options{})
		m := Message(*p.Digest, Sender{})
		if size := sizeOf(m); size > limit {
			t.Errorf("after %d refusals the message has %d bytes, want at most %d", n, size, limit)
		}
		// The shortest message has no findings, and names the report instead.
		if mail := m.Bodies["email"]; n > 0 && limit > minBytes &&
			!strings.Contains(mail, "Message too long") {
			t.Errorf("after %d refusals, the mail does not say why it is short\n%.1000s", n, mail)
		}
		if !strings.Contains(m.Subject, ": u lacks action0 +999 more") {
			t.Errorf("subject %q", m.Subject)
		}
		state, limit = state.GiveUp(m, refusal, alerttest.Start), max(limit/4, minBytes)
	}
}
