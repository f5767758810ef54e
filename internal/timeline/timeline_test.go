package timeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

var start = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)

// day returns the time of the run of a day, from 1.
func day(n int) time.Time { return start.AddDate(0, 0, n-1) }

// storeMap is a Store in memory. Keys with an error cannot be read.
type storeMap struct {
	mu      sync.Mutex
	objects map[string]string
	errs    map[string]error
	listErr error
	reads   int
}

func (s *storeMap) List(_ context.Context, prefix, after string, most int) (keys []string,
	more bool,
	err error) {
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	if len(keys) > most {
		return keys[:most], true, s.listErr
	}
	return keys, false, s.listErr
}

func (s *storeMap) Read(_ context.Context, key string, most int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if err := s.errs[key]; err != nil {
		return nil, err
	}
	text := s.objects[key]
	return []byte(text[:min(int64(len(text)), most)]), nil
}

// finding returns a finding about an action of user/ci. The statuses are written as their first
// letters: s for satisfied, m for missing, u for unverified, M for missing and muted. o is
// satisfied and about another target.
func finding(action string, status rune) audit.Finding {
	f := audit.Finding{Target: "user/ci", Policy: policies.User, Sid: "Storage", Action: action,
		Resource: "*", Severity: policies.Critical}
	switch status {
	case 's':
		f.Status = audit.Satisfied
	case 'o':
		f.Target, f.Status = "user/other", audit.Satisfied
	case 'u':
		f.Status = audit.Unverified
	case 'm', 'M':
		f.Status, f.Cause = audit.Missing, audit.NoGrant
		if status == 'M' {
			f.Muted = &audit.Mute{Owner: "o", Reason: "r", Until: start}
		}
	}
	return f
}

// add adds the report of a day with a status for each action a, b, c ... A blank means that the
// report does not have the requirement.
func (s *storeMap) add(n int, account, statuses string,
	change ...func(*audit.Report)) (key string) {
	r := audit.Report{SchemaVersion: audit.SchemaVersion, Status: audit.StatusCompliant,
		Account: account, Run: audit.Run{ID: fmt.Sprintf("run-%03d", n), At: day(n), Auditor: "auditor"},
		Findings: []audit.Finding{}, Targets: []audit.TargetReport{{Name: "user/ci"}}}
	for i, status := range statuses {
		if status == ' ' {
			continue
		}
		f := finding(fmt.Sprintf("s3:Action%c", 'A'+i), status)
		r.Findings = append(r.Findings, f)
	}
	for _, c := range change {
		c(&r)
	}
	summarize(&r)
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	key = "reports/" + r.Run.At.Format(dayForm) + "/" + account + "-" + r.Run.ID + ".json"
	s.objects[key] = string(text)
	return key
}

// summarize sets the status and the counts of a report.
func summarize(r *audit.Report) {
	s := audit.Summary{Requirements: len(r.Findings)}
	for _, f := range r.Findings {
		switch {
		case f.Gap():
			s.Gaps, s.GapsCritical = s.Gaps+1, s.GapsCritical+1
		case f.Status == audit.Unverified:
			s.Unverified++
		case f.Status == audit.Satisfied:
			s.Satisfied++
		default:
			s.GapsMuted++
		}
	}
	r.Summary, r.Status = s, audit.StatusCompliant
	switch {
	case s.Gaps > 0:
		r.Status = audit.StatusGaps
	case r.Unverified():
		r.Status = audit.StatusUnverified
	}
	if len(r.Targets) == 1 && len(r.Findings) > 0 {
		r.Targets[0] = audit.TargetReport{Name: r.Findings[0].Target, Summary: s}
	}
}

func newStore(runs ...string) *storeMap {
	s := &storeMap{objects: map[string]string{}, errs: map[string]error{}}
	for i, statuses := range runs {
		s.add(i+1, "123456789012", statuses)
	}
	return s
}

