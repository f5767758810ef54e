package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// reportLimits bound a stored report before it is decoded. Keys that differ only in case are
// allowed, because tags and conditions may have them.
var reportLimits = jsonlimit.Limits{Bytes: 32 << 20, Depth: 40, Values: 2_000_000,
	Elements: 1_000_000}

// readReport reads a report as JSON from a file, or from standard input if name is "-".
func readReport(ctx context.Context, name string, stdin io.Reader) (r audit.Report, err error) {
	defer func() {
		if path := (*os.PathError)(nil); errors.As(err, &path) {
			err = path.Err // the message names the file
		}
		if err != nil {
			err = fmt.Errorf("--report %s: %w", textfmt.OneLine(name), err)
		}
	}()
	text, err := interruptible(ctx, func() ([]byte, error) {
		if name == "-" {
			return io.ReadAll(io.LimitReader(stdin, int64(reportLimits.Bytes)+1))
		}
		return readFile(name, int64(reportLimits.Bytes))
	})
	if err != nil {
		return r, err
	}
	if err := jsonlimit.Check(text, reportLimits); err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return audit.Report{}, fmt.Errorf("not a report of remotion-audit (make one with "+
			"`remotion-audit audit --format json`): %w", err)
	}
	return r, checkReport(r)
}

// checkReport returns an error for a report from which no fix can be read.
func checkReport(r audit.Report) error {
	switch {
	case r.SchemaVersion == "" || r.Status == "" || r.Account == "":
		return errors.New("not a report of remotion-audit: make one with `remotion-audit audit " +
			"--format json`")
	case r.SchemaVersion != audit.SchemaVersion:
		return fmt.Errorf("the report has schema version %s, and this release reads %s: use the release "+
			"that made the report", textfmt.Quote(r.SchemaVersion, 20), audit.SchemaVersion)
	case len(r.Fixes) == 0 && slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
		return f.Gap() && !f.IsCheck()
	}):
		return errors.New("the report has gaps but no fixes, because an earlier release made it: run " +
			"remotion-audit fix without --report")
	}
	for _, f := range r.Fixes {
		for _, e := range allEdits(f) {
			if e.After == nil {
				return fmt.Errorf("fix %d has an edit of %s without a new document: make the report again",
					f.Number, textfmt.Quote(e.Policy, 200))
			}
		}
	}
	return r.CheckConsistent()
}

// allEdits returns the edits of a fix in all of its variants.
func allEdits(f remedy.Fix) []remedy.Edit {
	edits := slices.Clone(f.Edits)
	for _, g := range f.Guards {
		edits = append(edits, g.Edits...)
	}
	if f.Wider != nil {
		edits = append(edits, f.Wider.Edits...)
	}
	if f.Undo != nil {
		edits = append(edits, f.Undo.Edits...)
	}
	return edits
}

func sortedNames(names []string) []string {
	slices.Sort(names)
	return names
}
