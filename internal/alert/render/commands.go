package render

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// checkCommands returns the commands that repeat an audit: with the command line tool, and with the
// function if there is one.
func checkCommands(r audit.Report, from Sender) []string {
	var commands []string
	if len(r.Targets) > 0 {
		words := append([]string{"remotion-audit", "audit", "--callers", report.Callers(r), "--regions",
			strings.Join(r.Regions, ",")}, from.Settings...)
		commands = append(commands, textfmt.ShellWords(words...))
	}
	if from.Function != "" {
		commands = append(commands, textfmt.ShellWords("aws", "lambda", "invoke", "--region",
			from.Region, "--function-name", from.Function, "--cli-binary-format", "raw-in-base64-out",
			"--payload", `{"command":"audit"}`, "/dev/stdout"))
	}
	return commands
}

// fixSettings returns the flags with which the command for a fix repeats this audit.
func fixSettings(r audit.Report, from Sender) []string {
	return append([]string{"--regions", strings.Join(r.Regions, ",")}, from.Settings...)
}

// fixCommand returns the command for the fix of a group.
func fixCommand(r audit.Report, from Sender, g report.Group, e remedy.Excerpt) string {
	return g.FixCommand(e, r.Targets, fixSettings(r, from))
}

// auditorCommand returns the command that prints the permissions that the auditor needs.
func auditorCommand(r audit.Report) string {
	return textfmt.ShellWords("remotion-audit", "policies", "auditor", "--account", r.Account)
}

// withAuditFlags adds the callers, regions and settings of this audit to the command of a notice.
// Without them, the command would audit the user that runs it.
func withAuditFlags(x excerpt, n audit.Notice) audit.Notice {
	if flags, ok := strings.CutPrefix(n.Command, "remotion-audit audit"); ok {
		n.Command = checkCommands(x.digest.Report, Sender{Settings: x.from.Settings})[0] + flags
	}
	return n
}

// muteCommand returns the command that mutes a group for 24 hours, or "" without a bucket.
func muteCommand(bucket string, g report.Group) string {
	if bucket == "" {
		return ""
	}
	m := mute.Mute{Target: g.Target, Cause: g.Cause}
	sid := g.Findings[0].Sid
	if actions := g.Actions(); len(actions) == 1 && !g.IsCheck() {
		m.Action = actions[0]
	} else if !slices.ContainsFunc(g.Findings, func(f audit.Finding) bool { return f.Sid != sid }) {
		m.Sid = sid // narrows the mute
	}
	return muteFor24h(bucket, m)
}

// muteFor24h returns the command that mutes the gaps that m matches for 24 hours, quoted for a
// shell. The owner is the user that runs the command. The reason is a placeholder.
func muteFor24h(bucket string, m mute.Mute) string {
	words := []string{"remotion-audit", "mute", "--evidence-bucket", bucket}
	for _, flag := range []struct{ name, value string }{{"--target", m.Target}, {"--action", m.Action},
		{"--cause", string(m.Cause)}, {"--sid", m.Sid}} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	return textfmt.ShellWords(append(words, "--for", "24h")...) +
		` --owner "$USER" --reason 'under investigation'`
}
