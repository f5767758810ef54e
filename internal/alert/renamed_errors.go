package alert

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// mutesFile is the start of the What of each auditor error about the mutes file.
const mutesFile = "mutes.yaml, "

// renamedErrors maps the texts of earlier releases to the texts of this release. The text
// identifies an auditor error in the state. Without the table, the first run of a new release would
// announce each open error again. Between its start and its end, a text has a variable part, which
// stays the same.
var renamedErrors = []struct{ oldStart, oldEnd, newStart, newEnd string }{
	{"a second document: write one list, under mutes:", "",
		"second YAML document: write one list under mutes:", ""},
	{"write one list, under mutes:", "", "write one list under mutes:", ""},
	{"mutes: is not a list", "", "mutes: must be a list", ""},
	{"has more than ", " bytes: leave out what is over",
		"the file must have at most ", " bytes: remove expired mutes"},
	{"is longer than 4096 bytes, or nested in more than 50 brackets", "",
		"a line must have at most 4096 bytes, and at most 50 brackets may be open", ""},
	{"is not YAML", "", "invalid YAML", ""},
	{"a mute is a list of fields, such as target: user/NAME", "",
		"a mute must be a list of fields, such as target: user/NAME", ""},
	{"a mute has no field ", ", only target, action, cause, sid, reason, owner, until",
		"unknown field ", ": use target, action, cause, sid, reason, owner, until"},
	{"", ": is there twice", "", ": must be set only once"},
	{"", ": is not a text", "", ": must be a string"},
	{"", ": is empty: fill it in, or leave the line out",
		"", ": must not be empty: set it or remove the line"},
	{"", ": holds a line break or another character that cannot be printed",
		"", ": must contain only printable characters and no line break"},
	{"a mute names what it silences: target, action, cause or sid", "",
		"a mute needs at least one of target, action, cause, sid", ""},
	{"there is no cause ", "", "unknown cause ", ": use a cause of docs/reading-reports.md"},
	{"until: ", " is neither a day, 2026-12-01, nor a moment, 2026-12-01T09:00:00Z",
		"until: must be a day (2026-12-01) or a time (2026-12-01T09:00:00Z), got ", ""},
	{"until: ", " is more than a year off: a mute has to be looked at again",
		"until: must be at most one year ahead, got ", ""},
	{"", " more mutes or fields", "", " more errors"},
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
	for _, r := range renamedErrors {
		variable, ok := strings.CutPrefix(text, r.oldStart)
		if !ok {
			continue
		}
		if variable, ok = strings.CutSuffix(variable, r.oldEnd); ok {
			return mutesFile + line + r.newStart + variable + r.newEnd
		}
	}
	return what
}

// renamedNotices maps the notice texts of earlier releases to the texts of this release. $1, $2 and
// $3 are the variable parts of a text.
var renamedNotices = []struct {
	old *regexp.Regexp
	new string
}{
	{regexp.MustCompile("^READ_SCOPE=named: deployed functions are not listed, so neither their " +
		"regions and releases nor the roles that they really have are known: what is audited is what " +
		"the configuration names$"), audit.ReadScopeText},
	{regexp.MustCompile("^Remotion (.+) is newer than this catalogue, which was checked up to (.+): " +
		"it is judged by the policies of (.+)$"),
		"Remotion $1 is newer than $2, the newest release in this catalogue: the policies of $3 apply"},
	{regexp.MustCompile("^what (Remotion .+) needs is not granted: (.+)$"),
		"$1 needs permissions that are not granted: $2"},
	{regexp.MustCompile("^there is no role (.+), and no deployed function uses it: it is not " +
		"audited$"),
		"there is no role $1, and no deployed function uses it: the role is not audited"},
}

// renameNotices replaces the texts of earlier releases in the notices.
func renameNotices(notices []SeenNotice) {
	for i := range notices {
		for _, r := range renamedNotices {
			notices[i].Text = r.old.ReplaceAllString(notices[i].Text, r.new)
		}
	}
}
