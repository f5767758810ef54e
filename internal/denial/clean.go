package denial

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

// MaxText is the number of bytes that Read reads of a longer text.
const MaxText = 256 << 10

// cutNote says that Read did not read the whole text.
const cutNote = "the text is too long: its middle was not read, only the first 64 KiB and the " +
	"last 192 KiB"

// A page is an error text in two forms.
type page struct {
	// clean is the text without escapes, colours and decorations. It has single blanks and line
	// breaks.
	clean string
	// dense is clean in lower case without white space, so that a line break inside a phrase does not
	// hide the phrase. at has the index in clean of each byte of dense.
	dense string
	at    []int32
}

func newPage(text string) page {
	p := page{clean: cleaned(text)}
	dense := make([]byte, 0, len(p.clean))
	p.at = make([]int32, 0, len(p.clean)+1)
	for i := range len(p.clean) {
		c := p.clean[i]
		if c == ' ' || c == '\n' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dense, p.at = append(dense, c), append(p.at, int32(i))
	}
	p.dense, p.at = string(dense), append(p.at, int32(len(p.clean)))
	return p
}

// text returns the part of clean that belongs to a part of dense.
func (p page) text(from, to int) string {
	if from >= to {
		return ""
	}
	return p.clean[p.at[from] : p.at[to-1]+1]
}

// after returns the part of clean that starts at an index of dense.
func (p page) after(from int) string { return p.clean[p.at[min(from, len(p.dense))]:] }

// limit returns a text without its middle if it is longer than MaxText, and whether it was. A long
// log has the error at its end.
func limit(text string) (string, bool) {
	if len(text) <= MaxText {
		return text, false
	}
	head := MaxText / 4
	tail := len(text) - (MaxText - head)
	return strings.ToValidUTF8(text[:head], "") + "…\n" + strings.ToValidUTF8(text[tail:], ""), true
}

// cleaned removes what loggers, terminals and quotations add to a text.
func cleaned(text string) string {
	text = fromUTF16(text)
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = withoutEscapeSequences(text)
	// A JSON logger can log JSON that contains JSON.
	for range 4 {
		shorter := unescaped(text)
		if len(shorter) == len(text) {
			break
		}
		text = shorter
	}
	if strings.Contains(text, "&") {
		text = html.UnescapeString(text)
	}
	return spaced(text)
}

// fromUTF16 decodes a text with a byte order mark: PowerShell writes UTF-16 into files.
func fromUTF16(text string) string {
	if len(text) < 4 || text[:2] != "\xFF\xFE" && text[:2] != "\xFE\xFF" {
		return text
	}
	low := 0
	if text[0] == 0xFE {
		low = 1
	}
	units := make([]uint16, 0, len(text)/2)
	for i := 2; i+1 < len(text); i += 2 {
		units = append(units, uint16(text[i+low])|uint16(text[i+1-low])<<8)
	}
	return string(utf16.Decode(units))
}

// withoutEscapeSequences removes the sequences that colour text in a terminal, in both spellings of
// the escape character.
func withoutEscapeSequences(text string) string {
	for _, spelling := range []string{`\u001b`, `\u001B`, `\x1b`, `\x1B`, `\033`, `\e[`} {
		to := "\x1b"
		if spelling == `\e[` {
			to = "\x1b["
		}
		text = strings.ReplaceAll(text, spelling, to)
	}
	if !strings.ContainsAny(text, "\x1b\u009b") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch {
		case strings.HasPrefix(text[i:], "\x1b["):
			i = endOfControl(text, i+2)
		case strings.HasPrefix(text[i:], "\u009b"):
			i = endOfControl(text, i+len("\u009b"))
		case strings.HasPrefix(text[i:], "\x1b]"):
			i = endOfCommand(text, i+2)
		case text[i] == '\x1b':
			i++
		default:
			b.WriteByte(text[i])
			i++
		}
	}
	return b.String()
}

// endOfControl returns the index after a control sequence: parameters, then one final byte.
func endOfControl(text string, i int) int {
	for ; i < len(text) && ' ' <= text[i] && text[i] <= '?'; i++ {
	}
	if i < len(text) && '@' <= text[i] && text[i] <= '~' {
		i++
	}
	return i
}

// maxCommand is the longest operating system command that endOfCommand skips. Without the limit, an
// unterminated command would hide the text behind it.
const maxCommand = 4096

// endOfCommand returns the index after an operating system command, such as a hyperlink.
func endOfCommand(text string, i int) int {
	part := text[i:min(len(text), i+maxCommand)]
	if end := strings.IndexAny(part, "\a\x1b\n"); end >= 0 && part[end] != '\n' {
		return i + end + 1
	}
	return i
}

// unescaped replaces the escapes of JSON strings.
func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case '"', '\'', '\\', '/', '`':
			b.WriteByte(c)
		case 'n':
			b.WriteByte('\n')
		case 'r', 't':
			b.WriteByte(' ')
		case 'u':
			if i+5 <= len(text) {
				if r, err := strconv.ParseUint(text[i+1:i+5], 16, 16); err == nil {
					b.WriteRune(rune(r)) // U+FFFD for half of a surrogate pair
					i += 4
					continue
				}
			}
			b.WriteString(`\u`)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

// spaced makes each run of white space one blank or, if it contains a line break, one line break.
// It removes characters that are not printable, and the marks at the start of quoted lines.
func spaced(text string) string {
	var b strings.Builder
	gap, start := byte(0), true // start is true at the start of a line
	for _, r := range text {
		switch {
		case r == '\n' || r == '\v' || r == '\f' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			gap, start = '\n', true
			continue
		case unicode.IsSpace(r):
			if gap == 0 {
				gap = ' '
			}
			continue
		case start && strings.ContainsRune("│┃╷╵|>", r):
			continue
		case !unicode.IsPrint(r):
			continue // a character without width can stand inside a word
		}
		if gap != 0 && b.Len() > 0 {
			b.WriteByte(gap)
		}
		gap, start = 0, false
		b.WriteRune(r)
	}
	return b.String()
}
