package terraform

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// sources are the blocks of the *.tf files of the root module and of local modules.
type sources struct {
	root    string
	modules map[string]*sourceModule // by directory
}

type sourceModule struct {
	// blocks are the blocks of resources and data sources by address, and calls those of modules by
	// name.
	blocks, calls map[string]sourceBlock
	// overridden is true if the module has override files, which change the blocks of other files.
	overridden bool
}

type sourceBlock struct {
	file string
	text []byte
	*hclsyntax.Block
}

func (b sourceBlock) place() policyfile.Place { return placeOf(b.file, b.TypeRange) }

func placeOf(file string, at hcl.Range) policyfile.Place {
	return policyfile.Place{File: file,
		Place: tree.Place{Line: at.Start.Line, Column: at.Start.Column}}
}

const (
	// maxSource is the maximum size of a source, maxNesting the maximum number of brackets around a
	// token, and maxOperators the maximum number of operators with an operand on their right: the
	// parser calls itself for each of them.
	maxSource    = 1 << 20
	maxNesting   = 200
	maxOperators = 10_000
)

// Directories returns the directories of the root module and of the local modules that the plan
// uses, relative to that of the root module and with slashes. The first is ".".
func (p *Plan) Directories() []string {
	list := []string{"."}
	seen := map[string]bool{".": true}
	var add func(dir string, m *configModule)
	add = func(dir string, m *configModule) {
		if m == nil {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(m.calls)) {
			child, ok := localModule(dir, m.ModuleCalls[name].Source)
			if !ok {
				continue
			}
			if !seen[child] {
				seen[child] = true
				list = append(list, child)
			}
			add(child, m.calls[name])
		}
	}
	add(".", p.config)
	return list
}

// localModule returns the directory of a module whose source is a path.
func localModule(dir, source string) (string, bool) {
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") {
		return "", false
	}
	return path.Join(dir, source), true
}

// newSources parses the files. It leaves out a file that is not in Terraform's language.
func newSources(root string, files map[string][]byte) *sources {
	s := &sources{root: root, modules: map[string]*sourceModule{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		body := parseSource(name, files[name])
		if body == nil {
			continue
		}
		dir := path.Dir(name)
		m := s.modules[dir]
		if m == nil {
			m = &sourceModule{blocks: map[string]sourceBlock{}, calls: map[string]sourceBlock{}}
			s.modules[dir] = m
		}
		base := strings.TrimSuffix(path.Base(name), ".tf")
		if base == "override" || strings.HasSuffix(base, "_override") {
			m.overridden = true
			continue
		}
		for _, block := range body.Blocks {
			b := sourceBlock{name, files[name], block}
			switch {
			case block.Type == "resource" && len(block.Labels) == 2:
				m.blocks[block.Labels[0]+"."+block.Labels[1]] = b
			case block.Type == "data" && len(block.Labels) == 2:
				m.blocks["data."+block.Labels[0]+"."+block.Labels[1]] = b
			case block.Type == "module" && len(block.Labels) == 1:
				m.calls[block.Labels[0]] = b
			}
		}
	}
	return s
}

// parseSource returns the body of a file; nil for one that cannot be parsed within the limits.
func parseSource(name string, text []byte) (body *hclsyntax.Body) {
	if len(text) > maxSource {
		return nil
	}
	defer func() { // a defect of the library must not end the process
		if recover() != nil {
			body = nil
		}
	}()
	start := hcl.Pos{Line: 1, Column: 1}
	tokens, diagnostics := hclsyntax.LexConfig(text, name, start)
	if diagnostics.HasErrors() || !withinLimits(tokens) {
		return nil
	}
	file, diagnostics := hclsyntax.ParseConfig(text, name, start)
	if diagnostics.HasErrors() || file == nil {
		return nil
	}
	body, _ = file.Body.(*hclsyntax.Body)
	return body
}

func withinLimits(tokens hclsyntax.Tokens) bool {
	depth, operators := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote,
			hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace,
			hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth--
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			operators++
		default:
		}
		if depth > maxNesting || operators > maxOperators {
			return false
		}
	}
	return true
}

