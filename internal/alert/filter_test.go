package alert

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// passes reports whether a message passes an SNS filter policy of exact strings: each key has to be
// an attribute, and of its value, or of any element of a String.Array, one of the strings.
// https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
func passes(t *testing.T, policy map[string][]string, m Message) bool {
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

// The filter policies of docs/alerts.md let through what the page says.
func TestDocumentedFilterPolicies(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var policies3 []map[string][]string
	for _, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(page, -1) {
		var policy map[string][]string
		if err := json.Unmarshal(block[1], &policy); err != nil {
			t.Fatalf("%v in %s", err, block[1])
		}
		policies3 = append(policies3, policy)
	}
	if len(policies3) != 3 {
		t.Fatalf("%d filter policies", len(policies3))
	}
	targets := []string{"role/remotion-lambda-role", "user/u"}
	grave := finding(targets[0], "a", audit.Missing, policies.Critical)
	slight := finding("user/u", "b", audit.Missing, policies.Medium)
	s := newStory(t)
	messages := map[string]Message{"test": TestMessage("123456789012", targets, nil, Sender{})}
	keep := func(name string, p Planned) {
		if p.Message.Zero() {
			t.Fatalf("%s: there is no message", name)
		}
		messages[name] = p.Message
	}
	s.run(made(targets))
	keep("slight opened", s.after(hour, made(targets, slight)))
	keep("grave opened", s.after(hour, made(targets, slight, grave)))
	keep("both reminded", s.after(day, made(targets, slight, grave)))
	keep("grave recovered", s.after(hour, made(targets, slight)))
	blind := finding("user/u", "c", audit.Unverified, policies.High)
	s.after(hour, made(targets, slight, blind))
	keep("blind", s.after(hour, made(targets, slight, blind)))
	s.mutes = Mutes{{Target: "nobody", Owner: "kim", Reason: "r", Until: s.now.Add(90 * day)}}
	keep("notice", s.after(hour, made(targets, slight, blind)))

	all := []string{"test", "slight opened", "grave opened", "both reminded", "grave recovered",
		"blind", "notice"}
	for i, want := range [][]string{
		{"test", "grave opened", "both reminded", "grave recovered"},
		{"test", "grave opened", "both reminded", "grave recovered"},
		{"test", "slight opened", "grave opened", "grave recovered", "blind", "notice"},
	} {
		for _, name := range all {
			if got := passes(t, policies3[i], messages[name]); got != slices.Contains(want, name) {
				t.Errorf("policy %v lets through %q (%s): %t", policies3[i], name, messages[name].Subject, got)
			}
		}
	}
	for _, event := range []Reason{ReasonOpened, ReasonReopened, ReasonWorse, ReasonRecovered,
		ReasonPartlyRecovered, ReasonRetired, ReasonBaseline, ReasonAuditorError, ReasonNotice,
		ReasonTest} {
		if !slices.Contains(policies3[2]["events"], string(event)) {
			t.Errorf("everything but reminders leaves out %s", event)
		}
	}
}

// The mutes that docs/alerts.md shows are valid.
func TestDocumentedMutes(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("there is no YAML")
	}
	if mutes, wrong := ParseMutes(block[1], start); len(mutes) != 2 || wrong != nil {
		t.Errorf("%+v, %q", mutes, wrong)
	}
}
