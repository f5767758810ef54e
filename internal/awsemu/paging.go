package awsemu

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// maxItems is the largest value of MaxItems.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
const maxItems = 1000

// maxMarker is the maximum length of a marker.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
const maxMarker = 320

// A page contains the two elements that every list of IAM has in addition to its items.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// A window is the part of a list in one reply: at most size items, from the index from.
type window struct{ from, size int }

// window returns the window that MaxItems and Marker select. It has at most size items: the API
// allows a page to have fewer items than MaxItems. A marker is opaque and valid only for the
// operation that returned it. As in IAM, a marker can contain characters that a client has to
// encode. window returns badMarker for an invalid marker.
func (c *call) window(operation string, size int, badMarker *apiError) (window, error) {
	w := window{size: size}
	if text := c.form.get("MaxItems"); text != "" {
		n, err := strconv.Atoi(text)
		switch {
		case err != nil:
			return w, refuse(400, "MalformedInput", "MaxItems %q is not a number", text)
		case n < 1:
			return w, constraint("maxItems", "Member must have value greater than or equal to 1")
		case n > maxItems:
			return w, constraint("maxItems", "Member must have value less than or equal to 1000")
		}
		w.size = min(w.size, n)
	}
	return c.windowAt(c.form.get("Marker"), operation, w.size, badMarker)
}

// windowAt returns the window of size items that begins at a marker.
func (c *call) windowAt(marker, operation string, size int, badMarker *apiError) (window, error) {
	w := window{size: size}
	switch {
	case marker == "":
		return w, nil
	case len(marker) > maxMarker:
		return w, constraint("marker", "Member must have length less than or equal to %d", maxMarker)
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
	w.from = n
	return w, nil
}

func marker(operation string, from int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s?from=%d", operation, from))
}

// pageOf returns the items of one page, and the marker of the next page.
func pageOf[T any](items []T, w window, operation string) ([]T, page) {
	from := min(w.from, len(items))
	to := min(from+w.size, len(items))
	if to == len(items) {
		return items[from:], page{}
	}
	return items[from:to], page{IsTruncated: true, Marker: marker(operation, to)}
}

// pageOfCall returns the page of a list that the parameters of the call select.
func pageOfCall[T any](c *call, items []T) ([]T, page, error) {
	w, err := c.window(c.operation, c.pageSize(), validationError("Invalid Marker."))
	if err != nil {
		return nil, page{}, err
	}
	shown, p := pageOf(items, w, c.operation)
	return shown, p, nil
}
