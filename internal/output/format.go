// Package output writes the documents of the command in the formats of the flag --format: the
// report of `audit`, the verdicts and the replacement of `check`, the derivation of `explain`, and
// the comparison of `policies diff`.
//
// To add a format, add a file with its functions and a row to the registry formats.
package output

import (
	"fmt"
	"io"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/explain"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// formats is the registry of all formats, in the order of the help. The first format is the
// default. A function is nil if the format does not have the document.
var formats = []row{
	{"text", auditText, report.CheckText, diffText, explainText, report.ReplacementText},
	{"json", auditJSON, checkJSON, diffJSON, explainJSON, replacementJSON},
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
	return Format[D]{}, fmt.Errorf("must be %s, got %q", textfmt.Or(f.Names()), name)
}
