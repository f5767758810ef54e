// Package output writes the documents of the command in the formats of the flag --format: the
// report of `audit`, the verdicts and the replacement of `check`, the derivation of `explain`, and
// the comparison of `policies diff`.
//
// To add a format, add a file with its functions and a row to the registry formats. A format for
// other programs writes a listing.
package output

import (
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/explain"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// formats is the registry of all formats, in the order of the help. The first format is the
// default. A function is nil if the format does not have the document.
var formats = []row{
	{"text", forLogs(auditText), forLogs(checkText), forLogs(diffText), forLogs(explainText),
		forLogs(report.ReplacementText)},
	{"json", auditJSON, checkJSON, diffJSON, explainJSON, replacementJSON},
	listed("markdown", writeMarkdown),
	{"html", auditHTML, checkHTML, diffHTML, nil, nil},
	listed("junit", writeJUnit),
	listed("sarif", writeSARIF),
	listed("github", writeGitHub),
	listed("csv", writeCSV),
}

// listed returns the row of a format that writes listings. It has every document that is a list of
// judgements.
func listed(name string, write func(io.Writer, listing) error) row {
	return row{name: name, audit: as(auditListing, write), check: as(checkListing, write),
		diff: as(diffListing, write), replacement: as(replacementListing, write)}
}

// as returns a writer that writes a document as a listing.
func as[D any](list func(D) listing, write func(io.Writer, listing) error) Writer[D] {
	return func(w io.Writer, document D, _ textfmt.View) error { return write(w, list(document)) }
}

type row struct {
	name        string
	audit       Writer[Audit]
	check       Writer[check.Results]
	diff        Writer[policies.Comparison]
	explain     Writer[explain.Explanations]
	replacement Writer[check.Replacement]
}

// Writer writes a document in one format. The view matters to text only.
type Writer[D any] func(io.Writer, D, textfmt.View) error

// Formats are the formats of one document. The first is the default.
type Formats[D any] []Format[D]

// Format is a format of one document.
type Format[D any] struct {
	Name  string
	Write Writer[D]
}

// AuditFormats returns the formats of the report.
func AuditFormats() Formats[Audit] { return having(func(r row) Writer[Audit] { return r.audit }) }

// CheckFormats returns the formats of the verdicts.
func CheckFormats() Formats[check.Results] {
	return having(func(r row) Writer[check.Results] { return r.check })
}

// ReplacementFormats returns the formats of a replacement.
func ReplacementFormats() Formats[check.Replacement] {
	return having(func(r row) Writer[check.Replacement] { return r.replacement })
}

// DiffFormats returns the formats of the comparison.
func DiffFormats() Formats[policies.Comparison] {
	return having(func(r row) Writer[policies.Comparison] { return r.diff })
}

// ExplainFormats returns the formats of the derivation of a request.
func ExplainFormats() Formats[explain.Explanations] {
	return having(func(r row) Writer[explain.Explanations] { return r.explain })
}

// having returns the formats that have a document.
func having[D any](writer func(row) Writer[D]) (list Formats[D]) {
	for _, r := range formats {
		if write := writer(r); write != nil {
			list = append(list, Format[D]{r.name, write})
		}
	}
	return list
}

// Names lists the names of the formats.
func (f Formats[D]) Names() (names []string) {
	for _, format := range f {
		names = append(names, format.Name)
	}
	return names
}

// Find returns the format with a name. The error lists the names that exist.
func (f Formats[D]) Find(name string) (Format[D], error) {
	for _, format := range f {
		if format.Name == name {
			return format, nil
		}
	}
	err := fmt.Errorf("must be %s, got %q", textfmt.Or(f.Names()), name)
	if other := f.Nearest(name); other != "" {
		err = fmt.Errorf("%w: did you mean %s?", err, other)
	}
	return Format[D]{}, err
}

// otherNames are names that other tools give to a format.
var otherNames = map[string]string{"md": "markdown", "gfm": "markdown", "yaml": "json",
	"yml": "json", "xml": "junit", "xunit": "junit", "junitxml": "junit", "htm": "html", "txt": "text",
	"table": "text", "wide": "text", "plain": "text", "human": "text", "console": "text",
	"gha": "github", "actions": "github", "tsv": "csv", "xlsx": "csv", "excel": "csv"}

// Nearest returns the name of the format that a user probably means; empty for none.
func (f Formats[D]) Nearest(name string) string {
	lower := strings.ToLower(strings.TrimSpace(name))
	if other := otherNames[lower]; other != "" {
		lower = other
	}
	best, least := "", 3
	for _, known := range f.Names() {
		if known == lower {
			return known
		}
		if d := textfmt.EditDistance(lower, known); d < least && d < len(known)-1 {
			best, least = known, d
		}
	}
	return best
}

// IsName reports whether a word is the name of a format, here or in another tool.
func IsName(word string) bool {
	lower := strings.ToLower(word)
	for _, r := range formats {
		if r.name == lower {
			return true
		}
	}
	return otherNames[lower] != ""
}
