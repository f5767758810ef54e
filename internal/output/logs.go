package output

import (
	"bytes"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// forLogs returns a writer of text that is safe in the log of a CI job. GitHub Actions executes a
// line that begins with ::, after blanks, and ##[ anywhere in a line. A name from AWS or of a file
// can be such a text, and wrapping can move it to the begin of a line.
func forLogs[D any](write Writer[D]) Writer[D] {
	return func(w io.Writer, document D, v textfmt.View) error {
		var b bytes.Buffer
		if err := write(&b, document, v); err != nil {
			return err
		}
		if !bytes.Contains(b.Bytes(), []byte("::")) && !bytes.Contains(b.Bytes(), []byte("##[")) {
			_, err := b.WriteTo(w)
			return err
		}
		var out strings.Builder
		for line := range strings.Lines(b.String()) {
			text := strings.TrimLeft(line, " ")
			if strings.HasPrefix(text, "::") {
				out.WriteString(line[:len(line)-len(text)] + ": ")
				text = text[1:]
			} else {
				out.WriteString(line[:len(line)-len(text)])
			}
			out.WriteString(strings.ReplaceAll(text, "##[", "## ["))
		}
		_, err := io.WriteString(w, out.String())
		return err
	}
}
