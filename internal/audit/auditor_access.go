package audit

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// AuditorAccess describes what the auditor itself may not do. It has all problems with a Grant.
type AuditorAccess struct {
	// Principal is the ARN of the auditor in AWS's messages, AttachTo its user/NAME or role/NAME. Both
	// are empty if the messages name none or several.
	Principal string `json:"principal,omitempty"`
	AttachTo  string `json:"attachTo,omitempty"`
	// Lacks are the denied actions, in the order of the problems.
	Lacks []DeniedAction `json:"lacks"`
	// Policy grants the denied actions that a grant can allow, and the actions that the audit calls
	// after them. It is nil if another layer denies all of them.
	Policy *iampolicy.Document `json:"policy,omitempty"`
	// Error is the first message of AWS.
	Error string `json:"error"`
}

// DeniedAction is an action that AWS denies to the auditor.
type DeniedAction struct {
	Action string `json:"action"`
	// Targets are the targets of the problems, at most maxDeniedTargets. More counts further problems.
	Targets []string `json:"targets"`
	More    int      `json:"more,omitempty"`
	// Layer is the layer that denies the action although a grant may exist, such as "service control
	// policy". It is empty if the auditor's own policies lack a grant, as far as AWS's message says.
	Layer string `json:"layer,omitempty"`
}

// maxDeniedTargets bounds the targets of a DeniedAction.
const maxDeniedTargets = 20

// followUps are the actions that the audit calls with the answer of another action.
var followUps = map[string][]string{
	"iam:GetUser":                   {"iam:GetPolicy", "iam:GetPolicyVersion"},
	"iam:ListUserPolicies":          {"iam:GetUserPolicy"},
	"iam:ListAttachedUserPolicies":  {"iam:GetPolicy", "iam:GetPolicyVersion"},
	"iam:ListGroupsForUser":         {"iam:ListGroupPolicies", "iam:ListAttachedGroupPolicies"},
	"iam:ListGroupPolicies":         {"iam:GetGroupPolicy"},
	"iam:ListAttachedGroupPolicies": {"iam:GetPolicy", "iam:GetPolicyVersion"},
	"iam:GetRole":                   {"iam:GetPolicy", "iam:GetPolicyVersion"},
	"iam:ListRolePolicies":          {"iam:GetRolePolicy"},
	"iam:ListAttachedRolePolicies":  {"iam:GetPolicy", "iam:GetPolicyVersion"},
	"iam:GetPolicy":                 {"iam:GetPolicyVersion"},
	"lambda:ListFunctions":          {"lambda:ListTags"},
}

// Access returns what the auditor may not do, or nil if no problem has a Grant. It finds that out
// for a report of an earlier release, too.
func (r Report) Access() *AuditorAccess {
	if r.AuditorAccess != nil {
		return r.AuditorAccess
	}
	return r.auditorAccess()
}

// auditorAccess derives AuditorAccess from the problems. With READ_SCOPE=named, the policy is
// limited to the resources that AWS's messages name.
func (r Report) auditorAccess() *AuditorAccess {
	a := &AuditorAccess{Lacks: []DeniedAction{}}
	index := map[string]int{}
	principals := map[string]bool{}
	var resources []string
	for _, p := range r.Problems {
		if !actionForm.MatchString(p.Grant) {
			continue
		}
		layer, key := deniedBy(p.Why), p.Grant+" "+deniedBy(p.Why)
		i, known := index[key]
		if !known {
			i = len(a.Lacks)
			index[key] = i
			a.Lacks = append(a.Lacks, DeniedAction{Action: p.Grant, Layer: layer, Targets: []string{}})
		}
		if d := &a.Lacks[i]; !slices.Contains(d.Targets, p.Target) {
			if len(d.Targets) < maxDeniedTargets {
				d.Targets = append(d.Targets, p.Target)
			} else {
				d.More++
			}
		}
		if a.Error == "" {
			a.Error = p.Why
		}
		principal, resource := namedIn(p.Why)
		principals[principal] = true
		if layer == "" {
			resources = textfmt.AppendNew(resources, r.deniedResource(resource, p.Target))
		}
	}
	if len(a.Lacks) == 0 {
		return nil
	}
	if len(principals) == 1 {
		for principal := range principals {
			a.Principal, a.AttachTo = principal, attachTo(principal, r.Account)
		}
	}
	a.Policy = r.auditorPolicy(a.Lacks, resources)
	return a
}

// actionForm is the form of an action. Problem.Grant can come from a stored report.
var actionForm = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)

