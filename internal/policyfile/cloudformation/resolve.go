package cloudformation

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// A resolver replaces the intrinsic functions of a template by their values.
type resolver struct {
	values Values
	// transforms reports whether the template has a transform, which can add resources.
	transforms bool
	// includes reports whether a section has a loop or a transform, which can add entries.
	includes bool

	parameters, mappings, conditions, resources map[string]*tree.Value
	// order are the logical ids of the resources in the order of the file.
	order []string

	// decided are the values of the conditions so far, and deciding the conditions under evaluation.
	decided  map[string]decision
	deciding map[string]bool
	// identities are the values of Ref and GetAtt for the resources so far, and naming the resources
	// whose names are under evaluation.
	identities map[string]identity
	naming     map[string]bool

	// spent is the size of all values so far.
	spent int
	// defaults are the parameters whose defaults were used, and partition is true if the partition
	// was assumed.
	defaults  []string
	partition bool
}

// maxSpent bounds the memory and time that one template takes: a few nested Joins or mappings can
// describe a text of any length.
const maxSpent = 64 << 20

func newResolver(t *Template, values Values) *resolver {
	r := &resolver{values: values, transforms: t.root.Get("Transform") != nil,
		decided: map[string]decision{}, deciding: map[string]bool{},
		identities: map[string]identity{}, naming: map[string]bool{}}
	index := func(section string) (map[string]*tree.Value, []string) {
		all, order := map[string]*tree.Value{}, []string{}
		if v := t.root.Get(section); v != nil && v.Kind == tree.Map {
			for i := range v.Members {
				m := &v.Members[i]
				all[m.Key], order = &m.Value, append(order, m.Key)
				if m.Key == "Fn::Transform" || strings.HasPrefix(m.Key, "Fn::ForEach::") {
					r.includes, r.transforms = true, true
				}
			}
		}
		return all, order
	}
	r.parameters, _ = index("Parameters")
	r.mappings, _ = index("Mappings")
	r.conditions, _ = index("Conditions")
	r.resources, r.order = index("Resources")
	return r
}

// function returns the name and the argument of an intrinsic function in its long or short form.
func function(v *tree.Value) (name string, argument tree.Value, ok bool) {
	if v.Tag != "" {
		argument = *v
		argument.Tag = ""
		if v.Tag == "Ref" || v.Tag == "Condition" {
			return v.Tag, argument, true
		}
		return "Fn::" + v.Tag, argument, true
	}
	if v.Kind != tree.Map || len(v.Members) != 1 {
		return "", argument, false
	}
	m := &v.Members[0]
	return m.Key, m.Value, m.Key == "Ref" ||
		strings.HasPrefix(m.Key, "Fn::") && !strings.HasPrefix(m.Key, "Fn::ForEach::")
}

// spend counts the size of a new value.
func (r *resolver) spend(at tree.Place, size int) error {
	if r.spent += size; r.spent > maxSpent {
		return errorAt(at, "the template with the values of its functions takes more than %d MB",
			maxSpent>>20)
	}
	return nil
}

// valueSize is what a value costs besides its text.
const valueSize = 160

// resolveFinal returns a value without functions and dynamic references.
func (r *resolver) resolveFinal(v *tree.Value) (tree.Value, error) {
	resolved, err := r.resolve(v)
	if err != nil {
		return resolved, err
	}
	return openReferences(resolved), nil
}

