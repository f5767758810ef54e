package iampolicy

import (
	"fmt"
	"slices"
	"strings"
)

// A Need is a set of requests: every action of a pattern on every resource of a pattern. NewNeed
// makes one.
//
// The resources of a need are the ARNs that the pattern matches and whose first five fields are
// legal: "arn", a partition and a service, and a region and an account that may be empty, of a-z,
// 0-9 and '-'; and a resource that is not empty. They are read field by field: a '*' in the region
// is any region, and nothing more. A pattern with fewer fields that ends in '*' leaves the fields
// that follow open. The pattern "*" is all of that, and the resource "*" of requests that name
// none.
type Need struct {
	// Action and Resource are the patterns as they were given.
	Action, Resource string

	action pattern
	// prefer is the example to give if it is not allowed.
	prefer string
	// resources are the languages that the resource pattern stands for.
	resources []language
}

// A language is a set of resource names.
type language struct {
	// text is the pattern, with its first five fields in full.
	text  string
	atoms []needAtom
	// tokens is the text with its wildcards replaced by characters that no pattern has. A granted
	// pattern of literal text and '*'s that matches it matches all of the language: each wildcard is
	// inside a '*'.
	tokens string
	prefix string // the text before the first wildcard
	// named says that wildcards in the resource match what names are made of: see Need.Named.
	named bool
}

// A needAtom is one element of a language's pattern.
type needAtom struct {
	kind atomKind
	char rune
	// legal says what a wildcard may match; nil is everything.
	legal func(rune) bool
}

// What stands for wildcards in language.tokens: bytes that no document can hold, since Parse
// refuses what is not UTF-8. Any character, however strange, somebody could write as an escape.
const (
	tokenRun = "\xfe"
	tokenOne = "\xff"
)

var toTokens = strings.NewReplacer("*", tokenRun, "?", tokenOne)

// anyARN is the pattern of all ARNs.
const anyARN = "arn:*:*:*:*:*"

// NewNeed reads the patterns of a required action and a required resource, as a policy has them. An
// error says what is wrong with them; policy variables are not resolved here, see Expand.
func NewNeed(action, resource string) (Need, error) {
	n := Need{Action: action, Resource: resource, action: compileAction(action)}
	service, name, colon := strings.Cut(action, ":")
	switch {
	case strings.Trim(action, "*") == "" && action != "":
		n.action = compileAction("*")
	case !colon || !only(strings.ToLower(service), wildcard, legalInHead) ||
		!only(name, wildcard, legalInName) || service == "" || name == "":
		return n, fmt.Errorf("%q is no action: write service:Name, such as s3:GetObject, or *", action)
	}
	texts := []string{resource}
	if strings.Trim(resource, "*") == "" && resource != "" {
		texts = []string{"*", anyARN}
	}
	for _, text := range texts {
		l, err := newLanguage(text)
		if err != nil {
			return n, err
		}
		n.resources = append(n.resources, l)
	}
	return n, nil
}

// Preferring returns the need with a resource that is the example of a gap if it is one: a name
// that says more to people than the shortest. A resource that the need does not include is ignored.
func (n Need) Preferring(resource string) Need {
	n.prefer = resource
	return n
}

// Named returns the need narrowed to resources that can exist: names of functions, log groups, log
// streams and IAM entities hold no colon, and buckets' names are of a-z, 0-9, '.' and '-'. It is
// for needs whose patterns have a wildcard for each name. Without it, a Deny on
// "arn:aws:lambda:*:*:function:b" is a hole in "arn:aws:lambda:r:1:function:a*", since IAM lets a
// '*' run on past colons.
func (n Need) Named() Need {
	list := make([]language, len(n.resources))
	for i, l := range n.resources {
		list[i] = l.narrowed()
	}
	n.resources = list
	return n
}

