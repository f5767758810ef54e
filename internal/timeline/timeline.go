// Package timeline derives from the stored reports of an account when each gap opened and closed.
// It reads them through a Store and does not call AWS itself.
//
// A timeline never says more than the reports prove: a gap closes only when a later report has its
// requirement as satisfied, and a gap that the first report has already has no known beginning.
package timeline

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Series is the history of one account as one auditor reported it.
type Series struct {
	Account, Auditor string
	// Latest is the newest report, and LatestKey its key.
	Latest    audit.Report
	LatestKey string
	// Runs are the runs whose reports were read, oldest first.
	Runs []Run
	// Spans are the gaps, in the order in which they were first found.
	Spans []Span
	// Open are the open gaps of the stored state; nil if there is no state.
	Open []alert.Gap
}

// Run is what a report says about the number of gaps.
type Run struct {
	At time.Time
	ID string
	// Open counts the gaps that are open and not muted, by severity. It includes gaps that the run
	// could not verify, and that an earlier run found.
	Open map[policies.Severity]int
	// Incomplete is true if something was unverified.
	Incomplete bool
}

// Total returns the number of open gaps.
func (r Run) Total() (n int) {
	for _, count := range r.Open {
		n += count
	}
	return n
}

// A Span is the time in which a gap was open.
type Span struct {
	alert.Identity
	Severity policies.Severity
	// Opened is the time of the first report with the gap. If Before is true, the gap is at least that
	// old: no earlier report shows that there was none. That is so in the first report of the history,
	// in the first one about a target, and after reports that could not verify the requirement.
	Opened time.Time
	Before bool
	// Closed is the time of the first report that has the requirement as satisfied; zero while the gap
	// is open.
	Closed time.Time
	// Ended is the time of the first complete report without the requirement: its target or its
	// release is no longer audited. The gap did not recover.
	Ended time.Time
}

// Recovered reports whether the gap recovered, and how long that took. If Before is true, it took
// longer.
func (s Span) Recovered() (time.Duration, bool) {
	return s.Closed.Sub(s.Opened), !s.Closed.IsZero()
}

// Recovery returns the times to recovery of the gaps with a known beginning, shortest first.
func (s Series) Recovery() (times []time.Duration) {
	for _, span := range s.Spans {
		if d, ok := span.Recovered(); ok && !span.Before {
			times = append(times, d)
		}
	}
	slices.Sort(times)
	return times
}