// find returns the block of a resource. For a resource of a module without sources it returns the
// block of the module, and ok is false.
func (s *sources) find(r *resource) (b sourceBlock, ok bool) { return s.findIn(r.module, r.block) }

func (s *sources) findIn(module, block string) (b sourceBlock, ok bool) {
	dir := path.Clean(s.root)
	for _, step := range moduleSteps(module) {
		m := s.modules[dir]
		if m == nil || m.calls[step.name].Block == nil {
			return b, false
		}
		b = m.calls[step.name]
		child, local := localModule(dir, literal(b.Body.Attributes["source"]))
		if !local {
			return b, false
		}
		dir = child
	}
	m := s.modules[dir]
	if m == nil || m.blocks[block].Block == nil {
		return b, false
	}
	return m.blocks[block], true
}

// literal returns the text of an attribute that is a text without references; empty for another.
func literal(a *hclsyntax.Attribute) string {
	if a == nil {
		return ""
	}
	template, ok := a.Expr.(*hclsyntax.TemplateExpr)
	if !ok || !template.IsStringLiteral() {
		return ""
	}
	value, diagnostics := template.Value(nil)
	if diagnostics.HasErrors() {
		return ""
	}
	return value.AsString()
}

// place returns the place of the block of a resource; zero if it is not known.
func (s *sources) place(r *resource) policyfile.Place {
	if b, _ := s.find(r); b.Block != nil {
		return b.place()
	}
	return policyfile.Place{}
}

// sets reports whether the source of a resource sets an attribute, or has blocks of this name.
func (s *sources) sets(r *resource, attribute string) bool {
	b, ok := s.find(r)
	if !ok {
		return false
	}
	return b.Body.Attributes[attribute] != nil ||
		slices.ContainsFunc(b.Body.Blocks, func(inner *hclsyntax.Block) bool {
			return inner.Type == attribute ||
				inner.Type == "dynamic" && slices.Equal(inner.Labels, []string{attribute})
		})
}

// A location is where the sources have the policy document of an attribute.
type location struct {
	place policyfile.Place
	// statements are the places of the statements; nil if they are not known.
	statements []tree.Place
	// read is true if the sources prove that the document is the value of a data source, and computed
	// if they prove that it is not.
	read, computed bool
	// encoded is the argument of jsonencode; nil for another expression.
	encoded hclsyntax.Expression
	block   sourceBlock
}

// document returns the location of the policy document in an attribute of a resource.
func (s *sources) document(r *resource, attribute string) location {
	b, ok := s.find(r)
	if b.Block == nil {
		return location{}
	}
	l := location{place: b.place(), block: b}
	if !ok {
		return l
	}
	a := b.Body.Attributes[attribute]
	if a == nil {
		return l
	}
	l.place = placeOf(b.file, a.Expr.Range())
	proven := !s.modules[path.Dir(b.file)].overridden
	switch e := unwrap(a.Expr).(type) {
	case *hclsyntax.FunctionCallExpr:
		if e.Name == "jsonencode" && len(e.Args) == 1 {
			l.statements = encodedStatements(e.Args[0])
			if proven {
				l.encoded = e.Args[0]
			}
		}
		l.computed = true
	case *hclsyntax.TemplateExpr:
		l.statements = heredocStatements(b.text, e)
		l.computed = true
	case *hclsyntax.ScopeTraversalExpr:
		s.locateData(&l, r, e.Traversal, proven)
	case *hclsyntax.RelativeTraversalExpr: // data.aws_iam_policy_document.x[each.key].json
		index, isIndex := e.Source.(*hclsyntax.IndexExpr)
		if !isIndex {
			l.computed = true
			break
		}
		if collection, ok := index.Collection.(*hclsyntax.ScopeTraversalExpr); ok {
			s.locateData(&l, r, collection.Traversal, proven)
		}
	default:
		l.computed = true
	}
	return l
}

