// Package advice says what an error text means for Remotion: which permission of Remotion's
// policies the denied request needs, what breaks without it, what to add, and where to look.
//
//	a := advice.For(denial.Read(text))
//
// It knows only the text. It offers a statement only if a missing Allow of an identity policy can
// be the cause, and only Remotion's documented one.
package advice

import (
	"cmp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/denial"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// SchemaVersion is the version of an Advice's JSON form.
const SchemaVersion = "1"

// An Advice explains an error text.
type Advice struct {
	SchemaVersion string `json:"schemaVersion"`
	// Error holds the facts of the text.
	Error denial.Message `json:"error"`
	// Meaning explains the denial in sentences.
	Meaning []string `json:"meaning"`
	// Needs are the permissions of Remotion's policies that the denied request needs. They are empty
	// if the action is unknown, or if no release documents it.
	Needs []Need `json:"needs"`
	// PossibleActions are the actions that the operation can need, if the text names no action.
	PossibleActions []string `json:"possibleActions,omitempty"`
	// Additions are statements to add, for each policy that needs the action. NoAddition says why
	// there is none.
	Additions  []Addition `json:"additions"`
	NoAddition string     `json:"noAddition,omitempty"`
	// Look are the places to look at, in their order.
	Look []string `json:"look,omitempty"`
	// Commands are the next commands, with quoted words.
	Commands []Command `json:"commands"`
	// Page is the URL of the page about the error.
	Page string `json:"page"`
}

// A Need is one permission of Remotion's policies.
type Need struct {
	Policy   policies.PolicyKind `json:"policy"`
	Sid      string              `json:"sid"`
	Action   string              `json:"action"`
	Resource string              `json:"resource"`
	Since    string              `json:"since"`
	Until    string              `json:"until,omitempty"`
	// Covers is true if the pattern matches the resource of the text.
	Covers bool `json:"coversResource"`
	// Called is false if no release calls the action. The facts below are then empty.
	Called     bool                 `json:"called"`
	Operations []policies.Operation `json:"operations,omitempty"`
	Severity   string               `json:"severity,omitempty"`
	Reason     string               `json:"reason,omitempty"`
	Impact     string               `json:"impact,omitempty"`
	Source     string               `json:"source,omitempty"`
}

// An Addition is a statement that grants what the documented policy grants for the action.
type Addition struct {
	Policy policies.PolicyKind `json:"policy"`
	// Sid is the documented statement that has the action.
	Sid       string    `json:"sid"`
	Statement Statement `json:"statement"`
}

// A Statement is a statement of a policy document.
type Statement struct {
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource []string `json:"Resource"`
}

// A Command is a command line and what it does.
type Command struct {
	Purpose string `json:"purpose"`
	Line    string `json:"line"`
}

// deniedPage explains AWS's error messages.
const deniedPage = "https://docs.aws.amazon.com/IAM/latest/UserGuide/" +
	"troubleshoot_access-denied.html"

// s3Page explains the error messages of S3.
const s3Page = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html"

// For returns the advice about an error.
func For(m denial.Message) Advice {
	a := Advice{SchemaVersion: SchemaVersion, Error: m, Meaning: []string{}, Needs: []Need{},
		Additions: []Addition{}, Commands: []Command{}, Page: deniedPage}
	switch m.Kind {
	case denial.OtherProblem:
		a.Meaning = []string{m.Problem.Meaning}
		a.NoAddition = "no missing permission causes this error"
		a.Look = []string{m.Problem.Remedy}
		a.Page = m.Problem.Page
		return a
	case denial.Unknown:
		a.Meaning = []string{"The text has no form that this command knows."}
		a.NoAddition = "the text names no denied request"
		a.Look = []string{
			"Give the whole error, from the line with the error code on: the sentence \"User: … is not " +
				"authorized to perform: …\" names the action.",
			"Or give the CloudTrail record of the call, as JSON: it names the principal, the operation " +
				"and the error code.",
			"In an error of a render, look at the logs of the function: Remotion prints a link to them."}
		a.Page = "https://www.remotion.dev/docs/lambda/troubleshooting/debug"
		return a
	}
	a.Needs = needsOf(m)
	a.PossibleActions = possibleActions(m)
	a.explainLayer()
	a.explainPrincipal()
	a.add()
	a.next()
	return a
}

// kinds returns the policies of Remotion that the principal can need.
func kinds(m denial.Message) []policies.PolicyKind {
	switch target := string(m.Target); {
	case m.FunctionRole, target == "role/"+policies.RoleName:
		return []policies.PolicyKind{policies.Role}
	case strings.HasPrefix(target, "user/"):
		return []policies.PolicyKind{policies.User}
	}
	return policies.Kinds
}

// partition returns the partition of the ARNs in the text.
func partition(m denial.Message) string {
	for _, text := range []denial.Fact{m.Resource, m.Principal} {
		if a, ok := arn.Parse(string(text)); ok && slices.Contains(policies.Partitions(), a.Partition) {
			return a.Partition
		}
	}
	return policies.AWS
}

// actions returns the denied action, or the actions of which one is denied.
func actions(m denial.Message) []string {
	if m.Action.Known() {
		return []string{string(m.Action)}
	}
	return m.OneOf
}

func needsOf(m denial.Message) []Need {
	list := []Need{}
	releases := policies.Releases(partition(m))
	for _, kind := range kinds(m) {
		for _, r := range policies.Union(releases, kind) {
			matches := func(action string) bool { return strings.EqualFold(action, r.Action) }
			if !slices.ContainsFunc(actions(m), matches) {
				continue
			}
			n := Need{Policy: kind, Sid: r.Sid, Action: r.Action, Resource: r.Resource, Since: r.Since,
				Until: r.Until, Covers: covers(r, m.Resource)}
			if used, ok := r.For(policies.All, releases); ok {
				n.Called, n.Operations, n.Severity = true, used.Operations, used.Severity.String()
				n.Reason, n.Impact, n.Source = used.Reason, used.Impact, used.Source
			}
			list = append(list, n)
		}
	}
	return list
}

// covers reports whether the pattern of a requirement matches a resource.
func covers(r policies.Requirement, resource denial.Fact) bool {
	if !resource.Known() {
		return false
	}
	document, err := iampolicy.Parse(textfmt.JSON(map[string]any{"Version": "2012-10-17",
		"Statement": []Statement{{"Allow", []string{r.Action}, []string{r.Resource}}}}))
	if err != nil {
		return false
	}
	g := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "documented", Document: document}}}
	return g.Evaluate(iampolicy.Request{Action: r.Action, Resource: string(resource)}).Decision ==
		iampolicy.Allowed
}

