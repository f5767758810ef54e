package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/page"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/timeline"
)

type reportOptions struct {
	evidence string
	account  string
	since    string
	last     string
	output   outputFlags
	timeout  time.Duration
	access   accessFlags
}

// htmlFormat is the default format of the command.
const htmlFormat = "html"

func reportCommand() *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write the latest stored report and the history of the gaps as a page",
		Long: `Read the reports that the deployed auditor stored in its evidence bucket, and write
the latest one as a page with the history: the open gaps over time, and how long gaps
took to recover. The evidence is the bucket, or a directory with a copy of it, made by
aws s3 sync. The command is read-only.

Without --account, a page of several accounts begins with the account whose latest
report is worst, and has the history of each account apart.

Exit status: 0 the page is complete, with or without gaps; 2 something could not be
read, which the page names, or an error.`,
		Example: `  remotion-audit report --evidence s3://my-evidence-bucket --output report.html
  aws s3 sync s3://my-evidence-bucket evidence
  remotion-audit report --evidence evidence --since 30d --output report.html`,
		Annotations: map[string]string{lostKey: lostReport},
		Args:        noArguments,
		RunE:        func(cmd *cobra.Command, _ []string) error { return runReport(cmd, o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.evidence, "evidence", "",
		"s3://BUCKET, s3://BUCKET/PREFIX or a directory with a copy of the bucket (required)")
	flags.StringVar(&o.account, "account", "", "account id: read only the reports of this account")
	flags.StringVar(&o.since, "since", "90d",
		"oldest report: a number of days (90d), a duration (36h) or a day (2026-11-30)")
	flags.StringVar(&o.last, "last", "2000",
		"maximum number of reports of all accounts: the newest ones count")
	o.output.register(cmd, reportFormats().Names(), "report")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "time limit")
	o.access.register(cmd)
	return cmd
}

// reportFormats returns the formats of the command: the page, which is the default, and those of
// audit for the latest report alone.
func reportFormats() output.Formats[page.Document] {
	formats := output.Formats[page.Document]{{Name: htmlFormat,
		Write: func(w io.Writer, d page.Document, _ textfmt.View) error { return page.Write(w, d) }}}
	for _, f := range output.AuditFormats() {
		if f.Name != htmlFormat {
			formats = append(formats, output.Format[page.Document]{Name: f.Name,
				Write: func(w io.Writer, d page.Document, v textfmt.View) error {
					return f.Write(w, output.Audit{Report: d.Report, Open: d.Open}, v)
				}})
		}
	}
	return formats
}

var days = regexp.MustCompile(`^[0-9]{1,5}d$`)

// sinceOf returns the time of --since.
func sinceOf(value string, now time.Time) (time.Time, error) {
	if days.MatchString(value) {
		n, _ := strconv.Atoi(strings.TrimSuffix(value, "d")) // five digits
		if n > 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(value); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if day, err := time.Parse(time.DateOnly, value); err == nil && day.Before(now) {
		return day, nil
	}
	return time.Time{}, fmt.Errorf("--since must be a number of days (90d), a duration (36h) or a "+
		"day in the past (2026-11-30), got %s", textfmt.Quote(value, 40))
}

// check returns what --since and --last mean. The error joins all errors in the flags.
func (o reportOptions) check(out io.Writer, now time.Time) (since time.Time, last int, err error) {
	var errs []error
	if o.evidence == "" {
		errs = append(errs, errors.New("--evidence is required: s3://BUCKET, or a directory with a copy "+
			"of the bucket"))
	}
	if since, err = sinceOf(o.since, now); err != nil {
		errs = append(errs, err)
	}
	if last, err = strconv.Atoi(o.last); err != nil || last < 1 {
		errs = append(errs, fmt.Errorf("--last must be a number of at least 1, got %s",
			textfmt.Quote(o.last, 40)))
	}
	if o.timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout must be greater than 0, got %s", o.timeout))
	}
	if o.account != "" && !accountForm.MatchString(o.account) {
		errs = append(errs, fmt.Errorf("--account must be an account id of 12 digits, got %s",
			textfmt.Quote(o.account, 40)))
	}
	if _, terminal := terminalOf(out); terminal && o.output.file == "" && o.output.formats == nil {
		errs = append(errs, errors.New("the page is not for a terminal: add --output report.html"))
	}
	return since, last, errors.Join(errs...)
}

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