// resolve returns a value with every function replaced by its value. It leaves out members and
// items that are AWS::NoValue; such a value itself is Null.
func (r *resolver) resolve(v *tree.Value) (tree.Value, error) {
	if err := r.spend(v.Place, valueSize+len(v.Text)); err != nil {
		return tree.Value{}, err
	}
	if name, argument, ok := function(v); ok {
		return r.call(v.Place, name, &argument)
	}
	resolved := *v
	switch v.Kind {
	case tree.List:
		resolved.Items = make([]tree.Value, 0, len(v.Items))
		for i := range v.Items {
			item, err := r.resolve(&v.Items[i])
			if err != nil {
				return item, err
			}
			if item.Kind != tree.Null {
				resolved.Items = append(resolved.Items, item)
			}
		}
	case tree.Map:
		resolved.Members = make([]tree.Member, 0, len(v.Members))
		for i := range v.Members {
			m := v.Members[i]
			if strings.HasPrefix(m.Key, "Fn::") {
				if m.Key == "Fn::Transform" || strings.HasPrefix(m.Key, "Fn::ForEach::") {
					return tree.NewUnknown(v.Place, m.Key), nil // they change the mapping around them
				}
				return resolved, errorAt(m.Place, "%.100s has other keys beside it", m.Key)
			}
			var err error
			if m.Value, err = r.resolve(&m.Value); err != nil {
				return resolved, err
			}
			if m.Value.Kind != tree.Null {
				resolved.Members = append(resolved.Members, m)
			}
		}
	}
	return resolved, nil
}

// openFunctions are the functions whose values only AWS knows, or that no policy needs.
var openFunctions = []string{"Fn::GetAZs", "Fn::Cidr", "Fn::Transform", "Fn::GetStackOutput"}

// call returns the value of a function.
func (r *resolver) call(at tree.Place, name string, argument *tree.Value) (tree.Value, error) {
	parts := argument.Elements()
	switch {
	case name == "Ref":
		if text(argument) == "" {
			return tree.Value{}, errorAt(at, "Ref needs a name, got %v", argument.Kind)
		}
		return r.reference(at, argument.Text)
	case name == "Fn::GetAtt":
		return r.getAtt(at, argument)
	case name == "Fn::Sub":
		return r.sub(at, argument)
	case name == "Fn::If" && len(parts) == 3:
		return r.conditional(at, parts)
	case name == "Fn::Join" && len(parts) == 2:
		return r.join(at, parts)
	case name == "Fn::Split" && len(parts) == 2:
		return r.split(at, parts)
	case name == "Fn::Select" && len(parts) == 2:
		return r.choose(at, parts)
	case name == "Fn::FindInMap" && (len(parts) == 3 || len(parts) == 4):
		return r.findInMap(at, parts)
	}
	return r.callUnary(at, name, argument)
}

// callUnary returns the value of a function with one argument.
func (r *resolver) callUnary(at tree.Place, name string, argument *tree.Value) (tree.Value, error) {
	switch {
	case name == "Fn::ImportValue":
		v, err := r.scalar(argument)
		return tree.NewUnknown(at, shorten("Fn::ImportValue "+display(&v))), err
	case name == "Fn::Base64":
		v, err := r.scalar(argument)
		if err != nil || !v.Known() {
			return tree.NewUnknown(at, name), err
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(v.Text))
		return tree.NewString(at, tree.Part{Text: encoded}), r.spend(at, len(encoded))
	case name == "Fn::ToJsonString":
		// A policy can be a mapping or JSON text, so the mapping has the same meaning, and positions.
		return r.resolve(argument)
	case name == "Fn::Length":
		v, err := r.resolve(argument)
		if err != nil || v.Kind != tree.List || optionalItems(v.Items) {
			return tree.NewUnknown(at, name), err
		}
		return tree.Value{Kind: tree.Number, Place: at, Text: strconv.Itoa(len(v.Items))}, nil
	case slices.Contains(openFunctions, name):
		return tree.NewUnknown(at, name), nil
	}
	return tree.Value{}, errorAt(at, "%.100s with %d arguments is no function of CloudFormation",
		name, len(argument.Elements()))
}

// scalar resolves a value that has to be a text, a number or a boolean. Unknown values remain.
func (r *resolver) scalar(v *tree.Value) (tree.Value, error) {
	resolved, err := r.resolve(v)
	if err != nil {
		return resolved, err
	}
	if !isScalar(&resolved) && resolved.Kind != tree.Unknown {
		return resolved, errorAt(v.Place, "expected a text, got %v", resolved.Kind)
	}
	return resolved, nil
}

