package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
)

const resourcesDir = "testdata/resources"

func resourceKindOf(resource string) ResourceKind {
	if strings.HasPrefix(resource, "arn:aws:kms:") {
		return Key
	}
	return Bucket
}

// resourceGrantsOf parses the policies of a case, with those of resources.
func resourceGrantsOf(t testing.TB, c corpus.Case) Grants {
	t.Helper()
	g := grantsOf(t, c)
	if c.Of != nil {
		kind := resourceKindOf(c.Of.ARN)
		doc, err := ParseResourcePolicy(kind, string(c.Of.Policy))
		if err != nil {
			t.Fatalf("%s: %v in %s", c.Name, err, c.Of.Policy)
		}
		of := ResourcePolicy{Kind: kind, ARN: c.Of.ARN, Account: c.Of.Account,
			Policy: Policy{ID: kind.String() + " policy of x", Document: doc}}
		g.Resource = of.For(Subject{ARN: c.Principal, Session: c.Session})
	}
	for i, level := range c.ResourceControl {
		var policies []Policy
		for j, text := range level {
			doc, err := ParseResourceControl(string(text))
			if err != nil {
				t.Fatalf("%s: %v in %s", c.Name, err, text)
			}
			policies = append(policies, Policy{ID: fmt.Sprintf("RCP %d.%d", i+1, j+1), Document: doc})
		}
		g.ResourceControl = append(g.ResourceControl, policies)
	}
	return g
}

func loadResources(t testing.TB) corpus.File {
	t.Helper()
	files, err := corpus.Load(resourcesDir)
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

// TestResources checks the wanted decision of each case by Evaluate, by Cover of the one resource,
// and by the plain evaluator.
func TestResources(t *testing.T) {
	file := loadResources(t)
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			g, r := resourceGrantsOf(t, c), requestOf(c)
			result := g.Evaluate(r)
			if result.Decision.String() != c.Want.Decision || result.Conditional != c.Want.Conditional {
				t.Errorf("Evaluate decides %v, conditional %v, want %s, conditional %v\nsource: %s",
					result.Decision, result.Conditional, c.Want.Decision, c.Want.Conditional, c.Source)
			}
			if got := plainOfResource(c); got != c.Want.Decision {
				t.Errorf("the plain evaluator decides %s, want %s", got, c.Want.Decision)
			}
			n, err := NewNeed(c.Action, c.Resource)
			if err != nil {
				t.Fatal(err)
			}
			checkCoverage(t, g.Cover(n, r.Context), c, g)
		})
	}
	for _, m := range file.Malformed {
		t.Run(m.Name, func(t *testing.T) {
			_, err := ParseResourcePolicy(Bucket, string(m.Document))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || (syntax.Position != Position{m.Line, m.Column}) ||
				!strings.Contains(syntax.Msg, m.Says) {
				t.Errorf("ParseResourcePolicy returns %v, want line %d, column %d and %q", err, m.Line,
					m.Column, m.Says)
			}
		})
	}
}

// checkCoverage compares the coverage of a need with one resource with the wanted result of a case.
func checkCoverage(t *testing.T, c Coverage, want corpus.Case, g Grants) {
	t.Helper()
	gap := c.Status == Missing || c.Status == Denied
	switch {
	case want.Of != nil && (g.Resource.Reason() != "" || want.Of.ARN != want.Resource &&
		!strings.HasPrefix(want.Resource, want.Of.ARN+"/")):
		if c.Status != Unverified || c.Explanation() == "" {
			t.Errorf("Cover returns %s %q, want unverified with a reason", c.Status, c.Explanation())
		}
	case want.Want.Conditional:
		if c.Status != Conditional || len(c.Deciding) == 0 {
			t.Errorf("Cover returns %s %q by %v, want conditional", c.Status, c.Explanation(), c.Deciding)
		}
	case (want.Want.Decision == "allowed") != (c.Status == Satisfied) || gap == (c.Status == Satisfied):
		t.Errorf("Cover returns %s %q, want %s", c.Status, c.Explanation(), want.Want.Decision)
	}
	if why := c.Explanation(); strings.Contains(why, "  ") || strings.Contains(why, valuesHere) {
		t.Errorf("Cover explains %q", why)
	}
}

// A plainSubject is the principal of a case, and what the policies do to its request: the values of
// the formulas in docs/engine.md.
type plainSubject struct {
	corpus.Case
	account, entity string
	user            bool

	identity, boundary, delegated, denied bool
}

