package terraform

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A resource is one instance of a resource or of a data source.
type resource struct {
	// address is the address in the whole configuration, and module that of the instance of a module
	// that has the resource; empty for the root module.
	address, module string
	// block is the address in the module without the key of count or for_each, such as aws_iam_role.x
	// or data.aws_iam_policy.y. key is the key in brackets; empty for none.
	block, key string
	kind       string // the type, with "data." before it for a data source
	values     tree.Value
	// partial is true if an absent value may be one that is known after apply.
	partial bool
	config  *tfjson.ConfigResource // nil if the plan has no configuration
	// document is the policy document of a data source, once it is read.
	document *tree.Value
}

// A superseded policy is an inline policy or an attachment that the plan removes or replaces.
// policy is the name or the ARN, with the word name or arn before it.
type superseded struct {
	kind              policyfile.Kind
	principal, policy string
}

// relevant reports whether this package reads resources of a type. Policies refer to the account
// and the region.
func relevant(kind string) bool {
	return kind == "aws_caller_identity" || kind == "aws_region" || kind == "aws_partition" ||
		strings.HasPrefix(kind, "aws_iam_") || strings.HasPrefix(kind, "aws_ssoadmin_") ||
		strings.HasPrefix(kind, "awscc_iam_")
}

// resourceKey is the key of a resource block in one instance of a module.
func resourceKey(module, block string) string { return module + "\x00" + block }

// addResources adds the resources that exist after apply.
func (p *Plan) addResources(d *document) {
	changes := map[string]*tfjson.ResourceChange{}
	all := slices.Clone(d.ResourceChanges)
	for _, deferred := range d.DeferredChanges {
		if deferred != nil {
			all = append(all, deferred.ResourceChange)
		}
	}
	for _, c := range all {
		if c != nil && c.Change != nil && c.DeposedKey == "" && relevant(c.Type) {
			changes[c.Address] = c
		}
	}
	add := func(values *tfjson.StateValues, data bool) {
		if values == nil {
			return
		}
		eachResource(values.RootModule, func(module string, r *tfjson.StateResource) {
			p.addModule(module)
			if data && r.Mode != tfjson.DataResourceMode || !relevant(r.Type) || r.DeposedKey != "" {
				return
			}
			p.addState(module, r, changes[r.Address])
		})
	}
	add(d.PlannedValues, false)
	add(d.Values, false)
	for _, c := range all {
		if c == nil || changes[c.Address] != c {
			continue
		}
		if slices.Contains(c.Change.Actions, tfjson.ActionForget) {
			p.addForgotten(c)
			continue
		}
		p.addSuperseded(c)
		if p.byAddress[c.Address] == nil && !c.Change.Actions.Delete() {
			p.addState(c.ModuleAddress, &tfjson.StateResource{Address: c.Address, Mode: c.Mode,
				Type: c.Type, Name: c.Name}, c)
		}
	}
	if d.PriorState != nil {
		add(d.PriorState.Values, true)
	}
}

// addForgotten adds a resource that Terraform forgets without deleting it: AWS keeps the policy or
// the attachment. A principal is not checked, because the plan no longer declares it.
func (p *Plan) addForgotten(c *tfjson.ResourceChange) {
	before, ok := c.Change.Before.(map[string]any)
	if _, isPrincipal := principalTypes[c.Type]; !ok || isPrincipal {
		return
	}
	p.addState(c.ModuleAddress, &tfjson.StateResource{Address: c.Address, Mode: c.Mode, Type: c.Type,
		Name: c.Name, AttributeValues: before}, c)
}

// eachResource calls f for the resources of a module and of the modules in it.
func eachResource(m *tfjson.StateModule, f func(module string, r *tfjson.StateResource)) {
	if m == nil {
		return
	}
	for _, r := range m.Resources {
		if r != nil {
			f(m.Address, r)
		}
	}
	for _, child := range m.ChildModules {
		eachResource(child, f)
	}
}

// addModule adds an instance of a module, and the instances around it, to p.modules.
func (p *Plan) addModule(address string) {
	for address != "" && !p.knownModules[address] {
		p.knownModules[address] = true
		parent, call := splitModule(address)
		key := resourceKey(parent, call.name)
		p.modules[key] = append(p.modules[key], address)
		address = parent
	}
}

