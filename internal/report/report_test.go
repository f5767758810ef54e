package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func read(t testing.TB, name string) audit.Report {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return r
}

func fixtures(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 6 {
		t.Fatalf("fixtures %q, %v", files, err)
	}
	for i := range files {
		files[i] = strings.TrimSuffix(filepath.Base(files[i]), ".json")
	}
	return files
}

func TestGolden(t *testing.T) {
	for _, name := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			r := read(t, name+".json")
			var text bytes.Buffer
			if err := Text(&text, r, textfmt.View{}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("testdata", name+".txt"), text.Bytes())
		})
	}
}

// TestHostileTextStaysOnItsLine checks that text from AWS cannot forge a line, color a terminal or
// reverse the text direction.
func TestHostileTextStaysOnItsLine(t *testing.T) {
	r := read(t, "hostile.json")
	var b bytes.Buffer
	const forged = "x\n\u2028CRITICAL  forged\x1b[31m\u202e"
	blocks := NewBlocks(textfmt.View{})
	blocks.Line(forged)
	blocks.Title(textfmt.Strong, forged, forged)
	blocks.Section(forged, forged)
	blocks.Diff([]string{"+ " + forged})
	blocks.Fields(Field{forged, forged, true}, Field{"a", forged, false})
	b.WriteString(blocks.String())
	for _, width := range []int{0, 40, 60, 80} {
		if err := Text(&b, r, textfmt.View{Width: width, Verbose: true, All: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if strings.HasPrefix(strings.Join(strings.Fields(line), " "), "CRITICAL forged") &&
			!strings.HasPrefix(line, " ") {
			t.Errorf("a forged line: %q", line)
		}
		for _, c := range line {
			if !unicode.IsPrint(c) {
				t.Errorf("unprintable %U in %q", c, line)
			}
		}
	}
}

// TestAllIsOfferedOnlyIfItLists checks that a report of a message, which has no satisfied findings,
// does not name a flag that would list them.
func TestAllIsOfferedOnlyIfItLists(t *testing.T) {
	full := read(t, "drifted.json")
	sent := full
	sent.Findings = slices.DeleteFunc(slices.Clone(full.Findings), func(f audit.Finding) bool {
		return f.Status == audit.Satisfied
	})
	const offer, none = "--all lists what is satisfied", "this report does not list what is satisfied"
	for _, test := range []struct {
		name        string
		report      audit.Report
		all         bool
		want, never string
	}{
		{"full", full, false, offer, none}, {"full, --all", full, true, "granted by ", offer},
		{"sent", sent, false, "CHECKED", offer}, {"sent, --all", sent, true, none, "granted by "},
	} {
		var b bytes.Buffer
		if err := Text(&b, test.report, textfmt.View{All: test.all}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), test.want) || strings.Contains(b.String(), test.never) {
			t.Errorf("%s: want %q and no %q in\n%s", test.name, test.want, test.never, b.String())
		}
	}
}

// TestHeadlineOfAnIncompleteAudit checks that the headline and the label of an incomplete audit
// never read as compliant.
func TestHeadlineOfAnIncompleteAudit(t *testing.T) {
	for _, name := range []string{"simulation-denied", "reads-denied", "mixed"} {
		r := read(t, name+".json")
		for _, s := range []string{Headline(r), Label(r)} {
			if strings.Contains(s, "all ") || strings.Contains(s, "OK") {
				t.Errorf("%s: %q", name, s)
			}
		}
		if r.Status == audit.StatusUnverified && !strings.Contains(Headline(r), "audit incomplete") {
			t.Errorf("%s: %q", name, Headline(r))
		}
	}
}
