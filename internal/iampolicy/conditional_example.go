package iampolicy

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// A proof shows that conditions decide about a request: two contexts that add keys to the known
// context, of which one allows the request and the other does not.
type proof struct{ allowed, denied Context }

// The limits of the search for an example of a Conditional need.
const (
	maxExamples = 64   // examples of different classes
	maxTrials   = 4096 // contexts of all examples together
	// maxRequiredTrials is smaller, because the first contexts nearly always meet a premise that a
	// context can meet.
	maxRequiredTrials = 256
	maxCandidates     = 16  // values of one key
	stepsOfTrial      = 40  // work of a trial for one statement, in steps
	maxName           = 256 // bytes of a resource whose parts are values of a variable
)

// decidedExample finds a resource of the need for which the conditions decide whether it is
// allowed. It tries first, then the shortest resource of each class of resources that the
// statements do not distinguish.
func (q *coverageSearch) decidedExample(g Grants, action, first string) (name string, p proof,
	ok bool) {
	trials := maxTrials
	tried := 0
	try := func(candidate string) bool {
		if ok || tried == maxExamples || trials <= 0 || q.search.steps < 0 || q.search.ctx.Err() != nil {
			return true
		}
		q.search.steps -= q.workOfAllows(candidate)
		if candidate != first && (q.allows(candidate, lowerBound) || !q.allows(candidate, upperBound)) {
			return false
		}
		tried++
		if p, ok = q.prove(g, action, candidate, &trials); ok {
			name = candidate
		}
		return ok
	}
	if try(first) {
		return name, p, ok
	}
	values := arn.Fields{arn.Partition: "aws", arn.Service: service(q.action), arn.Region: regions[0],
		arn.Account: exampleAccount}
	for i := range q.need.resources {
		l := &q.need.resources[i]
		for _, narrowed := range []language{l.narrowedTo(values), *l} {
			if q.search.exampleSearch.eachClass(&narrowed, q.extents(), try); ok {
				return name, p, ok
			}
		}
	}
	return "", proof{}, false
}

// extents returns the extents of all statements.
func (q *coverageSearch) extents() (list []extent) {
	for _, rules := range q.allRules() {
		for i := range rules {
			list = append(list, rules[i].sure, rules[i].may)
		}
	}
	return list
}

// workOfAllows returns the work of allows for a name, in steps.
func (q *coverageSearch) workOfAllows(name string) (steps int) {
	for _, rules := range q.allRules() {
		for i := range rules {
			for _, p := range rules[i].may.patterns {
				steps += 1 + len(p.atoms)*len(name)/bytesOfStep
			}
		}
	}
	return steps
}

func (q *coverageSearch) allRules() [][]rule {
	all := [][]rule{q.denies}
	for _, g := range q.groups {
		all = append(all, g.allows)
	}
	return all
}

// prove searches for contexts that prove that conditions decide about a request.
func (q *coverageSearch) prove(g Grants, action, name string, trials *int) (p proof, ok bool) {
	q.search.steps -= g.workOfDecision(q.ctx)
	relevant := g.onlyMatching(q.action, name, q.ctx)
	r := Request{Action: action, Resource: name}
	q.eachContext(relevant, r, trials, func(ctx Context) (stop bool) {
		r.Context = ctx
		if relevant.decide(r).Decision == Allowed {
			p.allowed = ctx
		} else {
			p.denied = ctx
		}
		return p.allowed != nil && p.denied != nil
	})
	return p, p.allowed != nil && p.denied != nil
}

// requiredContext returns a context in which the premise of the need allows a request. Without a
// premise, that is the known context.
func (q *coverageSearch) requiredContext(g Grants, action, name string) (required Context,
	ok bool) {
	if q.need.premise == nil {
		return q.ctx, true
	}
	q.search.steps -= g.workOfDecision(q.ctx)
	trials := maxRequiredTrials
	q.eachContext(g.onlyMatching(q.action, name, q.ctx), Request{Action: action, Resource: name},
		&trials, func(ctx Context) (stop bool) {
			required, ok = ctx, true
			return true
		})
	return required, ok
}

