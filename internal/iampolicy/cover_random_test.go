package iampolicy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// A world generates policies and needs with few different letters, so that a test can check every
// name.
type world struct {
	*rand.Rand
}

func (w world) pick(list ...string) string { return list[w.IntN(len(list))] }

// name returns a resource field of one to four characters, which may include the text wild.
func (w world) name(wild string) string {
	var b strings.Builder
	for range 1 + w.IntN(4) {
		b.WriteString(w.pick("a", "b", "/", ":", wild, wild, "?"))
	}
	return b.String()
}

func (w world) pattern() string {
	switch w.IntN(12) {
	case 0:
		return "*"
	case 1:
		return "arn:aws:" + w.pick("s3", "*", "s*", "?3") + ":" +
			w.pick("*", ":"+w.name("*"), "*:"+w.name("*"))
	}
	return "arn:" + w.pick("aws", "aws", "*", "a?s") + ":" + w.pick("s3", "s3", "*", "s*") + ":" +
		w.pick("", "", "r", "r?", "*", "us-*", "us-*-1", "us-east-1") +
		":" + w.pick("", "", "1", "*", "?") + ":" + w.name("*")
}

func (w world) need() string {
	if w.IntN(15) == 0 {
		return "*"
	}
	return "arn:aws:s3:" + w.pick("", "", "r", "*", "us-*") + ":" + w.pick("", "", "1", "*") + ":" +
		w.name("*")
}

func (w world) action() string {
	return w.pick("s3:A", "s3:B", "s3:*", "*", "s3:?", "s3:A*", "s?:A")
}

func (w world) list(one func() string) string {
	items := make([]string, 1+w.IntN(3))
	for i := range items {
		items[i] = fmt.Sprintf("%q", one())
	}
	return "[" + strings.Join(items, ",") + "]"
}

