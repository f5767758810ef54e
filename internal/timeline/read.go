package timeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Store is a bucket with evidence, or a directory with a copy of one.
type Store interface {
	// List returns at most most keys with a prefix that come after the key after, in the order of
	// their bytes. more is true if there are further keys.
	List(ctx context.Context, prefix, after string, most int) (keys []string, more bool, err error)
	// Read returns the first most bytes of an object.
	Read(ctx context.Context, key string, most int64) ([]byte, error)
}

// Options say which reports are read.
type Options struct {
	// Since is the time of the oldest report.
	Since time.Time
	// Last is the maximum number of reports of all accounts: the newest ones count.
	Last int
	// Account is the account whose reports are read; empty for all accounts.
	Account string
}

// Timeline is what the stored reports say.
type Timeline struct {
	// Series are ordered by account and auditor.
	Series []Series
	// Unread are the objects below reports/ and state/ that could not be used, with the reasons, in
	// the order of their keys.
	Unread []Unread
	// Older counts the reports since Options.Since that Options.Last left out.
	Older int
	// Foreign counts the reports of other accounts that Options.Account left out.
	Foreign int
}

// Unread is an object that could not be used.
type Unread struct {
	Key string
	Err error
	// New is true if the object may be newer than the latest report: the page would not show it.
	New bool
}

// The limits of a history. A report of 49 requirements has about 60 KB.
const (
	maxKeys    = 200_000
	maxReport  = 32 << 20
	maxTotal   = 1 << 30
	maxReaders = 8
)

// reportLimits bound a stored report before it is decoded. Keys that differ only in case are
// allowed, because tags and conditions may have them.
var reportLimits = jsonlimit.Limits{Bytes: maxReport, Depth: 40, Values: 2_000_000,
	Elements: 1_000_000}

// reportKey is the form of the key of a report: see evidence.ReportKey.
var reportKey = regexp.MustCompile(`^reports/(\d{4}/\d{2}/\d{2})/[^/]+\.json$`)

const dayForm = "2006/01/02"

// Read reads the reports and the states of a store.
func Read(ctx context.Context, store Store, o Options) (h Timeline, err error) {
	keys, err := h.selectReports(ctx, store, o)
	if err != nil {
		return h, err
	}
	ids := newIdentities()
	read := h.newest(readAll(ctx, store, keys, o, ids), o)
	if err := ctx.Err(); err != nil {
		return h, err
	}
	byOwner := map[[2]string][]record{}
	for _, r := range read {
		switch {
		case r.err != nil:
			h.Unread = append(h.Unread, Unread{Key: r.key, Err: r.err})
		case o.Account != "" && r.record.account != o.Account:
			h.Foreign++
		default:
			owner := [2]string{r.record.account, r.record.auditor}
			byOwner[owner] = append(byOwner[owner], r.record)
		}
	}
	for _, records := range byOwner {
		h.Series = append(h.Series, newSeries(records, ids))
	}
	slices.SortFunc(h.Series, func(a, b Series) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Auditor, b.Auditor))
	})
	for i := range h.Series {
		s := &h.Series[i]
		if s.Latest, err = readReport(ctx, store, s.LatestKey); err != nil {
			return h, fmt.Errorf("%s was read and cannot be read again: %w", s.LatestKey, err)
		}
	}
	h.readStates(ctx, store)
	h.markNew()
	slices.SortStableFunc(h.Unread, func(a, b Unread) int { return cmp.Compare(a.Key, b.Key) })
	return h, ctx.Err()
}

// selectReports returns the keys of the newest reports since o.Since, oldest day first.
func (h *Timeline) selectReports(ctx context.Context, store Store, o Options) ([]string, error) {
	// Keys begin with the day, so the reports of the day of o.Since and later come after this key.
	after := "reports/" + o.Since.UTC().Format(dayForm)
	if o.Since.IsZero() {
		after = ""
	}
	all, more, err := store.List(ctx, "reports/", after, maxKeys)
	if err != nil {
		return nil, err
	}
	if more {
		return nil, fmt.Errorf("there are more than %d reports since %s: choose a later --since", maxKeys,
			o.Since.UTC().Format(time.DateOnly))
	}
	var keys []string
	for _, key := range all {
		if reportKey.MatchString(key) {
			keys = append(keys, key)
		} else if !strings.HasSuffix(key, "/") { // the console makes empty objects for folders
			h.Unread = append(h.Unread, Unread{Key: key,
				Err: errors.New("the key is not reports/YYYY/MM/DD/RUN.json")})
		}
	}
	h.Older = max(len(keys)-o.Last, 0)
	// The order of the keys of a day is not that of the runs, so the whole day is read.
	for h.Older > 0 && dayOf(keys[h.Older-1]) == dayOf(keys[h.Older]) {
		h.Older--
	}
	return keys[h.Older:], nil
}