// conditional returns the value of an Fn::If. If the condition is open, the value is one of the two
// in its arguments.
func (r *resolver) conditional(at tree.Place, parts []tree.Value) (tree.Value, error) {
	if text(&parts[0]) == "" {
		return tree.Value{}, errorAt(at, "Fn::If needs the name of a condition, got %v", parts[0].Kind)
	}
	d, err := r.namedCondition(parts[0].Place, parts[0].Text)
	switch {
	case err != nil:
		return tree.Value{}, err
	case d.open == "" && d.holds:
		return r.resolve(&parts[1])
	case d.open == "":
		return r.resolve(&parts[2])
	}
	choice := tree.NewUnknown(at, openCondition(parts[0].Text, d))
	for i := range 2 {
		v, err := r.resolve(&parts[1+i])
		if err != nil {
			return v, err
		}
		choice.Items = append(choice.Items, v)
	}
	if a, b := &choice.Items[0], &choice.Items[1]; isScalar(a) && isScalar(b) && a.Known() &&
		b.Known() && a.Text == b.Text {
		return *a, nil
	}
	return choice, nil
}

// openCondition names a condition that cannot be decided.
func openCondition(name string, d decision) string {
	return shorten("condition " + name + ", which depends on " + d.open)
}

// optionalItems reports whether a list can have another number of items than it has here.
func optionalItems(items []tree.Value) bool {
	return slices.ContainsFunc(items, func(v tree.Value) bool {
		return v.Kind == tree.Unknown && slices.ContainsFunc(v.Items, func(one tree.Value) bool {
			return !isScalar(&one)
		})
	})
}

func (r *resolver) join(at tree.Place, parts []tree.Value) (tree.Value, error) {
	delimiter, err := r.scalar(&parts[0])
	if err != nil {
		return delimiter, err
	}
	list, err := r.resolve(&parts[1])
	switch {
	case err != nil:
		return list, err
	case list.Kind == tree.Unknown:
		return tree.NewUnknown(at, list.Text), nil
	case list.Kind != tree.List:
		return list, errorAt(parts[1].Place, "Fn::Join needs a list, got %v", list.Kind)
	case optionalItems(list.Items):
		i := slices.IndexFunc(list.Items, func(v tree.Value) bool { return v.Kind == tree.Unknown })
		return tree.NewUnknown(at, list.Items[i].Text), nil
	}
	var joined []tree.Part
	for i := range list.Items {
		item := &list.Items[i]
		if !isScalar(item) && item.Kind != tree.Unknown {
			return list, errorAt(item.Place, "Fn::Join needs texts, got %v", item.Kind)
		}
		if i > 0 {
			joined = append(joined, delimiter.StringParts()...)
		}
		joined = append(joined, item.StringParts()...)
	}
	return r.newString(at, joined)
}

// newString returns a string of parts, and counts its size.
func (r *resolver) newString(at tree.Place, parts []tree.Part) (tree.Value, error) {
	size := valueSize * len(parts)
	for _, p := range parts {
		size += len(p.Text)
	}
	if err := r.spend(at, size); err != nil {
		return tree.Value{}, err
	}
	return tree.NewString(at, compact(parts)...), nil
}

// split returns the parts of a text between delimiters. An unknown part could contain a delimiter,
// unless it is one of the names of AWS.
func (r *resolver) split(at tree.Place, parts []tree.Value) (tree.Value, error) {
	delimiter, err := r.scalar(&parts[0])
	if err != nil {
		return delimiter, err
	}
	source, err := r.scalar(&parts[1])
	if err != nil {
		return source, err
	}
	for _, v := range []*tree.Value{&delimiter, &source} {
		for _, p := range v.StringParts() {
			plain := slices.Contains([]string{"AWS::AccountId", "AWS::Region"}, p.Unknown) ||
				strings.HasPrefix(p.Unknown, generatedName)
			if p.Unknown != "" && (v == &delimiter || !plain || strings.Trim(delimiter.Text, ":/, ") != "") {
				return tree.NewUnknown(at, p.Unknown), nil
			}
		}
	}
	if delimiter.Text == "" {
		return delimiter, errorAt(parts[0].Place, "the delimiter of Fn::Split is empty")
	}
	list, current := tree.Value{Kind: tree.List, Place: at}, []tree.Part{}
	for _, p := range source.StringParts() {
		if p.Unknown != "" {
			current = append(current, p)
			continue
		}
		for i, piece := range strings.Split(p.Text, delimiter.Text) {
			if i > 0 {
				list.Items, current = append(list.Items, tree.NewString(at, current...)), nil
			}
			current = append(current, tree.Part{Text: piece})
		}
	}
	list.Items = append(list.Items, tree.NewString(at, current...))
	return list, r.spend(at, valueSize*len(list.Items)+len(source.Text))
}