func read(t testing.TB, s *storeMap, change ...func(*Options)) Timeline {
	t.Helper()
	o := Options{Last: 10_000}
	for _, c := range change {
		c(&o)
	}
	line, err := Read(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// TestSpans checks when gaps open and close. A span is written as its action, the days of its
// opening and its end, and how it ended: c closed, e ended, o open. ">" means that the beginning of
// the gap is unknown.
func TestSpans(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		runs []string
		want string
	}{
		"a gap opens and recovers":  {[]string{"s", "m", "m", "s"}, "A 2-4c"},
		"a gap of the first report": {[]string{"m", "s"}, ">A 1-2c"},
		"a gap stays open":          {[]string{"s", "m", "m"}, "A 2-o"},
		"a gap opens twice": {[]string{"s", "m", "s", "m", "s"},
			"A 2-3c, A 4-5c"},
		"an unverified requirement does not recover": {[]string{"s", "m", "u", "u", "s"}, "A 2-5c"},
		"an unverified requirement stays open":       {[]string{"s", "m", "u"}, "A 2-o"},
		"a requirement that is no longer audited":    {[]string{"ss", "ms", " s"}, "A 2-3e"},
		"an incomplete report ends nothing":          {[]string{"ss", "ms", " u", "ss"}, "A 2-4c"},
		"a muted gap is open":                        {[]string{"s", "M", "s"}, "A 2-3c"},
		"two gaps":                                   {[]string{"ss", "ms", "mm", "sm"}, "A 2-4c, B 3-o"},
		"no gap":                                     {[]string{"ss", "ss"}, ""},
		"a gap that was unverified from the start":   {[]string{"u", "u", "m", "s"}, ">A 3-4c"},
		"a gap that was satisfied and unverified":    {[]string{"s", "u", "m", "s"}, "A 3-4c"},
		"a gap in the first report about its target": {[]string{"o", "m", "s"}, ">A 2-3c"},
		"a requirement of a new release":             {[]string{"s", "sm", "ss"}, "B 2-3c"},
		"a gap after a report without its target": {[]string{"s", "m", "o", "m", "s"},
			"A 2-3e, >A 4-5c"},
		"a gap after a report without its requirement": {[]string{"ss", "ms", " s", "ms", "ss"},
			"A 2-3e, A 4-5c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := read(t, newStore(tt.runs...)).Series[0]
			var got []string
			for _, span := range s.Spans {
				text := strings.TrimPrefix(span.Action, "s3:Action") + " " + fmt.Sprint(dayNumber(span.Opened))
				if span.Before {
					text = ">" + text
				}
				switch {
				case !span.Closed.IsZero():
					text += fmt.Sprintf("-%dc", dayNumber(span.Closed))
				case !span.Ended.IsZero():
					text += fmt.Sprintf("-%de", dayNumber(span.Ended))
				default:
					text += "-o"
				}
				got = append(got, text)
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %q, want %q", strings.Join(got, ", "), tt.want)
			}
		})
	}
}

func dayNumber(at time.Time) int { return int(at.Sub(start)/(24*time.Hour)) + 1 }

