package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// maxMuteErrors bounds how many errors of the file of mutes are told, and remembered.
const maxMuteErrors = 100

// An errorChange is one thing there is to say about something that could not be looked at.
type errorTransition struct {
	reason Reason
	error  Error
	// what is wrong in full, where and all. The error's What is the part that stays the same.
	what string
	// Why and Remedy are for an error that is about no target.
	why, remedy string
	// ended says that it can be looked at again.
	ended bool
}

// troubles are what could not be looked at in this run: targets, and what is wrong around the
// audit. For each, sure says that it need not be seen twice to be believed.
func (l *lifecycle) troubles() (list []errorTransition, sure func(Error) bool) {
	blind, targets := 0, map[string]bool{}
	for _, t := range l.report.Targets {
		if targets[t.Name] {
			continue
		}
		targets[t.Name] = true
		if l.report.UnverifiedFor(t.Name) {
			blind++
			list = append(list,
				errorTransition{error: Error{Target: t.Name, Unverified: l.isUnverified(t.Name)}})
		}
	}
	for _, p := range l.report.Problems {
		if !targets[p.Target] {
			list = append(list, errorTransition{error: Error{Target: p.Target, What: stem(p)}, what: p.What,
				why: p.Why, remedy: p.Remedy})
		}
	}
	// What is wrong with a file, or with the state, is so however often one looks.
	certain := map[string]bool{}
	for _, p := range l.options.Problems {
		certain[p.What] = true
		list = append(list, errorTransition{error: Error{What: p.What}, what: p.What, why: p.Why,
			remedy: p.Remedy})
	}
	wrong := l.options.MuteErrors
	if more := len(wrong) - maxMuteErrors; more > 0 {
		wrong = append(slices.Clone(wrong[:maxMuteErrors]),
			MuteError{Text: fmt.Sprintf("%d more mutes or fields", more)})
	}
	for _, e := range wrong {
		what := "mutes.yaml, " + e.Error()
		certain[what] = true
		list = append(list, errorTransition{error: Error{What: what}, what: what,
			why: "it mutes nothing until that is corrected"})
	}
	order := func(a, b errorTransition) int { return a.error.compare(b.error) }
	slices.SortStableFunc(list, order)
	list = slices.CompactFunc(list, func(a, b errorTransition) bool { return order(a, b) == 0 })
	all := blind > 0 && blind == len(targets)
	return list, func(e Error) bool {
		return all || l.options.Stateless || e.Target == "" && certain[e.What] ||
			l.options.First != nil && metBefore(*l.options.First, e)
	}
}

// metBefore reports whether an earlier look within the run met the same.
func metBefore(first audit.Report, e Error) bool {
	if e.What == "" {
		return first.UnverifiedFor(e.Target)
	}
	return slices.ContainsFunc(first.Problems, func(p audit.Problem) bool {
		return p.Target == e.Target && stem(p) == e.What
	})
}

// stem is what is wrong without the regions where it is, which may be others in each run.
func stem(p audit.Problem) string {
	what, _, _ := strings.Cut(p.What, " in ")
	return what
}

// isUnverified reports whether nothing at all is known about the target.
func (l *lifecycle) isUnverified(target string) bool {
	return !slices.ContainsFunc(l.report.Findings, func(f audit.Finding) bool {
		return f.Target == target && f.Status != audit.Unverified
	})
}

