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

// document returns a policy document without unknown parts. It grants as much as the value may
// grant if most is true, else as little. parts are the unknown parts of each statement; nil for
// none.
func document(v tree.Value, most bool) (doc *iampolicy.Document,
	parts map[iampolicy.Position][]Open, err error) {
	w := writer{most: most, sids: map[string]bool{}}
	w.document(&v)
	if len(w.statements) == 0 && w.optional {
		return &iampolicy.Document{Version: iampolicy.Version}, nil, nil
	}
	doc, err = iampolicy.Parse(w.text.String())
	if err != nil {
		return nil, nil, w.locate(err, v.Place)
	}
	for i := range doc.Statements {
		at := iampolicy.Position(w.statements[i])
		s := &doc.Statements[i]
		s.Start, s.End, s.Brace = at, at, at
	}
	return doc, w.parts, nil
}

// A writer writes a policy document as one line of JSON.
type writer struct {
	text strings.Builder
	most bool
	// statements are the places of the written statements.
	statements []tree.Place
	// optional is true if the document may have no statement.
	optional bool
	// sids are the Sids that a statement that may not be in the document must not repeat.
	sids map[string]bool
	// choices are the unknown parts that decide whether the next statement is in the document. parts
	// are those of each statement.
	choices []Open
	parts   map[iampolicy.Position][]Open
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
		if statements, ok := possibleStatements(v); ok {
			w.possible(Open{v.Text, v.Place}, statements)
		} else {
			w.anything(v)
		}
		w.text.WriteString("]}")
		return
	case tree.Map:
	default:
		w.value(v)
		return
	}
	if version := v.Get("Version"); version != nil && open(version) && holdsVariable(v) {
		// The older version reads a variable as text, so the document can match other resources.
		unknown := tree.NewUnknown(v.Place, openParts(version)[0].Name)
		w.document(&unknown)
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

// holdsVariable reports whether a string of a value may hold a policy variable.
func holdsVariable(v *tree.Value) bool {
	return strings.Contains(v.Text, "${") ||
		slices.ContainsFunc(v.Parts, func(p tree.Part) bool { return strings.Contains(p.Text, "$") }) ||
		slices.ContainsFunc(v.Items, func(item tree.Value) bool { return holdsVariable(&item) }) ||
		slices.ContainsFunc(v.Members, func(m tree.Member) bool { return holdsVariable(&m.Value) })
}

func (w *writer) statementList(v *tree.Value) {
	w.mark(v.Place)
	w.text.WriteByte('[')
	statements := v.Elements()
	for i := range statements {
		if sid := statements[i].Get("Sid"); sid != nil && sid.Known() {
			w.sids[sid.Text] = true
		}
	}
	for i := range statements {
		w.statement(&statements[i], true)
	}
	w.text.WriteByte(']')
}

// possibleStatements returns the statements of all documents that a value may be. ok is false if
// not all of these documents are known to have the newer version, which changes patterns.
func possibleStatements(v *tree.Value) (statements []tree.Value, ok bool) {
	for i := range v.Items {
		doc := &v.Items[i]
		if doc.Kind == tree.Null {
			continue
		}
		if version := doc.Get("Version"); version == nil || version.Text != iampolicy.Version {
			return nil, false
		}
		statements = append(statements, doc.Get("Statement").Elements()...)
	}
	return statements, len(v.Items) > 0
}

// possible writes the statements that are in the document if a choice is made for them.
func (w *writer) possible(choice Open, list []tree.Value) {
	w.optional = true
	before := w.choices
	w.choices = append(slices.Clip(before), choice)
	for _, s := range flat(list) {
		if s.Kind != tree.Null {
			w.statement(&s, false)
		}
	}
	w.choices = before
}

// flat returns the items of lists within a list.
func flat(list []tree.Value) (items []tree.Value) {
	for _, v := range list {
		if v.Kind == tree.List {
			items = append(items, flat(v.Items)...)
		} else {
			items = append(items, v)
		}
	}
	return items
}

// depends notes the unknown parts on which a statement depends.
func (w *writer) depends(s *tree.Value) {
	parts := slices.Concat(w.choices, openParts(s))
	if len(parts) == 0 {
		return
	}
	if w.parts == nil {
		w.parts = map[iampolicy.Position][]Open{}
	}
	at := iampolicy.Position(s.Place)
	w.parts[at] = append(w.parts[at], parts...)
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
func (w *writer) anything(v *tree.Value) {
	w.depends(v)
	w.separate(v.Place)
	effect := "Deny"
	if w.most {
		effect = "Allow"
	}
	w.text.WriteString(`{"Effect":"` + effect + `","Action":"*","Resource":"*"}`)
}

// nothing writes a statement that matches nothing, so that the statements after it keep their
// numbers.
func (w *writer) nothing(at tree.Place) {
	w.separate(at)
	w.text.WriteString(`{"Effect":"Deny","Action":"` + noAction + `","Resource":"` + noResource +
		`"}`)
}

// statement writes a statement. One that is not certain may not be in the document.
func (w *writer) statement(s *tree.Value, certain bool) {
	if s.Kind != tree.Map {
		switch {
		case s.Kind == tree.Unknown && len(s.Items) > 0:
			w.possible(Open{s.Text, s.Place}, s.Items)
		case s.Kind == tree.Unknown:
			w.anything(s)
		default:
			w.separate(s.Place)
			w.value(s)
		}
		return
	}
	w.depends(s)
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
	if !wide && (!certain || leavesNothing(s)) {
		w.nothing(s.Place)
		return
	}
	w.separate(s.Place)
	w.text.WriteByte('{')
	for i := range s.Members {
		m := &s.Members[i]
		switch {
		case m.Key == "Sid" && (open(&m.Value) || !certain && w.sids[m.Value.Text]):
		case !open(&m.Value):
			if m.Key == "Sid" && !certain {
				w.sids[m.Value.Text] = true
			}
			w.key(m.Key, m.Place)
			w.value(&m.Value)
		case m.Key == "Action" || m.Key == "Resource":
			w.key(m.Key, m.Place)
			w.patterns(&m.Value, m.Key == "Action", wide)
		case m.Key == "NotAction" || m.Key == "NotResource":
			w.key(m.Key, m.Place)
			w.patterns(&m.Value, m.Key == "NotAction", !wide)
		case m.Key == "Condition":
			// leavesNothing is true for a statement that has to match little.
			w.conditions(m)
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

// MatchesNothing reports whether a statement is one in place of a statement that may match nothing.
func MatchesNothing(s *iampolicy.Statement) bool {
	return s.Effect == iampolicy.Deny && slices.Equal(s.Action, []string{noAction})
}

// leavesNothing reports whether a statement that has to match little matches nothing in any case.
func leavesNothing(s *tree.Value) bool {
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
	var add func(elements []tree.Value)
	add = func(elements []tree.Value) {
		for _, e := range elements {
			switch {
			case e.Known():
				list = append(list, e)
			case wide && e.Kind == tree.Unknown && len(e.Items) > 0:
				for i := range e.Items {
					add(e.Items[i].Elements())
				}
			case wide:
				list = append(list, tree.NewString(e.Place, tree.Part{Text: widened(&e, actions)}))
			}
		}
	}
	add(v.Elements())
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
