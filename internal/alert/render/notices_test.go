package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// TestNoticesFit checks that a message with thousands of notices and releases does not exceed the
// size limit, and still contains all gaps.
func TestNoticesFit(t *testing.T) {
	for _, size := range []int{10, 300, 3000} {
		r := bigReport(2, 10, 1, 100)
		for i := range size {
			text := fmt.Sprintf("notice %d\n<!channel> %s", i, strings.Repeat("n", 2000))
			r.Notices = append(r.Notices, audit.Notice{Kind: audit.NoticeNewerRelease, Text: text},
				audit.Notice{Kind: audit.NoticeDocument, Target: "user/u0", Text: text})
			r.Remotion.Releases = append(r.Remotion.Releases, fmt.Sprint("4.1.", i))
			for j := range r.Findings {
				r.Findings[j].Releases = append(r.Findings[j].Releases, fmt.Sprint("4.1.", i))
			}
			r.Remotion.Deployed = append(r.Remotion.Deployed, audit.Deployed{Release: fmt.Sprint("4.1.", i),
				Functions: 1})
		}
		s := newStory(t)
		p := s.run(r)
		checkMessage(t, p)
		d := decoded(p.Message)
		gaps := 0
		for _, a := range d.Announcements {
			if a.Event == alert.ReasonBaseline {
				gaps++
			}
		}
		// The gaps come first. All of them fit.
		if cut := size > 10; gaps != 20 || d.Truncated != cut ||
			cut != strings.Contains(p.Message.Bodies["email"], "more findings not shown") {
			t.Errorf("%d notices: %d gaps are announced, truncated %v, %d bytes", size, gaps,
				d.Truncated, sizeOf(p.Message))
		}
	}
}
