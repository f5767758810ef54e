package remedy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Tool is a tool that writes policy documents.
type Tool string

// The tools that OwnerOf recognizes.
const (
	CloudFormation Tool = "CloudFormation"
	CDK            Tool = "CDK"
	SST            Tool = "SST"
	Terraform      Tool = "Terraform"
	Pulumi         Tool = "Pulumi"
	// IdentityCenter owns the roles of permission sets. IAM refuses each edit of such a role.
	IdentityCenter Tool = "IAM Identity Center"
	// AWSService owns service-linked roles. IAM refuses each edit of such a role.
	AWSService Tool = "AWS service"
)

// Certainty says how sure the owner of a document is. The zero value means that no evidence was
// found.
type Certainty uint8

const (
	// UnknownOwner means that nothing names a tool. The document may still belong to one.
	UnknownOwner Certainty = iota
	// ProbableOwner means that evidence that any user can write names the tool: a tag, a name or a
	// user agent.
	ProbableOwner
	// ProvedOwner means that AWS itself names the tool.
	ProvedOwner
)

var certainties = [...]string{"unknown", "probable", "proved"}

func (c Certainty) String() string { return certainties[min(int(c), len(certainties)-1)] }

// MarshalText implements [encoding.TextMarshaler].
func (c Certainty) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (c *Certainty) UnmarshalText(text []byte) error {
	i := slices.Index(certainties[:], string(text))
	if i < 0 {
		return fmt.Errorf("certainty must be %s, got %s", textfmt.Or(certainties[:]),
			textfmt.Quote(string(text), 40))
	}
	*c = Certainty(i)
	return nil
}

// Ownership says which tool writes the document that a fix edits. Such a tool overwrites an edit by
// hand with its next deployment.
type Ownership struct {
	Tool      Tool      `json:"tool,omitempty"`
	Certainty Certainty `json:"certainty"`
	// Name is the name of the stack, app or permission set; empty if it is unknown.
	Name string `json:"name,omitempty"`
	// Evidence are the facts that name the tool. Against are facts that name another tool.
	Evidence []string `json:"evidence,omitempty"`
	Against  []string `json:"against,omitempty"`
}

// Fixed reports whether IAM refuses every edit of the principal's documents, because an AWS service
// owns them.
func (o Ownership) Fixed() bool { return o.Tool == IdentityCenter || o.Tool == AWSService }

// Text explains the owner and where to make the change, in sentences.
func (o Ownership) Text() string {
	if o.Certainty == UnknownOwner || o.Tool == "" {
		return "Unknown: no tag, name or CloudTrail record names a tool. If a tool such as Terraform " +
			"or CloudFormation writes the policy, make the change there: the tool overwrites an edit " +
			"by hand."
	}
	evidence := textfmt.Enumerate(textfmt.OneLines(o.Evidence), 3)
	name := textfmt.OneLine(o.Name)
	switch o.Tool {
	case IdentityCenter:
		set := "its permission set"
		if name != "" {
			set = "permission set " + name
		}
		return fmt.Sprintf("IAM Identity Center owns the role (%s). IAM refuses edits of the role: "+
			"change the policy of %s instead.", evidence, set)
	case AWSService:
		return fmt.Sprintf("An AWS service owns the role (%s). IAM refuses edits of its policies: use "+
			"another role.", evidence)
	}
	probably := ""
	if o.Certainty != ProvedOwner {
		probably = "probably "
	}
	text := fmt.Sprintf("The policy %sbelongs to %s (%s). Change %s: ", probably, o.whose(name),
		evidence, sourceOf[o.Tool])
	if o.Certainty == ProvedOwner {
		text += "an edit by hand will be overwritten."
	} else {
		text += "it would overwrite an edit by hand."
	}
	if len(o.Against) > 0 {
		text += " But " + textfmt.Enumerate(textfmt.OneLines(o.Against), 3) + "."
	}
	return text
}

// whose returns the tool with the name of the stack or app.
func (o Ownership) whose(name string) string {
	if name == "" {
		return string(o.Tool)
	}
	noun := map[Tool]string{CloudFormation: "CloudFormation stack ", CDK: "the CDK stack ",
		SST: "the SST app ", Pulumi: "the Pulumi stack "}[o.Tool]
	if noun == "" {
		noun = string(o.Tool) + " "
	}
	return noun + name
}