// newest returns the results without the oldest reports, if there are more than o.Last.
func (h *Timeline) newest(results []readResult, o Options) []readResult {
	var times []time.Time
	for _, r := range results {
		if r.err == nil {
			times = append(times, r.record.at)
		}
	}
	surplus := len(times) - o.Last
	if surplus <= 0 {
		return results
	}
	h.Older += surplus
	slices.SortFunc(times, func(a, b time.Time) int { return a.Compare(b) })
	oldest := times[surplus]
	return slices.DeleteFunc(results, func(r readResult) bool {
		older := r.err == nil && surplus > 0 && (r.record.at.Before(oldest) ||
			r.record.at.Equal(oldest) && times[surplus-1].Equal(oldest))
		if older {
			surplus--
		}
		return older
	})
}

// A readResult is a report that was read, or the reason why not.
type readResult struct {
	key    string
	record record
	err    error
}

// readAll reads reports in parallel. The results are in the order of the keys.
func readAll(ctx context.Context, store Store, keys []string, o Options,
	ids *identities) []readResult {
	results := make([]readResult, len(keys))
	var mu sync.Mutex
	next, total := 0, 0
	var workers sync.WaitGroup
	for range min(maxReaders, len(keys)) {
		workers.Go(func() {
			for {
				mu.Lock()
				i, full := next, total >= maxTotal
				next++
				mu.Unlock()
				if i >= len(keys) || ctx.Err() != nil {
					return
				}
				results[i] = readResult{key: keys[i]}
				if full {
					results[i].err = fmt.Errorf("the reports have more than %d bytes together", maxTotal)
					continue
				}
				text, err := store.Read(ctx, keys[i], maxReport+1)
				var r audit.Report
				if err == nil {
					r, err = parseReport(keys[i], text)
				}
				results[i].err = err
				mu.Lock()
				if err == nil {
					results[i].record = newRecord(r, keys[i], ids)
				}
				total += len(text)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	return slices.DeleteFunc(results, func(r readResult) bool {
		return r.err == nil && !o.Since.IsZero() && r.record.at.Before(o.Since)
	})
}

func readReport(ctx context.Context, store Store, key string) (audit.Report, error) {
	text, err := store.Read(ctx, key, maxReport+1)
	if err != nil {
		return audit.Report{}, err
	}
	return parseReport(key, text)
}

// parseReport decodes a stored report, and compares it with its key.
func parseReport(key string, text []byte) (r audit.Report, err error) {
	switch {
	case len(text) == 0:
		return r, errors.New("the object is empty")
	case len(text) > maxReport:
		return r, fmt.Errorf("the object has more than %d bytes", maxReport)
	}
	if err := jsonlimit.Check(text, reportLimits); err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return audit.Report{}, fmt.Errorf("the object is not a report of remotion-audit: %w", err)
	}
	switch {
	case r.SchemaVersion == "" || r.Status == "" || r.Account == "" || r.Run.At.IsZero():
		return r, errors.New("the object is not a report of remotion-audit")
	case r.SchemaVersion != audit.SchemaVersion:
		return r, fmt.Errorf("the report has schema version %s, and this release reads %s",
			textfmt.Quote(r.SchemaVersion, 20), audit.SchemaVersion)
	case r.Run.At.UTC().Format(dayForm) != reportKey.FindStringSubmatch(key)[1]:
		return r, fmt.Errorf("the report is of %s, which is not the day of its key",
			r.Run.At.UTC().Format(time.DateOnly))
	}
	return r, r.CheckConsistent()
}

// readStates reads the states of the accounts, which know when the open gaps opened. Without a
// state the history has only the times of the reports, so a state that cannot be read is named.
func (h *Timeline) readStates(ctx context.Context, store Store) {
	for i := range h.Series {
		s := &h.Series[i]
		if i > 0 && h.Series[i-1].Account == s.Account {
			s.Open = h.Series[i-1].Open
			continue
		}
		if strings.ContainsAny(s.Account, "/\\") {
			continue
		}
		prefix := "state/" + s.Account + "/"
		keys, _, err := store.List(ctx, prefix, "", maxStates)
		if err != nil {
			h.Unread = append(h.Unread, Unread{Key: prefix, Err: err})
			continue
		}
		for _, key := range keys {
			base := path.Base(key)
			if path.Ext(base) != ".json" || strings.HasSuffix(base, ".documents.json") ||
				strings.Contains(base, ".broken-") {
				continue // documents, and copies of damaged states
			}
			text, err := store.Read(ctx, key, alert.MaxState+1)
			var state alert.State
			if err == nil {
				state, err = alert.ParseState(text)
			}
			if err != nil {
				h.Unread = append(h.Unread, Unread{Key: key, Err: err})
				continue
			}
			for _, g := range state.Gaps {
				if g.Closed.IsZero() {
					s.Open = append(s.Open, g)
				}
			}
		}
	}
}

// maxStates is the number of states of one account that are read.
const maxStates = 100

// markNew marks the unread reports that may be newer than the latest report of a series.
func (h *Timeline) markNew() {
	latest := ""
	for _, s := range h.Series {
		latest = max(latest, dayOf(s.LatestKey))
	}
	for i := range h.Unread {
		u := &h.Unread[i]
		u.New = reportKey.MatchString(u.Key) && dayOf(u.Key) >= latest
	}
}

// dayOf returns the day of the key of a report.
func dayOf(key string) string {
	if m := reportKey.FindStringSubmatch(key); m != nil {
		return m[1]
	}
	return ""
}
