package collect

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// MaxEditCalls is the largest number of calls of SimulateEdits.
const MaxEditCalls = 8

// errCallLimit is the error of a simulation that needs more calls than SimulateEdits makes.
var errCallLimit = fmt.Errorf("the simulation needs more than %d calls", MaxEditCalls)

// A Replacement is a policy after an edit.
type Replacement struct {
	// Location is that of the policy in the facts, or that of a policy to add.
	Location iampolicy.Location
	// Document is the whole new document, or nil if the edit removes the policy.
	Document *iampolicy.Document
}

// An EditedAnswer is the answer of AWS's simulator to one request, with the documents of an edit.
type EditedAnswer struct {
	Request needs.SimulationRequest
	// NotSimulated says why there is no answer; empty if there is one.
	NotSimulated string
	// Grant is the action to grant, Remedy another remedy of a request that was not simulated; both
	// can be empty.
	Grant, Remedy string
	audit.Answer
}

// Allowed reports whether AWS allows the request with the edited documents.
func (a EditedAnswer) Allowed() bool {
	return a.NotSimulated == "" && a.Decision == iampolicy.Allowed
}

// StillDenied returns what denies the request with the edited documents, or "" if AWS allows the
// request or did not simulate it.
func (a EditedAnswer) StillDenied() iampolicy.Cause {
	switch {
	case a.NotSimulated != "" || a.Decision == iampolicy.Allowed:
		return ""
	case a.OrganizationDenies:
		return iampolicy.SCP
	case a.BoundaryDenies:
		return iampolicy.PermissionsBoundary
	case a.Decision == iampolicy.ExplicitDeny:
		return iampolicy.IdentityDeny
	default:
		return iampolicy.NoGrant
	}
}

// SimulateEdits simulates requests of a target with edited documents: AWS excludes the policies
// that the edits replace and gets the whole new documents. It makes at most MaxEditCalls calls, one
// after the other, so that the first requests have precedence. It returns one answer for each
// request, in their order. It does not fail: an answer says why a request was not simulated.
//
// t are the facts from Collect, with the configured context in t.Assumed.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (c Collector) SimulateEdits(ctx context.Context, t audit.TargetFacts,
	requests []needs.SimulationRequest, edits []Replacement) []EditedAnswer {
	answers := make([]EditedAnswer, len(requests))
	for i, q := range requests {
		answers[i].Request = q
	}
	notSimulated := func(p audit.Problem) []EditedAnswer {
		for i := range answers {
			answers[i].NotSimulated, answers[i].Grant, answers[i].Remedy = p.Why, p.Grant, p.Remedy
		}
		return answers
	}
	edited, err := newEditedDocuments(t.Grants.Identity, edits)
	switch {
	case err != nil:
		return notSimulated(audit.Problem{Why: err.Error()})
	case t.Presence == audit.Absent:
		return notSimulated(audit.Problem{Why: "the principal does not exist"})
	}
	calls := 0
	r := &run{iam: c.IAM, plan: Plan{Assumed: t.Assumed}, edited: edited, calls: &calls}
	of := &target{facts: t}
	var refused *audit.Problem // of a call that AWS refuses for every request
	for _, b := range r.editBatches(of, requests) {
		var result simulationResult
		problem := audit.Problem{Why: errCallLimit.Error()}
		switch {
		case refused != nil:
			problem = *refused
		case calls < MaxEditCalls:
			result = r.simulateBatch(ctx, of, b)
			problem = problemOfEdits(result)
		}
		if problem.Grant != "" || result.missed != nil {
			refused = &problem
		}
		batchContext := contextText(b.context)
		for i, q := range requests {
			if !b.contains(q) || contextText(r.requestContext(of, q)) != batchContext {
				continue
			}
			if a, ok := result.answers[q]; ok {
				answers[i] = EditedAnswer{Request: q, Answer: a}
				continue
			}
			answers[i].NotSimulated, answers[i].Grant, answers[i].Remedy = problem.Why, problem.Grant,
				problem.Remedy
		}
	}
	return answers
}

// problemOfEdits returns why a result has no answer to a request.
func problemOfEdits(result simulationResult) audit.Problem {
	switch {
	case len(result.problems) > 0:
		return result.problems[0]
	case result.missed != nil:
		return audit.Problem{Why: "AWS does not find the principal"}
	}
	return audit.Problem{Why: "AWS's answer does not contain the request", Remedy: incompleteRemedy}
}

// contains reports whether a batch has a request.
func (b simulationBatch) contains(q needs.SimulationRequest) bool {
	return b.sample.Region == q.Region && slices.Contains(b.actions, q.Action) &&
		slices.Contains(b.resources, q.Resource)
}

// editBatches groups requests with equal contexts into batches. Like the audit, a batch has actions
// with the same resources. If there are more than MaxEditCalls of them, a batch has all actions on
// ARNs, or all on "*".
func (r *run) editBatches(t *target, requests []needs.SimulationRequest) []simulationBatch {
	type key struct{ action, region, context string }
	var precise []simulationBatch
	index := map[key]int{}
	for _, q := range requests {
		context := r.requestContext(t, q)
		k := key{q.Action, q.Region, contextText(context)}
		i, ok := index[k]
		if !ok {
			i = len(precise)
			index[k] = i
			precise = append(precise, simulationBatch{actions: []string{q.Action}, sample: q,
				context: context})
		}
		precise[i].resources = textfmt.AppendNew(precise[i].resources, q.Resource)
	}
	list := mergeBatches(precise, func(b simulationBatch) string { return fmt.Sprint(b.resources) })
	if len(list) > MaxEditCalls {
		list = mergeBatches(precise, func(b simulationBatch) string {
			return fmt.Sprint(b.sample.Resource == "*")
		})
	}
	var chunks []simulationBatch
	for _, b := range list {
		for resources := range slices.Chunk(b.resources, maxResources) {
			chunk := b
			chunk.resources = resources
			chunks = append(chunks, chunk)
		}
	}
	return chunks
}

