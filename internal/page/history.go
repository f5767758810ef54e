package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/timeline"
)

// A historyView is the history of the gaps, account by account.
type historyView struct {
	Series      []seriesView
	Unread      []fact
	UnreadCount int
	MoreUnread  string
}

type seriesView struct {
	Title, Verdict, Tone string
	Facts                []fact
	// Chart is nil for a single run.
	Chart    *chart
	Rows     []recovery
	MoreRows string
	Note     string
}

// A recovery is a gap that recovered.
type recovery struct{ Action, Target, Severity, Opened, Closed, Took string }

// The limits of a history's lists and of the steps of its chart.
const (
	maxRecoveries = 50
	maxUnread     = 50
	maxSteps      = 240
)

func newHistoryView(h timeline.Timeline) *historyView {
	v := &historyView{UnreadCount: len(h.Unread)}
	for _, s := range h.Series {
		v.Series = append(v.Series, newSeriesView(s))
	}
	for i, u := range h.Unread {
		if i == maxUnread {
			v.MoreUnread = textfmt.More(len(h.Unread)-i, "object")
			break
		}
		v.Unread = append(v.Unread, fact{clean(u.Key), clean(u.Err.Error()), true})
	}
	return v
}

func newSeriesView(s timeline.Series) seriesView {
	v := seriesView{Title: "Account " + clean(s.Account), Tone: reportTone(s.Latest),
		Verdict: clean(report.VerdictOf(s.Latest).Title)}
	if s.Auditor != "" {
		v.Title += ", auditor " + clean(s.Auditor)
	}
	first, last := s.Runs[0], s.Runs[len(s.Runs)-1]
	add := func(label, text string) { v.Facts = append(v.Facts, fact{Label: label, Text: text}) }
	add("Runs", fmt.Sprintf("%d, from %s to %s", len(s.Runs), textfmt.Time(first.At),
		textfmt.Time(last.At)))
	if pause := longestPause(s.Runs); pause > 0 {
		add("Longest time between two runs", textfmt.Duration(pause))
	}
	add("Open in the last run", textfmt.Plural(last.Total(), "gap"))
	v.addRecoveries(s, add)
	if oldest := oldestOpen(s); !oldest.IsZero() {
		add("Oldest open gap", "since "+textfmt.Time(oldest))
	}
	if len(s.Runs) > 1 {
		v.Chart = newChart(s.Runs)
	}
	return v
}

// longestPause returns the longest time between two runs. What happened within it is unknown.
func longestPause(runs []timeline.Run) (longest time.Duration) {
	for i := 1; i < len(runs); i++ {
		longest = max(longest, runs[i].At.Sub(runs[i-1].At))
	}
	return longest
}

// reportTone returns the class of a report's verdict.
func reportTone(r audit.Report) string {
	switch r.Status {
	case audit.StatusGaps:
		return tone(r.Worst())
	case audit.StatusCompliant:
		return "ok"
	}
	return "unverified"
}

// addRecoveries adds the gaps that recovered, the slowest first.
func (v *seriesView) addRecoveries(s timeline.Series, add func(label, text string)) {
	var recovered []timeline.Span
	ended, before := 0, 0
	for _, span := range s.Spans {
		if _, ok := span.Recovered(); ok {
			recovered = append(recovered, span)
			if span.Before {
				before++
			}
		}
		if !span.Ended.IsZero() {
			ended++
		}
	}
	add("Recovered", textfmt.Plural(len(recovered), "gap"))
	if times := s.Recovery(); len(times) > 0 {
		add("Median time to recovery", textfmt.Duration(timeline.Median(times)))
		add("Longest time to recovery", textfmt.Duration(times[len(times)-1]))
	}
	if ended > 0 {
		add("No longer audited", textfmt.Plural(ended, "gap"))
	}
	if before > 0 {
		v.Note = fmt.Sprintf("The reports do not show when %d of the recovered gaps opened. The median "+
			"and the longest time leave %s out.", before, textfmt.Verb(before, "it", "them"))
	}
	slices.SortStableFunc(recovered, func(a, b timeline.Span) int {
		x, _ := a.Recovered()
		y, _ := b.Recovered()
		return cmp.Compare(y, x)
	})
	for i, span := range recovered {
		if i == maxRecoveries {
			v.MoreRows = textfmt.Capitalize(textfmt.More(len(recovered)-i, "gap"))
			break
		}
		took, _ := span.Recovered()
		row := recovery{Action: cmp.Or(clean(span.Action), "does not exist"), Target: clean(span.Target),
			Severity: tone(span.Severity), Opened: textfmt.Time(span.Opened),
			Closed: textfmt.Time(span.Closed), Took: textfmt.Duration(took)}
		if span.Before {
			row.Opened, row.Took = "before "+row.Opened, "more than "+row.Took
		}
		v.Rows = append(v.Rows, row)
	}
}

