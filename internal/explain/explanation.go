package explain

import (
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// SchemaVersion is the version of the JSON form of Explanations: docs/explain.schema.json.
const SchemaVersion = "1"

// Explanations are the derivations of one request for one or more principals.
type Explanations struct {
	SchemaVersion string `json:"schemaVersion"`
	// Account is empty if the account is unknown: policy files belong to none.
	Account      string        `json:"account,omitempty"`
	Explanations []Explanation `json:"explanations"`
}

// An Explanation is the derivation of the decision on one request of one principal.
type Explanation struct {
	Principal Principal `json:"principal"`
	Request   Request   `json:"request"`
	// Context lists the context of the request as key=value.
	Context []string `json:"context,omitempty"`
	Verdict Verdict  `json:"verdict"`
	// Layers are in the order of the evaluation.
	Layers     []Layer    `json:"layers"`
	Simulation Simulation `json:"simulation"`
	// NotVisible lists what may decide about the request and what is not read.
	NotVisible []string `json:"notVisible,omitempty"`
	// Requirement is what Remotion needs the request for; nil if Remotion does not need it of this
	// principal. NotNeeded then says why.
	Requirement *Requirement `json:"requirement,omitempty"`
	NotNeeded   string       `json:"notNeeded,omitempty"`
	// Others are the other resources on which Remotion needs the action. They are set only if the
	// question names no resource.
	Others []Other `json:"others,omitempty"`
	// Fix is the fix of the report that closes the gap; nil if there is none.
	Fix *Fix `json:"fix,omitempty"`

	// Finding is the finding of the report about Requirement; nil without one.
	Finding *audit.Finding `json:"-"`
}

// A Principal is the principal that makes the request.
type Principal struct {
	// Name is user/NAME or role/NAME, or the names of policy files.
	Name    string              `json:"name"`
	ARN     string              `json:"arn,omitempty"`
	Kind    audit.TargetKind    `json:"kind"`
	Policy  policies.PolicyKind `json:"policy"`
	Purpose policies.Purpose    `json:"purpose,omitempty"`
}

// Origin says where the resource of a request comes from.
type Origin string

const (
	// Asked means that the question names the resource.
	Asked Origin = "asked"
	// Needed means that Remotion needs the action on the resource.
	Needed Origin = "needed"
	// Chosen means that the question names no resource and Remotion needs none, so that the request
	// names the resource "*".
	Chosen Origin = "chosen"
)

// A Request is the request that is derived.
type Request struct {
	Action string `json:"action"`
	// By is the service that makes the request; empty if the principal makes it.
	By string `json:"by,omitempty"`
	// Resource is the resource or the pattern in question. Example is the concrete resource that the
	// layers are derived for: one that is not allowed if there is one.
	Resource string `json:"resource"`
	Example  string `json:"example"`
	Region   string `json:"region,omitempty"`
	Origin   Origin `json:"origin"`
}

// A Verdict is the judgement on all resources of the request, as an audit judges a requirement.
type Verdict struct {
	Status audit.Status `json:"status"`
	Cause  audit.Cause  `json:"cause,omitempty"`
	// Why is one sentence without a full stop; empty for a satisfied request.
	Why   string   `json:"why,omitempty"`
	Notes []string `json:"notes,omitempty"`
}

// LayerKind is a layer of the evaluation.
type LayerKind string

// The layers, in the order of the evaluation.
const (
	IdentityLayer     LayerKind = "identity"
	BoundaryLayer     LayerKind = "boundary"
	OrganizationLayer LayerKind = "organization"
	// ResourceControlLayer are the resource control policies that are given.
	ResourceControlLayer LayerKind = "resource-control"
	TrustLayer           LayerKind = "trust"
)

// Effect is what a layer does to the request.
type Effect string

const (
	// Allows means that a statement allows the request and none denies it.
	Allows Effect = "allows"
	// Denies means that a statement denies the request.
	Denies Effect = "denies"
	// DoesNotAllow means that no statement allows the request.
	DoesNotAllow Effect = "does not allow"
	// Undecided means that the effect depends on values that are not known.
	Undecided Effect = "undecided"
	// Absent means that there is no such layer, so that it allows everything.
	Absent Effect = "absent"
	// UnknownEffect means that the documents of the layer are not read, or not all of them.
	UnknownEffect Effect = "unknown"
)

// A Layer is one layer of the evaluation.
type Layer struct {
	Kind   LayerKind `json:"kind"`
	Effect Effect    `json:"effect"`
	// Note says what limits the effect; empty for nothing.
	Note      string     `json:"note,omitempty"`
	Documents []Document `json:"documents,omitempty"`
	// Unread are the documents of the layer that could not be read.
	Unread []audit.Problem `json:"unread,omitempty"`
}

// A Document is a policy document of a layer.
type Document struct {
	Policy string `json:"policy"`
	// Level is the level of the organization, from 1; 0 for other layers.
	Level int `json:"level,omitempty"`
	// Statements is the number of statements. Steps are those that matter, in the order of the
	// document, and More is the number of those that matter and that Steps leaves out.
	Statements int    `json:"statements"`
	Steps      []Step `json:"steps,omitempty"`
	More       int    `json:"more,omitempty"`
}

// Role is the part that a statement takes in the decision.
type Role string

const (
	// StatementAllows means that the statement allows the request.
	StatementAllows Role = "allows"
	// StatementDenies means that the statement denies the request.
	StatementDenies Role = "denies"
	// DependsOn means that the statement applies for some values that are not known.
	DependsOn Role = "undecided"
	// UnmetCondition means that action and resource match, and the condition does not.
	UnmetCondition Role = "condition not met"
	// MisnamedAction means that the statement names an action that does not exist, and probably means
	// the action of the request.
	MisnamedAction Role = "action that does not exist"
	// OtherResource means that the statement matches the action on other resources.
	OtherResource Role = "other resource"
	// ExcludedResource means that NotResource excludes the resource.
	ExcludedResource Role = "resource excluded"
	// ExcludedAction means that NotAction excludes the action.
	ExcludedAction Role = "action excluded"
	// OtherAction means that the statement allows other actions of the service on the resource.
	OtherAction Role = "other action"
	// OtherPrincipal means that the statement of a trust policy names other principals.
	OtherPrincipal Role = "other principal"
)

// A Step is the part that one statement takes in the decision.
type Step struct {
	Statement iampolicy.StatementRef `json:"statement"`
	Role      Role                   `json:"role"`
	// Decides is true if the statement decides about the layer.
	Decides bool `json:"decides,omitempty"`
	// Pattern is the pattern of the statement that matches the request, excludes it, or comes nearest.
	Pattern string `json:"pattern,omitempty"`
	// Miss says how Pattern misses the resource; nil if that does not apply.
	Miss *iampolicy.NearMatch `json:"miss,omitempty"`
	// Text says why the statement has its role, as a clause.
	Text string `json:"text"`
}

// A Simulation is the answer of AWS's policy simulator to the request.
type Simulation struct {
	// Resource is the simulated resource. Decision is empty if the request was not simulated; Why then
	// is the reason.
	Resource string `json:"resource,omitempty"`
	Decision string `json:"decision,omitempty"`
	Why      string `json:"why,omitempty"`
	// Context lists the context that AWS got as key=value.
	Context    []string `json:"context,omitempty"`
	Statements []string `json:"statements,omitempty"`
	Missing    []string `json:"missing,omitempty"`
	// OrganizationDenies and BoundaryDenies report whether AWS names that layer as a cause.
	OrganizationDenies bool `json:"organizationDenies,omitempty"`
	BoundaryDenies     bool `json:"boundaryDenies,omitempty"`
	// Otherwise is the decision with plausible values of OtherwiseKeys; empty if it was not asked.
	Otherwise     string   `json:"otherwise,omitempty"`
	OtherwiseKeys []string `json:"otherwiseKeys,omitempty"`
}

// A Requirement is what Remotion needs a request for.
type Requirement struct {
	Sid string `json:"sid"`
	// Resource is the documented pattern, and Needed is what the account needs of it.
	Resource   string               `json:"resource"`
	Needed     string               `json:"needed"`
	Severity   policies.Severity    `json:"severity"`
	Operations []policies.Operation `json:"operations,omitempty"`
	Reason     string               `json:"reason"`
	Impact     string               `json:"impact"`
	Breakage   policies.Breakage    `json:"breakage"`
	Source     string               `json:"source"`
	// Releases are the releases that the account is judged by and that need the permission.
	Releases []string `json:"releases,omitempty"`
}

// Other is another resource on which Remotion needs the action.
type Other struct {
	Resource string       `json:"resource"`
	Region   string       `json:"region,omitempty"`
	Status   audit.Status `json:"status"`
	Cause    audit.Cause  `json:"cause,omitempty"`
}

// A Fix says how to close the gap.
type Fix struct {
	// Text is the fix in one sentence without a full stop. Diff has the changed lines of documents,
	// each with its mark in the first column. Command prints the whole fix; empty for none.
	Text    string   `json:"text"`
	Diff    []string `json:"diff,omitempty"`
	Command string   `json:"command,omitempty"`
}
