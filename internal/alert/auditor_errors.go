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

// errorTransition is a change of one auditor error that a message may announce.
type errorTransition struct {
	reason Reason
	error  Error
	// problem is the full text of the problem, including its regions. It is empty for an audited
	// target. The error's What is the part of problem that is the same in every run.
	problem string
	// why, impact and remedy describe an error that is not about an audited target.
	why, impact, remedy string
	// ended is true if the error is resolved.
	ended bool
}

// auditorErrors returns the errors of this run: targets that are not fully verified, and problems
// of the auditor itself. confirmed reports whether an error is announced by the first run that has
// the error.
func (l *lifecycle) auditorErrors() (list []errorTransition, confirmed func(Error) bool) {
	unverified, targets := 0, map[string]bool{}
	for _, t := range l.report.Targets {
		if targets[t.Name] {
			continue
		}
		targets[t.Name] = true
		if l.report.UnverifiedFor(t.Name) {
			unverified++
			list = append(list,
				errorTransition{error: Error{Target: t.Name, Unverified: l.isUnverified(t.Name)}})
		}
	}
	for _, p := range l.report.Problems {
		if !targets[p.Target] {
			list = append(list, errorTransition{error: Error{Target: p.Target, What: withoutRegions(p)},
				problem: p.What, why: p.Why, remedy: p.Remedy})
		}
	}
	// An error of the mutes file or of the state does not depend on the run, so no second run has to
	// confirm the error.
	permanent := map[string]bool{}
	for _, p := range l.options.Problems {
		permanent[p.What] = true
		list = append(list, errorTransition{error: Error{What: p.What}, problem: p.What, why: p.Why,
			remedy: p.Remedy})
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
		list = append(list, errorTransition{error: Error{What: problem}, problem: problem,
			impact: impact})
	}
	order := func(a, b errorTransition) int { return a.error.compare(b.error) }
	slices.SortStableFunc(list, order)
	list = slices.CompactFunc(list, func(a, b errorTransition) bool { return order(a, b) == 0 })
	allUnverified := unverified > 0 && unverified == len(targets)
	return list, func(e Error) bool {
		return allUnverified || l.options.Stateless || e.Target == "" && permanent[e.What] ||
			l.options.First != nil && inReport(*l.options.First, e)
	}
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
func (l *lifecycle) isUnverified(target string) bool {
	return !slices.ContainsFunc(l.report.Findings, func(f audit.Finding) bool {
		return f.Target == target && f.Status != audit.Unverified
	})
}

// nextErrors returns the errors to store if nothing is announced, and the transitions to announce.
// The errors are ordered by target, the transitions by rank.
func (l *lifecycle) nextErrors() (errs []Error, transitions []errorTransition) {
	list, confirmedAtOnce := l.auditorErrors()
	// A replay of the stored run does not count as a second run, so it confirms no error.
	anotherRun := l.report.Run.ID != l.previous.Run.ID || l.report.Run.ID == "" &&
		!l.report.Run.At.Equal(l.previous.Run.At)
	for _, c := range list {
		e := Error{Target: c.error.Target, What: c.error.What, Since: l.now}
		i, ok := l.previous.findError(e)
		if ok {
			e = l.previous.Errors[i]
		}
		switch {
		case c.error.Unverified && !e.Unverified:
			e.Runs = 1 // two runs must confirm that nothing about the target is verified
		case anotherRun || !ok:
			e.Runs++
		}
		e.Unverified = c.error.Unverified
		c.error = e
		errs = append(errs, e)
		confirmed := e.Runs > 1 || confirmedAtOnce(e)
		switch {
		case confirmed && (e.Notified.IsZero() || e.Unverified && !e.NotifiedUnverified):
			c.reason = ReasonAuditorError
		case !e.Notified.IsZero() && l.options.due(l.now, e.Notified, e.Reminders, false, 0):
			c.reason = ReasonReminder
		default:
			continue
		}
		transitions = append(transitions, c)
	}
	for _, previous := range l.previous.Errors {
		persists := slices.ContainsFunc(list, func(c errorTransition) bool {
			return c.error.compare(previous) == 0
		})
		// No message announces the end of an error without a target: the owner of the mutes file corrects
		// the file, and the run that announces a damaged state replaces the state.
		if persists || previous.Notified.IsZero() || previous.Target == "" {
			continue
		}
		errs = append(errs, previous)
		if !l.recoveryUnconfirmed(previous.Target) {
			transitions = append(transitions,
				errorTransition{reason: ReasonAuditorError, error: previous, ended: true})
		}
	}
	slices.SortFunc(errs, Error.compare)
	slices.SortStableFunc(transitions, func(a, b errorTransition) int {
		return cmp.Compare(a.rank(), b.rank())
	})
	return errs, transitions
}

// recoveryUnconfirmed reports whether the run cannot confirm that an error about the target ended.
// Such a run is incomplete and audited no target, or it could not list all functions and did not
// find the target.
func (l *lifecycle) recoveryUnconfirmed(target string) bool {
	if target == audit.AccountTarget || len(l.report.Targets) == 0 {
		return len(l.report.Targets) == 0 && l.report.Unverified()
	}
	return l.unknownTargets() &&
		!slices.ContainsFunc(l.report.Targets, func(t audit.TargetReport) bool {
			return t.Name == target
		})
}

// rank returns the sort key of a transition. The order is: target not verified at all, target or
// account not fully verified, other auditor errors, ended errors.
func (c errorTransition) rank() int {
	switch {
	case c.ended:
		return 3
	case c.error.Unverified:
		return 0
	case c.error.limitsVerification():
		return 1
	}
	return 2
}

// limitsVerification reports whether the error prevents the verification of a target or of the
// account. Errors without a target are about the state or the mutes file.
func (e Error) limitsVerification() bool { return e.Target != "" }

func (s State) findError(e Error) (int, bool) {
	return slices.BinarySearchFunc(s.Errors, e, Error.compare)
}

func (e Error) compare(o Error) int {
	return cmp.Or(cmp.Compare(e.Target, o.Target), cmp.Compare(e.What, o.What))
}

// markErrorsNotified returns the errors to store after the transitions were announced at now. It
// leaves out errors that ended.
func markErrorsNotified(errs []Error, transitions []errorTransition, now time.Time,
	thread string) []Error {
	var out []Error
	for _, e := range errs {
		i := slices.IndexFunc(transitions, func(c errorTransition) bool {
			return c.error.compare(e) == 0
		})
		switch {
		case i < 0:
			out = append(out, e)
		case transitions[i].ended:
		default:
			e.Notified, e.Thread, e.NotifiedUnverified = now, thread, e.NotifiedUnverified || e.Unverified
			e.Reminders = 0
			if transitions[i].reason == ReasonReminder {
				e.Reminders = transitions[i].error.Reminders + 1
			}
			out = append(out, e)
		}
	}
	return out
}

// errorText returns one sentence with the error and its cause or impact, or with its duration if
// the error ended.
func (d digest) errorText(c errorTransition) string {
	subject := cmp.Or(c.error.What, c.error.Target)
	switch {
	case c.ended && subject == audit.ProblemConfiguration:
		return "the configuration is valid again after " + durationText(d.now.Sub(c.error.Since))
	case c.ended:
		return subject + ": verified again after " + durationText(d.now.Sub(c.error.Since))
	case c.error.What != "":
		return subject + ": " + cmp.Or(c.why, c.impact)
	case c.error.Unverified:
		return subject + ": not verified at all" + d.problemSuffix(subject)
	}
	return subject + ": not fully verified" + d.problemSuffix(subject)
}

// problemSuffix returns the first problem about a target as the end of a sentence: the permission
// that the auditor lacks, or what failed and why. It returns "" if no problem is about the target.
func (d digest) problemSuffix(target string) string {
	for _, p := range d.report.Problems {
		switch {
		case p.Target != target:
		case p.Grant != "":
			return "; auditor lacks " + p.Grant
		default:
			return "; " + p.What + ": " + p.Why
		}
	}
	return ""
}
