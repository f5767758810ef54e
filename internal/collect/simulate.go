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
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// simulationPair holds a request and, in first, the request for the same requirement with the first
// resource of the first region. The answer to first can also apply to request.
type simulationPair struct {
	request, first needs.SimulationRequest
	// nth is the index of the resource among the resources of the requirement in its region, from 0.
	nth int
}

// maxResources bounds the number of resources of a region that an action is simulated with.
// simulate treats any other resources like resources in further regions. An account usually has a
// few resources.
const maxResources = 20

// simulate sends the needs of a target to AWS's simulator: all of them in the first region, and one
// action of each service, the probe, in each further region. The answer of the first region also
// counts in a further region on two conditions: AWS allows the request in the first region and the
// probe in both regions, and the policies grant the request without a condition. All other requests
// are simulated, up to maxResources for an action in a region. Requests that the organization
// denies are simulated again: see simulateUnknownKeys.
func (r *run) simulate(ctx context.Context, t *target) {
	r.simulateNeeds(ctx, t)
	r.simulateUnknownKeys(ctx, t)
}

func (r *run) simulateNeeds(ctx context.Context, t *target) {
	t.simulation.answers = map[needs.SimulationRequest]audit.Answer{}
	if err := ctx.Err(); err != nil {
		t.simulation.snapshot = problemOf(ctx, "the simulation of "+t.facts.Name,
			"iam:SimulatePrincipalPolicy", err)
		return
	}
	regions := r.simulationRequests(t)
	answers := t.simulation.answers
	simulateAll := func(requests []needs.SimulationRequest) {
		batches := makeBatches(requests)
		for i := range batches {
			batches[i].context = r.requestContext(t, batches[i].sample)
		}
		results := make([]simulationResult, len(batches))
		parallelN(len(batches), func(i int) { results[i] = r.simulateBatch(ctx, t, batches[i]) })
		for _, s := range results {
			t.simulation.merge(s)
		}
	}

	// The probes of the further regions run together with the requests of the first region.
	initial := make([]needs.SimulationRequest, 0, len(regions[0]))
	complete := true
	for _, p := range regions[0] {
		if p.nth < maxResources {
			initial = append(initial, p.request)
		} else {
			complete = false
		}
	}
	for _, pairs := range regions[1:] {
		for _, probe := range pickProbes(pairs) {
			initial = append(initial, probe.request)
		}
	}
	simulateAll(initial)
	simulateAll(r.asked(t)) // apart, because AWS may refuse an action that does not exist
	if len(regions) == 1 && complete {
		return
	}

	allowed := func(q needs.SimulationRequest) bool {
		a, ok := answers[q]
		return ok && a.Decision == iampolicy.Allowed
	}
	<-t.read
	facts := r.judgedFacts(t)
	granted := func(q needs.SimulationRequest) bool {
		return ctx.Err() == nil && // the engine takes a while for some documents
			facts.Presence == audit.Present && len(facts.Unread) == 0 && facts.Granted(q)
	}
	var remaining []needs.SimulationRequest
	for i, pairs := range regions {
		extra := map[string]int{}
		allowedInBoth := map[string]bool{}
		for _, probe := range pickProbes(pairs) {
			allowedInBoth[service(probe.request)] = allowed(probe.request) && allowed(probe.first)
		}
		for _, p := range pairs {
			_, answered := answers[p.request]
			switch {
			case answered || i == 0 && p.nth < maxResources:
			case allowedInBoth[service(p.request)] && allowed(p.first) && granted(p.request):
				a := answers[p.first]
				a.Inferred = true
				answers[p.request] = a
			case extra[p.request.Action] < maxResources:
				extra[p.request.Action]++
				remaining = append(remaining, p.request)
			}
		}
	}
	simulateAll(remaining)
}

// asked returns the further requests of the plan that have no answer yet.
func (r *run) asked(t *target) []needs.SimulationRequest {
	if r.plan.Ask == nil {
		return nil
	}
	return slices.DeleteFunc(r.plan.Ask(t.facts, r.simulatedReleases),
		func(q needs.SimulationRequest) bool {
			_, answered := t.simulation.answers[q]
			return answered
		})
}

