package roundtrips

import (
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

func TestCount(t *testing.T) {
	noon := time.Date(2026, 11, 14, 12, 0, 0, 0, time.UTC)
	at := func(start, end int) awsemu.Call {
		return awsemu.Call{Started: noon.Add(time.Duration(start) * time.Millisecond),
			Ended: noon.Add(time.Duration(end) * time.Millisecond)}
	}
	tests := []struct {
		name  string
		calls []awsemu.Call
		want  int
	}{
		{"no calls", nil, 0},
		{"one call", []awsemu.Call{at(0, 10)}, 1},
		{"all at once", []awsemu.Call{at(0, 10), at(1, 11), at(2, 12)}, 1},
		{"one after the other", []awsemu.Call{at(0, 10), at(11, 20), at(21, 30)}, 3},
		{"two at once, then two", []awsemu.Call{at(0, 10), at(0, 12), at(13, 20), at(14, 25)}, 2},
		{"a long call in parallel to three short ones",
			[]awsemu.Call{at(0, 50), at(0, 10), at(11, 20), at(21, 30)}, 3},
	}
	for _, tt := range tests {
		if got := Count(tt.calls); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
