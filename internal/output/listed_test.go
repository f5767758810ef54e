package output

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
	"github.com/remotion-audit/remotion-audit/internal/testing/xsd"
)

// contextForAccounts is the context of the audits that several tests share.
var contextForAccounts = context.Background()

// A sarifLog is the part of SARIF that the tests read.
type sarifLog struct {
	Runs []struct {
		Results []struct {
			RuleID              string
			RuleIndex           int
			Level               string
			Message             struct{ Text string }
			PartialFingerprints map[string]string
			Suppressions        []any
			Properties          map[string]any
			Locations           []struct {
				PhysicalLocation struct {
					ArtifactLocation struct{ URI string }
					Region           struct{ StartLine, StartColumn int }
				}
			}
		}
		Invocations []struct{ ToolExecutionNotifications []any }
		Tool        struct {
			Driver struct{ Rules []struct{ ID string } }
		}
	}
}

func readSARIF(t *testing.T, text []byte) (log sarifLog) {
	t.Helper()
	if err := json.Unmarshal(text, &log); err != nil || len(log.Runs) != 1 {
		t.Fatalf("%d runs, %v", len(log.Runs), err)
	}
	return log
}

// TestNoFormatLosesAJudgement compares the gaps and what is unverified of each format with the
// document, and checks that what a program reads back is well formed.
func TestNoFormatLosesAJudgement(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			gaps, unsure := 0, 0
			for _, e := range readSARIF(t, s.write(t, "sarif")).Runs[0].Results {
				switch {
				case len(e.Suppressions) > 0:
				case e.Properties["status"] == "unverified" || strings.HasSuffix(e.RuleID, "/incomplete") ||
					strings.HasSuffix(e.RuleID, "/unreadable"):
					unsure++
				default:
					gaps++
				}
			}
			s.expect(t, "sarif", gaps, unsure)

			var suites junitSuites
			if err := xml.Unmarshal(s.write(t, "junit"), &suites); err != nil {
				t.Fatal(err)
			}
			s.expect(t, "junit", suites.Failures, suites.Errors)
			gaps, unsure = 0, 0
			for _, suite := range suites.Suites {
				for _, c := range suite.Cases {
					switch {
					case c.Failure != nil:
						gaps++
					case c.Error != nil:
						unsure++
					}
				}
			}
			s.expect(t, "cases of junit", gaps, unsure)

			rows, err := csv.NewReader(bytes.NewReader(s.write(t, "csv"))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			gaps, unsure = 0, 0
			for _, row := range rows[1:] {
				switch row[0] {
				case "gap":
					gaps++
				case "unverified":
					unsure++
				}
			}
			s.expect(t, "csv", gaps, unsure)

			lines := strings.Split(strings.TrimSpace(string(s.write(t, "github"))), "\n")
			if len(lines) != s.gaps+s.unsure+1 {
				t.Errorf("github has %d annotations, want %d and the result", len(lines)-1, s.gaps+s.unsure)
			}
			s.expectMarkdown(t)
			s.expectStatus(t)
		})
	}
}

func (s sample) expect(t *testing.T, what string, gaps, unsure int) {
	t.Helper()
	if gaps != s.gaps || unsure != s.unsure {
		t.Errorf("%s has %d gaps and %d unverified, want %d and %d", what, gaps, unsure, s.gaps, s.unsure)
	}
}

// expectStatus checks that the status, and with it the exit status, agrees with the judgements.
func (s sample) expectStatus(t *testing.T) {
	t.Helper()
	want := []string{"compliant", "loses-nothing"}
	switch {
	case s.gaps > s.later:
		want = []string{"gaps", "loses"}
	case s.unsure > 0:
		want = []string{"unverified"}
	}
	if s.status != "" && !slices.Contains(want, s.status) {
		t.Errorf("the status is %s, with %d gaps and %d unverified", s.status, s.gaps, s.unsure)
	}
}

var leftOut = regexp.MustCompile(`(\d+) (gaps?|unverified permission or reads?)[, ]`)

