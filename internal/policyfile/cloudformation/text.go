package cloudformation

import (
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxName is the maximum number of characters in the name of an unknown part.
const maxName = 200

func shorten(name string) string { return textfmt.Truncate(name, maxName) }

// display returns a scalar as text, with ${name} for each unknown part.
func display(v *tree.Value) string {
	var b strings.Builder
	for _, p := range v.StringParts() {
		b.WriteString(p.Text)
		if p.Unknown != "" {
			b.WriteString("${" + p.Unknown + "}")
		}
	}
	return b.String()
}

// stableNames are the starts of the names of unknown parts that have one value in the template.
var stableNames = []string{"AWS::", "parameter ", generatedName, "path of ", "property ",
	"Fn::ImportValue ", "Fn::GetAtt "}

// same reports whether two scalars are equal in any case. Two values of the same Fn::If can differ,
// so only the parts whose names stand for one value count as equal.
func same(a, b *tree.Value) bool {
	stable := func(name string) bool {
		return name == "" || !strings.HasSuffix(name, "…") &&
			slices.ContainsFunc(stableNames, func(s string) bool { return strings.HasPrefix(name, s) })
	}
	p, q := compact(a.StringParts()), compact(b.StringParts())
	return len(p) == len(q) && !slices.ContainsFunc(p, func(part tree.Part) bool {
		return !stable(part.Unknown)
	}) && slices.Equal(p, q)
}

// mayBeSame reports whether two scalars can be equal: the known texts at their starts and at their
// ends do not differ.
func mayBeSame(a, b *tree.Value) bool {
	if a.Known() && b.Known() {
		return a.Text == b.Text
	}
	p, q := compact(a.StringParts()), compact(b.StringParts())
	if len(p) == 0 || len(q) == 0 {
		return true
	}
	x, y := p[0].Text, q[0].Text
	if !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x) {
		return false
	}
	x, y = p[len(p)-1].Text, q[len(q)-1].Text
	return strings.HasSuffix(x, y) || strings.HasSuffix(y, x)
}

// compact joins adjacent texts and leaves out empty ones.
func compact(parts []tree.Part) (list []tree.Part) {
	var known strings.Builder
	flush := func() {
		if known.Len() > 0 {
			list = append(list, tree.Part{Text: known.String()})
			known.Reset()
		}
	}
	for _, p := range parts {
		known.WriteString(p.Text)
		if p.Unknown != "" {
			flush()
			list = append(list, p)
		}
	}
	flush()
	return list
}

// mark stands for an unknown part in a text that is parsed as a whole: mark, the index of the part,
// mark. It is no character of Unicode.
const mark = "\uFDD0"

// encode returns the parts of a string as one text with marks. ok is false if the string itself
// contains a mark.
func encode(parts []tree.Part) (text string, unknown []string, ok bool) {
	var b strings.Builder
	for _, p := range parts {
		if strings.Contains(p.Text, mark) {
			return "", nil, false
		}
		b.WriteString(p.Text)
		if p.Unknown != "" {
			b.WriteString(mark + strconv.Itoa(len(unknown)) + mark)
			unknown = append(unknown, p.Unknown)
		}
	}
	return b.String(), unknown, true
}

// decode returns the parts of a text with marks.
func decode(text string, unknown []string) []tree.Part {
	pieces := strings.Split(text, mark)
	parts := make([]tree.Part, len(pieces))
	for i, piece := range pieces {
		if i%2 == 0 {
			parts[i].Text = piece
			continue
		}
		parts[i].Unknown = "a text"
		if n, err := strconv.Atoi(piece); err == nil && n >= 0 && n < len(unknown) {
			parts[i].Unknown = unknown[n]
		}
	}
	return parts
}

const referenceStart, referenceEnd = "{{resolve:", "}}"

// openReferences replaces the dynamic references in all strings of a value by unknown parts.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
func openReferences(v tree.Value) tree.Value {
	switch {
	case v.Kind == tree.String:
		parts := v.StringParts()
		if !slices.ContainsFunc(parts, func(p tree.Part) bool {
			return strings.Contains(p.Text, "{{")
		}) {
			return v
		}
		text, unknown, ok := encode(parts)
		if !ok {
			return tree.NewUnknown(v.Place, "a text with the character U+FDD0")
		}
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(text, referenceStart)
			reference, after, closed := strings.Cut(rest, referenceEnd)
			b.WriteString(before)
			if !found || !closed {
				b.WriteString(text[len(before):])
				break
			}
			named := tree.NewString(v.Place, decode(reference, unknown)...)
			b.WriteString(mark + strconv.Itoa(len(unknown)) + mark)
			unknown = append(unknown, shorten(referenceStart+display(&named)+referenceEnd))
			text = after
		}
		return tree.NewString(v.Place, decode(b.String(), unknown)...)
	case len(v.Items) > 0:
		items := make([]tree.Value, len(v.Items))
		for i := range v.Items {
			items[i] = openReferences(v.Items[i])
		}
		v.Items = items
	case len(v.Members) > 0:
		members := slices.Clone(v.Members)
		for i := range members {
			members[i].Value = openReferences(members[i].Value)
		}
		v.Members = members
	}
	return v
}
