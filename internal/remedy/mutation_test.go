package remedy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

var (
	mutationCount = flag.Int("mutations", 60, "number of random damages of TestMutations")
	mutationShow  = flag.String("mutationshow", "", "log the fixes whose outcome contains this text")
	mutationSeed  = flag.Uint64("mutationseed", 1, "seed of the first random damage of TestMutations")
)

// TestMutations damages the policies of a target at random and checks the repair with concrete
// requests, by two evaluators that did not make it: the embedded AWS, and the plain evaluator of
// this package. With -v it prints the counts by kind of damage.
func TestMutations(t *testing.T) {
	counts := map[string]*tally{}
	failed := 0
	for i := range *mutationCount {
		seed := *mutationSeed + uint64(i)
		c := newMutated(t, seed)
		outcome := c.check()
		if c.problems != nil {
			if failed++; failed <= 10 {
				t.Errorf("seed %d: %s\n%s\nfix: %s", seed, strings.Join(c.damage, " + "),
					strings.Join(c.problems, "\n"), c.show())
			}
			outcome = "FAILED"
		}
		if *mutationShow != "" && strings.Contains(outcome, *mutationShow) {
			t.Logf("seed %d: %s: %s\n%s", seed, strings.Join(c.damage, " + "), outcome, c.show())
		}
		for _, name := range append(c.damage, "all") {
			if counts[name] == nil {
				counts[name] = &tally{}
			}
			counts[name].add(outcome)
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d failed", failed, *mutationCount)
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%-50s %s", name, counts[name])
	}
}

// A tally counts outcomes.
type tally struct{ counts map[string]int }

func (c *tally) add(outcome string) {
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[outcome]++
}

func (c *tally) String() string {
	total := 0
	var list []string
	for _, outcome := range slices.Sorted(maps.Keys(c.counts)) {
		total += c.counts[outcome]
		list = append(list, fmt.Sprintf("%s %d", outcome, c.counts[outcome]))
	}
	return fmt.Sprintf("%6d: %s", total, strings.Join(list, ", "))
}

// A mutated is a damaged world with its report.
type mutated struct {
	testing.TB
	w      *world
	damage []string
	guard  bool
	// addressed is true if a condition depends on the source address, which is not known.
	addressed    bool
	requirements []policies.Requirement
	documented   []policies.Requirement
	fix          *remedy.Fix
	report       audit.Report
	problems     []string
}

func newMutated(t testing.TB, seed uint64) *mutated {
	t.Helper()
	c := &mutated{TB: t, w: newWorld(seed)}
	for range 1 + c.w.IntN(3) {
		m := mutations[c.w.IntN(len(mutations))]
		if slices.Contains(c.damage, m.name) || !m.do(c.w) {
			continue
		}
		c.damage = append(c.damage, m.name)
		c.guard = c.guard || m.guard
	}
	c.requirements = c.w.requirements()
	c.documented = c.w.release.Requirements(c.w.kind)
	c.addressed = slices.ContainsFunc(c.w.docs, func(d *document) bool {
		return strings.Contains(d.text(), "SourceIp")
	})
	c.report = audit.Evaluate(c.w.facts(t))
	if len(c.report.Fixes) > 0 {
		c.fix = &c.report.Fixes[0]
	}
	return c
}

func (c *mutated) problem(format string, args ...any) {
	if len(c.problems) < 5 {
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	}
}

// check checks all properties of the fix, and returns what the fix achieves in one phrase.
func (c *mutated) check() string {
	c.checkDamage()
	if c.fix == nil {
		if c.report.Summary.Gaps > 0 {
			c.problem("%d gaps and no fix", c.report.Summary.Gaps)
		}
		if c.report.Summary.Unverified > 0 {
			return "no gap, unverified"
		}
		return "no gap"
	}
	if c.w.chance(25) {
		again := audit.Evaluate(c.w.facts(c))
		if a, b := asText(c.fix), asText(again.Fixes[0]); a != b {
			c.problem("two runs differ: %s and %s", a, b)
		}
	}
	c.checkComplete()
	after := c.w.apply(c.fix.Edits)
	c.checkEdits(c.w, c.fix.Edits)
	c.checkCloses(after, c.fix.Closes)
	c.checkKept(c.w, after)
	c.checkAdded(c.w, after, c.fix.Closes, c.granted())
	for _, g := range c.fix.Guards {
		c.checkGuard(after, g)
	}
	c.checkGuardsTogether(after)
	if c.fix.Wider != nil {
		c.checkWider(*c.fix.Wider)
	}
	return c.outcome()
}

// sharedGuard reports whether two guards edit the same document.
func (c *mutated) sharedGuard() bool {
	seen := map[string]bool{}
	for _, g := range c.fix.Guards {
		for _, e := range g.Edits {
			key := fmt.Sprint(e.Location.Kind, e.Location.Holder, e.Location.Name, e.Location.ARN)
			if seen[key] {
				return true
			}
			seen[key] = true
		}
	}
	return false
}

// checkGuardsTogether checks that all exceptions together close all gaps that no other owner
// blocks.
func (c *mutated) checkGuardsTogether(fixed *world) {
	if c.sharedGuard() || c.w.unseen || len(c.fix.Guards) < 2 {
		return
	}
	after := fixed
	var blocked []remedy.Need
	for _, g := range c.fix.Guards {
		if g.Edits == nil {
			return
		}
		after = after.apply(g.Edits)
		blocked = append(blocked, g.Blocks...)
	}
	c.checkCloses(after, blocked)
}

// outcome says how much the fix closes.
func (c *mutated) outcome() string {
	f := c.fix
	var guarded, asked, several, open int
	why := ""
	for _, g := range f.Guards {
		switch {
		case g.Ask != "":
			asked++
		case g.Edits == nil:
			open++
			why, _, _ = strings.Cut(g.Why, ":")
		case len(g.Closes) < len(g.Blocks):
			several++
		default:
			guarded++
		}
	}
	switch {
	case f.Withheld != "":
		return "withheld (" + f.Withheld + ")"
	case len(f.Closes) == f.Gaps:
		return "repaired"
	case len(f.Remaining) > 0:
		return "partly: " + f.Remaining[0].Why
	case asked > 0:
		return "partly, owner asked"
	case open > 0:
		return "partly, no exception: " + why
	case several > 0 && c.sharedGuard():
		return "repaired with several guards of one document"
	case several > 0:
		return "repaired with several guards"
	case guarded > 0:
		return "repaired with a guard"
	}
	return "unexplained"
}

// checkDamage compares the findings with concrete requests: a satisfied requirement is allowed.
func (c *mutated) checkDamage() {
	both := c.evaluators(c.w)
	for _, f := range c.report.Findings {
		if f.Status != audit.Satisfied || f.Sid == audit.TrustSid {
			continue
		}
		for _, q := range c.probes(remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource}) {
			if len(f.Notes) == 0 && !both.always(q) {
				c.problem("satisfied, but not allowed: %v", q)
			}
		}
	}
}

