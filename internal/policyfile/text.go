package policyfile

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// documentLimits are the limits of a policy document in a string of a file. The largest document of
// IAM has 10,240 characters without white space.
var documentLimits = tree.Limits{Bytes: iampolicy.MaxText, Values: 100_000, Depth: 50}

// ParseText returns the policy document in a string of a file, as JSON or as URL-encoded JSON,
// which is how the API of IAM returns it. All of it has the place of the string. The error is a
// *tree.Error.
func ParseText(text string, at tree.Place) (tree.Value, error) {
	if strings.HasPrefix(text, "%") {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return tree.Value{}, &tree.Error{Place: at, Msg: "the policy document is not URL-encoded " +
				"JSON: " + err.Error()}
		}
		text = decoded
	}
	v, err := tree.ParseJSON(text, documentLimits)
	if err != nil {
		var inside *tree.Error
		msg := err.Error()
		if errors.As(err, &inside) && inside.Line > 0 {
			msg = fmt.Sprintf("line %d, column %d of the policy document in this string: %s",
				inside.Line, inside.Column, inside.Msg)
		}
		return tree.Value{}, &tree.Error{Place: at, Msg: msg}
	}
	v.MoveTo(at)
	return v, nil
}
