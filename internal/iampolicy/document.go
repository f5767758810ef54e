package iampolicy

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Effect is what a statement does to the requests it matches. The zero value is Deny.
type Effect uint8

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

// A Document is a parsed policy document.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
type Document struct {
	// Version is "2012-10-17", "2008-10-17", or empty, which means the latter: no policy variables.
	Version    string
	ID         string
	Statements []Statement
}

// A Statement is one statement of a document, with its patterns compiled.
type Statement struct {
	Sid    string
	Effect Effect
	// Action or NotAction, Resource or NotResource: of each pair one is set, as written.
	// A trust policy has no resources.
	Action, NotAction     []string
	Resource, NotResource []string
	// Principal or NotPrincipal are set in trust policies only.
	Principal, NotPrincipal []Principal
	Conditions              []Condition
	// Start and End are where the simulator says the statement stands in the stored text: after
	// the bracket or statement before it, and after its closing brace.
	Start, End Position

	actions, resources []pattern
}

// A Principal is one entry of a trust policy's Principal: {"Service", "lambda.amazonaws.com"}.
// The bare "*" has no Type.
type Principal struct {
	Type, Name string
}

// Parse reads an identity policy or a permissions boundary. The error is a *SyntaxError.
//
// It is as strict as IAM is when it stores a document: keys are exact, none occurs twice, a
// statement has one of Action and NotAction and one of Resource and NotResource, and no Principal.
func Parse(text string) (*Document, error) { return parse(text, false) }

// ParseTrust reads a role's trust policy: its statements have a Principal and no Resource.
// The error is a *SyntaxError.
func ParseTrust(text string) (*Document, error) { return parse(text, true) }

func parse(text string, trust bool) (*Document, error) {
	p := parser{lexer: lexer{text: text}, trust: trust}
	if !utf8.ValidString(text) {
		valid := 0
		for r, size := utf8.DecodeRuneInString(text); r != utf8.RuneError ||
			size > 1; r, size = utf8.DecodeRuneInString(text[valid:]) {
			valid += size
		}
		return nil, p.errorf(valid, "the text is not UTF-8")
	}
	doc, err := p.document()
	if err != nil {
		return nil, err
	}
	variables := doc.Version == "2012-10-17"
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
	s.actions = make([]pattern, len(actions))
	// All are lowered at once, which saves an allocation for each, unless one holds the separator.
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
}

type parser struct {
	lexer
	trust bool
}

func (p *parser) want(punct, where string) (token, error) {
	t, err := p.token()
	if err == nil && !t.is(punct) {
		err = p.errorf(t.start, "%s wants %q here, not %s", where, punct, clip(t.String()))
	}
	return t, err
}

// members reads an object whose "{" has been read, and calls member with each key; member reads the
// value. A key that occurs twice is an error: which of the two IAM heeds is not for us to guess.
func (p *parser) members(where string, member func(key token) error) (end int, err error) {
	var few [8]string
	seen := few[:0]
	for {
		key, err := p.token()
		if err != nil {
			return 0, err
		}
		if key.is("}") && len(seen) == 0 {
			return key.end, nil
		}
		if key.kind != quoted {
			return 0, p.errorf(key.start, "%s wants a key in quotes here, not %s", where, clip(key.String()))
		}
		if slices.Contains(seen, key.text) {
			return 0, p.errorf(key.start, "%s has the key %q twice", where, clip(key.text))
		}
		seen = append(seen, key.text)
		if _, err := p.want(":", where); err != nil {
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
			return 0, p.errorf(t.start, `%s wants "," or "}" here, not %s`, where, clip(t.String()))
		}
	}
}

// strings reads a string or a list of strings; with scalars, numbers and booleans too.
func (p *parser) strings(where string, scalars bool) ([]string, error) {
	value := func(t token) (string, error) {
		if t.kind == quoted || scalars && t.kind == bare && t.text != "null" {
			return t.text, nil
		}
		return "", p.errorf(t.start, "%s wants a string here, not %s", where, clip(t.String()))
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
			return nil, p.errorf(t.start, `%s wants "," or "]" here, not %s`, where, clip(t.String()))
		}
	}
}

func (p *parser) string(where string) (token, error) {
	t, err := p.token()
	if err == nil && t.kind != quoted {
		err = p.errorf(t.start, "%s wants a string here, not %s", where, clip(t.String()))
	}
	return t, err
}