// sourceOf names what a user of the tool edits.
var sourceOf = map[Tool]string{CloudFormation: "the template", CDK: "the CDK app",
	SST: "the SST app", Terraform: "the Terraform configuration", Pulumi: "the Pulumi program"}

// An Origin is what is known about where documents come from.
type Origin struct {
	// Target is user/NAME or role/NAME. ARN includes the path.
	Target, ARN string
	// Tags are those of the target.
	Tags map[string]string
	// Locations are the places of the documents that a fix edits. The first is the most important.
	Locations []iampolicy.Location
	// Changes are the IAM changes that started the run, newest first.
	Changes []cloudtrail.IAMChange
}

// A claim is a fact that names a tool.
type claim struct {
	tool      Tool
	certainty Certainty
	name      string
	evidence  string
}

// OwnerOf finds the tool that owns the documents at an origin. It trusts what only AWS can write:
// system tags, reserved paths, and the service that CloudTrail names as the caller. All other
// evidence makes an owner probable. Evidence about a policy comes before evidence about its
// principal.
func OwnerOf(o Origin) Ownership {
	var claims []claim
	claims = append(claims, reserved(o)...)
	for _, at := range o.Locations {
		claims = append(claims, tagClaims(at.Tags, "the policy", ProvedOwner)...)
		claims = append(claims, recordClaims(o.Changes, at)...)
		claims = append(claims, policyNameClaims(at)...)
	}
	// A stack owns its role and the trust policy of the role. An inline policy may still be an edit
	// by hand.
	certainty := ProbableOwner
	if len(o.Locations) > 0 && !slices.ContainsFunc(o.Locations, func(at iampolicy.Location) bool {
		return at.Kind != iampolicy.TrustLocation || at.Holder != o.Target
	}) {
		certainty = ProvedOwner
	}
	claims = append(claims, tagClaims(o.Tags, o.Target, certainty)...)
	claims = append(claims, principalNameClaims(o.Target)...)
	return weigh(claims)
}

// weigh returns the owner that the first claim of the highest certainty names.
func weigh(claims []claim) (o Ownership) {
	for _, c := range claims {
		if c.certainty > o.Certainty {
			o = Ownership{Tool: c.tool, Certainty: c.certainty, Name: c.name}
		}
	}
	for _, c := range claims {
		switch {
		case c.tool == o.Tool || layered(c.tool, o.Tool):
			o.Evidence = textfmt.AppendNew(o.Evidence, c.evidence)
			if o.Name == "" {
				o.Name = c.name
			}
		case layered(o.Tool, c.tool):
			o.Evidence = textfmt.AppendNew(o.Evidence, c.evidence)
			o.Tool = c.tool
		case o.Tool != "":
			o.Against = textfmt.AppendNew(o.Against, c.evidence+" names "+string(c.tool))
		}
	}
	return o
}

// layered reports whether one tool deploys through another: CDK through CloudFormation, and SST
// through either CDK or Pulumi.
func layered(through, tool Tool) bool {
	switch tool {
	case CDK:
		return through == CloudFormation
	case SST:
		return through == CloudFormation || through == CDK || through == Pulumi
	}
	return false
}

// The reserved paths of roles, which only AWS can use.
const (
	ssoPath    = "/aws-reserved/sso.amazonaws.com/"
	linkedPath = "/aws-service-role/"
)

var ssoRole = regexp.MustCompile(`^AWSReservedSSO_(.+)_[0-9a-f]{16}$`)

// reserved recognizes the roles of AWS services by their paths.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func reserved(o Origin) []claim {
	kind, name, _ := strings.Cut(o.Target, "/")
	if kind != "role" {
		return nil
	}
	parsed, _ := arn.Parse(o.ARN)
	path := strings.TrimPrefix(parsed.Resource, "role")
	set := ssoRole.FindStringSubmatch(name)
	switch {
	case strings.HasPrefix(path, ssoPath):
		c := claim{tool: IdentityCenter, certainty: ProvedOwner, evidence: "path " + ssoPath}
		if set != nil {
			c.name = set[1]
		}
		return []claim{c}
	case strings.HasPrefix(path, linkedPath):
		return []claim{{tool: AWSService, certainty: ProvedOwner, evidence: "path " + linkedPath}}
	case set != nil:
		return []claim{{tool: IdentityCenter, certainty: ProbableOwner, name: set[1],
			evidence: "role name AWSReservedSSO_…"}}
	}
	return nil
}