// contextText returns the context as text that is the same for equal contexts.
func contextText(c iampolicy.Context) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%q=%q ", name, c[name])
	}
	return b.String()
}

// mergeBatches merges the batches of equal regions, contexts and kinds, in the order of the first
// of each.
func mergeBatches(list []simulationBatch, kind func(simulationBatch) string) []simulationBatch {
	var merged []simulationBatch
	index := map[string]int{}
	for _, b := range list {
		key := fmt.Sprintf("%q %s %s", b.sample.Region, contextText(b.context), kind(b))
		i, ok := index[key]
		if !ok {
			i = len(merged)
			index[key] = i
			merged = append(merged, simulationBatch{sample: b.sample, context: b.context})
		}
		for _, action := range b.actions {
			merged[i].actions = textfmt.AppendNew(merged[i].actions, action)
		}
		for _, resource := range b.resources {
			merged[i].resources = textfmt.AppendNew(merged[i].resources, resource)
		}
	}
	return merged
}

// maxItems is the largest number of results on a page.
const maxItems = 1000

// editedDocuments are the parameters of a simulation with edits.
type editedDocuments struct {
	excluded           []types.PolicyIdentifier
	identity, boundary []string
}

func (e *editedDocuments) addTo(in *iam.SimulatePrincipalPolicyInput) {
	in.MaxItems = aws.Int32(maxItems)
	in.PolicyExclusionList = e.excluded
	in.PolicyInputList = e.identity
	in.PermissionsBoundaryPolicyInputList = e.boundary
}

// newEditedDocuments returns the parameters for edits of a principal with identity policies. It
// returns an error for an edit that the simulator does not offer.
func newEditedDocuments(identity []iampolicy.Policy,
	edits []Replacement) (*editedDocuments, error) {
	e := &editedDocuments{}
	excluded, added := map[string]bool{}, map[string]bool{} // ARNs of managed policies
	for _, edit := range edits {
		at := edit.Location
		exists := slices.ContainsFunc(identity, func(p iampolicy.Policy) bool {
			return samePolicy(p.Location, at)
		})
		switch at.Kind {
		case iampolicy.InlineLocation:
			kind, name := entity(at.Holder)
			if exists {
				e.excluded = append(e.excluded, &types.PolicyIdentifierMemberInlinePolicyIdentifier{
					Value: types.InlinePolicyIdentifierType{AttachmentType: types.AttachmentType(kind),
						AttachmentName: &name, PolicyName: &at.Name}})
			}
		case iampolicy.ManagedLocation:
			if exists && !excluded[at.ARN] {
				excluded[at.ARN] = true
				e.excluded = append(e.excluded, &types.PolicyIdentifierMemberPolicyArn{Value: at.ARN})
				e.keepAttached(identity, edits, at)
			}
			if edit.Document != nil && at.ARN != "" {
				if added[at.ARN] {
					continue // a document counts once, however often it is attached
				}
				added[at.ARN] = true
			}
		case iampolicy.BoundaryLocation:
			if edit.Document != nil {
				e.boundary = []string{textOf(edit.Document)}
				continue
			}
			e.excluded = append(e.excluded, &types.PolicyIdentifierMemberPolicyType{
				Value: types.PolicyIdentifierPolicyTypePermissionBoundary})
		case iampolicy.SCPLocation:
			return nil, errors.New("the simulator cannot replace one service control policy")
		case iampolicy.TrustLocation:
			return nil, errors.New("the simulator does not evaluate trust policies")
		default:
			return nil, fmt.Errorf("the location of policy %q is unknown", textfmt.OneLine(at.Name))
		}
		if edit.Document != nil {
			e.identity = append(e.identity, textOf(edit.Document))
		}
	}
	return e, nil
}

// keepAttached adds the document of a managed policy that is also attached elsewhere, if the edits
// only detach it. The exclusion of an ARN excludes all attachments of the principal and its groups.
func (e *editedDocuments) keepAttached(identity []iampolicy.Policy, edits []Replacement,
	at iampolicy.Location) {
	for _, p := range identity {
		if p.Location.Kind == iampolicy.ManagedLocation && p.Location.ARN == at.ARN &&
			!slices.ContainsFunc(edits, func(r Replacement) bool {
				return samePolicy(r.Location, p.Location) || r.Document != nil && r.Location.ARN == at.ARN
			}) {
			e.identity = append(e.identity, textOf(p.Document))
			return
		}
	}
}

// samePolicy reports whether two locations are of the same attachment of the same policy.
func samePolicy(a, b iampolicy.Location) bool {
	return a.Kind == b.Kind && a.Holder == b.Holder && a.ARN == b.ARN &&
		(a.ARN != "" || a.Name == b.Name)
}

// textOf returns a document as the simulator gets it, without white space.
func textOf(d *iampolicy.Document) string {
	text, _ := d.MarshalJSON() // cannot fail
	return string(text)
}