// oldestOpen returns since when the oldest open gap is open, or zero without open gaps. The state
// knows gaps that opened before the first report.
func oldestOpen(s timeline.Series) (oldest time.Time) {
	since := opened(s.Open)
	for _, span := range s.Spans {
		if !span.Closed.IsZero() || !span.Ended.IsZero() {
			continue
		}
		at := span.Opened
		if known, ok := since[span.Identity]; ok && known.Before(at) {
			at = known
		}
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

// A chart shows the open gaps over time as stacked areas, one for each severity.
type chart struct {
	Width, Height int
	Label         string
	Lines         []gridLine
	Areas         []area
	Incomplete    []mark
	Ticks         []tick
	Note          string
}

type gridLine struct {
	X1, X2, Y, TextX, TextY int
	Text                    string
}

type area struct{ Class, Path string }

type mark struct{ X, Y, Width int }

type tick struct {
	X, Y         int
	Anchor, Text string
}

// The measures of a chart in the units of its view box.
const (
	chartWidth, chartHeight      = 960, 220
	plotLeft, plotRight          = 40, 950
	plotTop, plotBottom, marksAt = 12, 180, 184
)

func newChart(runs []timeline.Run) *chart {
	c := &chart{Width: chartWidth, Height: chartHeight}
	first, last := runs[0].At, runs[len(runs)-1].At
	most, mostAt := 0, first
	for _, r := range runs {
		if n := r.Total(); n > most {
			most, mostAt = n, r.At
		}
	}
	c.Label = fmt.Sprintf(
		"%s from %s to %s. Open gaps at the end: %d. Highest number: %d, first on %s.",
		textfmt.Plural(len(runs), "run"), textfmt.Time(first), textfmt.Time(last),
		runs[len(runs)-1].Total(), most, textfmt.Time(mostAt))
	steps := reduce(runs)
	if len(steps) < len(runs) {
		c.Note = fmt.Sprintf("The chart has %d steps for %d runs. Each step shows the run with the most "+
			"open gaps of its part.", len(steps), len(runs))
	}
	x := func(at time.Time) int {
		whole := last.Sub(first)
		if whole <= 0 {
			return plotLeft
		}
		return plotLeft + int(float64(plotRight-plotLeft)*float64(at.Sub(first))/float64(whole))
	}
	unit := scale(most)
	top := max((most+unit-1)/unit*unit, 1)
	y := func(n int) int { return plotBottom - (plotBottom-plotTop)*n/top }
	for n := 0; n <= top; n += unit {
		c.Lines = append(c.Lines, gridLine{plotLeft, plotRight, y(n), plotLeft - 8, y(n) + 4,
			fmt.Sprint(n)})
	}
	base := make([]int, len(steps))
	for s := policies.Critical; s >= policies.Low; s-- {
		c.addArea(s, steps, base, x, y)
	}
	for i, step := range steps {
		if step.Incomplete {
			end := plotRight
			if i+1 < len(steps) {
				end = x(steps[i+1].At)
			}
			c.Incomplete = append(c.Incomplete, mark{x(step.At), marksAt, max(end-x(step.At), 2)})
		}
	}
	const ticks = 4
	form := "2 Jan 2006"
	if last.Sub(first) < ticks*24*time.Hour { // or two ticks would have the same day
		form = "2 Jan 15:04"
	}
	for i := range ticks + 1 {
		at := first.Add(last.Sub(first) * time.Duration(i) / ticks)
		anchor := map[int]string{0: "start", ticks: "end"}[i]
		c.Ticks = append(c.Ticks, tick{x(at), plotBottom + 26, cmp.Or(anchor, "middle"),
			at.UTC().Format(form)})
		if first.Equal(last) {
			break
		}
	}
	return c
}

// addArea adds the area of a severity above base, and raises base by it. It adds nothing if no run
// has such a gap.
func (c *chart) addArea(s policies.Severity, steps []timeline.Run, base []int,
	x func(time.Time) int,
	y func(int) int) {
	some := false
	var path strings.Builder
	point := func(px, py int) {
		if path.Len() == 0 {
			fmt.Fprintf(&path, "M%d %d", px, py)
			return
		}
		fmt.Fprintf(&path, "L%d %d", px, py)
	}
	end := func(i int) int {
		if i+1 < len(steps) {
			return x(steps[i+1].At)
		}
		return plotRight
	}
	for i, step := range steps {
		n := step.Open[s]
		some = some || n > 0
		point(x(step.At), y(base[i]+n))
		point(end(i), y(base[i]+n))
	}
	for i := len(steps) - 1; i >= 0; i-- {
		point(end(i), y(base[i]))
		point(x(steps[i].At), y(base[i]))
		base[i] += steps[i].Open[s]
	}
	if some {
		c.Areas = append(c.Areas, area{tone(s), path.String() + "Z"})
	}
}

// reduce returns at most maxSteps runs: of each part of the time, the one with the most open gaps.
// It is incomplete if a run of the part is.
func reduce(runs []timeline.Run) []timeline.Run {
	if len(runs) <= maxSteps {
		return runs
	}
	steps := make([]timeline.Run, maxSteps)
	for i := range steps {
		part := runs[i*len(runs)/maxSteps : (i+1)*len(runs)/maxSteps]
		step := part[0]
		for _, r := range part {
			incomplete := step.Incomplete || r.Incomplete
			if r.Total() > step.Total() {
				r.At = part[0].At
				step = r
			}
			step.Incomplete = incomplete
		}
		steps[i] = step
	}
	return steps
}

// scale returns the distance of the lines of a chart: 1, 2 or 5 times a power of ten.
func scale(most int) int {
	for unit := 1; ; unit *= 10 {
		for _, factor := range []int{1, 2, 5} {
			if most <= 5*unit*factor {
				return unit * factor
			}
		}
	}
}
