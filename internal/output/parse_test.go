package output

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestParseRefuses checks the errors for texts that are no document of this command.
func TestParseRefuses(t *testing.T) {
	report := formatted(t, AuditFormats(), "json", Audit{Report: fixtureReports(t)["drifted"]})
	verdict := formatted(t, CheckFormats(), "json", checkResults(t, "17-typo-action.json"))
	with := func(text []byte, key string, value any) string {
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		m[key] = value
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	utf16LE := "\xff\xfe"
	for _, u := range utf16.Encode([]rune("{}")) {
		utf16LE += string([]byte{byte(u), byte(u >> 8)})
	}
	for _, test := range []struct{ name, text, want string }{
		{"nothing", " \n", "the text is empty"},
		{"UTF-16", utf16LE, "UTF-16, as PowerShell writes it"},
		{"NUL", "{\"a\":\x00}", "NUL characters"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "not UTF-8"},
		{"not JSON", "GAPS  3 gaps", "not JSON: "},
		{"two documents", "{} {}", "not JSON: "},
		{"cut off", string(report[:len(report)/2]), "not JSON: "},
		{"a list", "[]", "is no JSON object"},
		{"null", "null", "is no JSON object"},
		{"another object", `{"a":1}`, "has no schemaVersion"},
		{"a number as version", `{"schemaVersion":1}`, "has no schemaVersion"},
		{"a newer version", `{"schemaVersion":"2"}`, `has schema version "2", and this release reads 1`},
		{"other fields", `{"schemaVersion":"1"}`, "has not the fields of one"},
		{"an alert", `{"schemaVersion":"1","report":{}}`, "is the message of an alert"},
		{"an explanation", `{"schemaVersion":"1","explanations":[]}`, "output of explain or fix"},
		{"deep", strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), "may be nested"},
		{"large", strings.Repeat(" ", MaxDocument) + "{}", "must have at most 33554432 bytes"},
		{"a wrong type", with(report, "findings", "x"), "findings is a string, which the schema"},
		{"a wrong nested type", with(report, "findings", []any{map[string]any{"target": 1}}),
			"findings.target is a number"},
		{"an unknown status", with(report, "findings", []any{map[string]any{"status": "fine"}}),
			`finding 1 has the unknown status "fine"`},
		{"gaps that read as compliant", with(report, "status", "compliant"),
			`the status is "compliant", but the document has`},
		{"a number as account", with(report, "account", 1), "account is a number, which"},
		{"no account", with(report, "account", nil), "the report names no account"},
		{"a gap without a severity", with(report, "findings", []any{map[string]any{
			"status": "missing"}}), "finding 1 is a gap without a severity"},
		{"a report that judges nothing", with([]byte(with(report, "findings", []any{})), "status",
			"compliant"), "it judges nothing"},
		{"counts without findings", with([]byte(with(report, "findings", []any{map[string]any{
			"target": "user/remotion-user", "policy": "user", "status": "satisfied"}})), "status",
			"compliant"), "but its findings have 1 requirements"},
		{"fewer gaps than findings", with(report, "summary", map[string]any{"gaps": -1}),
			"the summary has 0 requirements"},
		{"a verdict that reads as compliant", with(verdict, "status", "compliant"),
			`the status is "compliant", but the document has 2 gaps`},
		{"a verdict with counts of other findings", with(verdict, "satisfied", 99),
			"the counts are 99 satisfied, 2 gaps"},
		{"a replacement that loses more than it lists", `{"schemaVersion":"1","current":["a"],` +
			`"proposed":["b"],"status":"loses-nothing","requirements":14,"kept":8,"lost":6,"changes":[]}`,
			"are not those of the 0 changes"},
		{"an unknown severity", with(verdict, "findings", []any{map[string]any{"severity": "x"}}),
			"is not a severity"},
	} {
		p, err := Parse([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v, want an error with %q", test.name, p, err, test.want)
		} else if len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\n\x00\x1b") {
			t.Errorf("%s: the error is %q", test.name, err)
		}
	}
	for _, text := range []string{"\xef\xbb\xbf" + string(report),
		with(report, "newField", []int{1}), strings.ReplaceAll(string(report), "\n", "\r\n")} {
		if _, err := Parse([]byte(text)); err != nil {
			t.Errorf("a byte order mark, an unknown field or a CR: %v", err)
		}
	}
}

// TestParseReadsStoredReports checks that the reports of earlier releases can be read as they are.
func TestParseReadsStoredReports(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../report/testdata/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("%d reports, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := Parse(text); err != nil || p.Audit == nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestJSONFollowsItsSchemas validates the JSON of every sample.
func TestJSONFollowsItsSchemas(t *testing.T) {
	for _, s := range samples(t) {
		name := "report.schema.json"
		switch {
		case s.list.name == "check" && len(s.list.suites) == 1:
			name = "check.schema.json"
		case s.list.name == "check":
			name = "check-results.schema.json"
		case s.list.name == "check --instead-of":
			name = "check-replacement.schema.json"
		case s.list.name == "policies diff":
			name = "diff.schema.json"
		}
		if s.name == "hostile" {
			continue // it has actions and sources of no form
		}
		if err := schematest.Validate(t, schematest.Compile(t, name), s.write(t, "json")); err != nil {
			t.Errorf("%s, %s: %v", s.name, name, err)
		}
	}
}

// FuzzParse checks that no text makes the program panic, and that what is read can be written in
// every format.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":"1","status":"compliant","account":"1","targets":[],` +
		`"findings":[{"status":"satisfied"}],"summary":{}}`))
	f.Add([]byte(`{"schemaVersion":"1","status":"compliant","required":"a","findings":[]}`))
	f.Add([]byte(`{"schemaVersion":"1","from":["1"],"to":"2","policies":[{"added":[{}]}]}`))
	f.Add([]byte(`{"schemaVersion":"1","status":"loses-nothing","current":[],"proposed":[],"changes":[]}`))
	f.Add([]byte(`{"schemaVersion":"1","status":"unverified","results":[{"error":"x"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		switch {
		case p.Audit != nil:
			writeAll(t, AuditFormats(), *p.Audit)
		case p.Check != nil:
			writeAll(t, CheckFormats(), *p.Check)
		case p.Replacement != nil:
			writeAll(t, ReplacementFormats(), *p.Replacement)
		default:
			writeAll(t, DiffFormats(), *p.Diff)
		}
	})
}

func writeAll[D any](t *testing.T, formats Formats[D], document D) {
	t.Helper()
	for _, name := range formats.Names() {
		formatted(t, formats, name, document)
	}
}
