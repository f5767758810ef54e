package output

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// forLogs returns a writer of documents as text that is safe in the log of a CI job.
func forLogs[D any](write Writer[D]) Writer[D] {
	return func(w io.Writer, document D, v textfmt.View) error {
		var b bytes.Buffer
		if err := write(&b, document, v); err != nil {
			return err
		}
		_, err := io.WriteString(w, withoutCommands(b.String()))
		return err
	}
}

// LogWriter returns a writer that makes messages safe in the log of a CI job and passes them to w.
// Each call of Write gets whole lines.
func LogWriter(w io.Writer) io.Writer { return logWriter{w} }

type logWriter struct{ to io.Writer }

func (w logWriter) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.to, withoutCommands(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// withoutCommands returns a text without workflow commands. GitHub Actions executes a line that
// begins with ::, after blanks, and ##[ anywhere in a line. A name from AWS or of a file can be
// such a text, and wrapping can move it to the begin of a line.
func withoutCommands(s string) string {
	if !strings.Contains(s, "::") && !strings.Contains(s, "##[") {
		return s
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		text := strings.TrimLeftFunc(line, unicode.IsSpace)
		if strings.HasPrefix(text, "::") {
			out.WriteString(line[:len(line)-len(text)] + ": ")
			text = text[1:]
		} else {
			out.WriteString(line[:len(line)-len(text)])
		}
		out.WriteString(strings.ReplaceAll(text, "##[", "## ["))
	}
	return out.String()
}
