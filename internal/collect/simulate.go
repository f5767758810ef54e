package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// pair is a question and the question of the first region that it repeats: in another region, or
// about another resource.
type pair struct {
	question, first policies.SimulationRequest
	// nth counts the resources of its action in its region, from 0.
	nth int
}

// maxResources is about how many resources of a region an action is asked: beyond, a function with
// a name of its own is treated as those in further regions are. An account has a handful.
const maxResources = 20

// simulate asks AWS about everything the target needs: in the first region in full, in every
// further one with one action per service. What the policies plainly grant there, of a service that
// AWS allowed in both places, is taken to be answered as in the first region; everything else is
// asked, up to maxResources for an action in a region.
func (r *run) simulate(ctx context.Context, t *target) {
	regions := r.simulationRequests(t)
	t.simulation.answers = map[policies.SimulationRequest]audit.Answer{}
	answers := t.simulation.answers
	ask := func(questions []policies.SimulationRequest) {
		batches := batch(questions)
		results := make([]simulated, len(batches))
		parallelN(len(batches), func(i int) { results[i] = r.simulateBatch(ctx, t, batches[i]) })
		for _, s := range results {
			t.simulation.merge(s)
		}
	}

	// The probes of the further regions go out with the first region's questions.
	first := make([]policies.SimulationRequest, 0, len(regions[0]))
	inFull := true
	for _, p := range regions[0] {
		if p.nth < maxResources {
			first = append(first, p.question)
		} else {
			inFull = false
		}
	}
	for _, pairs := range regions[1:] {
		for _, probe := range probes(pairs) {
			first = append(first, probe.question)
		}
	}
	ask(first)
	if len(regions) == 1 && inFull {
		return
	}

	allowed := func(q policies.SimulationRequest) bool {
		a, ok := answers[q]
		return ok && a.Decision == iampolicy.Allowed
	}
	<-t.read
	known := t.known()
	known.Assumed = r.plan.Assumed
	plain := func(q policies.SimulationRequest) bool {
		return known.Presence == audit.Present && len(known.Unread) == 0 && known.Granted(q)
	}
	var more []policies.SimulationRequest
	for i, pairs := range regions {
		again := map[string]int{}
		alike := map[string]bool{}
		for _, probe := range probes(pairs) {
			alike[service(probe.question)] = allowed(probe.question) && allowed(probe.first)
		}
		for _, p := range pairs {
			_, asked := answers[p.question]
			switch {
			case asked || i == 0 && p.nth < maxResources:
			case alike[service(p.question)] && allowed(p.first) && plain(p.question):
				a := answers[p.first]
				a.Inferred = true
				answers[p.question] = a
			case again[p.question.Action] < maxResources:
				again[p.question.Action]++
				more = append(more, p.question)
			}
		}
	}
	ask(more)
}

// simulationRequests lists what the target needs, region by region.
func (r *run) simulationRequests(t *target) [][]pair {
	place := t.facts.Place
	regions := make([][]pair, len(place.Regions))
	for _, req := range policies.RequirementsIn(place, r.ahead, t.facts.Kind.Policy(),
		t.facts.Purpose) {
		perRegion := map[string][]policies.SimulationRequest{}
		for _, n := range req.Needed(place) {
			perRegion[n.Region] = append(perRegion[n.Region], n.SimulationRequest)
		}
		for i, region := range place.Regions {
			for nth, q := range perRegion[region] {
				p := pair{question: q, nth: nth}
				// The first resource of a region is one of Remotion's own names, if it has any; what BUCKETS
				// and names of one's own add follows.
				if model := perRegion[place.Regions[0]]; len(model) > 0 {
					p.first = model[0]
				}
				regions[i] = append(regions[i], p)
			}
		}
	}
	return regions
}

func service(q policies.SimulationRequest) string {
	name, _, _ := strings.Cut(q.Action, ":")
	return name
}

// probes picks the first question of each service, in their order.
func probes(pairs []pair) (picked []pair) {
	for _, p := range pairs {
		if !slices.ContainsFunc(picked, func(o pair) bool {
			return service(o.question) == service(p.question)
		}) {
			picked = append(picked, p)
		}
	}
	return picked
}

// A batchOf is what one call may ask: actions that share their resources and their context.
type batchOf struct {
	actions   []string
	resources []string
	// sample stands for all questions of the batch: it is of their region, and has their context.
	sample policies.SimulationRequest
}

