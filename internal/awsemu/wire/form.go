package wire

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Form is the tree of a Query request's parameters. Each dot in a parameter's name descends one
// level: ContextEntries.member.1.ContextKeyName is form[ContextEntries][member][1][ContextKeyName].
// A nil Form is an absent parameter, and all methods accept a nil Form.
type Form struct {
	Value string
	Sub   map[string]*Form
}

// maxDepth bounds the number of parts of a parameter's name. The longest name that an operation
// reads has six parts: it names a value of a context key in a simulation.
const maxDepth = 16

// NewForm returns the tree of the parameters. It keeps the first value of each parameter.
func NewForm(values url.Values) *Form {
	root := &Form{}
	for name, vs := range values {
		parts := strings.SplitN(name, ".", maxDepth)
		at := root
		for _, part := range parts {
			next := at.Sub[part]
			if next == nil {
				next = &Form{}
				if at.Sub == nil {
					at.Sub = make(map[string]*Form)
				}
				at.Sub[part] = next
			}
			at = next
		}
		if len(vs) > 0 {
			at.Value = vs[0]
		}
	}
	return root
}

// At returns the parameter at a path of names, or nil.
func (f *Form) At(names ...string) *Form {
	for _, name := range names {
		if f == nil {
			return nil
		}
		f = f.Sub[name]
	}
	return f
}

// Get returns the parameter's value, or an empty string if it is absent.
func (f *Form) Get(names ...string) string {
	if v := f.At(names...); v != nil {
		return v.Value
	}
	return ""
}

// Has reports whether the form has a parameter of that name, or one below that name.
func (f *Form) Has(name string) bool { return f.At(name) != nil }

// List returns the elements of a list parameter in the order of their numbers. wrap is the part
// between the list's name and the number: "member" for a list, "entry" for a map.
func (f *Form) List(name, wrap string) []*Form { return f.At(name).Numbered(wrap) }

// Numbered returns the elements of a list parameter whose numbers follow its name directly, as in
// the protocol of EC2, in the order of their numbers.
func (f *Form) Numbered(name string) []*Form {
	list := f.At(name)
	if list == nil {
		return nil
	}
	type numbered struct {
		n int
		f *Form
	}
	var all []numbered
	for key, sub := range list.Sub {
		if n, err := strconv.Atoi(key); err == nil && n > 0 {
			all = append(all, numbered{n, sub})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
	forms := make([]*Form, len(all))
	for i, a := range all {
		forms[i] = a.f
	}
	return forms
}

// Members returns the values of a list of strings.
func (f *Form) Members(name string) []string {
	forms := f.List(name, "member")
	values := make([]string, len(forms))
	for i, m := range forms {
		values[i] = m.Value
	}
	return values
}
