// Package page writes a report as one HTML file that loads nothing: a verdict, a card for each root
// cause with its fix, a matrix of permissions by principals, and what the audit did not check. It
// does not call AWS.
//
// Text from AWS is untrusted. Each text is cleaned with internal/textfmt when it enters the view,
// and html/template escapes it where it leaves. A content security policy allows only the style and
// the script of this package, so that a mistake in either step runs nothing.
package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the template, the style and the script
	"encoding/base64"
	"html/template"
	"io"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/timeline"
)

// A Document is what a page shows.
type Document struct {
	Report audit.Report
	// Open are gaps with the times when they opened. Gaps that the report does not have are ignored.
	Open []alert.Gap
	// Timeline is the history of the gaps; nil without one.
	Timeline *timeline.Timeline
	// Notes are sentences about the evidence that the page is made from, such as what could not be
	// read. They come right after the verdict.
	Notes []string
}

// The limits of a page. They keep a page small enough for a mail: each finding adds at most 2 KB.
const (
	// MaxFindings is the number of findings up to which a page has the fixes as tabs and the raw JSON.
	MaxFindings = 1000
	// rawBase and rawPerFinding bound the raw JSON in bytes, fixBase and fixPerFinding the tabs.
	rawBase, rawPerFinding = 32 << 10, 1000
	fixBase, fixPerFinding = 32 << 10, 300
)

var (
	//go:embed assets/page.gohtml
	pageTemplate string
	//go:embed assets/style.css
	style string
	//go:embed assets/script.js
	script string

	pages = template.Must(template.New("page").Parse(pageTemplate))
)

// frame holds the parts of a page that do not depend on the report.
var frame = struct {
	Policy        string
	Style, Script template.HTML
}{
	Policy: "default-src 'none'; style-src '" + hash(style) + "'; script-src '" + hash(script) +
		"'; img-src data:; base-uri 'none'; form-action 'none'",
	Style:  template.HTML("<style>" + style + "</style>"),    // #nosec: a constant of this package
	Script: template.HTML("<script>" + script + "</script>"), // #nosec: a constant of this package
}

// hash returns the source expression of a content security policy for an inline element.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// limits are the bytes of a page that depend on the length of the texts in a report.
type limits struct{ raw, fixes int }

// limitsOf returns the limits for the page of a report.
func limitsOf(r audit.Report) limits {
	n := len(r.Findings)
	if n > MaxFindings {
		return limits{}
	}
	return limits{raw: rawBase + rawPerFinding*n, fixes: fixBase + fixPerFinding*n}
}

// Write writes the page.
func Write(w io.Writer, d Document) error { return write(w, d, limitsOf(d.Report)) }

func write(w io.Writer, d Document, most limits) error {
	view, err := newView(d, most)
	if err != nil {
		return err
	}
	return execute(w, view)
}

func execute(w io.Writer, view *view) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := pages.Execute(out, view); err != nil {
		return err
	}
	return out.Flush()
}
