package policyfile

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// BoundsOf returns the bounds of a policy document. An unknown part of an Allow statement is left
// out of AtLeast, and stands for anything in AtMost; an unknown part of a Deny statement the other
// way round. A statement of which nothing is left becomes a Deny that matches nothing. A value that is no policy document in any case is an error with its position, a
// *tree.Error.
func BoundsOf(v tree.Value) (Bounds, error) {
	var b Bounds
	b.find(&v)
	b.setParts(&v)
	var err error
	if b.AtMost, err = document(v, true); err != nil {
		return Bounds{}, err
	}
	b.AtLeast = b.AtMost
	if len(b.Open) > 0 {
		if b.AtLeast, err = document(v, false); err != nil {
			return Bounds{}, err
		}
	}
	return b, nil
}

// OpenBounds returns the bounds of a policy of which nothing is known but the name. A policy that
// mayDeny may also deny anything.
func OpenBounds(name string, at tree.Place, mayDeny bool) Bounds {
	b := Bounds{AtLeast: &iampolicy.Document{Version: iampolicy.Version},
		Open:  []Open{{name, at}},
		Parts: map[iampolicy.Position][]Open{iampolicy.Position(at): {{name, at}}}}
	unknown := tree.NewUnknown(at, name)
	b.AtMost, _ = document(unknown, true) // the written statement is valid
	if mayDeny {
		b.AtLeast, _ = document(unknown, false)
	}
	return b
}

// find appends the unknown parts of a value to b.Open.
func (b *Bounds) find(v *tree.Value) {
	add := func(name string) {
		if !slices.ContainsFunc(b.Open, func(o Open) bool { return o.Name == name }) {
			b.Open = append(b.Open, Open{name, v.Place})
		}
	}
	if v.Kind == tree.Unknown {
		add(v.Text)
	}
	for _, p := range v.Parts {
		if p.Unknown != "" {
			add(p.Unknown)
		}
	}
	for i := range v.Items {
		b.find(&v.Items[i])
	}
	for i := range v.Members {
		b.find(&v.Members[i].Value)
	}
}

// setParts sets b.Parts to the unknown parts of each statement.
func (b *Bounds) setParts(document *tree.Value) {
	if len(b.Open) == 0 {
		return
	}
	b.Parts = map[iampolicy.Position][]Open{}
	list := []tree.Value{*document}
	if document.Kind == tree.Map {
		list = document.Get("Statement").Elements()
	}
	for i := range list {
		var parts Bounds
		parts.find(&list[i])
		at := iampolicy.Position(list[i].Place)
		if parts.Open != nil {
			b.Parts[at] = append(b.Parts[at], parts.Open...)
		}
	}
}

// open reports whether a part of a value is unknown.
func open(v *tree.Value) bool {
	var b Bounds
	b.find(v)
	return len(b.Open) > 0
}

// document returns a policy document without unknown parts. It grants as much as the value may
// grant if most is true, else as little.
func document(v tree.Value, most bool) (*iampolicy.Document, error) {
	w := writer{most: most}
	w.document(&v)
	doc, err := iampolicy.Parse(w.text.String())
	if err != nil {
		return nil, w.locate(err, v.Place)
	}
	for i := range doc.Statements {
		at := iampolicy.Position(w.statements[i])
		s := &doc.Statements[i]
		s.Start, s.End, s.Brace = at, at, at
	}
	return doc, nil
}

// A writer writes a policy document as one line of JSON.
type writer struct {
	text strings.Builder
	most bool
	// statements are the places of the written statements.
	statements []tree.Place
	// places are the offsets of the written tokens with their places in the file.
	places []placed
}

type placed struct {
	offset int
	at     tree.Place
}

// locate returns an error of the written text with its place in the file.
func (w *writer) locate(err error, at tree.Place) error {
	var syntax *iampolicy.SyntaxError
	if !errors.As(err, &syntax) {
		return &tree.Error{Place: at, Msg: err.Error()}
	}
	text, offset := w.text.String(), 0
	for range syntax.Column - 1 {
		_, size := utf8.DecodeRuneInString(text[offset:])
		offset += size
	}
	for _, p := range w.places {
		if p.offset > offset {
			break
		}
		at = p.at
	}
	return &tree.Error{Place: at, Msg: syntax.Msg}
}

