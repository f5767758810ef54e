package textfmt

// DefaultWidth is the number of columns of a text that is not for a terminal.
const DefaultWidth = 98

// View is how the reader wants to see a text. The zero value is a text without colours, of
// DefaultWidth columns, and without details.
type View struct {
	// Width is the number of columns; 0 means DefaultWidth. Words, ARNs and commands are not broken,
	// so a line can be longer.
	Width int
	// Paint returns a text with the escape sequences of its tone; nil means no colours.
	Paint func(Tone, string) string
	// Verbose adds what explains a judgement: evidence, assumptions, what was not checked.
	Verbose bool
	// All adds what is as it should be.
	All bool
}

// Tone is what a part of a text is, for its colour.
type Tone uint8

// The tones. The zero value has no colour.
const (
	Plain    Tone = iota
	Critical      // a critical gap
	High          // a gap of high severity
	Medium        // a gap of medium severity
	Low           // a gap of low severity
	Unknown       // what could not be checked
	Good          // what is as it should be
	Added         // a line that an edit adds
	Removed       // a line that an edit removes
	Strong        // a title
	Faint         // a label
)

// Columns returns the width of the text.
func (v View) Columns() int {
	if v.Width <= 0 {
		return DefaultWidth
	}
	return v.Width
}

// Painted returns a text in a tone. The text must not contain line breaks, and must be measured
// before: escape sequences have no width.
func (v View) Painted(t Tone, text string) string {
	if v.Paint == nil || t == Plain || text == "" {
		return text
	}
	return v.Paint(t, text)
}