func runReport(cmd *cobra.Command, o reportOptions) error {
	now := time.Now()
	since, last, err := o.check(cmd.OutOrStdout(), now)
	if err != nil {
		return err
	}
	out, err := openOutputs(cmd, o.output, reportFormats())
	if err != nil {
		return err
	}
	defer out.close()
	ctx, stop := context.WithTimeout(cmd.Context(), o.timeout)
	defer stop()
	h, err := o.read(ctx, cmd, timeline.Options{Since: since, Last: last, Account: o.account})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the evidence was not read within --timeout %s: choose a later --since or a "+
			"smaller --last", o.timeout)
	case err != nil:
		return err
	case len(h.Series) == 0:
		return noReports(h, o, since)
	}
	d := newReportPage(h, o, now)
	log := notes(cmd)
	if len(h.Unread) > 0 {
		log = cmd.ErrOrStderr() // what is missing is an error, also with --quiet
	}
	for _, note := range d.Notes {
		fmt.Fprintln(log, "note: "+textfmt.OneLine(note))
	}
	if err := out.write(d, nil); err != nil {
		return err
	}
	if len(h.Unread) > 0 {
		return exitError(exitUnverified)
	}
	return nil
}

// read reads the evidence.
func (o reportOptions) read(ctx context.Context, cmd *cobra.Command,
	options timeline.Options) (timeline.Timeline, error) {
	store, done, err := o.store(ctx, cmd)
	if err != nil {
		return timeline.Timeline{}, err
	}
	defer done()
	line := startProgress(cmd)
	h, err := timeline.Read(ctx, store, options)
	line.stop()
	if err != nil {
		return h, fmt.Errorf("--evidence: %w", err)
	}
	return h, nil
}

// noReports returns the error for evidence without a report that can be used.
func noReports(h timeline.Timeline, o reportOptions, since time.Time) error {
	where := textfmt.OneLine(o.evidence)
	if o.account != "" {
		where += " about account " + o.account
	}
	err := fmt.Errorf("--evidence: there is no report in %s since %s: check the name, or choose an "+
		"earlier --since", where, textfmt.Time(since))
	if n := len(h.Unread); n > 0 {
		u := h.Unread[0]
		err = fmt.Errorf("--evidence: no report in %s can be used: %s: %w", where,
			textfmt.OneLine(u.Key), u.Err)
		if n > 1 {
			err = fmt.Errorf("%w (%s)", err, textfmt.More(n-1, "object"))
		}
	}
	return err
}

// newReportPage returns the page: the worst latest report, and the history of all of them.
func newReportPage(h timeline.Timeline, o reportOptions, now time.Time) page.Document {
	main := slices.MinFunc(h.Series, func(a, b timeline.Series) int {
		return cmp.Or(worse(a.Latest, b.Latest), b.Latest.Run.At.Compare(a.Latest.Run.At))
	})
	d := page.Document{Report: main.Latest, Open: main.Open, Timeline: &h}
	note := func(format string, args ...any) {
		d.Notes = append(d.Notes, fmt.Sprintf(format, args...))
	}
	if n := len(h.Unread); n > 0 {
		newer := slices.IndexFunc(h.Unread, func(u timeline.Unread) bool { return u.New })
		note("%s of the evidence could not be used. The history names %s.", textfmt.Plural(n, "object"),
			textfmt.Verb(n, "it", "them"))
		if newer >= 0 {
			note("A report that may be newer than this one could not be used: %s: %v",
				textfmt.OneLine(h.Unread[newer].Key), h.Unread[newer].Err)
		}
	}
	for _, s := range h.Series {
		if age := now.Sub(s.Latest.Run.At); age > oldReport {
			note("The latest report of %s is %s old. What changed since then is unknown.", seriesName(s),
				textfmt.Duration(age))
		} else if -age > maxSkew {
			note("The latest report of %s is dated %s in the future. The clock of this computer or of the "+
				"auditor is wrong, so a newer report may be dated before it.", seriesName(s),
				textfmt.Duration(-age))
		}
	}
	if len(h.Series) > 1 {
		note("The evidence has the reports of %d accounts or auditors. This page begins with the worst "+
			"one, %s. The history has all of them; --account selects one.", len(h.Series),
			seriesName(main))
		for _, s := range h.Series {
			if s.LatestKey != main.LatestKey {
				note("%s: %s.", textfmt.Capitalize(seriesName(s)), report.VerdictOf(s.Latest).Title)
			}
		}
	}
	if h.Older > 0 {
		note("%s left out, because --last is %s.", textfmt.Plural(h.Older, "older report")+
			textfmt.Verb(h.Older, " is", " are"), o.last)
	}
	if h.Foreign > 0 {
		note("%s of other accounts left out, because --account is %s.", textfmt.Plural(h.Foreign,
			"report")+textfmt.Verb(h.Foreign, " is", " are"), o.account)
	}
	return d
}

