package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
	"github.com/remotion-audit/remotion-audit/internal/timeline"
)

func TestPageBeginsWithTheVerdict(t *testing.T) {
	for file, want := range map[string]string{
		"testdata/drifted.json":                     "Renders will fail",
		"../report/testdata/compliant.json":         "No missing permission found",
		"../report/testdata/simulation-denied.json": "Could not check",
		"../report/testdata/organization.json":      "may fail",
		"../report/testdata/reads-denied.json":      "Could not check",
		"../report/testdata/own-user.json":          "Could not check",
		"../report/testdata/mixed.json":             "Some renders will fail",
		"../report/testdata/releases.json":          "will fail",
		"../report/testdata/hostile.json":           "Some renders will fail",
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			r := read(t, file)
			root := parse(t, pageOf(t, Document{Report: r}))
			title := elements(root, "h1", "")
			if len(title) != 1 || !strings.Contains(text(title[0]), want) {
				t.Errorf("%d titles, %q, want %q", len(title), text(title[0]), want)
			}
			if r.Unverified() && !strings.Contains(text(root), "Could not check") {
				t.Error("the page of an incomplete audit does not say so")
			}
		})
	}
}

// TestEachFindingIsOnThePage compares the rows of a page with the findings: nothing is lost, muted
// gaps and unverified requirements included.
func TestEachFindingIsOnThePage(t *testing.T) {
	for name, r := range map[string]audit.Report{"drifted": drifted(t), "everything": everything(t),
		"large": many(t, MaxFindings+1)} {
		t.Run(name, func(t *testing.T) {
			root := parse(t, pageOf(t, Document{Report: r}))
			got := map[string]int{}
			for n := range root.Descendants() {
				if s, ok := attribute(n, "data-s"); ok {
					_, muted := attribute(n, "data-m")
					got[fmt.Sprint(s, muted)]++
				}
			}
			want := map[string]int{}
			for _, f := range r.Findings {
				want[fmt.Sprint(f.Status, f.Muted != nil)]++
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("the page has %v, the report %v", got, want)
			}
		})
	}
}

func TestCard(t *testing.T) {
	r := drifted(t)
	root := parse(t, pageOf(t, Document{Report: r, Open: open(r)}))
	card := byID(t, root, "card-1")
	content := text(card)
	for _, want := range []string{"critical", "Renders will fail: 7 permissions missing",
		"role/remotion-lambda-role", "render role",
		"Cause Statement 2 (Sid 1) of inline policy", `- "arn:aws:s3:::remotionlamda-*"`,
		`+ "arn:aws:s3:::remotionlambda-*"`, "remotion-audit fix --target role/remotion-lambda-role",
		"s3:PutObject", "Renders stop when they write to the bucket", "Open since Mon 16 Nov 2026",
		"Closes 7 of 7 gaps", "JSON", "CLI", "Terraform", "CloudFormation", "#!/bin/sh",
		`resource "aws_iam_role_policy"`, "AWSTemplateFormatVersion"} {
		if !strings.Contains(content, want) {
			t.Errorf("the card does not contain %q", want)
		}
	}
	// The first tab has the document to store, so that it can be pasted into the console.
	tab := elements(card, "pre", "code")[1]
	if got := tab.FirstChild.Data + "\n"; got != r.Fixes[1].Edits[0].After.Text() {
		t.Errorf("the tab JSON has\n%s", got)
	}
}

func TestPassedShowsTheGrantingStatement(t *testing.T) {
	got := text(byID(t, parse(t, pageOf(t, Document{Report: drifted(t)})), "passed"))
	want := `lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-* statement 3 ` +
		`(Sid 2) of inline policy "remotion-lambda-role-policy"`
	if !strings.Contains(got, want) {
		t.Errorf("no %q in %s", want, got)
	}
}

func TestMatrix(t *testing.T) {
	r := everything(t)
	root := parse(t, pageOf(t, Document{Report: r}))
	counts := map[string]int{}
	for _, cell := range elements(byID(t, root, "matrix"), "td", "") {
		if class, ok := attribute(cell, "class"); ok {
			counts[class]++
			if word := text(cell); !strings.HasPrefix(word, class) && class != "muted" {
				t.Errorf("the cell %s has the word %q", class, word)
			}
		}
	}
	want := map[string]int{}
	for _, f := range r.Findings {
		switch {
		case f.Action == "":
		case f.Muted != nil:
			want["muted"]++
		default:
			want[string(f.Status)]++
		}
	}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("the cells are %v, want %v", counts, want)
	}
	if !strings.Contains(text(byID(t, root, "matrix")), "user/absent does not exist") {
		t.Error("the matrix does not name the principal that does not exist")
	}
}