func (p *parser) document() (*Document, error) {
	doc := &Document{}
	found := false
	if _, err := p.want("{", "a policy document"); err != nil {
		return nil, err
	}
	end, err := p.members("the document", func(key token) error {
		switch key.text {
		case "Version":
			t, err := p.string("Version")
			if err == nil && t.text != "2012-10-17" && t.text != "2008-10-17" {
				err = p.errorf(t.start, `Version is %q: use "2012-10-17"`, clip(t.text))
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
		return p.errorf(key.start, "a document has no key %q: Version, Id and Statement are all",
			clip(key.text))
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, p.errorf(end, "the document has no Statement")
	}
	t, err := p.token()
	if err == nil && t.kind != endOfText {
		err = p.errorf(t.start, "text after the end of the document: %s", clip(t.String()))
	}
	return doc, err
}

func (p *parser) statements(doc *Document) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	add := func(start int) error {
		s, end, err := p.statement()
		if err != nil {
			return err
		}
		s.Start, s.End = p.position(start), p.position(end)
		doc.Statements = append(doc.Statements, s)
		return nil
	}
	switch {
	case t.is("{"):
		// The simulator counts a lone statement from inside its brace.
		return add(t.end)
	case !t.is("["):
		return p.errorf(t.start, "Statement wants an object or a list of objects, not %s",
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
			return p.errorf(t.start, `Statement wants "{" here, not %s`, clip(t.String()))
		}
		if err := add(start); err != nil {
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
			return p.errorf(t.start, `Statement wants "," or "]" here, not %s`, clip(t.String()))
		}
	}
}

// statement reads one whose "{" has been read, and returns the offset after its "}".
func (p *parser) statement() (s Statement, end int, err error) {
	start := p.next - 1
	var few [8]string // a statement has no more keys, and a map would be slower
	keys := few[:0]
	has := func(key string) bool { return slices.Contains(keys, key) }
	end, err = p.members("a statement", func(key token) (err error) {
		keys = append(keys, key.text)
		switch key.text {
		case "Sid":
			t, e := p.string("Sid")
			s.Sid, err = t.text, e
		case "Effect":
			t, e := p.string("Effect")
			if e == nil && t.text != "Allow" && t.text != "Deny" {
				e = p.errorf(t.start, `Effect is %q: write "Allow" or "Deny"`, clip(t.text))
			}
			if t.text == "Allow" {
				s.Effect = Allow
			}
			err = e
		case "Action":
			s.Action, err = p.strings(key.text, false)
		case "NotAction":
			s.NotAction, err = p.strings(key.text, false)
		case "Resource":
			s.Resource, err = p.strings(key.text, false)
		case "NotResource":
			s.NotResource, err = p.strings(key.text, false)
		case "Principal":
			s.Principal, err = p.principals(key.text)
		case "NotPrincipal":
			s.NotPrincipal, err = p.principals(key.text)
		case "Condition":
			s.Conditions, err = p.conditions()
		default:
			err = p.errorf(key.start, "a statement has no key %q", clip(key.text))
		}
		return err
	})
	if err != nil {
		return s, end, err
	}
	one := func(a, b string) error {
		switch {
		case has(a) && has(b):
			return p.errorf(start, "the statement has both %s and %s: keep one", a, b)
		case !has(a) && !has(b):
			return p.errorf(start, "the statement has neither %s nor %s", a, b)
		}
		return nil
	}
	none := func(kind string, keys ...string) error {
		for _, k := range keys {
			if has(k) {
				return p.errorf(start, "%s may not have %s", kind, k)
			}
		}
		return nil
	}
	if !has("Effect") {
		return s, end, p.errorf(start, "the statement has no Effect")
	}
	if err := one("Action", "NotAction"); err != nil {
		return s, end, err
	}
	if p.trust {
		if err := one("Principal", "NotPrincipal"); err != nil {
			return s, end, err
		}
		return s, end, none("a trust policy", "Resource", "NotResource")
	}
	if err := one("Resource", "NotResource"); err != nil {
		return s, end, err
	}
	return s, end, none("an identity policy", "Principal", "NotPrincipal")
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
		return nil, p.errorf(t.start, `%s wants "*" or an object here, not %s`, where, clip(t.String()))
	}
	list := []Principal{}
	_, err = p.members(where, func(key token) error {
		names, err := p.strings(where, false)
		for _, name := range names {
			list = append(list, Principal{Type: key.text, Name: name})
		}
		return err
	})
	return list, err
}

func (p *parser) conditions() ([]Condition, error) {
	if _, err := p.want("{", "Condition"); err != nil {
		return nil, err
	}
	var list []Condition
	_, err := p.members("Condition", func(name token) error {
		op, ok := parseOperator(name.text)
		if !ok {
			return p.errorf(name.start, "Condition has no operator %q", clip(name.text))
		}
		if _, err := p.want("{", name.text); err != nil {
			return err
		}
		_, err := p.members(name.text, func(key token) error {
			values, err := p.strings(name.text, true)
			list = append(list, Condition{Operator: name.text, Key: key.text, Values: values, op: op})
			return err
		})
		return err
	})
	return list, err
}
