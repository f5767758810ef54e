package iampolicy

import "testing"

func TestSize(t *testing.T) {
	for text, want := range map[string]int{"": 0, " \t\r\n": 0, `{"a": "é"}`: 9} {
		if got := Size(text); got != want {
			t.Errorf("Size(%q): %d, want %d", text, got, want)
		}
	}
}
