package iampolicy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// ResourceKind is a kind of resource with a policy of its own.
type ResourceKind uint8

// The kinds of resources.
const (
	// Bucket is an S3 bucket with its objects. Its policy adds to the identity policies.
	Bucket ResourceKind = iota
	// Key is a KMS key. Its policy has to allow each request, or to leave the decision to the identity
	// policies of its account.
	Key
)

func (k ResourceKind) String() string { return [...]string{"bucket", "key"}[k] }

func (k ResourceKind) document() documentKind {
	return [...]documentKind{bucketDocument, keyDocument}[k]
}

// The maximum sizes of the policies of resources, in characters without white space.
const (
	// MaxBucketPolicy is 20 KB.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
	MaxBucketPolicy = 20 << 10
	// MaxKeyPolicy is 32 KB.
	// https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
	MaxKeyPolicy = 32 << 10
)

// ParseResourcePolicy parses a bucket policy or a key policy. The error is a *SyntaxError.
//
// It is as strict as Parse, with two differences: each statement has Principal or NotPrincipal, and
// a Sid may have any characters, as in the key policy that KMS creates by default.
func ParseResourcePolicy(kind ResourceKind, text string) (*Document, error) {
	return parse(text, kind.document())
}

// ParseResourceControl parses a resource control policy. The error is a *SyntaxError. Its principal
// is always "*". Customers write Deny statements only; RCPFullAWSAccess, which AWS attaches, has
// an Allow of everything.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html
func ParseResourceControl(text string) (*Document, error) {
	d, err := parse(text, controlDocument)
	if err != nil {
		return nil, err
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		everything := len(s.Action) == 1 && s.Action[0] == "*" && len(s.Resource) == 1 &&
			s.Resource[0] == "*" && s.Conditions == nil
		if s.Effect == Allow && !everything {
			return nil, &SyntaxError{s.Brace, `a resource control policy only denies: use "Effect": ` +
				`"Deny", or Allow of Action "*" on Resource "*" as in RCPFullAWSAccess`}
		}
	}
	return d, nil
}

// FullResourceAccess is the document of RCPFullAWSAccess, which AWS attaches to the root, each
// organizational unit and each account. It cannot be detached.
const FullResourceAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
	`"Principal":"*","Action":"*","Resource":"*"}]}`

// ofResource reports whether the document is the policy of a resource or a resource control policy.
func (p *parser) ofResource() bool { return p.kind >= bucketDocument }

func (p *parser) checkResourceSize() error {
	most := map[documentKind]int{bucketDocument: MaxBucketPolicy, keyDocument: MaxKeyPolicy}[p.kind]
	if size := Size(p.text); most > 0 && size > most {
		return p.errorf(0, "%s has at most %d characters without white space, got %d", p.kind, most, size)
	}
	return nil
}

// checkPrincipal returns a check of one principal of a type. It checks the policies of resources
// only: a trust policy names principals of further forms.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func (p *parser) checkPrincipal(kind string) func(where string, t token) error {
	if !p.ofResource() {
		return anyValue
	}
	return func(where string, t token) error {
		if p.kind == controlDocument {
			return p.errorf(t.start, `%s: a resource control policy has "Principal": "*"`, where)
		}
		ok := t.text != ""
		want := "a name"
		switch kind {
		case "AWS":
			ok = isAWSPrincipal(t.text)
			want = `"*", an account, or the ARN of an account, user, role or session, such as ` +
				`arn:aws:iam::123456789012:role/name`
		case "Service":
			ok = t.text == "*" || strings.Contains(t.text, ".") && !strings.ContainsAny(t.text, "*? ")
			want = "the name of a service, such as logs.us-east-1.amazonaws.com"
		}
		if !ok {
			return p.errorf(t.start, "%s: %q is not a principal: use %s", where, clip(t.text), want)
		}
		return nil
	}
}

