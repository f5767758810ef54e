package collect

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// Collector reads from IAM and Lambda. It keeps no state between calls of Collect.
type Collector struct {
	IAM *iam.Client
	// Lambda lists functions in all regions; nil disables listing.
	Lambda *lambda.Client
	// STS asks whether a region accepts the credentials; nil leaves such a question open.
	STS *sts.Client
	// OrganizationID returns the id of the account's organization; nil leaves it unknown. Collect
	// calls it at most once, and only if the organization denies a request. An error is no problem.
	OrganizationID func(context.Context) (string, error)
	// Organizations reads the policies of the organization; nil leaves them unknown.
	Organizations OrganizationReader
	// Throttled returns the number of throttled answers; nil means none. Collect adds the number to
	// problems that the deadline caused.
	Throttled func() int64
}

// Plan is the configuration of one collection.
type Plan struct {
	Account, Partition string
	// Regions has at least one region. A region in Regions is audited if it is enabled in the account.
	// A region in Further is audited if it is enabled and no service control policy denies listing its
	// functions. If OnlyWithFunctions is set, a region in Further must also have functions of
	// Remotion.
	Regions, Further  []string
	OnlyWithFunctions bool
	// SeenRegions returns the regions in which earlier runs found functions of Remotion; nil for none.
	// Collect calls it only if a region cannot be listed.
	SeenRegions func() []string
	// Release is the audited release, Requested the configured value. If Requested is "auto", Release
	// applies only to accounts without functions and to functions of unknown releases.
	Release   policies.Release
	Requested string
	// Installed is a release that callers have installed; nil for none. If Requested is "auto", it is
	// one more release that the account is judged by, and replaces Release in an account without
	// functions.
	Installed *policies.Release
	// UpgradeTo is the release of a planned upgrade; nil for none.
	UpgradeTo *policies.Release
	Buckets   []policies.Bucket
	// Assumed holds context keys that are added to the default context of each request and override
	// it.
	Assumed iampolicy.Context
	// Organization are the service control policies of the account if they are known: see
	// iampolicy.Grants.
	Organization [][]iampolicy.Policy
	// ResourceControl are the resource control policies of the account if they are known.
	ResourceControl [][]iampolicy.Policy
	Callers         []Caller
	// RenderRoles are names of roles without a path. Callers pass the first role to new functions.
	RenderRoles []string
	// ListUsers is true if Collect may list the users of the account, to name one whose name is almost
	// that of a missing caller. The deployed function has no permission for that.
	ListUsers bool
	// Named is true if the auditor may read only the principals that its deployment names. Collect
	// then lists no functions, and AWS denies the search for the role of a caller sso/PERMISSION-SET.
	Named bool
	// Select returns the indexes of the targets to read, in order; nil reads all of them. It gets what
	// is known before the documents are read: kind, name, presence and scope.
	Select func(targets []audit.TargetFacts) []int
	// Ask returns requests to simulate in addition to the needs of a target by some releases; nil adds
	// none.
	Ask func(t audit.TargetFacts, releases []policies.Release) []needs.SimulationRequest
}

// Caller is a principal to audit with its purpose.
type Caller struct {
	// Name is user/NAME, role/NAME or sso/PERMISSION-SET.
	Name string
	// ARN is the ARN of the principal if the configuration has it; else empty.
	ARN string
	// Session is the name of the session whose role is audited, if the configuration has the ARN of a
	// session; else empty.
	Session string
	Purpose policies.Purpose
}

// maxTargets is the number of targets whose documents and answers are in memory at the same time.
// Their calls keep all connections to IAM busy.
const maxTargets = 8

