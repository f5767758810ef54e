package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// maxMuteErrors bounds how many errors of the mutes file are announced and stored.
const maxMuteErrors = 100

// ErrorTransition is a change of one auditor error that a message may announce.
type ErrorTransition struct {
	Reason Reason
	Error  Error
	// Problem is the full text of the problem, including its regions. It is empty for an audited
	// target. The error's What is the part of Problem that is the same in every run.
	Problem string
	// Why, Impact and Remedy describe an error that is not about an audited target.
	Why, Impact, Remedy string
	// Ended is true if the error is resolved.
	Ended bool
}

// auditorErrors returns the errors of this run: targets that are not fully verified, and problems
// of the auditor itself. confirmed reports whether an error is announced by the first run that has
// the error.
func (l *lifecycle) auditorErrors() (list []ErrorTransition, confirmed func(Error) bool) {
	unverified, targets := 0, map[string]bool{}
	for _, t := range l.report.Targets {
		if targets[t.Name] {
			continue
		}
		targets[t.Name] = true
		if l.report.UnverifiedFor(t.Name) {
			unverified++
			list = append(list,
				ErrorTransition{Error: Error{Target: t.Name, Unverified: isUnverified(l.report, t.Name)}})
		}
	}
	for _, p := range l.report.Problems {
		if !targets[p.Target] {
			list = append(list, ErrorTransition{Error: Error{Target: p.Target, What: withoutRegions(p)},
				Problem: p.What, Why: p.Why, Remedy: p.Remedy})
		}
	}
	// An error of the mutes file or of the state does not depend on the run, so no second run has to
	// confirm the error.
	permanent := map[string]bool{}
	for _, p := range l.options.Problems {
		permanent[p.What] = true
		list = append(list, ErrorTransition{Error: Error{What: p.What}, Problem: p.What, Why: p.Why,
			Remedy: p.Remedy})
	}
	if l.previous.Refused != nil {
		p := l.previous.Refused.problem()
		permanent[p.What] = true
		list = append(list, ErrorTransition{Error: Error{What: p.What}, Problem: p.What, Why: p.Why,
			Remedy: p.Remedy})
	}
	muteErrors := l.options.MuteErrors
	if more := len(muteErrors) - maxMuteErrors; more > 0 {
		muteErrors = append(slices.Clone(muteErrors[:maxMuteErrors]),
			mute.Error{Text: fmt.Sprintf("%d more errors", more)})
	}
	for _, e := range muteErrors {
		problem := mutesFile + e.Error()
		permanent[problem] = true
		impact := "this mute has no effect until it is corrected"
		if e.Line == 0 {
			impact = "mutes have no effect until the file is corrected"
		}
		list = append(list, ErrorTransition{Error: Error{What: problem}, Problem: problem,
			Impact: impact})
	}
	order := func(a, b ErrorTransition) int { return a.Error.compare(b.Error) }
	slices.SortStableFunc(list, order)
	list = slices.CompactFunc(list, func(a, b ErrorTransition) bool { return order(a, b) == 0 })
	allUnverified := unverified > 0 && unverified == len(targets)
	return list, func(e Error) bool {
		return allUnverified || l.options.Stateless || e.Target == "" && permanent[e.What] ||
			l.options.First != nil && inReport(*l.options.First, e) || l.lateFor(e.Target) ||
			audit.Problem{What: e.What}.OfRelease() // the catalogue is the same in the next run
	}
}

// lateFor reports whether a target was not judged in time. The next run has as little time, so no
// second run has to confirm that: a principal with long policies must not delay the alert.
func (l *lifecycle) lateFor(target string) bool {
	return slices.ContainsFunc(l.report.Problems, func(p audit.Problem) bool {
		return p.Target == target && p.Why == audit.NotInTime
	})
}

// inReport reports whether a report contains the error.
func inReport(r audit.Report, e Error) bool {
	if e.What == "" {
		return r.UnverifiedFor(e.Target)
	}
	return slices.ContainsFunc(r.Problems, func(p audit.Problem) bool {
		return p.Target == e.Target && withoutRegions(p) == e.What
	})
}

// withoutRegions returns the problem's What without its regions, which may differ in each run.
func withoutRegions(p audit.Problem) string {
	what, _, _ := strings.Cut(p.What, " in ")
	return what
}

// isUnverified reports whether every finding about the target is unverified.
func isUnverified(r audit.Report, target string) bool {
	return !slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
		return f.Target == target && f.Status != audit.Unverified
	})
}

