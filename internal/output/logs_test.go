package output

import (
	"io"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestForLogs checks that no line of a text is a workflow command.
func TestForLogs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\n":                       "a\n",
		"arn:aws:s3:::b\n  a::b\n":  "arn:aws:s3:::b\n  a::b\n",
		"::error::x\n":              ": :error::x\n",
		"a\n    ::set-output::x":    "a\n    : :set-output::x",
		":::\n":                     ": ::\n",
		"\u3000\t::add-mask::a":     "\u3000\t: :add-mask::a",
		"x ##[error]y\n##[group]\n": "x ## [error]y\n## [group]\n",
	} {
		var b strings.Builder
		write := forLogs(func(w io.Writer, text string, _ textfmt.View) error {
			_, err := io.WriteString(w, text)
			return err
		})
		if err := write(&b, text, textfmt.View{}); err != nil || b.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, b.String(), err, want)
		}
		b.Reset()
		if n, err := io.WriteString(LogWriter(&b), text); n != len(text) || err != nil ||
			b.String() != want {
			t.Errorf("%q: wrote %d bytes, %q, %v, want %q", text, n, b.String(), err, want)
		}
	}
}