// batch sorts questions into calls, in the order in which they are first met.
func batch(questions []policies.SimulationRequest) []batchOf {
	type about struct{ action, region string }
	var order []about
	resources := map[about][]string{}
	for _, q := range questions {
		a := about{q.Action, q.Region}
		if _, ok := resources[a]; !ok {
			order = append(order, a)
		}
		if !slices.Contains(resources[a], q.Resource) {
			resources[a] = append(resources[a], q.Resource)
		}
	}
	var list []batchOf
	index := map[string]int{}
	for _, a := range order {
		sample := policies.SimulationRequest{Action: a.action, Resource: resources[a][0],
			Region: a.region}
		key := fmt.Sprint(a.region, audit.AssumedContext(sample, nil), resources[a])
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, batchOf{resources: resources[a], sample: sample})
		}
		list[i].actions = append(list[i].actions, a.action)
	}
	return list
}

// simulated is what came of one or more calls.
type simulated struct {
	answers map[policies.SimulationRequest]audit.Answer
	snapshot
}

func (s *simulated) merge(o simulated) {
	maps.Copy(s.answers, o.answers)
	s.snapshot.add(o.snapshot)
}

// simulateBatch asks one batch, to the last page. When AWS refuses to answer for some of the
// actions together, it says which belong together, and each group is asked on its own.
func (r *run) simulateBatch(ctx context.Context, t *target, b batchOf) (s simulated) {
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &t.facts.ARN,
		ActionNames:     b.actions,
		ContextEntries:  entries(audit.AssumedContext(b.sample, r.plan.Assumed)),
	}
	if !slices.Equal(b.resources, []string{"*"}) {
		in.ResourceArns = b.resources
	}
	var results []types.EvaluationResult
	pages := iam.NewSimulatePrincipalPolicyPaginator(r.iam, in)
	err := walk(ctx, pages.HasMorePages, pages.NextPage, func(out *iam.SimulatePrincipalPolicyOutput) {
		results = append(results, out.EvaluationResults...)
	})
	what := "the simulation of " + t.facts.Name
	s.answers = map[policies.SimulationRequest]audit.Answer{}
	switch {
	case err == nil:
	case isGone(err):
		s.absent = true
		return s
	case mixed(err) != nil && len(b.actions) > 1:
		for _, group := range split(b.actions, mixed(err)) {
			part := b
			part.actions = group
			s.merge(r.simulateBatch(ctx, t, part))
		}
		return s
	default:
		s.snapshot = failed(ctx, what, "iam:SimulatePrincipalPolicy", err)
		return s
	}
	for _, action := range b.actions {
		for _, resource := range b.resources {
			q := policies.SimulationRequest{Action: action, Resource: resource, Region: b.sample.Region}
			if a, ok := answerTo(q, len(b.resources), results); ok {
				s.answers[q] = a
			} else {
				s.problems = append(s.problems,
					audit.Problem{What: what, Why: fmt.Sprintf("AWS's answer leaves out %s on %s", action,
						resource)})
			}
		}
	}
	return s
}

// mixed returns the groups that AWS names when it refuses to simulate actions in one call:
// "Invalid Input Actions: [a,b] and [c] require different authorization information."
func mixed(err error) [][]string {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "InvalidInput" ||
		!strings.Contains(api.ErrorMessage(), "require different authorization information") {
		return nil
	}
	groups := [][]string{}
	for _, m := range bracketed.FindAllStringSubmatch(api.ErrorMessage(), -1) {
		group := strings.Split(m[1], ",")
		for i := range group {
			group[i] = strings.TrimSpace(group[i])
		}
		groups = append(groups, group)
	}
	return groups
}

var bracketed = regexp.MustCompile(`\[([^\]]*)\]`)

// split parts actions by the groups AWS named. Whatever it did not name, or named all together,
// is asked alone, so that every split makes the parts smaller.
func split(actions []string, groups [][]string) (parts [][]string) {
	rest := slices.Clone(actions)
	for _, group := range groups {
		var part []string
		rest = slices.DeleteFunc(rest, func(a string) bool {
			in := slices.ContainsFunc(group, func(g string) bool { return strings.EqualFold(a, g) })
			if in {
				part = append(part, a)
			}
			return in
		})
		if len(part) == len(actions) {
			rest = part
			break
		}
		if part != nil {
			parts = append(parts, part)
		}
	}
	for _, a := range rest {
		parts = append(parts, []string{a})
	}
	return parts
}

