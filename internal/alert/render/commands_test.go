package render

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// TestMuteFor24h checks that the words of the command are quoted for a shell.
func TestMuteFor24h(t *testing.T) {
	got := muteFor24h("audit-evidence", mute.Mute{Target: "role/it's $(id)",
		Action: "s3:PutBucketPolicy",
		Cause:  audit.SCP})
	want := `remotion-audit mute --evidence-bucket audit-evidence --target ` +
		`'role/it'\''s $(id)' --action s3:PutBucketPolicy --cause scp --for 24h --owner "$USER" ` +
		`--reason 'under investigation'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
