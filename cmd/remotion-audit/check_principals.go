package main

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/formats"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A principal is one set of policies that is checked.
type principal struct {
	names []string
	// declared is what a template or a plan declares; nil for policy documents.
	declared *check.Principal
	identity []document
	boundary *document
	notes    []string
	// caller is true for a user, a group, and a role that can deploy functions.
	caller bool
	err    error
}

// A document is a policy of a file.
type document struct {
	policyfile.Document
	id     string // the name in texts
	file   string // as the user gave it
	format policyfile.Format
}

// principals reads the identity policies. The files of --policy are one principal. Each further one
// is a principal that an argument declares. skipped are the sentences about what is not checked.
func (o checkOptions) principals(files *files, args []string) (list []principal,
	skipped []string) {
	if len(o.policies) > 0 {
		list = append(list, files.combined("--policy", o.policies...))
	}
	for _, name := range args {
		paths, several, err := files.expand(name)
		if err != nil {
			list = append(list, principal{names: []string{name}, err: err})
			continue
		}
		found, notes := files.argument(name, paths, several)
		list = append(list, found...)
		skipped = append(skipped, notes...)
		if o.listed && len(list) > maxFound { // the settings file comes with pull requests
			err := fmt.Errorf("more than %d principals in one element: name fewer files", maxFound)
			return []principal{{names: args, err: err}}, nil
		}
	}
	if len(list) == 0 {
		err := files.chosen.unknown()
		if err == nil {
			err = files.nothing(args, skipped)
		}
		list = append(list, principal{names: args, err: err})
	}
	return list, skipped
}

// nothing returns the error of a check without principals.
func (f *files) nothing(args, skipped []string) error {
	text := strings.Join(textfmt.OneLines(args), ", ") + ": nothing to check: no file declares a " +
		"policy, a role or a user"
	if len(skipped) > 0 {
		text += " that is checked: " + textfmt.Some(skipped, 3)
	}
	return errors.New(text)
}

// argument returns the principals of the files of one argument. several is true for a directory and
// for a pattern: a file without policies is then no error.
func (f *files) argument(name string, paths []string, several bool) (list []principal,
	skipped []string) {
	var all []declaration
	var without []string
	for _, path := range paths {
		declared, err := f.declarations("", path, several)
		switch {
		case err != nil:
			list = append(list, principal{names: []string{path}, err: err})
		case len(declared) == 0:
			without = append(without, textfmt.OneLine(path))
		}
		all = append(all, declared...)
	}
	if len(without) > 0 {
		skipped = append(skipped, fmt.Sprintf("%s without policies of a role or a user: %s",
			textfmt.Plural(len(without), "file"), textfmt.Some(without, 3)))
	}
	chosen, notes, err := f.chosen.from(all)
	skipped = append(skipped, notes...)
	if err != nil {
		list = append(list, principal{names: []string{name},
			err: fmt.Errorf("%s: %w", aboutFile("", name), err)})
	}
	for _, d := range chosen {
		list = append(list, d.principal(f.chosen.kind))
	}
	return list, skipped
}

// declarations returns what a file declares, or a directory that CDK wrote. flag is empty for an
// argument. If optional is true, a file that holds no policy is not read.
func (f *files) declarations(flag, name string, optional bool) (list []declaration, err error) {
	if directory, ok := f.assembly(name); ok {
		list, err = f.stacks(directory)
		if err != nil {
			err = fmt.Errorf("%s: %w", aboutFile(flag, name), err)
		}
		return list, err
	}
	text, err := f.text(name)
	if err == nil && optional && !formats.MayHoldPolicies(text) {
		return nil, nil
	}
	var file policyfile.File
	if err == nil {
		file, err = f.parse(name, text)
	}
	switch {
	case err != nil && optional && formats.IsResourcePolicy(text):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", aboutFile(flag, name), err)
	}
	f.parameters.declare(file)
	for _, p := range file.Principals {
		list = append(list, declaration{name, file.Format, file.Notes, p})
	}
	return list, nil
}

// combined reads files whose policies are those of one principal.
func (f *files) combined(flag string, names ...string) principal {
	result := principal{names: names}
	for _, name := range names {
		paths, err := f.policyPaths(flag, name)
		result.err = errors.Join(result.err, err)
		for _, path := range paths {
			list, err := f.declarations(flag, path, false)
			if err != nil {
				result.err = errors.Join(result.err, err)
				continue
			}
			if list, err = f.chosen.only(list); err != nil {
				result.err = errors.Join(result.err, fmt.Errorf("%s: %w", aboutFile(flag, path), err))
			}
			for _, d := range list {
				one := d.principal(f.chosen.kind)
				result.identity = append(result.identity, one.identity...)
				result.boundary = cmp.Or(result.boundary, one.boundary)
				result.declared = cmp.Or(result.declared, one.declared)
				for _, note := range one.notes {
					result.notes = textfmt.AppendNew(result.notes, note)
				}
			}
		}
	}
	return result
}

// A declaration is a principal of a file.
type declaration struct {
	file   string
	format policyfile.Format
	notes  []string
	policyfile.Principal
}

// name returns the principal in texts.
func (d declaration) name() string {
	return fmt.Sprintf("%s %s", d.Kind, textfmt.OneLine(d.Address))
}