// Median returns the median of sorted times, or 0 without times.
func Median(sorted []time.Duration) time.Duration {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// An identities table numbers the identities of requirements. Many reports have the same ones, and
// a number takes 4 bytes.
type identities struct {
	numbers map[alert.Identity]int32
	list    []alert.Identity
}

func newIdentities() *identities { return &identities{numbers: map[alert.Identity]int32{}} }

func (t *identities) number(id alert.Identity) int32 {
	n, ok := t.numbers[id]
	if !ok {
		n = int32(len(t.list))
		t.numbers[id] = n
		t.list = append(t.list, id)
	}
	return n
}

// A record is what the history keeps of a report.
type record struct {
	account, auditor, id, key string
	at                        time.Time
	incomplete                bool
	gaps                      []gap
	satisfied, unverified     []int32
	// audited are the targets with results, missing those that do not exist, and failed those of
	// problems.
	audited, missing, failed map[string]bool
}

type gap struct {
	id       int32
	severity policies.Severity
	muted    bool
}

// newRecord reduces a report.
func newRecord(r audit.Report, key string, ids *identities) record {
	rec := record{account: r.Account, auditor: r.Run.Auditor, id: r.Run.ID, key: key, at: r.Run.At,
		incomplete: r.Unverified(), audited: map[string]bool{}, missing: map[string]bool{},
		failed: map[string]bool{}}
	for _, f := range r.Findings {
		id := ids.number(alert.IdentityOf(f))
		if f.Action != "" {
			rec.audited[f.Target] = true
		}
		switch {
		case f.Status == audit.Satisfied:
			rec.satisfied = append(rec.satisfied, id)
		case f.Status == audit.Unverified:
			rec.unverified = append(rec.unverified, id)
		case f.Status.Gap():
			rec.gaps = append(rec.gaps, gap{id, f.Severity, f.Muted != nil})
			if f.Action == "" {
				rec.missing[f.Target] = true
			}
		}
	}
	for _, p := range r.Problems {
		rec.failed[p.Target] = true
	}
	return rec
}

// tracker follows the gaps of one series from report to report.
type tracker struct {
	ids   *identities
	open  map[int32]int // the index of the open span
	muted map[int32]bool
	spans []Span
	// absent are the requirements that a report has as satisfied, and doubted those that a report
	// could not verify or no longer has. judged are the targets of complete reports: what such a
	// report does not have of a target was no requirement at that time.
	absent, doubted map[int32]bool
	judged          map[string]bool
}

func newTracker(ids *identities) *tracker {
	return &tracker{ids: ids, open: map[int32]int{}, muted: map[int32]bool{}, absent: map[int32]bool{},
		doubted: map[int32]bool{}, judged: map[string]bool{}}
}

// opened reports whether an earlier report shows that there was no such gap.
func (t *tracker) opened(n int32) bool {
	return t.absent[n] || t.judged[t.ids.list[n].Target] && !t.doubted[n]
}

// add adds the next report.
func (t *tracker) add(rec record) Run {
	found := map[int32]bool{}
	for _, g := range rec.gaps {
		i, ok := t.open[g.id]
		if !ok {
			i = len(t.spans)
			t.spans = append(t.spans, Span{Identity: t.ids.list[g.id], Opened: rec.at,
				Before: !t.opened(g.id)})
			t.open[g.id] = i
		}
		t.spans[i].Severity, t.muted[g.id], found[g.id] = g.severity, g.muted, true
	}
	satisfied, unverified := setOf(rec.satisfied), setOf(rec.unverified)
	for n, i := range t.open {
		id := t.ids.list[n]
		switch {
		case found[n] || unverified[n]:
		case satisfied[n], id.Action == "" && !rec.missing[id.Target] && rec.audited[id.Target]:
			t.spans[i].Closed = rec.at
			delete(t.open, n)
		case rec.incomplete || rec.missing[id.Target] || rec.failed[id.Target]:
			// The report does not say whether the gap is open.
		default:
			t.spans[i].Ended = rec.at
			delete(t.open, n)
			delete(t.absent, n)
			t.doubted[n] = !rec.audited[id.Target] // the gap may still exist, unseen
		}
	}
	t.learn(rec)
	run := Run{At: rec.at, ID: rec.id, Open: map[policies.Severity]int{}, Incomplete: rec.incomplete}
	for n, i := range t.open {
		if !t.muted[n] {
			run.Open[t.spans[i].Severity]++
		}
	}
	return run
}

// learn keeps what a report shows about gaps that it does not have.
func (t *tracker) learn(rec record) {
	for _, n := range rec.satisfied {
		t.absent[n] = true
	}
	for _, n := range rec.unverified {
		t.doubted[n] = true
	}
	if !rec.incomplete {
		maps.Copy(t.judged, rec.audited)
	}
}

func setOf(list []int32) map[int32]bool {
	set := make(map[int32]bool, len(list))
	for _, n := range list {
		set[n] = true
	}
	return set
}

// newSeries derives the history from the reports of one account by one auditor.
func newSeries(records []record, ids *identities) Series {
	slices.SortStableFunc(records, func(a, b record) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id))
	})
	t := newTracker(ids)
	s := Series{Account: records[0].account, Auditor: records[0].auditor}
	for _, rec := range records {
		s.Runs = append(s.Runs, t.add(rec))
	}
	s.LatestKey = records[len(records)-1].key
	s.Spans = t.spans
	slices.SortFunc(s.Spans, func(a, b Span) int {
		return cmp.Or(a.Opened.Compare(b.Opened), cmp.Compare(b.Severity, a.Severity),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Sid, b.Sid),
			cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource))
	})
	return s
}
