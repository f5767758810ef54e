package awsemu

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A form is the tree of a Query request's parameters. Each dot in a parameter's name descends one
// level: ContextEntries.member.1.ContextKeyName is form[ContextEntries][member][1][ContextKeyName].
// A nil form is an absent parameter, and all methods accept a nil form.
type form struct {
	value string
	sub   map[string]*form
}

// maxDepth bounds the number of parts of a parameter's name. The longest name that an operation
// reads has ten parts: it names a dimension in EntityMetricData.
const maxDepth = 16

func newForm(values url.Values) *form {
	root := &form{}
	for name, vs := range values {
		parts := strings.SplitN(name, ".", maxDepth)
		at := root
		for _, part := range parts {
			next := at.sub[part]
			if next == nil {
				next = &form{}
				if at.sub == nil {
					at.sub = make(map[string]*form)
				}
				at.sub[part] = next
			}
			at = next
		}
		if len(vs) > 0 {
			at.value = vs[0]
		}
	}
	return root
}

func (f *form) at(names ...string) *form {
	for _, name := range names {
		if f == nil {
			return nil
		}
		f = f.sub[name]
	}
	return f
}

// get returns the parameter's value, or an empty string if it is absent.
func (f *form) get(names ...string) string {
	if v := f.at(names...); v != nil {
		return v.value
	}
	return ""
}

func (f *form) has(name string) bool { return f.at(name) != nil }

// list returns the elements of a list parameter in the order of their numbers. wrap is the part
// between the list's name and the number: "member" for a list, "entry" for a map.
func (f *form) list(name, wrap string) []*form {
	wrapped := f.at(name, wrap)
	if wrapped == nil {
		return nil
	}
	type numbered struct {
		n int
		f *form
	}
	var all []numbered
	for key, sub := range wrapped.sub {
		if n, err := strconv.Atoi(key); err == nil && n > 0 {
			all = append(all, numbered{n, sub})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.n, b.n) })
	forms := make([]*form, len(all))
	for i, a := range all {
		forms[i] = a.f
	}
	return forms
}

// members returns the values of a list of strings.
func (f *form) members(name string) []string {
	forms := f.list(name, "member")
	values := make([]string, len(forms))
	for i, m := range forms {
		values[i] = m.value
	}
	return values
}