// expectMarkdown counts the lines of the lists, with those that are left out.
func (s sample) expectMarkdown(t *testing.T) {
	t.Helper()
	text := string(s.write(t, "markdown"))
	if len(text) > maxComment {
		t.Errorf("markdown has %d bytes", len(text))
	}
	counts := map[string]int{}
	section := ""
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "### "), strings.HasPrefix(line, "<details>"):
			section, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "### "), " (")
		case strings.HasPrefix(line, "- "):
			counts[section]++
		}
	}
	_, tail, _ := strings.Cut(text, "**Left out")
	for _, m := range leftOut.FindAllStringSubmatch(tail, -1) {
		n, _ := strconv.Atoi(m[1])
		if strings.HasPrefix(m[2], "gap") {
			counts["Gaps"] += n
		} else {
			counts["Unverified"] += n
		}
	}
	s.expect(t, "markdown", counts["Gaps"], counts["Unverified"])
}

// TestHostileTexts checks that no text of AWS becomes a command, a formula, markup or a control
// character of a format.
func TestHostileTexts(t *testing.T) {
	s := auditSample("hostile", Audit{Report: hostileReport(t)})
	for _, format := range s.formats {
		text := string(s.write(t, format))
		for _, r := range text {
			if r != '\n' && !unicode.IsPrint(r) && format != "json" {
				t.Errorf("%s has the character %U", format, r)
				break
			}
		}
	}
	for line := range strings.Lines(string(s.write(t, "github"))) {
		if !regexp.MustCompile(`^::(error|warning|notice) (file=[^,]*,)?title=[^:,]*::[^\r\n]*\n$`).
			MatchString(line) {
			t.Errorf("not one workflow command: %q", line)
		}
	}
	rows, err := csv.NewReader(bytes.NewReader(s.write(t, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r\uff1d\uff0b\uff0d\uff20", []rune(cell)[0]) {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
	if left := outsideCode(string(s.write(t, "markdown"))); strings.ContainsAny(left, "@<[]\\`") ||
		strings.Contains(left, "://") || strings.Contains(left, "www.") {
		t.Errorf("markup of AWS outside of code:\n%s", left)
	}
}

var (
	ownMarkup = regexp.MustCompile(`(?m)^</details>$|^<details><summary>Details: .* of ` +
		`<code>[^<]*</code>, cause [^<]*</summary>$`)
	codeBlock = regexp.MustCompile("(?s)\n(```+)[a-z]*\n.*?\n```+\n")
)

// outsideCode removes what GitHub shows as it is: code blocks and code spans, as CommonMark defines
// them. It also removes the elements that the format writes itself.
func outsideCode(text string) string {
	text = ownMarkup.ReplaceAllString(codeBlock.ReplaceAllString(text, "\n"), "")
	var b strings.Builder
	for line := range strings.Lines(text) { // no span of ours spans lines
		for {
			before, rest, found := strings.Cut(line, "`")
			b.WriteString(before)
			if !found {
				break
			}
			fence := "`" + rest[:len(rest)-len(strings.TrimLeft(rest, "`"))]
			rest = strings.TrimLeft(rest, "`")
			end := closing(rest, len(fence))
			if end < 0 {
				b.WriteString(fence)
				line = rest
				continue
			}
			line = rest[end+len(fence):]
		}
	}
	return b.String()
}

// closing returns the position of a run of exactly n backticks.
func closing(text string, n int) int {
	for i := 0; i < len(text); {
		if text[i] != '`' {
			i++
			continue
		}
		run := len(text[i:]) - len(strings.TrimLeft(text[i:], "`"))
		if run == n {
			return i
		}
		i += run
	}
	return -1
}

// TestConvertedEqualsWritten checks that the JSON of a document, read again, gives the same output
// in every format.
func TestConvertedEqualsWritten(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			for _, format := range s.formats {
				written, again := s.write(t, format), s.again(t, format)
				if !bytes.Equal(written, again) {
					t.Errorf("%s differs after JSON:\n%s", format, firstDifference(written, again))
				}
			}
		})
	}
}

func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range x {
		if i >= len(y) || x[i] != y[i] {
			return fmt.Sprintf("line %d: %.300q, again %.300q", i+1, x[i], y[min(i, len(y)-1)])
		}
	}
	return "more lines"
}