// checkComplete checks that each gap is closed or explained, and that damage to the identity
// policies of the account is closed.
func (c *mutated) checkComplete() {
	f := c.fix
	if f.Withheld != "" {
		c.problem("withheld: %s", f.Withheld)
	}
	explained := slices.Clone(f.Closes)
	for _, g := range f.Guards {
		explained = append(explained, g.Blocks...)
		if g.Edits == nil && g.Why == "" {
			c.problem("guard %s without edits and reason", g.Policy)
		}
		if g.Cause == iampolicy.SCP && g.Ask == "" {
			c.problem("guard %s without a text for its owner", g.Policy)
		}
	}
	for _, r := range f.Remaining {
		explained = append(explained, r.Need)
		if r.Why == "" {
			c.problem("%v remains without a reason", r.Need)
		}
	}
	gaps := 0
	for _, finding := range c.report.Findings {
		if !finding.Status.Gap() {
			continue
		}
		gaps++
		n := remedy.Need{Sid: finding.Sid, Action: finding.Action, Resource: finding.Resource}
		if f.Withheld == "" && !slices.Contains(explained, n) {
			c.problem("%v is neither closed nor explained", n)
		}
	}
	if f.Gaps != gaps {
		c.problem("%d gaps, want %d", f.Gaps, gaps)
	}
	if !c.guard && len(f.Closes) < gaps && c.hasRoom() {
		c.problem("closes %d of %d", len(f.Closes), gaps)
	}
}

