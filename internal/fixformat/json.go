package fixformat

import (
	"bytes"
	"io"

	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// SchemaVersion is the version of the JSON form: docs/fix.schema.json.
const SchemaVersion = "1"

// jsonForm is the JSON form of a fix.
type jsonForm struct {
	SchemaVersion string `json:"schemaVersion"`
	Account       string `json:"account"`
	Principal     string `json:"principal,omitempty"`
	// Edits are those of the chosen variant. They repeat a part of Fix, so that a program needs no
	// rule about guards.
	Variant Variant       `json:"variant,omitempty"`
	Edits   []remedy.Edit `json:"edits"`
	Fix     remedy.Fix    `json:"fix"`
}

// writeJSON writes the fix with whole documents. A fix without edits is no error, because the
// document says why.
func writeJSON(w io.Writer, h Handover, v Variant) error {
	edits, err := h.Edits(v)
	if err != nil && v != Default {
		return err
	}
	if edits == nil {
		edits = []remedy.Edit{}
	}
	var b bytes.Buffer
	if err := textfmt.WriteJSON(&b, jsonForm{SchemaVersion, h.Account, h.ARN, v, edits,
		h.Fix}); err != nil {
		return err
	}
	_, err = io.WriteString(w, escapeUnprintable(b.String(), jsonEscape))
	return err
}