// Collect reads the facts about the account and returns them without Targets. The sequence reads
// the targets and yields each once, with its index, in the order in which their reads end. It has
// the documents and answers of at most maxTargets targets in memory, so that the memory of a run
// does not depend on the number of targets. When ctx ends, Collect returns the facts so far, and
// the sequence marks the targets that were cut off.
func (c Collector) Collect(ctx context.Context,
	plan Plan) (audit.Facts, iter.Seq2[int, audit.TargetFacts]) {
	r := &run{iam: c.IAM, lambda: c.Lambda, sts: c.STS, plan: plan,
		managed: map[managedRead]*managedPolicy{}}
	r.organizationID = sync.OnceValue(func() string {
		if c.OrganizationID == nil {
			return ""
		}
		id, err := c.OrganizationID(ctx)
		if err != nil || !organizationIDs.MatchString(id) {
			return ""
		}
		return id
	})
	r.organization = sync.OnceValue(func() (read organizationRead) {
		if c.Organizations != nil && (plan.Organization == nil || plan.ResourceControl == nil) {
			read = r.readOrganization(ctx, c.Organizations)
		}
		return read
	})
	go r.organization() // all other reads run at the same time
	r.roleNames, r.userNames = onceWith(r.listRoleNames), onceWith(r.listUserNames)
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
	// The role of a permission set must be found before it can be read.
	forEachParallel(r.targets, func(t *target) { r.findPermissionSet(ctx, t) })

	// Listing functions, reading the principals and reading the documents of the first targets run
	// concurrently. The simulation waits for the functions and the principals, because the needs
	// depend on them.
	listings := make(chan []listing, 1)
	go func() { listings <- r.listFunctions(ctx) }()
	r.readTargets(ctx, r.targets)
	survey := r.survey(<-listings)
	r.readTargets(ctx, r.adoptFunctionRoles(&survey))
	r.suspectRegions(ctx, &survey)
	noDefault := r.dropMissingDefaultRole(ctx, survey)
	facts := audit.Facts{
		Account: plan.Account, Partition: plan.Partition, Regions: survey.regions,
		Release: plan.Release, Requested: plan.Requested, UpgradeTo: plan.UpgradeTo,
		Assumed:   plan.Assumed,
		Functions: survey.functions, Unlisted: survey.skipped, NoDefaultRole: noDefault,
		Undiscovered: plan.Named, Problems: explainDeadline(survey.problems, throttled()),
	}
	if plan.Requested == autoRelease {
		facts.Installed = plan.Installed
		facts.Releases = r.accountReleases(survey.functions)
	}
	facts.LateProblems = func() []audit.Problem { return r.organization().problems }
	r.resolveTargets(survey)
	r.selectTargets()
	for _, t := range r.targets {
		t.organization, t.resourceControl = plan.Organization, plan.ResourceControl
	}
	r.simulatedReleases = facts.SimulatedReleases()
	return facts, r.eachTarget(ctx, throttled)
}

// selectTargets keeps the targets that the plan selects.
func (r *run) selectTargets() {
	if r.plan.Select == nil {
		return
	}
	facts := make([]audit.TargetFacts, len(r.targets))
	for i, t := range r.targets {
		facts[i] = t.facts
	}
	var kept []*target
	for _, i := range r.plan.Select(facts) {
		kept = append(kept, r.targets[i])
	}
	r.targets = kept
}

// eachTarget reads the documents of the targets and simulates their needs, maxTargets at the same
// time, and yields each target when its reads end. A target that hangs does not stop the others.
func (r *run) eachTarget(ctx context.Context,
	throttled func() int64) iter.Seq2[int, audit.TargetFacts] {
	type read struct {
		index int
		facts audit.TargetFacts
	}
	return func(yield func(int, audit.TargetFacts) bool) {
		ctx, stop := context.WithCancel(ctx)
		var workers sync.WaitGroup
		defer workers.Wait()
		defer stop()
		complete, abandoned := make(chan read), make(chan struct{})
		defer close(abandoned)
		workers.Go(func() {
			parallelAtMost(maxTargets, len(r.targets), func(i int) {
				t := r.targets[i]
				r.targets[i] = nil // the sequence yields the target once
				r.readAll(ctx, t)
				select {
				case complete <- read{i, t.assemble(throttled())}:
				case <-abandoned:
				}
			})
		})
		for range len(r.targets) {
			if t := <-complete; !yield(t.index, t.facts) {
				return
			}
		}
	}
}

// readAll reads the documents of a target and simulates its needs.
func (r *run) readAll(ctx context.Context, t *target) {
	r.readDocuments(ctx, t)
	// A principal that does not exist cannot be simulated.
	if kind, _ := entity(t.facts.Name); kind != "sso" && t.facts.Presence != audit.Absent {
		r.simulate(ctx, t)
	}
	<-t.read
	r.findNamesake(ctx, t)
	r.applyOrganization(t)
	r.applyReadScope(t)
}

// readTargets reads the principals and waits for these reads. It also starts the reads of the
// documents of the first targets.
func (r *run) readTargets(ctx context.Context, targets []*target) {
	for i, t := range targets {
		t.lookedUp = make(chan struct{})
		if i < maxTargets {
			r.readDocuments(ctx, t)
		}
	}
	forEachParallel(targets, func(t *target) {
		defer close(t.lookedUp)
		r.readTarget(ctx, t)
	})
}

// readDocuments starts the reads of the documents of a target, unless they have started. They end
// when target.read is closed.
func (r *run) readDocuments(ctx context.Context, t *target) {
	if t.read != nil {
		return
	}
	t.read = make(chan struct{})
	go func() {
		defer close(t.read)
		var boundary sync.WaitGroup
		boundary.Go(func() {
			<-t.lookedUp
			t.boundary = r.readBoundary(ctx, t.facts.Name, t.boundaryARN)
		})
		t.documents = r.documents(ctx, t.facts.Name)
		boundary.Wait()
		r.reconcile(ctx, t)
	}()
}

