// Package controltower checks templates with the proactive rules of AWS Control Tower. The rules
// and their evaluator, cfn-guard, are in an npm package, for tests.
package controltower

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/testing/node"
)

// Violation is a violation of a rule.
type Violation struct {
	Control     string // such as CT.S3.PR.2
	Requirement string // such as "Require an Amazon S3 bucket to have server access logging"
	Resources   []string
}

// Package has the installed npm package.
type Package struct {
	// Dir is the directory of package.json and node_modules, which is the directory of this file.
	Dir string
}

// Ready returns nil if templates can be checked. Otherwise, the error names the missing part of the
// installation and the remedy.
func (p Package) Ready() error {
	return node.Package{Dir: p.Dir, Name: "@cdklabs/cdk-validator-cfnguard", Version: "0.0.62",
		Install: "make guard_modules"}.Ready()
}

// controlForm matches the text of a rule: its control in brackets, and its requirement.
var controlForm = regexp.MustCompile(`^\[(CT\.[A-Z0-9.]+)\]: (.+)$`)

// Violations returns the violations in the templates at these paths, by control, and the number of
// rules that were checked. The templates have no transform, which the rules could not read.
func (p Package) Violations(ctx context.Context, paths ...string) (list []Violation, rules int,
	err error) {
	var out struct {
		Rules      int
		Violations []struct {
			Rule, Description string
			Resources         []string
		}
	}
	err = node.Script{Dir: p.Dir, Args: append([]string{"validate.cjs"}, paths...)}.Run(ctx, &out)
	if err != nil {
		return nil, 0, err
	}
	for _, v := range out.Violations {
		text := controlForm.FindStringSubmatch(v.Description)
		if text == nil || len(v.Resources) == 0 {
			return nil, 0, fmt.Errorf("rule %s: the description %q must begin with a control in brackets, "+
				"and the violation must name a resource", v.Rule, v.Description)
		}
		// The rules report each template by itself.
		i := slices.IndexFunc(list, func(other Violation) bool { return other.Control == text[1] })
		if i < 0 {
			i = len(list)
			list = append(list, Violation{Control: text[1], Requirement: text[2]})
		}
		list[i].Resources = append(list[i].Resources, v.Resources...)
	}
	for i := range list {
		slices.Sort(list[i].Resources)
	}
	slices.SortFunc(list, func(a, b Violation) int { return strings.Compare(a.Control, b.Control) })
	return list, out.Rules, nil
}