// hasRoom reports whether the target can have another managed policy.
func (c *mutated) hasRoom() bool { return c.w.attached() < 10 }

// checkEdits checks that the documents of edits are valid within the quotas of IAM.
func (c *mutated) checkEdits(before *world, edits []remedy.Edit) {
	after := before.apply(edits)
	for _, e := range edits {
		d := before.find(e.Location)
		switch {
		case d != nil && d.byAWS:
			c.problem("edit of %s, which AWS owns", d.id)
		case (d == nil) != (e.Before == nil):
			c.problem("edit of %s: it does not say whether the document exists", e.Policy)
		case !slices.ContainsFunc(e.Changes, func(change remedy.Change) bool {
			return change.Kind != remedy.CompactDocument
		}) && len(e.Changes) > 0 && len(edits) == 1:
			c.problem("edit of %s only compacts", e.Policy)
		case len(e.Changes) == 0:
			c.problem("edit of %s without changes", e.Policy)
		case e.Characters > e.Quota:
			c.problem("edit of %s: %d of %d characters", e.Policy, e.Characters, e.Quota)
		}
		text, err := json.Marshal(e.After)
		if err != nil {
			c.problem("%s: %v", e.Policy, err)
		}
		if _, err := iampolicy.Parse(string(text)); err != nil {
			c.problem("%s: %v", e.Policy, err)
		}
		limit := 6144
		size := iampolicy.Size(string(text))
		switch e.Location.Kind {
		case iampolicy.SCPLocation:
			limit = 5120
		case iampolicy.InlineLocation:
			limit = quota(e.Location.Holder)
			size = after.used(e.Location.Holder)
		}
		if size > limit {
			c.problem("%s has %d of %d characters", e.Policy, size, limit)
		}
	}
	if after.attached() > max(10, before.attached()) {
		c.problem("%d managed policies", after.attached())
	}
}

// checkCloses checks that the requests of requirements are allowed.
func (c *mutated) checkCloses(after *world, closed []remedy.Need) {
	both := c.evaluators(after)
	for _, n := range closed {
		for _, q := range c.probes(n) {
			if !both.always(q) {
				c.problem("claimed as closed, but not allowed: %v", q)
			}
		}
	}
}

// checkKept checks that no request that is allowed before is denied after, unless a correction of
// the fix drops its pattern and no resource that exists is meant.
func (c *mutated) checkKept(before, after *world) {
	was, is := c.evaluators(before), c.evaluators(after)
	for _, q := range c.samples(before, 30) {
		for _, ctx := range c.contexts(q) {
			if was.allow(q, ctx) && !is.allow(q, ctx) && !c.dropped(q) {
				c.problem("no longer allowed: %v with %v", q, ctx)
			}
		}
	}
}

// dropped reports whether a correction of the fix drops the pattern of a request.
func (c *mutated) dropped(q request) bool {
	exists := slices.Contains(c.existing(), q.resource)
	for _, e := range c.fix.Edits {
		for _, change := range e.Changes {
			for _, old := range change.Old {
				old = strings.ReplaceAll(old, "${aws:username}", "ci")
				if change.Kind == remedy.CorrectResource && plainResource(old, q.resource) && !exists ||
					change.Kind == remedy.CorrectAction && strings.EqualFold(old, q.action) {
					return true
				}
			}
		}
	}
	return false
}

// existing lists resources of the account.
func (c *mutated) existing() []string {
	s := c.w.scope
	list := []string{c.w.arn}
	for region, names := range s.Functions {
		for _, name := range names {
			list = append(list, s.FunctionARN(region, name))
		}
	}
	for _, b := range s.Buckets {
		list = append(list, s.BucketARN(b.Name), s.BucketARN(b.Name)+"/object")
	}
	return list
}

// granted lists all gaps that edits may grant: the closed ones, and those that a guard blocks.
func (c *mutated) granted() []remedy.Need {
	list := slices.Clone(c.fix.Closes)
	for _, g := range c.fix.Guards {
		list = append(list, g.Blocks...)
	}
	for _, r := range c.fix.Remaining {
		list = append(list, r.Need)
	}
	return list
}

