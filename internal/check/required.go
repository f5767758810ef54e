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

	kind                policies.PolicyKind
	fixable             *fixable // nil for requirements of a document
	problem, knownUntil string   // see Verdict
	notes               []string // about the target
	// accepted are grants that are no excess although no requirement needs all of them.
	accepted []iampolicy.Need
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
	// need is the need of a release that the requests stand for.
	need    needs.Need
	context iampolicy.Context
	// assumed are further keys that the verdict lists as assumed. The required condition is met for
	// their value, and perhaps for others; the requests stand for each of these values.
	assumed iampolicy.Context
	// widened is true if the requests stand for more resources than required. A requirement that is
	// not satisfied is then unverified, for the reason unless.
	widened bool
	unless  string
	// written is the resource as written, or empty if its variables have values.
	written string
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
	// RenderRole is the ARN of the role that a caller passes to new functions; empty means the role
	// of Remotion's setup guide.
	RenderRole string
	// Buckets and Functions have the names that the account chose. Without them, all names that
	// Remotion gives are needed.
	Buckets   []policies.Bucket
	Functions []Function

	inferred bool // Account is from InferAccount
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
	scope := t.Scope(release)
	if t.Purpose == "" {
		t.Purpose = policies.All
	}
	all := Required{Name: fmt.Sprintf("the %s policy of Remotion %s", t.Kind, release),
		kind: t.Kind, fixable: &fixable{t, release}, problem: release.Problem(),
		knownUntil: release.KnownUntil(), notes: t.notes()}
	for _, r := range scope.Requirements([]policies.Release{release}, t.Kind, t.Purpose) {
		if t.searches(r.Action) {
			continue
		}
		// A resource with a name of its own is a requirement of its own. All others are one.
		index := map[string]int{}
		for _, n := range scope.Needed(r) {
			requests, err := n.Requests()
			if err != nil {
				return all, err
			}
			resource := r.Resource
			if t.names(n.Pattern) {
				resource = n.Pattern
			}
			i, ok := index[resource]
			if !ok {
				i = len(all.Requirements)
				index[resource] = i
				all.Requirements = append(all.Requirements, Requirement{Sid: r.Sid, Action: r.Action,
					Resource: resource, Consequence: r.Consequence, remotion: &r})
			}
			context := t.RequestContext(n.SimulationRequest)
			all.Requirements[i].demands = append(all.Requirements[i].demands,
				demand{requests: requests, need: n, context: context})
		}
	}
	var err error
	all.accepted, err = accepted(t, scope, release)
	return all, err
}

// The limits of the requirements of one document: their number, and the size of all actions and
// resources in bytes. A document with 300 actions on 300 resources has 9 KB, and would have 90,000
// requirements. Each unusual document with more than these limits can be split into several.
const (
	maxRequirements    = 4096
	maxRequiredPattern = 1 << 20
)

// DocumentRequirements returns the permissions that a policy document allows, exactly as written:
// each combination of Sid, action and resource once. NotAction stands for every action except those
// that it names, and NotResource for every resource except those. What a Deny of the document
// denies is not required.
//
// A permission under a condition is required in the contexts that meet the condition. A condition
// that only one value of a key meets becomes the context of the requests. A policy variable takes
// its value from ctx, else from such a condition. Without a value, it stands for every value.
//
// A statement with which the document would exceed its limits is one requirement with a Problem.
func DocumentRequirements(name string, doc *iampolicy.Document,
	ctx iampolicy.Context) (Required, error) {
	d := documentReader{all: Required{Name: name}, index: map[permission]int{}, doc: doc, known: ctx}
	premises := doc.Premises()
	allows := false
	for i := range doc.Statements {
		if doc.Statements[i].Effect == iampolicy.Allow {
			allows = true
			d.statement(i, premises[i])
		}
	}
	if !allows {
		d.errs = append(d.errs, fmt.Errorf("%s requires nothing, because each statement is a Deny: list "+
			"the required permissions as Allow", textfmt.OneLine(name)))
	}
	return d.all, errors.Join(d.errs...)
}

// A documentReader reads the requirements of a document.
type documentReader struct {
	all   Required
	index map[permission]int
	doc   *iampolicy.Document
	known iampolicy.Context
	// number and size are the number of requirements, and the bytes of their patterns.
	number, size int
	errs         []error
}