// addState adds a resource with its planned values, and the change that leads to them; nil for
// none.
func (p *Plan) addState(module string, s *tfjson.StateResource, c *tfjson.ResourceChange) {
	if p.byAddress[s.Address] != nil {
		return
	}
	r := &resource{address: s.Address, module: module, kind: s.Type, block: s.Type + "." + s.Name}
	if s.Mode == tfjson.DataResourceMode {
		r.kind, r.block = "data."+r.kind, "data."+r.block
	}
	prefix := r.block
	if module != "" {
		prefix = module + "." + prefix
	}
	key, ok := strings.CutPrefix(s.Address, prefix)
	if !ok {
		return // an address that does not belong to the resource
	}
	r.key = key
	r.config = p.configModule(module).resources[r.block]
	v := valueReader{p: p, resource: r}
	var after any = s.AttributeValues
	switch {
	case c != nil:
		if c.Change.After != nil {
			after = c.Change.After
		}
		r.values = v.read(after, c.Change.AfterUnknown, c.Change.AfterSensitive, nil)
	default:
		var hidden any
		if json.Unmarshal(s.SensitiveValues, &hidden) != nil {
			hidden = nil // absent
		}
		r.partial = !p.state && s.Mode != tfjson.DataResourceMode
		r.values = v.read(after, nil, hidden, nil)
	}
	r.partial = r.partial || r.values.Kind == tree.Unknown
	p.resources = append(p.resources, r)
	p.byAddress[r.address] = r
	k := resourceKey(module, r.block)
	p.instances[k] = append(p.instances[k], r)
	p.addModule(module)
}

// addSuperseded adds the inline policy or the attachments that a change removes or replaces.
func (p *Plan) addSuperseded(c *tfjson.ResourceChange) {
	if c.Change.Before == nil || c.Change.Actions.NoOp() {
		return
	}
	v := valueReader{p: p, resource: &resource{address: c.Address}}
	before := v.read(c.Change.Before, nil, nil, nil)
	if t, ok := inlineTypes[c.Type]; ok {
		p.superseded[superseded{t.kind, textOf(before.Get(t.principal)),
			"name " + textOf(before.Get(t.name))}] = true
	}
	for _, t := range attachmentTypes[c.Type] {
		for _, principal := range before.Get(t.principal).Elements() {
			p.superseded[superseded{t.kind, principal.Text, "arn " + textOf(before.Get(t.policy))}] = true
		}
	}
}

// value returns the value of an attribute. It is nil for null, and an unknown value for one that
// may be known after apply.
func (r *resource) value(attribute string) *tree.Value {
	v := r.values.Get(attribute)
	if v == nil || v.Kind == tree.Null {
		if !r.partial {
			return nil
		}
		unknown := tree.NewUnknown(tree.Place{}, r.address+"."+attribute+" may be known after apply")
		return &unknown
	}
	return v
}

// text returns a known string of the resource; empty for none.
func (r *resource) text(attribute string) string {
	if v := r.values.Get(attribute); v != nil && v.Kind == tree.String {
		return v.Text
	}
	return ""
}

// expression returns the expression of an attribute in the configuration; nil for none.
func (r *resource) expression(attribute string) *tfjson.Expression {
	if r.config == nil {
		return nil
	}
	return r.config.Expressions[attribute]
}

// A valueReader turns the values of a resource into a tree.
type valueReader struct {
	p        *Plan
	resource *resource
}

// maxName is the maximum length of the name of an unknown part.
const maxName = 300

// name names an unknown part by its path in the resource.
func (v *valueReader) name(path []string, why string) string {
	name := v.resource.address
	if len(path) > 0 {
		name += "." + strings.ReplaceAll(strings.Join(path, "."), ".[", "[")
	}
	if refs := references(v.expression(path)); len(refs) > 0 {
		name += ", which depends on " + textfmt.Some(refs, 3) + ","
	}
	return textfmt.Truncate(textfmt.OneLine(name), maxName) + " " + why
}