// costOf returns the work of decide for a resource in a context with a number of keys, in steps.
func (g Grants) costOf(name string, keys int) (steps int) {
	for _, p := range g.policies() {
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			steps += stepsOfTrial*(1+len(s.Conditions)) + s.work.bytes/bytesOfStep +
				s.work.lookups*(1+keys)
			for j := range s.resources {
				steps += 1 + len(s.resources[j].atoms)*len(name)/16
			}
		}
	}
	return steps
}

// onlyMatching returns the grants without the statements that cannot match a request.
func (g Grants) onlyMatching(action, name string, ctx Context) (reduced Grants) {
	reduce := func(policies ...Policy) Policy {
		doc := &Document{}
		for _, p := range policies {
			if p.Document == nil {
				continue
			}
			for i := range p.Document.Statements {
				s := &p.Document.Statements[i]
				if !s.matchesAction(action) {
					continue
				}
				matches, open := s.matchesResource(&Request{Resource: name, Context: ctx})
				if met, undecided := s.conditionsHold(ctx); (matches || open) && (met || undecided) {
					doc.Statements = append(doc.Statements, *s)
				}
			}
		}
		return Policy{Document: doc}
	}
	reduced.Identity = []Policy{reduce(g.Identity...)}
	if g.Boundary != nil {
		boundary := reduce(*g.Boundary)
		reduced.Boundary = &boundary
	}
	for _, level := range g.Organization {
		reduced.Organization = append(reduced.Organization, []Policy{reduce(level...)})
	}
	reduced.Resource = g.Resource.reduced(reduce)
	for _, level := range g.ResourceControl {
		reduced.ResourceControl = append(reduced.ResourceControl, []Policy{reduce(level...)})
	}
	return reduced
}

// candidates returns values to try for each key that the context lacks. Nil means that the key is
// absent. The first candidates are the witnesses. Its work is steps of the search, and it ends
// early if they are spent.
func (g Grants) candidates(s *search, name string, ctx Context,
	witnesses map[string][]string) map[string][][]string {
	c := candidateValues{search: s, ctx: ctx, name: name, keys: map[string][][]string{}}
	for key, values := range witnesses {
		for _, v := range values {
			c.add(key, []string{v})
		}
	}
	for range 2 { // in the second round, variables have their candidates
		for _, p := range g.policies() {
			for i := range p.Document.Statements {
				if c.spent() {
					return c.keys
				}
				c.addStatement(&p.Document.Statements[i])
			}
		}
	}
	return c.keys
}

type candidateValues struct {
	search *search
	ctx    Context
	name   string // of the resource
	keys   map[string][][]string
}

func (c *candidateValues) spent() bool { return c.search.steps < 0 || c.search.ctx.Err() != nil }

func (c *candidateValues) add(key string, values ...[]string) {
	if _, known := c.ctx.lookup(key); known {
		return
	}
	key = strings.ToLower(key)
	list, ok := c.keys[key]
	if !ok {
		list = [][]string{nil}
	}
	for _, v := range values {
		if len(list) < maxCandidates && !slices.ContainsFunc(list, func(o []string) bool {
			return (o == nil) == (v == nil) && slices.Equal(o, v)
		}) {
			list = append(list, v)
		}
	}
	c.keys[key] = list
}

func (c *candidateValues) addStatement(s *Statement) {
	c.search.steps -= stepsOfTrial*len(s.Conditions) + 2*s.work.steps(c.ctx)
	for i := range s.resources {
		c.addVariables(&s.resources[i])
	}
	for i := range s.Conditions {
		c.addCondition(&s.Conditions[i])
	}
}

// addVariables adds values with which a resource pattern matches the name, and one with which it
// does not.
func (c *candidateValues) addVariables(p *pattern) {
	if !p.dynamic || len(c.name) > maxName || len(p.text) > maxName {
		return
	}
	if wild, _ := p.resolve(c.ctx, false); !wild.match(c.name) {
		return // no values of the variables make the pattern match
	}
	for _, a := range p.atoms {
		if a.kind != variable {
			continue
		}
		c.add(a.name, []string{"other"})
		found := 0
		for i := range len(c.name) {
			for j := i; j <= len(c.name) && j-i <= 64 && found < maxCandidates/2 && !c.spent(); j++ {
				c.search.steps -= bytesOfAtom*len(p.text)/bytesOfStep + len(p.text)*len(c.name)/bytesOfStep
				ctx := Context{a.name: {c.name[i:j]}}
				maps.Copy(ctx, c.ctx)
				if resolved, _ := p.resolve(ctx, false); resolved.match(c.name) {
					c.add(a.name, []string{c.name[i:j]})
					found++
				}
			}
		}
	}
}

