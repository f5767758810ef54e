package iamactions_test

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestDocumentedActionsExist checks that the list has each action of Remotion's documents.
func TestDocumentedActionsExist(t *testing.T) {
	t.Parallel()
	for _, partition := range policies.Partitions() {
		for _, release := range policies.Releases(partition) {
			for _, kind := range policies.Kinds {
				for _, s := range release.Policy(kind).Statements {
					for _, action := range s.Action {
						if u, unknown := iamactions.Check(action); unknown || !listed(action) {
							t.Errorf("%s %s: %s", release, kind, u)
						}
					}
				}
			}
		}
	}
}

// listed reports whether the list has the service of an action.
func listed(action string) bool {
	service, _, _ := strings.Cut(action, ":")
	_, unknown := iamactions.Check(service + ":NoSuchAction")
	return unknown
}

// TestStarActionsTakeNoResource compares two sources: the list and the reviewed table of the
// catalogue.
func TestStarActionsTakeNoResource(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"s3:ListAllMyBuckets", "lambda:ListFunctions"} {
		star, ok := policies.FindStarAction(name)
		if !ok || star.Scope == policies.NamedResource || !iamactions.TakesNoResource(name) {
			t.Errorf("%s: %+v, takes no resource %v", name, star, iamactions.TakesNoResource(name))
		}
	}
	for _, name := range []string{"s3:GetObject", "lambda:GetFunction", "acme:None"} {
		if iamactions.TakesNoResource(name) {
			t.Errorf("%s takes no resource", name)
		}
	}
}