// isAWSPrincipal reports whether a text can be a principal of the type AWS in the policy of a
// resource. Wildcards in a part of an ARN are not possible. A unique ID stands where a principal
// was deleted.
func isAWSPrincipal(text string) bool {
	if text == "*" || awsname.IsAccount(text) {
		return true
	}
	if !arn.HasPrefix(text) {
		return len(text) >= 16 && len(text) <= 128 && consistsOf(text, legalInUniqueID)
	}
	a, ok := arn.Parse(text)
	if !ok || a.Region != "" || strings.ContainsAny(text, "*?") || a.Partition == "" {
		return false
	}
	switch {
	case a.Service == "iam" && a.Account == "cloudfront":
		return a.Kind() == "user"
	case !awsname.IsAccount(a.Account):
		return false
	case a.Service == "iam" && a.Resource == "root":
		return true
	case a.Service == "iam":
		return (a.Kind() == "user" || a.Kind() == "role") && a.Path() != "" && a.Name() != ""
	case a.Service == "sts" && a.Kind() == "federated-user":
		return a.Name() != "" && a.Path() != ""
	case a.Service == "sts":
		role, session := a.Session()
		return role != "" && session != ""
	}
	return false
}

// legalInUniqueID reports whether a character may occur in a unique ID such as
// AROADBQP57FF2AEXAMPLE.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func legalInUniqueID(r rune) bool { return r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' }

// A ResourcePolicy is the policy of a bucket or a key.
type ResourcePolicy struct {
	Policy
	Kind ResourceKind
	// ARN is the ARN of the bucket or the key, and Account the account that owns it.
	ARN, Account string
}

// A Subject is the principal whose requests a ResourcePolicy decides.
type Subject struct {
	// ARN is the ARN of a user or a role, with its path.
	ARN string
	// UniqueID is the unique ID of the user or role, such as AROADBQP57FF2AEXAMPLE. A policy has it in
	// place of the ARN of a principal that was deleted. Empty means unknown.
	UniqueID string
	// Session is the name of the role's session. Empty means unknown. A session of a Lambda function
	// has the name of the function.
	Session string
}

// ResourceGrants is what the policy of a resource means for the requests of one principal.
// ResourcePolicy.For returns it.
type ResourceGrants struct {
	kind ResourceKind
	arn  string
	// reason says why the policy could not be evaluated, or is empty.
	reason string
	// account are the Allow statements for the account of the principal. They grant nothing by
	// themselves: they let the identity policies of the account decide.
	account Policy
	// role are the Allow statements for the role and for every principal. A permissions boundary
	// limits those for the role.
	role Policy
	// direct are the Allow statements for the user, or for the session of the role. No permissions
	// boundary limits them.
	direct Policy
	// everyone are the Allow statements for every principal, each under the condition that no
	// permissions boundary limits it. AWS does not document whether it does.
	everyone Policy
	denies   Policy
	// bounded are the Deny statements that only apply to a principal with a permissions boundary.
	bounded Policy
	// traced are all statements, for explanations.
	traced []Trace
}

// For returns what the policy means for the requests of a principal in the account of the resource.
// Requests of a principal of another account are not evaluated.
//
// How each form of a principal counts follows
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
// and docs/engine.md.
func (p ResourcePolicy) For(s Subject) *ResourceGrants {
	g := &ResourceGrants{kind: p.Kind, arn: p.ARN}
	for _, to := range []*Policy{&g.account, &g.role, &g.direct, &g.everyone, &g.denies, &g.bounded} {
		*to = p.Policy
		to.Document = &Document{}
	}
	subject, err := newSubjectForms(s)
	switch {
	case err != "":
		g.reason = err
		return g
	case subject.Account != p.Account:
		g.reason = "the " + p.Kind.String() + " " + p.ARN + " belongs to account " + p.Account +
			", and requests of account " + subject.Account + " to it are not evaluated"
		return g
	case p.Document == nil:
		g.reason = p.ID + " is unknown"
		return g
	}
	for i := range p.Document.Statements {
		g.add(&p.Document.Statements[i], i+1, subject)
	}
	return g
}

// Context returns the context keys that each request of the subject has. It is empty if the ARN is
// not that of a user or a role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (s Subject) Context() Context {
	f, problem := newSubjectForms(s)
	if problem != "" {
		return Context{}
	}
	ctx := Context{"aws:PrincipalArn": {s.ARN}, "aws:PrincipalAccount": {f.Account},
		"aws:PrincipalType": {"AssumedRole"}}
	if f.user {
		ctx["aws:PrincipalType"] = []string{"User"}
		ctx["aws:username"] = []string{f.Name()}
	}
	return ctx
}

// subjectForms are the forms in which a policy can name a subject.
type subjectForms struct {
	Subject
	arn.ARN
	user bool
}

