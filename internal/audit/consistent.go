package audit

import (
	"errors"
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// CheckConsistent returns an error if a report that was read contradicts itself. What is shown of a
// report comes from its status, its counts and its findings: a report with gaps must not read as
// compliant in any of them.
func (r Report) CheckConsistent() error {
	type owner struct {
		target string
		policy policies.PolicyKind
	}
	var all Summary
	counts, absent := map[owner]Summary{}, map[owner]bool{}
	for i, f := range r.Findings {
		if err := checkStatus("finding", i, f); err != nil {
			return err
		}
		one := count([]Finding{f}, 1)
		if f.Status.Gap() && f.Muted != nil {
			one = one.muted(f)
		}
		key := owner{f.Target, f.Policy}
		counts[key], all = counts[key].Plus(one), all.Plus(one)
		absent[key] = absent[key] || f.Action == ""
	}
	if r.Upgrade != nil {
		for i, f := range r.Upgrade.Findings {
			if err := checkStatus("finding of the upgrade", i, f); err != nil {
				return err
			}
		}
	}
	want := StatusCompliant
	switch {
	case all.Gaps > 0:
		want = StatusGaps
	case all.Unverified > 0 || len(r.Problems) > 0:
		want = StatusUnverified
	case len(r.Findings) == 0:
		return errors.New("the report has neither findings nor problems: it judges nothing")
	}
	if r.Status != want {
		return fmt.Errorf("the status is %s, but the document has %s and %d unverified, which is %s",
			textfmt.Quote(string(r.Status), 40), textfmt.Plural(all.Gaps, "gap"),
			all.Unverified+len(r.Problems), want)
	}
	anyAbsent := false
	for _, t := range r.Targets {
		key := owner{t.Name, t.Kind.Policy()}
		anyAbsent = anyAbsent || absent[key]
		if !t.Summary.matches(counts[key], absent[key], want == StatusGaps) {
			return fmt.Errorf("target %s has %s, but its findings have %s", textfmt.Quote(t.Name, 80),
				t.Summary.counts(), counts[key].counts())
		}
	}
	if !r.Summary.matches(all, anyAbsent, want == StatusGaps) {
		return fmt.Errorf("the summary has %s, but the findings have %s", r.Summary.counts(),
			all.counts())
	}
	return nil
}

// matches reports whether a summary is that of findings. The requirements of an absent target have
// one finding together. A report with gaps may be an extract: it can count more than it lists,
// because it does not read as good.
func (s Summary) matches(found Summary, absent, extract bool) bool {
	if extract {
		return s.Satisfied >= 0 && s.Requirements >= s.Satisfied && s.Gaps >= found.Gaps &&
			s.GapsCritical >= found.GapsCritical && s.GapsMuted >= found.GapsMuted &&
			s.Unverified >= found.Unverified
	}
	if absent { // and muted, or the report would have a gap
		found.Requirements = max(s.Requirements, found.Requirements)
	}
	return s == found
}

func (s Summary) counts() string {
	return fmt.Sprintf("%d requirements (%d satisfied, %d gaps, %d critical, %d muted, %d unverified)",
		s.Requirements, s.Satisfied, s.Gaps, s.GapsCritical, s.GapsMuted, s.Unverified)
}

// checkStatus refuses a status that this release does not know, and a gap without a severity, which
// no count by severity would have.
func checkStatus(what string, i int, f Finding) error {
	known := []Status{Satisfied, Conditional, Partial, Missing, Denied, Unverified}
	if !slices.Contains(known, f.Status) {
		return fmt.Errorf("%s %d has the unknown status %s", what, i+1,
			textfmt.Quote(string(f.Status), 40))
	}
	if f.Status.Gap() && f.Severity == 0 {
		return fmt.Errorf("%s %d is a gap without a severity", what, i+1)
	}
	return nil
}
