package iampolicy

import (
	"slices"
	"strings"
)

// Effect says whether a statement allows or denies the requests it matches. The zero value is Deny.
type Effect uint8

// The effects of a statement.
const (
	Deny Effect = iota
	Allow
)

func (e Effect) String() string {
	if e == Allow {
		return "Allow"
	}
	return "Deny"
}

// Version is the version of the policy language with policy variables.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
const Version = "2012-10-17"

// A Document is a parsed policy document, or one to be written.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type Document struct {
	// Version is the constant Version, "2008-10-17" or empty. Empty means 2008-10-17, which has no
	// policy variables.
	Version    string
	ID         string
	Statements []Statement

	characters int // see Characters
}

// Characters returns the size of the text that was parsed, as IAM counts it. It is 0 for a document
// that was not parsed.
func (d *Document) Characters() int { return d.characters }

// A Statement is one statement of a document, with its patterns compiled.
type Statement struct {
	Sid    string
	Effect Effect
	// Exactly one of Action and NotAction is set, and exactly one of Resource and NotResource. The
	// patterns are spelled as written. A statement of a trust policy has no resources.
	Action, NotAction     []string
	Resource, NotResource []string
	// Principal or NotPrincipal is set in trust policies and policies of resources only.
	Principal, NotPrincipal []Principal
	Conditions              []Condition
	// Start and End are the statement's positions in the stored text, as the simulator reports them.
	// In a list, Start is after the opening bracket or after the previous statement. Without a list,
	// Start is after the statement's opening brace. End is after the statement's closing brace.
	Start, End Position
	// Brace is the position of the statement's opening brace: where an editor shows the statement.
	Brace Position

	actions, resources []pattern
	variables          bool // the patterns may contain policy variables
	work               statementWork
	index              int // position in the document of a resource, from 1: see Match.Index
}

// A Principal is one entry of Principal or NotPrincipal, such as {"Service",
// "lambda.amazonaws.com"}. The bare "*" has no Type.
type Principal struct {
	Type, Name string
}

// Parse parses an identity policy or a permissions boundary. The error is a *SyntaxError.
//
// Parse is as strict as IAM is when it stores a document. Keys are case-sensitive and unique. A
// statement has exactly one of Action and NotAction, exactly one of Resource and NotResource, and
// no Principal. grammar.go has the rules for the values. Parse also refuses a text that exceeds
// MaxText or MaxMinified, so a document takes bounded memory.
func Parse(text string) (*Document, error) { return parse(text, identityDocument) }

// ParseTrust parses a role's trust policy, whose statements have a Principal and no Resource. The
// error is a *SyntaxError.
func ParseTrust(text string) (*Document, error) { return parse(text, trustDocument) }

func parse(text string, kind documentKind) (*Document, error) {
	p := parser{lexer: lexer{text: text}, kind: kind, unclosed: -1}
	if err := p.checkEncoding(); err != nil {
		return nil, err
	}
	if err := p.checkSize(); err != nil {
		return nil, err
	}
	doc, err := p.document()
	if err != nil {
		return nil, err
	}
	if err := p.checkResourceSize(); err != nil {
		return nil, err
	}
	if len(doc.Statements) == 0 {
		return nil, p.errorf(p.list, "Statement is an empty list: add a statement")
	}
	doc.characters = Size(text)
	variables := doc.Version == Version
	if variables && p.unclosed >= 0 {
		return nil, p.errorf(p.unclosed,
			`a policy variable has no closing brace: write ${name}, or ${$} for the character "$"`)
	}
	for i := range doc.Statements {
		doc.Statements[i].compile(variables)
	}
	return doc, nil
}

func (s *Statement) compile(variables bool) {
	actions, resources := s.Action, s.Resource
	if s.NotAction != nil {
		actions = s.NotAction
	}
	if s.NotResource != nil {
		resources = s.NotResource
	}
	s.variables = variables
	s.actions = make([]pattern, len(actions))
	// Convert all actions to lower case in one call, which saves an allocation for each action. If an
	// action contains the separator, convert each action on its own.
	const separator = "\x00"
	lowered := strings.ToLower(strings.Join(actions, separator))
	atOnce := strings.Count(lowered, separator) == len(actions)-1
	for i, a := range actions {
		if !atOnce {
			s.actions[i] = compileAction(a)
			continue
		}
		s.actions[i].action = true
		s.actions[i].text, lowered, _ = strings.Cut(lowered, separator)
		s.actions[i].compile(false)
	}
	s.resources = make([]pattern, len(resources))
	for i, r := range resources {
		s.resources[i] = compileResource(r, variables)
	}
	for i := range s.Conditions {
		s.Conditions[i].variables = variables
	}
	s.work = s.workOfContext()
}

// documentKind says which grammar a document has.
type documentKind uint8

const (
	identityDocument documentKind = iota
	trustDocument
	bucketDocument
	keyDocument
	controlDocument // a resource control policy
)

func (k documentKind) String() string {
	return [...]string{"an identity policy", "a trust policy", "a bucket policy", "a key policy",
		"a resource control policy"}[k]
}