// TestFormatsGolden compares the formats of examples/drifted, of a check and of an upgrade with
// files.
func TestFormatsGolden(t *testing.T) {
	drifted := auditSample("drifted", Audit{Report: causeReports(t)["drifted"]})
	muted := auditSample("muted", Audit{Report: mutedReport(t)})
	typo := checkSample("check", checkResults(t, "17-typo-action.json"))
	upgrade := diffSample("diff", "4.0.240", policies.Latest())
	extensions := map[string]string{"markdown": "markdown.txt", "junit": "xml", "sarif": "sarif",
		"github": "github.txt", "csv": "csv"}
	for _, s := range []sample{drifted, muted, typo, upgrade, replacementSample(t)} {
		for _, format := range []string{"markdown", "junit", "sarif", "github", "csv"} {
			golden.Compare(t, filepath.Join("testdata", "formats", s.name+"."+extensions[format]),
				s.write(t, format))
		}
	}
}

// sarifSchema compiles the schema of OASIS that the module go-sarif contains.
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}",
		"github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		t.Fatalf("the directory of go-sarif: %v", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(out)),
		"pkg", "report", "v210", "sarif", "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && len(l.Value) > len(text) {
			text = l.Value
		}
		return true
	})
	text, err = strconv.Unquote(text)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const name = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-schema-2.1.0.json"
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile(name)
}

