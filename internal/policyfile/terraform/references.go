package terraform

import (
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
)

// A configModule is a module of the configuration with its resources by address.
type configModule struct {
	*tfjson.ConfigModule
	resources map[string]*tfjson.ConfigResource
	calls     map[string]*configModule
}

// noConfig is the module of a plan without configuration.
var noConfig = &configModule{ConfigModule: &tfjson.ConfigModule{}}

func newConfigModule(m *tfjson.ConfigModule) *configModule {
	c := &configModule{ConfigModule: m, resources: make(map[string]*tfjson.ConfigResource,
		len(m.Resources)), calls: map[string]*configModule{}}
	for _, r := range m.Resources {
		if r != nil {
			c.resources[r.Address] = r
		}
	}
	for name, call := range m.ModuleCalls {
		if call != nil && call.Module != nil {
			c.calls[name] = newConfigModule(call.Module)
		}
	}
	return c
}

// configModule returns the configuration of an instance of a module. It is empty if the plan has
// none.
func (p *Plan) configModule(address string) *configModule {
	m := p.config
	for _, s := range moduleSteps(address) {
		if m == nil {
			break
		}
		m = m.calls[s.name]
	}
	if m == nil {
		return noConfig
	}
	return m
}

// references returns the references of an expression, of which each is the begin of no other one:
// Terraform lists aws_iam_role.x.id and aws_iam_role.x for the same reference.
func references(e *tfjson.Expression) []string {
	if e == nil || e.ExpressionData == nil {
		return nil
	}
	const most = 1000 // each is compared with each
	if len(e.References) > most {
		return e.References[:most]
	}
	var list []string
	for _, ref := range e.References {
		if !slices.Contains(list, ref) && !slices.ContainsFunc(e.References, func(other string) bool {
			return len(other) > len(ref) && strings.HasPrefix(other, ref) &&
				strings.ContainsRune(".[", rune(other[len(ref)]))
		}) {
			list = append(list, ref)
		}
	}
	return list
}

// A target is an attribute of a resource that an expression refers to.
type target struct {
	resource  *resource
	attribute string
}

// A resolver follows the references of expressions through variables and outputs of modules.
type resolver struct {
	p       *Plan
	own     *resource
	targets []target
	// other is true if an expression also depends on something else, or on several instances.
	other bool
	steps int
}

// maxSteps is the maximum number of references that are followed for one expression.
const maxSteps = 1000

// targets returns the attributes of resources on which an expression of a resource depends. all is
// false if it also depends on something else.
func (p *Plan) targets(r *resource, e *tfjson.Expression) (targets []target, all bool) {
	if e == nil {
		return nil, false
	}
	resolver := resolver{p: p, own: r}
	resolver.follow(r.module, e, true)
	return resolver.targets, !resolver.other && len(resolver.targets) > 0
}

// follow adds the targets of an expression in an instance of a module. own is true in the module of
// the resource, where each.key and count.index are those of the resource.
func (f *resolver) follow(module string, e *tfjson.Expression, own bool) {
	refs := references(e)
	byKey := false
	for _, ref := range refs {
		byKey = byKey || own && (ref == "each.key" || ref == "count.index")
	}
	for _, ref := range refs {
		if f.steps++; f.steps > maxSteps {
			f.other = true
			return
		}
		list := segments(ref)
		switch {
		case len(list) == 0:
			f.other = true
		case ref == "each.key" || ref == "count.index":
			f.other = f.other || !own
		case list[0].name == "path", list[0].name == "terraform":
			// the same for each resource
		case list[0].name == "var" && len(list) > 1:
			f.variable(module, list[1].name)
		case list[0].name == "module" && len(list) > 2:
			f.output(module, list[1], list[2].name)
		default:
			f.resource(module, list, byKey)
		}
	}
}

func (f *resolver) variable(module, name string) {
	parent, call := splitModule(module)
	calls := f.p.configModule(parent).ModuleCalls
	if module == "" || calls[call.name] == nil || calls[call.name].Expressions[name] == nil {
		f.other = true
		return
	}
	f.follow(parent, calls[call.name].Expressions[name], false)
}

func (f *resolver) output(module string, call segment, name string) {
	children := f.p.modules[resourceKey(module, call.name)]
	if call.key != "" {
		children = []string{join(module, "module."+call.name+call.key)}
	}
	if len(children) != 1 {
		f.other = true
		return
	}
	outputs := f.p.configModule(children[0]).Outputs
	if outputs[name] == nil || len(references(outputs[name].Expression)) == 0 {
		f.other = true
		return
	}
	f.follow(children[0], outputs[name].Expression, false)
}

func (f *resolver) resource(module string, list []segment, byKey bool) {
	block, key, attribute, ok := resourceOf(list)
	if !ok {
		f.other = true
		return
	}
	instances := f.p.instances[resourceKey(module, block)]
	if key == "" && byKey && len(instances) > 0 && instances[0].key != "" {
		key = f.own.key
	}
	var found *resource
	switch {
	case key != "":
		found = f.p.byAddress[join(module, block+key)]
	case len(instances) == 1:
		found = instances[0]
	}
	if found == nil {
		f.other = true
		return
	}
	t := target{found, attribute}
	if !slices.Contains(f.targets, t) {
		f.targets = append(f.targets, t)
	}
}
