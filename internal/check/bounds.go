package check

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Bounds are the limits of what the policies of a principal grant. A file can leave parts of a
// policy open, such as a parameter without a default. A requirement is satisfied only if AtLeast
// satisfies it, and a gap only if AtMost has the gap.
type Bounds struct {
	// AtLeast grants what the policies grant in any case, and AtMost what they may grant. Both have
	// the same policies with the same statements, of which the unknown parts differ.
	AtLeast, AtMost iampolicy.Grants
	// Open are the unknown parts, in the order of the policies.
	Open []Open
	// At is where a file declares the principal. The zero value means that the policies have no
	// principal, only files.
	At Place
}

// Exactly returns the bounds of policies that are completely known.
func Exactly(grants iampolicy.Grants) Bounds { return Bounds{AtLeast: grants, AtMost: grants} }

// Open is a part of a policy that a file leaves open.
type Open struct {
	// Name names the part, such as "Fn::ImportValue shared-bucket".
	Name string `json:"name"`
	At   Place  `json:"at"`
	// Remedy says how to make the part known, without a full stop.
	Remedy string `json:"remedy,omitempty"`

	// Policy is the ID of the policy, and Statement the Brace of the statement with the part.
	Policy    string             `json:"-"`
	Statement iampolicy.Position `json:"-"`
}

// A Place is a position in a file.
type Place struct {
	// File is the path of the file; empty for standard input.
	File string `json:"file,omitempty"`
	// Line and Column count from 1, and columns count characters. They are 0 if the position in the
	// file is not known.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// IsZero reports whether the place says nothing.
func (p Place) IsZero() bool { return p.File == "" && p.Line == 0 }

// String returns the place as editors and terminals read it: template.yaml:31:9.
func (p Place) String() string {
	text := cmp.Or(p.File, "standard input")
	if p.Line > 0 {
		text += fmt.Sprintf(":%d", p.Line)
		if p.Column > 0 {
			text += fmt.Sprintf(":%d", p.Column)
		}
	}
	return text
}

// maxOpen is the number of open parts that a verdict lists.
const maxOpen = 100

// maxOpenNamed is the number of open parts that an explanation names.
const maxOpenNamed = 3

// within returns the finding for a requirement on policies with open parts. most is the finding of
// AtMost, and least that of AtLeast.
func (b *Bounds) within(most, least Finding, r Requirement) Finding {
	switch {
	case most.Status.Gap():
		// The explanation quotes patterns in which * stands for an unknown part.
		if parts := b.partsOf(most.Statements); parts != nil && most.Cause == iampolicy.NarrowerGrant {
			most.Open = parts[:min(len(parts), maxOpenNamed)]
			most.Why += "; * also stands for what the file leaves open: " + namesOf(parts)
		}
		return most
	case least.Status == iampolicy.Satisfied:
		return least
	case most.Status == iampolicy.Unverified:
		return most // for a reason of its own
	}
	parts := b.partsOf(most.Covering, least.Statements)
	if parts == nil {
		parts = b.Open
	}
	f := Finding{Sid: most.Sid, Action: most.Action, Resource: most.Resource,
		Severity: r.Severity, Reason: most.Reason, Impact: most.Impact,
		Status: iampolicy.Unverified, ExampleAction: r.Action, ExampleARN: r.Resource,
		Open: parts[:min(len(parts), maxOpenNamed)], Why: dependsOn(parts)}
	for _, s := range slices.Concat(most.Covering, least.Statements) {
		if b.partsOf([]iampolicy.StatementRef{s}) != nil &&
			!slices.ContainsFunc(f.Statements, func(o iampolicy.StatementRef) bool {
				return o.Policy == s.Policy && o.Index == s.Index
			}) {
			s.Resources = nil // they have wildcards that the file does not have
			f.Statements = append(f.Statements, s)
		}
	}
	return f
}

// partsOf returns the open parts of statements without duplicates; nil for none.
func (b *Bounds) partsOf(lists ...[]iampolicy.StatementRef) (parts []Open) {
	for _, s := range slices.Concat(lists...) {
		for _, o := range b.Open {
			at := iampolicy.Position{Line: s.Line, Column: s.Column}
			if o.Policy == s.Policy && o.Statement == at &&
				!slices.ContainsFunc(parts, func(p Open) bool { return p.Name == o.Name }) {
				parts = append(parts, o)
			}
		}
	}
	return parts
}

// dependsOn explains which open parts decide.
func dependsOn(parts []Open) string {
	text := "depends on " + namesOf(parts) + ", which the file leaves open"
	var remedies []string
	for _, p := range parts[:min(len(parts), maxOpenNamed)] {
		if p.Remedy != "" {
			remedies = textfmt.AppendNew(remedies, p.Remedy)
		}
	}
	if remedies != nil {
		text += ": " + textfmt.Or(remedies)
	}
	return text
}

// namesOf names at most maxOpenNamed parts with their places.
func namesOf(parts []Open) string {
	var names []string
	for _, p := range parts {
		text := textfmt.Head(p.Name, maxSid)
		if !p.At.IsZero() {
			text += " (" + p.At.short() + ")"
		}
		names = append(names, text)
	}
	return textfmt.Some(names, maxOpenNamed)
}

// short returns the place without its column.
func (p Place) short() string {
	p.Column = 0
	return p.String()
}

// setPlaces sets At of each finding that is not satisfied: the first deciding statement, else the
// statement that grants a part, else the first statement of the first identity policy, where a
// permission can be added.
func (r *Verdict) setPlaces(b Bounds) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Status == iampolicy.Satisfied {
			continue
		}
		for _, s := range slices.Concat(f.Statements, f.Covering) {
			if at, ok := b.place(s.Policy, s.Line, s.Column); ok {
				f.At = &at
				break
			}
		}
		if f.At == nil {
			f.At = b.statementOf("", 0)
		}
	}
}

