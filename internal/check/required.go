package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Required is the list of requirements of a check.
type Required struct {
	// Name is the name in reports, such as "the role policy of Remotion 4.0.418 and later".
	Name         string
	Requirements []Requirement
}

// Requirement is one action on one resource that a statement requires. Sid is the Sid of the
// statement.
type Requirement struct {
	Sid, Action, Resource string
	policies.Consequence
	// Problem is the reason why the requirement cannot be evaluated; empty if it can be evaluated.
	Problem string

	demands []demand
	// remotion is the requirement of a release; nil for a requirement of a document.
	remotion *policies.Requirement
	// unknown are the needs of which a requirement with a Problem is a part. Whether policies grant
	// more of them than required is unknown.
	unknown []iampolicy.Need
}

// withProblem returns the requirement as one that cannot be evaluated. It may need any resource for
// the actions.
func (r Requirement) withProblem(problem string, actions []string) Requirement {
	r.Problem = problem
	for _, action := range actions {
		if need, err := iampolicy.NewNeed(action, "*"); err == nil {
			r.unknown = append(r.unknown, need)
		}
	}
	return r
}

// demand is a part of a requirement with the context of its requests.
type demand struct {
	requests needs.Requests
	context  iampolicy.Context
}

// Target describes the principal whose policy is checked.
type Target struct {
	Kind policies.PolicyKind
	// Purpose is the purpose of a caller; empty means policies.All.
	Purpose policies.Purpose
	// Account has twelve digits; empty means any account.
	Account string
	// Regions are the regions to check; none means any region.
	Regions []string
	// Principal is the ARN of a caller; empty means the user of Remotion's setup guide.
	Principal string
}

// userName is the name of the user that Remotion's setup guide creates.
// https://www.remotion.dev/docs/lambda/setup
const userName = "remotion-user"

// context returns the context keys that describe the principal.
func (t Target) context() iampolicy.Context {
	if t.Kind != policies.User {
		return nil
	}
	ctx := iampolicy.Context{}
	name, isUser := userName, true
	if t.Principal != "" {
		ctx["aws:PrincipalArn"] = []string{t.Principal}
		a, _ := arn.Parse(t.Principal)
		name, isUser = a.Name(), a.Kind() == "user"
	}
	if isUser {
		ctx["aws:username"] = []string{name}
	}
	if t.Account != "" {
		ctx["aws:PrincipalAccount"] = []string{t.Account}
	}
	return ctx
}

// ReleaseRequirements returns the requirements of a Remotion release. A target without an account
// or regions has the requirements for all accounts or regions, as in Remotion's documents.
func ReleaseRequirements(t Target, release policies.Release) (Required, error) {
	scope := needs.Scope{Partition: release.Partition, Account: t.Account, Regions: t.Regions,
		Caller: t.Principal}
	if scope.Account == "" {
		scope.Account = "*"
	}
	if len(scope.Regions) == 0 {
		scope.Regions = []string{needs.AnyRegion}
	}
	if scope.Caller == "" {
		scope.Caller = arn.IAM(scope.Partition, scope.Account, "user/"+userName)
	}
	scope.RenderRole = arn.IAM(scope.Partition, scope.Account, "role/"+policies.RoleName)
	if t.Purpose == "" {
		t.Purpose = policies.All
	}
	all := Required{Name: fmt.Sprintf("the %s policy of Remotion %s", t.Kind, release)}
	for _, r := range scope.Requirements([]policies.Release{release}, t.Kind, t.Purpose) {
		req := Requirement{Sid: r.Sid, Action: r.Action, Resource: r.Resource, Consequence: r.Consequence,
			remotion: &r}
		for _, n := range scope.Needed(r) {
			requests, err := n.Requests()
			if err != nil {
				return all, err
			}
			context := audit.AssumedContext(n.SimulationRequest, t.context())
			if n.RequestedRegion() == needs.AnyRegion {
				delete(context, "aws:RequestedRegion")
			}
			req.demands = append(req.demands, demand{requests, context})
		}
		all.Requirements = append(all.Requirements, req)
	}
	return all, nil
}

// The limits of the requirements of one document: their number, and the size of all actions and
// resources in bytes. A document with 300 actions on 300 resources has 9 KB, and would have 90,000
// requirements. Each unusual document with more than these limits can be split into several.
const (
	maxRequirements    = 4096
	maxRequiredPattern = 1 << 20
)