func newSubjectForms(s Subject) (f subjectForms, problem string) {
	a, ok := arn.Parse(s.ARN)
	user := a.Kind() == "user"
	if !ok || a.Service != "iam" || !user && a.Kind() != "role" || !awsname.IsAccount(a.Account) {
		return f, s.ARN + " is not the ARN of a user or a role"
	}
	return subjectForms{s, a, user}, ""
}

// match is how one principal of a statement stands for the subject.
type match uint8

const (
	noMatch match = iota
	accountMatch
	everyoneMatch
	roleMatch
	directMatch // the user, or the known session of the role
	openMatch   // depends on a value that is not known: see condition
)

// matches returns how a principal stands for the subject. For openMatch, it also returns the
// condition that decides.
func (f *subjectForms) matches(p Principal) (match, *Condition) {
	switch p.Type {
	case "":
		return everyoneMatch, nil
	case "AWS":
	case "Federated":
		// A session that AssumeRoleWithWebIdentity or AssumeRoleWithSAML returned has the provider as a
		// principal, too.
		if f.user {
			return noMatch, nil
		}
		return openMatch, &Condition{Operator: "StringEquals", Key: "aws:FederatedProvider",
			Values: []string{p.Name}, op: textEquals}
	case "CanonicalUser":
		return openMatch, newUnknown("if "+valuesHere+" is the canonical user ID of account "+
			f.Account+", which is unknown", "canonical user", p.Name)
	default:
		return noMatch, nil
	}
	switch p.Name {
	case "*":
		return everyoneMatch, nil
	case f.Account, arn.IAM(f.Partition, f.Account, "root"):
		return accountMatch, nil
	case f.Subject.ARN, f.UniqueID:
		if f.user {
			return directMatch, nil
		}
		return roleMatch, nil
	}
	a, _ := arn.Parse(p.Name)
	role, session := a.Session()
	switch {
	case f.user || a.Partition != f.Partition || a.Account != f.Account || a.Service != "sts" ||
		role == "" || role != f.Name():
		return noMatch, nil
	case f.Subject.Session == "":
		return openMatch, newUnknown("if the session of the role has the name "+
			valuesHere+": the name is unknown", "session", session)
	case f.Subject.Session == session:
		return directMatch, nil
	}
	return noMatch, nil
}

var textEquals, _ = parseOperator("StringEquals")

// valuesHere stands for the values of the condition in Condition.why.
const valuesHere = "\x00"

// newUnknown returns a condition on something that no context key states. why continues a sentence
// about the statement.
func newUnknown(why, key, value string) *Condition {
	return &Condition{Operator: "StringEquals", Key: key, Values: []string{value}, op: textEquals,
		why: why}
}

// add adds a statement of the policy with the number index to the grants.
func (g *ResourceGrants) add(s *Statement, index int, f subjectForms) {
	principal := No
	addTo := func(to *Policy, c *Condition) {
		copied := *s
		copied.index = index
		if c != nil {
			copied.Conditions = append(slices.Clip(copied.Conditions), *c)
		}
		to.Document.Statements = append(to.Document.Statements, copied)
		if c == nil && to != &g.bounded {
			principal = Yes
		} else if principal == No {
			principal = Open
		}
	}
	switch {
	case s.NotPrincipal != nil && s.Effect == Allow:
		// AWS: "Using it with "Effect":"Allow" is not supported."
		addTo(&g.direct, newUnknown("to every principal except those of NotPrincipal, which AWS does "+
			"not support with Allow", "NotPrincipal", "applies"))
	case s.NotPrincipal != nil:
		g.addNotPrincipal(s, f, addTo)
	default:
		g.addPrincipal(s, f, addTo)
	}
	g.trace(s, index, principal)
}

// addPrincipal adds a statement with Principal.
func (g *ResourceGrants) addPrincipal(s *Statement, f subjectForms,
	addTo func(*Policy, *Condition)) {
	var added [openMatch]bool
	var open []*Condition
	for _, p := range s.Principal {
		m, c := f.matches(p)
		if m == openMatch {
			open = appendUnknown(open, c)
		} else {
			added[m] = true
		}
	}
	if s.Effect == Deny {
		// A Deny for the account applies to each principal in it.
		if added[accountMatch] || added[everyoneMatch] || added[roleMatch] || added[directMatch] {
			addTo(&g.denies, nil)
			return
		}
		for _, c := range open {
			addTo(&g.denies, c)
		}
		return
	}
	if added[accountMatch] {
		addTo(&g.account, nil)
	}
	if added[directMatch] {
		addTo(&g.direct, nil)
		return
	}
	if added[roleMatch] || added[everyoneMatch] {
		addTo(&g.role, nil)
	}
	if added[everyoneMatch] {
		addTo(&g.everyone, newUnknown("to every principal, and AWS does not document whether a "+
			"permissions boundary limits that", "every principal", "unlimited"))
	}
	for _, c := range open {
		if c.Key == "canonical user" {
			addTo(&g.account, c)
		} else {
			addTo(&g.direct, c)
		}
	}
}