func (w *writer) mark(at tree.Place) { w.places = append(w.places, placed{w.text.Len(), at}) }

// key writes the key of a member, with a comma if one is needed.
func (w *writer) key(key string, at tree.Place) {
	if text := w.text.String(); text != "" && !strings.HasSuffix(text, "{") {
		w.text.WriteByte(',')
	}
	w.mark(at)
	w.string(key)
	w.text.WriteByte(':')
}

func (w *writer) string(s string) {
	text, _ := json.Marshal(s) // strings cannot fail
	w.text.Write(text)
}

// value writes a value without unknown parts.
func (w *writer) value(v *tree.Value) {
	w.mark(v.Place)
	switch v.Kind {
	case tree.String:
		w.string(v.Text)
	case tree.Bool, tree.Number:
		w.text.WriteString(v.Text)
	case tree.List:
		w.list(len(v.Items), func(i int) { w.value(&v.Items[i]) })
	case tree.Map:
		w.text.WriteByte('{')
		for i := range v.Members {
			w.key(v.Members[i].Key, v.Members[i].Place)
			w.value(&v.Members[i].Value)
		}
		w.text.WriteByte('}')
	default:
		w.text.WriteString("null")
	}
}

// list writes a list of n items.
func (w *writer) list(n int, item func(i int)) {
	w.text.WriteByte('[')
	for i := range n {
		if i > 0 {
			w.text.WriteByte(',')
		}
		item(i)
	}
	w.text.WriteByte(']')
}

func (w *writer) document(v *tree.Value) {
	switch v.Kind {
	case tree.Unknown:
		w.text.WriteString(`{"Version":"` + iampolicy.Version + `","Statement":[`)
		w.anything(v.Place)
		w.text.WriteString("]}")
		return
	case tree.Map:
	default:
		w.value(v)
		return
	}
	w.mark(v.Place)
	w.text.WriteByte('{')
	for i := range v.Members {
		m := &v.Members[i]
		switch {
		case m.Key == "Statement":
			w.key(m.Key, m.Place)
			w.statementList(&m.Value)
		case m.Key == "Version" && open(&m.Value):
			// With the newer version, a pattern with a variable matches other resources. No template
			// leaves it open in practice.
			w.key(m.Key, m.Place)
			w.string(iampolicy.Version)
		case m.Key == "Id" && open(&m.Value):
		default:
			w.key(m.Key, m.Place)
			w.value(&m.Value)
		}
	}
	w.text.WriteByte('}')
}

func (w *writer) statementList(v *tree.Value) {
	w.mark(v.Place)
	w.text.WriteByte('[')
	for _, s := range v.Elements() {
		w.statement(&s)
	}
	w.text.WriteByte(']')
}

// separate writes the comma between two statements.
func (w *writer) separate(at tree.Place) {
	if len(w.statements) > 0 {
		w.text.WriteByte(',')
	}
	w.statements = append(w.statements, at)
	w.mark(at)
}

// anything writes the statement that grants all, or denies all.
func (w *writer) anything(at tree.Place) {
	w.separate(at)
	effect := "Deny"
	if w.most {
		effect = "Allow"
	}
	w.text.WriteString(`{"Effect":"` + effect + `","Action":"*","Resource":"*"}`)
}