// oldReport is the age from which a page says that its report is old, and maxSkew the time in the
// future from which it says that a clock is wrong.
const (
	oldReport = 48 * time.Hour
	maxSkew   = 15 * time.Minute
)

func seriesName(s timeline.Series) string {
	name := "account " + textfmt.OneLine(s.Account)
	if s.Auditor != "" {
		name += " by " + textfmt.OneLine(s.Auditor)
	}
	return name
}

// worse compares reports: gaps come before unverified reports, and those before compliant ones.
func worse(a, b audit.Report) int {
	rank := map[audit.ReportStatus]int{audit.StatusGaps: 2, audit.StatusUnverified: 1}
	return cmp.Or(rank[b.Status]-rank[a.Status], int(b.Worst())-int(a.Worst()))
}

// store opens the evidence.
func (o reportOptions) store(ctx context.Context, cmd *cobra.Command) (timeline.Store, func(),
	error) {
	rest, inS3 := strings.CutPrefix(o.evidence, "s3://")
	if !inS3 {
		root, err := os.OpenRoot(o.evidence)
		if err != nil {
			return nil, nil, fmt.Errorf("--evidence: %w", err)
		}
		return directory{root}, func() { _ = root.Close() }, nil
	}
	bucket, prefix, _ := strings.Cut(rest, "/")
	if err := awsname.ValidateBucket(bucket); err != nil {
		return nil, nil, fmt.Errorf("--evidence: %w", err)
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	clients, _, err := loadClients(ctx, o.access, notes(cmd), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	id, err := callerIdentity(ctx, clients.STS)
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(notes(cmd), "identity: "+textfmt.OneLine(id.String()))
	return prefixed{evidence.Bucket{Client: clients.S3, Name: bucket, Owner: id.Account}, prefix},
		func() {}, nil
}

// prefixed is the part of a bucket below a prefix.
type prefixed struct {
	bucket evidence.Bucket
	prefix string
}

func (p prefixed) List(ctx context.Context, prefix, after string, most int) ([]string, bool,
	error) {
	if after != "" {
		after = p.prefix + after
	}
	keys, more, err := p.bucket.List(ctx, p.prefix+prefix, after, most)
	for i := range keys {
		keys[i] = strings.TrimPrefix(keys[i], p.prefix)
	}
	return keys, more, err
}

func (p prefixed) Read(ctx context.Context, key string, most int64) ([]byte, error) {
	return p.bucket.Read(ctx, p.prefix+key, most)
}

// A directory is a copy of a bucket. A symbolic link out of it is not followed, because another
// person may have written the copy.
type directory struct{ root *os.Root }

func (d directory) List(ctx context.Context, prefix, after string, most int) (keys []string,
	more bool, err error) {
	folder := strings.TrimSuffix(prefix, "/")
	err = fs.WalkDir(d.root.FS(), folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case name == folder && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case entry.IsDir() || name <= after:
			return nil
		}
		keys = append(keys, name)
		return nil
	})
	slices.Sort(keys)
	if len(keys) > most {
		keys, more = keys[:most], true
	}
	return keys, more, err
}

func (d directory) Read(_ context.Context, key string, most int64) ([]byte, error) {
	// A pipe would block, and a device may never end.
	info, err := d.root.Stat(key)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := d.root.Open(key)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, most))
	return text, withoutPath(err)
}

// withoutPath returns the reason of an error about a file that the caller names.
func withoutPath(err error) error {
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}