// statement adds the requirements of an Allow statement.
func (d *documentReader) statement(i int, premise *iampolicy.Premise) {
	s := &d.doc.Statements[i]
	actions, resources := s.Action, s.Resource
	exceptActions, exceptResources := "", ""
	if s.NotAction != nil {
		actions, exceptActions = []string{"*"}, exceptText(s.NotAction)
	}
	if s.NotResource != nil {
		resources, exceptResources = []string{"*"}, exceptText(s.NotResource)
	}
	more := len(actions) * len(resources)
	moreBytes := totalSize(actions)*len(resources) + totalSize(resources)*len(actions)
	if d.number+more > maxRequirements || d.size+moreBytes > maxRequiredPattern {
		req := Requirement{Sid: s.Sid, Action: actions[0] + exceptActions,
			Resource: resources[0] + exceptResources}
		d.all.add(d.index, req.withProblem(tooMany(i+1, len(actions), len(resources), s), actions))
		return
	}
	d.number, d.size = d.number+more, d.size+moreBytes
	exact, assumed := requiredContext(s.Conditions)
	if premise.Refuses(exact) {
		exact = nil // the conditions contradict each other
	}
	for _, action := range actions {
		for _, resource := range resources {
			req := Requirement{Sid: s.Sid, Action: action + exceptActions,
				Resource: resource + exceptResources}
			part, err := d.demand(action, resource, exact)
			switch {
			case err != nil && part.widened:
				d.all.add(d.index, req.withProblem(part.unless, []string{action}))
				continue
			case err != nil:
				d.errs = append(d.errs, fmt.Errorf("%s: statement %d (%s) has an invalid requirement: %w",
					textfmt.OneLine(d.all.Name), i+1, s.Start, err))
				continue
			}
			part.requests, part.assumed = part.requests.Within(premise, part.written), assumed
			req.demands = []demand{part}
			d.all.add(d.index, req)
		}
	}
}

// demand returns the requests for an action on a resource as written.
func (d *documentReader) demand(action, resource string, context iampolicy.Context) (part demand,
	err error) {
	part.context = context
	expanded := resource
	if d.doc.Version == iampolicy.Version {
		var missing []string
		expanded, missing = iampolicy.Expand(resource, audit.Overridden(context, d.known))
		if missing != nil {
			expanded = iampolicy.Widen(resource)
			part.widened, part.unless = true, problem(missing[0])
		}
	}
	if part.widened || expanded == resource {
		part.written = resource // else the values of its variables count, not its text
	}
	part.requests, err = needs.RequestsFor(action, expanded)
	return part, err
}

// exceptText lists what NotAction or NotResource names.
func exceptText(patterns []string) string {
	shown := slices.Clone(patterns[:min(len(patterns), 4)])
	for i := range shown {
		shown[i] = textfmt.Head(shown[i], 200)
	}
	return " except " + textfmt.Some(append(shown, patterns[len(shown):]...), 3)
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
func tooMany(number, actions, resources int, s *iampolicy.Statement) string {
	return fmt.Sprintf("statement %d (%s) requires %s on %s, and one check evaluates at most %d "+
		"permissions with %d bytes: split the document", number, s.Start,
		textfmt.Plural(actions, "action"), textfmt.Plural(resources, "resource"),
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

// requiredContext returns the context of requests that meet the conditions. exact has the keys for
// which a condition allows one value only. assumed has a value of further keys, from conditions of
// the form "key equals value" that several values meet: true and TRUE are equal, and so are 1 and
// 1.0. Of two conditions on one key, the first counts.
func requiredContext(conditions []iampolicy.Condition) (exact, assumed iampolicy.Context) {
	exact, assumed = iampolicy.Context{}, iampolicy.Context{}
	for _, c := range conditions {
		into := assumed
		switch c.Operator {
		case "StringEquals":
			into = exact
		case "ArnEquals":
			if _, ok := arn.Parse(strings.Join(c.Values, " ")); ok {
				into = exact // it is the text itself
			}
		case "Bool", "NumericEquals", "DateEquals":
		default:
			continue
		}
		known := false
		for _, context := range []iampolicy.Context{exact, assumed} {
			for key := range context {
				known = known || strings.EqualFold(key, c.Key)
			}
		}
		if !known && len(c.Values) == 1 && !strings.ContainsAny(c.Values[0], "*?$") {
			into[c.Key] = c.Values
		}
	}
	return exact, assumed
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
			add(audit.Overridden(d.assumed, audit.Overridden(d.context, extra)))
		}
	}
	add(extra)
	lines := []string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, key+"="+strings.Join(values[key], " or "))
	}
	return lines
}
