package iampolicy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// A Need is a set of requests: every action of a pattern on every resource of a pattern. Use
// NewNeed to make one.
//
// The resources of a need are the ARNs that match the pattern and have six legal fields. The first
// five fields are "arn", a partition and a service, and a region and an account, which may be
// empty. They consist of a-z, 0-9 and '-'. The resource field is not empty. The pattern is read
// field by field: a '*' in the region matches any region, but no text of another field. In a
// pattern with fewer fields, each '*' at the end of a field may stand for several fields, as IAM
// matches it. Of these readings, those with an account that can exist count:
// "arn:aws:sns:*:remotion-*" is every topic remotion-* of any region and account. The pattern "*"
// includes all ARNs, and the resource "*" of requests that name no resource.
type Need struct {
	// Action and Resource are the patterns as given to NewNeed.
	Action, Resource string

	action pattern
	// preferred is the resource to use as the example of a gap, or empty. See Preferring.
	preferred string
	// premise limits the requests of the need, and written is the resource pattern of its statement,
	// see Within. Nil does not limit them.
	premise *Premise
	written string
	// resources are the languages of the resource pattern: two for "*", one for any other pattern with
	// six fields, and one for each reading of a pattern with fewer fields. A need from NewLiteralNeed
	// has one for each of its resources.
	resources []language
}

// A language is the set of names that a pattern of a need matches.
type language struct {
	// text is the pattern. A resource pattern with fewer than six fields is read as six fields.
	text  string
	atoms []needAtom
	// tokens is the text with its wildcards replaced by bytes that no pattern contains. A plain
	// granted pattern that matches tokens matches every name of the language, because each wildcard is
	// within the text that a '*' of the pattern matches.
	tokens string
	prefix string // the text before the first wildcard
	// literal is true if the language has one name, the text itself, even if it contains a '*'.
	literal bool
	// named is true if the wildcards of the resource field match only the characters that names may
	// contain: see Need.Named.
	named bool
}

// A needAtom is one element of a language's pattern.
type needAtom struct {
	kind atomKind
	char rune
	// legal reports whether a wildcard matches a character. Nil means every character.
	legal func(rune) bool
}

// tokenRun and tokenOne replace the wildcards in language.tokens. No document contains these bytes,
// because Parse rejects text that is not UTF-8. A valid character would not be safe, because a
// document may contain any character as an escape.
const (
	tokenRun = "\xfe"
	tokenOne = "\xff"
)

var toTokens = strings.NewReplacer("*", tokenRun, "?", tokenOne)

// anyARN is the pattern of all ARNs.
const anyARN = "arn:*:*:*:*:*"

// NewNeed parses the patterns of a required action and a required resource, written as in a policy.
// The error explains what is wrong with the patterns. NewNeed does not resolve policy variables;
// Expand does.
func NewNeed(action, resource string) (Need, error) {
	n, err := newNeed(action, resource)
	if err != nil {
		return n, err
	}
	texts := []string{resource}
	if strings.Trim(resource, "*") == "" && resource != "" {
		texts = []string{"*", anyARN}
	}
	if fields, count := arn.Split(resource); count < len(fields) && len(texts) == 1 {
		texts = sixFields(fields[:count])
	}
	var firstErr error
	for _, text := range texts {
		l, err := newLanguage(text)
		if err != nil {
			firstErr = cmp.Or(firstErr, err)
			continue
		}
		n.resources = append(n.resources, l)
	}
	if len(n.resources) == 0 {
		if firstErr == nil {
			_, count := arn.Split(resource)
			firstErr = fmt.Errorf("it has %d of the 6 fields of an ARN", count)
		}
		return n, fmt.Errorf("%q is not a resource: %w; use an ARN such as arn:aws:s3:::bucket/*, or *",
			resource, firstErr)
	}
	return n, nil
}

// NewLiteralNeed returns the need of an action on single resources, each as IAM compares it with
// the policies. A '*' in them is text: the resource "*" is that of a request that names no
// resource, so no statement about an ARN applies to it. A need with several resources is satisfied
// only if each of them is allowed, and Resource is the first of them.
func NewLiteralNeed(action string, resources ...string) (Need, error) {
	n, err := newNeed(action, resources[0])
	for _, text := range resources {
		n.resources = append(n.resources, literalLanguage(text))
	}
	return n, err
}

// newNeed returns a need without resources.
func newNeed(action, resource string) (Need, error) {
	n := Need{Action: action, Resource: resource, action: compileAction(action)}
	service, name, colon := strings.Cut(action, ":")
	switch {
	case strings.Trim(action, "*") == "" && action != "":
		n.action = compileAction("*")
	case !colon || !consistsOf(strings.ToLower(service), wildcard, legalInHead) ||
		!consistsOf(name, wildcard, legalInActionName) || service == "" || name == "":
		return n, fmt.Errorf("%q is not an action: use service:Name, such as s3:GetObject, or *", action)
	}
	return n, nil
}

