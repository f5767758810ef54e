package collect

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// linkedToService reports whether the target is a service-linked role. Policies of the organization
// do not affect those roles.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
func linkedToService(t audit.TargetFacts) bool {
	a, _ := arn.Parse(t.ARN)
	return strings.HasPrefix(a.Resource, "role/aws-service-role/")
}

// organizationIDs matches the ids of organizations.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
var organizationIDs = regexp.MustCompile(`^o-[a-z0-9]{10,32}$`)

// simulateUnknownKeys simulates the requests that the organization denies again, with plausible
// values of the context keys that cannot be known, and stores the answers in Answer.Plausible. It
// makes at most two calls for each region that requests name: one for the requests with an ARN, and
// one for those on "*". It makes none if the organization denies nothing, or if the service control
// policies are given and explain all denials.
//
// If the id of the organization can be read, it first makes the same calls with that id, which the
// first requests lacked, and replaces their answers.
func (r *run) simulateUnknownKeys(ctx context.Context, t *target) {
	denied := t.organizationDenials()
	if denied == nil || ctx.Err() != nil {
		return
	}
	<-t.read
	if id := r.organizationID(); id != "" {
		t.facts.OrganizationID = id
		for q, a := range r.simulateDenied(ctx, t, denied, false) {
			t.simulation.answers[q] = a
		}
		denied = t.organizationDenials()
	}
	facts := r.judgedFacts(t)
	denied = slices.DeleteFunc(denied, facts.ExplainsDenial)
	for q, a := range r.simulateDenied(ctx, t, denied, true) {
		original := t.simulation.answers[q]
		original.Plausible, original.UnknownKeys = &a, facts.PlausibleKeys(q)
		t.simulation.answers[q] = original
	}
}

// organizationDenials returns the requests that the organization denies, sorted.
func (t *target) organizationDenials() (denied []needs.SimulationRequest) {
	for q, a := range t.simulation.answers {
		if a.OrganizationDenies {
			denied = append(denied, q)
		}
	}
	slices.SortFunc(denied, func(a, b needs.SimulationRequest) int {
		return cmp.Or(strings.Compare(a.Action, b.Action), strings.Compare(a.Resource, b.Resource),
			strings.Compare(a.Region, b.Region))
	})
	return denied
}

// simulateDenied simulates requests again, each region in at most two calls: one for the requests
// with an ARN, and one for those on "*". If the organization is known, each kind of owner has a
// call of its own, because the owner of the resource is then a part of the context. plausible
// adds plausible values of unknown keys. A call asks for every action on every resource, so it may
// contain pairs that are not needed. The answers lack the requests of calls that fail.
func (r *run) simulateDenied(ctx context.Context, t *target, requests []needs.SimulationRequest,
	plausible bool) map[needs.SimulationRequest]audit.Answer {
	facts := r.judgedFacts(t)
	batches := deniedBatches(requests, facts)
	results := make([]simulationResult, len(batches))
	parallelN(len(batches), func(i int) {
		b := batches[i]
		b.context = r.requestContext(t, b.sample)
		if slices.Contains(b.actions, passRole.Action) {
			b.context = audit.Overridden(audit.AssumedContext(passRole, nil), b.context)
		}
		if plausible {
			b.context = audit.Overridden(b.context, facts.PlausibleContext(b.sample))
		}
		results[i] = r.simulateBatch(ctx, t, b)
	})
	answers := map[needs.SimulationRequest]audit.Answer{}
	for _, q := range requests {
		for i, b := range batches {
			if kindOfBatch(b.sample, facts) != kindOfBatch(q, facts) {
				continue
			}
			if a, ok := answerInBatch(q, b, results[i].answers); ok {
				answers[q] = a
			}
		}
	}
	return answers
}

// passRole is a request whose context has the service that a role is passed to.
var passRole = needs.SimulationRequest{Action: "iam:PassRole"}

// batchKind is what the requests of a batch have in common. The owner matters only if the
// organization is known.
type batchKind struct {
	region string
	star   bool
	owner  audit.Ownership
}

func kindOfBatch(q needs.SimulationRequest, facts audit.TargetFacts) batchKind {
	k := batchKind{region: q.RequestedRegion(), star: q.Resource == "*"}
	if facts.OrganizationID != "" {
		k.owner = facts.Owner(q.Resource)
	}
	return k
}

// deniedBatches groups requests by region and kind of resource. A batch has at most maxResources
// resources. The first resource of each kind comes first.
func deniedBatches(requests []needs.SimulationRequest,
	facts audit.TargetFacts) (list []simulationBatch) {
	var kinds []batchKind
	groups := map[batchKind][]needs.SimulationRequest{}
	for _, q := range requests {
		k := kindOfBatch(q, facts)
		if groups[k] == nil {
			kinds = append(kinds, k)
		}
		groups[k] = append(groups[k], q)
	}
	for _, k := range kinds {
		b := simulationBatch{sample: groups[k][0]}
		b.sample.Region = k.region
		var further []string
		for _, q := range groups[k] {
			b.actions = textfmt.AppendNew(b.actions, q.Action)
			if slices.ContainsFunc(b.resources, func(r string) bool { return sameKind(r, q.Resource) }) {
				further = textfmt.AppendNew(further, q.Resource)
			} else {
				b.resources = append(b.resources, q.Resource)
			}
		}
		for _, resource := range further {
			b.resources = textfmt.AppendNew(b.resources, resource)
		}
		b.resources = b.resources[:min(len(b.resources), maxResources)]
		list = append(list, b)
	}
	return list
}

// answerInBatch returns the answer to q. If the batch has too many resources to contain that of q,
// it returns the answer to the same action on another resource of the same kind, provided that AWS
// allows the action on all of them.
func answerInBatch(q needs.SimulationRequest, b simulationBatch,
	answers map[needs.SimulationRequest]audit.Answer) (audit.Answer, bool) {
	inBatch := q
	inBatch.Region = b.sample.Region
	if a, ok := answers[inBatch]; ok || slices.Contains(b.resources, q.Resource) {
		return a, ok
	}
	var found audit.Answer
	ok := false
	for _, resource := range b.resources {
		inBatch.Resource = resource
		a, answered := answers[inBatch]
		if !answered || !sameKind(resource, q.Resource) {
			continue
		}
		if a.Decision != iampolicy.Allowed {
			return audit.Answer{}, false
		}
		found, ok = a, true
	}
	return found, ok
}

// sameKind reports whether two ARNs are of the same account, service and kind of resource.
func sameKind(a, b string) bool {
	x, _ := arn.Parse(a)
	y, _ := arn.Parse(b)
	return x.Service == y.Service && x.Account == y.Account && kindOf(x) == kindOf(y)
}

// kindOf returns the kind of a resource, such as "function". S3 has objects and buckets, and a log
// group has streams.
func kindOf(a arn.ARN) string {
	switch {
	case a.Service == "s3" && strings.Contains(a.Resource, "/"):
		return "object"
	case a.Service == "s3":
		return "bucket"
	case strings.Contains(a.Resource, ":log-stream:"):
		return "log-stream"
	}
	kind, _, _ := strings.Cut(a.Resource, ":")
	return kind
}
