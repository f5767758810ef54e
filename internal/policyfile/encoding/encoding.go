// Package encoding decodes the text of a file: UTF-8 with or without a byte order mark, and UTF-16
// with one, as PowerShell and editors of Windows write it. Lines may end with CRLF.
package encoding

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

const (
	byteOrderMark = "\ufeff"
	// archive is the begin of a ZIP archive, such as a plan file of Terraform.
	archive = "PK\x03\x04"
)

// Decode returns the text of a file without its byte order mark. The note is a sentence without a
// full stop about an encoding that AWS does not accept; empty for UTF-8 without a byte order mark.
// The error names the first line that cannot be decoded.
func Decode(file []byte) (text, note string, err error) {
	switch {
	case bytes.HasPrefix(file, []byte(archive)):
		return "", "", errors.New("the file is a ZIP archive: if it is a binary plan of Terraform, run " +
			"terraform show -json PLAN > plan.json, and give plan.json")
	case bytes.HasPrefix(file, []byte("\xff\xfe\x00\x00")):
		return "", "", errors.New("the file is UTF-32: save it as UTF-8")
	case bytes.HasPrefix(file, []byte("\xff\xfe")), bytes.HasPrefix(file, []byte("\xfe\xff")):
		text, err := decodeUTF16(file)
		return text, "the file is UTF-16, which AWS refuses: save it as UTF-8", err
	}
	text = string(file)
	if !utf8.ValidString(text) {
		line := lineOfFirst(text, func(r rune, size int) bool { return r == utf8.RuneError && size == 1 })
		return "", "", fmt.Errorf("line %d: the file is not UTF-8: save it as UTF-8", line)
	}
	if strings.Contains(text[:min(len(text), 4)], "\x00") {
		return "", "", errors.New("the file is UTF-16 without a byte order mark, or binary: save it as " +
			"UTF-8")
	}
	if text, found := strings.CutPrefix(text, byteOrderMark); found {
		return text, "the file begins with a byte order mark, which IAM refuses in a policy document: " +
			"save it as UTF-8 without one", nil
	}
	return text, "", nil
}

// decodeUTF16 decodes UTF-16 with a byte order mark.
func decodeUTF16(file []byte) (string, error) {
	decoder := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder()
	decoded, err := decoder.Bytes(file)
	if err != nil {
		return "", fmt.Errorf("the file is not UTF-16, but begins like it: save it as UTF-8: %w", err)
	}
	text := string(decoded)
	if strings.ContainsRune(text, utf8.RuneError) { // the decoder writes it for what it cannot decode
		line := lineOfFirst(text, func(r rune, _ int) bool { return r == utf8.RuneError })
		return "", fmt.Errorf("line %d: the file is not UTF-16, but begins like it: save it as UTF-8",
			line)
	}
	return text, nil
}

// lineOfFirst returns the number of the line with the first character for which is returns true.
func lineOfFirst(text string, is func(r rune, size int) bool) int {
	line := 1
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		if is(r, size) {
			break
		}
		if r == '\n' {
			line++
		}
		at += size
	}
	return line
}