// tagClaims reads tags. Only AWS can set tags that start with "aws:", so those of CloudFormation
// have the given certainty.
func tagClaims(tags map[string]string, of string, system Certainty) (claims []claim) {
	add := func(tool Tool, certainty Certainty, name, key string) {
		claims = append(claims, claim{tool, certainty, name, "tag " + key + " of " + of})
	}
	if stack, ok := tags["aws:cloudformation:stack-name"]; ok {
		add(CloudFormation, system, stack, "aws:cloudformation:stack-name")
	} else if id, ok := tags["aws:cloudformation:stack-id"]; ok {
		parsed, _ := arn.Parse(id)
		stack, _, _ := strings.Cut(strings.TrimPrefix(parsed.Resource, "stack/"), "/")
		add(CloudFormation, system, stack, "aws:cloudformation:stack-id")
	} else if _, ok := tags["aws:cloudformation:logical-id"]; ok {
		add(CloudFormation, system, "", "aws:cloudformation:logical-id")
	}
	if app := tags["sst:app"]; app != "" {
		if stage := tags["sst:stage"]; stage != "" {
			app += ", stage " + stage
		}
		add(SST, ProbableOwner, app, "sst:app")
	}
	keys := make([]string, 0, len(tags))
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if tool := toolOfTag(key, tags[key]); tool != "" {
			add(tool, ProbableOwner, "", key)
		}
	}
	return claims
}

// managedBy are the usual keys, without separators, of a tag whose value is the name of a tool.
var managedBy = []string{"managedby", "managed", "createdby", "deployedby", "provisionedby",
	"provisioner", "provisioning", "builtwith", "createdwith", "deployedwith", "iac", "iactool",
	"tool", "source"}

// toolOfTag returns the tool that a tag of a user names, or an empty text.
func toolOfTag(key, value string) Tool {
	k := strings.ToLower(key)
	switch {
	case strings.HasPrefix(k, "aws:"):
		return ""
	case strings.HasPrefix(k, "pulumi:"):
		return Pulumi
	case strings.HasPrefix(k, "aws-cdk:") || strings.HasPrefix(k, "cdk:"):
		return CDK
	case strings.HasPrefix(k, "terraform-") || strings.HasPrefix(k, "terraform:") ||
		strings.HasPrefix(k, "terraform_"):
		return Terraform
	}
	if tool := toolNamed(k); tool != "" && affirmative(value) {
		return tool
	}
	plain := strings.NewReplacer("-", "", "_", "", ":", "", ".", "", " ", "", "/", "").Replace(k)
	if slices.Contains(managedBy, plain) {
		return toolNamed(strings.ToLower(strings.TrimSpace(value)))
	}
	return ""
}

func affirmative(value string) bool {
	return slices.Contains([]string{"true", "yes", "1", "managed"},
		strings.ToLower(strings.TrimSpace(value)))
}

// toolNamed returns the tool with a name in lower case.
func toolNamed(name string) Tool {
	switch name {
	case "terraform", "opentofu", "tofu", "terragrunt", "tf":
		return Terraform
	case "pulumi":
		return Pulumi
	case "cloudformation", "cfn", "sam", "aws-sam", "serverless", "serverless-framework":
		return CloudFormation
	case "cdk", "aws-cdk", "awscdk", "aws cdk":
		return CDK
	case "sst":
		return SST
	}
	return ""
}

// cloudFormationService is the name under which CloudFormation calls IAM.
const cloudFormationService = "cloudformation.amazonaws.com"

// recordClaims reads the CloudTrail records of changes of a document. AWS sets the service that
// made a call; a client chooses its user agent.
func recordClaims(changes []cloudtrail.IAMChange, at iampolicy.Location) (claims []claim) {
	for _, c := range changes {
		if !changed(c, at) {
			continue
		}
		agent := strings.ToLower(c.UserAgent)
		add := func(tool Tool, certainty Certainty, by string) {
			claims = append(claims, claim{tool: tool, certainty: certainty,
				evidence: "the CloudTrail record of " + c.Event + " names " + by})
		}
		switch {
		case strings.HasSuffix(c.Actor, " through "+cloudFormationService) ||
			c.Actor == "AWS service "+cloudFormationService:
			add(CloudFormation, ProvedOwner, cloudFormationService)
		case strings.Contains(agent, "pulumi/") || strings.Contains(agent, "pulumi-aws/"):
			add(Pulumi, ProbableOwner, "user agent Pulumi/")
		case strings.Contains(agent, "terraform/") ||
			strings.Contains(agent, "terraform-provider-aws/"):
			add(Terraform, ProbableOwner, "user agent Terraform/")
		case strings.Contains(agent, "opentofu/"):
			add(Terraform, ProbableOwner, "user agent OpenTofu/")
		}
	}
	return claims
}

