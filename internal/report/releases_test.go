package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestProblemOfTheAccount checks that the text shows a problem of the account, not of a principal.
func TestProblemOfTheAccount(t *testing.T) {
	r := audit.Report{Status: audit.StatusUnverified, Account: "123456789012",
		Targets: []audit.TargetReport{{Name: "user/ci"}},
		Problems: []audit.Problem{{Target: audit.AccountTarget, What: "the functions in us-east-1",
			Why: "access denied", Grant: "lambda:ListFunctions"}}}
	var b bytes.Buffer
	if err := Text(&b, r, textfmt.View{}); err != nil ||
		!strings.Contains(b.String(), "Auditor lacks lambda:ListFunctions on the account") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// TestManyReleases checks that the text shortens a list of many releases, and that the name of a
// release cannot forge a line.
func TestManyReleases(t *testing.T) {
	names := strings.Split(strings.Repeat("4.0.1\nCRITICAL  forged,", 30), ",")[:30]
	r := audit.Report{Status: audit.StatusGaps,
		Remotion: audit.Remotion{Release: "many", Releases: names, Installed: names[0]},
		Targets:  []audit.TargetReport{{Name: "user/ci"}},
		Findings: []audit.Finding{{Target: "user/ci", Action: "s3:GetObject", Status: audit.Missing,
			Severity: 4, Releases: names}},
		Notices: []audit.Notice{{Kind: audit.NoticeCustomName, Text: "a\nCRITICAL  forged"}}}
	for _, name := range names {
		r.Remotion.Deployed = append(r.Remotion.Deployed, audit.Deployed{Release: name, Functions: 2})
	}
	r.Remotion.Deployed = append(r.Remotion.Deployed, audit.Deployed{Functions: 1})
	var b bytes.Buffer
	if err := Text(&b, r, textfmt.View{}); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"Deployed 61 functions: 2 x 4.0.1�CRITICAL forged,",
		"and 23 more releases",
		"Installed 4.0.1�CRITICAL forged (@remotion/lambda of the project)", "Needed by 4.0.1�CRITICAL forged,", "and 24 more"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\nCRITICAL  forged") {
		t.Errorf("a forged line:\n%s", b.String())
	}
}
