package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Collector asks IAM and Lambda. It keeps nothing between calls of Collect.
type Collector struct {
	IAM *iam.Client
	// Lambda lists functions, whatever its own region; nil lists none.
	Lambda *lambda.Client
	// Throttled counts the answers by which AWS slowed the client down; nil is never. It tells a
	// deadline that was missed from one that retries used up.
	Throttled func() int64
}

// A Plan says what to learn.
type Plan struct {
	Account, Partition string
	// Regions are audited in any case, at least one. Further ones are if they can be: all of them, or
	// those OnlyWithFunctions of Remotion's.
	Regions, Further  []string
	OnlyWithFunctions bool
	// Release is what the principals are audited for, and Requested what was asked for: with "auto",
	// Release is for an account without functions, and for those that do not tell theirs.
	Release   policies.Release
	Requested string
	// UpgradeTo is a release to look ahead to; nil for none.
	UpgradeTo *policies.Release
	Buckets   []string
	// Assumed is request context beyond the defaults.
	Assumed iampolicy.Context
	Callers []Caller
	// RenderRoles are names of roles, without a path. Callers pass the first to Lambda.
	RenderRoles []string
	// Named says that the auditor may read what its deployment names, and discovers nothing: no
	// functions are listed. A caller sso/PERMISSION-SET cannot be found then.
	Named bool
}

// A Caller is a principal to audit, and what for.
type Caller struct {
	// Name is user/NAME, role/NAME or sso/PERMISSION-SET.
	Name string
	// ARN is the principal's, if it is known beforehand.
	ARN     string
	Purpose policies.Purpose
}

// Collect learns the facts. When ctx ends it returns what is known by then, and marks the targets
// that were cut off.
func (c Collector) Collect(ctx context.Context, plan Plan) audit.Facts {
	r := &run{iam: c.IAM, lambda: c.Lambda, plan: plan, managed: map[string]*managedPolicy{}}
	throttled := func() int64 { return 0 }
	if c.Throttled != nil {
		before := c.Throttled()
		throttled = func() int64 { return c.Throttled() - before }
	}
	for _, caller := range plan.Callers {
		r.targets = append(r.targets, &target{facts: audit.TargetFacts{
			Kind: audit.Caller, Name: caller.Name, ARN: caller.ARN, Purpose: caller.Purpose,
		}})
	}
	for _, role := range plan.RenderRoles {
		r.targets = append(r.targets, &target{facts: audit.TargetFacts{
			Kind: audit.RenderRole, Name: "role/" + role, Purpose: policies.Render,
		}})
	}
	// A permission set's role has to be found before anything can be asked about it.
	forEachParallel(r.targets, func(t *target) { r.findPermissionSet(ctx, t) })

	// Functions are listed and documents read while the principals themselves are looked up.
	// Simulation waits for the first and the last: what is needed is about the functions and the role
	// that are there.
	listings := make(chan []listing, 1)
	go func() { listings <- r.listFunctions(ctx) }()
	r.find(ctx, r.targets)
	survey := r.survey(<-listings)
	r.find(ctx, r.adoptFunctionRoles(&survey))
	noDefault := r.dropDefaultRole(survey)
	facts := audit.Facts{
		Account: plan.Account, Partition: plan.Partition, Regions: survey.regions,
		Release: plan.Release, Requested: plan.Requested, UpgradeTo: plan.UpgradeTo,
		Assumed:   plan.Assumed,
		Functions: survey.functions, Skipped: survey.skipped, NoDefaultRole: noDefault,
		Undiscovered: plan.Named,
	}
	if plan.Requested == auto {
		facts.Releases = r.releases(survey.functions)
	}
	r.resolveTargets(survey)
	r.ahead = facts.Ahead()
	forEachParallel(r.targets, func(t *target) {
		// Without a principal there is nobody to ask about.
		if kind, _ := entity(t.facts.Name); kind != "sso" && t.facts.Presence != audit.Absent {
			r.simulate(ctx, t)
		}
		<-t.read
	})
	facts.Problems = inTime(survey.problems, throttled())
	for _, t := range r.targets {
		r.applyReadScope(t)
		facts.Targets = append(facts.Targets, t.conclude(throttled()))
	}
	return facts
}