// sixFields returns the readings of a pattern with fewer than six fields as a pattern with six
// fields. In each reading, some '*'s at the end of a field stand for several fields. A reading
// without an account that can exist does not count.
func sixFields(fields []string) (list []string) {
	var extend func(head []string, rest []string)
	extend = func(head []string, rest []string) {
		missing := 6 - len(head) - len(rest)
		if len(rest) == 0 {
			if text := strings.Join(head, ":"); missing == 0 && mayBeAccount(head[arn.Account]) &&
				!slices.Contains(list, text) {
				list = append(list, text)
			}
			return
		}
		head = append(slices.Clip(head), rest[0])
		extend(head, rest[1:])
		if strings.HasSuffix(rest[0], "*") {
			for range missing {
				head = append(head, "*")
				extend(head, rest[1:])
			}
		}
	}
	extend(nil, fields)
	return list
}

// mayBeAccount reports whether the pattern of an account matches an account number, nothing, or one
// of the words that AWS uses instead of an account number.
func mayBeAccount(field string) bool {
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, field)
	return matches(digits, "000000000000") ||
		slices.ContainsFunc([]string{"", "aws", "amazon", "aws-marketplace", "cloudfront"},
			func(word string) bool { return matches(field, word) })
}

// Preferring returns the need with a preferred resource for the example of a gap. Such a resource
// is easier to recognize than the shortest name. Cover ignores the resource if the policies allow
// the resource, or if the need does not include the resource.
func (n Need) Preferring(resource string) Need {
	n.preferred = resource
	return n
}

// Named returns the need narrowed to resources that can exist. The names of functions, layers, log
// groups, log streams and IAM entities contain no colon, and bucket names consist of a-z, 0-9, '.'
// and '-'. Use Named for needs with a wildcard for each name. Without Named, a Deny on
// "arn:aws:lambda:*:*:function:b" is a hole in "arn:aws:lambda:r:1:function:a*", because IAM lets a
// '*' match colons.
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
	fields := l.fields()
	s3 := fields[arn.Service] == "s3"
	// A layer version follows a second colon. If the pattern lacks it, a wildcard stands for it.
	layer := strings.HasPrefix(fields[arn.Resource], "layer:") &&
		strings.Count(fields[arn.Resource], ":") < 2
	colons, key := 0, false
	for i := range l.atoms {
		a := &l.atoms[i]
		switch {
		case a.kind == literal && a.char == ':':
			colons++
		case colons < arn.Resource:
		case a.kind == literal:
			key = key || a.char == '/'
		case s3 && !key:
			a.legal = legalInBucket
		case !s3 && !layer:
			a.legal = legalInEntityName
		}
	}
	return l
}

// withoutColons returns the language without the names whose resource has a colon in the place of a
// wildcard.
func (l *language) withoutColons() *language {
	narrowed := *l
	narrowed.atoms = slices.Clone(l.atoms)
	colons := 0
	for i := range narrowed.atoms {
		a := &narrowed.atoms[i]
		switch {
		case a.kind == literal && a.char == ':':
			colons++
		case a.kind != literal && colons >= arn.Resource && a.legal == nil:
			a.legal = func(r rune) bool { return r != ':' }
		}
	}
	return &narrowed
}

// concrete reports whether the need has a single action.
func (n *Need) concrete() bool { return n.action.exact }

// literalLanguage returns the language with the text as its only name.
func literalLanguage(text string) language {
	l := language{text: text, tokens: text, prefix: text, literal: true}
	for _, r := range text {
		l.atoms = append(l.atoms, needAtom{kind: literal, char: r})
	}
	return l
}

// newLanguage returns the language of "*" or of a pattern with six fields.
func newLanguage(text string) (language, error) {
	l := language{text: text}
	if text == "*" {
		return literalLanguage(text), nil
	}
	bad := func(why string) (language, error) { return l, errors.New(why) }
	fields, n := arn.Split(text)
	if n < len(fields) {
		return bad(fmt.Sprintf("it has %d of the 6 fields of an ARN", n))
	}
	if !matches(fields[0], "arn") {
		return bad("it does not start with arn:")
	}
	fields[0] = "arn"
	l.atoms = make([]needAtom, 0, len(text)+3)
	for i, field := range fields[:arn.Resource] {
		if !consistsOf(field, wildcard, legalInHead) {
			return bad(fmt.Sprintf("field %d, %q, must consist of a-z, 0-9, - and wildcards", i+1, field))
		}
		if field == "" && i < 3 {
			return bad(fmt.Sprintf("field %d is empty", i+1))
		}
	}
	if fields[arn.Resource] == "" {
		return bad("the part after the fifth colon is empty")
	}
	l.text = fields.String()
	l.prefix, _, _ = strings.Cut(l.text, "*")
	l.prefix, _, _ = strings.Cut(l.prefix, "?")
	l.tokens = toTokens.Replace(l.text)
	for i, field := range fields {
		if i > 0 {
			l.atoms = append(l.atoms, needAtom{kind: literal, char: ':'})
		}
		// The partition, the service and the resource must not be empty.
		switch i {
		case arn.Partition, arn.Service:
			l.appendField(field, legalInHead, true)
		case arn.Resource:
			l.appendField(field, nil, true)
		default:
			l.appendField(field, legalInHead, false)
		}
	}
	return l, nil
}