// changed reports whether a record is about the document at a location. IAM ignores case in names.
func changed(c cloudtrail.IAMChange, at iampolicy.Location) bool {
	kind, holder, _ := strings.Cut(at.Holder, "/")
	name := map[string]string{"user": c.UserName, "role": c.RoleName, "group": c.GroupName}[kind]
	switch at.Kind {
	case iampolicy.InlineLocation:
		return strings.HasPrefix(c.Event, "Put") && name != "" && strings.EqualFold(name, holder) &&
			strings.EqualFold(c.PolicyName, at.Name)
	case iampolicy.TrustLocation:
		return (c.Event == "UpdateAssumeRolePolicy" || c.Event == "CreateRole") && name != "" &&
			strings.EqualFold(name, holder)
	case iampolicy.ManagedLocation, iampolicy.BoundaryLocation:
		return (c.Event == "CreatePolicyVersion" || c.Event == "SetDefaultPolicyVersion") &&
			at.ARN != "" && c.PolicyARN == at.ARN
	}
	return false
}

var (
	// cdkPolicy matches the names that CDK gives to the default policy of a role or user.
	cdkPolicy = regexp.MustCompile(`DefaultPolicy[0-9A-F]{8}$`)
	// stackName matches the names that CloudFormation gives to resources without a name:
	// STACK-LOGICALID-SUFFIX. The logical ids of CDK end in eight hexadecimal digits.
	stackName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*)-([A-Za-z0-9]+)-([A-Za-z0-9]{12,13})$`)
	cdkID     = regexp.MustCompile(`[0-9A-F]{8}$`)
	// terraformName matches the names that Terraform makes of its default prefix and the time.
	terraformName = regexp.MustCompile(`^terraform-[0-9]{20,}[0-9a-f]*$`)
	// terraformTime matches the suffix of Terraform's name_prefix: the time and a counter.
	terraformTime = regexp.MustCompile(`20[0-9]{2}[01][0-9][0-3][0-9][0-9]{10}[0-9a-f]{8}$`)
)

// policyNameClaims recognizes the names that tools make for policies.
func policyNameClaims(at iampolicy.Location) []claim {
	switch at.Kind {
	case iampolicy.InlineLocation, iampolicy.ManagedLocation, iampolicy.BoundaryLocation:
	default:
		return nil
	}
	if cdkPolicy.MatchString(at.Name) {
		return []claim{{tool: CDK, certainty: ProbableOwner,
			evidence: "policy name " + textfmt.Head(at.Name, 128) + " has the form of CDK"}}
	}
	return nameClaims(at.Name, "policy")
}

// principalNameClaims recognizes the names that tools make for users and roles.
func principalNameClaims(target string) []claim {
	kind, name, _ := strings.Cut(target, "/")
	return nameClaims(name, kind)
}

func nameClaims(name, kind string) []claim {
	found := func(tool Tool, stack string) []claim {
		return []claim{{tool: tool, certainty: ProbableOwner, name: stack,
			evidence: kind + " name " + textfmt.Head(name, 128) + " has the form of " + string(tool)}}
	}
	if terraformName.MatchString(name) || terraformTime.MatchString(name) {
		return found(Terraform, "")
	}
	parts := stackName.FindStringSubmatch(name)
	if parts == nil || !random(parts[3]) {
		return nil
	}
	if cdkID.MatchString(parts[2]) {
		return found(CDK, parts[1])
	}
	return found(CloudFormation, parts[1])
}

// random reports whether a suffix looks like one of CloudFormation: it has digits and capital
// letters.
func random(suffix string) bool {
	return strings.ContainsAny(suffix, "0123456789") &&
		strings.ContainsAny(suffix, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