// plainOfResource is a second implementation of what a resource policy means. It decides a case by
// the formulas of docs/engine.md, for the least that is documented: what is open counts as not
// granted and not denied.
func plainOfResource(c corpus.Case) string {
	base := plainEvaluate(plainGrantsOf(c), c.Action, c.Resource, c.Context)
	fields := strings.Split(c.Principal, ":")
	p := plainSubject{Case: c, account: fields[4], entity: fields[5],
		user: strings.HasPrefix(fields[5], "user/"), identity: base.identity, boundary: base.boundary,
		delegated: true, denied: base.decision == ExplicitDeny}
	if of := c.Of; of != nil && of.Account != p.account {
		return "implicitDeny"
	} else if of != nil && (c.Resource == of.ARN || strings.HasPrefix(c.Resource, of.ARN+"/")) {
		p.delegated = !strings.HasPrefix(of.ARN, "arn:aws:kms:")
		p.each(of.Policy, p.addStatement)
	}
	p.addControl()
	switch {
	case p.denied:
		return "explicitDeny"
	case p.identity && p.boundary && p.delegated && base.organization:
		return "allowed"
	}
	return "implicitDeny"
}

// each calls visit with the statements of a document whose action, resource and condition match.
func (p *plainSubject) each(text corpus.Document, visit func(s map[string]any)) {
	doc := plainDocument(string(text))
	for _, s := range plainStatements(doc) {
		if plainHolds(s, doc["Version"] == "2012-10-17", p.Action, p.Resource, p.Context) {
			visit(s)
		}
	}
}

// A plainNames says which forms of the principal an element of a statement has.
type plainNames struct{ all, root, role, self bool }

func (n plainNames) any() bool { return n.all || n.root || n.role || n.self }

func (p *plainSubject) named(element any) (n plainNames) {
	if element == "*" {
		return plainNames{all: true}
	}
	object, _ := element.(map[string]any)
	session := "arn:aws:sts::" + p.account + ":assumed-role/" +
		p.entity[strings.LastIndex(p.entity, "/")+1:] + "/" + p.Session
	for _, name := range plainList(object["AWS"]) {
		n.all = n.all || name == "*"
		n.root = n.root || name == p.account || name == "arn:aws:iam::"+p.account+":root"
		n.role = n.role || name == p.Principal && !p.user
		n.self = n.self || name == p.Principal && p.user || p.Session != "" && name == session
	}
	return n
}

func (p *plainSubject) addStatement(s map[string]any) {
	n := p.named(s["Principal"])
	switch {
	case s["NotPrincipal"] != nil && s["Effect"] == "Deny":
		excepted := p.named(s["NotPrincipal"]).any() ||
			p.Session == "" && plainOpen(s["NotPrincipal"], p.entity, p.account)
		p.denied = p.denied || p.Boundary != nil || !excepted
	case s["NotPrincipal"] != nil:
	case s["Effect"] == "Deny":
		p.denied = p.denied || n.any()
	default:
		p.identity = p.identity || n.all || n.role || n.self
		p.boundary = p.boundary || n.self
		p.delegated = p.delegated || n.any()
	}
}

// addControl adds the resource control policies.
func (p *plainSubject) addControl() {
	action := strings.ToLower(p.Action)
	if !strings.HasPrefix(action, "s3:") && !strings.HasPrefix(action, "kms:") ||
		action == "kms:retiregrant" {
		return
	}
	for _, level := range p.ResourceControl {
		for _, text := range level {
			p.each(text, func(s map[string]any) { p.denied = p.denied || s["Effect"] == "Deny" })
		}
	}
}

// plainOpen reports whether NotPrincipal names a session of the role.
func plainOpen(notPrincipal any, entity, account string) bool {
	object, _ := notPrincipal.(map[string]any)
	prefix := "arn:aws:sts::" + account + ":assumed-role/" + entity[strings.LastIndex(entity, "/")+1:]
	return strings.HasPrefix(entity, "role/") &&
		(object["Federated"] != nil || slices.ContainsFunc(plainList(object["AWS"]), func(s string) bool {
			return strings.HasPrefix(s, prefix+"/")
		}))
}

