package checks

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// judge collects the results of the checks.
type judge struct {
	Facts
	result audit.CheckResult
	// stopped are the functions that no render can use. limited are these, and the functions that only
	// a render with a setting can use.
	stopped, limited map[function]bool
}

// function identifies a deployed function.
type function struct{ region, name string }

// Judge returns the results of the checks of a set. Facts are nil if the functions of the account
// are not listed: then no check is made. It lists the subjects of the checks that are not made.
func Judge(facts *Facts, set Set) audit.CheckResult {
	j := &judge{stopped: map[function]bool{}, limited: map[function]bool{}}
	for _, c := range All() {
		switch {
		case !set.Has(c.ID):
			j.notChecked(c.Subject + " (" + string(c.ID) + " is off)")
		case facts == nil:
			j.notChecked(c.Subject)
		default:
			j.Facts = *facts
			c.judge(j, c)
		}
	}
	j.notCheckedFunctions()
	j.sayWhatStops()
	return j.result
}

// stops notes that a finding stops renders with a function.
func (j *judge) stops(f audit.Finding, fn audit.Function) {
	j.limited[function{fn.Region, fn.Name}] = true
	if f.Status == audit.Denied {
		j.stopped[function{fn.Region, fn.Name}] = true
	}
}

// sayWhatStops sets what the gaps stop: each render if the gaps leave no function for a render,
// else only some. A function of which nothing was read is left.
func (j *judge) sayWhatStops() {
	for i := range j.result.Findings {
		f, without := &j.result.Findings[i], j.limited
		if f.Status == audit.Denied {
			without = j.stopped
		}
		if !f.Status.Gap() || f.Status == audit.Conditional && f.Stops != policies.Renders {
			continue
		}
		f.Stops = policies.Renders
		if slices.ContainsFunc(j.Functions, func(fn Function) bool {
			return !without[function{fn.Region, fn.Name}]
		}) {
			f.Stops = policies.SomeRenders
		}
	}
}

// notChecked adds what was not checked.
func (j *judge) notChecked(what string) {
	j.result.NotChecked = textfmt.AppendNew(j.result.NotChecked, what)
}

// notCheckedFunctions adds the number of functions about which nothing was read.
func (j *judge) notCheckedFunctions() {
	for _, region := range j.Regions {
		skipped := 0
		for _, fn := range j.Functions {
			if fn.Region == region.Name && fn.Skipped {
				skipped++
			}
		}
		if skipped > 0 {
			j.notChecked(textfmt.Plural(skipped, "further function") + " of " + region.Name)
		}
	}
}

// finding returns a satisfied finding of a check about a resource, which is one of the target.
func (j *judge) finding(c Check, target, action, resource, region string) audit.Finding {
	return audit.Finding{Target: target, Policy: audit.CheckKind, Sid: string(c.ID), Action: action,
		Resource: resource, Region: region, Status: audit.Satisfied, Asked: 1, Covered: 1,
		Source: c.Source}
}

// arn returns the ARN of a resource of the account.
func (j *judge) arn(service, region, resource string) string {
	return arn.ARN{Partition: j.Partition, Service: service, Region: region, Account: j.Account,
		Resource: resource}.String()
}

// add adds a finding. A finding that is not satisfied names its resource as the example.
func (j *judge) add(f audit.Finding) {
	if f.Status != audit.Satisfied {
		f.ExampleARN, f.Covered = f.Resource, 0
	}
	j.result.Findings = append(j.result.Findings, f)
}

// addUnread adds an unverified finding about a failed read, and the problem.
func (j *judge) addUnread(f audit.Finding, p audit.Problem) {
	f.Status, f.Why = audit.Unverified, p.What+": "+p.Why
	if p.Grant != "" { // AWS's text names the resource, so that each finding would have another cause
		f.Why = "AWS denies the read to the auditor"
	}
	j.add(f)
	j.addProblem(p)
}

// addProblem adds a problem. A problem with the same subject and the same missing grant in another
// region is the same problem.
func (j *judge) addProblem(p audit.Problem) {
	what, region, _ := strings.Cut(p.What, " in ")
	i := slices.IndexFunc(j.result.Problems, func(o audit.Problem) bool {
		before, _, _ := strings.Cut(o.What, " in ")
		return before == what && o.Grant == p.Grant && (p.Grant != "" || o.Why == p.Why)
	})
	if i < 0 {
		j.result.Problems = append(j.result.Problems, p)
		return
	}
	_, regions, _ := strings.Cut(j.result.Problems[i].What, " in ")
	if !slices.Contains(strings.Split(regions, ", "), region) {
		j.result.Problems[i].What += ", " + region
	}
}