// TestSARIFFollowsItsSchema validates every sample, and checks what code scanning needs: a rule and
// a relative place for each result.
func TestSARIFFollowsItsSchema(t *testing.T) {
	schema := sarifSchema(t)
	if schematest.Validate(t, schema, []byte(`{"version":"2.1.0","runs":[{"results":[{}]}]}`)) == nil {
		t.Fatal("the schema accepts a run without a tool")
	}
	for _, s := range samples(t) {
		text := s.write(t, "sarif")
		if err := schematest.Validate(t, schema, text); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
		run := readSARIF(t, text).Runs[0]
		prints := map[string]bool{}
		for _, r := range run.Results {
			place := r.Locations[0].PhysicalLocation
			uri := place.ArtifactLocation.URI
			if uri == "" || strings.HasPrefix(uri, "/") || strings.Contains(uri, "\\") ||
				regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`).MatchString(uri) ||
				place.Region.StartLine < 1 || place.Region.StartColumn < 1 {
				t.Errorf("%s: the place is %+v", s.name, place)
			}
			if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("%s: %s has the rule %d", s.name, r.RuleID, r.RuleIndex)
			}
			hash := r.PartialFingerprints["primaryLocationLineHash"]
			if hash == "" || prints[hash] && s.name != "hostile" {
				t.Errorf("%s: the fingerprint %q of %s is not its own", s.name, hash, r.Message.Text)
			}
			prints[hash] = true
		}
	}
}

// TestFingerprintsAreStable checks that a fingerprint depends on the requirement and the principal,
// not on the run, the order, or why the permission is missing.
func TestFingerprintsAreStable(t *testing.T) {
	prints := func(r audit.Report) map[string]string {
		out := map[string]string{}
		a := auditSample("", Audit{Report: r})
		for _, e := range readSARIF(t, a.write(t, "sarif")).Runs[0].Results {
			key := fmt.Sprint(e.Properties["target"], e.Properties["action"], e.Properties["resource"])
			out[key] = e.PartialFingerprints["primaryLocationLineHash"]
		}
		return out
	}
	r := fixtureReports(t)["drifted"]
	before := prints(r)
	again := fixtureReports(t)["drifted"]
	again.Run = audit.Run{ID: "other", At: time.Unix(9e8, 0)}
	for i, j := 0, len(again.Findings)-1; i < j; i, j = i+1, j-1 {
		again.Findings[i], again.Findings[j] = again.Findings[j], again.Findings[i]
	}
	for i := range again.Findings {
		if f := &again.Findings[i]; f.Gap() {
			f.Why, f.Cause, f.Severity, f.ExampleARN = "other", audit.SCP, policies.Low, "other"
		}
	}
	for key, hash := range prints(again) {
		if before[key] != hash {
			t.Errorf("%s: %s, before %s", key, hash, before[key])
		}
	}
	other := fixtureReports(t)["drifted"]
	other.Account = "210987654321"
	for key, hash := range prints(other) {
		if before[key] == hash {
			t.Errorf("%s has the same fingerprint in another account", key)
		}
	}
}

// TestSARIFPlaces checks the places of a check: the deciding statement, the list of
// statements, an
// escaped name, and a place for what has no file.
func TestSARIFPlaces(t *testing.T) {
	doc, err := iampolicy.Parse("{\"Version\": \"2012-10-17\",\n \"Statement\": [\n" +
		"  {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"*\"},\n" +
		"\n   {\"Sid\": \"No\", \"Effect\": \"Deny\", \"Action\": \"s3:GetObject\", \"Resource\": \"*\"}]}")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, file, denied, missing string }{
		{"a file", "infra/a b#1?.json", "infra/a%20b%231%3F.json 5:4", "infra/a%20b%231%3F.json 3:3"},
		{"a path of Windows", `.\infra\role.json`, "infra/role.json 5:4", "infra/role.json 3:3"},
		{"a colon in the first segment", "a:b.json", "./a:b.json 5:4", "./a:b.json 3:3"},
		{"standard input", "-", "standard-input 1:1", "standard-input 1:1"},
		{"an absolute path", "/etc/x.json", "etc/x.json 5:4", "etc/x.json 3:3"},
	} {
		grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "p", Document: doc,
			Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: test.file}}}}
		v := evaluated(t, grants)
		places := map[string]string{}
		text := written(t, CheckFormats(), "sarif", v)
		for _, e := range readSARIF(t, []byte(text)).Runs[0].Results {
			p := e.Locations[0].PhysicalLocation
			places[fmt.Sprint(e.Properties["action"])] = fmt.Sprintf("%s %d:%d",
				p.ArtifactLocation.URI, p.Region.StartLine, p.Region.StartColumn)
		}
		if places["s3:GetObject"] != test.denied || places["lambda:InvokeFunction"] != test.missing {
			t.Errorf("%s: denied at %q, missing at %q", test.name, places["s3:GetObject"],
				places["lambda:InvokeFunction"])
		}
	}
	for place, want := range map[string]string{"": DefaultPlace, "infra/a.yaml": "infra/a.yaml"} {
		a := Audit{Report: fixtureReports(t)["drifted"], Place: place}
		log := readSARIF(t, []byte(written(t, AuditFormats(), "sarif", a)))
		got := log.Runs[0].Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI
		if got != want {
			t.Errorf("the place of an audit is %q, want %q", got, want)
		}
		annotations := written(t, AuditFormats(), "github", a)
		if strings.Contains(annotations, "file=") != (place != "") {
			t.Errorf("annotations with the place %q:\n%s", place, annotations)
		}
	}
}

// TestLimits checks that a large report fits the limits of GitHub, and that the output says what is
// left out.
func TestLimits(t *testing.T) {
	r := fixtureReports(t)["drifted"]
	var one audit.Finding
	for _, f := range r.Findings {
		if f.Gap() {
			one = f
		}
	}
	r.Findings = nil
	const more = maxResults + 7
	for i := range more {
		f := one
		f.Resource = fmt.Sprintf("arn:aws:s3:::bucket-%d", i)
		r.Findings = append(r.Findings, f)
	}
	r.Fixes = nil
	s := auditSample("large", Audit{Report: r})
	run := readSARIF(t, s.write(t, "sarif")).Runs[0]
	if len(run.Results) != maxResults || len(run.Invocations[0].ToolExecutionNotifications) != 1 {
		t.Errorf("%d results, %d notifications", len(run.Results),
			len(run.Invocations[0].ToolExecutionNotifications))
	}
	s.gaps, s.unsure = more, len(r.Problems)
	s.expectMarkdown(t)
	text := string(s.write(t, "markdown"))
	if !strings.Contains(text, "remotion-audit audit --format text") {
		t.Errorf("the end does not say which command shows the others: %s", text[len(text)-500:])
	}
}

// TestJUnitFollowsTheSchemaOfJenkins validates every sample.
func TestJUnitFollowsTheSchemaOfJenkins(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out the schema of JUnit")
	}
	pkg := xsd.Package{Dir: "../testing/xsd"}
	if err := pkg.Ready(); err != nil {
		t.Skip("SKIPPED, NOT TESTED: the schema of JUnit: " + err.Error())
	}
	documents := []string{`<testsuites><testsuite name="a"/></testsuites>`}
	names := []string{"a suite without its number of tests"}
	for _, s := range samples(t) {
		documents, names = append(documents, string(s.write(t, "junit"))), append(names, s.name)
	}
	results, err := pkg.JUnit(t.Context(), documents)
	if err != nil {
		t.Fatal(err)
	}
	for i, problem := range results {
		if (problem != "") != (i == 0) {
			t.Errorf("%s: %q", names[i], problem)
		}
	}
}
