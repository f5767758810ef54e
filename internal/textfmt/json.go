package textfmt

import (
	"bytes"
	"encoding/json"
	"io"
)

// WriteJSON writes v as indented JSON that ends in a line break. The characters <, > and & stay as
// they are.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// AppendJSON appends v as JSON on one line, without a line break at the end. The characters <, >
// and & stay as they are. After an error, the buffer is unchanged.
func AppendJSON(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - len("\n"))
	return nil
}

// JSON returns v as [AppendJSON] writes it. v must be of a type that always encodes: a string, a
// number, or a struct, list or map of such values.
func JSON(v any) string {
	var b bytes.Buffer
	_ = AppendJSON(&b, v)
	return b.String()
}
