// Package tree holds JSON and YAML values with their positions, and with parts that are not known.
//
// A reader of templates parses a file, replaces what it can resolve, and marks the rest:
//
//	v, err := tree.Parse(text, limits)
//	name := tree.Text(v.Place, "remotionlambda-", tree.Unknown("Ref Suffix"))
package tree

import (
	"fmt"
	"strings"
)

// Kind is the kind of a value. The zero value is Null.
type Kind uint8

// The kinds of values.
const (
	Null Kind = iota
	Bool
	Number
	String
	List
	Map
	// Unknown is a value of which not even the kind is known.
	Unknown
)

func (k Kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "a list", "a mapping",
		"an unknown value"}[k]
}

// A Place is a position in a file. Line and Column count from 1, and columns count characters. Both
// are 0 for a position that is not known.
type Place struct{ Line, Column int }

// A Value is one value of a file.
type Value struct {
	Kind  Kind
	Place Place
	// Text is a string, a number or a boolean as written. For Unknown, it names the value, such as
	// "Fn::ImportValue shared-bucket".
	Text string
	// Parts are the parts of a string of which not all are known; nil for other strings. Text is then
	// empty.
	Parts []Part
	// Items are the values of a list. For Unknown, they are all values that it can have, with Null for
	// none; it can have any value if there are no items.
	Items []Value
	// Members are the members of a mapping in the order of the file.
	Members []Member
	// Tag is the local tag of a YAML value without its exclamation mark, such as Sub; empty for none.
	Tag string
}

// A Member is a key with its value.
type Member struct {
	Key   string
	Place Place
	Value Value
}

// A Part is a part of a string: a text, or the name of an unknown part.
type Part struct {
	Text    string
	Unknown string
}

// NewUnknown returns an unknown value with a name.
func NewUnknown(at Place, name string) Value { return Value{Kind: Unknown, Place: at, Text: name} }

// NewString returns a string of parts. Without an unknown part it is an ordinary string.
func NewString(at Place, parts ...Part) Value {
	v := Value{Kind: String, Place: at}
	var text strings.Builder
	known := true
	for _, p := range parts {
		known = known && p.Unknown == ""
		text.WriteString(p.Text)
	}
	if known {
		v.Text = text.String()
	} else {
		v.Parts = parts
	}
	return v
}

// Known reports whether all of a string is known.
func (v *Value) Known() bool { return v.Parts == nil && v.Kind != Unknown }

// StringParts returns the parts of a scalar. The part of an unknown value is its name.
func (v *Value) StringParts() []Part {
	switch {
	case v.Kind == Unknown:
		return []Part{{Unknown: v.Text}}
	case v.Parts != nil:
		return v.Parts
	}
	return []Part{{Text: v.Text}}
}

// MoveTo sets the place of a value and of all that it holds. It is for a text in a string of a
// file, in which positions mean nothing to a reader of the file.
func (v *Value) MoveTo(at Place) {
	v.Place = at
	for i := range v.Items {
		v.Items[i].MoveTo(at)
	}
	for i := range v.Members {
		v.Members[i].Place = at
		v.Members[i].Value.MoveTo(at)
	}
}

// Get returns the value of a key of a mapping, or nil if v is no mapping with this key.
func (v *Value) Get(key string) *Value {
	if v == nil || v.Kind != Map {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Key == key {
			return &v.Members[i].Value
		}
	}
	return nil
}

// At returns the value at a path of keys, or nil.
func (v *Value) At(path ...string) *Value {
	for _, key := range path {
		v = v.Get(key)
	}
	return v
}

// Elements returns the items of a list, and any other value as the only item: IAM and
// CloudFormation accept one value in place of a list. It returns nil for nil and Null.
func (v *Value) Elements() []Value {
	switch {
	case v == nil || v.Kind == Null:
		return nil
	case v.Kind == List:
		return v.Items
	}
	return []Value{*v}
}

// Limits are the limits of a file.
type Limits struct {
	// Bytes is the maximum length of the text.
	Bytes int
	// Values is the maximum number of keys and values, with each alias of YAML counted as the value
	// that it stands for.
	Values int
	// Depth is the maximum number of lists and mappings around a value.
	Depth int
}

// An Error is why a text was refused.
type Error struct {
	Place
	Msg string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Msg
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg)
}