// appendField appends the atoms of a field. Its wildcards match only legal characters. If nonEmpty
// is true, the field does not match the empty text.
func (l *language) appendField(text string, legal func(rune) bool, nonEmpty bool) {
	if nonEmpty && strings.Trim(text, "*") == "" && text != "" {
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

// actions returns the language of the need's action pattern, in lower case.
func (n *Need) actions() language {
	l := language{text: n.action.text}
	service, name, _ := strings.Cut(l.text, ":")
	if l.text == "*" {
		service, name = "*", "*"
	}
	l.prefix, _, _ = strings.Cut(service+":"+name, "*")
	l.prefix, _, _ = strings.Cut(l.prefix, "?")
	l.appendField(service, legalInHead, true)
	l.atoms = append(l.atoms, needAtom{kind: literal, char: ':'})
	l.appendField(name, legalInActionName, true)
	return l
}

// withField returns the language with one of its first five fields set to a value. It reports false
// if the field does not match the value.
func (l language) withField(i int, value string) (language, bool) {
	fields, n := arn.Split(l.text)
	if n <= i || !matches(fields[i], value) {
		return l, false
	}
	fields[i] = value
	m, err := newLanguage(fields.String())
	if l.named {
		m = m.narrowed()
	}
	return m, err == nil
}

// matches reports whether the pattern of a field matches a value.
func matches(field, value string) bool {
	if field == value || field == "*" {
		return true
	}
	return matchAtoms((&pattern{text: field, action: true}).scan(false), value)
}

// fields returns the fields of the language's pattern. Fields that the pattern lacks are empty.
func (l *language) fields() arn.Fields {
	fields, _ := arn.Split(l.text)
	return fields
}

// mayOverlap reports whether the pattern may match a name of the language. It compares only the
// literal text at the start, so only a false result is certain.
func (l *language) mayOverlap(p *pattern) bool {
	n := min(len(l.prefix), len(p.prefix))
	if l.prefix[:n] != p.prefix[:n] {
		return false
	}
	return !p.exact || len(p.prefix) >= len(l.prefix)
}

// coveredBy reports whether the pattern matches every name of the language. Only a true result is
// certain. A pattern with the same text matches every name, because a wildcard of a need matches no
// more than the same wildcard of a policy.
func (l *language) coveredBy(p *pattern) bool {
	if p.plain {
		return p.match(l.tokens)
	}
	return p.text == l.text && !strings.Contains(p.text, "${")
}

func consistsOf(s string, allowed ...func(rune) bool) bool {
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

// legalInHead reports whether a character may occur in the first five fields of an ARN, or in the
// service prefix of an action. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func legalInHead(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }

// legalInActionName reports whether a character may occur in the name of an action.
func legalInActionName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// Includes reports whether the need contains the request. It does not compare an empty action or an
// empty resource.
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

// sampleName returns an ordinary name of the language.
func (l *language) sampleName() string {
	if l.literal {
		return l.text
	}
	fields := l.fields()
	for i, value := range []string{"arn", "aws", "s3", "us-east-1", exampleAccount} {
		if matches(fields[i], value) && strings.ContainsAny(fields[i], "*?") {
			fields[i] = value
		}
	}
	return wildcardsToX.Replace(fields.String())
}

var wildcardsToX = strings.NewReplacer("*", "x", "?", "x")

// includes reports whether s is a name of the language. It tracks all possible matches at once, as
// matchAtoms does.
func (l *language) includes(s string) bool {
	s, ok := strings.CutPrefix(s, l.prefix)
	if !ok {
		return false
	}
	atoms := l.atoms[utf8.RuneCountInString(l.prefix):]
	current := make([]bool, len(atoms)+1)
	next := make([]bool, len(atoms)+1)
	skip := func(states []bool) {
		for i, a := range atoms {
			states[i+1] = states[i+1] || states[i] && a.kind == anyRun
		}
	}
	current[0] = true
	skip(current)
	for _, r := range s {
		clear(next)
		for i, a := range atoms {
			switch {
			case !current[i] || a.kind != literal && a.legal != nil && !a.legal(r):
			case a.kind == anyRun:
				next[i] = true
			case a.kind == anyOne || a.char == r:
				next[i+1] = true
			}
		}
		skip(next)
		current, next = next, current
	}
	return current[len(atoms)]
}

// legalInBucket reports whether a character may occur in the name of a bucket.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func legalInBucket(r rune) bool { return legalInHead(r) || r == '.' }

// legalInEntityName reports whether a character may occur in the name or path of a function, log
// group or IAM entity. It allows slightly more than AWS does.
func legalInEntityName(r rune) bool { return r != ':' && r != '*' && r > ' ' }