type parser struct {
	lexer
	kind documentKind
	// unclosed is the offset of the first value with a policy variable that has no closing brace, or
	// -1. Such a value is an error only in a document with variables, and Version may come last.
	unclosed int
	// list is the offset of the value of Statement.
	list int
}

func (p *parser) expect(punct, where string) (token, error) {
	t, err := p.token()
	if err == nil && !t.is(punct) {
		err = p.errorf(t.start, "%s: expected %q, got %s", where, punct, clip(t.String()))
	}
	return t, err
}

// members parses an object after its "{", and returns the offset after its "}". It calls member
// with each key, and member parses the value. A duplicate key is an error, because it is unknown
// which of the two values IAM applies.
func (p *parser) members(where string, member func(key token) error) (end int, err error) {
	var seen keySet
	for {
		key, err := p.token()
		if err != nil {
			return 0, err
		}
		if key.is("}") && seen.empty() {
			return key.end, nil
		}
		if key.kind != quoted {
			return 0, p.errorf(key.start, "%s: expected a quoted key, got %s%s", where,
				clip(key.String()), p.remedyAt(key))
		}
		if !seen.add(key.text) {
			return 0, p.errorf(key.start, "%s: duplicate key %q", where, clip(key.text))
		}
		if _, err := p.expect(":", where); err != nil {
			return 0, err
		}
		if err := member(key); err != nil {
			return 0, err
		}
		t, err := p.token()
		if err != nil {
			return 0, err
		}
		if t.is("}") {
			return t.end, nil
		}
		if !t.is(",") {
			return 0, p.errorf(t.start, `%s: expected "," or "}", got %s`, where, clip(t.String()))
		}
	}
}

// strings parses a string or a list of strings. It calls check with each value. If scalars is true,
// it also accepts numbers and booleans.
func (p *parser) strings(where string, scalars bool, check func(where string, t token) error) (
	[]string, error) {
	value := func(t token) (string, error) {
		if t.kind == quoted || scalars && t.kind == bare && t.text != "null" {
			return t.text, check(where, t)
		}
		return "", p.errorf(t.start, "%s: expected a string, got %s%s", where, clip(t.String()),
			p.remedyAt(t))
	}
	t, err := p.token()
	if err != nil {
		return nil, err
	}
	if !t.is("[") {
		s, err := value(t)
		return []string{s}, err
	}
	list := make([]string, 0, 4)
	for {
		t, err := p.token()
		if err != nil {
			return nil, err
		}
		if t.is("]") && len(list) == 0 {
			return list, nil
		}
		s, err := value(t)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		if t, err = p.token(); err != nil {
			return nil, err
		}
		if t.is("]") {
			return list, nil
		}
		if !t.is(",") {
			return nil, p.errorf(t.start, `%s: expected "," or "]", got %s`, where, clip(t.String()))
		}
	}
}

func (p *parser) string(where string) (token, error) {
	t, err := p.token()
	if err == nil && t.kind != quoted {
		err = p.errorf(t.start, "%s: expected a string, got %s", where, clip(t.String()))
	}
	return t, err
}

func (p *parser) document() (*Document, error) {
	doc := &Document{}
	found := false
	if t, err := p.token(); err != nil || !t.is("{") {
		return nil, p.notJSON(t, err)
	}
	end, err := p.members("policy document", func(key token) error {
		switch key.text {
		case "Version":
			t, err := p.string("Version")
			if err == nil && t.text != Version && t.text != "2008-10-17" {
				err = p.errorf(t.start, `Version must be "2012-10-17" or "2008-10-17", got %q`, clip(t.text))
			}
			doc.Version = t.text
			return err
		case "Id":
			t, err := p.string("Id")
			doc.ID = t.text
			return err
		case "Statement":
			found = true
			return p.statements(doc)
		}
		return p.errorf(key.start, "policy document: unknown key %q, expected Version, Id or Statement%s",
			clip(key.text), envelopeRemedy(key.text))
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, p.errorf(end, "the policy document has no Statement")
	}
	t, err := p.token()
	if err == nil && t.kind != endOfText {
		err = p.errorf(t.start, "text after the end of the policy document: %s", clip(t.String()))
	}
	return doc, err
}

func (p *parser) statements(doc *Document) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	sids := map[string]bool{}
	add := func(start, brace int) error {
		s, end, err := p.statement(sids)
		if err != nil {
			return err
		}
		s.Start, s.Brace, s.End = p.position(start), p.position(brace), p.position(end)
		doc.Statements = append(doc.Statements, s)
		return nil
	}
	p.list = t.start
	switch {
	case t.is("{"):
		// Without a list, the simulator's start position is after the statement's opening brace.
		return add(t.end, t.start)
	case !t.is("["):
		return p.errorf(t.start, "Statement: expected an object or a list of objects, got %s",
			clip(t.String()))
	}
	start := t.end
	for {
		t, err := p.token()
		if err != nil {
			return err
		}
		if t.is("]") && len(doc.Statements) == 0 {
			return nil
		}
		if !t.is("{") {
			return p.errorf(t.start, `Statement: expected "{", got %s%s`, clip(t.String()),
				p.remedyAt(t))
		}
		if err := add(start, t.start); err != nil {
			return err
		}
		start = p.next
		if t, err = p.token(); err != nil {
			return err
		}
		if t.is("]") {
			return nil
		}
		if !t.is(",") {
			return p.errorf(t.start, `Statement: expected "," or "]", got %s`, clip(t.String()))
		}
	}
}