// operationActions are the actions that operations of S3 need. They are for a text that names only
// the operation.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var operationActions = map[string][]string{
	"CreateBucket":                    {"s3:CreateBucket", "s3:PutBucketAcl"},
	"DeleteBucketOwnershipControls":   {"s3:PutBucketOwnershipControls"},
	"DeleteObject":                    {"s3:DeleteObject"},
	"DeletePublicAccessBlock":         {"s3:PutBucketPublicAccessBlock"},
	"GetBucketLocation":               {"s3:GetBucketLocation"},
	"GetObject":                       {"s3:GetObject", "s3:ListBucket"},
	"HeadBucket":                      {"s3:ListBucket"},
	"HeadObject":                      {"s3:GetObject", "s3:ListBucket"},
	"ListBuckets":                     {"s3:ListAllMyBuckets"},
	"ListObjects":                     {"s3:ListBucket"},
	"ListObjectsV2":                   {"s3:ListBucket"},
	"PutBucketAcl":                    {"s3:PutBucketAcl"},
	"PutBucketLifecycleConfiguration": {"s3:PutLifecycleConfiguration"},
	"PutBucketPolicy":                 {"s3:PutBucketPolicy"},
	"PutObject":                       {"s3:PutObject", "s3:PutObjectAcl"},
	"PutObjectAcl":                    {"s3:PutObjectAcl"},
}

// possibleActions returns what the operation can need if the text names no action.
func possibleActions(m denial.Message) []string {
	if m.Action.Known() || len(m.OneOf) > 0 {
		return nil
	}
	return operationActions[string(m.Operation)]
}

// A layerText explains a denial by one type of policy.
type layerText struct{ implicit, explicit, look string }

