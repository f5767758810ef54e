package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// An Operation is something that a caller does with Remotion. Each operation needs its own part of
// the user policy: see docs/operations.md.
type Operation string

// The operations.
const (
	// DeployOperation sets up functions and Remotion's buckets, and lists and removes functions.
	DeployOperation Operation = "deploy"
	// Sites uploads, lists and removes sites.
	Sites Operation = "sites"
	// RenderOperation starts renders, requests their progress, and downloads their outputs.
	RenderOperation Operation = "render"
	// Invoke starts renders and requests their progress with nothing but invocations: the caller
	// knows the name of the function and the URL of the site, and its input props fit into one call.
	Invoke Operation = "invoke"
	// Stills renders and downloads stills.
	Stills Operation = "stills"
	// ProgressFromBucket reads the progress of renders from the bucket: the option
	// skipLambdaInvocation of getRenderProgress().
	ProgressFromBucket Operation = "progress-from-bucket"
	// Quotas shows and raises the quota of concurrent executions.
	Quotas Operation = "quotas"
	// DeleteRender deletes the files of renders.
	DeleteRender Operation = "delete-render"
	// Validate simulates the caller's permissions: `remotion lambda policies validate`.
	Validate Operation = "validate"
)

// Operations lists all operations, in the order of reports.
func Operations() []Operation {
	return []Operation{DeployOperation, Sites, RenderOperation, Invoke, Stills, ProgressFromBucket,
		Quotas, DeleteRender, Validate}
}

// Purpose is the set of operations that a caller performs: words that + separates. A word is an
// operation, or one of the sets render, deploy and all. ParsePurpose returns valid purposes only.
type Purpose string

const (
	// Render is the set of the operations on renders, except their deletion. A web application that
	// only renders does not need permission to create functions.
	Render Purpose = "render"
	// Deploy is the set of the operations that set up an account.
	Deploy Purpose = "deploy"
	// All is the set of all operations.
	All Purpose = "all"
)

// operationsOf returns the operations that a word of a purpose stands for, or nil for an unknown
// word.
func operationsOf(word string) []Operation {
	switch Purpose(word) {
	case All:
		return Operations()
	case Render:
		return []Operation{RenderOperation, Invoke, Stills, ProgressFromBucket}
	case Deploy:
		return []Operation{DeployOperation, Sites, Quotas, Validate}
	}
	if slices.Contains(Operations(), Operation(word)) {
		return []Operation{Operation(word)}
	}
	return nil
}

// PurposeWords lists the words of purposes: the sets, then the other operations.
func PurposeWords() []string {
	words := []string{string(All), string(Deploy), string(Render)}
	for _, o := range Operations() {
		if !slices.Contains(words, string(o)) {
			words = append(words, string(o))
		}
	}
	return words
}

// ParsePurpose reads words that + separates. It refuses unknown words and words that occur twice.
// The purpose has the words in the order of PurposeWords.
func ParsePurpose(text string) (Purpose, error) {
	if len(text) > maxPurpose {
		return "", purposeError("%s is too long", textfmt.Quote(text, maxPurpose))
	}
	given := strings.Split(text, "+")
	for i, word := range given {
		switch {
		case operationsOf(word) == nil:
			return "", purposeError("unknown operation %q", word)
		case slices.Contains(given[:i], word):
			return "", purposeError("duplicate operation %q", word)
		}
	}
	var words []string
	for _, word := range PurposeWords() {
		if slices.Contains(given, word) {
			words = append(words, word)
		}
	}
	return Purpose(strings.Join(words, "+")), nil
}

// maxPurpose is the maximum length of a purpose in bytes. All words together have 95.
const maxPurpose = 128

func purposeError(format string, args ...any) error {
	return fmt.Errorf(format+": write some of %s, with + between them",
		append(args, strings.Join(PurposeWords(), ", "))...)
}

// Operations returns the operations of the purpose, each once, in the order of the function
// Operations. An invalid purpose has none.
func (p Purpose) Operations() []Operation {
	var list []Operation
	for word := range strings.SplitSeq(string(p), "+") {
		list = append(list, operationsOf(word)...)
	}
	return slices.DeleteFunc(Operations(), func(o Operation) bool { return !slices.Contains(list, o) })
}

// Deploys reports whether the purpose contains an operation that creates functions or sites.
func (p Purpose) Deploys() bool {
	return slices.ContainsFunc(p.Operations(), func(o Operation) bool {
		return o == DeployOperation || o == Sites
	})
}
