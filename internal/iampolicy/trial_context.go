package iampolicy

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// valuesOfEveryType are values for keys with conditions of different types.
var valuesOfEveryType = [][]string{{"true"}, {"1000000"}, {"-1000000"}, {"arn:aws:other:::other"},
	{"203.0.113.7"}, {"2001:db8:ffff::7"}, {"2040-01-01T00:00:00Z"}, {"eA=="},
	{"arn:aws:other:::other", "arn:aws:other:::another"}}

// eachContext calls visit with contexts that add keys to the known context and in which the premise
// of the need allows the request, until visit returns true. The first contexts meet all conditions
// of a statement, or all but one.
func (q *coverageSearch) eachContext(relevant Grants, r Request, trials *int,
	visit func(Context) (stop bool)) {
	c := contextTrials{search: q, request: r, trials: trials, visit: visit}
	named := relevant.withPremise(q.need)
	c.keys = named.candidates(q.search, r.Resource, q.ctx, q.assume.witnesses)
	c.names = slices.Sorted(maps.Keys(c.keys))
	keys := len(q.ctx) + len(c.names)
	c.cost = relevant.costOf(r.Resource, keys)
	c.premiseCost = stepsOfTrial*len(c.names)/8 + Grants{}.withPremise(q.need).costOf(r.Resource, keys)
	if c.directed(relevant) || c.combinations() {
		return
	}
	// Values of every type come last, because they multiply the number of contexts.
	for key := range c.keys {
		c.keys[key] = append(c.keys[key], valuesOfEveryType...)
	}
	c.combinations()
}

// withPremise returns the grants with the statements of the need's premise in front, so that the
// values in them are the first candidates.
func (g Grants) withPremise(n *Need) Grants {
	if n.premise == nil {
		return g
	}
	d := &Document{Statements: []Statement{*n.premise.statement}}
	for i := range n.premise.excluded {
		d.Statements = append(d.Statements, *n.premise.excluded[i].Statement)
	}
	g.Identity = append([]Policy{{Document: d}}, g.Identity...)
	return g
}

// contextTrials visits contexts of a request with candidates for the keys that are unknown.
type contextTrials struct {
	search  *coverageSearch
	request Request
	keys    map[string][][]string
	names   []string // of keys, sorted
	// premiseCost is the work of a trial whose context does not meet the premise, and cost the further
	// work of any other, in steps.
	premiseCost, cost int
	trials            *int
	visit             func(Context) (stop bool)
}

// try visits a context if the premise allows the request in it. It returns true if visit does, or
// if a limit is reached.
func (c *contextTrials) try(ctx Context) (stop bool) {
	q := c.search
	*c.trials--
	if q.search.steps -= c.premiseCost; *c.trials < 0 || q.search.steps < 0 ||
		q.search.ctx.Err() != nil {
		return true
	}
	c.request.Context = ctx
	if q.need.premise != nil && !q.need.premise.allows(q.assume, &c.request, q.action) {
		return false
	}
	q.search.steps -= c.cost
	return c.visit(ctx)
}

// combinations tries all combinations of candidates, or if these are too many, some that are far
// apart.
func (c *contextTrials) combinations() (stop bool) {
	total := 1
	for _, key := range c.names {
		total = min(total*len(c.keys[key]), maxTrials)
	}
	random := uint64(1)
	for i := range total {
		ctx := c.search.ctx.clone()
		index := i
		if total == maxTrials {
			random = random*6364136223846793005 + 1442695040888963407
			index = int(random >> 33)
		}
		for _, key := range c.names {
			list := c.keys[key]
			if value := list[index%len(list)]; value != nil {
				ctx[key] = value
			}
			index /= len(list)
		}
		if c.try(ctx) {
			return true
		}
	}
	return false
}

// clone returns a copy of the context that is not nil.
func (c Context) clone() Context {
	if c == nil {
		return Context{}
	}
	return maps.Clone(c)
}

// maxDirected is the number of Allow statements of a layer, and of Deny statements, whose
// conditions directed meets.
const maxDirected = 16

// directed tries contexts that meet all conditions of the premise, and of one Allow of each layer
// or of one Deny, then those that differ in one key. It chooses the value of each key on its own,
// so it finds such a context however many keys and conditions there are.
func (c *contextTrials) directed(g Grants) (stop bool) {
	var premise, avoid []*Condition
	for _, key := range slices.Sorted(maps.Keys(c.search.assume.premises)) {
		premise = append(premise, c.search.assume.premises[key]...)
	}
	if n := c.search.need; n.premise != nil {
		for i := range n.premise.excluded {
			avoid = append(avoid, n.premise.excluded[i].conditionList()...)
		}
	}
	layers, denies := g.byEffect()
	for _, s := range denies {
		avoid = append(avoid, s.conditionList()...)
	}
	if c.around(premise, avoid) {
		return true
	}
	for i := range maxDirected {
		meet, further := slices.Clone(premise), i == 0
		for _, allows := range layers {
			further = further || i < len(allows)
			meet = append(meet, allows[i%len(allows)].conditionList()...)
		}
		if further && c.around(meet, avoid) {
			return true
		}
		if i < len(denies) && c.around(append(slices.Clip(premise), denies[i].conditionList()...), nil) {
			return true
		}
	}
	return false
}

