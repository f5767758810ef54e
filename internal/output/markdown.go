package output

import (
	"bytes"
	"cmp"
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxComment is the number of characters that GitHub accepts in a comment. The Markdown has at most
// as many bytes. markdownTail is kept for the text about what is left out.
const (
	maxComment   = 65_536
	markdownTail = 1_500
)

// The lengths of untrusted texts in characters: of a name, and of a sentence.
const (
	markdownName     = 300
	markdownSentence = 1_000
)

// writeMarkdown writes a listing as Markdown for a comment in a pull request: the result, a line
// for each gap, and the details of each group of gaps with one cause. A document that is longer
// than a comment loses whole entries, the least severe ones first, and says how many.
func writeMarkdown(w io.Writer, l listing) error {
	m := markdown{left: maxComment - markdownTail}
	m.head(&l)
	gaps := l.ordered(gap)
	m.list("Gaps", "gap", gaps)
	m.list("Unverified", "unverified permission or read", l.ordered(unverified))
	m.details(gaps)
	m.list("Changes", "change", l.ordered(noted))
	m.list("Known, in the baseline", "known gap", l.ordered(known))
	m.list("Gone since the baseline", "gone gap", l.goneGaps())
	m.list("Muted", "muted gap", l.ordered(muted))
	m.notes(l.notes)
	m.facts(&l)
	m.tail(&l)
	_, err := m.b.WriteTo(w)
	return err
}

// A markdown is a text with a limit.
type markdown struct {
	b    bytes.Buffer
	left int // bytes
	// omitted are the counts of what is left out.
	omitted []string
}

// add adds a whole block if it fits.
func (m *markdown) add(block string) bool {
	if len(block) > m.left {
		return false
	}
	m.left -= len(block)
	m.b.WriteString(block)
	return true
}

// statusMarks show the result in the heading.
var statusMarks = map[string]string{"GAPS": "❌", "LOSES": "❌", "UNVERIFIED": "⚠️",
	"COMPLIANT": "✅", "LOSES NOTHING": "✅", "COMPARED": "ℹ️"}

func (m *markdown) head(l *listing) {
	mark := statusMarks[l.status]
	if mark != "" {
		mark += " "
	}
	title := cmp.Or(l.title, l.status)
	m.add(fmt.Sprintf("## %sremotion-audit: %s\n\n%s: %s\n", mark,
		plainWords(short(title, markdownSentence)),
		plainWords(textfmt.Capitalize(short(l.subject, markdownSentence))),
		plainWords(short(l.headline, markdownSentence))))
	counts := map[policies.Severity]int{}
	for _, e := range l.ordered(gap) {
		counts[e.level()]++
	}
	if len(counts) > 0 {
		m.add(fmt.Sprintf("\n| critical | high | medium | low | unverified | muted |\n"+
			"|---:|---:|---:|---:|---:|---:|\n| %d | %d | %d | %d | %d | %d |\n",
			counts[policies.Critical], counts[policies.High], counts[policies.Medium],
			counts[policies.Low], l.count(unverified), l.count(muted)))
	}
}

// list adds a section with a line for each entry.
func (m *markdown) list(title, noun string, list []judged) {
	if len(list) == 0 {
		return
	}
	if !m.add(fmt.Sprintf("\n### %s (%d)\n\n", title, len(list))) {
		m.omit(len(list), noun)
		return
	}
	for i, e := range list {
		if !m.add(markdownEntry(e)) {
			m.omit(len(list)-i, noun)
			return
		}
	}
}

func (m *markdown) omit(n int, noun string) {
	m.omitted = append(m.omitted, textfmt.Plural(n, noun))
}

func markdownEntry(e judged) string {
	var b strings.Builder
	b.WriteString("- ")
	if e.severity > 0 {
		b.WriteString("**" + e.severity.String() + "** ")
	}
	what := plainWords(short(e.word, markdownName))
	switch {
	case e.policy == audit.CheckKind:
		what += " check " + code(e.sid)
	case e.action != "":
		what += " " + code(e.action)
	}
	if e.resource != "" {
		what += " on " + code(e.resource)
	}
	b.WriteString(what + " for " + code(e.suite.name))
	if e.later {
		b.WriteString(" after the upgrade")
	}
	if e.cause != "" {
		b.WriteString(" (" + plainWords(string(e.cause)) + ")")
	}
	if e.file != "" {
		b.WriteString(", " + code(fmt.Sprintf("%s:%d", e.file, e.line)))
	}
	if e.outcome == unverified && e.why != "" {
		b.WriteString(": " + plainWords(short(e.why, markdownSentence)))
		if e.fix != nil {
			b.WriteString(". Fix: " + plainWords(short(e.fix.text, markdownSentence)))
		}
	}
	if e.outcome == gone {
		b.WriteString(": " + plainWords(e.why))
	}
	if e.state == audit.BaselineWorse {
		b.WriteString(", worse than in the baseline")
	}
	if e.outcome == noted && e.impact != "" {
		b.WriteString(": " + plainWords(short(e.impact, markdownSentence)))
	}
	if e.mute != nil {
		b.WriteString(": " + plainWords(short(muteText(*e.mute), markdownSentence)))
	}
	b.WriteByte('\n')
	return b.String()
}

// details adds a block for each group of gaps with one suite, cause and explanation.
func (m *markdown) details(gaps []judged) {
	type key struct {
		suite *suite
		word  string
		cause string
		why   string
		fix   *fixText
		later bool
	}
	var order []key
	groups := map[key][]judged{}
	for _, e := range gaps {
		k := key{e.suite, e.word, string(e.cause), e.why, e.fix, e.later}
		if e.fix != nil { // one fix closes gaps with several explanations
			k = key{suite: e.suite, fix: e.fix}
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], e)
	}
	for i, k := range order {
		if !m.add(markdownGroup(groups[k])) {
			m.omit(len(order)-i, "details block")
			return
		}
	}
}