// choose returns the value of an Fn::Select.
func (r *resolver) choose(at tree.Place, parts []tree.Value) (tree.Value, error) {
	index, err := r.scalar(&parts[0])
	if err != nil {
		return index, err
	}
	list, err := r.resolve(&parts[1])
	switch {
	case err != nil:
		return list, err
	case !index.Known():
		return tree.NewUnknown(at, firstUnknown(&index)), nil
	case list.Kind == tree.Unknown:
		return tree.NewUnknown(at, list.Text), nil
	case list.Kind != tree.List:
		return list, errorAt(parts[1].Place, "Fn::Select needs a list, got %v", list.Kind)
	case optionalItems(list.Items):
		return tree.NewUnknown(at, "Fn::Select"), nil
	}
	i, err := strconv.Atoi(index.Text)
	if err != nil || i < 0 || i >= len(list.Items) {
		return list, errorAt(at, "index %.20s of Fn::Select is not in the list, which has %d items",
			index.Text, len(list.Items))
	}
	return list.Items[i], nil
}

// findInMap returns a value of Mappings. With a key that is not known, it is one of all values.
func (r *resolver) findInMap(at tree.Place, parts []tree.Value) (tree.Value, error) {
	var keys [3]tree.Value
	for i := range keys {
		var err error
		if keys[i], err = r.scalar(&parts[i]); err != nil {
			return keys[i], err
		}
	}
	if !keys[0].Known() {
		return tree.NewUnknown(at, "Fn::FindInMap"), nil
	}
	name := shorten("Fn::FindInMap " + display(&keys[0]) + ", which depends on " +
		firstUnknown(&keys[1]) + firstUnknown(&keys[2]))
	found := []*tree.Value{r.mappings[keys[0].Text]}
	for _, key := range keys[1:] {
		var next []*tree.Value
		for _, m := range found {
			switch {
			case m == nil || m.Kind != tree.Map:
			case key.Known():
				if v := m.Get(key.Text); v != nil {
					next = append(next, v)
				}
			default:
				for i := range m.Members {
					next = append(next, &m.Members[i].Value)
				}
			}
		}
		found = next
	}
	open := !keys[1].Known() || !keys[2].Known()
	if len(parts) == 4 && (open || len(found) == 0) { // the extension with a default value
		value := parts[3].Get("DefaultValue")
		if value == nil {
			return tree.Value{}, errorAt(parts[3].Place, "Fn::FindInMap: expected DefaultValue")
		}
		found = append(found, value)
	}
	switch {
	case len(found) == 0 && r.includes:
		return tree.NewUnknown(at, "Fn::FindInMap "+shorten(display(&keys[0]))), nil
	case len(found) == 0:
		return tree.Value{}, errorAt(at, "Mappings has no %.100s", strings.Join([]string{
			display(&keys[0]), display(&keys[1]), display(&keys[2])}, "."))
	case !open:
		v, err := r.resolve(found[0])
		v.Place = at
		return v, err
	}
	choice := tree.NewUnknown(at, name)
	for _, f := range found {
		v, err := r.resolve(f)
		if err != nil {
			return v, err
		}
		choice.Items = append(choice.Items, v)
	}
	return choice, nil
}
