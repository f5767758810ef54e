package arn

import "strings"

// Fields are the six fields of an ARN, or of a pattern for ARNs. The first field is "arn", or a
// pattern that matches it.
type Fields [6]string

// The indexes of the fields after the first.
const (
	Partition = iota + 1
	Service
	Region
	Account
	// Resource is the only field in which colons are ordinary text.
	Resource
)

// Split splits a text at its first five colons, and returns the number of fields that the text has.
// Missing fields are empty. Split does not allocate.
func Split(text string) (f Fields, n int) {
	for n < Resource {
		i := strings.IndexByte(text, ':')
		if i < 0 {
			break
		}
		f[n], text = text[:i], text[i+1:]
		n++
	}
	f[n] = text
	return f, n + 1
}

// String joins the fields with colons.
func (f Fields) String() string { return strings.Join(f[:], ":") }