// simulationRequests returns the needs of a target, by region in the order of its scope.
func (r *run) simulationRequests(t *target) [][]simulationPair {
	scope := t.facts.Scope
	regions := make([][]simulationPair, len(scope.Regions))
	for _, req := range scope.Requirements(r.simulatedReleases, t.facts.Kind.Policy(),
		t.facts.Purpose) {
		perRegion := map[string][]needs.SimulationRequest{}
		for _, n := range scope.Needed(req) {
			perRegion[n.Region] = append(perRegion[n.Region], n.SimulationRequest)
		}
		for i, region := range scope.Regions {
			for nth, q := range perRegion[region] {
				p := simulationPair{request: q, nth: nth}
				// The first resource of a region has a name of Remotion if such a resource is needed. Custom
				// names and the names in BUCKETS follow.
				if inFirst := perRegion[scope.Regions[0]]; len(inFirst) > 0 {
					p.first = inFirst[0]
				}
				regions[i] = append(regions[i], p)
			}
		}
	}
	return regions
}

func service(q needs.SimulationRequest) string {
	name, _, _ := strings.Cut(q.Action, ":")
	return name
}

// pickProbes returns the first request of each service, in order.
func pickProbes(pairs []simulationPair) (picked []simulationPair) {
	for _, p := range pairs {
		if !slices.ContainsFunc(picked, func(o simulationPair) bool {
			return service(o.request) == service(p.request)
		}) {
			picked = append(picked, p)
		}
	}
	return picked
}

// simulationBatch is one call to the simulator: actions with the same resources and context.
type simulationBatch struct {
	actions   []string
	resources []string
	// sample is one request of the batch. All requests of the batch have its region and context.
	sample  needs.SimulationRequest
	context iampolicy.Context
}

// requestContext returns the context in which a request of a target is simulated.
func (r *run) requestContext(t *target, q needs.SimulationRequest) iampolicy.Context {
	facts := t.facts
	facts.Assumed = r.plan.Assumed
	return facts.RequestContext(q)
}

// judgedFacts returns the facts of a target as the judge gets them. Callers wait for target.read.
func (r *run) judgedFacts(t *target) audit.TargetFacts {
	facts := t.factsWithDocuments()
	facts.Assumed = r.plan.Assumed
	return facts
}

// makeBatches groups requests into batches, in the order of their first requests.
func makeBatches(requests []needs.SimulationRequest) []simulationBatch {
	type actionInRegion struct{ action, region string }
	var order []actionInRegion
	resources := map[actionInRegion][]string{}
	for _, q := range requests {
		a := actionInRegion{q.Action, q.Region}
		if _, ok := resources[a]; !ok {
			order = append(order, a)
		}
		if !slices.Contains(resources[a], q.Resource) {
			resources[a] = append(resources[a], q.Resource)
		}
	}
	var list []simulationBatch
	index := map[string]int{}
	for _, a := range order {
		sample := needs.SimulationRequest{Action: a.action, Resource: resources[a][0],
			Region: a.region}
		key := fmt.Sprint(a.region, audit.AssumedContext(sample, nil), resources[a])
		i, ok := index[key]
		if !ok {
			i = len(list)
			index[key] = i
			list = append(list, simulationBatch{resources: resources[a], sample: sample})
		}
		list[i].actions = append(list[i].actions, a.action)
	}
	return list
}

// simulationResult is the result of one or more calls.
type simulationResult struct {
	answers map[needs.SimulationRequest]audit.Answer
	snapshot
}

func (s *simulationResult) merge(o simulationResult) {
	maps.Copy(s.answers, o.answers)
	s.snapshot.merge(o.snapshot)
}