// addCondition adds values that meet a condition, and values that do not.
func (c *candidateValues) addCondition(condition *Condition) {
	if condition.op.test == nil {
		c.add(condition.Key, []string{"x"})
		return
	}
	var values []string
	for _, want := range condition.Values {
		if condition.variables && condition.op.variables && strings.Contains(want, "${") {
			values = append(values, c.withVariables(condition.Key, want)...)
			continue
		}
		values = append(values, witnesses(condition.Operator, want)...)
	}
	values = append(values, "other")
	for _, v := range values {
		c.add(condition.Key, []string{v})
	}
	c.add(condition.Key, []string{"other", "another"})
	if condition.op.set != noSet {
		c.add(condition.Key, []string{}, append(slices.Clone(values[:1]), "other"))
	}
}

// withVariables adds values of the variables in a condition value, and returns the texts that the
// condition value then stands for.
func (c *candidateValues) withVariables(key, want string) (values []string) {
	for rest := want; ; {
		i := strings.Index(rest, "${")
		if i < 0 {
			break
		}
		a, size, ok := variableAtom(rest[i:])
		if !ok {
			break
		}
		if a.kind == variable {
			c.add(a.name, []string{"x"})
			// With a known value of the key, the variable has to be the part of it in its place.
			have, _ := c.ctx.lookup(key)
			for _, h := range have {
				middle, found := strings.CutPrefix(h, want[:strings.Index(want, "${")])
				if middle, ok = strings.CutSuffix(middle, rest[i+size:]); found && ok {
					c.add(a.name, []string{middle})
				}
			}
		}
		rest = rest[i+size:]
	}
	ctx := maps.Clone(c.ctx)
	if ctx == nil {
		ctx = Context{}
	}
	c.search.steps -= stepsOfTrial / 8 * len(c.keys)
	for name, list := range c.keys {
		i := slices.IndexFunc(list, func(v []string) bool { return len(v) == 1 && v[0] != "other" })
		if i >= 0 {
			ctx[name] = list[i]
		}
	}
	text, _, _ := substitute(want, ctx, true)
	byDefault, _, _ := substitute(want, nil, true)
	return []string{wildcardUnescaper.Replace(wildcardsToX.Replace(text)),
		wildcardUnescaper.Replace(wildcardsToX.Replace(byDefault))}
}

var wildcardUnescaper = strings.NewReplacer(string(literalStar), "*", string(literalQuestion), "?")

// witnesses returns values around a condition value: some that an operator finds equal to it, and
// some that are next to it.
func witnesses(operator, want string) []string {
	switch {
	case strings.Contains(operator, "Numeric"):
		if f, err := strconv.ParseFloat(want, 64); err == nil {
			return []string{want, strconv.FormatFloat(f-1, 'f', -1, 64),
				strconv.FormatFloat(f+1, 'f', -1, 64)}
		}
	case strings.Contains(operator, "Date"):
		if t, ok := moment(want); ok {
			return []string{want, t.Add(-time.Hour).UTC().Format(time.RFC3339),
				t.Add(time.Hour).UTC().Format(time.RFC3339)}
		}
	case strings.Contains(operator, "Bool"):
		return []string{"true", "false"}
	case strings.Contains(operator, "Binary"):
		return []string{want, base64.StdEncoding.EncodeToString([]byte(fmt.Sprint("other", len(want))))}
	case strings.Contains(operator, "IpAddress"):
		list := []string{"203.0.113.7", "2001:db8:ffff::7"}
		if prefix, err := netip.ParsePrefix(want); err == nil {
			list = append(list, prefix.Addr().String())
		} else {
			list = append(list, want)
		}
		return list
	case strings.Contains(operator, "Arn"):
		return []string{wildcardsToX.Replace(want), "arn:aws:other:::other"}
	case strings.Contains(operator, "Like"):
		return []string{wildcardsToX.Replace(want), strings.NewReplacer("*", "", "?", "x").Replace(want)}
	}
	return []string{want}
}