// TestPageIsOneFile checks that a page refers to nothing outside of itself, and that its policy
// allows its own style and script only.
func TestPageIsOneFile(t *testing.T) {
	root := parse(t, pageOf(t, document(everything(t))))
	policy := ""
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "href":
				if !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "data:image/svg+xml,") {
					t.Errorf("<%s> refers to %s", n.Data, a.Val)
				}
				if id, ok := strings.CutPrefix(a.Val, "#"); ok {
					byID(t, root, id)
				}
			case "src", "srcset", "action", "style", "background", "poster", "srcdoc":
				t.Errorf("<%s> has %s", n.Data, a.Key)
			case "content":
				if strings.HasPrefix(a.Val, "default-src") {
					policy = a.Val
				}
			}
		}
	}
	for _, name := range []string{"style", "script"} {
		for _, n := range elements(root, name, "") {
			kind, _ := attribute(n, "type")
			if kind == "" && !strings.Contains(policy, "'"+hash(n.FirstChild.Data)+"'") {
				t.Errorf("the policy does not allow <%s>: %s", name, policy)
			}
		}
	}
	if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
	for _, asset := range []string{style, script} {
		for _, word := range []string{"http:", "https:", "//cdn", "@import", "url(", "fetch(", "eval(",
			"innerHTML", "XMLHttpRequest", "localStorage"} {
			if strings.Contains(asset, word) {
				t.Errorf("an asset contains %s", word)
			}
		}
	}
}

func TestIDsAreUnique(t *testing.T) {
	root := parse(t, pageOf(t, document(everything(t))))
	seen := map[string]bool{}
	for n := range root.Descendants() {
		if id, ok := attribute(n, "id"); ok {
			if seen[id] {
				t.Errorf("two elements have the id %s", id)
			}
			seen[id] = true
		}
	}
}

// TestRawJSON checks that the embedded JSON is the report.
func TestRawJSON(t *testing.T) {
	r := everything(t)
	raw := byID(t, parse(t, pageOf(t, Document{Report: r})), "raw")
	var got, want any
	if err := json.Unmarshal([]byte(raw.FirstChild.Data), &got); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b.Bytes(), &want); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Error("the embedded JSON differs from the report")
	}
}

// TestSize checks the limits: 300 KB for examples/drifted, and 2 KB for each further finding.
func TestSize(t *testing.T) {
	base := len(pageOf(t, Document{Report: drifted(t)}))
	if base > 300_000 {
		t.Errorf("the page of examples/drifted has %d bytes, want at most 300,000", base)
	}
	first := len(drifted(t).Findings)
	for _, n := range []int{100, 200, 500, 990, 1100, 3000} {
		r := many(t, n)
		size := len(pageOf(t, Document{Report: r, Open: open(r)}))
		each := (size - base) / (len(r.Findings) - first)
		t.Logf("%d findings: %d bytes, %d for each further finding", len(r.Findings), size, each)
		if each > 2048 {
			t.Errorf("%d findings: %d bytes for each further finding, want at most 2048",
				len(r.Findings), each)
		}
	}
}

func TestLargePageNamesTheCommands(t *testing.T) {
	r := many(t, MaxFindings+1)
	page := pageOf(t, Document{Report: r})
	for _, want := range []string{"remotion-audit audit --format json", "more than 1000 findings",
		"remotion-audit fix --target role/remotion-lambda-role-000"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not contain %q", want)
		}
	}
	for _, other := range []string{`id="raw"`, "#!/bin/sh"} {
		if strings.Contains(page, other) {
			t.Errorf("the page contains %q", other)
		}
	}
}

// TestSmallFixesComeFirst checks that a fix without space for its tabs is named with its command.
func TestFixesBeyondTheSpaceHaveACommand(t *testing.T) {
	r := many(t, 900)
	root := parse(t, pageOf(t, Document{Report: r}))
	all := elements(root, "details", "fix")
	if len(all) != len(r.Fixes) {
		t.Fatalf("%d fixes, want %d", len(all), len(r.Fixes))
	}
	left := 0
	for _, fix := range all {
		if len(elements(fix, "div", "tabs")) > 0 {
			continue
		}
		left++
		if !strings.Contains(text(fix), "remotion-audit fix --target ") {
			t.Errorf("a fix has neither tabs nor a command: %s", text(fix))
		}
	}
	if left == 0 || left == len(all) {
		t.Errorf("%d of %d fixes have no tabs", left, len(all))
	}
}

func TestMemoryGrowsWithTheFindings(t *testing.T) {
	r := many(t, 5000)
	memory.AtMost(t, 12<<10*5000, func() {
		if err := Write(io.Discard, Document{Report: r}); err != nil {
			t.Error(err)
		}
	})
}

// TestPageIsTheSameEachTime checks that maps do not decide the order of anything.
func TestPageIsTheSameEachTime(t *testing.T) {
	d := document(everything(t))
	first := pageOf(t, d)
	for range 5 {
		if pageOf(t, d) != first {
			t.Fatal("two pages of one report differ")
		}
	}
}

func TestControlCharactersAreReplaced(t *testing.T) {
	r := drifted(t)
	r.Account, r.Findings[0].Why = "a\x1b[31m\u202e\x00\u2028", "b\r\x07\ufeff"
	for n := range parse(t, pageOf(t, Document{Report: r})).Descendants() {
		if n.Type != html.TextNode || n.Parent.Data == "script" || n.Parent.Data == "style" {
			continue
		}
		for _, c := range n.Data {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Fatalf("%U in %q", c, n.Data)
			}
		}
	}
}

