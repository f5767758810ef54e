package textfmt

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine makes untrusted text safe to print on one line. It replaces line breaks and all other
// characters that are not printable by U+FFFD.
func OneLine(s string) string { return strings.Map(printable, s) }

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// Lines makes untrusted text safe to print on several lines. It replaces what OneLine replaces,
// except line breaks: control characters, also DEL and those of C1, the characters that change the
// direction of text, and characters without width.
func Lines(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return printable(r)
	}, s)
}

// OneLines returns the elements of a list after OneLine.
func OneLines(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = OneLine(s)
	}
	return out
}

// Truncate returns s with at most limit characters. A shortened text ends in "…", which is one of
// the characters.
func Truncate(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// Head returns the first most characters of s, followed by "…" if s has more. The mark does not
// count, unlike in Truncate: an error shows the start of a text, and has no limit of its own.
func Head(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}

// Quote quotes at most the first most bytes of s as a Go string, followed by "…" if s has more. It
// counts bytes because it also quotes text that is not UTF-8, and escapes a character that it cuts.
func Quote(s string, most int) string {
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

// ASCII replaces each character that is not printable ASCII by '?', and cuts the text to limit
// bytes. A cut text ends in "..." if there is space for it.
func ASCII(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r >= ' ' && r <= '~' {
			return r
		}
		return '?'
	}, s)
	switch {
	case limit <= 0:
		return ""
	case len(s) <= limit:
		return s
	case limit <= 3:
		return s[:limit]
	}
	return s[:limit-3] + "..."
}

// Capitalize returns s with its first letter in upper case. The letter must be ASCII.
func Capitalize(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Wrap breaks text at blanks into lines of at most width characters. It never breaks a word, so
// that ARNs and commands can be copied. A word longer than width gets a line of its own.
func Wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// SlashPath returns the path of a file on one line with slashes, also one that was written on
// Windows, and without ./ at its start.
func SlashPath(path string) string {
	return strings.TrimPrefix(strings.ReplaceAll(OneLine(path), `\`, "/"), "./")
}