// byEffect returns the Allow statements of each layer that has some, and all Deny statements.
func (g Grants) byEffect() (layers [][]*Statement, denies []*Statement) {
	for _, level := range g.levels() {
		var allows []*Statement
		for i := range level {
			for j := range level[i].Document.Statements {
				if s := &level[i].Document.Statements[j]; s.Effect == Allow {
					allows = append(allows, s)
				} else {
					denies = append(denies, s)
				}
			}
		}
		if len(allows) > 0 {
			layers = append(layers, allows)
		}
	}
	return layers, denies
}

// levels returns the policies of each layer, and of each level of the organization.
func (g Grants) levels() [][]Policy {
	list := [][]Policy{g.Identity}
	if r := g.Resource; r != nil {
		list[0] = append(slices.Clip(list[0]), r.role, r.direct, r.denies, r.bounded)
		if r.kind == Key {
			list = append(list, []Policy{r.account, r.role, r.direct})
		}
	}
	if g.Boundary != nil {
		list = append(list, []Policy{*g.Boundary})
		if r := g.Resource; r != nil {
			list[len(list)-1] = append(list[len(list)-1], r.direct, r.everyone)
		}
	}
	return slices.Concat(list, g.Organization, g.ResourceControl)
}

func (s *Statement) conditionList() []*Condition {
	list := make([]*Condition, len(s.Conditions))
	for i := range s.Conditions {
		list[i] = &s.Conditions[i]
	}
	return list
}

// aims are the conditions on a key, or with it as a variable, that a context should meet and avoid.
type aims struct {
	meet, avoid []*Condition
	work        int // of score, in steps
}

func aimsByKey(meet, avoid []*Condition) map[string]aims {
	byKey := map[string]aims{}
	add := func(list []*Condition, of func(*aims) *[]*Condition) {
		for _, c := range list {
			for _, key := range append(c.variablesWithoutDefault(), c.Key) {
				a := byKey[strings.ToLower(key)]
				conditions := of(&a)
				*conditions = append(*conditions, c)
				a.work += stepsOfTrial / 4 * (1 + len(c.Values))
				byKey[strings.ToLower(key)] = a
			}
		}
	}
	add(meet, func(a *aims) *[]*Condition { return &a.meet })
	add(avoid, func(a *aims) *[]*Condition { return &a.avoid })
	return byKey
}

// score returns a number that is higher if the context meets more conditions of meet, or as many
// and fewer of avoid.
func (a aims) score(ctx Context) (n int) {
	for _, c := range a.meet {
		if met, _ := c.holds(ctx); met {
			n += 1000
		}
	}
	for _, c := range a.avoid {
		if met, _ := c.holds(ctx); met {
			n--
		}
	}
	return n
}

// around tries the context that meets the most conditions of meet, and of equal ones the fewest of
// avoid. Then it tries the contexts that differ from it in one key.
func (c *contextTrials) around(meet, avoid []*Condition) (stop bool) {
	byKey := aimsByKey(meet, avoid)
	ctx := c.search.ctx.clone()
	set := func(ctx Context, key string, value []string) {
		if delete(ctx, key); value != nil {
			ctx[key] = value
		}
	}
	for range 2 { // in the second round, variables have their values
		for _, key := range c.names {
			var best []string
			most := math.MinInt
			for _, value := range c.keys[key] {
				c.search.search.steps -= 1 + byKey[key].work
				if set(ctx, key, value); c.search.search.steps < 0 {
					return true
				}
				if n := byKey[key].score(ctx); n > most {
					best, most = value, n
				}
			}
			set(ctx, key, best)
		}
	}
	if c.try(maps.Clone(ctx)) {
		return true
	}
	for _, key := range c.names {
		for _, value := range c.keys[key] {
			other := maps.Clone(ctx)
			if set(other, key, value); c.try(other) {
				return true
			}
		}
	}
	return false
}

// difference describes the values of the context that denies a request in which it has to differ
// from the one that allows the request, such as "with aws:SourceVpc=vpc-2, without aws:TagKeys".
func (q *coverageSearch) difference(g Grants, r Request, p proof) string {
	relevant := g.onlyMatching(q.action, r.Resource, q.ctx)
	spelled := relevant.withPremise(q.need).spelledKeys()
	keys := p.denied.clone()
	maps.Copy(keys, p.allowed)
	r.Context = p.denied.clone()
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		before, denied := r.Context[key]
		after, allowed := p.allowed[key]
		if denied == allowed && slices.Equal(before, after) {
			continue
		}
		if delete(r.Context, key); allowed {
			r.Context[key] = after
		}
		if relevant.decide(r).Decision != Allowed && q.need.premise.allows(q.assume, &r, q.action) {
			continue // the value does not matter
		}
		if delete(r.Context, key); denied {
			r.Context[key] = before
		}
		name := key
		if spelling, ok := spelled[key]; ok {
			name = spelling
		}
		name = textfmt.Head(name, 80)
		if denied {
			parts = append(parts, "with "+name+"="+textfmt.Head(strings.Join(before, ","), 80))
		} else {
			parts = append(parts, "without "+name)
		}
	}
	return textfmt.OneLine(textfmt.Some(parts, 3))
}

// spelledKeys maps the keys of conditions in lower case to a spelling.
func (g Grants) spelledKeys() map[string]string {
	spelled := map[string]string{}
	for _, p := range g.policies() {
		for i := range p.Document.Statements {
			for _, c := range p.Document.Statements[i].Conditions {
				if key := strings.ToLower(c.Key); spelled[key] == "" {
					spelled[key] = c.Key
				}
			}
		}
	}
	return spelled
}