// DocumentRequirements returns the permissions that a policy document allows, exactly as written:
// each combination of Sid, action and resource once. A condition that requires one value of a key
// becomes the context of the requests. All other conditions are ignored, so the permission is
// required in every context, which is stricter. A policy variable takes its value from ctx, else
// from such a condition. A Deny, NotAction or NotResource is an error. A statement with which the
// document would exceed its limits is one requirement with a Problem.
func DocumentRequirements(name string, doc *iampolicy.Document,
	ctx iampolicy.Context) (Required, error) {
	all := Required{Name: name}
	index := map[permission]int{}
	number, size := 0, 0
	var errs []error
	for i, s := range doc.Statements {
		refuse := func(why string) {
			errs = append(errs, fmt.Errorf("%s: statement %d (%s) %s", textfmt.OneLine(name), i+1, s.Start,
				why))
		}
		switch {
		case s.Effect == iampolicy.Deny:
			refuse("is a Deny: remove it and list the required permissions as Allow")
			continue
		case s.NotAction != nil:
			refuse("has NotAction: list the required actions instead")
			continue
		case s.NotResource != nil:
			refuse("has NotResource: list the required resources instead")
			continue
		}
		more := len(s.Action) * len(s.Resource)
		moreBytes := totalSize(s.Action)*len(s.Resource) + totalSize(s.Resource)*len(s.Action)
		if number+more > maxRequirements || size+moreBytes > maxRequiredPattern {
			req := Requirement{Sid: s.Sid, Action: s.Action[0], Resource: s.Resource[0]}
			all.add(index, req.withProblem(tooMany(i+1, s), s.Action))
			continue
		}
		number, size = number+more, size+moreBytes
		context := requiredContext(s.Conditions)
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				req := Requirement{Sid: s.Sid, Action: action, Resource: resource}
				expanded := resource
				if doc.Version == iampolicy.Version {
					var missing []string
					if expanded, missing = iampolicy.Expand(resource,
						audit.Overridden(context, ctx)); missing != nil {
						all.add(index, req.withProblem(problem(missing[0]), []string{action}))
						continue
					}
				}
				requests, err := needs.RequestsFor(action, expanded)
				if err != nil {
					refuse("has an invalid requirement: " + err.Error())
					continue
				}
				req.demands = []demand{{requests, context}}
				all.add(index, req)
			}
		}
	}
	return all, errors.Join(errs...)
}

// A permission identifies a requirement.
type permission struct{ sid, action, resource string }

// add appends a requirement. If r has a requirement with the same Sid, action and resource, add
// adds the demands and the problem to that requirement, because two statements can require the same
// permission in two contexts. index has the place of each requirement.
func (r *Required) add(index map[permission]int, req Requirement) {
	key := permission{req.Sid, req.Action, req.Resource}
	if i, ok := index[key]; ok {
		o := &r.Requirements[i]
		o.demands = append(o.demands, req.demands...)
		o.unknown = append(o.unknown, req.unknown...)
		if o.Problem == "" {
			o.Problem = req.Problem
		}
		return
	}
	index[key] = len(r.Requirements)
	r.Requirements = append(r.Requirements, req)
}

func totalSize(list []string) (n int) {
	for _, s := range list {
		n += len(s)
	}
	return n
}

// tooMany explains why a statement is not evaluated.
func tooMany(number int, s iampolicy.Statement) string {
	return fmt.Sprintf("statement %d (%s) requires %s on %s, and one check evaluates at most %d "+
		"permissions with %d bytes: split the document", number, s.Start,
		textfmt.Plural(len(s.Action), "action"), textfmt.Plural(len(s.Resource), "resource"),
		maxRequirements, maxRequiredPattern)
}

// problem explains why a requirement with a variable cannot be evaluated.
func problem(variable string) string {
	if variable == "*" || variable == "?" {
		return "the requirement has ${" + variable +
			"}, a literal wildcard character, which a check cannot evaluate: remove that resource"
	}
	return "the requirement has the variable " + variable +
		" without a value: add --context " + variable + "=VALUE"
}

// requiredContext returns the context that conditions of the form "key equals value" require. Of
// two conditions on one key, the first counts.
func requiredContext(conditions []iampolicy.Condition) iampolicy.Context {
	context := iampolicy.Context{}
	for _, c := range conditions {
		switch c.Operator {
		case "StringEquals", "ArnEquals", "Bool", "NumericEquals", "DateEquals":
			known := false
			for key := range context {
				known = known || strings.EqualFold(key, c.Key)
			}
			if !known && len(c.Values) == 1 && !strings.ContainsAny(c.Values[0], "*?$") {
				context[c.Key] = c.Values
			}
		}
	}
	return context
}

// joinValues joins the values of a key with commas. A backslash marks a comma within a value.
func joinValues(values []string) string {
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = escapeComma.Replace(v)
	}
	return strings.Join(escaped, ",")
}

var escapeComma = strings.NewReplacer(`\`, `\\`, ",", `\,`)

// assumed lists the context of all requirements as key=value, ordered by key.
func (r Required) assumed(extra iampolicy.Context) []string {
	values := map[string][]string{}
	add := func(ctx iampolicy.Context) {
		for key, list := range ctx {
			if value := joinValues(list); !slices.Contains(values[key], value) {
				values[key] = append(values[key], value)
			}
		}
	}
	for _, req := range r.Requirements {
		for _, d := range req.demands {
			add(audit.Overridden(d.context, extra))
		}
	}
	add(extra)
	lines := []string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, key+"="+strings.Join(values[key], " or "))
	}
	return lines
}
