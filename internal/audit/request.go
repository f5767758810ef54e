package audit

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// DecisionContext returns the context in which the engine evaluates a request of the target: what
// RequestContext returns, and the keys that AWS sets for the principal.
func (t TargetFacts) DecisionContext(q needs.SimulationRequest) iampolicy.Context {
	return t.context(q)
}

// JudgeNeed returns the judgement on one need as a finding. It combines the documents and the
// answer of AWS as an audit does. The finding has no requirement: no Sid, severity or impact.
func (t TargetFacts) JudgeNeed(n needs.Need) Finding {
	v := t.decide(n)
	f := Finding{Target: t.Name, Policy: t.Kind.Policy(), Action: n.Action, Resource: n.Pattern,
		Status: v.status, Cause: v.cause, Why: v.why, ExampleARN: v.example, Region: n.Region,
		Inspected: v.inspected, Simulated: v.simulated, Statements: v.statements,
		SimulatedStatements: v.simulatedStatements, MissingContext: v.missing, Asked: 1,
		UnderAssumedContext: v.assumed}
	f.Notes = addNote(nil, v.note)
	if f.Status == Satisfied {
		f.ExampleARN, f.Covered = "", 1
	}
	return f
}

// JudgeTrust returns the finding about the trust policy of a render role.
func (t TargetFacts) JudgeTrust() Finding { return withFunctions(evaluateTrust(t), t) }

// JudgedBy returns the releases that a target is judged by, oldest first.
func (f Facts) JudgedBy(t TargetFacts) []policies.Release {
	return slices.Clone(t.judgedBy(f.judgedBy()))
}

// ContextLines returns a context as sorted lines, key=value.
func ContextLines(c iampolicy.Context) []string { return contextLines(c) }
