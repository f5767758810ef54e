package organizations

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// maxResults is the maximum number of items in a page.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html
const maxResults = 20

// pageOf returns the items of the page that a call selects, and the token of the next page.
func pageOf[T any](c call, items []T) (shown []T, next string, err error) {
	size := min(c.PageSize, maxResults)
	if value, given := c.Input["MaxResults"]; given {
		n, ok := wire.Number(value)
		if !ok || n < 1 || n > maxResults {
			return nil, "", invalid("MAX_VALUE_EXCEEDED",
				"You provided a value for MaxResults that is not from 1 to %d.", maxResults)
		}
		size = min(size, int(n))
	}
	w, err := wire.WindowAt(c.text("NextToken"), c.Operation, size,
		invalid("INVALID_NEXT_TOKEN", "You provided an invalid NextToken value."))
	if err != nil {
		return nil, "", err
	}
	shown, page := wire.PageOf(items, w, c.Operation)
	return shown, page.Marker, nil
}

// listRoots returns the root of the organization. Every organization has one.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListRoots.html
func listRoots(c call) (any, error) {
	type rootJSON struct {
		ID          string `json:"Id"`
		ARN         string `json:"Arn"`
		Name        string
		PolicyTypes []policyTypeJSON
	}
	return struct{ Roots []rootJSON }{[]rootJSON{{Root, c.nodeARN(Root), "Root",
		c.policyTypes()}}}, nil
}

// childARN returns the ARN of the unit or account that a call names.
func childARN(c call) string { return c.nodeARN(c.text("ChildId")) }

// childID matches the ids of units and accounts.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListParents.html
var childID = regexp.MustCompile(`^(\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$`)

// listParents returns the root or the unit that contains a unit or the account. Each has one.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListParents.html
func listParents(c call) (any, error) {
	id := c.text("ChildId")
	if !childID.MatchString(id) {
		return nil, invalid("INVALID_PATTERN",
			"You provided a value that does not match the required pattern.")
	}
	at := slices.IndexFunc(c.levels, func(l *level) bool { return l.target == id })
	if at < 0 && id == c.account.ID { // the account has no policies of its own
		at = len(c.levels)
	}
	if at < 1 {
		return nil, refuse("ChildNotFoundException",
			"You specified a child that doesn't exist.")
	}
	type parentJSON struct {
		ID   string `json:"Id"`
		Type string
	}
	parent := parentJSON{c.levels[at-1].target, "ORGANIZATIONAL_UNIT"}
	if strings.HasPrefix(parent.ID, "r-") {
		parent.Type = "ROOT"
	}
	return struct{ Parents []parentJSON }{[]parentJSON{parent}}, nil
}
