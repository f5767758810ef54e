package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/fixformat"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// tightenKind returns the kind of notice of --tighten; empty without the flag.
func (o fixOptions) tightenKind(q fixRequest) (audit.NoticeKind, error) {
	kind := audit.NoticeKind(o.tighten)
	switch {
	case o.tighten == "":
		return "", nil
	case !(audit.Notice{Kind: kind}).OverGrant():
		var names []string
		for _, k := range audit.OverGrantKinds() {
			names = append(names, string(k))
		}
		return "", fmt.Errorf("--tighten must be %s, got %s", textfmt.Or(names),
			textfmt.Quote(o.tighten, 80))
	case q.number != 0 || q.variant != fixformat.Default || o.forAdmin:
		return "", errors.New("--tighten cannot be combined with N, --guard, --wider, --undo or " +
			"--for-admin: name the principal with --target")
	}
	return kind, nil
}

// printTightened writes the tightened documents of the first notice of the kind about the target,
// and returns the exit status.
func (q fixRequest) printTightened(w, diagnostics io.Writer, r audit.Report) (int, error) {
	unproved := ""
	for _, n := range r.Notices {
		if n.Kind != q.tighten || q.target != "" && !q.isTarget(r, n.Target) {
			continue
		}
		if n.Tightened == nil {
			unproved = n.Target
			continue
		}
		for _, policy := range n.Tightened.Detach {
			fmt.Fprintf(diagnostics, "after the edit, detach %s from %s\n", textfmt.OneLine(policy),
				textfmt.OneLine(n.Target))
		}
		h := q.handover(r, remedy.Fix{Target: n.Target, Edits: n.Tightened.Edits,
			Closes: []remedy.Need{}})
		h.Findings, h.Tightens, h.TightensKind = nil, n.Text, n.Kind
		if err := q.write(w, h, fixformat.Default); err != nil {
			return 0, err
		}
		return exitGaps, nil
	}
	if unproved != "" {
		fmt.Fprintf(diagnostics, "no tightened documents are proved for %s\n", textfmt.OneLine(unproved))
		return exitUnverified, nil
	}
	fmt.Fprintf(diagnostics, "nothing to tighten: the report has no notice %s about the principal\n",
		q.tighten)
	if r.Unverified() {
		return exitUnverified, nil
	}
	return 0, nil
}
