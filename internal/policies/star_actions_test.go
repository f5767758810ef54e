package policies

import (
	"slices"
	"strings"
	"testing"
)

// documentedOnStar lists the actions that a document of any release grants on "*".
func documentedOnStar() (actions []string) {
	for _, r := range releases {
		for _, kind := range Kinds {
			for _, req := range r.bareRequirements(kind) {
				if strings.Trim(req.Resource, "*") == "" && !slices.Contains(actions, req.Action) {
					actions = append(actions, req.Action)
				}
			}
		}
	}
	return actions
}

// TestEveryActionOnStarIsDecided checks that starActions has an entry for each action that a
// document grants on "*", and no other entry.
func TestEveryActionOnStarIsDecided(t *testing.T) {
	documented := documentedOnStar()
	if len(documented) == 0 {
		t.Fatal("no document grants an action on *")
	}
	for _, action := range documented {
		if _, ok := FindStarAction(action); !ok {
			t.Errorf("a document grants %s on *, but starActions has no entry: look up its resource types "+
				"in the Service Authorization Reference, and what Remotion requests", action)
		}
	}
	for _, a := range StarActions() {
		if !slices.Contains(documented, a.Action) {
			t.Errorf("starActions has an entry for %s, but no document grants it on *", a.Action)
		}
	}
}

func TestStarActionsHaveSources(t *testing.T) {
	for _, a := range StarActions() {
		contested := a.Scope == ContestedResource
		if want := map[bool]int{false: 1, true: 2}[contested]; len(a.Sources) != want {
			t.Errorf("%s has %d sources, want %d", a.Action, len(a.Sources), want)
		}
		for _, source := range a.Sources {
			if !strings.HasPrefix(source, "https://docs.aws.amazon.com/") {
				t.Errorf("%s: %q is not a page of AWS", a.Action, source)
			}
			if contested && !strings.Contains(a.Dispute(a.Text), source) {
				t.Errorf("%s: the dispute does not name %s: %s", a.Action, source, a.Dispute(a.Text))
			}
		}
		if contested != (a.Text != "") || a.Requested == "" {
			t.Errorf("%s: text %q, requested %q", a.Action, a.Text, a.Requested)
		}
	}
}

func TestFindStarAction(t *testing.T) {
	a, ok := FindStarAction("S3:listallmybuckets")
	if !ok || a.TextIn(China) != "arn:aws-cn:s3:::*" {
		t.Errorf("S3:listallmybuckets: %+v, %v", a, ok)
	}
	if a, ok := FindStarAction("lambda:InvokeFunction"); ok || a.TextIn(AWS) != "" {
		t.Errorf("lambda:InvokeFunction: %+v, %v", a, ok)
	}
}