// checkAdded checks that each request that only the world after allows is one that the gaps need.
func (c *mutated) checkAdded(before, after *world, closed, granted []remedy.Need) {
	was, is := c.evaluators(before), c.evaluators(after)
	list := c.samples(after, 50)
	for _, n := range closed {
		for _, q := range c.probes(n) {
			list = append(list, q, c.sibling(q), request{c.randomAction(), q.resource, q.region})
		}
	}
	for _, q := range list {
		if !possible(q) {
			continue
		}
		for _, ctx := range c.contexts(q) {
			if !was.allow(q, ctx) && is.allow(q, ctx) && !c.needed(q, granted) {
				c.problem("newly allowed, but not needed: %v with %v", q, ctx)
			}
		}
	}
}

// possible reports whether a request can exist: its action does, and its ARN has a partition, a
// service, a region and an account in lower case.
func possible(q request) bool {
	fields, n := arn.Split(q.resource)
	head := strings.Join(fields[:arn.Resource], ":")
	return iamactions.Exists(q.action) && (n < len(fields) || head == strings.ToLower(head))
}

// needed reports whether gaps need a request: by the documented patterns, by the needed ones, or
// because the documented statement of a gap has it.
func (c *mutated) needed(q request, gaps []remedy.Need) bool {
	for _, d := range c.documented {
		pattern := strings.ReplaceAll(d.Resource, "${aws:username}", "ci")
		if strings.EqualFold(d.Action, q.action) && plainResource(pattern, q.resource) &&
			slices.ContainsFunc(gaps, func(n remedy.Need) bool { return n.Sid == d.Sid }) {
			return true
		}
	}
	for _, n := range gaps {
		if !strings.EqualFold(n.Action, q.action) {
			continue
		}
		if plainResource(strings.ReplaceAll(n.Resource, "${aws:username}", "ci"), q.resource) {
			return true
		}
		for _, need := range c.needsOf(n) {
			if plainResource(need.Pattern, q.resource) || need.Contested != "" && plainResource(
				need.Contested, q.resource) {
				return true
			}
		}
	}
	return false
}

// checkGuard checks an exception, together with the edits of the fix.
func (c *mutated) checkGuard(fixed *world, g remedy.Guard) {
	if g.Edits == nil || g.Cause == remedy.TrustCause {
		if len(g.Closes) > 0 {
			c.problem("guard %s closes gaps without edits", g.Policy)
		}
		return
	}
	after := fixed.apply(g.Edits)
	c.checkEdits(fixed, g.Edits)
	c.checkCloses(after, g.Closes)
	if g.AlsoAllows == nil {
		open := func(w *world) *world {
			c := w.clone()
			all := []map[string]any{newStatement(allowAll)}
			if g.Cause == iampolicy.IdentityDeny {
				c.docs = append(c.docs, w.inline(w.name, "everything", all))
			}
			return c
		}
		c.checkAdded(open(fixed), open(after), g.Blocks, c.granted())
	}
	c.checkKept(fixed, after)
	if len(g.Closes) == 0 && len(c.fix.Guards) == 1 && len(g.Blocks) > 0 && g.Cause != iampolicy.SCP {
		c.problem("guard %s closes none of %d", g.Policy, len(g.Blocks))
	}
}

func (c *mutated) checkWider(w remedy.Wider) {
	after := c.w.apply(w.Edits)
	c.checkEdits(c.w, w.Edits)
	c.checkCloses(after, w.Closes)
}

// A request is one action on one resource.
type request struct{ action, resource, region string }

// An evaluators are the two evaluators of a world.
type evaluators struct {
	c        *mutated
	emulated iampolicy.Grants
	plain    plainPolicies
}

func (c *mutated) evaluators(w *world) evaluators {
	return evaluators{c, w.emulated(c), w.plain(c)}
}

// allow reports whether a request is allowed, and that both evaluators agree about it.
func (e evaluators) allow(q request, ctx iampolicy.Context) bool {
	lowered := map[string]string{}
	for k, v := range ctx {
		lowered[strings.ToLower(k)] = v[0]
	}
	plain := e.plain.allow(q.action, q.resource, lowered)
	emulated := e.emulated.Evaluate(iampolicy.Request{Action: q.action, Resource: q.resource,
		Context: ctx}).Decision == iampolicy.Allowed
	if plain != emulated {
		e.c.problem("the evaluators disagree: %v: emulated %t, plain %t", q, emulated, plain)
	}
	return plain
}

