package terraform

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// policyDocument is the data source that writes a policy document from blocks.
// https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_policy_document
const policyDocument = "data.aws_iam_policy_document"

// documentOf returns the policy document of a data source: the document that Terraform has read, or
// the one that it will write from the blocks.
func (p *Plan) documentOf(r *resource) tree.Value {
	if text := r.text("json"); text != "" {
		if v, err := policyfile.ParseText(text, tree.Place{}); err == nil {
			return v
		}
	}
	if r.document == nil {
		unknown := unknownDocument(r)
		r.document = &unknown // in a cycle, which Terraform refuses
		written := p.writtenDocument(r)
		r.document = &written
	}
	return *r.document
}

// writtenDocument returns the document that Terraform will write from the blocks of a data source.
func (p *Plan) writtenDocument(r *resource) tree.Value {
	var m merger
	m.add(p.otherDocuments(r, "source_policy_documents"))
	m.add(p.statements(r))
	m.override(p.otherDocuments(r, "override_policy_documents"))
	version := r.value("version")
	if version == nil {
		v := tree.NewString(tree.Place{}, tree.Part{Text: iampolicy.Version})
		version = &v
	}
	// The AWS provider of 2021 and before reads these texts.
	if m.open || r.value("source_json") != nil || r.value("override_json") != nil {
		return unknownDocument(r)
	}
	return tree.Value{Kind: tree.Map, Members: []tree.Member{{Key: "Version", Value: *version},
		{Key: "Statement", Value: tree.Value{Kind: tree.List, Items: m.statements}}}}
}

func unknownDocument(r *resource) tree.Value {
	return tree.NewUnknown(tree.Place{}, r.address+".json is known after apply")
}

// otherDocuments returns the statements of the documents that an attribute of a data source lists.
// An unknown document is an unknown statement.
func (p *Plan) otherDocuments(r *resource, attribute string) []tree.Value {
	list := r.value(attribute)
	if list == nil {
		return nil
	}
	if list.Kind != tree.List {
		return []tree.Value{*list}
	}
	documents := slices.Clone(list.Items)
	p.fill(r, attribute, documents)
	var statements []tree.Value
	for _, d := range documents {
		if d.Kind == tree.String && d.Known() {
			parsed, err := policyfile.ParseText(d.Text, tree.Place{})
			if err != nil {
				parsed = tree.NewUnknown(tree.Place{}, r.address+"."+attribute+" is no JSON")
			}
			d = parsed
		}
		if d.Kind != tree.Map {
			statements = append(statements, d)
			continue
		}
		statements = append(statements, d.Get("Statement").Elements()...)
	}
	return statements
}

// fill replaces the unknown documents of a list, if the attribute depends on as many data sources
// as it has unknown documents.
func (p *Plan) fill(r *resource, attribute string, documents []tree.Value) {
	targets, all := p.targets(r, r.expression(attribute))
	targets = slices.DeleteFunc(targets, func(t target) bool {
		return t.resource.kind != policyDocument || t.resource.text("json") != ""
	})
	var unknown []int
	for i := range documents {
		if documents[i].Kind == tree.Unknown {
			unknown = append(unknown, i)
		}
	}
	if !all || len(unknown) != len(targets) {
		return
	}
	for i, t := range targets {
		documents[unknown[i]] = p.documentOf(t.resource)
	}
}

// maxStatements is the maximum number of statements of a document. The largest document of IAM has
// space for about 200.
const maxStatements = 500

// A merger merges statements as the data source does: a statement with a Sid replaces an earlier
// one with the same Sid.
type merger struct {
	statements []tree.Value
	// open is true if it is not known which statements are left.
	open bool
}

