package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// existence holds what the answers of IAM say about the existence of a principal: the actions that
// found it, and the actions that answered NoSuchEntity.
type existence struct{ found, missed []string }

func (e *existence) merge(o existence) {
	e.found, e.missed = append(e.found, o.found...), append(e.missed, o.missed...)
}

// contradicts reports whether some answers found the principal and others did not.
func (e existence) contradicts() bool { return e.found != nil && e.missed != nil }

// absent reports whether IAM did not find the principal, and no answer contradicts that.
func (e existence) absent() bool { return e.found == nil && e.missed != nil }

const contradictionRemedy = "run the audit again: IAM gives one answer after a change has " +
	"reached all of its servers"

// problem describes the contradiction. The texts name one action of each kind.
func (e existence) problem(principal string) audit.Problem {
	kind, name := entity(principal)
	return audit.Problem{What: fmt.Sprintf("the %s %q itself", kind, name),
		Why: fmt.Sprintf("IAM contradicts itself, twice: %s finds the %s, %s does not", first(e.found),
			kind, first(e.missed)),
		Remedy: contradictionRemedy}
}

// first returns the first action in alphabetical order, without its service.
func first(actions []string) string { return strings.TrimPrefix(slices.Min(actions), "iam:") }

// reconcile reads a principal a second time if its reads contradict each other. Callers wait for
// the first reads before the call.
func (r *run) reconcile(ctx context.Context, t *target) {
	all := t.lookup.existence
	all.merge(t.documents.existence)
	if !all.contradicts() {
		return
	}
	again := &target{facts: audit.TargetFacts{Name: t.facts.Name}}
	var reads sync.WaitGroup
	reads.Go(func() { r.readTarget(ctx, again) })
	again.documents = r.documents(ctx, t.facts.Name)
	reads.Wait()
	t.documents = again.documents
	if t.lookup.missed == nil || again.lookup.found == nil {
		t.lookup.existence = again.lookup.existence
	}
}

// assess sets the presence of a target from all answers of IAM. If they contradict each other,
// nothing is certain: the target is neither absent nor fully read.
func (t *target) assess(f *audit.TargetFacts) {
	var all existence
	for _, part := range []snapshot{t.lookup, t.documents, t.boundary, t.simulation.snapshot} {
		all.merge(part.existence)
	}
	switch {
	case all.absent():
		f.Presence = audit.Absent
	case all.contradicts():
		problem := all.problem(f.Name)
		f.Unread = append(f.Unread, problem)
		if f.Presence == audit.Absent {
			f.Presence, f.TrustProblem = audit.PresenceUnknown, problem
		}
	}
}