// nextErrors returns the errors to store if nothing is announced, and the transitions to announce.
// The errors are ordered by target, the transitions by rank.
func (l *lifecycle) nextErrors() (errs []Error, transitions []ErrorTransition) {
	list, confirmedAtOnce := l.auditorErrors()
	// A replay of the stored run does not count as a second run, so it confirms no error.
	anotherRun := l.coverage.another
	for _, c := range list {
		e := Error{Target: c.Error.Target, What: c.Error.What, Since: l.now}
		i, ok := l.previous.findError(e)
		if ok {
			e = l.previous.Errors[i]
		}
		switch {
		case c.Error.Unverified && !e.Unverified:
			e.Runs = 1 // two runs must confirm that nothing about the target is verified
		case anotherRun || !ok:
			e.Runs++
		}
		e.Unverified, e.Missed = c.Error.Unverified, 0
		if e.What == RefusedWhat { // each refused alert is announced
			e.Notified = time.Time{}
		}
		c.Error = e
		errs = append(errs, e)
		confirmed := e.Runs > 1 || confirmedAtOnce(e)
		switch {
		case confirmed && (e.Notified.IsZero() || e.Unverified && !e.NotifiedUnverified):
			c.Reason = ReasonAuditorError
		case !e.Notified.IsZero() && l.options.due(l.now, e.Notified, e.Reminders, false, 0):
			c.Reason = ReasonReminder
		default:
			continue
		}
		transitions = append(transitions, c)
	}
	current := byIdentity(list)
	for _, previous := range l.previous.Errors {
		_, persists := current[previous.identity()]
		// No message announces the end of an error without a target: the owner of the mutes file corrects
		// the file, and the run that announces a damaged state replaces the state.
		if persists || previous.Notified.IsZero() || previous.Target == "" {
			continue
		}
		ended := l.errorEnded(&previous)
		errs = append(errs, previous)
		if ended {
			transitions = append(transitions,
				ErrorTransition{Reason: ReasonAuditorError, Error: previous, Ended: true})
		}
	}
	slices.SortFunc(errs, Error.compare)
	slices.SortStableFunc(transitions, func(a, b ErrorTransition) int {
		return cmp.Compare(a.rank(), b.rank())
	})
	return errs, transitions
}

// errorEnded reports whether an announced error that the report does not contain ended. A target
// that is not in the report counts as missed, and its error ends like a gap: see confirmedReason.
func (l *lifecycle) errorEnded(e *Error) bool {
	audited := slices.ContainsFunc(l.report.Targets, func(t audit.TargetReport) bool {
		return t.Name == e.Target
	})
	switch c := l.coverage; {
	case recoveryUnconfirmed(l.report, e.Target):
		return false
	case e.What == audit.ProblemConfiguration, c.removed(e.Target, Configuration.targets):
		return true
	case audited, e.What != "": // an error that is not about a target has no target to miss
		e.Missed = 0
		return !c.lost
	}
	e.Missed = missed(e.Missed, l.coverage.another)
	return e.Missed >= confirmingRuns
}

// recoveryUnconfirmed reports whether the run cannot confirm that an error about the target ended.
// Such a run is incomplete and audited no target, or it could not list all functions and did not
// find the target.
func recoveryUnconfirmed(r audit.Report, target string) bool {
	if target == audit.AccountTarget || len(r.Targets) == 0 {
		return len(r.Targets) == 0 && r.Unverified()
	}
	return unknownTargets(r) &&
		!slices.ContainsFunc(r.Targets, func(t audit.TargetReport) bool {
			return t.Name == target
		})
}

// rank returns the sort key of the transition. The order is: target not verified at all, target or
// account not fully verified, other auditor errors, ended errors.
func (c ErrorTransition) rank() int {
	switch {
	case c.Ended:
		return 3
	case c.Error.Unverified:
		return 0
	case c.Error.LimitsVerification():
		return 1
	}
	return 2
}

// LimitsVerification reports whether the error prevents the verification of a target or of the
// account. Errors without a target are about the state or the mutes file.
func (e Error) LimitsVerification() bool { return e.Target != "" }

func (s State) findError(e Error) (int, bool) {
	return slices.BinarySearchFunc(s.Errors, e, Error.compare)
}

// errorIdentity is what identifies an auditor error.
type errorIdentity struct{ target, what string }

func (e Error) identity() errorIdentity { return errorIdentity{e.Target, e.What} }

// byIdentity returns the transitions by the identity of their errors. The first of equals counts.
func byIdentity(transitions []ErrorTransition) map[errorIdentity]ErrorTransition {
	m := make(map[errorIdentity]ErrorTransition, len(transitions))
	for _, c := range slices.Backward(transitions) {
		m[c.Error.identity()] = c
	}
	return m
}

func (e Error) compare(o Error) int {
	return cmp.Or(cmp.Compare(e.Target, o.Target), cmp.Compare(e.What, o.What))
}

// markErrorsNotified returns the errors to store after the transitions were announced at now. It
// leaves out errors that ended.
func markErrorsNotified(errs []Error, transitions []ErrorTransition, now time.Time,
	thread string) []Error {
	var out []Error
	announced := byIdentity(transitions)
	for _, e := range errs {
		c, ok := announced[e.identity()]
		switch {
		case !ok:
			out = append(out, e)
		case c.Ended:
		default:
			e.Notified, e.Thread, e.NotifiedUnverified = now, thread, e.NotifiedUnverified || e.Unverified
			e.Reminders = 0
			if c.Reason == ReasonReminder {
				e.Reminders = c.Error.Reminders + 1
			}
			out = append(out, e)
		}
	}
	return out
}
