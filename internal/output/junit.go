package output

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// The elements of JUnit's XML, as the schema of Jenkins has them (jenkins-junit.xsd). The types of
// jstemmer/go-junit-report do not fit it: they give skipped an attribute.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property,omitempty"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name      string       `xml:"name,attr"`
	Classname string       `xml:"classname,attr"`
	Skipped   *string      `xml:"skipped"`
	Error     *junitResult `xml:"error"`
	Failure   *junitResult `xml:"failure"`
	SystemOut *junitOutput `xml:"system-out"`
}

type junitResult struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

type junitOutput struct {
	Text string `xml:",cdata"`
}

// junitText is the length of a message in characters.
const junitText = 2000

// writeJUnit writes a listing as JUnit XML: a test suite for each target or policy, and a test case
// for each requirement. A gap is a failure, what is unverified is an error, and a muted gap or a
// known gap of a baseline is skipped. Cleaned texts have no character that XML forbids.
func writeJUnit(w io.Writer, l listing) error {
	all := junitSuites{Name: contract.ToolName + " " + short(l.name, junitText)}
	properties := []junitProperty{{"tool", clean(strings.TrimSpace(l.tool.Name + " " +
		l.tool.Version))}, {"status", clean(l.status)}, {"result", short(l.headline, junitText)}}
	for _, f := range l.facts {
		properties = append(properties, junitProperty{clean(f.label), short(f.text, junitText)})
	}
	for i := range l.suites {
		s := junitSuiteOf(&l.suites[i])
		s.Properties = properties
		if !l.at.IsZero() {
			s.Timestamp = l.at.UTC().Format("2006-01-02T15:04:05")
		}
		all.Tests, all.Failures, all.Errors = all.Tests+s.Tests, all.Failures+s.Failures,
			all.Errors+s.Errors
		all.Suites = append(all.Suites, s)
	}
	b := bytes.NewBufferString(xml.Header)
	encoder := xml.NewEncoder(b)
	encoder.Indent("", "  ")
	if err := encoder.Encode(all); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(w)
	return err
}

func junitSuiteOf(s *suite) junitSuite {
	name := short(s.name, junitText)
	if s.kind != "" {
		name += " (" + clean(s.kind) + ")"
	}
	out := junitSuite{Name: name}
	names := map[string]int{}
	for i := range s.entries {
		c := junitCaseOf(&s.entries[i], s)
		// A reader keeps one of two cases with the same name.
		if names[c.Name]++; names[c.Name] > 1 {
			c.Name = fmt.Sprintf("%s #%d", c.Name, names[c.Name])
		}
		out.Tests++
		switch {
		case c.Failure != nil:
			out.Failures++
		case c.Error != nil:
			out.Errors++
		case c.Skipped != nil:
			out.Skipped++
		}
		out.Cases = append(out.Cases, c)
	}
	return out
}

func junitCaseOf(e *entry, s *suite) junitCase {
	name := cmp.Or(e.subject(), e.word)
	if e.resource != "" {
		name += " on " + e.resource
	}
	if e.later {
		name += " (after the upgrade)"
	}
	// Readers split the class at dots.
	class := strings.ReplaceAll(short(s.name, 500), ".", "_")
	c := junitCase{Name: short(name, junitText), Classname: contract.ToolName + "." + class}
	j := judged{e, s}
	result := func() *junitResult {
		message := e.title()
		if e.why != "" {
			message += ": " + e.why
		}
		return &junitResult{Message: short(message, junitText), Type: short(cmp.Or(string(e.cause),
			e.word), 100), Text: e.lines(s.name)}
	}
	switch e.outcome {
	case gap:
		c.Failure = result()
	case unverified:
		c.Error = result()
	case known:
		text := "known from the baseline: " + short(j.sentence(), junitText)
		c.Skipped = &text
	case muted:
		text := short(j.sentence(), junitText)
		if e.mute != nil {
			text += "; " + short(muteText(*e.mute), junitText)
		}
		c.Skipped = &text
	case passed, noted, gone:
		if e.outcome == noted {
			c.SystemOut = &junitOutput{e.lines(s.name)}
		} else if len(e.statements) > 0 {
			c.SystemOut = &junitOutput{"granted by " + short(e.fieldText("statements"), junitText)}
		}
	}
	return c
}

// lines returns what is known about a judgement, a line for each fact.
func (e *entry) lines(target string) string {
	var b strings.Builder
	add := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", label, short(text, junitText))
		}
	}
	for _, f := range e.fields(target) {
		if f.label != "fix" && f.label != "fixCommand" {
			add(f.label, f.text)
		}
	}
	add("why", e.why)
	add("impact", e.impact)
	if e.file != "" {
		add("place", fmt.Sprintf("%s:%d:%d", e.file, e.line, e.column))
	}
	if e.fix != nil {
		add("fix", e.fix.text)
		for _, line := range e.fix.diff {
			b.WriteString("  " + clean(line) + "\n")
		}
		add("fix command", e.fix.command)
	}
	return b.String()
}

// fieldText returns the text of a field; empty if the judgement does not have it.
func (e *entry) fieldText(label string) string {
	for _, f := range e.fields("") {
		if f.label == label {
			return f.text
		}
	}
	return ""
}
