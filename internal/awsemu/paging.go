package awsemu

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// maxItems is the most a caller may ask for on one page.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html
const maxItems = 1000

// maxMarker is how long a marker may be.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
const maxMarker = 320

// A page is where a list goes on: the two elements every list of IAM carries.
type page struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// A window is the part of a list that one reply shows.
type window struct{ from, size int }

// window reads MaxItems and Marker. As the API allows, a page may hold fewer items than MaxItems:
// never more than size. A marker is opaque, good for the operation that gave it, and made of the
// characters a client has to encode, because IAM's are.
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

// windowAt reads a marker.
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

// cut returns the items of one page, and where the next begins.
func cut[T any](items []T, w window, operation string) ([]T, page) {
	from := min(w.from, len(items))
	to := min(from+w.size, len(items))
	if to == len(items) {
		return items[from:], page{}
	}
	return items[from:to], page{IsTruncated: true, Marker: marker(operation, to)}
}

// paged cuts a list by the parameters of the call.
func paged[T any](c *call, items []T) ([]T, page, error) {
	w, err := c.window(c.operation, c.pageSize(), validationError("Invalid Marker."))
	if err != nil {
		return nil, page{}, err
	}
	shown, p := cut(items, w, c.operation)
	return shown, p, nil
}