// unwrap returns an expression without parentheses.
func unwrap(e hclsyntax.Expression) hclsyntax.Expression {
	for {
		inner, ok := e.(*hclsyntax.ParenthesesExpr)
		if !ok {
			return e
		}
		e = inner.Expression
	}
}

// locateData sets the location of a document that is the value of a data source.
func (s *sources) locateData(l *location, r *resource, t hcl.Traversal, proven bool) {
	if len(t) < 3 || t.RootName() != "data" {
		return
	}
	kind, isKind := t[1].(hcl.TraverseAttr)
	name, isName := t[2].(hcl.TraverseAttr)
	if !isKind || !isName {
		return
	}
	l.read = proven
	b, ok := s.findIn(r.module, "data."+kind.Name+"."+name.Name)
	if !ok {
		return
	}
	l.place, l.block = b.place(), b
	for _, inner := range b.Body.Blocks {
		switch inner.Type {
		case "statement":
			l.statements = append(l.statements, placeOf("", inner.TypeRange).Place)
		case "dynamic":
			l.statements = nil
			return
		}
	}
	for _, other := range []string{"source_policy_documents", "override_policy_documents"} {
		if b.Body.Attributes[other] != nil {
			l.statements = nil
		}
	}
}

// encodedStatements returns the places of the statements in the argument of jsonencode.
func encodedStatements(argument hclsyntax.Expression) []tree.Place {
	object, ok := unwrap(argument).(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	for _, item := range object.Items {
		if key, ok := constantKey(item.KeyExpr); !ok || key != "Statement" {
			continue
		}
		value := unwrap(item.ValueExpr)
		list, ok := value.(*hclsyntax.TupleConsExpr)
		if !ok {
			return []tree.Place{placeOf("", value.Range()).Place}
		}
		var places []tree.Place
		for _, e := range list.Exprs {
			places = append(places, placeOf("", e.Range()).Place)
		}
		return places
	}
	return nil
}

// heredocStatements returns the places of the statements in a document that is JSON in the source.
// Interpolations are in its strings, so that the text of the source is JSON, too.
func heredocStatements(text []byte, e *hclsyntax.TemplateExpr) (places []tree.Place) {
	if len(e.Parts) == 0 {
		return nil
	}
	body := hcl.RangeBetween(e.Parts[0].Range(), e.Parts[len(e.Parts)-1].Range())
	if body.Start.Column != 1 || !body.CanSliceBytes(text) {
		return nil // no heredoc
	}
	v, err := tree.ParseJSON(string(body.SliceBytes(text)), tree.Limits{Bytes: maxSource,
		Values: 100_000, Depth: 50})
	if err != nil {
		return nil
	}
	for _, s := range v.Get("Statement").Elements() {
		places = append(places, tree.Place{Line: s.Place.Line + body.Start.Line - 1,
			Column: s.Place.Column})
	}
	return places
}

// constantKey returns the key of an object.
func constantKey(e hclsyntax.Expression) (string, bool) {
	value, diagnostics := e.Value(nil)
	if diagnostics.HasErrors() || value.IsNull() || !value.IsKnown() ||
		value.Type().FriendlyName() != "string" {
		return "", false
	}
	return value.AsString(), true
}

// setPlaces moves a document to its place in the sources, and its statements to theirs.
func (l *location) setPlaces(v *tree.Value) {
	v.MoveTo(l.place.Place)
	if v.Kind != tree.Map {
		return
	}
	list := v.Get("Statement")
	if list == nil {
		return
	}
	if list.Kind != tree.List {
		if len(l.statements) == 1 {
			list.MoveTo(l.statements[0])
		}
		return
	}
	if len(list.Items) == len(l.statements) {
		for i := range list.Items {
			list.Items[i].MoveTo(l.statements[i])
		}
	}
}