// layerTexts says what a denial by a layer means, and where to look.
var layerTexts = map[denial.Layer]layerText{
	denial.IdentityPolicy: {
		"No policy of the principal or of its groups allows the action on this resource.",
		"A Deny statement in a policy of the principal or of its groups matches the request. No other " +
			"statement can override it.",
		"the inline and attached policies of the principal, and of the groups of a user"},
	denial.Boundary: {
		"The permissions boundary of the principal does not allow the action. A statement in another " +
			"policy does not help: the boundary has to allow it as well.",
		"A Deny statement in the permissions boundary of the principal matches the request.",
		"the permissions boundary of the principal"},
	denial.ServiceControl: {
		"The service control policies of the organization do not allow the action in this account. " +
			"Policies of the account cannot change that.",
		"A Deny statement in a service control policy of the organization matches the request. " +
			"Policies of the account cannot change that.",
		"the service control policies: ask the administrator of the organization, with the account, " +
			"the principal, the action and the resource"},
	denial.ResourceControl: {
		"The resource control policies of the organization do not allow the request on this resource.",
		"A Deny statement in a resource control policy of the organization matches the request.",
		"the resource control policies: ask the administrator of the organization that owns the " +
			"resource"},
	denial.SessionPolicy: {
		"The policy that was passed when the session started does not allow the action. The policies " +
			"of the role itself may allow it.",
		"A Deny statement in the policy that was passed when the session started matches the request.",
		"the program that assumes the role: it passes a session policy (Policy or PolicyArns)"},
	denial.ResourcePolicy: {
		"The policy of the resource does not allow the request. The principal is in another account, " +
			"or the owner of the resource has not shared it.",
		"A Deny statement in the policy of the resource, such as a bucket policy, matches the request.",
		"the policy of the resource: for a bucket its bucket policy, for a layer the sharing by its " +
			"owner"},
	denial.VPCEndpoint: {
		"The policy of the VPC endpoint does not allow the request. The function or the machine runs " +
			"in a VPC.",
		"A Deny statement in the policy of the VPC endpoint matches the request.",
		"the policy of the VPC endpoint that the request goes through"},
	denial.TrustPolicy: {
		"The trust policy of the role does not let the principal assume it.",
		"A Deny statement in the trust policy of the role matches the request.",
		"the trust policy of the role"},
}

// explainLayer says what the layer means, and where to look.
func (a *Advice) explainLayer() {
	m := a.Error
	text, known := layerTexts[m.Layer]
	switch {
	case known && m.Deny == denial.Explicit:
		a.Meaning = append(a.Meaning, text.explicit)
	case known:
		a.Meaning = append(a.Meaning, text.implicit)
	case m.Deny == denial.Explicit:
		a.Meaning = append(a.Meaning, "A Deny statement matches the request. The text does not say in "+
			"which type of policy.")
	case m.FunctionRole:
		a.Meaning = append(a.Meaning, "Lambda or Remotion says that the role of the function lacks the "+
			"permission.")
	case m.Kind == denial.Encoded:
		a.Meaning = append(a.Meaning, "AWS denied the request and encoded the details.")
	case len(actions(m)) == 0:
		a.Meaning = append(a.Meaning, "AWS denied a request. The text does not name the action, the "+
			"principal or the policy, so the cause is unknown.")
	default:
		a.Meaning = append(a.Meaning, "AWS denied the request. The text does not say which type of "+
			"policy decided.")
	}
	if known {
		if m.Policy.Known() {
			a.Look = append(a.Look, "The policy "+string(m.Policy)+".")
		}
		a.Look = append(a.Look, textfmt.Capitalize(text.look)+".")
		return
	}
	if m.Kind == denial.Encoded {
		a.Look = append(a.Look, "The decoded message names the principal, the action, the resource and "+
			"a Deny statement that matches: decode it with the command below.")
		return
	}
	if m.FunctionRole && strings.HasPrefix(string(m.Action), "ec2:") {
		a.Look = append(a.Look, "A function in a VPC needs this action: attach AWS's managed policy "+
			"AWSLambdaVPCAccessExecutionRole to its role.")
		a.Page = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
	}
	if m.Statement.Known() {
		a.Look = append(a.Look, "The Deny statement with the Sid "+string(m.Statement)+".")
	}
	a.lookWhenUnknown()
}

// lookWhenUnknown lists the places for a denial without a layer.
func (a *Advice) lookWhenUnknown() {
	m := a.Error
	a.Look = append(a.Look, "The policies of the principal, then its permissions boundary, then the "+
		"service control policies of the organization.")
	service, _, _ := strings.Cut(string(m.Action), ":")
	if service == "s3" || isS3(m) {
		a.Page = s3Page
		a.Look = append(a.Look, "For S3 also the bucket policy, the owner of the bucket, Block Public "+
			"Access, and whether the object exists: without s3:ListBucket a missing object looks like a "+
			"denial.")
	}
	if !m.EventID.Known() && len(actions(m)) == 0 {
		a.Look = append(a.Look, "The CloudTrail record of the call names the principal and the "+
			"operation. Calls on objects of S3 are recorded only by a trail with data events.")
	}
}

// isS3 reports whether the operation is one of S3.
func isS3(m denial.Message) bool {
	_, listed := operationActions[string(m.Operation)]
	resource, _ := arn.Parse(string(m.Resource))
	return listed || resource.Service == "s3"
}