// statement parses a statement after its "{", and returns the offset after its "}". sids are the
// Sids of the statements before it.
func (p *parser) statement(sids map[string]bool) (s Statement, end int, err error) {
	start := p.next - 1
	var few [8]string // a valid statement has fewer keys, and a map would be slower
	keys := few[:0]
	end, err = p.members("statement", func(key token) (err error) {
		keys = append(keys, key.text)
		switch key.text {
		case "Sid":
			s.Sid, err = p.sid(sids)
		case "Effect":
			t, e := p.string("Effect")
			if e == nil && t.text != "Allow" && t.text != "Deny" {
				e = p.errorf(t.start, `Effect must be "Allow" or "Deny", got %q`, clip(t.text))
			}
			if t.text == "Allow" {
				s.Effect = Allow
			}
			err = e
		case "Action":
			s.Action, err = p.actionPatterns(key.text)
		case "NotAction":
			s.NotAction, err = p.actionPatterns(key.text)
		case "Resource":
			s.Resource, err = p.resourcePatterns(key.text)
		case "NotResource":
			s.NotResource, err = p.resourcePatterns(key.text)
		case "Principal":
			s.Principal, err = p.principals(key.text)
		case "NotPrincipal":
			s.NotPrincipal, err = p.principals(key.text)
		case "Condition":
			s.Conditions, err = p.conditions()
		default:
			err = p.errorf(key.start, "statement: unknown key %q", clip(key.text))
		}
		return err
	})
	if err != nil {
		return s, end, err
	}
	return s, end, p.checkKeys(start, keys)
}

// checkKeys returns an error if a required key of a statement is missing or if a forbidden key is
// present. start is the offset of the statement.
func (p *parser) checkKeys(start int, keys []string) error {
	has := func(key string) bool { return slices.Contains(keys, key) }
	requireOne := func(a, b string) error {
		switch {
		case has(a) && has(b):
			return p.errorf(start, "the statement has both %s and %s: keep one", a, b)
		case !has(a) && !has(b):
			return p.errorf(start, "the statement has neither %s nor %s: add one", a, b)
		}
		return nil
	}
	forbid := func(keys ...string) error {
		for _, k := range keys {
			if has(k) {
				return p.errorf(start, "%s must not have %s", p.kind, k)
			}
		}
		return nil
	}
	if !has("Effect") {
		return p.errorf(start, "the statement has no Effect")
	}
	if err := requireOne("Action", "NotAction"); err != nil {
		return err
	}
	if p.kind != identityDocument {
		if err := requireOne("Principal", "NotPrincipal"); err != nil {
			return err
		}
	}
	if p.kind == trustDocument {
		return forbid("Resource", "NotResource")
	}
	if err := requireOne("Resource", "NotResource"); err != nil {
		return err
	}
	switch p.kind {
	case identityDocument:
		return forbid("Principal", "NotPrincipal")
	case controlDocument:
		return forbid("NotPrincipal", "NotAction")
	}
	return nil
}

func (p *parser) principals(where string) ([]Principal, error) {
	t, err := p.token()
	if err != nil {
		return nil, err
	}
	if t.kind == quoted && t.text == "*" {
		return []Principal{{Name: "*"}}, nil
	}
	if !t.is("{") {
		return nil, p.errorf(t.start, `%s: expected "*" or an object, got %s`, where, clip(t.String()))
	}
	list := []Principal{}
	_, err = p.members(where, func(key token) error {
		if err := p.checkPrincipalType(where, key); err != nil {
			return err
		}
		before := p.next
		names, err := p.strings(where, false, p.checkPrincipal(key.text))
		if err == nil && len(names) == 0 && p.ofResource() {
			err = p.errorf(p.tokenStart(before), "%s: %s is an empty list: name a principal", where,
				clip(key.text))
		}
		for _, name := range names {
			list = append(list, Principal{Type: key.text, Name: name})
		}
		return err
	})
	return list, err
}

func (p *parser) conditions() ([]Condition, error) {
	if _, err := p.expect("{", "Condition"); err != nil {
		return nil, err
	}
	var list []Condition
	_, err := p.members("Condition", func(name token) error {
		op, ok := parseOperator(name.text)
		if !ok {
			return p.errorf(name.start, "Condition: unknown operator %q", clip(name.text))
		}
		if _, err := p.expect("{", name.text); err != nil {
			return err
		}
		check := anyValue
		if op.variables {
			check = p.noteVariable
		}
		var seen keySet
		_, err := p.members(name.text, func(key token) error {
			if err := p.checkConditionKey(name.text, key, &seen); err != nil {
				return err
			}
			values, err := p.strings(name.text, true, check)
			list = append(list, Condition{Operator: name.text, Key: key.text, Values: values, op: op})
			return err
		})
		return err
	})
	return list, err
}