// errors returns what is remembered of auditor errors from now on, before anything is announced,
// and what there is to say about them.
func (l *lifecycle) errors() (errs []Error, changes []errorTransition) {
	list, sure := l.troubles()
	// A replay of the run that is remembered confirms nothing.
	again := l.report.Run.ID != l.previous.Run.ID || l.report.Run.ID == "" &&
		!l.report.Run.At.Equal(l.previous.Run.At)
	for _, c := range list {
		e := Error{Target: c.error.Target, What: c.error.What, Since: l.now}
		i, ok := l.previous.findError(e)
		if ok {
			e = l.previous.Errors[i]
		}
		switch {
		case c.error.Unverified && !e.Unverified:
			e.Runs = 1 // it got worse, and that has to be seen twice as well
		case again || !ok:
			e.Runs++
		}
		e.Unverified = c.error.Unverified
		c.error = e
		errs = append(errs, e)
		confirmed := e.Runs > 1 || sure(e)
		switch {
		case confirmed && (e.Notified.IsZero() || e.Unverified && !e.NotifiedUnverified):
			c.reason = ReasonAuditorError
		case !e.Notified.IsZero() && l.options.due(l.now, e.Notified, e.Reminders, false, 0):
			c.reason = ReasonReminder
		default:
			continue
		}
		changes = append(changes, c)
	}
	for _, was := range l.previous.Errors {
		still := slices.ContainsFunc(list, func(c errorTransition) bool {
			return c.error.compare(was) == 0
		})
		// Whoever mends a file knows; and a damaged state is replaced by the run that tells of it.
		if still || was.Notified.IsZero() || was.Target == "" {
			continue
		}
		errs = append(errs, was)
		if !l.notConfirmed(was.Target) {
			changes = append(changes, errorTransition{reason: ReasonAuditorError, error: was, ended: true})
		}
	}
	slices.SortFunc(errs, Error.compare)
	slices.SortStableFunc(changes, func(a, b errorTransition) int {
		return cmp.Compare(a.weight(), b.weight())
	})
	return errs, changes
}

// notConfirmed reports whether the run cannot tell about a target that it has not: nothing was
// looked at, or not everything was found that there is.
func (l *lifecycle) notConfirmed(target string) bool {
	if target == audit.AccountTarget || len(l.report.Targets) == 0 {
		return len(l.report.Targets) == 0 && l.report.Unverified()
	}
	return l.unknownTargets() &&
		!slices.ContainsFunc(l.report.Targets, func(t audit.TargetReport) bool {
			return t.Name == target
		})
}

// weight puts the worst first: nothing could be looked at, something could not, it can be again.
func (c errorTransition) weight() int {
	switch {
	case c.ended:
		return 3
	case c.error.Unverified:
		return 0
	case c.error.sight():
		return 1
	}
	return 2
}

// sight reports whether the error is that something in the account could not be looked at: a
// target, or its functions. The others are about what the auditor goes by, its state and its mutes.
func (e Error) sight() bool { return e.Target != "" }

func (s State) findError(e Error) (int, bool) {
	return slices.BinarySearchFunc(s.Errors, e, Error.compare)
}

func (e Error) compare(o Error) int {
	return cmp.Or(cmp.Compare(e.Target, o.Target), cmp.Compare(e.What, o.What))
}

// markErrorsNotified notes in the errors what is announced at now, and forgets those that ended.
func markErrorsNotified(errs []Error, changes []errorTransition, now time.Time,
	thread string) []Error {
	var out []Error
	for _, e := range errs {
		i := slices.IndexFunc(changes, func(c errorTransition) bool { return c.error.compare(e) == 0 })
		switch {
		case i < 0:
			out = append(out, e)
		case changes[i].ended:
		default:
			e.Notified, e.Thread, e.NotifiedUnverified = now, thread, e.NotifiedUnverified || e.Unverified
			e.Reminders = 0
			if changes[i].reason == ReasonReminder {
				e.Reminders = changes[i].error.Reminders + 1
			}
			out = append(out, e)
		}
	}
	return out
}

// said is the error in one sentence, with what AWS or the file says about it.
func (n digest) said(c errorTransition) string {
	about := cmp.Or(c.error.What, c.error.Target)
	switch {
	case c.ended && about == audit.ProblemConfiguration:
		return "the configuration is right again, after " + durationText(n.now.Sub(c.error.Since))
	case c.ended:
		return about + ": can be looked at again, after " + durationText(n.now.Sub(c.error.Since))
	case c.error.What != "":
		return about + ": " + c.why
	case c.error.Unverified:
		return about + ": nothing at all could be looked at" + n.because(about)
	}
	return about + ": not everything could be looked at" + n.because(about)
}

// because names the first problem about a target: what to grant, if that would end it.
func (n digest) because(target string) string {
	for _, p := range n.report.Problems {
		switch {
		case p.Target != target:
		case p.Grant != "":
			return "; denied: " + p.Grant
		default:
			return "; " + p.What + ": " + p.Why
		}
	}
	return ""
}
