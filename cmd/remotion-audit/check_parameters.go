package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// parameters are the names of --parameter, and those that templates declare.
type parameters struct {
	given    []string
	declared map[string]bool
	// templates is the number of templates.
	templates int
}

// declare adds the parameters of a template. Other files declare none.
func (p *parameters) declare(file policyfile.File) {
	if file.Format != policyfile.CloudFormation {
		return
	}
	p.templates++
	if p.declared == nil {
		p.declared = map[string]bool{}
	}
	for _, name := range file.Parameters {
		p.declared[name] = true
	}
}

// undeclared returns an error for a name of --parameter that no template declares. It lists the
// names that templates declare, the nearest first.
func (p *parameters) undeclared() error {
	for _, name := range p.given {
		what := "--parameter " + textfmt.Quote(name, 200)
		switch {
		case p.declared[name]:
		case p.templates == 0:
			return fmt.Errorf("%s has no effect: no file is a template of CloudFormation", what)
		case len(p.declared) == 0:
			return fmt.Errorf("%s is no parameter of the templates, which declare none", what)
		default:
			return fmt.Errorf("%s is no parameter of the templates, which declare %s", what,
				nearestOf(slices.Sorted(maps.Keys(p.declared)), name))
		}
	}
	return nil
}