// entries writes a context as the API wants it, in a fixed order.
func entries(c iampolicy.Context) []types.ContextEntry {
	list := make([]types.ContextEntry, 0, len(c))
	for key, values := range c {
		kind := types.ContextKeyTypeEnumString
		switch {
		case len(values) != 1:
			kind = types.ContextKeyTypeEnumStringList
		case booleans[strings.ToLower(key)]:
			kind = types.ContextKeyTypeEnumBoolean
		}
		list = append(list, types.ContextEntry{ContextKeyName: aws.String(key), ContextKeyType: kind,
			ContextKeyValues: values})
	}
	slices.SortFunc(list, func(a, b types.ContextEntry) int {
		return strings.Compare(*a.ContextKeyName, *b.ContextKeyName)
	})
	return list
}

var booleans = map[string]bool{
	"aws:securetransport": true, "aws:viaawsservice": true, "aws:principalisawsservice": true,
	"aws:multifactorauthpresent": true,
}

// answerTo finds the answer to one question. Since 2026-07-30 AWS gives one result for an action,
// with each resource inside and an ARN template for its own name; before, one for each action and
// resource. A resource's own answer wins. A result for the action as a whole counts where it can
// only mean this resource, or allows all of them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
func answerTo(q policies.SimulationRequest, resources int,
	results []types.EvaluationResult) (audit.Answer, bool) {
	var whole *types.EvaluationResult
	for i, result := range results {
		if !strings.EqualFold(aws.ToString(result.EvalActionName), q.Action) {
			continue
		}
		for _, specific := range result.ResourceSpecificResults {
			if aws.ToString(specific.EvalResourceName) == q.Resource {
				boundary := specific.PermissionsBoundaryDecisionDetail
				if boundary == nil {
					boundary = result.PermissionsBoundaryDecisionDetail
				}
				return answer(specific.EvalResourceDecision, specific.MatchedStatements,
					specific.MissingContextValues,
					result.OrganizationsDecisionDetail, boundary)
			}
		}
		name := aws.ToString(result.EvalResourceName)
		template := strings.Contains(name, "${")
		if name == q.Resource || template &&
			(resources == 1 || result.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed) {
			whole = &results[i]
		}
	}
	if whole == nil {
		return audit.Answer{}, false
	}
	return answer(whole.EvalDecision, whole.MatchedStatements, whole.MissingContextValues,
		whole.OrganizationsDecisionDetail, whole.PermissionsBoundaryDecisionDetail)
}

// answer is false for a decision that is none of the three.
func answer(decision types.PolicyEvaluationDecisionType, matched []types.Statement,
	missing []string,
	organization *types.OrganizationsDecisionDetail,
	boundary *types.PermissionsBoundaryDecisionDetail) (audit.Answer, bool) {
	a := audit.Answer{Missing: missing}
	switch decision {
	case types.PolicyEvaluationDecisionTypeAllowed:
		a.Decision = iampolicy.Allowed
	case types.PolicyEvaluationDecisionTypeExplicitDeny:
		a.Decision = iampolicy.ExplicitDeny
	case types.PolicyEvaluationDecisionTypeImplicitDeny:
	default:
		return audit.Answer{}, false
	}
	if a.Decision != iampolicy.Allowed {
		// The organization's word is about the action, with all its resources; a resource it denies has
		// neither statements nor missing keys of its own.
		a.OrganizationDenies = organization != nil && !organization.AllowedByOrganizations &&
			len(matched) == 0 && len(missing) == 0
		a.BoundaryDenies = boundary != nil && !boundary.AllowedByPermissionsBoundary
	}
	for _, s := range matched {
		name := fmt.Sprintf("%s (%s)", aws.ToString(s.SourcePolicyId), s.SourcePolicyType)
		if s.StartPosition != nil {
			name += fmt.Sprintf(" at line %d, column %d", s.StartPosition.Line, s.StartPosition.Column)
		}
		a.Statements = append(a.Statements, name)
	}
	slices.Sort(a.Statements) // AWS does not define their order
	return a, true
}
