package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Collector asks IAM. It keeps nothing between calls of Collect.
type Collector struct {
	IAM *iam.Client
	// Throttled counts the answers by which AWS slowed the client down; nil is never. It tells a deadline
	// that was missed from one that retries used up.
	Throttled func() int64
}

// A Plan says what to learn.
type Plan struct {
	Account, Partition string
	// Regions are the audited ones, at least one.
	Regions []string
	// Release is what the principals are audited for, and Requested what was asked for.
	Release   policies.Release
	Requested string
	Buckets   []string
	// Assumed is request context beyond the defaults.
	Assumed iampolicy.Context
	Callers []Caller
	// RenderRoles are names of roles, without a path. Callers pass the first to Lambda.
	RenderRoles []string
}

// A Caller is a principal to audit, and what for.
type Caller struct {
	// Name is user/NAME, role/NAME or sso/PERMISSION-SET.
	Name    string
	Purpose policies.Purpose
}

// Collect learns the facts. When ctx ends it returns what is known by then, and marks the targets
// that were cut off.
func (c Collector) Collect(ctx context.Context, plan Plan) audit.Facts {
	r := &run{iam: c.IAM, plan: plan, managed: map[string]*managedPolicy{}}
	throttled := func() int64 { return 0 }
	if c.Throttled != nil {
		before := c.Throttled()
		throttled = func() int64 { return c.Throttled() - before }
	}
	for _, caller := range plan.Callers {
		r.targets = append(r.targets, &target{facts: audit.TargetFacts{
			Kind: audit.Caller, Name: caller.Name, Purpose: caller.Purpose,
		}})
	}
	for _, role := range plan.RenderRoles {
		r.targets = append(r.targets, &target{facts: audit.TargetFacts{
			Kind: audit.RenderRole, Name: "role/" + role, Purpose: policies.Render,
		}})
	}
	// A permission set's role has to be found before anything can be asked about it.
	each(r.targets, func(t *target) { r.findPermissionSet(ctx, t) })

	// Documents are read while the principals themselves are looked up. Simulation waits for those
	// alone: a caller's right to pass the render role is about the role's real ARN.
	for _, t := range r.targets {
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
	each(r.targets, func(t *target) {
		defer close(t.lookedUp)
		r.lookUp(ctx, t)
	})
	renderRole, guessed := r.renderRole()
	each(r.targets, func(t *target) {
		t.facts.Place = policies.Place{
			Partition: plan.Partition, Account: plan.Account, Regions: plan.Regions,
			Caller: t.facts.ARN, RenderRole: renderRole, Buckets: plan.Buckets,
		}
		if guessed {
			t.facts.Guessed = append(t.facts.Guessed, renderRole)
		}
		if t.facts.Presence == audit.PresenceUnknown {
			t.facts.Guessed = append(t.facts.Guessed, t.facts.ARN)
		}
		// Without a principal there is nobody to ask about.
		if kind, _ := entity(t.facts.Name); kind != "sso" && t.facts.Presence != audit.Absent {
			r.simulate(ctx, t)
		}
		<-t.read
	})

	facts := audit.Facts{
		Account: plan.Account, Partition: plan.Partition, Regions: plan.Regions,
		Release: plan.Release, Requested: plan.Requested, Assumed: plan.Assumed,
	}
	for _, t := range r.targets {
		facts.Targets = append(facts.Targets, t.conclude(throttled()))
	}
	return facts
}

// run is one Collect.
type run struct {
	iam     *iam.Client
	plan    Plan
	targets []*target

	mu      sync.Mutex
	managed map[string]*managedPolicy
}

// target gathers what several goroutines learn about one principal; each writes a field of its own.
type target struct {
	facts       audit.TargetFacts
	lookup      reading // of the principal itself
	boundaryARN string
	lookedUp    chan struct{} // closed when lookup and boundaryARN are known
	documents   reading
	boundary    reading
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
	for _, p := range []reading{t.lookup, t.documents, t.boundary, t.simulation.reading} {
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
	for _, list := range [][]audit.Problem{f.Unread, f.Unanswered} {
		for i := range list {
			if list[i].Why == deadline && throttled > 0 {
				list[i].Why = fmt.Sprintf("%s, after AWS had throttled %d calls", deadline, throttled)
				list[i].Remedy = throttleRemedy
			}
		}
	}
	return f
}

// renderRole is the ARN callers pass to Lambda: the real one where the role was found. Where nobody
// could tell whether it exists, its path is a guess.
func (r *run) renderRole() (arn string, guessed bool) {
	for _, t := range r.targets {
		if t.facts.Kind == audit.RenderRole {
			return t.facts.ARN, t.facts.Presence == audit.PresenceUnknown
		}
	}
	return r.arn("role/" + policies.RoleName), false
}

// arn is that of a principal whose path is not known.
func (r *run) arn(name string) string {
	return "arn:" + r.plan.Partition + ":iam::" + r.plan.Account + ":" + name
}

// atOnce does n things at once, and returns when all are done.
func atOnce(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

func each[T any](list []T, do func(T)) {
	atOnce(len(list), func(i int) { do(list[i]) })
}

// entity splits user/NAME or role/NAME. The name is the last part: paths do not name anybody.
func entity(name string) (kind, last string) {
	kind, last, _ = strings.Cut(name, "/")
	return kind, last[strings.LastIndexByte(last, '/')+1:]
}
