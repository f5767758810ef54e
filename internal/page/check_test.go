package page

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// checkResults returns the results of a check with each part. The texts end in a suffix.
func checkResults(suffix string) check.Results {
	statement := iampolicy.StatementRef{Policy: "role.json" + suffix, Index: 1, Sid: "A",
		Effect: "Allow"}
	finding := func(action string, s iampolicy.Status, severity policies.Severity) check.Finding {
		return check.Finding{Sid: "A", Action: action, Resource: "arn:aws:s3:::bucket" + suffix,
			Status:   s,
			Severity: severity, Why: "a reason" + suffix, Impact: "renders stop" + suffix,
			ExampleAction: action, ExampleARN: "arn:aws:s3:::bucket/x" + suffix,
			Statements: []iampolicy.StatementRef{statement}}
	}
	verdict := check.Verdict{Status: audit.StatusGaps, Required: "the role policy" + suffix,
		Problem: "a problem" + suffix, Assumed: []string{"aws:SecureTransport=true" + suffix},
		Findings: []check.Finding{finding("s3:Low", iampolicy.Missing, policies.Low),
			finding("s3:Critical", iampolicy.Missing, policies.Critical),
			finding("s3:Denied", iampolicy.Denied, 0),
			finding("s3:Unverified", iampolicy.Unverified, policies.High),
			finding("s3:Granted", iampolicy.Satisfied, policies.High)},
		Notes: []string{"a note" + suffix}, ExcessIncomplete: true,
		Excess: []iampolicy.Excess{{Kind: iampolicy.Administrator, Action: "*", Resource: "*" + suffix,
			ExampleAction: "iam:CreateUser", ExampleARN: "*" + suffix, Statement: statement}}}
	return check.Summarize([]check.Result{{Policies: []string{"role.json" + suffix},
		Verdict: &verdict},
		{Policies: []string{"other.json" + suffix}, Error: "no such file" + suffix}})
}

func checkPage(t testing.TB, r check.Results) string {
	t.Helper()
	var b strings.Builder
	if err := WriteCheck(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestCheckPage(t *testing.T) {
	root := parse(t, checkPage(t, checkResults("")))
	content := text(root)
	for _, want := range []string{"The policies do not grant all required permissions",
		"critical 2 permissions missing", "gap 1 permission denied", "1 permission not verified",
		"Excess: statement 1 (Sid A) of role.json grants * on *", "There may be more excess", "A note",
		"other.json : not read: no such file", "role.json : the role policy: a problem",
		"other.json not read"} {
		if !strings.Contains(content, want) {
			t.Errorf("the page does not contain %q: %s", want, content)
		}
	}
	if strings.Index(content, "s3:Critical") > strings.Index(content, "s3:Low") {
		t.Error("the permissions are not sorted by severity")
	}
	for status, want := range map[audit.ReportStatus]string{
		audit.StatusCompliant:  "The policies grant all required permissions",
		audit.StatusUnverified: "The check is incomplete",
	} {
		got := text(parse(t, checkPage(t, check.Results{Status: status})))
		if !strings.Contains(got, want) {
			t.Errorf("%s: no %q", status, want)
		}
	}
}

func comparisonPage(t testing.TB, c policies.Comparison) string {
	t.Helper()
	var b strings.Builder
	if err := WriteComparison(&b, c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestComparisonPage(t *testing.T) {
	old, err := policies.Find("4.0.240")
	if err != nil {
		t.Fatal(err)
	}
	page := comparisonPage(t, policies.Compare([]policies.Release{old}, policies.Latest(),
		policies.Kinds))
	content := text(parse(t, page))
	for _, want := range []string{"Remotion 4.0.240 to ", "1 permission added.",
		"User policy: added", "s3:PutBucketPolicy", "Role policy: dropped None."} {
		if !strings.Contains(content, want) {
			t.Errorf("the page does not contain %q: %s", want, content)
		}
	}
	unknown := text(parse(t, comparisonPage(t,
		policies.Comparison{Problem: "an unknown major version"})))
	if !strings.Contains(unknown, "not fully known") ||
		strings.Contains(unknown, "No permission added") {
		t.Errorf("an unverified comparison: %s", unknown)
	}
}

// TestHostileFileNames checks that no text of a check or a comparison is markup.
func TestHostileFileNames(t *testing.T) {
	want := structure(parse(t, checkPage(t, checkResults("x"))))
	for _, suffix := range hostile {
		root := parse(t, checkPage(t, checkResults(suffix)))
		checkMarkup(t, root)
		if got := structure(root); got != want {
			t.Errorf("%q changes the structure: %s", suffix, difference(got, want))
		}
		checkMarkup(t, parse(t, comparisonPage(t, policies.Comparison{From: []string{suffix}, To: suffix,
			Notices: []string{suffix}, Problem: suffix, Policies: []policies.ReleaseDiff{{Kind: "user",
				Added: []policies.Requirement{{Action: suffix, Resource: suffix,
					Consequence: policies.Consequence{Impact: suffix}}}}}})))
	}
}