func (m *merger) add(statements []tree.Value) {
	if len(m.statements)+len(statements) > maxStatements {
		m.open = true
		return
	}
	for _, s := range statements {
		sid := s.Get("Sid")
		switch {
		case sid == nil, sid.Known() && sid.Text == "":
			m.statements = append(m.statements, s)
			continue
		case !sid.Known():
			m.open = m.open || len(m.statements) > 0
			m.statements = append(m.statements, s)
			continue
		}
		i := slices.IndexFunc(m.statements, func(earlier tree.Value) bool {
			e := earlier.Get("Sid")
			return e != nil && (!e.Known() || e.Text == sid.Text)
		})
		switch {
		case i < 0:
			m.statements = append(m.statements, s)
		case !m.statements[i].Get("Sid").Known():
			m.open = true
		default:
			m.statements[i] = s
		}
	}
}

// override adds statements that can replace any statement with a Sid.
func (m *merger) override(statements []tree.Value) {
	m.open = m.open || slices.ContainsFunc(statements, func(s tree.Value) bool {
		return s.Kind == tree.Unknown
	})
	m.add(statements)
}

// statements returns the statements of the blocks of a data source.
func (p *Plan) statements(r *resource) []tree.Value {
	blocks := r.value("statement")
	if blocks == nil {
		return nil
	}
	var list []tree.Value
	for _, b := range blocks.Elements() {
		if b.Kind != tree.Map {
			list = append(list, b)
			continue
		}
		list = append(list, statement(&b))
	}
	return list
}

// statement returns the statement of a block.
func statement(b *tree.Value) tree.Value {
	s := tree.Value{Kind: tree.Map}
	add := func(key string, v *tree.Value) {
		if v != nil && v.Kind != tree.Null && (v.Kind != tree.List || len(v.Items) > 0) {
			s.Members = append(s.Members, tree.Member{Key: key, Value: *v})
		}
	}
	if sid := b.Get("sid"); sid != nil && sid.Text != "" {
		add("Sid", sid)
	}
	effect := b.Get("effect")
	if effect == nil {
		allow := tree.NewString(tree.Place{}, tree.Part{Text: "Allow"})
		effect = &allow
	}
	add("Effect", effect)
	add("Action", b.Get("actions"))
	add("NotAction", b.Get("not_actions"))
	add("Resource", withVariables(b.Get("resources")))
	add("NotResource", withVariables(b.Get("not_resources")))
	add("Principal", b.Get("principals")) // an identity policy has none: the document is refused
	add("NotPrincipal", b.Get("not_principals"))
	add("Condition", conditions(b.Get("condition")))
	return s
}

// withVariables returns a value in which policy variables are written as in a policy document: &{
// stands for ${, which is Terraform's own.
func withVariables(v *tree.Value) *tree.Value {
	if v == nil {
		return nil
	}
	out := *v
	out.Items = slices.Clone(v.Items)
	for i := range out.Items {
		out.Items[i].Text = strings.ReplaceAll(out.Items[i].Text, "&{", "${")
	}
	return &out
}

// conditions returns the Condition of a statement from its blocks. It is unknown as a whole if a
// part of it is.
func conditions(blocks *tree.Value) *tree.Value {
	if blocks == nil || blocks.Kind == tree.Unknown {
		return blocks
	}
	out := tree.Value{Kind: tree.Map}
	for _, b := range blocks.Elements() {
		test, variable, values := b.Get("test"), b.Get("variable"), withVariables(b.Get("values"))
		var open *tree.Value
		for _, part := range []*tree.Value{&b, test, variable} {
			if part != nil && !part.Known() {
				open = part
			}
		}
		switch {
		case open != nil:
			return open
		case test == nil || variable == nil || values == nil:
			unknown := tree.NewUnknown(tree.Place{}, "a condition without test, variable or values")
			return &unknown
		}
		keys := out.Get(test.Text)
		if keys == nil {
			out.Members = append(out.Members, tree.Member{Key: test.Text,
				Value: tree.Value{Kind: tree.Map}})
			keys = &out.Members[len(out.Members)-1].Value
		}
		if keys.Get(variable.Text) != nil { // releases of the provider differ in what they write
			unknown := tree.NewUnknown(tree.Place{}, "two conditions with the same test and variable")
			return &unknown
		}
		keys.Members = append(keys.Members, tree.Member{Key: variable.Text, Value: *values})
	}
	return &out
}
