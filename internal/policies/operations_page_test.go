package policies

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const operationsPage = "../../docs/operations.md"

// TestOperationsPage checks that the tables of docs/operations.md equal the table of uses.
func TestOperationsPage(t *testing.T) {
	sets := "| word | operations |\n|---|---|\n"
	for _, p := range []Purpose{All, Deploy, Render} {
		sets += fmt.Sprintf("| `%s` | %s |\n", p, operationNames(p.Operations()))
	}
	compareTable(t, operationsPage, "sets", sets)

	callers := "| operation | action | buckets | releases | without it | severity | instead |\n" +
		"|---|---|---|---|---|---|---|\n"
	for _, o := range Operations() {
		for i := range useTable {
			if u := &useTable[i]; slices.Contains(u.Operations, o) {
				callers += fmt.Sprintf("| `%s` %s", o, u.row())
			}
		}
	}
	compareTable(t, operationsPage, "operations", callers)

	role := "| action | buckets | releases | without it | severity |\n|---|---|---|---|---|\n"
	for i := range useTable {
		if u := &useTable[i]; u.Kind == Role {
			role += strings.TrimSuffix(u.row(), " |\n") + "\n"
		}
	}
	compareTable(t, operationsPage, "role", role)

	never := "| policy | action | documented |\n|---|---|---|\n"
	seen := map[string]bool{}
	for _, r := range Releases(AWS) {
		for _, kind := range Kinds {
			for _, req := range r.Requirements(kind) {
				row := fmt.Sprintf("| %s | `%s` | %s |\n", kind, req.Action, since(req.Since, req.Until))
				if req.Breakage == NoBreakage && !seen[row] {
					never, seen[row] = never+row, true
				}
			}
		}
	}
	compareTable(t, operationsPage, "never called", never)

	var rows []string
	for a, reason := range notRequired {
		operation := "any"
		if a.operation != "" {
			operation = "`" + string(a.operation) + "`"
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | `%s` | %s |\n", a.who, operation, a.action, reason))
	}
	slices.Sort(rows)
	compareTable(t, operationsPage, "called", "| policy | operation | action | why |\n|---|---|---|---|\n"+
		strings.Join(rows, ""))
}

func (u *Use) row() string {
	var buckets []string
	for _, b := range u.Buckets {
		buckets = append(buckets, "`"+string(b)+"`")
	}
	if u.OldNames {
		buckets = append(buckets, "without the region in its name")
	}
	instead := u.UnlessGiven
	if instead != "" {
		instead = "the caller gives " + instead
	}
	if u.Instead != "" {
		instead = fmt.Sprintf("`%s`: %s (%s)", u.Instead, u.Otherwise.Impact, u.Otherwise.Severity)
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s (%s) | %s | %s |\n", u.Action, strings.Join(buckets, ", "),
		since(u.Since, u.Until), u.Impact, u.Breakage, u.Severity, instead)
}

func since(first, last string) string {
	switch {
	case first == "" && last == "":
		return "all"
	case last == "":
		return "since " + first
	case first == "":
		return "until " + last
	}
	return first + " to " + last
}

func operationNames(list []Operation) string {
	var names []string
	for _, o := range list {
		names = append(names, "`"+string(o)+"`")
	}
	return strings.Join(names, ", ")
}