func (l language) narrowed() language {
	l.named = true
	l.atoms = slices.Clone(l.atoms)
	s3 := l.field(2) == "s3"
	layer := strings.HasPrefix(l.field(resourceField), "layer:") // its version follows behind a colon
	colons, key := 0, false
	for i := range l.atoms {
		a := &l.atoms[i]
		switch {
		case a.kind == literal && a.char == ':':
			colons++
		case colons < resourceField:
		case a.kind == literal:
			key = key || a.char == '/'
		case s3 && !key:
			a.legal = legalInBucket
		case !s3 && !layer:
			a.legal = legalInNames
		}
	}
	return l
}

// concrete reports whether the need is about a single action.
func (n *Need) concrete() bool { return n.action.exact }

func newLanguage(text string) (language, error) {
	l := language{text: text}
	if text == "*" {
		l.atoms = []needAtom{{kind: literal, char: '*'}}
		l.tokens = tokenRun // only a '*' is sure to match it
		return l, nil
	}
	bad := func(why string) (language, error) {
		return l, fmt.Errorf("%q is no resource: %s; write an ARN such as arn:aws:s3:::bucket/*, or *",
			text, why)
	}
	fields := strings.SplitN(text, ":", resourceField+1)
	if missing := resourceField + 1 - len(fields); missing > 0 {
		if !strings.HasSuffix(text, "*") {
			return bad(fmt.Sprintf("it has %d of the 6 fields of an ARN", len(fields)))
		}
		text += strings.Repeat(":*", missing)
		fields = strings.SplitN(text, ":", resourceField+1)
	}
	if !matches(fields[0], "arn") {
		return bad("it does not start with arn:")
	}
	fields[0] = "arn"
	l.atoms = make([]needAtom, 0, len(text)+3)
	for i, field := range fields[:resourceField] {
		if !only(field, wildcard, legalInHead) {
			return bad(fmt.Sprintf("field %d, %q, holds more than a-z, 0-9 and -", i+1, field))
		}
		if field == "" && i < 3 {
			return bad(fmt.Sprintf("field %d is empty", i+1))
		}
	}
	if fields[resourceField] == "" {
		return bad("it names nothing behind the fifth colon")
	}
	l.text = strings.Join(fields, ":")
	l.prefix, _, _ = strings.Cut(l.text, "*")
	l.prefix, _, _ = strings.Cut(l.prefix, "?")
	l.tokens = toTokens.Replace(l.text)
	for i, field := range fields {
		if i > 0 {
			l.atoms = append(l.atoms, needAtom{kind: literal, char: ':'})
		}
		// A partition, a service and a resource are never empty.
		switch i {
		case 1, 2:
			l.add(field, legalInHead, true)
		case resourceField:
			l.add(field, nil, true)
		default:
			l.add(field, legalInHead, false)
		}
	}
	return l, nil
}

// add appends a piece whose wildcards match legal characters, and which is not empty if it says so.
func (l *language) add(text string, legal func(rune) bool, some bool) {
	if some && strings.Trim(text, "*") == "" && text != "" {
		l.atoms = append(l.atoms, needAtom{kind: anyOne, legal: legal})
	}
	if !strings.ContainsAny(text, "*?") {
		for _, r := range text {
			l.atoms = append(l.atoms, needAtom{kind: literal, char: r})
		}
		return
	}
	for _, a := range (&pattern{text: text, action: true}).scan(false) {
		l.atoms = append(l.atoms, needAtom{kind: a.kind, char: a.char, legal: legal})
	}
}

// actions is the language of the need's action pattern, in lower case.
func (n *Need) actions() language {
	l := language{text: n.action.text}
	service, name, _ := strings.Cut(l.text, ":")
	if l.text == "*" {
		service, name = "*", "*"
	}
	l.prefix, _, _ = strings.Cut(service+":"+name, "*")
	l.prefix, _, _ = strings.Cut(l.prefix, "?")
	l.add(service, legalInHead, true)
	l.atoms = append(l.atoms, needAtom{kind: literal, char: ':'})
	l.add(name, legalInName, true)
	return l
}

