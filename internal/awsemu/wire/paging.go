package wire

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// MaxItems is the largest value of the parameter MaxItems.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
const MaxItems = 1000

// maxMarker is the maximum length of a marker.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
const maxMarker = 320

// A Page contains the two elements that every list of IAM has in addition to its items.
type Page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// A Window is the part of a list in one reply: at most Size items, from the index From.
type Window struct{ From, Size int }

// FormWindow returns the window that the parameters MaxItems and Marker select. It has at most size
// items: the API allows a page to have fewer items than MaxItems. A marker is opaque and valid only
// for the operation that returned it. As in IAM, a marker can contain characters that a client has
// to encode. FormWindow returns badMarker for an invalid marker.
func FormWindow(f *Form, operation string, size int, badMarker *Error) (Window, error) {
	if text := f.Get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return Window{}, Refuse(400, "MalformedInput", "MaxItems %q is not a number", text)
		case n < 1:
			return Window{}, Constraint("maxItems", "Member must have value greater than or equal to 1")
		case n > MaxItems:
			return Window{}, Constraint("maxItems", "Member must have value less than or equal to 1000")
		}
		size = min(size, n)
	}
	return WindowAt(f.Get("Marker"), operation, size, badMarker)
}

// WindowAt returns the window of size items that begins at a marker.
func WindowAt(marker, operation string, size int, badMarker *Error) (Window, error) {
	w := Window{Size: size}
	switch {
	case marker == "":
		return w, nil
	case len(marker) > maxMarker:
		return w, Constraint("marker", "Member must have length less than or equal to %d", maxMarker)
	}
	text, err := base64.StdEncoding.DecodeString(marker)
	if err != nil {
		return w, badMarker
	}
	rest, found := strings.CutPrefix(string(text), operation+"?from=")
	n, err := strconv.Atoi(rest)
	if !found || err != nil || n < 0 {
		return w, badMarker
	}
	w.From = n
	return w, nil
}

// Marker returns the marker of the page of an operation that begins at the index from.
func Marker(operation string, from int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s?from=%d", operation, from))
}

// PageOf returns the items of one page, and the marker of the next page.
func PageOf[T any](items []T, w Window, operation string) ([]T, Page) {
	from := min(w.From, len(items))
	to := min(from+w.Size, len(items))
	if to == len(items) {
		return items[from:], Page{}
	}
	return items[from:to], Page{IsTruncated: true, Marker: Marker(operation, to)}
}
