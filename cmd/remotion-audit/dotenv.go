package main

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parseDotenv returns the variables in the text of a .env file, as the npm package dotenv reads
// them for Remotion's CLI. No text is an error: a line that assigns no variable is ignored. Of two
// assignments to one variable, the later one counts.
//
// There is no library with this dialect. Those that exist expand $NAME, keep a # without a blank
// before it, or refuse the whole file for one line, so that they find other credentials than
// Remotion. A test compares this parser with dotenv.
func parseDotenv(text string) map[string]string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	variables := map[string]string{}
	for line := 0; line < len(text); {
		name, at := assignedName(text, line)
		if name == "" {
			line = nextLine(text, skipSpace(text, line))
			continue
		}
		value, end := rawValue(text, at)
		variables[name] = unquote(value)
		if line = end; line > 0 && text[line-1] != '\n' {
			line = nextLine(text, line)
		}
	}
	return variables
}

// nextLine returns the start of the line after the one that contains a position.
func nextLine(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// assignedName reads the start of an assignment: NAME=, NAME: or one of them after export. It
// returns the name, and the position after the = or the blank after the colon. The name is empty if
// no assignment starts at the position. White space, also line breaks, may precede each part.
func assignedName(text string, at int) (name string, after int) {
	at = skipSpace(text, at)
	if rest, ok := strings.CutPrefix(text[at:], "export"); ok {
		if start := skipSpace(rest, 0); start > 0 {
			if name, after = nameAt(text, len(text)-len(rest)+start); name != "" {
				return name, after
			}
		}
	}
	return nameAt(text, at)
}

// nameAt is assignedName without white space and export at the start.
func nameAt(text string, at int) (name string, after int) {
	end := at
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	if end == at {
		return "", 0
	}
	if equals := skipSpace(text, end); strings.HasPrefix(text[equals:], "=") {
		return text[at:end], equals + 1
	}
	if rest, ok := strings.CutPrefix(text[end:], ":"); ok {
		if blank, size := utf8.DecodeRuneInString(rest); isSpace(blank) {
			return text[at:end], end + 1 + size
		}
	}
	return "", 0
}

func isNameByte(c byte) bool {
	return c == '_' || c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' ||
		'A' <= c && c <= 'Z'
}

// rawValue returns the value that starts at a position, with its quotes, and the end of the
// assignment. A value in quotes can have several lines, if only a comment follows the last quote.
// Any other value ends at a # or at the end of the line.
func rawValue(text string, at int) (value string, end int) {
	start := skipSpace(text, at)
	if start < len(text) && strings.IndexByte(`'"`+"`", text[start]) >= 0 {
		for _, closing := range closingQuotes(text, start) {
			if end, ok := restOfLine(text, closing+1); ok {
				return text[start : closing+1], end
			}
		}
	}
	end = at
	for end < len(text) && text[end] != '#' && text[end] != '\n' {
		end++
	}
	value = text[at:end]
	end, _ = restOfLine(text, end)
	return value, end
}

// closingQuotes returns the positions of the quotes that can close the quote at start, in the order
// in which dotenv tries them: the first one that no backslash escapes, then the escaped ones before
// it, the last one first.
func closingQuotes(text string, start int) (positions []int) {
	quote := text[start]
	for i := start + 1; i < len(text); i++ {
		if text[i] == quote {
			positions = append(positions, i)
			break
		}
		if text[i] == '\\' && i+1 < len(text) && text[i+1] == quote {
			i++
			positions = append(positions, i)
		}
	}
	slices.Reverse(positions)
	return positions
}

// restOfLine returns the end of the white space and of the comment at a position. It reports false
// if something else follows on the line.
func restOfLine(text string, at int) (end int, ok bool) {
	end = skipSpace(text, at)
	switch {
	case end == len(text):
		return end, true
	case text[end] == '#':
		if i := strings.IndexByte(text[end:], '\n'); i >= 0 {
			return end + i, true
		}
		return len(text), true
	}
	last := strings.LastIndexByte(text[at:end], '\n')
	return at + last, last >= 0
}

// unquote removes white space and quotes around a value. In a value that starts with a double
// quote, it replaces \n and \r by line breaks.
func unquote(raw string) string {
	value := strings.TrimFunc(raw, isSpace)
	if value == "" {
		return ""
	}
	first := value[0]
	if len(value) > 1 && value[len(value)-1] == first && strings.IndexByte(`'"`+"`", first) >= 0 {
		value = value[1 : len(value)-1]
	}
	if first == '"' {
		value = strings.ReplaceAll(value, `\n`, "\n")
		value = strings.ReplaceAll(value, `\r`, "\r")
	}
	return value
}

func skipSpace(text string, at int) int {
	return len(text) - len(strings.TrimLeftFunc(text[at:], isSpace))
}

// isSpace reports whether JavaScript's \s matches a character.
func isSpace(r rune) bool { return unicode.IsSpace(r) && r != '\u0085' || r == '\ufeff' }
