package app

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

type valuer string

func (h valuer) LogValue() slog.Value { return slog.StringValue(string(h)) }

// TestTheLogHasNoHiddenCharacters checks that text in each kind of attribute loses the characters
// that mails do not have either, and that other values do not change.
func TestTheLogHasNoHiddenCharacters(t *testing.T) {
	for name, bad := range map[string]string{"a C1 control": "\u009b", "DEL": "\x7f", "escape": "\x1b",
		"a right-to-left override": "\u202e", "an isolate": "\u2066", "a space without width": "\u200b",
		"a joiner": "\u2060", "a byte-order mark": "\ufeff"} {
		var out bytes.Buffer
		text := "a" + bad + "b"
		log := NewLogger(slog.NewJSONHandler(&out, nil)).With("with", text, slog.Group("g", "in", text))
		log.WithGroup(text).With("message", text).Error("constant", "string", text, "error",
			errors.New(text), "list", []string{text}, "named", audit.Cause(text), "valuer", valuer(text),
			text, 1,
			slog.Group("outer", slog.Group("inner", "deep", text)))
		if got := out.String(); strings.Contains(got, bad) || strings.Count(got, "a\ufffdb") != 11 {
			t.Errorf("%s: the log has %d replacements, want 11: %q", name,
				strings.Count(got, "a\ufffdb"), got)
		}
	}
	var plain, clean bytes.Buffer
	for _, log := range []*slog.Logger{slog.New(slog.NewJSONHandler(&plain, withoutTime)),
		NewLogger(slog.NewJSONHandler(&clean, withoutTime))} {
		log.With("a", "b").Info("text\nlines", "n", 1, "list", []string{"ä 日", "b"}, "nil", nil,
			"error", errors.New("first\nsecond"), "cause", audit.SCP, "ok", true, "map", map[string]int{"a": 1})
		log.Debug("not enabled")
	}
	if plain.String() != clean.String() {
		t.Errorf("got %s, want %s", clean.String(), plain.String())
	}
}

var withoutTime = &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}}
