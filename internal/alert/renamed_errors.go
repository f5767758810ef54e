package alert

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// mutesFile is the start of the What of each auditor error about the mutes file.
const mutesFile = "mutes.yaml, "

// A renaming maps a text of earlier releases to the text of this release. Each "…" stands for a
// variable part, which stays the same and may be empty.
type renaming struct{ old, new string }

// apply returns the new text. It reports false if text is not the old text.
func (r renaming) apply(text string) (string, bool) {
	fixed, replacements := strings.Split(r.old, "…"), strings.Split(r.new, "…")
	rest, ok := strings.CutPrefix(text, fixed[0])
	result := replacements[0]
	for i := 1; ok && i < len(fixed); i++ {
		var variable string
		if i < len(fixed)-1 {
			variable, rest, ok = strings.Cut(rest, fixed[i])
		} else {
			variable, ok = strings.CutSuffix(rest, fixed[i])
			rest = ""
		}
		result += variable + replacements[i]
	}
	return result, ok && rest == ""
}

// renamed returns the text that this release has for a text of an earlier release. It returns a
// text that no row of the table matches unchanged.
func renamed(table []renaming, text string) string {
	for _, r := range table {
		if result, ok := r.apply(text); ok {
			return result
		}
	}
	return text
}

// renamedErrors are the renamed errors of the mutes file. The text identifies an auditor error in
// the state. Without the table, the first run of a new release would announce each open error
// again.
var renamedErrors = []renaming{
	{"a second document: write one list, under mutes:",
		"second YAML document: write one list under mutes:"},
	{"write one list, under mutes:", "write one list under mutes:"},
	{"mutes: is not a list", "mutes: must be a list"},
	{"has more than … bytes: leave out what is over",
		"the file must have at most … bytes: remove expired mutes"},
	{"is not YAML…", "invalid YAML…"},
	{"a mute is a list of fields, such as target: user/NAME",
		"a mute must be a list of fields, such as target: user/NAME"},
	{"a mute has no field …, only target, action, cause, sid, reason, owner, until",
		"unknown field …: use target, action, cause, sid, reason, owner, until"},
	{"…: is there twice", "…: must be set only once"},
	{"…: is not a text", "…: must be a string"},
	{"…: is empty: fill it in, or leave the line out",
		"…: must not be empty: set it or remove the line"},
	{"…: holds a line break or another character that cannot be printed",
		"…: must contain only printable characters and no line break"},
	{"a mute names what it silences: target, action, cause or sid",
		"a mute needs at least one of target, action, cause, sid"},
	{"there is no cause …", "unknown cause …: use a cause of docs/reading-reports.md"},
	{"until: … is neither a day, 2026-12-01, nor a moment, 2026-12-01T09:00:00Z",
		"until: must be a day (2026-12-01) or a time (2026-12-01T09:00:00Z), got …"},
	{"until: … is more than a year off: a mute has to be looked at again",
		"until: must be at most one year ahead, got …"},
	{"… more mutes or fields", "… more errors"},
}

// renameErrors replaces the texts of earlier releases in errs, and returns errs in the order of the
// state.
func renameErrors(errs []Error) []Error {
	for i := range errs {
		if errs[i].Target == "" {
			errs[i].What = renamedError(errs[i].What)
		}
	}
	slices.SortStableFunc(errs, Error.compare)
	return errs
}

// renamedError returns the text that this release has for the error.
func renamedError(what string) string {
	text, ok := strings.CutPrefix(what, mutesFile)
	if !ok {
		return what
	}
	line := ""
	if number, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(number, "line ") {
		line, text = number+": ", rest
	}
	return mutesFile + line + renamed(renamedErrors, text)
}

// renamedNotices are the renamed notices. The text identifies a notice in the state.
var renamedNotices = []renaming{
	{"READ_SCOPE=named: deployed functions are not listed, so neither their regions and releases " +
		"nor the roles that they really have are known: what is audited is what the configuration names",
		audit.ReadScopeText},
	{"Remotion … is newer than this catalogue, which was checked up to …: it is judged by the " +
		"policies of …",
		"Remotion … is newer than …, the newest release in this catalogue: the policies of … apply"},
	{"what Remotion … needs is not granted: …",
		"Remotion … needs permissions that are not granted: …"},
	{"there is no role …, and no deployed function uses it: it is not audited",
		"there is no role …, and no deployed function uses it: the role is not audited"},
}

// renameNotices replaces the texts of earlier releases in the notices.
func renameNotices(notices []SeenNotice) {
	for i := range notices {
		notices[i].Text = renamed(renamedNotices, notices[i].Text)
	}
}
