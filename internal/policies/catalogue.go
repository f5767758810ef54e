package policies

import (
	"embed"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

//go:embed data/user-*.json data/role-*.json
var data embed.FS

// RoleName is the name of the role that Remotion's setup guide creates. Remotion's user policy
// contains this name.
const RoleName = "remotion-lambda-role"

// A Release is a range of Remotion releases with the same two policies, or one release of such a
// range.
type Release struct {
	// Partition is the AWS partition that the policies are for.
	Partition string
	// Since and Until are the first and last release of the range. In the newest range, which also
	// applies to later releases, Until is the newest release that was examined.
	Since, Until string
	// Version is the number that Find was called with. It is empty for a whole range.
	Version string
	// user and role are the names of the documents in data, without .json.
	user, role string
}

// releases lists the ranges of each partition, oldest first. The first release of a range is
// certain for 3.3.8 and 4.0.418. Remotion's documentation names 3.3.54, 3.3.87, 4.0.32, 4.0.61 and
// 4.0.510. The ranges from 3.3.12 and 4.0.51 can start up to three releases earlier, because the
// npm registry no longer has those releases.
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
	{Partition: China, Since: "4.0.510", Until: "4.0.527", user: "user-cn-4.0.510",
		role: "role-cn-4.0.510"},
}

// Releases returns the ranges of a partition, oldest first. It returns nil for a partition that
// Remotion does not support.
func Releases(partition string) []Release {
	var list []Release
	for _, r := range releases {
		if r.Partition == partition {
			list = append(list, r)
		}
	}
	return list
}

// Latest returns the newest range of partition aws.
func Latest() Release { return latest(AWS) }

// latest returns the newest range of a partition, or the zero Release if it has none.
func latest(partition string) Release {
	list := Releases(partition)
	if len(list) == 0 {
		return Release{}
	}
	return list[len(list)-1]
}

// String returns the range: "4.0.61-4.0.417", or "4.0.418 and later" for the newest. It returns
// "unknown" for the zero Release.
func (r Release) String() string {
	switch r.Since {
	case "":
		return "unknown"
	case latest(r.Partition).Since:
		return r.Since + " and later"
	}
	return r.Since + "-" + r.Until
}

// Name returns the requested release, or the range if no single release was requested.
func (r Release) Name() string {
	if r.Version != "" {
		return r.Version
	}
	return r.String()
}

// file returns the name of the document of a kind in data, without .json.
func (r Release) file(kind PolicyKind) string {
	if kind == Role {
		return r.role
	}
	return r.user
}

// Document returns the policy exactly as `npx remotion lambda policies user` or `… role` prints it.
func (r Release) Document(kind PolicyKind) string {
	text, err := data.ReadFile("data/" + r.file(kind) + ".json")
	if err != nil {
		panic(err) // the files are embedded, and a test reads each
	}
	return string(text)
}

// Policy returns the parsed document. All callers share this document: do not modify it.
func (r Release) Policy(kind PolicyKind) *iampolicy.Document { return documents()[r.file(kind)] }

var documents = sync.OnceValue(func() map[string]*iampolicy.Document {
	all := map[string]*iampolicy.Document{}
	for _, r := range releases {
		for _, kind := range Kinds {
			if all[r.file(kind)] != nil {
				continue
			}
			doc, err := iampolicy.Parse(r.Document(kind))
			if err != nil {
				panic(err) // the files are embedded, and a test parses each
			}
			all[r.file(kind)] = doc
		}
	}
	return all
})

// Requirements returns the permissions that the policy of that kind grants, in the order of the
// policy: one requirement for each statement, action and resource pattern.
func (r Release) Requirements(kind PolicyKind) []Requirement {
	list := r.bareRequirements(kind)
	for i := range list {
		list[i].Consequence = neverCalled
		if used, ok := list[i].For(All, []Release{r}); ok {
			list[i] = used
		}
		span := spans()[r.Partition][list[i].id()]
		list[i].Since, list[i].Until = span.since, span.until
	}
	return list
}

// bareRequirements returns the requirements with only the fields that the document states.
func (r Release) bareRequirements(kind PolicyKind) (list []Requirement) {
	for _, s := range r.Policy(kind).Statements {
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				list = append(list, Requirement{Kind: kind, Sid: s.Sid, Action: action, Resource: resource})
			}
		}
	}
	return list
}

// A span holds the first and the last release with a requirement. until is empty for a requirement
// of the newest release.
type span struct{ since, until string }

// spans returns the span of every requirement of any release, by partition.
var spans = sync.OnceValue(func() map[string]map[requirementID]span {
	all := map[string]map[requirementID]span{}
	for _, r := range releases {
		if all[r.Partition] == nil {
			all[r.Partition] = map[requirementID]span{}
		}
		until := r.Until
		if r.Since == latest(r.Partition).Since {
			until = ""
		}
		for _, kind := range Kinds {
			for _, req := range r.bareRequirements(kind) {
				since := all[r.Partition][req.id()].since
				if since == "" {
					since = r.Since
				}
				all[r.Partition][req.id()] = span{since, until}
			}
		}
	}
	return all
})
