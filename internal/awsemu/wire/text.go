package wire

import (
	"net/url"
	"strings"
)

// Encode returns the text in the percent-encoding of RFC 3986, which IAM uses for documents and S3
// for keys. Letters, digits and "-._~" do not change. A space becomes %20, not the "+" of a form.
func Encode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}

// IsPlainASCII reports whether s consists of printable ASCII characters and spaces.
func IsPlainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