// run holds the state of one call of Collect or AffectedBy.
type run struct {
	iam     *iam.Client
	lambda  *lambda.Client
	sts     *sts.Client
	plan    Plan
	targets []*target
	// simulatedReleases are the releases with needs that are simulated: see Facts.SimulatedReleases.
	simulatedReleases []policies.Release
	// edited replaces documents in simulations, and calls counts the calls for that, see
	// SimulateEdits. Both are nil for an audit.
	edited *editedDocuments
	calls  *int
	// rolesOnly is true if the run needs only the roles of functions, not their releases.
	rolesOnly bool
	// organizationID returns the id of the account's organization, or "" if it is unknown.
	organizationID func() string
	// organization returns what was read about the organization.
	organization func() organizationRead

	// roleNames and userNames list the account's roles and users once.
	roleNames, userNames func(context.Context) []string

	mu      sync.Mutex
	managed map[managedRead]*managedPolicy
	parsed  documentCache
}

// target holds the facts about one principal. Concurrent reads write different fields.
type target struct {
	facts        audit.TargetFacts
	fromFunction bool     // a render role of functions that is not configured
	lookup       snapshot // the read of the principal itself
	boundaryARN  string
	// permissionSets are the names of the permission sets that have roles, if the target is an absent
	// one.
	permissionSets []string
	lookedUp       chan struct{} // closed when lookup and boundaryARN are known
	documents      snapshot
	boundary       snapshot
	// organization and resourceControl are those of the plan.
	organization, resourceControl [][]iampolicy.Policy
	// read is closed when documents and boundary are known; it is nil before their reads.
	read       chan struct{}
	simulation simulationResult
}

// factsWithDocuments returns the facts with the documents. Callers wait for read before the call.
func (t *target) factsWithDocuments() audit.TargetFacts {
	f := t.facts
	f.Grants.Identity = t.documents.policies
	if len(t.boundary.policies) > 0 {
		f.Grants.Boundary = &t.boundary.policies[0]
	}
	f.Grants.Organization, f.Grants.ResourceControl = t.organization, t.resourceControl
	if linkedToService(f) {
		f.Grants.Organization, f.Grants.ResourceControl = nil, [][]iampolicy.Policy{}
	}
	f.Unread = slices.Concat(t.lookup.problems, t.documents.problems, t.boundary.problems)
	return f
}

// assemble returns the facts with all results, in an order that does not depend on the network.
func (t *target) assemble(throttled int64) audit.TargetFacts {
	f := t.factsWithDocuments()
	for _, p := range []snapshot{t.lookup, t.documents, t.boundary, t.simulation.snapshot} {
		f.CutOff = f.CutOff || p.cutOff
	}
	t.assess(&f)
	if f.Presence == audit.Absent {
		// Problems of a principal that does not exist are irrelevant.
		f.Unread, f.TrustProblem, f.CutOff = nil, audit.Problem{}, false
		return f
	}
	f.Answers, f.Unanswered = t.simulation.answers, t.simulation.problems
	f.Unread, f.Unanswered = explainDeadline(f.Unread, throttled),
		explainDeadline(f.Unanswered, throttled)
	return f
}

// explainDeadline adds the number of throttled calls to the problems that the deadline caused.
func explainDeadline(problems []audit.Problem, throttled int64) []audit.Problem {
	for i := range problems {
		if problems[i].Why == deadline && throttled > 0 {
			problems[i].Why = fmt.Sprintf("%s, after AWS had throttled %d calls", deadline, throttled)
			problems[i].Remedy = throttleRemedy
		}
	}
	return problems
}

// arn returns the ARN of an entity of the account, such as user/NAME. The ARN has no path.
func (r *run) arn(name string) string {
	return arn.IAM(r.plan.Partition, r.plan.Account, name)
}

// maxParallel is the largest number of concurrent calls of one parallelN. A goroutine that waits
// for a connection holds up to 64 KB.
const maxParallel = 32

// parallelN runs n calls, up to maxParallel of them concurrently, and waits for all of them.
func parallelN(n int, do func(i int)) { parallelAtMost(maxParallel, n, do) }

// parallelAtMost runs n calls, up to most of them concurrently, and waits for all of them.
func parallelAtMost(most, n int, do func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(most, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

func forEachParallel[T any](list []T, do func(T)) {
	parallelN(len(list), func(i int) { do(list[i]) })
}

// entity splits the name of a principal, such as user/NAME, into its kind and its last part. The
// last part has no path.
func entity(name string) (kind, last string) {
	kind, last, _ = strings.Cut(name, "/")
	return kind, arn.Name(last)
}