// always reports whether a request is allowed with all values of unknown keys.
func (e evaluators) always(q request) bool {
	for _, ctx := range e.c.contexts(q) {
		if !e.allow(q, ctx) {
			return false
		}
	}
	return true
}

// contexts returns the contexts of a request: the source address is not known.
func (c *mutated) contexts(q request) (list []iampolicy.Context) {
	region := q.region
	if a, _ := arn.Parse(q.resource); a.Region != "" {
		region = a.Region
	}
	if strings.HasPrefix(q.action, "iam:") {
		region = map[string]string{policies.AWS: "us-east-1",
			policies.China: "cn-north-1"}[c.w.scope.Partition]
	}
	addresses := []string{"", "192.0.2.9", "52.57.0.1"}
	if !c.addressed {
		addresses = addresses[:1]
	}
	for _, address := range addresses {
		ctx := iampolicy.Context{"aws:RequestedRegion": {region}, "aws:SecureTransport": {"true"},
			"aws:ViaAWSService": {"false"}, "aws:PrincipalIsAWSService": {"false"},
			"aws:PrincipalArn": {c.w.arn}, "aws:PrincipalAccount": {account}}
		if q.action == "iam:PassRole" {
			ctx["iam:PassedToService"] = []string{"lambda.amazonaws.com"}
		}
		if c.w.kind == policies.User {
			ctx["aws:username"] = []string{"ci"}
		}
		if address != "" {
			ctx["aws:SourceIp"] = []string{address}
		}
		list = append(list, ctx)
	}
	return list
}

// needsOf returns the needs of a requirement.
func (c *mutated) needsOf(n remedy.Need) (list []needs.Need) {
	for _, r := range c.requirements {
		if r.Sid == n.Sid && r.Action == n.Action && r.Resource == n.Resource {
			list = append(list, c.w.scope.Needed(r)...)
		}
	}
	return list
}

// probes returns concrete requests of a requirement: the samples, and random names.
func (c *mutated) probes(n remedy.Need) (list []request) {
	for _, need := range c.needsOf(n) {
		list = append(list, request{need.Action, need.Resource, need.Region})
		if need.Contested != "" {
			list = append(list, request{need.Action, strings.ReplaceAll(need.Contested, "*", "x"),
				need.Region})
		}
		if !need.Literal {
			for range 2 {
				list = append(list, request{need.Action, c.instance(need.Pattern), need.Region})
			}
		}
	}
	return list
}

// instance replaces the wildcards of a pattern by random names.
func (c *mutated) instance(pattern string) string {
	w := c.w
	if pattern == "*" {
		pattern = w.one("*", "arn:"+w.scope.Partition+":s3:::*",
			"arn:"+w.scope.Partition+":lambda:*:*:function:*")
	}
	pattern = strings.ReplaceAll(pattern, "${aws:username}", "ci")
	fields, n := arn.Split(pattern)
	if n < len(fields) {
		return pattern
	}
	fields[arn.Partition] = strings.ReplaceAll(fields[arn.Partition], "*", w.scope.Partition)
	fields[arn.Service] = strings.ReplaceAll(fields[arn.Service], "*", "s3")
	if strings.ContainsAny(fields[arn.Region], "*") {
		fields[arn.Region] = w.one(w.scope.Regions[0], "us-east-1", "eu-central-1")
	}
	if strings.ContainsAny(fields[arn.Account], "*") {
		fields[arn.Account] = w.one(account, "999999999999")
	}
	var b strings.Builder
	key := false
	for _, r := range fields[arn.Resource] {
		switch {
		case r == '/':
			key = true
			b.WriteRune(r)
		case r == '?':
			b.WriteByte('q')
		case r == '*' && fields[arn.Service] == "s3" && key:
			b.WriteString(w.one("renders/a1/out.mp4", "x", "sites/é:1/index.html"))
		case r == '*':
			b.WriteString(w.one("x7", "a-b.c", "prod", "useast1-a1b2c3",
				"4-0-527-mem2048mb-disk2048mb-120sec"))
		default:
			b.WriteRune(r)
		}
	}
	fields[arn.Resource] = b.String()
	return fields.String()
}