// explainPrincipal adds what the principal changes.
func (a *Advice) explainPrincipal() {
	m := a.Error
	principal, ok := arn.Parse(string(m.Principal))
	resource, named := arn.Parse(string(m.Resource))
	switch {
	case ok && principal.Resource == "root":
		a.Meaning = append(a.Meaning, "The principal is the root user of the account, which has no "+
			"identity policies.")
	case ok && principal.Kind() == "federated-user":
		a.Meaning = append(a.Meaning, "The principal is a federated user: the policies of the user that "+
			"started the session and the session policy both count.")
	}
	if ok && named && awsname.IsAccount(principal.Account) && awsname.IsAccount(resource.Account) &&
		principal.Account != resource.Account {
		a.Meaning = append(a.Meaning, "The resource belongs to account "+resource.Account+", the "+
			"principal to account "+principal.Account+": the policies of both have to allow the request.")
	}
}

// add fills in the statements to add.
func (a *Advice) add() {
	m := a.Error
	name := textfmt.Enumerate(actions(m), 3)
	switch {
	case len(actions(m)) == 0:
		a.NoAddition = "the text does not name the action"
		return
	case m.Deny == denial.Explicit:
		a.NoAddition = "a Deny statement decides, and no Allow statement can override it"
		return
	case m.Layer != "" && m.Layer != denial.IdentityPolicy:
		a.NoAddition = "a statement in an identity policy does not change the " + string(m.Layer)
		return
	case len(a.Needs) == 0:
		a.NoAddition = "no policy of Remotion contains " + name
		if caller := calledBy(m); caller != "" {
			a.NoAddition += ", although " + caller
		}
		return
	}
	for _, n := range a.Needs {
		if m.Resource.Known() && !n.Covers || n.Until != "" && !n.Called {
			continue
		}
		a.addNeed(n)
	}
	if len(a.Additions) == 0 {
		a.NoAddition = "Remotion's policies grant " + name + " on other resources only, not on " +
			string(m.Resource) + ": correct the name, or allow the action on this resource if Remotion is " +
			"meant to use it"
	}
}

// addNeed adds a permission to the statement for its documented statement.
func (a *Advice) addNeed(n Need) {
	i := slices.IndexFunc(a.Additions, func(add Addition) bool {
		return add.Policy == n.Policy && add.Sid == n.Sid
	})
	if i < 0 {
		i = len(a.Additions)
		a.Additions = append(a.Additions, Addition{Policy: n.Policy, Sid: n.Sid,
			Statement: Statement{Effect: "Allow", Action: []string{}, Resource: []string{}}})
	}
	s := &a.Additions[i].Statement
	s.Action = textfmt.AppendNew(s.Action, n.Action)
	s.Resource = textfmt.AppendNew(s.Resource, n.Resource)
}

// calledBy says which part of Remotion calls an action that its policies do not contain.
func calledBy(m denial.Message) string {
	for _, c := range policies.Calls() {
		if strings.EqualFold(c.Action, string(m.Action)) && len(c.Releases) > 0 {
			return "Remotion " + c.Releases[len(c.Releases)-1] + " calls it (" + c.Operation + ")"
		}
	}
	return ""
}

// next fills in the commands.
func (a *Advice) next() {
	m := a.Error
	if m.EncodedMessage.Known() && m.Kind == denial.Encoded {
		a.Commands = append(a.Commands, Command{"Decode the message (needs " +
			"sts:DecodeAuthorizationMessage)",
			textfmt.ShellWords("aws", "sts", "decode-authorization-message", "--encoded-message",
				string(m.EncodedMessage), "--query", "DecodedMessage", "--output", "text")})
	}
	if m.Action.Known() {
		words := []string{"remotion-audit", "explain", string(m.Action)}
		if m.Resource.Known() && m.Resource != "*" {
			words = append(words, string(m.Resource))
		}
		if m.Target.Known() {
			words = append(words, "--target", string(m.Target))
		}
		a.Commands = append(a.Commands, Command{"Check it against the account",
			textfmt.ShellWords(words...)})
		return
	}
	words := []string{"remotion-audit", "audit"}
	if m.Target.Known() && !strings.HasSuffix(string(m.Target), "/"+policies.RoleName) {
		words = append(words, "--callers", string(m.Target))
	}
	a.Commands = append(a.Commands, Command{"Find what is missing in the account",
		textfmt.ShellWords(words...)})
	if m.RequestID.Known() && !m.EventID.Known() {
		line := []string{"aws", "cloudtrail", "lookup-events", "--lookup-attributes",
			"AttributeKey=EventName,AttributeValue=" + cmp.Or(string(m.Operation), "NAME"), "--query",
			"Events[].CloudTrailEvent", "--output", "text"}
		if m.Operation.Known() {
			a.Commands = append(a.Commands, Command{"Read the CloudTrail records of the operation",
				textfmt.ShellWords(line...)})
		}
	}
}
