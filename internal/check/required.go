package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Required is what a check asks for.
type Required struct {
	// Name says what it is, for people.
	Name         string
	Requirements []Requirement
}

// A Requirement is one Sid, action and resource.
type Requirement struct {
	Sid, Action, Resource string
	policies.Consequence
	// Problem says why it cannot be judged; empty when it can.
	Problem string

	demands []demand
}

// A demand is part of a requirement, with the context of its requests.
type demand struct {
	need    iampolicy.Need
	context iampolicy.Context
}

// A Target says whose policy is checked, as far as that is known.
type Target struct {
	Kind policies.PolicyKind
	// Purpose is that of a caller; empty is policies.All.
	Purpose policies.Purpose
	// Account has twelve digits; empty is any.
	Account string
	// Regions are those to check for; none is any.
	Regions []string
	// Principal is the ARN of a caller; empty is a user of the name in Remotion's guide.
	Principal string
}

// userName is that of the user Remotion's setup guide creates.
// https://www.remotion.dev/docs/lambda/setup
const userName = "remotion-user"

// context is what a request says of who makes it.
func (t Target) context() iampolicy.Context {
	if t.Kind != policies.User {
		return nil
	}
	ctx := iampolicy.Context{}
	name, isUser := userName, t.Principal == ""
	if t.Principal != "" {
		ctx["aws:PrincipalArn"] = []string{t.Principal}
		name, isUser = t.Principal[strings.LastIndexByte(t.Principal, '/')+1:],
			strings.Contains(t.Principal, ":user/")
	}
	if isUser {
		ctx["aws:username"] = []string{name}
	}
	if t.Account != "" {
		ctx["aws:PrincipalAccount"] = []string{t.Account}
	}
	return ctx
}

// ReleaseRequirements asks for what a release of Remotion needs, of the resource types each action
// is about. Where the account or the region is not known every one is asked for, as Remotion
// documents it.
func ReleaseRequirements(t Target, release policies.Release) (Required, error) {
	place := policies.Scope{Partition: release.Partition, Account: t.Account, Regions: t.Regions,
		Caller: t.Principal}
	if place.Account == "" {
		place.Account = "*"
	}
	if len(place.Regions) == 0 {
		place.Regions = []string{policies.Anywhere}
	}
	iam := "arn:" + place.Partition + ":iam::" + place.Account
	if place.Caller == "" {
		place.Caller = iam + ":user/" + userName
	}
	place.RenderRole = iam + ":role/" + policies.RoleName
	if t.Purpose == "" {
		t.Purpose = policies.All
	}
	all := Required{Name: fmt.Sprintf("the %s policy of Remotion %s", t.Kind, release)}
	for _, r := range policies.RequirementsIn(place, []policies.Release{release}, t.Kind, t.Purpose) {
		req := Requirement{Sid: r.Sid, Action: r.Action, Resource: r.Resource, Consequence: r.Consequence}
		for _, n := range r.Needed(place) {
			need, err := iampolicy.NewNeed(n.Action, n.Pattern)
			if err != nil {
				return all, err
			}
			context := audit.AssumedContext(n.SimulationRequest, t.context())
			if n.RequestedRegion() == policies.Anywhere {
				delete(context, "aws:RequestedRegion")
			}
			req.demands = append(req.demands, demand{need.Named().Preferring(n.Resource), context})
		}
		all.Requirements = append(all.Requirements, req)
	}
	return all, nil
}

// DocumentRequirements asks for what a policy document allows, exactly as it is written: each
// action on each resource of each statement, once. A condition with one value that a key has to
// equal is taken as the context of the requests; under any other, and beyond it, the permission is
// asked for in every context, which is more. A policy variable takes its value from ctx. A document
// that forbids, or says what it does not mean, asks for nothing that could be checked, and is an
// error.
func DocumentRequirements(name string, doc *iampolicy.Document,
	ctx iampolicy.Context) (Required, error) {
	all := Required{Name: name}
	var errs []error
	for i, s := range doc.Statements {
		refuse := func(why string) {
			errs = append(errs, fmt.Errorf("%s: statement %d (%s) %s", name, i+1, s.Start, why))
		}
		switch {
		case s.Effect == iampolicy.Deny:
			refuse("is a Deny: write down what has to be allowed, and leave it out")
			continue
		case s.NotAction != nil:
			refuse("has NotAction: write down the actions that are needed")
			continue
		case s.NotResource != nil:
			refuse("has NotResource: write down the resources that are needed")
			continue
		}
		context := settled(s.Conditions)
		for _, action := range s.Action {
			for _, resource := range s.Resource {
				req := Requirement{Sid: s.Sid, Action: action, Resource: resource}
				expanded := resource
				if doc.Version == "2012-10-17" {
					var missing []string
					if expanded, missing = iampolicy.Expand(resource,
						audit.Overridden(context, ctx)); missing != nil {
						req.Problem = problem(missing[0])
						all.add(req)
						continue
					}
				}
				need, err := iampolicy.NewNeed(action, expanded)
				if err != nil {
					refuse("asks for what no request can be: " + err.Error())
					continue
				}
				req.demands = []demand{{need, context}}
				all.add(req)
			}
		}
	}
	if errs == nil && len(all.Requirements) == 0 {
		errs = append(errs, fmt.Errorf("%s asks for nothing", name))
	}
	return all, errors.Join(errs...)
}

// add appends a requirement, or what it demands to one of the same Sid, action and resource, which
// another statement may ask for in another context.
func (r *Required) add(req Requirement) {
	for i := range r.Requirements {
		if o := &r.Requirements[i]; o.Sid == req.Sid && o.Action == req.Action &&
			o.Resource == req.Resource {
			o.demands = append(o.demands, req.demands...)
			return
		}
	}
	r.Requirements = append(r.Requirements, req)
}

// problem says why nothing can be asked for with a variable.
func problem(variable string) string {
	if variable == "*" || variable == "?" {
		return "the requirement has ${" + variable +
			"}, the character itself, for which no check can ask: leave that resource out"
	}
	return "the requirement has the variable " + variable +
		", whose value is not given: add --context " + variable + "=VALUE"
}

// settled is the context in which conditions of the form "this key equals this value" hold.
func settled(conditions []iampolicy.Condition) iampolicy.Context {
	context := iampolicy.Context{}
	for _, c := range conditions {
		switch c.Operator {
		case "StringEquals", "ArnEquals", "Bool", "NumericEquals", "DateEquals":
			if len(c.Values) == 1 && !strings.ContainsAny(c.Values[0], "*?$") {
				context[c.Key] = c.Values
			}
		}
	}
	return context
}

// assumed lists the context of all requirements, as key=value.
func (r Required) assumed(extra iampolicy.Context) []string {
	values := map[string][]string{}
	note := func(ctx iampolicy.Context) {
		for key, list := range ctx {
			if value := strings.Join(list, ","); !slices.Contains(values[key], value) {
				values[key] = append(values[key], value)
			}
		}
	}
	for _, req := range r.Requirements {
		for _, d := range req.demands {
			note(audit.Overridden(d.context, extra))
		}
	}
	note(extra)
	lines := []string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, key+"="+strings.Join(values[key], " or "))
	}
	return lines
}