func markdownGroup(group []judged) string {
	first := group[0]
	var b strings.Builder
	fmt.Fprintf(&b, "\n<details><summary>Details: %s of <code>%s</code>, cause %s</summary>\n\n",
		textfmt.Plural(len(group), "gap"), html.EscapeString(short(first.suite.name, markdownName)),
		html.EscapeString(short(string(first.cause), markdownName)))
	for _, why := range distinct(group, func(e judged) string { return e.why }) {
		b.WriteString("Cause: " + plainWords(short(why, markdownSentence)) + "\n\n")
	}
	for _, e := range group {
		if e.impact == "" {
			continue
		}
		b.WriteString("- Impact of " + code(e.subject()) + ": " +
			plainWords(short(e.impact, markdownSentence)) + "\n")
	}
	for _, e := range group[:1] {
		if e.example != "" {
			b.WriteString("- Not covered: " + code(e.example) + "\n")
		}
	}
	if fix := first.fix; fix != nil {
		b.WriteString("\nFix: " + plainWords(short(fix.text, markdownSentence)) + "\n")
		if len(fix.diff) > 0 {
			b.WriteString("\n" + fenced("diff", fix.diff))
		}
		if fix.command != "" {
			b.WriteString("\n" + fenced("sh", []string{fix.command}))
		}
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

// distinct returns the texts of a group without duplicates and empty texts.
func distinct(group []judged, of func(judged) string) (list []string) {
	for _, e := range group {
		if text := of(e); text != "" {
			list = textfmt.AppendNew(list, text)
		}
	}
	return list
}

func (m *markdown) notes(notes []string) {
	for i, note := range notes {
		line := "- " + plainWords(short(note, markdownSentence)) + "\n"
		if i == 0 {
			line = "\n### Notes\n\n" + line
		}
		if !m.add(line) {
			m.omit(len(notes)-i, "note")
			return
		}
	}
}

func (m *markdown) facts(l *listing) {
	var parts []string
	for _, f := range l.facts {
		parts = append(parts, plainWords(f.label)+": "+plainWords(short(f.text, markdownSentence)))
	}
	parts = append(parts, "Written by: "+plainWords(short(strings.TrimSpace(l.tool.Name+" "+
		l.tool.Version), markdownName)))
	if !m.add("\n" + strings.Join(parts, ". ") + ".\n") {
		m.omit(len(parts), "fact")
	}
}

func (m *markdown) tail(l *listing) {
	if m.omitted != nil {
		m.b.WriteString("\n**Left out, because a comment has at most 65,536 characters:** " +
			textfmt.Enumerate(m.omitted, 8) + ". The command that shows them: " + code(l.show) + "\n")
	}
}

// code returns an untrusted text as a code span, in which nothing is markup, a link or a mention.
// The fence is longer than any run of backticks in the text.
func code(text string) string { return codeUpTo(text, markdownName) }

// codeUpTo is code for a text of at most most characters.
func codeUpTo(text string, most int) string {
	text = short(text, most)
	if strings.TrimSpace(text) == "" {
		return "(empty)"
	}
	fence := strings.Repeat("`", longestRun(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") ||
		strings.HasPrefix(text, " ") || strings.HasSuffix(text, " ") {
		text = " " + text + " "
	}
	return fence + text + fence
}

// fenced returns lines of untrusted text as a code block.
func fenced(language string, lines []string) string {
	most := 2
	for _, line := range lines {
		most = max(most, longestRun(line))
	}
	fence := strings.Repeat("`", most+1)
	var b strings.Builder
	b.WriteString(fence + language + "\n")
	for _, line := range lines {
		b.WriteString(short(line, 4*markdownSentence) + "\n")
	}
	b.WriteString(fence + "\n")
	return b.String()
}

// longestRun returns the length of the longest run of backticks.
func longestRun(text string) (longest int) {
	run := 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// plainWords returns an untrusted text in which the words that are not plain are code spans.
// Escapes with a backslash would not be enough: GitHub finds mentions, issues, commits and
// addresses in the text after the Markdown.
func plainWords(text string) string {
	var b, span strings.Builder
	flush := func() {
		if span.Len() > 0 {
			b.WriteString(codeSpan(span.String()) + " ")
			span.Reset()
		}
	}
	for word := range strings.FieldsSeq(textfmt.OneLine(text)) {
		if !plainWord(word) {
			if span.Len() > 0 {
				span.WriteByte(' ')
			}
			span.WriteString(word)
			if strings.ContainsAny(word[len(word)-1:], ".,;:?") {
				flush()
			}
			continue
		}
		flush()
		b.WriteString(word + " ")
	}
	flush()
	return strings.TrimSuffix(b.String(), " ")
}

// codeSpan returns words as a code span, with a final punctuation mark after it.
func codeSpan(words string) string {
	for _, mark := range []string{".", ",", ";", ":", "?"} {
		if rest := strings.TrimSuffix(words, mark); rest != words && rest != "" {
			return codeUpTo(rest, markdownSentence) + mark
		}
	}
	return codeUpTo(words, markdownSentence)
}

// plainWord reports whether a word can be no markup, mention, reference, emoji, commit or address:
// it has letters, digits and a little punctuation.
func plainWord(word string) bool {
	body := strings.TrimRight(strings.TrimLeft(word, `("'`), `.,;:)"'?!`)
	if body == "" {
		return word != "" && strings.Trim(word, `("').,;:?`) == ""
	}
	digits, hex := 0, 0
	for _, r := range body {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
		case r >= '0' && r <= '9':
			digits++
		case r == '-' || r == '\'' || r == ',':
		default:
			return false
		}
		if r >= 'a' && r <= 'f' || r >= '0' && r <= '9' {
			hex++
		}
	}
	switch {
	case strings.HasPrefix(body, "-"):
		return false
	case strings.Contains(body, "-") && digits > 0: // GH-1 and JIRA-1 are references
		return false
	case hex == utf8.RuneCountInString(body) && hex >= 7: // a commit
		return false
	}
	return utf8.RuneCountInString(body) <= 60
}
