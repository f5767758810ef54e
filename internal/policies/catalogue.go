package policies

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

//go:embed data/*.json
var data embed.FS

// Kind tells the two policies apart.
type Kind string

const (
	// User is the policy of whoever runs Remotion's CLI or SDK.
	User Kind = "user"
	// Role is the policy of the role under which Remotion's functions run.
	Role Kind = "role"
)

// RoleName is the role that Remotion's setup guide creates and its user policy names.
const RoleName = "remotion-lambda-role"

// A Release is a range of Remotion releases with the same two policies.
type Release struct {
	// Since and Until are the first and last release of the range. Until is the newest one examined
	// for the newest range, which judges later releases as well.
	Since, Until string
	documents    map[Kind]string
}

// releases are ordered, oldest first.
var releases = []Release{
	{Since: "4.0.61", Until: "4.0.417", documents: map[Kind]string{User: "user-4.0.61.json", Role: "role-4.0.61.json"}},
	{Since: "4.0.418", Until: "4.0.527", documents: map[Kind]string{User: "user-4.0.418.json", Role: "role-4.0.61.json"}},
}

// Releases returns the ranges of the catalogue, oldest first.
func Releases() []Release { return append([]Release(nil), releases...) }

// Latest returns the newest range.
func Latest() Release { return releases[len(releases)-1] }

// Find returns the range that version belongs to: a release number such as 4.0.240, or "latest" or
// "auto" for the newest. A release newer than the catalogue belongs to the newest range.
func Find(version string) (Release, error) {
	if version == "auto" || version == "latest" {
		return Latest(), nil
	}
	v := "v" + strings.TrimPrefix(version, "v")
	if !semver.IsValid(v) || strings.Count(v, ".") < 2 {
		return Release{}, fmt.Errorf("%q is not a Remotion release: write auto, latest or a number such as %s", version, Latest().Until)
	}
	for i := len(releases) - 1; i >= 0; i-- {
		if semver.Compare(v, "v"+releases[i].Since) >= 0 {
			return releases[i], nil
		}
	}
	return Release{}, fmt.Errorf("release %s is older than the catalogue of Remotion, which starts at %s", version, releases[0].Since)
}

// String names the range: "4.0.61-4.0.417", or "4.0.418 and later" for the newest.
func (r Release) String() string {
	if r.Since == Latest().Since {
		return r.Since + " and later"
	}
	return r.Since + "-" + r.Until
}

// Document returns the policy as `npx remotion lambda policies user` or `… role` prints it.
func (r Release) Document(kind Kind) string {
	text, err := data.ReadFile("data/" + r.documents[kind])
	if err != nil {
		panic(err) // the files are embedded, and a test reads each
	}
	return string(text)
}

// Requirements returns what the policy of that kind grants, in its order: one requirement for each
// statement, action and resource pattern.
func (r Release) Requirements(kind Kind) []Requirement {
	doc, err := iampolicy.Parse(r.Document(kind))
	if err != nil {
		panic(err) // as above
	}
	var list []Requirement
	for _, s := range doc.Statements {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				req := Requirement{Kind: kind, Sid: s.Sid, Action: action, Resource: resource}
				req.Details = details[key{kind, s.Sid, action}]
				if strings.Contains(resource, insights) {
					req.Details = insightsDetails[key{kind, s.Sid, action}]
				}
				list = append(list, req)
			}
		}
	}
	return list
}

// Needs returns the requirements of a principal with that purpose, in the document's order.
func (r Release) Needs(kind Kind, purpose Purpose) []Requirement {
	return slices.DeleteFunc(r.Requirements(kind), func(req Requirement) bool { return !req.For(purpose) })
}

// check reports requirements nobody has explained. A test calls it.
func (r Release) check() error {
	var errs []error
	for _, kind := range []Kind{User, Role} {
		for _, req := range r.Requirements(kind) {
			if req.Reason == "" || req.Impact == "" || req.Severity == 0 || req.Purposes == nil {
				errs = append(errs, fmt.Errorf("%s: %s %s: %s on %s has no details", r, kind, req.Sid, req.Action, req.Resource))
			}
		}
	}
	return errors.Join(errs...)
}