// appendUnknown appends a condition, or adds its value to a condition on the same key: one of the
// values has to be met.
func appendUnknown(list []*Condition, c *Condition) []*Condition {
	for _, o := range list {
		if o.Key == c.Key {
			o.Values = append(o.Values, c.Values...)
			return list
		}
	}
	return append(list, c)
}

// addNotPrincipal adds a Deny with NotPrincipal. It does not apply to a user that it names together
// with the account, nor to a role that it names together with the session and the account. It
// always applies to a principal with a permissions boundary.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func (g *ResourceGrants) addNotPrincipal(s *Statement, f subjectForms,
	addTo func(*Policy, *Condition)) {
	var named [openMatch + 1]bool
	for _, p := range s.NotPrincipal {
		m, _ := f.matches(p)
		named[m] = true
	}
	exempt := named[everyoneMatch] || named[accountMatch] && named[directMatch] &&
		(f.user || named[roleMatch])
	listed := named[accountMatch] || named[directMatch] || named[roleMatch] || named[openMatch]
	switch {
	case exempt:
		addTo(&g.bounded, nil)
	case listed:
		addTo(&g.bounded, nil)
		addTo(&g.denies, newUnknown("unless its NotPrincipal exempts the principal: it does not name "+
			"the account, the role and the session together", "NotPrincipal", "applies"))
	default:
		addTo(&g.denies, nil)
	}
}

func (g *ResourceGrants) trace(s *Statement, index int, principal Truth) {
	g.traced = append(g.traced, Trace{ForPrincipal: principal,
		Match: Match{g.denies.ID, Resource, index, s}})
}

// Trace returns how each statement of the policy takes part in the decision on a request. It is
// empty if the policy could not be evaluated.
func (g *ResourceGrants) Trace(r Request) (list []Trace) {
	for _, t := range g.traced {
		statement := newTrace(t.Match, r)
		statement.ForPrincipal = t.ForPrincipal
		statement.Holds = statement.Holds && t.ForPrincipal == Yes
		list = append(list, statement)
	}
	return list
}

// Reason says why the policy could not be evaluated. It is empty if it was.
func (g *ResourceGrants) Reason() string { return g.reason }

// includes reports whether a resource belongs to the bucket or is the key.
func (g *ResourceGrants) includes(resource string) bool {
	return resource == g.arn || g.kind == Bucket && strings.HasPrefix(resource, g.arn+"/")
}

// includesNeed reports whether each resource of the need belongs to the bucket or is the key.
func (g *ResourceGrants) includesNeed(n *Need) bool {
	return !slices.ContainsFunc(n.resources, func(l language) bool {
		return l.text != g.arn && (g.kind != Bucket || !strings.HasPrefix(l.prefix, g.arn+"/"))
	})
}

// policies are all derived policies.
func (g *ResourceGrants) policies() []*Policy {
	if g == nil {
		return nil
	}
	return []*Policy{&g.account, &g.role, &g.direct, &g.everyone, &g.denies, &g.bounded}
}

// reduced returns the grants with each policy reduced.
func (g *ResourceGrants) reduced(reduce func(...Policy) Policy) *ResourceGrants {
	if g == nil {
		return nil
	}
	r := *g
	from := g.policies()
	for i, to := range r.policies() {
		*to = reduce(*from[i])
	}
	return &r
}

// controlled are the services with resources that resource control policies limit, as of November
// 2026. AWS adds services from time to time.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services
var controlled = []string{"s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss",
	"cognito-identity", "cognito-idp", "logs", "dynamodb"}

// IsControlled reports whether resource control policies limit an action. An empty action stands
// for several actions.
func IsControlled(action string) bool {
	action = strings.ToLower(action)
	service, _, _ := strings.Cut(action, ":")
	return action == "" || action != "kms:retiregrant" && slices.Contains(controlled, service)
}