// newResourceCase returns a random case with a bucket policy or a key policy.
func newResourceCase(seed uint64) corpus.Case {
	g := generator{rand.New(rand.NewPCG(seed, 7)), false}
	c := corpus.Case{Principal: "arn:aws:iam::111122223333:role/r", Name: fmt.Sprint("seed ", seed)}
	if g.chance(30) {
		c.Principal = "arn:aws:iam::111122223333:user/r"
	} else if g.chance(50) {
		c.Session = g.one("one", "two")
	}
	of := "arn:aws:s3:::b"
	actions := []string{"s3:*", "s3:Get", "s3:G*", "s3:Put", "*"}
	resources := []string{"*", of + "/*", of + "/a*", of + "/a", of, "arn:aws:s3:::c/*"}
	c.Action, c.Resource = g.one("s3:Get", "s3:Put"), g.one(of+"/a", of+"/b", of)
	if g.chance(40) {
		of = "arn:aws:kms:us-east-1:111122223333:key/k"
		actions, resources = []string{"kms:*", "kms:Decrypt", "kms:D*", "*"}, []string{"*", of}
		c.Action, c.Resource = "kms:Decrypt", of
	}
	principals := []string{"*", "111122223333", "arn:aws:iam::111122223333:root",
		"arn:aws:iam::111122223333:role/r", "arn:aws:iam::111122223333:user/r",
		"arn:aws:sts::111122223333:assumed-role/r/one", "arn:aws:sts::111122223333:assumed-role/r/two",
		"arn:aws:iam::111122223333:role/other", "444455556666", "AROADBQP57FF2AEXAMPLE"}
	document := func(withPrincipal bool) corpus.Document {
		var list []any
		for range 1 + g.IntN(3) {
			s := map[string]any{"Effect": g.one("Allow", "Allow", "Deny"), "Action": g.one(actions...),
				"Resource": g.one(resources...)}
			if g.chance(25) {
				s["Condition"] = map[string]any{g.one("StringEquals", "StringNotEquals"): map[string]any{
					g.one("aws:SourceVpc", "aws:PrincipalOrgID"): g.one("x", "y")}}
			}
			if withPrincipal {
				element := "Principal"
				if g.chance(20) {
					element = "NotPrincipal"
				}
				s[element] = map[string]any{"AWS": g.some(func() string { return g.one(principals...) })}
				if g.chance(10) {
					s[element] = "*"
				}
			}
			list = append(list, s)
		}
		text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
		return corpus.Document(text)
	}
	if g.chance(60) {
		c.Identity = []corpus.Document{document(false)}
	}
	if g.chance(40) {
		boundary := document(false)
		c.Boundary = &boundary
	}
	c.Of = &corpus.ResourcePolicy{ARN: of, Account: "111122223333", Policy: document(true)}
	c.Context = corpus.Context{}
	for _, key := range []string{"aws:SourceVpc", "aws:PrincipalOrgID"} {
		if g.chance(60) {
			c.Context[key] = corpus.Values{Elements: []string{g.one("x", "y")}}
		}
	}
	return c
}

// TestResourcesAgreeWithPlainEvaluator checks on random policies that the two evaluators agree, and
// that Cover never calls a request satisfied or missing that Evaluate decides otherwise.
func TestResourcesAgreeWithPlainEvaluator(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	seen := map[string]int{}
	for seed := range n {
		c := newResourceCase(uint64(seed))
		g, r := resourceGrantsOf(t, c), requestOf(c)
		result := g.Evaluate(r)
		want := plainOfResource(c)
		text, _ := json.Marshal(c)
		if result.Decision.String() != want {
			t.Fatalf("the engine decides %v, the plain evaluator %s, for\n%s", result.Decision, want, text)
		}
		need, err := NewLiteralNeed(c.Action, c.Resource)
		if err != nil {
			t.Fatal(err)
		}
		coverage := g.Cover(need, r.Context)
		status := coverage.Status
		switch {
		case !result.Conditional && (status == Satisfied) != (result.Decision == Allowed),
			result.Conditional && status != Conditional && status != Unverified && status != Satisfied &&
				!coverage.Status.Gap():
			t.Fatalf("Evaluate: %v, conditional %v; Cover: %s %s, for\n%s", result.Decision,
				result.Conditional, status, coverage.Explanation(), text)
		}
		seen[want]++
		seen[string(status)]++
	}
	for _, s := range []string{"allowed", "explicitDeny", "implicitDeny", "satisfied", "conditional",
		"missing", "denied"} {
		if seen[s] < n/100 {
			t.Errorf("%d of %d cases are %s: %v", seen[s], n, s, seen)
		}
	}
}

// TestResourcesFilled checks what is open: if Cover is certain while a key of the context is absent
// from the known context or the session is unknown, Evaluate decides likewise for each value.
func TestResourcesFilled(t *testing.T) {
	n := 3_000
	if testing.Short() {
		n = 500
	}
	certain := 0
	for seed := range n {
		c := newResourceCase(uint64(seed) + 1_000_000)
		need, err := NewLiteralNeed(c.Action, c.Resource)
		if err != nil {
			t.Fatal(err)
		}
		status := resourceGrantsOf(t, c).Cover(need, requestOf(c).Context).Status
		if status == Unverified || status == Conditional {
			continue
		}
		certain++
		for _, filled := range fillings(c) {
			decision := resourceGrantsOf(t, filled).Evaluate(requestOf(filled)).Decision
			if (decision == Allowed) != (status == Satisfied) {
				text, _ := json.Marshal(filled)
				t.Fatalf("Cover says %s, and with further values Evaluate decides %v, for\n%s", status,
					decision, text)
			}
		}
	}
	if certain < n/10 {
		t.Errorf("%d of %d cases are certain", certain, n)
	}
}

