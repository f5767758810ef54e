package denial

// Kind says what an error text reports.
type Kind string

const (
	// Denied means that AWS denied a request.
	Denied Kind = "access-denied"
	// Encoded means that AWS denied a request and encoded the details.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
	Encoded Kind = "encoded-message"
	// OtherProblem means that no permission is missing: see Message.Problem.
	OtherProblem Kind = "other-problem"
	// Unknown means that the text has no known form.
	Unknown Kind = "unknown"
)

// unknown is the text of a fact that the error does not state.
const unknown = "unknown"

// A Fact is a part of the error text. An empty Fact is unknown.
type Fact string

// Known reports whether the error states the fact.
func (f Fact) Known() bool { return f != "" }

// String returns the fact, or "unknown".
func (f Fact) String() string {
	if f == "" {
		return unknown
	}
	return string(f)
}

// MarshalText returns the fact, or "unknown".
func (f Fact) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// A Layer is a type of policy, in AWS's words. An empty Layer is unknown.
type Layer string

// The types of policies that an error can name.
const (
	IdentityPolicy  Layer = "identity-based policy"
	Boundary        Layer = "permissions boundary"
	ServiceControl  Layer = "service control policy"
	ResourceControl Layer = "resource control policy"
	SessionPolicy   Layer = "session policy"
	ResourcePolicy  Layer = "resource-based policy"
	VPCEndpoint     Layer = "VPC endpoint policy"
	TrustPolicy     Layer = "role trust policy"
)

// MarshalText returns the layer, or "unknown".
func (l Layer) MarshalText() ([]byte, error) { return Fact(l).MarshalText() }

// Deny says how a policy denied a request. An empty Deny is unknown.
type Deny string

const (
	// Explicit means that a Deny statement matched the request.
	Explicit Deny = "explicit"
	// Implicit means that no Allow statement matched the request.
	Implicit Deny = "implicit"
)

// MarshalText returns the deny, or "unknown".
func (d Deny) MarshalText() ([]byte, error) { return Fact(d).MarshalText() }

// A Message holds the facts that an error text states.
type Message struct {
	Kind Kind `json:"kind"`
	// Code is the error code, such as AccessDeniedException.
	Code Fact `json:"code"`
	// Principal is the ARN of the caller, or "anonymous". Target is the name of the user or role as
	// the audit names its targets: user/ci, role/deploy.
	Principal Fact `json:"principal"`
	Target    Fact `json:"target"`
	// FunctionRole is true if the text says that the principal is the role of a function.
	FunctionRole bool `json:"functionRole,omitempty"`
	// Action is the denied action. OneOf lists the actions if the text names several, one of which
	// is denied.
	Action Fact     `json:"action"`
	OneOf  []string `json:"oneOf,omitempty"`
	// Operation is the operation of the API. An operation can need several actions.
	Operation Fact  `json:"operation"`
	Resource  Fact  `json:"resource"`
	Layer     Layer `json:"layer"`
	Deny      Deny  `json:"deny"`
	// Policy is the ARN of the policy with the Deny statement. AWS names it since January 2026.
	// https://aws.amazon.com/blogs/security/enhanced-access-denied-error-messages-with-policy-arns
	Policy Fact `json:"policy"`
	// Statement is the Sid of the Deny statement in a decoded authorization message.
	Statement Fact `json:"statement"`
	// Account is the account of the principal. Region is the region of the request.
	Account   Fact `json:"account"`
	Region    Fact `json:"region"`
	RequestID Fact `json:"requestId"`
	// EventID is the id of the CloudTrail record.
	EventID Fact `json:"eventId"`
	// EncodedMessage is the encoded authorization message.
	EncodedMessage Fact `json:"encodedMessage"`
	// Decoded is true if facts come from the decoded message: see WithDecoded.
	Decoded bool `json:"decoded,omitempty"`
	// Problem is the class of an error that no policy causes. It is nil for a denial.
	Problem *Problem `json:"problem,omitempty"`
	// Others is the number of further errors in the text.
	Others int `json:"others,omitempty"`
	// Notes say what Read left out.
	Notes []string `json:"notes,omitempty"`
}

// facts returns the number of facts that identify the denied request.
func (m Message) facts() (n int) {
	for _, f := range []Fact{m.Principal, m.Action, m.Resource, Fact(m.Layer), Fact(m.Deny), m.Policy,
		m.EncodedMessage} {
		if f.Known() {
			n++
		}
	}
	if len(m.OneOf) > 0 {
		n++
	}
	return n
}

// repeats reports whether other states nothing that contradicts m and nothing that m lacks: SDKs
// print a message twice, once as the message and once in the stack.
func (m Message) repeats(other Message) bool {
	if m.Problem != nil && other.Problem != nil {
		return m.Problem.ID == other.Problem.ID
	}
	pairs := [][2]Fact{{m.Principal, other.Principal}, {m.Action, other.Action},
		{m.Resource, other.Resource}, {Fact(m.Layer), Fact(other.Layer)},
		{Fact(m.Deny), Fact(other.Deny)}, {m.Policy, other.Policy},
		{m.EncodedMessage, other.EncodedMessage}}
	for _, p := range pairs {
		if p[1].Known() && p[0] != p[1] {
			return false
		}
	}
	return m.Problem == nil && other.Problem == nil
}
