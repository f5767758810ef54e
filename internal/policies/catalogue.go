package policies

import (
	"embed"
	"errors"
	"fmt"
	"slices"

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

// Kinds are both, in the order they are told.
var Kinds = []Kind{User, Role}

// RoleName is the role that Remotion's setup guide creates and its user policy names.
const RoleName = "remotion-lambda-role"

// A Release is a range of Remotion releases with the same two policies, or one release of such a range.
type Release struct {
	// Partition is the one the policies are for.
	Partition string
	// Since and Until are the first and last release of the range. Until is the newest one examined
	// for the newest range, which judges later releases as well.
	Since, Until string
	// Version is the release that Find was asked for; empty for the range as such.
	Version string
	// user and role name the documents in data.
	user, role string
}

// releases are ordered within each partition, oldest first. The first release with a change is known
// for certain at 3.3.8 and 4.0.418; Remotion's documentation names 3.3.54, 3.3.87, 4.0.32, 4.0.61 and
// 4.0.510; of 3.3.12 and 4.0.51 it is known that the change came with it or with one of the three
// releases before it, which the npm registry no longer has.
var releases = []Release{
	{Partition: AWS, Since: "3.0.0", Until: "3.3.7", user: "user-3.0.0", role: "role-3.0.0"},
	{Partition: AWS, Since: "3.3.8", Until: "3.3.11", user: "user-3.3.8", role: "role-3.0.0"},
	{Partition: AWS, Since: "3.3.12", Until: "3.3.53", user: "user-3.3.12", role: "role-3.0.0"},
	{Partition: AWS, Since: "3.3.54", Until: "3.3.86", user: "user-3.3.54", role: "role-3.0.0"},
	{Partition: AWS, Since: "3.3.87", Until: "4.0.31", user: "user-3.3.87", role: "role-3.0.0"},
	{Partition: AWS, Since: "4.0.32", Until: "4.0.50", user: "user-4.0.32", role: "role-3.0.0"},
	{Partition: AWS, Since: "4.0.51", Until: "4.0.60", user: "user-4.0.51", role: "role-3.0.0"},
	{Partition: AWS, Since: "4.0.61", Until: "4.0.417", user: "user-4.0.61", role: "role-4.0.61"},
	{Partition: AWS, Since: "4.0.418", Until: "4.0.527", user: "user-4.0.418", role: "role-4.0.61"},
	{Partition: China, Since: "4.0.510", Until: "4.0.527", user: "user-cn-4.0.510", role: "role-cn-4.0.510"},
}

// Releases returns the ranges of a partition, oldest first; none for a partition that Remotion does
// not support.
func Releases(partition string) []Release {
	var list []Release
	for _, r := range releases {
		if r.Partition == partition {
			list = append(list, r)
		}
	}
	return list
}

// Latest returns the newest range, for partition aws.
func Latest() Release { return latest(AWS) }

func latest(partition string) Release {
	list := Releases(partition)
	return list[len(list)-1]
}

// String names the range: "4.0.61-4.0.417", or "4.0.418 and later" for the newest.
func (r Release) String() string {
	if r.Since == latest(r.Partition).Since {
		return r.Since + " and later"
	}
	return r.Since + "-" + r.Until
}

// Name names the release that was asked for, or else the range.
func (r Release) Name() string {
	if r.Version != "" {
		return r.Version
	}
	return r.String()
}

// Document returns the policy as `npx remotion lambda policies user` or `… role` prints it.
func (r Release) Document(kind Kind) string {
	name := r.user
	if kind == Role {
		name = r.role
	}
	text, err := data.ReadFile("data/" + name + ".json")
	if err != nil {
		panic(err) // the files are embedded, and a test reads each
	}
	return string(text)
}

// parsed is the document of a catalogued release, which a test parses.
func (r Release) parsed(kind Kind) *iampolicy.Document {
	doc, err := iampolicy.Parse(r.Document(kind))
	if err != nil {
		panic(err)
	}
	return doc
}

// Requirements returns what the policy of that kind grants, in its order: one requirement for each
// statement, action and resource pattern.
func (r Release) Requirements(kind Kind) []Requirement {
	var list []Requirement
	for _, s := range r.parsed(kind).Statements {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				req := Requirement{Kind: kind, Sid: s.Sid, Action: action, Resource: resource}
				req.Details = req.explain()
				req.Since, req.Until = spans[r.Partition][req.id()].Since, spans[r.Partition][req.id()].Until
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

// spans says of everything ever asked for, by partition, from which release to which. Until is empty
// for what the newest asks for.
var spans = func() map[string]map[id]span {
	all := map[string]map[id]span{}
	for _, partition := range Partitions() {
		spans := map[id]span{}
		for _, r := range Releases(partition) {
			for _, kind := range Kinds {
				for _, s := range r.parsed(kind).Statements {
					for _, action := range s.Action {
						for _, resource := range s.Resource {
							g := id{kind, Grant{action, resource}}
							since := spans[g].Since
							if since == "" {
								since = r.Since
							}
							spans[g] = span{since, r.Until}
						}
					}
				}
			}
		}
		for g, s := range spans {
			if s.Until == latest(partition).Until {
				spans[g] = span{Since: s.Since}
			}
		}
		all[partition] = spans
	}
	return all
}()

type span struct{ Since, Until string }

// check reports requirements nobody has explained. A test calls it.
func (r Release) check() error {
	var errs []error
	for _, kind := range Kinds {
		for _, req := range r.Requirements(kind) {
			if req.unexplained() {
				errs = append(errs, fmt.Errorf("%s %s: %s %s: %s on %s has no details", r.Partition, r, kind, req.Sid, req.Action, req.Resource))
			}
		}
	}
	return errors.Join(errs...)
}

func (r Requirement) unexplained() bool {
	return r.Since == "" || r.Purposes == nil || r.Reason == "" || r.Breakage == "" || r.Impact == "" || r.Severity == 0 || r.Source == ""
}
