package render

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// passes reports whether a message passes an SNS filter policy of exact strings. Each key must be
// an attribute. Its value, or an element of a String.Array, must be one of the strings.
// https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
func passes(t *testing.T, policy map[string][]string, m alert.Message) bool {
	t.Helper()
	for name, wanted := range policy {
		var values []string
		for _, a := range m.Attributes {
			if a.Name != name {
				continue
			}
			values = []string{a.Value}
			if a.Type == "String.Array" {
				if err := json.Unmarshal([]byte(a.Value), &values); err != nil {
					t.Fatalf("%s: %v in %s", name, err, a.Value)
				}
			}
		}
		if !slices.ContainsFunc(values, func(v string) bool { return slices.Contains(wanted, v) }) {
			return false
		}
	}
	return true
}

// TestDocumentedFilterPolicies checks which messages the filter policies in docs/alerts.md pass.
func TestDocumentedFilterPolicies(t *testing.T) {
	page, err := os.ReadFile("../../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var filters []map[string][]string
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1) {
		var policy map[string][]string
		if err := json.Unmarshal(block[1], &policy); err != nil {
			t.Fatalf("%v in %s", err, block[1])
		}
		filters = append(filters, policy)
	}
	if len(filters) != 3 {
		t.Fatalf("docs/alerts.md has %d filter policies, want 3", len(filters))
	}
	targets := []string{"role/remotion-lambda-role", "user/u"}
	criticalGap := finding(targets[0], "a", audit.Missing, policies.Critical)
	mediumGap := finding("user/u", "b", audit.Missing, policies.Medium)
	s := newStory(t)
	messages := map[string]alert.Message{"test": TestMessage("123456789012", targets, nil, Sender{})}
	add := func(name string, p rendered) {
		if p.Message.Zero() {
			t.Fatalf("%s: no message", name)
		}
		messages[name] = p.Message
	}
	s.run(reportOf(targets))
	add("new medium gap", s.after(hour, reportOf(targets, mediumGap)))
	add("new critical gap", s.after(hour, reportOf(targets, mediumGap, criticalGap)))
	add("reminder of both gaps", s.after(day, reportOf(targets, mediumGap, criticalGap)))
	add("recovered critical gap", s.after(hour, reportOf(targets, mediumGap)))
	unverified := finding("user/u", "c", audit.Unverified, policies.High)
	s.after(hour, reportOf(targets, mediumGap, unverified))
	add("unverified target", s.after(hour, reportOf(targets, mediumGap, unverified)))
	s.Mutes = mute.List{{Target: "user/other", Owner: "kim", Reason: "r", Until: s.Now.Add(90 * day)}}
	add("notice", s.after(hour, reportOf(targets, mediumGap, unverified)))

	all := []string{"test", "new medium gap", "new critical gap", "reminder of both gaps",
		"recovered critical gap", "unverified target", "notice"}
	for i, want := range [][]string{
		{"test", "new critical gap", "reminder of both gaps", "recovered critical gap"},
		{"test", "new critical gap", "reminder of both gaps", "recovered critical gap"},
		{"test", "new medium gap", "new critical gap", "recovered critical gap", "unverified target",
			"notice"},
	} {
		for _, name := range all {
			if got := passes(t, filters[i], messages[name]); got != slices.Contains(want, name) {
				t.Errorf("policy %v passes the message %q (%s): %t, want %t", filters[i], name,
					messages[name].Subject, got, !got)
			}
		}
	}
	for _, event := range []alert.Reason{alert.ReasonOpened, alert.ReasonReopened,
		alert.ReasonWorse, alert.ReasonRecovered, alert.ReasonPartlyRecovered, alert.ReasonRetired,
		alert.ReasonBaseline, alert.ReasonAuditorError, alert.ReasonNotice, alert.ReasonTest} {
		if !slices.Contains(filters[2]["events"], string(event)) {
			t.Errorf("the filter policy without reminders does not contain %s", event)
		}
	}
}
