package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestCommandsRepeatTheFlagsOfTheAudit checks that the commands of a report are about the audited
// account: they repeat the flags that the commands take.
func TestCommandsRepeatTheFlagsOfTheAudit(t *testing.T) {
	r := audit.Report{Status: audit.StatusUnverified,
		Run: audit.Run{Flags: []string{"--regions", "eu-west-1", "--evidence-bucket", "evidence",
			"--scp", "a b.json"}},
		Targets: []audit.TargetReport{{Name: "user/it's"}},
		Summary: audit.Summary{Requirements: 1, Unverified: 1},
		Findings: []audit.Finding{{Target: "user/it's", Policy: policies.User, Sid: "Storage",
			Action: "s3:GetObject", Status: audit.Unverified, Why: "AWS did not simulate the request"}},
		Notices: []audit.Notice{{Kind: audit.NoticeAdministrator, Severity: policies.High,
			Target: "user/it's", Text: "may do everything",
			Command: "remotion-audit fix --tighten administrator-access --target role/r"}}}
	var b bytes.Buffer
	if err := Text(&b, r, textfmt.View{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`  Find out      remotion-audit explain s3:GetObject --target 'user/it'\''s' --regions ` +
			"eu-west-1 --scp 'a b.json'\n",
		"  Command       remotion-audit fix --tighten administrator-access --target role/r " +
			"--regions eu-west-1 --evidence-bucket evidence --scp 'a b.json'\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