// samples returns random requests around the statements of a world: their own actions and
// resources, other actions on the same resources, and the same actions on other resources.
func (c *mutated) samples(w *world, n int) (list []request) {
	var statements []map[string]any
	for _, d := range w.docs {
		statements = append(statements, d.statements...)
	}
	for range n {
		q := request{c.randomAction(), c.w.one(c.existing()...), c.w.scope.Regions[0]}
		if len(statements) > 0 {
			s := statements[c.w.IntN(len(statements))]
			if actions := plainTexts(s["Action"]); actions != nil && c.w.chance(75) {
				q.action = c.concreteAction(c.w.one(actions...))
			}
			s = statements[c.w.IntN(len(statements))]
			if resources := plainTexts(s["Resource"]); resources != nil && c.w.chance(85) {
				q.resource = c.instance(c.w.one(resources...))
			}
		}
		if c.w.chance(20) {
			q = c.sibling(q)
		}
		list = append(list, q)
	}
	return list
}

// concreteAction returns an action that matches a pattern.
func (c *mutated) concreteAction(pattern string) string {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern
	}
	if list := iamactions.Matching(pattern); len(list) > 0 {
		return c.w.one(list...)
	}
	return c.randomAction()
}

// allActions lists the actions of the services that Remotion uses.
var allActions = sync.OnceValue(func() (list []string) {
	for _, pattern := range []string{"s3:*", "lambda:*", "logs:*", "iam:*", "servicequotas:*"} {
		list = append(list, iamactions.Matching(pattern)...)
	}
	return list
})

func (c *mutated) randomAction() string {
	if c.w.chance(50) {
		all := c.documented
		return all[c.w.IntN(len(all))].Action
	}
	return c.w.one(allActions()...)
}

// sibling returns a request on a similar resource.
func (c *mutated) sibling(q request) request {
	switch c.w.IntN(6) {
	case 0:
		q.resource = strings.Replace(q.resource, account, "999999999999", 1)
	case 1:
		q.resource = strings.Replace(q.resource, ":"+q.region+":", ":ap-south-1:", 1)
	case 2:
		q.resource = strings.Replace(q.resource, "remotion", "acme", 1)
	case 3:
		q.resource = strings.Replace(q.resource, "-", "", 1)
	case 4:
		q.resource += "/x"
	default:
		q.resource = strings.TrimSuffix(q.resource, "x7")
	}
	return q
}

func asText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// show describes the fix and the documents before it.
func (c *mutated) show() string {
	var b strings.Builder
	if c.fix == nil {
		return "none"
	}
	fmt.Fprintf(&b, "%s %s %s %v %v closes %d of %d\n", c.w.kind, c.w.purpose, c.w.release.Name(),
		c.w.scope.Regions, c.w.scope.Buckets, len(c.fix.Closes), c.fix.Gaps)
	for _, d := range c.w.docs {
		fmt.Fprintf(&b, " %s of %s %.1500s\n", d.id, d.at.Holder, d.text())
	}
	edits := func(list []remedy.Edit) {
		for _, e := range list {
			fmt.Fprintf(&b, "  edit %s %d/%d\n", e.Policy, e.Characters, e.Quota)
			for _, change := range e.Changes {
				fmt.Fprintf(&b, "    %s %d %s: -%v +%v: %s\n", change.Kind, change.Statement, change.Sid,
					change.Old,
					change.New, change.Text)
			}
		}
	}
	edits(c.fix.Edits)
	for _, g := range c.fix.Guards {
		fmt.Fprintf(&b, " guard %s %s owner=%s blocks=%v closes=%d also=%v why=%s\n", g.Cause, g.Policy,
			g.Owner,
			g.Blocks, len(g.Closes), g.AlsoAllows, g.Why)
		edits(g.Edits)
		for _, e := range g.Edits {
			fmt.Fprintf(&b, "%.1500s\n", asText(e.After))
		}
	}
	for _, r := range c.fix.Remaining {
		fmt.Fprintf(&b, " remaining %v\n", r)
	}
	return b.String()
}