func (w *writer) statement(s *tree.Value) {
	if s.Kind != tree.Map {
		if s.Kind == tree.Unknown {
			w.anything(s.Place)
		} else {
			w.separate(s.Place)
			w.value(s)
		}
		return
	}
	allow := w.most
	if e := s.Get("Effect"); e != nil && e.Known() {
		allow = e.Text == "Allow"
	} else if e != nil { // an unknown effect is the one that widens or narrows
		copied := *s
		copied.Members = slices.Clone(s.Members)
		effect := "Deny"
		if w.most {
			effect = "Allow"
		}
		*copied.Get("Effect") = tree.NewString(e.Place, tree.Part{Text: effect})
		s = &copied
	}
	// wide says that the statement has to match all that it may match.
	wide := allow == w.most
	w.separate(s.Place)
	if !wide && matchesNothing(s) {
		// The statement keeps its number, because the statements after it have theirs.
		w.text.WriteString(`{"Effect":"Deny","Action":"` + noAction + `","Resource":"` + noResource +
			`"}`)
		return
	}
	w.text.WriteByte('{')
	for i := range s.Members {
		m := &s.Members[i]
		switch {
		case !open(&m.Value):
			w.key(m.Key, m.Place)
			w.value(&m.Value)
		case m.Key == "Action" || m.Key == "Resource":
			w.key(m.Key, m.Place)
			w.patterns(&m.Value, m.Key == "Action", wide)
		case m.Key == "NotAction" || m.Key == "NotResource":
			w.key(m.Key, m.Place)
			w.patterns(&m.Value, m.Key == "NotAction", !wide)
		case m.Key == "Condition":
			// matchesNothing is true for a statement that has to match little.
			w.conditions(m)
		case m.Key == "Sid":
		default:
			w.key(m.Key, m.Place)
			w.value(&m.Value)
		}
	}
	w.text.WriteByte('}')
}

// noAction matches no action of AWS, and noResource no resource.
const (
	noAction   = "remotion-audit:Nothing"
	noResource = "arn:aws:remotion-audit:::nothing"
)

// matchesNothing reports whether a statement that has to match little matches nothing in any case.
func matchesNothing(s *tree.Value) bool {
	for _, key := range []string{"Action", "Resource"} {
		v := s.Get(key)
		if v != nil && open(v) && !slices.ContainsFunc(v.Elements(), func(e tree.Value) bool {
			return e.Known()
		}) {
			return true
		}
	}
	for _, key := range []string{"NotAction", "NotResource"} {
		if v := s.Get(key); v != nil && slices.ContainsFunc(v.Elements(), func(e tree.Value) bool {
			return e.Kind == tree.Unknown
		}) {
			return true
		}
	}
	condition := s.Get("Condition")
	return condition != nil && open(condition)
}

// patterns writes the patterns of a list with unknown parts. A wide list has a wildcard for each
// unknown part, and a narrow one leaves such patterns out.
func (w *writer) patterns(v *tree.Value, actions, wide bool) {
	w.mark(v.Place)
	var list []tree.Value
	for _, e := range v.Elements() {
		switch {
		case e.Known():
			list = append(list, e)
		case wide:
			list = append(list, tree.NewString(e.Place, tree.Part{Text: widened(&e, actions)}))
		}
	}
	if len(list) == 0 {
		none := noResource
		if actions {
			none = noAction
		}
		list = append(list, tree.NewString(v.Place, tree.Part{Text: none}))
	}
	w.list(len(list), func(i int) { w.value(&list[i]) })
}

// widened returns a pattern with a wildcard for each unknown part. An unknown part can contain the
// colons of an ARN, and a wildcard in front of them is no ARN for IAM, so a pattern whose first
// part is unknown is "*".
func widened(v *tree.Value, action bool) string {
	parts := v.StringParts()
	var text strings.Builder
	for _, p := range parts {
		if p.Unknown != "" {
			text.WriteByte('*')
		} else {
			text.WriteString(p.Text)
		}
	}
	whole := text.String()
	switch service, _, ok := strings.Cut(whole, ":"); {
	case !ok, strings.Contains(service, "*"):
		return "*"
	case !action && strings.Count(whole, ":") < 5:
		return "*"
	}
	return whole
}

// conditions writes the conditions without unknown parts.
func (w *writer) conditions(m *tree.Member) {
	known := tree.Value{Kind: tree.Map, Place: m.Value.Place}
	for _, operator := range m.Value.Members {
		keys := tree.Value{Kind: tree.Map, Place: operator.Value.Place}
		for _, key := range operator.Value.Members {
			if !open(&key.Value) {
				keys.Members = append(keys.Members, key)
			}
		}
		if len(keys.Members) > 0 {
			operator.Value = keys
			known.Members = append(known.Members, operator)
		}
	}
	if len(known.Members) > 0 {
		w.key(m.Key, m.Place)
		w.value(&known)
	}
}