func TestRunsCountOpenGaps(t *testing.T) {
	t.Parallel()
	s := read(t, newStore("ss", "mM", "um", "sM")).Series[0]
	var got []int
	for _, r := range s.Runs {
		got = append(got, r.Total())
	}
	// The muted gap does not count, and the unverified one still does.
	if want := []int{0, 1, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if !s.Runs[2].Incomplete || s.Runs[1].Incomplete {
		t.Error("the incomplete run is not marked")
	}
}

// TestMissingTarget checks that a target that does not exist closes no other gap of it, and
// recovers when the target has results again.
func TestMissingTarget(t *testing.T) {
	t.Parallel()
	s := newStore("s", "m")
	s.add(3, "123456789012", "", func(r *audit.Report) {
		f := finding("", 'm')
		f.Sid, f.Cause, f.Resource = "", audit.TargetMissing, ""
		r.Findings, r.Status = append(r.Findings, f), audit.StatusGaps
	})
	s.add(4, "123456789012", "s")
	spans := read(t, s).Series[0].Spans
	if len(spans) != 2 || !spans[0].Closed.Equal(day(4)) || spans[1].Action != "" ||
		!spans[1].Closed.Equal(day(4)) {
		t.Errorf("the spans are %+v", spans)
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	// A is open from the start: when it opened is unknown, so it is not part of the times.
	s := read(t, newStore("mss", "mms", "msm", "ssm", "sss")).Series[0]
	times := s.Recovery()
	if want := []time.Duration{24 * time.Hour, 48 * time.Hour}; !slices.Equal(times, want) {
		t.Errorf("got %v, want %v", times, want)
	}
	if got := Median(times); got != 36*time.Hour {
		t.Errorf("the median is %s", got)
	}
	if Median(nil) != 0 || Median(times[:1]) != 24*time.Hour {
		t.Error("the median of no time and of one time")
	}
}

// TestBadObjectsAreNamed checks that no object ends the reading, and that each one that could not
// be used is named.
func TestBadObjectsAreNamed(t *testing.T) {
	t.Parallel()
	s := newStore("s", "m")
	s.objects["reports/2026/11/01/empty.json"] = ""
	s.objects["reports/2026/11/01/garbled.json"] = `{"schemaVersion": "1", "find`
	s.objects["reports/2026/11/01/huge.json"] = strings.Repeat(" ", maxReport+1)
	s.objects["reports/2026/11/01/deep.json"] = strings.Repeat("[", 100)
	s.objects["reports/2026/11/01/other.json"] = `{"hello": "world"}`
	s.objects["reports/2026/11/01/list.json"] = `[]`
	s.objects["reports/2026/11/01/newer.json"] = strings.Replace(
		s.objects["reports/2026/11/01/123456789012-run-001.json"], `"schemaVersion":"1"`,
		`"schemaVersion":"9"`, 1)
	s.objects["reports/2026/11/02/denied.json"] = "{}"
	s.errs["reports/2026/11/02/denied.json"] = errors.New("access denied")
	first := s.objects["reports/2026/11/01/123456789012-run-001.json"]
	s.objects["reports/2026/11/03/copy.json"] = first
	s.objects["reports/readme.txt"] = "hello"
	s.objects["reports/2026/11/01/"] = ""
	s.objects["state/123456789012/auditor.json"] = "{"
	line := read(t, s)
	got := map[string]string{}
	for _, u := range line.Unread {
		got[u.Key] = u.Err.Error()
		if want := strings.Contains(u.Key, "/02/") || strings.Contains(u.Key, "/03/"); u.New != want {
			t.Errorf("%s: newer %v", u.Key, u.New)
		}
	}
	for key, want := range map[string]string{
		"reports/2026/11/01/empty.json":   "empty",
		"reports/2026/11/01/garbled.json": "not a report",
		"reports/2026/11/01/huge.json":    "more than",
		"reports/2026/11/01/deep.json":    "",
		"reports/2026/11/01/other.json":   "not a report",
		"reports/2026/11/01/list.json":    "not a report",
		"reports/2026/11/01/newer.json":   `schema version "9"`,
		"reports/2026/11/02/denied.json":  "access denied",
		"reports/2026/11/03/copy.json":    "not the day of its key",
		"reports/readme.txt":              "the key is not",
		"state/123456789012/auditor.json": "not JSON",
	} {
		if text, ok := got[key]; !ok || !strings.Contains(text, want) {
			t.Errorf("%s: %q, want %q", key, text, want)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("also unread: %v", got)
	}
	if len(line.Series) != 1 || len(line.Series[0].Runs) != 2 {
		t.Errorf("the series are %+v", line.Series)
	}
}

func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	s := newStore("m", "s")
	s.add(1, "999999999999", "s")
	s.add(2, "999999999999", "m")
	s.add(2, "999999999999", "m", func(r *audit.Report) {
		r.Run.Auditor, r.Run.ID = "second", "other"
	})
	line := read(t, s)
	var got []string
	for _, one := range line.Series {
		got = append(got, fmt.Sprint(one.Account, one.Auditor, len(one.Runs), one.Latest.Status))
	}
	want := []string{"123456789012auditor2compliant", "999999999999auditor2gaps",
		"999999999999second1gaps"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	line = read(t, s, func(o *Options) { o.Account = "999999999999" })
	if len(line.Series) != 2 || line.Foreign != 2 {
		t.Errorf("with an account: %d series, %d foreign reports", len(line.Series), line.Foreign)
	}
}

func TestSinceAndLast(t *testing.T) {
	t.Parallel()
	s := newStore("s", "m", "m", "s", "s", "m")
	line := read(t, s, func(o *Options) { o.Since = day(3).Add(time.Hour) })
	if n := len(line.Series[0].Runs); n != 3 {
		t.Errorf("%d runs since day 3, want 3", n)
	}
	line = read(t, s, func(o *Options) { o.Last = 2 })
	if n := len(line.Series[0].Runs); n != 2 || line.Older != 4 ||
		!line.Series[0].Runs[1].At.Equal(day(6)) {
		t.Errorf("%d runs and %d older ones, want 2 and 4", n, line.Older)
	}
}

// TestLastIsTheNewestOfADay checks that the newest reports of a day count, although their keys have
// another order.
func TestLastIsTheNewestOfADay(t *testing.T) {
	t.Parallel()
	s := newStore()
	for i, id := range []string{"c", "a", "e", "b", "d"} {
		s.add(1, "123456789012", "s", func(r *audit.Report) {
			r.Run.ID, r.Run.At = id, start.Add(time.Duration(i)*time.Hour)
		})
	}
	for last, want := range []string{"", "d", "bd", "ebd", "aebd", "caebd", "caebd"} {
		if last == 0 {
			continue
		}
		line := read(t, s, func(o *Options) { o.Last = last })
		got := ""
		for _, r := range line.Series[0].Runs {
			got += r.ID
		}
		if got != want || line.Older != 5-len(want) {
			t.Errorf("the last %d runs are %q, and %d are older, want %q", last, got, line.Older, want)
		}
	}
}

// TestListErrorIsNoTimeline checks that a list that cannot be read to its end is an error: reports
// could be missing without a trace.
func TestListErrorIsNoTimeline(t *testing.T) {
	t.Parallel()
	s := newStore("s")
	s.listErr = errors.New("denied")
	if _, err := Read(t.Context(), s, Options{Last: 1}); !errors.Is(err, s.listErr) {
		t.Errorf("the error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, newStore("s"), Options{Last: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestStateKnowsOpenGaps(t *testing.T) {
	t.Parallel()
	s := newStore("m")
	gap := alert.Gap{Identity: alert.IdentityOf(finding("s3:ActionA", 'm')), Status: audit.Missing,
		Cause: audit.NoGrant, Severity: policies.Critical, Since: start.AddDate(-1, 0, 0), Opened: 1}
	closed := gap
	closed.Action, closed.Closed = "s3:Other", start
	s.objects["state/123456789012/auditor.json"] = string(alert.State{Gaps: []alert.Gap{gap,
		closed}}.JSON())
	s.objects["state/123456789012/auditor.documents.json"] = "{}"
	s.objects["state/123456789012/auditor.broken-run.json"] = "{"
	line := read(t, s)
	if open := line.Series[0].Open; len(open) != 1 || !open[0].Since.Equal(gap.Since) ||
		len(line.Unread) > 0 {
		t.Errorf("open %+v, unread %+v", open, line.Unread)
	}
}

// TestManyReports checks that memory does not grow with the length of the reports.
func TestManyReports(t *testing.T) {
	s := newStore()
	for i := range 2000 {
		s.add(i+1, "123456789012", "smsmsm"[i%2:][:5])
	}
	var line Timeline
	memory.AtMost(t, 2000*32<<10, func() { line = read(t, s) })
	if n := len(line.Series[0].Runs); n != 2000 || s.reads != 2001 {
		t.Errorf("%d runs with %d reads", n, s.reads)
	}
}

// TestContradictionsAreNotUsed checks that a report whose parts contradict each other is named
// instead of shown.
func TestContradictionsAreNotUsed(t *testing.T) {
	t.Parallel()
	s := newStore("m")
	good := s.add(2, "123456789012", "ss")
	text := s.objects[good]
	for name, change := range map[string][2]string{
		"compliant with a gap":          {`"status":"satisfied"`, `"status":"missing"`},
		"compliant with unverified":     {`"status":"satisfied"`, `"status":"unverified"`},
		"an unknown finding status":     {`"status":"satisfied"`, `"status":"great"`},
		"an unknown report status":      {`"status":"compliant"`, `"status":"great"`},
		"gaps without a gap":            {`"status":"compliant"`, `"status":"gaps"`},
		"more satisfied than findings":  {`"satisfied":2`, `"satisfied":46`},
		"a negative number of findings": {`"gaps":0`, `"gaps":-1`},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore("m")
			s.objects[good] = strings.Replace(text, change[0], change[1], 1)
			line := read(t, s)
			if len(line.Unread) != 1 || line.Unread[0].Key != good || !line.Unread[0].New ||
				len(line.Series) != 1 || line.Series[0].Latest.Status != audit.StatusGaps {
				t.Errorf("unread %+v, series %+v", line.Unread, line.Series)
			}
		})
	}
	if line := read(t, s); len(line.Unread) > 0 ||
		line.Series[0].Latest.Status != audit.StatusCompliant {
		t.Errorf("the report without a change: %+v", line)
	}
}
