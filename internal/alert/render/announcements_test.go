package render

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
)

func TestMuteSentence(t *testing.T) {
	m := mute.Mute{Target: "user/u", Until: start.Add(6*day + 15*hour)}
	const gaps = "hides 2 gaps (highest severity: critical)"
	for _, tt := range []struct {
		kind         alert.MuteNoticeKind
		effect, want string
	}{
		{alert.MuteNew, gaps, "new mute, " + gaps},
		{alert.MuteChanged, gaps, "changed mute, " + gaps},
		{alert.MuteExpiring, gaps, "ends in 6d 15h, " + gaps},
		{alert.MuteWorse, gaps, "now " + gaps + ", more or worse gaps than announced before"},
		{alert.MuteUnused, "hides nothing", "hides nothing and can be removed"},
	} {
		got := muteSentence(alert.MuteNotice{Mute: m, Kind: tt.kind, Effect: tt.effect}, start)
		if want := "mute of target user/u: " + tt.want; got != want {
			t.Errorf("%s: got %q, want %q", tt.kind, got, want)
		}
	}
}
