package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/recognize"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// RootCause is a single reason for all missing grants of a target. Messages show such gaps as one
// entry.
type RootCause string

const (
	// RootNoPolicy means that no policy is attached.
	RootNoPolicy RootCause = "no-policy"
	// RootNoGrant means that policies are attached, but grant nothing that Remotion needs.
	RootNoGrant RootCause = "no-grant"
	// RootOtherPolicy means that the target has the policy of the other kind, and not its own.
	RootOtherPolicy RootCause = "other-policy"
)

// setRootCause sets the root cause of the findings about a target whose documents were all read.
// The findings about its trust policy, about Denies and about conditions have other causes.
func (j *Judge) setRootCause(t TargetFacts, findings []Finding) {
	if t.Presence != Present || len(t.Unread) > 0 || j.late {
		return
	}
	var ungranted []*Finding
	for i := range findings {
		f := &findings[i]
		if f.Sid != TrustSid && f.Status.Gap() && (f.Cause == NoGrant || f.Cause == NarrowerGrant) {
			ungranted = append(ungranted, f)
		}
	}
	root, why := j.rootCause(t, findings)
	if root == "" || len(ungranted) < 2 {
		return
	}
	for _, f := range ungranted {
		f.RootCause, f.Why, f.Command = root, why, t.policyCommand()
	}
}

// rootCause returns the root cause of the missing grants of a target, and a sentence about it.
func (j *Judge) rootCause(t TargetFacts, findings []Finding) (root RootCause, why string) {
	attached := t.Grants.Identity
	if len(attached) == 0 {
		return RootNoPolicy, "no policy is attached"
	}
	if !slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Sid != TrustSid && (f.Cause != NoGrant || f.Status != Missing)
	}) {
		var names []string
		for _, p := range attached {
			names = append(names, p.ID)
		}
		return RootNoGrant, textfmt.Enumerate(names, maxEnumerated) + " " +
			textfmt.Verb(len(names), "grants", "grant") + " nothing that Remotion needs"
	}
	var misplaced []string
	for _, p := range attached {
		r, ok := j.recognize(p.Document, t.Kind.Policy())
		switch {
		case ok && !r.Misplaced():
			return "", ""
		case ok:
			misplaced = append(misplaced, p.ID)
			// The principal may need both policies.
			why = cmp.Or(why, fmt.Sprintf("%s is the %s policy of Remotion, and the %s policy is missing",
				p.ID, r.Kind, r.On))
		}
	}
	if misplaced == nil || mostlyGranted(findings, misplaced) {
		return "", ""
	}
	return RootOtherPolicy, why
}

// mostlyGranted reports whether other policies than the misplaced ones grant at least as much as is
// missing: a policy that Remotion did not write may be the one that lacks something.
func mostlyGranted(findings []Finding, misplaced []string) bool {
	granted, ungranted := 0, 0
	for _, f := range findings {
		switch {
		case f.Sid == TrustSid:
		case f.Status != Satisfied:
			ungranted++
		case slices.ContainsFunc(f.Statements, func(s StatementRef) bool {
			return !slices.Contains(misplaced, s.Policy)
		}):
			granted++
		}
	}
	return granted >= ungranted
}

// policyCommand returns the command that prints the policy that the target needs.
func (t TargetFacts) policyCommand() string {
	args := []string{"remotion-audit", "policies", string(t.Kind.Policy())}
	if t.Scope.Partition != policies.AWS {
		args = append(args, "--partition", t.Scope.Partition)
	}
	if t.Kind == Caller && t.Purpose != policies.All {
		args = append(args, "--purpose", string(t.Purpose))
	}
	return textfmt.ShellWords(args...)
}

// documentNotices returns a notice for the policies of a target that resemble Remotion's documents:
// of each kind, the policy that resembles its document most. For a target without gaps, it returns
// notices only about old documents of the kind that the target needs: a role that is also a caller
// has the documents of both kinds.
func (j *Judge) documentNotices(t TargetFacts, gaps bool) (list []Notice) {
	nearest := map[policies.PolicyKind]int{}
	found := make([]recognize.Recognition, len(t.Grants.Identity))
	for i, p := range t.Grants.Identity {
		if j.stopped() {
			return nil
		}
		r, ok := j.recognize(p.Document, t.Kind.Policy())
		if !ok {
			continue
		}
		found[i] = r.WithoutLacks(func(g recognize.Grant) bool { return t.grantsPattern(g, i) })
		if best, other := nearest[r.Kind]; !other || found[i].Distance() < found[best].Distance() {
			nearest[r.Kind] = i
		}
	}
	for i, p := range t.Grants.Identity {
		r := found[i]
		if best, ok := nearest[r.Kind]; !ok || best != i ||
			!gaps && (r.Until == "" || r.Misplaced()) {
			continue
		}
		list = append(list, Notice{Kind: NoticeDocument, Target: t.Name, Text: p.ID + ": " + r.String()})
	}
	return list
}

// grantsPattern reports whether the policies of a target other than the one with that index grant
// all of a grant.
func (t TargetFacts) grantsPattern(g recognize.Grant, except int) bool {
	others := t.Grants
	others.Identity = slices.Delete(slices.Clone(t.Grants.Identity), except, except+1)
	if len(others.Identity) == 0 || strings.ContainsAny(g.Action, "*?") {
		return false
	}
	need, err := iampolicy.NewNeed(g.Action, g.Resource)
	return err == nil && others.Cover(need, nil).Status == Satisfied
}