// TestEmptyReports checks reports without findings, such as that of a wrong configuration.
func TestEmptyReports(t *testing.T) {
	for _, r := range []audit.Report{{}, {Status: audit.StatusUnverified, Problems: []audit.Problem{
		{Target: audit.AccountTarget, What: audit.ProblemConfiguration, Why: "a reason"}}}} {
		page := pageOf(t, Document{Report: r})
		if strings.Contains(page, `class="tile satisfied"`) || len(r.Problems) > 0 &&
			!strings.Contains(page, "a reason") {
			t.Errorf("the page of %+v is\n%s", r, page)
		}
	}
}

// TestPagesOfAllFixtures checks that each report that the text is tested with has a page.
func TestPagesOfAllFixtures(t *testing.T) {
	files, err := filepath.Glob("../report/testdata/*.json")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		r := read(t, file)
		content := text(parse(t, pageOf(t, Document{Report: r})))
		for _, f := range r.Findings {
			if !strings.Contains(content, clean(f.Action)) {
				t.Errorf("%s: no %q", file, f.Action)
			}
		}
	}
	if _, err := os.Stat("testdata/drifted.json"); err != nil || !slices.Contains(files,
		"../report/testdata/drifted.json") {
		t.Error(err)
	}
}

func TestHistory(t *testing.T) {
	r := everything(t)
	root := parse(t, pageOf(t, document(r)))
	section := byID(t, root, "history")
	content := text(section)
	for _, want := range []string{"Account 123456789012, auditor remotion-audit", "Renders will fail",
		"40, from Mon 16 Nov 2026 09:00 UTC to Fri 25 Dec 2026 09:00 UTC", "Open in the last run 4 gaps",
		"Median time to recovery 1d 6h", "Longest time to recovery 1d 6h", "more than 1d 6h",
		"do not show when 1 of the recovered gaps opened. The median and the longest time leave it " +
			"out",
		"Longest time between two runs 1d",
		"No longer audited 1 gap", "Objects that could not be used 1", "16 Nov 2026", "25 Dec 2026"} {
		if !strings.Contains(content, want) {
			t.Errorf("the history does not contain %q", want)
		}
	}
	if n := len(elements(section, "svg", "chart")); n != 1 {
		t.Errorf("%d charts, want one: the second series has a single run", n)
	}
	if n := len(elements(section, "rect", "gapless")); n != 1 {
		t.Errorf("%d marks of incomplete runs, want 1", n)
	}
	if notes := text(root); !strings.Contains(notes, "A note about 123456789012") {
		t.Error("the page does not have the note")
	}
}

// TestTicksOfAShortChart checks that a chart of a few days has no label twice.
func TestTicksOfAShortChart(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 3, 3, 0, 0, 0, time.UTC)
	c := newChart([]timeline.Run{{At: at}, {At: at.AddDate(0, 0, 2)}})
	seen := map[string]bool{}
	for _, tick := range c.Ticks {
		if seen[tick.Text] {
			t.Errorf("two ticks are %s", tick.Text)
		}
		seen[tick.Text] = true
	}
}

// TestChartOfManyRuns checks that the size of a chart does not grow with the runs, and that it
// shows the highest number of gaps.
func TestChartOfManyRuns(t *testing.T) {
	d := document(drifted(t))
	one := d.Timeline.Series[0].Runs[0]
	var runs []timeline.Run
	for i := range 10_000 {
		one.At, one.Open = at.Add(time.Duration(i)*time.Hour), map[policies.Severity]int{}
		one.Incomplete = i == 5000
		if i == 4321 {
			one.Open = map[policies.Severity]int{policies.High: 5}
		}
		runs = append(runs, one)
	}
	d.Timeline.Series[0].Runs = runs
	page := pageOf(t, d)
	if len(page) > 300_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
	root := parse(t, page)
	areas := elements(root, "path", "high")
	if len(areas) != 1 {
		t.Fatalf("%d areas, want 1", len(areas))
	}
	if path, _ := attribute(areas[0], "d"); !strings.Contains(path, " 12L") {
		t.Errorf("the area does not reach the top: %s", path)
	}
	if len(elements(root, "rect", "gapless")) != 1 {
		t.Error("the incomplete run is not marked")
	}
}

func TestSentence(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"renders stop":              "Renders stop",
		"possibly: renders stop":    "Possibly: renders stop",
		"s3:GetObject is missing":   "s3:GetObject is missing",
		"arn:aws:s3:::b is missing": "arn:aws:s3:::b is missing",
		"\xffx":                     "\ufffdx",
	} {
		if got := sentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestCommandsRepeatTheSettings checks that the commands of a page find the same gaps again.
func TestCommandsRepeatTheSettings(t *testing.T) {
	r := drifted(t)
	r.Run.Flags = []string{"--regions", "eu-west-1"}
	page := pageOf(t, Document{Report: r})
	if !strings.Contains(page, "--target role/remotion-lambda-role --regions eu-west-1") {
		t.Error("no command repeats the settings")
	}
}