// simulateBatch simulates one batch and reads all pages. If AWS refuses to simulate some actions
// together, its error names the groups, and simulateBatch simulates each group.
func (r *run) simulateBatch(ctx context.Context, t *target,
	b simulationBatch) (s simulationResult) {
	in := &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: &t.facts.ARN,
		ActionNames:     b.actions,
		ContextEntries:  contextEntries(b.context),
	}
	if !slices.Equal(b.resources, []string{"*"}) {
		in.ResourceArns = b.resources
	}
	if r.edited != nil {
		r.edited.addTo(in)
	}
	results, err := r.simulationResults(ctx, in)
	if isGone(err) { // a single NoSuchEntity is no proof
		results, err = r.simulationResults(ctx, in)
	}
	what := "the simulation of " + t.facts.Name
	s.answers = map[needs.SimulationRequest]audit.Answer{}
	switch {
	case err == nil:
		s.found = []string{"iam:SimulatePrincipalPolicy"}
	case isGone(err):
		s.missed = []string{"iam:SimulatePrincipalPolicy"}
		return s
	case actionGroups(err) != nil && len(b.actions) > 1:
		for _, group := range splitActions(b.actions, actionGroups(err)) {
			part := b
			part.actions = group
			s.merge(r.simulateBatch(ctx, t, part))
		}
		return s
	default:
		s.snapshot = problemOf(ctx, what, "iam:SimulatePrincipalPolicy", err)
		return s
	}
	for _, action := range b.actions {
		for _, resource := range b.resources {
			q := needs.SimulationRequest{Action: action, Resource: resource, Region: b.sample.Region}
			if a, ok := answerTo(q, len(b.resources), results); ok {
				s.answers[q] = a
			} else {
				s.problems = append(s.problems,
					audit.Problem{What: what, Why: fmt.Sprintf("AWS's answer does not contain %s on %s", action,
						resource), Remedy: incompleteRemedy})
			}
		}
	}
	return s
}

// simulationResults reads all pages of one simulation. It ends with errCallLimit if SimulateEdits
// may not make another call.
func (r *run) simulationResults(ctx context.Context,
	in *iam.SimulatePrincipalPolicyInput) (results []types.EvaluationResult, err error) {
	pages := iam.NewSimulatePrincipalPolicyPaginator(r.iam, in)
	next := pages.NextPage
	if r.calls != nil {
		next = func(ctx context.Context,
			o ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
			if *r.calls == MaxEditCalls {
				return nil, errCallLimit
			}
			*r.calls++
			return pages.NextPage(ctx, o...)
		}
	}
	err = eachPage(ctx, pages.HasMorePages, next,
		func(out *iam.SimulatePrincipalPolicyOutput) {
			results = append(results, out.EvaluationResults...)
		})
	return results, err
}

// actionGroups returns the groups that AWS names when it refuses to simulate actions in one call:
// "Invalid Input Actions: [a,b] and [c] require different authorization information". It returns
// nil for any other error.
func actionGroups(err error) [][]string {
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

// splitActions splits actions into the groups that AWS named. Each action without a group becomes a
// part of its own. If one group contains all actions, each action becomes a part of its own, so
// that each split makes the parts smaller.
func splitActions(actions []string, groups [][]string) (parts [][]string) {
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

// contextEntries returns a context in the form of the API, in a fixed order.
func contextEntries(c iampolicy.Context) []types.ContextEntry {
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

// booleans are the context keys with a Boolean value, in lower case.
var booleans = map[string]bool{
	"aws:securetransport": true, "aws:viaawsservice": true, "aws:principalisawsservice": true,
	"aws:multifactorauthpresent": true,
}

// answerTo finds the answer to one request. Since 2026-07-30, AWS returns one result for each
// action. That result has an ARN template as its name and contains a result for each resource.
// Before, AWS returned one result for each action and resource. The result for a resource wins. The
// result for the whole action counts if the batch has only one resource, or if AWS allows all
// resources.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
func answerTo(q needs.SimulationRequest, resources int,
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
				return toAnswer(specific.EvalResourceDecision, specific.MatchedStatements,
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
	return toAnswer(whole.EvalDecision, whole.MatchedStatements, whole.MissingContextValues,
		whole.OrganizationsDecisionDetail, whole.PermissionsBoundaryDecisionDetail)
}

// toAnswer converts a result. It returns false for an unknown decision.
func toAnswer(decision types.PolicyEvaluationDecisionType, matched []types.Statement,
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
		// The organization's decision applies to the action with all resources. A resource that the
		// organization denies has neither matched statements nor missing keys.
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
