package fixformat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// documentText returns the canonical text of a document, which ends in a line break. Characters
// that a terminal does not print are escaped as in JSON, so the text has the same meaning and is
// safe to print.
func documentText(d *iampolicy.Document) string {
	return escapeUnprintable(d.Text(), jsonEscape)
}

// compactText returns the text of a document in the fewest characters that IAM counts: a list of
// one value is that value. It is indented like documentText.
func compactText(d *iampolicy.Document) string {
	var text bytes.Buffer
	_ = json.Indent(&text, []byte(textfmt.JSON(d)), "", "  ") // fails for invalid JSON only
	return escapeUnprintable(text.String(), jsonEscape) + "\n"
}

// textOfEdits returns the function that writes the documents of edits: documentText if the texts
// fit IAM's quotas, else compactText, whose characters the proof of a fix counts.
func textOfEdits(edits []remedy.Edit) func(*iampolicy.Document) string {
	more := map[string]int{}
	key := func(l iampolicy.Location) string {
		if l.Kind == iampolicy.InlineLocation { // the inline policies of a holder share a quota
			return l.Holder
		}
		return strings.Join([]string{string(l.Kind), l.Holder, l.Name, l.ARN}, "\n")
	}
	for _, e := range edits {
		if e.After == nil {
			continue
		}
		more[key(e.Location)] += iampolicy.Size(documentText(e.After)) -
			iampolicy.Size(compactText(e.After))
		if e.Characters+more[key(e.Location)] > e.Quota {
			return compactText
		}
	}
	return documentText
}

// quoteJSON quotes a text as a JSON string of printable characters.
func quoteJSON(s string) string { return escapeUnprintable(textfmt.JSON(s), jsonEscape) }

// jsonEscape returns a character as JSON escapes it.
func jsonEscape(r rune) string {
	if r <= 0xffff {
		return fmt.Sprintf(`\u%04x`, r)
	}
	high, low := utf16.EncodeRune(r)
	return fmt.Sprintf(`\u%04x\u%04x`, high, low)
}

// longEscape returns a character as YAML and HCL escape it.
func longEscape(r rune) string {
	if r <= 0xffff {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

func escapeUnprintable(s string, escape func(rune) string) string {
	printable := func(r rune) bool { return r == '\n' || unicode.IsPrint(r) }
	if strings.IndexFunc(s, func(r rune) bool { return !printable(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if printable(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(escape(r))
		}
	}
	return b.String()
}

// slug returns a name of ASCII letters, digits, '-' and '_' that reminds of a text. It is empty if
// the text has no such character.
func slug(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case b.Len() >= 64:
			return strings.Trim(b.String(), "-")
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// A namer makes names unique.
type namer map[string]int

// unique returns the name, or for a second use the name with a number.
func (n namer) unique(name, separator string) string {
	n[name]++
	if count := n[name]; count > 1 {
		return n.unique(fmt.Sprintf("%s%s%d", name, separator, count), separator)
	}
	return name
}

// A value is a part of a policy document: a string, a list of values or a list of members.
type value struct {
	text    string
	list    []value
	members []member
	kind    valueKind
}

type member struct {
	key   string
	value value
}

type valueKind uint8

const (
	textValue valueKind = iota
	listValue
	mapValue
)

func textOf(s string) value { return value{text: s} }

func textsOf(list []string) value {
	v := value{kind: listValue}
	for _, s := range list {
		v.list = append(v.list, textOf(s))
	}
	return v
}

// oneOrMore returns one text as a text, and several as a list.
func oneOrMore(list []string) value {
	if len(list) == 1 {
		return textOf(list[0])
	}
	return textsOf(list)
}

func (v *value) add(key string, of value) {
	v.kind = mapValue
	v.members = append(v.members, member{key, of})
}

// valueOf returns the members of a document in IAM's order.
func valueOf(d *iampolicy.Document) value {
	var v value
	if d.Version != "" {
		v.add("Version", textOf(d.Version))
	}
	if d.ID != "" {
		v.add("Id", textOf(d.ID))
	}
	statements := value{kind: listValue}
	for i := range d.Statements {
		statements.list = append(statements.list, statementValue(&d.Statements[i]))
	}
	v.add("Statement", statements)
	return v
}

func statementValue(s *iampolicy.Statement) (v value) {
	if s.Sid != "" {
		v.add("Sid", textOf(s.Sid))
	}
	v.add("Effect", textOf(s.Effect.String()))
	for _, p := range []struct {
		key  string
		list []iampolicy.Principal
	}{{"Principal", s.Principal}, {"NotPrincipal", s.NotPrincipal}} {
		if p.list != nil {
			v.add(p.key, principalsValue(p.list))
		}
	}
	for _, p := range patternsOf(s) {
		if p.list != nil {
			v.add(p.key, textsOf(p.list))
		}
	}
	if len(s.Conditions) > 0 {
		var conditions value
		for _, operator := range operatorsOf(s.Conditions) {
			var keys value
			for _, c := range operator {
				keys.add(c.Key, oneOrMore(c.Values))
			}
			conditions.add(operator[0].Operator, keys)
		}
		v.add("Condition", conditions)
	}
	return v
}

type patterns struct {
	key  string
	list []string
}

// patternsOf returns the elements of a statement with patterns.
func patternsOf(s *iampolicy.Statement) []patterns {
	return []patterns{{"Action", s.Action}, {"NotAction", s.NotAction}, {"Resource", s.Resource},
		{"NotResource", s.NotResource}}
}

// operatorsOf groups conditions by operator.
func operatorsOf(conditions []iampolicy.Condition) (groups [][]iampolicy.Condition) {
	for i, c := range conditions {
		if i == 0 || conditions[i-1].Operator != c.Operator {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], c)
	}
	return groups
}

// principalTypes groups principals by type.
func principalTypes(list []iampolicy.Principal) (groups []patterns) {
	for i, p := range list {
		if i == 0 || list[i-1].Type != p.Type {
			groups = append(groups, patterns{key: p.Type})
		}
		last := &groups[len(groups)-1]
		last.list = append(last.list, p.Name)
	}
	return groups
}

// anyone reports whether principals are the bare "*".
func anyone(list []iampolicy.Principal) bool { return len(list) == 1 && list[0].Type == "" }

func principalsValue(list []iampolicy.Principal) (v value) {
	if anyone(list) {
		return textOf(list[0].Name)
	}
	for _, group := range principalTypes(list) {
		v.add(group.key, oneOrMore(group.list))
	}
	return v
}