// principal returns the principal to check for requirements of a kind.
func (d declaration) principal(kind policies.PolicyKind) principal {
	p := principal{names: []string{d.file}, notes: slices.Clone(d.notes)}
	for _, policy := range d.Policies {
		p.identity = append(p.identity, document{Document: policy, file: d.file, format: d.format})
	}
	if d.Boundary != nil {
		p.boundary = &document{Document: *d.Boundary, file: d.file, format: d.format}
	}
	if d.format == policyfile.PolicyDocument {
		return p
	}
	p.declared = &check.Principal{Address: d.Address, Kind: string(d.Kind), Name: d.Name,
		At: placeOf(d.file, d.At)}
	p.caller = d.Kind == policyfile.User || d.Kind == policyfile.Group || isCaller(d.Principal)
	switch {
	case kind == policies.Role && (d.Kind == policyfile.User || d.Kind == policyfile.Group):
		p.notes = append(p.notes, fmt.Sprintf("%s is a %s, and functions run with a role: --for user "+
			"checks what a caller needs", textfmt.OneLine(d.Address), d.Kind))
	case kind == policies.User && d.Kind == policyfile.Role && !p.caller:
		p.notes = append(p.notes, fmt.Sprintf("%s is a role that cannot deploy functions: --for role "+
			"checks what the role of the functions needs", textfmt.OneLine(d.Address)))
	}
	return p
}

// placeOf returns a place with the path of its file.
func placeOf(file string, at policyfile.Place) check.Place {
	return check.NewPlace(cmp.Or(at.File, file), at.Line, at.Column)
}

// setIDs names documents. Documents with one name that are not the same get the names of their
// files, too, so that a statement of one is not taken for one of the other.
func setIDs(list []*document) {
	type place struct {
		file string
		at   policyfile.Place
	}
	index := map[string]map[place]bool{}
	for _, d := range list {
		d.id = d.Name
		if d.format == policyfile.PolicyDocument {
			d.id = fileName(d.file)
		}
		if index[d.id] == nil {
			index[d.id] = map[place]bool{}
		}
		index[d.id][place{d.file, d.At}] = true
	}
	for _, d := range list {
		switch places := index[d.id]; {
		case len(places) < 2:
		case d.format == policyfile.PolicyDocument:
			d.id = d.file
		default:
			d.id += " in " + placeOf(d.file, d.At).String()
		}
	}
}

// pointers returns the documents of principals, for setIDs.
func pointers(list ...*principal) (documents []*document) {
	for _, p := range list {
		for i := range p.identity {
			documents = append(documents, &p.identity[i])
		}
		if p.boundary != nil {
			documents = append(documents, p.boundary)
		}
	}
	return documents
}

// bounds returns what the policies of the principal grant within limits. A boundary of the limits
// takes the place of the boundary that a file declares. setIDs has named the documents.
func (p *principal) bounds(limits iampolicy.Grants) check.Bounds {
	b := check.Exactly(limits)
	if p.declared != nil {
		b.At = p.declared.At
	}
	for i := range p.identity {
		least, most := p.identity[i].policies()
		b.AtLeast.Identity = append(b.AtLeast.Identity, least)
		b.AtMost.Identity = append(b.AtMost.Identity, most)
		b.Open = append(b.Open, p.identity[i].open()...)
	}
	if p.boundary != nil && limits.Boundary == nil {
		least, most := p.boundary.policies()
		b.AtLeast.Boundary, b.AtMost.Boundary = &least, &most
		b.Open = append(b.Open, p.boundary.open()...)
	}
	return b
}

// policies returns the policy that grants the least, and the one that grants the most.
func (d *document) policies() (least, most iampolicy.Policy) {
	most = iampolicy.Policy{ID: d.id, Document: d.AtMost, ByAWS: d.ByAWS,
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: cmp.Or(d.At.File, d.file)}}
	least = most
	least.Document = d.AtLeast
	return least, most
}

// open returns the unknown parts of the policy for each statement.
func (d *document) open() (list []check.Open) {
	if len(d.Open) == 0 {
		return nil
	}
	add := func(part policyfile.Open, statement iampolicy.Position) {
		at := policyfile.Place{File: d.At.File, Place: part.At}
		o := check.Open{Name: part.Name, At: placeOf(d.file, at), Remedy: d.remedy(part.Name),
			Policy: d.id, Statement: statement}
		if !slices.Contains(list, o) {
			list = append(list, o)
		}
	}
	for _, doc := range []*iampolicy.Document{d.AtMost, d.AtLeast} {
		for i := range doc.Statements {
			brace := doc.Statements[i].Brace
			parts := d.Parts[brace]
			if d.Parts == nil {
				parts = d.Open
			}
			for _, part := range parts {
				add(part, brace)
			}
		}
	}
	if list == nil { // no statement depends on it
		add(d.Open[0], iampolicy.Position{})
	}
	return list
}

// openParameter matches the name of an open part that a parameter decides.
var openParameter = regexp.MustCompile(`\bparameter ([A-Za-z0-9]+)$`)

// remedy says how to make an unknown part of the policy known.
func (d *document) remedy(part string) string {
	const audit = "check the deployed principal with remotion-audit audit"
	switch m := openParameter.FindStringSubmatch(part); {
	case d.format == policyfile.CLIAnswer && !d.ByAWS:
		return "add the answer of aws iam get-policy-version for it with --policy"
	case d.format != policyfile.CloudFormation:
	case m != nil:
		return "set --parameter " + m[1] + "=VALUE"
	case strings.HasSuffix(part, "AWS::AccountId"):
		return "set --account"
	case strings.HasSuffix(part, "AWS::Region"):
		return "set --regions to one region"
	}
	return audit
}
