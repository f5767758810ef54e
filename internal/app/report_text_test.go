package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/fixformat"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// auditOf audits the account of a file with the settings in it.
func auditOf(t *testing.T, file string) audit.Report {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "")
	a, err := account.Load(os.DirFS(filepath.Dir(file)), filepath.Base(file))
	if err != nil {
		t.Fatal(err)
	}
	end, err := (&awsemu.Server{Account: a}).Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	cfg, err := ConfigFromEnv(func(name string) string { return a.Function.Environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	noon := time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)
	auditor := App{Config: cfg, Clients: load(t, end.URL), Function: "remotion-audit",
		Now: func() time.Time { return noon }}
	r, err := auditor.Report(t.Context(), Location{"123456789012", policies.AWS, "us-east-1"}, "run")
	if err != nil {
		t.Fatal(err)
	}
	r.Run.Version = "" // of this build
	return r
}

// TestReportAtATerminal compares the report of examples, and of two accounts with many gaps of one
// cause, with files: at a terminal of 80 columns, and once with all details.
func TestReportAtATerminal(t *testing.T) {
	for name, file := range map[string]string{
		"drifted":                   "../../examples/drifted/account.yaml",
		"compliant":                 "../../examples/compliant/account.yaml",
		"narrowed":                  "../../examples/narrowed/account.yaml",
		"deploy-role-in-one-region": "testdata/situations/deploy-role-in-one-region.yaml",
		"own-layers":                "testdata/situations/own-layers.yaml",
	} {
		t.Run(name, func(t *testing.T) {
			r := auditOf(t, file)
			views := map[string]textfmt.View{"": {Width: 80}}
			if name == "drifted" {
				views["-details"] = textfmt.View{Width: 80, Verbose: true, All: true}
			}
			for suffix, v := range views {
				var b bytes.Buffer
				if err := report.Text(&b, r, v); err != nil {
					t.Fatal(err)
				}
				golden.Compare(t, filepath.Join("testdata", "terminal", name+suffix+".txt"), b.Bytes())
			}
		})
	}
}

// TestTextsOfAllAccounts checks the report and the fixes of each account in testdata, at several
// widths: a line is not longer than the terminal, except for a name or a command that people copy;
// no line ends in a blank; and colours change no character.
func TestTextsOfAllAccounts(t *testing.T) {
	var files []string
	for _, folder := range []string{"causes", "situations"} {
		list, err := filepath.Glob("testdata/" + folder + "/*.yaml")
		if err != nil || len(list) == 0 {
			t.Fatalf("%d accounts in %s: %v", len(list), folder, err)
		}
		files = append(files, list...)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			r := auditOf(t, file)
			for _, width := range []int{40, 60, 80, 110} {
				for _, details := range []bool{false, true} {
					v := textfmt.View{Width: width, Verbose: details, All: details}
					checkTexts(t, r, v)
				}
			}
		})
	}
}

func checkTexts(t *testing.T, r audit.Report, v textfmt.View) {
	t.Helper()
	plain := textsOf(t, r, v)
	for line := range strings.SplitSeq(plain, "\n") {
		if strings.HasSuffix(line, " ") {
			t.Errorf("width %d: a line ends in a blank: %q", v.Width, line)
		}
		if utf8.RuneCountInString(line) > v.Width && !isCopied(line) {
			t.Errorf("width %d: a line of %d characters: %q", v.Width, utf8.RuneCountInString(line), line)
		}
	}
	v.Paint = func(tone textfmt.Tone, text string) string {
		return fmt.Sprintf("\x1b[%dm%s\x1b[0m", 30+tone, text)
	}
	painted := textsOf(t, r, v)
	if stripped := escapes.ReplaceAllString(painted, ""); stripped != plain {
		t.Errorf("width %d: colours change the text:\n%s\nwant\n%s", v.Width, stripped, plain)
	}
	if painted == plain {
		t.Errorf("width %d: no colours", v.Width)
	}
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// textsOf returns the report and its fixes as texts.
func textsOf(t *testing.T, r audit.Report, v textfmt.View) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Text(&b, r, v); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Fixes {
		h := fixformat.FromReport(r, f)
		h.View = v
		if err := fixformat.Formats()[0].Write(&b, h, fixformat.Default); err != nil {
			t.Fatal(err)
		}
		b.WriteString(h.ListEntry())
	}
	return b.String()
}

// copied matches what a line may contain beyond the width: after a label, one word, such as an ARN;
// a command; a document in JSON; or a line of a diff.
var copied = regexp.MustCompile(`^ *((FIX )?[0-9]+  |[A-Z][A-Za-z]*( [a-z]+)? +)?` +
	`(\S+|remotion-audit .*|[-+] +["{}\]].*|["{}\]^].*)$`)

func isCopied(line string) bool { return copied.MatchString(line) }