// withField returns the language with one of its first five fields set to a value that the field
// matches.
func (l language) withField(i int, value string) (language, bool) {
	fields := strings.SplitN(l.text, ":", resourceField+1)
	if len(fields) <= i || !matches(fields[i], value) {
		return l, false
	}
	fields[i] = value
	m, err := newLanguage(strings.Join(fields, ":"))
	if l.named {
		m = m.narrowed()
	}
	return m, err == nil
}

// matches reports whether a field's pattern matches a value.
func matches(field, value string) bool {
	if field == value || field == "*" {
		return true
	}
	return matchAtoms((&pattern{text: field, action: true}).scan(false), value)
}

// field is one of the fields of the language's pattern, or "".
func (l language) field(i int) string {
	fields := strings.SplitN(l.text, ":", resourceField+1)
	if len(fields) <= i {
		return ""
	}
	return fields[i]
}

// mayOverlap rules out most patterns that have no name in common with the language.
func (l *language) mayOverlap(p *pattern) bool {
	n := min(len(l.prefix), len(p.prefix))
	if l.prefix[:n] != p.prefix[:n] {
		return false
	}
	return !p.exact || len(p.prefix) >= len(l.prefix)
}

// inside reports that the pattern matches all of the language. When it says no that is not certain.
// A pattern that is the need's own does: the need's wildcards match no more than a policy's.
func (l *language) inside(p *pattern) bool {
	if p.plain {
		return p.match(l.tokens)
	}
	return p.text == l.text && !strings.Contains(p.text, "${")
}

func only(s string, allowed ...func(rune) bool) bool {
	for _, r := range s {
		ok := false
		for _, is := range allowed {
			ok = ok || is(r)
		}
		if !ok {
			return false
		}
	}
	return true
}

func wildcard(r rune) bool { return r == '*' || r == '?' }

// legalInHead says of which characters the first five fields of an ARN and the prefix of an action
// are made. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func legalInHead(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }

// legalInName says of which characters the name of an action is made.
func legalInName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// Includes reports whether a request for the action on the resource is one of those the need stands
// for. An empty action or resource is any.
func (n Need) Includes(action, resource string) bool {
	if action != "" {
		l := n.actions()
		if !l.includes(strings.ToLower(action)) {
			return false
		}
	}
	if resource == "" {
		return true
	}
	for i := range n.resources {
		if n.resources[i].includes(resource) {
			return true
		}
	}
	return false
}

// sample is an ordinary name of the language.
func (l *language) sample() string {
	if l.text == "*" {
		return l.text
	}
	fields := strings.SplitN(l.text, ":", resourceField+1)
	for i, value := range []string{"arn", "aws", "s3", "us-east-1", exampleAccount} {
		if matches(fields[i], value) && strings.ContainsAny(fields[i], "*?") {
			fields[i] = value
		}
	}
	return wildcardsToX.Replace(strings.Join(fields, ":"))
}

var wildcardsToX = strings.NewReplacer("*", "x", "?", "x")

// includes walks all ways to match at once, as matchAtoms does.
func (l *language) includes(s string) bool {
	now := make([]bool, len(l.atoms)+1)
	next := make([]bool, len(l.atoms)+1)
	skip := func(states []bool) {
		for i, a := range l.atoms {
			states[i+1] = states[i+1] || states[i] && a.kind == anyRun
		}
	}
	now[0] = true
	skip(now)
	for _, r := range s {
		clear(next)
		for i, a := range l.atoms {
			switch {
			case !now[i] || a.kind != literal && a.legal != nil && !a.legal(r):
			case a.kind == anyRun:
				next[i] = true
			case a.kind == anyOne || a.char == r:
				next[i+1] = true
			}
		}
		skip(next)
		now, next = next, now
	}
	return now[len(l.atoms)]
}

// legalInBucket says of which characters a bucket's name is made.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func legalInBucket(r rune) bool { return legalInHead(r) || r == '.' }

// legalInNames says what the names of functions, log groups and IAM entities, and their paths, are
// made of, and a little more.
func legalInNames(r rune) bool { return r != ':' && r != '*' && r > ' ' }