// place returns a position in the file of a policy. ok is false if the policy is in no file, or if
// the position is not known.
func (b *Bounds) place(policy string, line, column int) (at Place, ok bool) {
	if line == 0 {
		return at, false
	}
	for p := range policiesOf(b.AtMost) {
		if p.ID == policy && p.Location.Kind == iampolicy.FileLocation {
			return NewPlace(p.Location.Name, line, column), true
		}
	}
	return at, false
}

// NewPlace returns a position in a file. The name "-" is standard input.
func NewPlace(file string, line, column int) Place {
	if file == "-" {
		file = ""
	}
	return Place{File: file, Line: line, Column: column}
}

// statementOf returns the place of a statement of an identity policy, counted from 1. For the
// number 0, it returns that of the first statement, and for an empty name it takes the first policy
// with statements. Without such a statement, it returns the place of the principal, or nil.
func (b *Bounds) statementOf(policy string, number int) *Place {
	for _, p := range b.AtMost.Identity {
		if policy != "" && p.ID != policy || p.Document == nil || p.ByAWS ||
			len(p.Document.Statements) < max(number, 1) {
			continue
		}
		brace := p.Document.Statements[max(number, 1)-1].Brace
		if at, ok := b.place(p.ID, brace.Line, brace.Column); ok {
			return &at
		}
	}
	if b.At.IsZero() {
		return nil
	}
	at := b.At
	return &at
}

// SetPaths replaces the path of each file in the verdict, such as by one that code review shows.
func (r *Verdict) SetPaths(path func(string) string) {
	setSourcePaths(r.Sources, path)
	r.Open = withPaths(r.Open, path)
	if r.Principal != nil {
		r.Principal.At.setPath(path)
	}
	for i := range r.Findings {
		r.Findings[i].At.setPath(path)
		r.Findings[i].Open = withPaths(r.Findings[i].Open, path)
	}
}

// SetPaths is that of a Verdict.
func (r *Replacement) SetPaths(path func(string) string) {
	setSourcePaths(r.Sources, path)
	for i := range r.Changes {
		r.Changes[i].At.setPath(path)
		r.Changes[i].Open = withPaths(r.Changes[i].Open, path)
	}
}

func (p *Place) setPath(path func(string) string) {
	if p != nil && p.File != "" {
		p.File = path(p.File)
	}
}

func setSourcePaths(list []Source, path func(string) string) {
	for i := range list {
		if list[i].File != "" {
			list[i].File = path(list[i].File)
		}
	}
}

// withPaths returns a copy of a list with other paths.
func withPaths(list []Open, path func(string) string) []Open {
	list = slices.Clone(list)
	for i := range list {
		list[i].At.setPath(path)
	}
	return list
}

// A Principal is what a file declares and a verdict is about.
type Principal struct {
	// Address identifies it in the file: a logical id, a path of CDK or an address of Terraform.
	Address string `json:"address"`
	// Kind is role, user, group or policy. Name is its name in IAM; empty if the file does not set it.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	At   Place  `json:"at,omitzero"`
}

// String returns the principal in texts.
func (p Principal) String() string { return p.Kind + " " + p.Address }
