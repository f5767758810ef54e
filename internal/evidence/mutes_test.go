package evidence

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

func TestAddMuteKeepsTheRestOfTheFile(t *testing.T) {
	now := time.Date(2026, 11, 14, 9, 0, 0, 0, time.UTC)
	m := alert.Mute{Target: "user/ci", Action: "s3:PutBucketPolicy", Cause: audit.NoGrant, Reason: `said "later": #7`, Owner: "ann", Until: now.Add(24 * time.Hour)}
	const added = `- target: "user/ci"
  action: "s3:PutBucketPolicy"
  cause: "no-grant"
  reason: "said \"later\": #7"
  owner: "ann"
  until: "2026-11-15T09:00:00Z"
`
	indented := "  " + strings.ReplaceAll(strings.TrimSuffix(added, "\n"), "\n", "\n  ") + "\n"
	const own = "# ours\nmutes:\n- sid: \"7\" # known\n  reason: r\n  owner: o\n  until: 2026-12-01\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no file yet", "", "mutes:\n" + indented},
		{"a comment alone", "# ours", "# ours\nmutes:\n" + indented},
		{"an empty list", "mutes: []\n", "mutes:\n" + indented},
		{"a list of nothing", "mutes:\n", "mutes:\n" + indented},
		{"a list at the margin", own, own + added},
		{"a list without its last line break", strings.TrimSuffix(own, "\n"), own + added},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := AddMute([]byte(tt.text), m, now)
			if err != nil || string(got) != tt.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, tt.want)
			}
		})
	}
	for name, text := range map[string]string{
		"correct them first": "mutes:\n- sid: x\n",
		"add to it":          "mutes: [{sid: x, reason: r, owner: o, until: 2026-12-01}]\n",
		"first":              "mutes: {",
	} {
		if got, err := AddMute([]byte(text), m, now); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v\n%s", text, err, got)
		}
	}
}
