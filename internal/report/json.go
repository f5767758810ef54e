package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// JSON writes the report as JSON, in the form of docs/report.schema.json. It encodes one finding
// after the other: a large report consists of findings, and the encoder holds several copies of
// what it encodes.
func JSON(w io.Writer, r audit.Report) error {
	findings := r.Findings
	if len(findings) > 0 {
		r.Findings = []audit.Finding{}
	}
	var b bytes.Buffer
	if err := textfmt.WriteJSON(&b, r); err != nil {
		return err
	}
	// A text contains no line break, so this is the member of the report.
	before, after, found := bytes.Cut(b.Bytes(), []byte("\n  \"findings\": []"))
	if !found || len(findings) == 0 {
		_, err := w.Write(b.Bytes())
		return err
	}
	out := bufio.NewWriter(w) // Flush returns the first error
	_, _ = out.Write(before)
	_, _ = out.WriteString("\n  \"findings\": [")
	var one bytes.Buffer
	encoder := json.NewEncoder(&one)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("    ", "  ")
	for i, f := range findings {
		one.Reset()
		if err := encoder.Encode(f); err != nil {
			return err
		}
		if i > 0 {
			_ = out.WriteByte(',')
		}
		_, _ = out.WriteString("\n    ")
		_, _ = out.Write(bytes.TrimSuffix(one.Bytes(), []byte("\n")))
	}
	_, _ = out.WriteString("\n  ]")
	_, _ = out.Write(after)
	return out.Flush()
}