// find looks the targets up, and starts to read their documents.
func (r *run) find(ctx context.Context, targets []*target) {
	for _, t := range targets {
		t.read, t.lookedUp = make(chan struct{}), make(chan struct{})
		go func() {
			defer close(t.read)
			var boundary sync.WaitGroup
			boundary.Go(func() {
				<-t.lookedUp
				t.boundary = r.readBoundary(ctx, t.boundaryARN)
			})
			t.documents = r.documents(ctx, t.facts.Name)
			boundary.Wait()
		}()
	}
	forEachParallel(targets, func(t *target) {
		defer close(t.lookedUp)
		r.readTarget(ctx, t)
	})
}

// run is one Collect.
type run struct {
	iam     *iam.Client
	lambda  *lambda.Client
	plan    Plan
	targets []*target
	// ahead are the releases whose needs are asked about: those judged by, and those looked ahead to.
	ahead []policies.Release
	// rolesOnly says that of the functions their roles alone are asked for, and no release.
	rolesOnly bool

	mu      sync.Mutex
	managed map[string]*managedPolicy
}

// target gathers what several goroutines learn about one principal; each writes a field of its own.
type target struct {
	facts       audit.TargetFacts
	adopted     bool     // a render role that functions have, and nobody configured
	lookup      snapshot // of the principal itself
	boundaryARN string
	lookedUp    chan struct{} // closed when lookup and boundaryARN are known
	documents   snapshot
	boundary    snapshot
	read        chan struct{} // closed when documents and boundary are known
	simulation  simulated
}

// known is the facts with the documents, once they are read.
func (t *target) known() audit.TargetFacts {
	f := t.facts
	f.Grants.Identity = t.documents.policies
	if len(t.boundary.policies) > 0 {
		f.Grants.Boundary = &t.boundary.policies[0]
	}
	f.Unread = slices.Concat(t.lookup.problems, t.documents.problems, t.boundary.problems)
	return f
}

// conclude brings the pieces together, in an order that does not depend on the network.
func (t *target) conclude(throttled int64) audit.TargetFacts {
	f := t.known()
	for _, p := range []snapshot{t.lookup, t.documents, t.boundary, t.simulation.snapshot} {
		f.CutOff = f.CutOff || p.cutOff
		if p.absent {
			f.Presence = audit.Absent
		}
	}
	if f.Presence == audit.Absent {
		// Whatever else went wrong, it went wrong about nobody.
		f.Unread, f.TrustProblem, f.CutOff = nil, audit.Problem{}, false
		return f
	}
	f.Answers, f.Unanswered = t.simulation.answers, t.simulation.problems
	f.Unread, f.Unanswered = inTime(f.Unread, throttled), inTime(f.Unanswered, throttled)
	return f
}

// inTime tells a deadline that was missed from one that retries used up.
func inTime(problems []audit.Problem, throttled int64) []audit.Problem {
	for i := range problems {
		if problems[i].Why == deadline && throttled > 0 {
			problems[i].Why = fmt.Sprintf("%s, after AWS had throttled %d calls", deadline, throttled)
			problems[i].Remedy = throttleRemedy
		}
	}
	return problems
}

// arn is that of a principal whose path is not known.
func (r *run) arn(name string) string {
	return "arn:" + r.plan.Partition + ":iam::" + r.plan.Account + ":" + name
}

// parallelN does n things at once, and returns when all are done.
func parallelN(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func forEachParallel[T any](list []T, do func(T)) {
	parallelN(len(list), func(i int) { do(list[i]) })
}

// entity splits user/NAME or role/NAME. The name is the last part: paths do not name anybody.
func entity(name string) (kind, last string) {
	kind, last, _ = strings.Cut(name, "/")
	return kind, last[strings.LastIndexByte(last, '/')+1:]
}
