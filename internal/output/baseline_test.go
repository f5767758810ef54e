package output

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/baseline"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// withoutEvery returns findings in which every n-th gap is satisfied, from the first one on.
func withoutEvery(n, first int, findings []audit.Finding) (list []audit.Finding) {
	gaps := 0
	for _, f := range findings {
		if f.Gap() {
			if gaps++; gaps%n == first {
				f.Status, f.Cause, f.Why, f.ExampleARN = audit.Satisfied, "", "", ""
			}
		}
		list = append(list, f)
	}
	return list
}

// comparedSample returns a report with known, new and gone gaps.
func comparedSample(t *testing.T) Audit {
	t.Helper()
	r := fixtureReports(t)["drifted"]
	base := r
	base.Findings = withoutEvery(3, 1, r.Findings)
	r.Findings = withoutEvery(3, 2, r.Findings)
	r, err := baseline.Report(r, base)
	if err != nil {
		t.Fatal(err)
	}
	if c := *r.Baseline; c.Known == 0 || c.New == 0 || len(c.Gone) == 0 {
		t.Fatalf("the sample has not each kind of gap: %+v", c)
	}
	return Audit{Report: r}
}

// TestBaselineInEachFormat checks that each format counts the known, new and gone gaps.
func TestBaselineInEachFormat(t *testing.T) {
	a := comparedSample(t)
	c := *a.Report.Baseline
	write := func(format string) []byte { return formatted(t, AuditFormats(), format, a) }
	t.Run("sarif", func(t *testing.T) { checkStatesOfSARIF(t, write("sarif"), c) })
	t.Run("junit", func(t *testing.T) {
		var suites junitSuites
		if err := xml.Unmarshal(write("junit"), &suites); err != nil {
			t.Fatal(err)
		}
		skipped := 0
		for _, s := range suites.Suites {
			skipped += s.Skipped
		}
		if suites.Failures != c.New || skipped != c.Known {
			t.Errorf("%d failures and %d skipped, want %+v", suites.Failures, skipped, c)
		}
	})
	t.Run("csv", func(t *testing.T) {
		rows, err := csv.NewReader(bytes.NewReader(write("csv"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		results := map[string]int{}
		for _, row := range rows[1:] {
			results[row[0]]++
		}
		if results["gap"] != c.New || results["known"] != c.Known || results["gone"] != len(c.Gone) {
			t.Errorf("%v, want %+v", results, c)
		}
	})
	t.Run("github", func(t *testing.T) {
		known := 0
		for line := range strings.Lines(string(write("github"))) {
			if strings.Contains(line, "title=known ") {
				known++
				if !strings.HasPrefix(line, "::notice ") {
					t.Errorf("a known gap is no notice: %s", line)
				}
			}
		}
		if known != c.Known {
			t.Errorf("%d known gaps, want %d", known, c.Known)
		}
	})
	for format, want := range map[string][]string{
		"markdown": {"### Known, in the baseline (", "### Gone since the baseline ("},
		"text":     {"\nKNOWN  ", "\nGONE  ", "Baseline: "},
		"html":     {"Baseline: ", "known"},
	} {
		for _, w := range want {
			if !strings.Contains(string(write(format)), w) {
				t.Errorf("%s has no %q", format, w)
			}
		}
	}
}

// checkStatesOfSARIF checks that each result has a state of the comparison.
func checkStatesOfSARIF(t *testing.T, text []byte, c audit.Comparison) {
	t.Helper()
	if err := schematest.Validate(t, sarifSchema(t), text); err != nil {
		t.Error(err)
	}
	var log struct {
		Runs []struct {
			Results []struct{ BaselineState, Kind, Level string }
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	states := map[string]int{}
	for _, r := range log.Runs[0].Results {
		states[r.BaselineState]++
		if (r.BaselineState == "absent") != (r.Kind == "pass") || r.Kind == "pass" && r.Level != "none" {
			t.Errorf("a result with the state %s, kind %s and level %s", r.BaselineState, r.Kind, r.Level)
		}
	}
	if states["unchanged"] != c.Known || states["absent"] != len(c.Gone) || states[""] != 0 {
		t.Errorf("%v, want %+v", states, c)
	}
}

// TestBaselineInJSON checks that the JSON follows the schema, and that a document with a comparison
// is a baseline for the next run.
func TestBaselineInJSON(t *testing.T) {
	a := comparedSample(t)
	text := formatted(t, AuditFormats(), "json", a)
	if err := schematest.Validate(t, schematest.Compile(t, "report.schema.json"), text); err != nil {
		t.Error(err)
	}
	var r audit.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	next, err := baseline.Report(r, r)
	if err != nil || next.WorstNew() != 0 || next.Baseline.Known != a.Report.Baseline.Known+
		a.Report.Baseline.New || len(next.Baseline.Gone) != 0 {
		t.Errorf("%+v, %v: want known gaps only", next.Baseline, err)
	}
}

// TestMutedCheck checks that each format shows a muted gap of a check as muted, and that the JSON
// can be read again.
func TestMutedCheck(t *testing.T) {
	doc, err := iampolicy.Parse(`{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
		"Action": "sns:Publish", "Resource": "*"}}`)
	if err != nil {
		t.Fatal(err)
	}
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "role.json", Document: doc,
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: "role.json"}}}}
	required, err := check.ReleaseRequirements(check.Target{Kind: policies.Role}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	v, err := check.Evaluate(t.Context(), check.Exactly(grants), required, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := v.Gaps
	v = v.Muted(func(f check.Finding) *audit.Mute {
		if strings.HasPrefix(f.Action, "s3:") {
			return &audit.Mute{Owner: "kim", Reason: "OPS-17"}
		}
		return nil
	})
	if v.GapsMuted == 0 || v.Gaps == 0 || v.Gaps+v.GapsMuted != all {
		t.Fatalf("%d gaps and %d muted, want %d together", v.Gaps, v.GapsMuted, all)
	}
	r := check.Summarize([]check.Result{{Policies: []string{"role.json"}, Verdict: &v}})
	write := func(format string) string { return string(formatted(t, CheckFormats(), format, r)) }
	for format, want := range map[string]string{"text": "MUTED", "markdown": "### Muted (",
		"html": "kim until", "junit": "<skipped>", "sarif": `"suppressions"`, "csv": "OPS-17",
		"github": "muted gaps: ", "json": `"gapsMuted"`} {
		if !strings.Contains(write(format), want) {
			t.Errorf("%s has no %q", format, want)
		}
	}
	text := []byte(write("json"))
	if err := schematest.Validate(t, schematest.Compile(t, "check.schema.json"), text); err != nil {
		t.Error(err)
	}
	parsed, err := Parse(text)
	if err != nil || parsed.Check.Results[0].Verdict.GapsMuted != v.GapsMuted {
		t.Errorf("the JSON cannot be read again: %v", err)
	}
	none := v.Muted(func(check.Finding) *audit.Mute { return &audit.Mute{Owner: "kim"} })
	if none.Status != audit.StatusCompliant || none.Worst() != 0 || none.Gaps != 0 {
		t.Errorf("status %s with %d gaps, although all are muted", none.Status, none.Gaps)
	}
}
