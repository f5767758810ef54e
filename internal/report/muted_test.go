package report

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestMutedGaps checks that a muted gap counts as muted and not as a gap. The headline and the list
// of muted gaps show the muted gap.
func TestMutedGaps(t *testing.T) {
	r := read(t, "drifted.json")
	until := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	all := r.Muted(func(audit.Finding) *audit.Mute {
		return &audit.Mute{Owner: "kim", Reason: "known", Until: until}
	})
	if all.Status != audit.StatusCompliant || all.Summary.Gaps != 0 || all.Summary.GapsCritical != 0 ||
		all.Summary.GapsMuted != 10 || all.Worst() != 0 || len(Gaps(all)) != 0 {
		t.Errorf("%s %+v worst %s", all.Status, all.Summary, all.Worst())
	}
	if h := Headline(all); h != "39 of 49 requirements satisfied; 10 gaps muted" {
		t.Errorf("headline %q", h)
	}
	some := r.Muted(func(f audit.Finding) *audit.Mute {
		if f.Target != "user/remotion-user" {
			return nil
		}
		return &audit.Mute{Owner: "kim", Reason: "known\nCRITICAL  forged", Until: until}
	})
	if some.Status != audit.StatusGaps || some.Summary.Gaps != 8 || some.Summary.GapsMuted != 2 ||
		some.Targets[0].Summary.GapsMuted != 2 || some.Targets[1].Summary.GapsMuted != 0 {
		t.Errorf("%s %+v %+v", some.Status, some.Summary, some.Targets)
	}
	if r.Summary.GapsMuted != 0 || r.Findings[0].Muted != nil {
		t.Error("Muted changed the original report")
	}
	var b bytes.Buffer
	if err := Text(&b, some, textfmt.View{}); err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, filepath.Join("testdata", "muted.txt"), b.Bytes())
	if strings.Contains(b.String(), "\nCRITICAL  forged") {
		t.Error("a mute's reason forged a line")
	}
	incomplete := read(t, "mixed.json").Muted(func(audit.Finding) *audit.Mute { return &audit.Mute{} })
	if incomplete.Status != audit.StatusUnverified ||
		!strings.HasPrefix(Headline(incomplete), "audit incomplete") {
		t.Errorf("a report with muted gaps and unverified findings is %s: %s", incomplete.Status,
			Headline(incomplete))
	}
}
