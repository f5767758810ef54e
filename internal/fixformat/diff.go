package fixformat

import (
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// diffContext is the number of unchanged lines around a change in a unified diff.
const diffContext = 3

// writeDiff writes a unified diff for patch and `git apply`. The diff is one of the canonical text
// of each document: indented by two spaces, with Action and Resource as lists.
func writeDiff(w io.Writer, h Handover, v Variant) error {
	edits, err := h.Edits(v)
	if err != nil {
		return err
	}
	var b strings.Builder
	names := namer{}
	for _, e := range edits {
		before := ""
		if e.Before != nil {
			before = documentText(e.Before)
		}
		writeUnified(&b, names.unique(fileName(e), "-"), title(e), before, documentText(e.After))
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// fileName returns the name of a document's file in a diff, without its extension.
func fileName(e remedy.Edit) string {
	_, owner := holder(e.Location)
	parts := []string{slug(owner), slug(e.Location.Name)}
	switch e.Location.Kind {
	case iampolicy.TrustLocation:
		parts = []string{slug(owner), "trust"}
	case iampolicy.ManagedLocation, iampolicy.BoundaryLocation, iampolicy.SCPLocation,
		iampolicy.FileLocation:
		parts = parts[1:]
	}
	name := strings.Trim(strings.Join(parts, "-"), "-")
	if name == "" {
		name = "policy"
	}
	return name
}

// writeUnified writes the difference of two texts. An empty text before means a new file.
func writeUnified(b *strings.Builder, file, heading, before, after string) {
	hunks := remedy.Unified(before, after, diffContext)
	if len(hunks) == 0 {
		return
	}
	fmt.Fprintf(b, "# %s\n", textfmt.OneLine(heading))
	old := "a/" + file + ".json"
	if before == "" {
		old = "/dev/null"
	}
	fmt.Fprintf(b, "--- %s\n+++ b/%s.json\n", old, file)
	for _, hunk := range hunks {
		oldCount, newCount := 0, 0
		for _, l := range hunk.Lines {
			if l.Op != '+' {
				oldCount++
			}
			if l.Op != '-' {
				newCount++
			}
		}
		fmt.Fprintf(b, "@@ -%s +%s @@\n", lineRange(hunk.Old, oldCount), lineRange(hunk.New, newCount))
		for _, l := range hunk.Lines {
			b.WriteString(l.String() + "\n")
		}
	}
}

// lineRange returns a range of lines in the header of a hunk. An empty range starts at the line
// before it.
func lineRange(first, count int) string {
	if count == 0 {
		first--
	}
	return fmt.Sprintf("%d,%d", first, count)
}