// expression returns the expression of the configuration at a path.
func (v *valueReader) expression(path []string) *tfjson.Expression {
	if v.resource.config == nil || len(path) == 0 {
		return nil
	}
	e := v.resource.config.Expressions[path[0]]
	for i := 1; i+1 < len(path) && e != nil && e.ExpressionData != nil; i += 2 {
		n, err := strconv.Atoi(strings.Trim(path[i], "[]"))
		if err != nil || n < 0 || n >= len(e.NestedBlocks) {
			return e
		}
		e = e.NestedBlocks[n][path[i+1]]
	}
	return e
}

// read returns a value without what is known after apply or sensitive. The path is that of the
// value in the resource.
func (v *valueReader) read(value, unknown, hidden any, path []string) tree.Value {
	switch {
	case unknown == true, value == nil && holdsTrue(unknown):
		return tree.NewUnknown(tree.Place{}, v.name(path, "is known after apply"))
	case hidden == true:
		return tree.NewUnknown(tree.Place{}, v.name(path, sensitive[1:]))
	}
	switch value := value.(type) {
	case string:
		return tree.NewString(tree.Place{}, tree.Part{Text: value})
	case bool:
		return tree.Value{Kind: tree.Bool, Text: strconv.FormatBool(value)}
	case float64:
		return tree.Value{Kind: tree.Number, Text: strconv.FormatFloat(value, 'f', -1, 64)}
	case []any:
		return v.list(value, unknown, hidden, path)
	case map[string]any:
		return v.mapping(value, unknown, hidden, path)
	}
	return tree.Value{}
}

func (v *valueReader) list(list []any, unknown, hidden any, path []string) tree.Value {
	unknowns, _ := unknown.([]any)
	hiddens, _ := hidden.([]any)
	list = withGaps(list, unknowns)
	at := func(list []any, i int) any {
		if i < len(list) {
			return list[i]
		}
		return nil
	}
	out := tree.Value{Kind: tree.List, Items: make([]tree.Value, 0, len(list))}
	// The name of an element of a list of strings is that of the list, because the configuration has
	// one expression for all.
	for i := range max(len(list), len(unknowns)) {
		element := path
		_, isMap := at(list, i).(map[string]any)
		if isMap || i >= len(list) {
			element = append(slices.Clone(path), "["+strconv.Itoa(i)+"]")
		}
		item := v.read(at(list, i), at(unknowns, i), at(hiddens, i), element)
		if item.Kind != tree.Null {
			out.Items = append(out.Items, item)
		}
	}
	return out
}

// withGaps returns a list with an element for each one of after_unknown: Terraform leaves the
// unknown elements of a set out, and writes null for those of a list.
func withGaps(list, unknowns []any) []any {
	var open int
	for _, u := range unknowns {
		if u == true {
			open++
		}
	}
	if open == 0 || len(list)+open != len(unknowns) {
		return list
	}
	all := make([]any, len(unknowns))
	for i, u := range unknowns {
		if u != true {
			all[i], list = list[0], list[1:]
		}
	}
	return all
}

func (v *valueReader) mapping(m map[string]any, unknown, hidden any,
	path []string) tree.Value {
	unknowns, _ := unknown.(map[string]any)
	hiddens, _ := hidden.(map[string]any)
	keys := slices.Collect(maps.Keys(m))
	for key := range unknowns {
		if _, both := m[key]; !both {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := tree.Value{Kind: tree.Map, Members: make([]tree.Member, 0, len(keys))}
	for _, key := range keys {
		member := v.read(m[key], unknowns[key], hiddens[key], append(slices.Clone(path), key))
		if member.Kind != tree.Null {
			out.Members = append(out.Members, tree.Member{Key: key, Value: member})
		}
	}
	return out
}

// sensitive ends the name of a value that Terraform does not show.
const sensitive = " is sensitive"

func isSensitive(v tree.Value) bool {
	return v.Kind == tree.Unknown && strings.HasSuffix(v.Text, sensitive)
}

// holdsTrue reports whether a part of after_unknown is true.
func holdsTrue(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case []any:
		return slices.ContainsFunc(v, holdsTrue)
	case map[string]any:
		for _, member := range v {
			if holdsTrue(member) {
				return true
			}
		}
	}
	return false
}