// TestResourcesByPattern checks that Cover of all objects of a bucket is satisfied only if each
// object is allowed, and that the example of a gap is not allowed.
func TestResourcesByPattern(t *testing.T) {
	n := 6_000
	if testing.Short() {
		n = 1_000
	}
	seen := map[Status]int{}
	for seed := range n {
		c := newResourceCase(uint64(seed) + 2_000_000)
		if c.Of.ARN != "arn:aws:s3:::b" {
			continue
		}
		need, err := NewNeed(c.Action, "arn:aws:s3:::b/*")
		if err != nil {
			t.Fatal(err)
		}
		coverage := resourceGrantsOf(t, c).Cover(need, requestOf(c).Context)
		seen[coverage.Status]++
		for _, filled := range fillings(c) {
			g := resourceGrantsOf(t, filled)
			for _, object := range []string{"a", "ab", "b", "x/y"} {
				filled.Resource = "arn:aws:s3:::b/" + object
				if g.Evaluate(requestOf(filled)).Decision != Allowed && coverage.Status == Satisfied {
					text, _ := json.Marshal(filled)
					t.Fatalf("Cover says satisfied, but %s is not allowed, for\n%s", object, text)
				}
			}
			filled.Resource = coverage.ExampleARN
			if certain := coverage.Status == Missing || coverage.Status == Denied ||
				coverage.Status == Partial; certain &&
				g.Evaluate(requestOf(filled)).Decision == Allowed {
				text, _ := json.Marshal(filled)
				t.Fatalf("Cover says %s, but its example is allowed, for\n%s", coverage.Status, text)
			}
		}
	}
	for _, s := range []Status{Satisfied, Conditional, Partial, Missing, Denied} {
		if seen[s] < n/200 {
			t.Errorf("%d of %d needs are %s: %v", seen[s], n, s, seen)
		}
	}
}

// FuzzParseResourcePolicy checks that no text makes the parser or the evaluation panic, and that
// what both kinds of a policy accept is decided in bounded time.
func FuzzParseResourcePolicy(f *testing.F) {
	file := loadResources(f)
	for _, c := range file.Cases {
		if c.Of != nil {
			f.Add(string(c.Of.Policy), c.Principal, c.Session)
		}
	}
	for _, m := range file.Malformed {
		f.Add(string(m.Document), "arn:aws:iam::111122223333:role/r", "")
	}
	f.Fuzz(func(t *testing.T, text, principal, session string) {
		for _, kind := range []ResourceKind{Bucket, Key} {
			doc, err := ParseResourcePolicy(kind, text)
			if err != nil {
				continue
			}
			resource := [...]string{"arn:aws:s3:::b", "arn:aws:kms:us-east-1:111122223333:key/k"}[kind]
			action := [...]string{"s3:ListBucket", "kms:Decrypt"}[kind]
			of := ResourcePolicy{Policy: Policy{ID: "p", Document: doc}, Kind: kind, ARN: resource,
				Account: "111122223333"}
			g := Grants{Resource: of.For(Subject{ARN: principal, Session: session})}
			decision := g.Evaluate(Request{Action: action, Resource: resource})
			need, err := NewLiteralNeed(action, resource)
			if err != nil {
				t.Fatal(err)
			}
			status := g.Cover(need, nil).Status
			if !decision.Conditional && status == Satisfied && decision.Decision != Allowed {
				t.Errorf("Cover is satisfied, and Evaluate decides %v", decision.Decision)
			}
			if g.Resource.Reason() != "" && status != Unverified {
				t.Errorf("the policy is not evaluated (%s), but the status is %s", g.Resource.Reason(), status)
			}
		}
	})
}

// fillings returns the case with each combination of values of the keys and the session that the
// case does not have.
func fillings(c corpus.Case) []corpus.Case {
	list := []corpus.Case{c}
	for _, key := range []string{"aws:SourceVpc", "aws:PrincipalOrgID"} {
		if _, known := c.Context[key]; known {
			continue
		}
		for _, o := range slices.Clone(list) {
			for _, value := range []string{"x", "y", "z"} {
				filled := o
				filled.Context = corpus.Context{key: {Elements: []string{value}}}
				for k, v := range o.Context {
					filled.Context[k] = v
				}
				list = append(list, filled)
			}
		}
	}
	if c.Session == "" && strings.Contains(c.Principal, ":role/") {
		for _, o := range slices.Clone(list) {
			for _, session := range []string{"one", "two", "three"} {
				o.Session = session
				list = append(list, o)
			}
		}
	}
	return list
}
