package policies

import (
	_ "embed"
	"encoding/json"
)

// A Call says that Remotion uses an action of AWS. Package test/e2e/remotion/calls writes the calls
// to data/calls.json: `make calls` runs the published code of some releases and compares the file.
type Call struct {
	// Who makes the call: the caller, or the render role.
	Who PolicyKind `json:"who"`
	// Operation is the word for what the caller does: deploy, sites, render, invoke, stills,
	// progress-from-bucket, quotas, delete-render or validate. The calls of the role belong to the
	// operation of the caller that causes them.
	Operation string `json:"operation"`
	// Action is the IAM action that the call needs.
	Action string `json:"action"`
	// Resource is the kind of the resource. "bucket" and "object" are of a bucket that Remotion
	// named; "other bucket" and "other object" are of another bucket. The others are function, role,
	// log group, quota, user, the layers "Remotion layer", "Insights layer" and "own layer", and "*"
	// for an action without resource types.
	Resource string `json:"resource"`
	// Releases are the recorded releases with the call, oldest first.
	Releases []string `json:"releases"`
	// How is "run" for a call that the published code made in a run, and "read" for a call that was
	// found by reading the code.
	How string `json:"how"`
	// Denied is what happens if AWS denies the action: [Hard], [Warned], [Swallowed], or [Feature] if
	// only an option fails that a caller has to set.
	Denied Breakage `json:"denied"`
	// Optional is true if AWS replies differently without the permission, but the call needs another
	// one: a HEAD of a missing object replies 403 instead of 404 without s3:ListBucket.
	Optional bool `json:"optional,omitempty"`
	// In lists the functions and options of Remotion that make the call. For a call that was read it
	// is the place in the code, with the condition.
	In []string `json:"in"`
}

//go:embed data/calls.json
var callsText []byte

// Calls returns the recorded calls, in the order of the file. Programs that do not call it do not
// contain the file.
func Calls() (calls []Call) {
	if err := json.Unmarshal(callsText, &calls); err != nil {
		panic(err) // the file is embedded, and a test reads it
	}
	return calls
}