func (w world) document(deny int) string {
	var statements []string
	for range 1 + w.IntN(3) {
		effect := "Allow"
		if w.IntN(100) < deny {
			effect = "Deny"
		}
		action, resource := "Action", "Resource"
		if w.IntN(8) == 0 {
			action = "NotAction"
		}
		if w.IntN(6) == 0 {
			resource = "NotResource"
		}
		condition := ""
		switch w.IntN(10) {
		case 0:
			condition = `,"Condition":{"StringEquals":{"aws:k":"v"}}`
		case 1:
			condition = `,"Condition":{"StringNotEquals":{"aws:known":"v"}}`
		}
		statements = append(statements, fmt.Sprintf(`{"Effect":%q,%q:%s,%q:%s%s}`, effect, action,
			w.list(w.action), resource, w.list(w.pattern), condition))
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func (w world) grants(t testing.TB) (g Grants, text string) {
	parse := func(deny int) Policy {
		doc := w.document(deny)
		text += doc + "\n"
		return Policy{Document: mustParse(t, doc)}
	}
	for range 1 + w.IntN(2) {
		g.Identity = append(g.Identity, parse(25))
	}
	if w.IntN(4) == 0 {
		text += "boundary "
		p := parse(20)
		g.Boundary = &p
	}
	for range max(0, w.IntN(6)-3) {
		text += "level "
		g.Organization = append(g.Organization,
			[]Policy{parse(20),
				{Document: mustParse(t,
					`{"Statement":{"Effect":"Allow","Action":"s3:A","Resource":"arn:aws:s3:::*"}}`)}})
	}
	return g, text
}

// smallWorldNames lists every ARN with up to three characters in the resource field, for each
// region and account that the patterns of a world distinguish, and some other names.
var smallWorldNames = func() (names []string) {
	tails := []string{""}
	for n, from := 0, 0; n < 3; n++ {
		to := len(tails)
		for ; from < to; from++ {
			for _, c := range "abx/:" {
				tails = append(tails, tails[from]+string(c))
			}
		}
	}
	for _, head := range []string{"", "r", "rx", "us-", "us-east-1", "us-x-1"} {
		for _, account := range []string{"", "1", "11", "123456789012"} {
			for _, tail := range tails[1:] {
				names = append(names, "arn:aws:s3:"+head+":"+account+":"+tail)
			}
		}
	}
	return append(names, "*", "arn:aws:sqs:r:1:a", "arn:aws-cn:s3:::b", "arn:x:x:x:x:x")
}()

// rounds returns the number of rounds of a random test: n, or a tenth of n in short mode.
func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// TestCoverAgainstBruteForce checks that Cover agrees with Evaluate on every name of a small world.
func TestCoverAgainstBruteForce(t *testing.T) {
	rounds := rounds(500)
	counts := map[Status]int{}
	for seed := range uint64(rounds) {
		c := newBruteForce(t, seed)
		counts[c.got.Status]++
		if c.got.Status == Unverified {
			c.fail("a world of this size must not exceed the budget: %s", c.got.Reason)
			return
		}
		c.checkExample()
		c.checkStatus(c.decideAll())
		if t.Failed() {
			return
		}
	}
	for _, s := range []Status{Satisfied, Conditional, Partial, Missing, Denied} {
		if counts[s] == 0 && !testing.Short() {
			t.Errorf("none of %d needs is %s, want at least one", rounds, s)
		}
	}
}

// A bruteForce compares the coverage of one random need with the decisions on single names.
type bruteForce struct {
	*testing.T
	seed   uint64
	grants Grants
	text   string // the documents of grants
	action string
	need   Need
	ctx    Context
	got    Coverage
}

func newBruteForce(t *testing.T, seed uint64) *bruteForce {
	w := world{rand.New(rand.NewPCG(seed, 7))}
	c := &bruteForce{T: t, seed: seed}
	c.grants, c.text = w.grants(t)
	c.action = w.pick("s3:A", "s3:B", "s3:AB", "S3:a")
	var err error
	if c.need, err = NewNeed(c.action, w.need()); err != nil {
		t.Fatal(err)
	}
	c.ctx = Context{"aws:known": {w.pick("v", "w")}}
	c.got = c.grants.Cover(c.need, c.ctx)
	return c
}

func (c *bruteForce) fail(format string, args ...any) {
	c.Helper()
	c.Errorf("seed %d: %s on %s is %s (%s), example %s: %s\n%s", c.seed, c.action, c.need.Resource,
		c.got.Status, c.got.Cause, c.got.ExampleARN, fmt.Sprintf(format, args...), c.text)
}

// decide reports whether a name is certainly allowed, and whether it may be allowed.
func (c *bruteForce) decide(name string) (sure, may bool) {
	r := c.grants.Evaluate(Request{Action: c.action, Resource: name, Context: c.ctx})
	return r.Decision == Allowed && !r.Conditional, r.Decision == Allowed || r.Conditional
}

// checkExample checks that the example of a gap belongs to the need and is not allowed.
func (c *bruteForce) checkExample() {
	if c.got.Status == Satisfied {
		return
	}
	if sure, may := c.decide(c.got.ExampleARN); sure || may && c.got.Status != Conditional {
		c.fail("the example is allowed")
	}
	if !c.need.Includes(c.action, c.got.ExampleARN) {
		c.fail("the need does not include the example")
	}
}

// decideAll decides every name of the need. It returns the shortest name that is not allowed, and
// whether a part of the need may be granted. It fails if a name of a satisfied need is not allowed.
func (c *bruteForce) decideAll() (shortest string, partAllowed bool) {
	for _, name := range smallWorldNames {
		if !c.need.Includes("", name) {
			continue
		}
		sure, may := c.decide(name)
		// A wildcard that matches colons may match a name with more than five colons. Cover does not
		// count such a name as a granted part of the need.
		partAllowed = partAllowed || may && strings.Count(name, ":") <= 5
		if !may && (shortest == "" || len(name) < len(shortest)) {
			shortest = name
		}
		if !sure && c.got.Status == Satisfied {
			c.fail("%s is not allowed", name)
			break
		}
	}
	return shortest, partAllowed
}

// checkStatus compares the status with the results of decideAll.
func (c *bruteForce) checkStatus(shortest string, partAllowed bool) {
	status := c.got.Status
	switch {
	case shortest != "" && !status.Gap() || shortest != "" && status == Conditional:
		c.fail("%s is not allowed", shortest)
	case status == Missing && partAllowed || status == Denied && partAllowed:
		c.fail("part of the need is granted")
	case shortest != "" && len(shortest) < len(c.got.ExampleARN) && !openHead(c.need.Resource):
		c.fail("%s is shorter", shortest)
	}
}

// openHead reports whether the first five fields of a pattern contain wildcards. Cover then prefers
// a real region to a short name.
func openHead(pattern string) bool {
	fields, n := arn.Split(pattern)
	return n < len(fields) || strings.ContainsAny(strings.Join(fields[:arn.Resource], ""), "*?")
}

// TestCoverActionPatterns checks that a need for an action pattern is satisfied only if the need
// for each action of the pattern is satisfied.
func TestCoverActionPatterns(t *testing.T) {
	actions := []string{"s3:A", "s3:B", "s3:AB", "s3:x", "s3:AA", "sx:A", "sx:x", "x:x"}
	for seed := range uint64(rounds(300)) {
		w := world{rand.New(rand.NewPCG(seed, 11))}
		g, text := w.grants(t)
		pattern, resource := w.action(), w.need()
		n := need(t, pattern, resource)
		got := g.Cover(n, nil)
		if got.Status == Unverified {
			t.Fatalf("seed %d: %s", seed, got.Reason)
		}
		if got.Status != Satisfied && !n.Includes(got.ExampleAction, got.ExampleARN) {
			t.Fatalf("seed %d: the example %s on %s is not in the need for %s on %s",
				seed, got.ExampleAction, got.ExampleARN,
				pattern, resource)
		}
		for _, action := range actions {
			if !n.Includes(action, "") {
				continue
			}
			single := g.Cover(need(t, action, resource), nil)
			switch {
			case got.Status == Satisfied && single.Status != Satisfied:
				t.Fatalf("seed %d: %s on %s is satisfied, but %s is %s, example %s\n%s", seed, pattern,
					resource, action, single.Status, single.ExampleARN, text)
			case single.Status == Satisfied && (got.Status == Missing || got.Status == Denied):
				t.Fatalf("seed %d: %s on %s is %s, but %s is satisfied\n%s", seed, pattern, resource,
					got.Status, action, text)
			}
		}
	}
}

// TestCoverIsMonotonic checks that a new Allow never reduces the coverage, and that a new Deny
// never increases the coverage.
func TestCoverIsMonotonic(t *testing.T) {
	rank := map[Status]int{Missing: 0, Denied: 0, Partial: 1, Conditional: 2, Satisfied: 3}
	for seed := range uint64(rounds(1500)) {
		w := world{rand.New(rand.NewPCG(seed, 13))}
		g, text := w.grants(t)
		n := need(t, w.pick("s3:A", "s3:B"), w.need())
		before := g.Cover(n, nil)
		for _, effect := range []string{"Allow", "Deny"} {
			extra := fmt.Sprintf(`{"Statement":{"Effect":%q,"Action":%s,"Resource":%s}}`, effect,
				w.list(w.action), w.list(w.pattern))
			more := g
			more.Identity = append(append([]Policy(nil), g.Identity...),
				Policy{Document: mustParse(t, extra)})
			after := more.Cover(n, nil)
			if rank[after.Status] < rank[before.Status] && effect == "Allow" ||
				rank[after.Status] > rank[before.Status] && effect == "Deny" {
				t.Fatalf("seed %d: %s on %s is %s, but %s with the new policy %s\n%s",
					seed, n.Action, n.Resource,
					before.Status, after.Status, extra, text)
			}
		}
	}
}