// deniedBy returns the layer that denies a call by AWS's message, if a grant for the auditor would
// not help. It is empty otherwise.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func deniedBy(message string) string {
	for _, layer := range []string{"service control policy", "resource control policy",
		"permissions boundary", "session policy", "VPC endpoint policy", "resource-based policy"} {
		for _, phrase := range []string{"explicit deny in a " + layer,
			"because no " + layer + " allows"} {
			if strings.Contains(message, phrase) && (layer != "resource-based policy" ||
				strings.HasPrefix(phrase, "explicit deny")) {
				return layer
			}
		}
	}
	if strings.Contains(message, "explicit deny") {
		return "explicit deny"
	}
	return ""
}

// messageForm is the part of AWS's message that names the principal and the resource.
var messageForm = regexp.MustCompile(
	`User: (arn:\S+) is not authorized to perform: \S+(?: on resource: (\S+))?`)

// namedIn returns the principal and the resource that AWS's message names.
func namedIn(message string) (principal, resource string) {
	if m := messageForm.FindStringSubmatch(message); m != nil {
		return m[1], m[2]
	}
	return "", ""
}

// attachTo returns the user or role of the auditor's ARN, or an empty text if it is none of the
// account. A session stands for its role.
func attachTo(principal, account string) string {
	a, ok := arn.Parse(principal)
	if role, _ := a.Session(); ok && role != "" && a.Account == account && awsname.IsRoleName(role) {
		return "role/" + role
	}
	if !ok || !awsname.IsIAMARN(a) || a.Account != account || !awsname.IsIAMName(a.Name()) ||
		a.Kind() != "user" && a.Kind() != "role" {
		return ""
	}
	return a.Kind() + "/" + a.Name()
}

// deniedResource returns the ARN that AWS's message names, if it is one of the account's IAM, else
// the ARN of the target, else "*".
func (r Report) deniedResource(resource, target string) string {
	if a, ok := arn.Parse(resource); ok && awsname.IsIAMARN(a) && a.Partition == r.Partition &&
		(a.Account == r.Account || a.Account == "aws") && !strings.ContainsAny(a.Resource, "*?$") {
		return resource
	}
	for _, t := range r.Targets {
		if t.Name == target && t.ARN != "" {
			return t.ARN
		}
	}
	return "*"
}

// auditorPolicy returns the least policy with the actions that a grant can allow and with the
// actions that follow them. An action outside contract's tables is granted on every resource.
func (r Report) auditorPolicy(lacks []DeniedAction, resources []string) *iampolicy.Document {
	blocked := map[string]bool{}
	for _, d := range lacks {
		blocked[d.Action] = blocked[d.Action] || d.Layer != ""
	}
	var actions []string
	for _, d := range lacks {
		if !blocked[d.Action] {
			actions = textfmt.AppendNew(actions, d.Action)
		}
	}
	for i := 0; i < len(actions); i++ { // the list grows
		for _, next := range followUps[actions[i]] {
			if !blocked[next] {
				actions = textfmt.AppendNew(actions, next)
			}
		}
	}
	scope := contract.ReadScopeAccount
	if slices.ContainsFunc(r.Notices, func(n Notice) bool { return n.Kind == NoticeReadScope }) {
		scope = contract.ReadScopeNamed
	}
	var permissions []contract.Permission
	var others []string
	for _, action := range actions {
		i := slices.IndexFunc(contract.ReadPermissions(), func(p contract.Permission) bool {
			return p.Action == action
		})
		if i < 0 {
			others = append(others, action)
			continue
		}
		permissions = append(permissions, contract.ReadPermissions()[i])
	}
	doc := &iampolicy.Document{Version: iampolicy.Version}
	for _, s := range contract.Statements(scope, permissions) {
		statement := iampolicy.Statement{Sid: s.Sid, Effect: iampolicy.Allow, Action: s.Actions}
		for _, resource := range s.Resources {
			if resource == "${NamedPrincipals}" {
				statement.Resource = append(statement.Resource, resources...)
				continue
			}
			resource = strings.NewReplacer("${AWS::Partition}", r.Partition, "${AWS::AccountId}",
				r.Account).Replace(resource)
			statement.Resource = textfmt.AppendNew(statement.Resource, resource)
		}
		doc.Statements = append(doc.Statements, statement)
	}
	if others != nil {
		doc.Statements = append(doc.Statements, iampolicy.Statement{Sid: "Other",
			Effect: iampolicy.Allow, Action: others, Resource: []string{"*"}})
	}
	if len(doc.Statements) == 0 {
		return nil
	}
	return doc
}
