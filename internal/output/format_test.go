package output

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestRegistry checks that names are distinct, and that every format has a document.
func TestRegistry(t *testing.T) {
	names := map[string]bool{}
	for _, r := range formats {
		if names[r.name] || r.name == "" || r.audit == nil && r.check == nil && r.diff == nil &&
			r.explain == nil && r.replacement == nil {
			t.Errorf("the format %q is not distinct or writes no document", r.name)
		}
		names[r.name] = true
	}
	for document, all := range map[string][]string{"audit": AuditFormats().Names(),
		"check": CheckFormats().Names(), "diff": DiffFormats().Names(),
		"explain":     ExplainFormats().Names(),
		"replacement": ReplacementFormats().Names()} {
		if len(all) == 0 || all[0] != "text" || !slices.Contains(all, "json") {
			t.Errorf("%s has the formats %q, want text first, and json", document, all)
		}
	}
}

// TestFind does not run in parallel, because it replaces the registry.
func TestFind(t *testing.T) {
	before := formats
	t.Cleanup(func() { formats = before })
	formats = []row{
		{"text", auditText, report.CheckText, diffText, explainText, report.ReplacementText},
		{"json", auditJSON, checkJSON, diffJSON, explainJSON, replacementJSON},
		{"junit", nil, func(w io.Writer, r check.Results, _ textfmt.View) error {
			_, err := io.WriteString(w, "<testsuite name=\""+r.Results[0].Verdict.Required+"\"/>")
			return err
		}, nil, nil, nil},
	}
	got := written(t, CheckFormats(), "junit", verdict("r"))
	if got != `<testsuite name="r"/>` {
		t.Errorf("a new row for check: %q", got)
	}
	_, err := CheckFormats().Find("xml")
	if want := `must be text, json or junit, got "xml": did you mean junit?`; err == nil || err.Error() != want {
		t.Errorf("an unknown format: %v, want %s", err, want)
	}
	_, err = AuditFormats().Find("junit")
	if want := `must be text or json, got "junit"`; err == nil || err.Error() != want {
		t.Errorf("a format without the document: %v, want %s", err, want)
	}
}

// verdict returns the results of a check with a single verdict.
func verdict(required string) check.Results {
	return check.Summarize([]check.Result{{Verdict: &check.Verdict{Status: audit.StatusCompliant,
		Required: required}}})
}

// written returns the document in a format.
func written[D any](t *testing.T, all Formats[D], name string, document D) string {
	t.Helper()
	var b bytes.Buffer
	f, err := all.Find(name)
	if err == nil {
		err = f.Write(&b, document, textfmt.View{})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestOpenGaps checks that text and JSON list the gaps of the stored state.
func TestOpenGaps(t *testing.T) {
	r := audit.Evaluate(audit.Facts{Account: "123456789012", Release: policies.Latest()})
	since := time.Date(2026, 11, 16, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	open := []alert.Gap{
		{Identity: alert.Identity{Target: "user/ci", Action: "s3:GetObject"}, Since: since,
			Cause: audit.NoGrant},
		{Identity: alert.Identity{Target: "role/gone"}, Since: since, Cause: audit.TargetMissing},
	}
	var plain bytes.Buffer
	if err := report.Text(&plain, r, textfmt.View{}); err != nil {
		t.Fatal(err)
	}
	if got := written(t, AuditFormats(), "text", Audit{Report: r}); got != plain.String() {
		t.Errorf("without open gaps: got\n%s\nwant\n%s", got, plain.String())
	}
	body, about := report.Parts(r, textfmt.View{})
	want := body + `
OPEN SINCE
  2026-11-16 12:00Z  user/ci    s3:GetObject    no-grant
  2026-11-16 12:00Z  role/gone  does not exist  target-missing
` + about
	if got := written(t, AuditFormats(), "text", Audit{Report: r, Open: open}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	data := written(t, AuditFormats(), "json", Audit{Report: r, Open: open})
	for _, part := range []string{`"since": "2026-11-16T13:00:00+01:00"`, `"target": "role/gone"`} {
		if !strings.Contains(data, part) {
			t.Errorf("the JSON lacks %s:\n%s", part, data)
		}
	}
}

// TestDocumentsInBothFormats checks a part of each document. The tests of the command compare
// whole files.
func TestDocumentsInBothFormats(t *testing.T) {
	t.Parallel()
	old := policytest.Release(t, "4.0.417")
	c := policies.Compare([]policies.Release{old}, policies.Latest(), policies.Kinds)
	one := verdict("a <file>")
	for _, test := range []struct{ name, got, want string }{
		{"a comparison as text", written(t, DiffFormats(), "text", c), "role policy: no change\n"},
		{"a comparison as JSON", written(t, DiffFormats(), "json", c), "\n  \"from\": [\n"},
		{"a verdict as text", written(t, CheckFormats(), "text", one), "Required      a <file>\n"},
		{"a verdict as JSON", written(t, CheckFormats(), "json", one),
			"\n  \"required\": \"a <file>\",\n"},
	} {
		if !strings.Contains(test.got, test.want) {
			t.Errorf("%s: got\n%s\nwant a part\n%s", test.name, test.got, test.want)
		}
	}
}
