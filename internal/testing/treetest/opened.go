// Package treetest writes values with unknown parts in tests.
package treetest

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// Opened returns a value in which each string "?name", and each "{?name}" in a string, is an
// unknown part, and each {"?name": [values]} an unknown value that is one of the values. It changes
// the items and members of v.
func Opened(v tree.Value) tree.Value {
	if len(v.Members) == 1 && strings.HasPrefix(v.Members[0].Key, "?") {
		choice := tree.NewUnknown(v.Place, v.Members[0].Key[1:])
		choice.Items = Opened(v.Members[0].Value).Items
		return choice
	}
	if name, ok := strings.CutPrefix(v.Text, "?"); ok && v.Kind == tree.String {
		return tree.NewUnknown(v.Place, name)
	}
	if before, rest, ok := strings.Cut(v.Text, "{?"); ok && v.Kind == tree.String {
		name, after, _ := strings.Cut(rest, "}")
		return tree.NewString(v.Place, tree.Part{Text: before}, tree.Part{Unknown: name},
			tree.Part{Text: after})
	}
	for i := range v.Items {
		v.Items[i] = Opened(v.Items[i])
	}
	for i := range v.Members {
		v.Members[i].Value = Opened(v.Members[i].Value)
	}
	return v
}
