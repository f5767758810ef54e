package iam

import (
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// The types of policies that can be excluded as a whole.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PolicyIdentifier.html
const (
	typeInline      = "inline"
	typeAWSManaged  = "aws-managed"
	typeUserManaged = "user-managed"
	typeBoundary    = "permission-boundary"
	typeSCP         = "scp"
	typeRCP         = "rcp" // accepted without effect, as on AWS
)

func (p *policy) policyType() string {
	if p.ofAWS() {
		return typeAWSManaged
	}
	return typeUserManaged
}

// An attachment is a policy of a principal, with the properties that an exclusion can select.
type attachment struct {
	policyType string
	arn        string  // set for a managed policy
	holder     *entity // set for an inline policy: the principal or its group
	name       string  // set for an inline policy
}

// exclusions are the entries of PolicyExclusionList. Each function reports whether its entry
// excludes a policy. Nil excludes nothing.
type exclusions []func(attachment) bool

func (x exclusions) cover(a attachment) bool {
	return slices.ContainsFunc(x, func(excludes func(attachment) bool) bool { return excludes(a) })
}

// exclusions reads PolicyExclusionList. An entry that matches no policy has no effect. AWS answers
// a malformed entry with InvalidInput. The messages of AWS are unknown, so this project wrote its
// own.
func (c call) exclusions() (exclusions, error) {
	var all exclusions
	for i, entry := range c.Form.List("PolicyExclusionList", "member") {
		if len(entry.Sub) != 1 {
			return nil,
				invalidInput("Policy exclusion list item %d must have exactly one of PolicyType, PolicyArn "+
					"and InlinePolicyIdentifier.", i+1)
		}
		var excludes func(attachment) bool
		var err error
		switch {
		case entry.Has("PolicyType"):
			excludes, err = excludeType(entry.Get("PolicyType"))
		case entry.Has("PolicyArn"):
			excludes, err = c.excludeARN(entry.Get("PolicyArn"))
		case entry.Has("InlinePolicyIdentifier"):
			excludes, err = excludeInline(entry.At("InlinePolicyIdentifier"))
		default:
			err = invalidInput("Policy exclusion list item %d must have exactly one of PolicyType, "+
				"PolicyArn and InlinePolicyIdentifier.", i+1)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, excludes)
	}
	return all, nil
}

func excludeType(policyType string) (func(attachment) bool, error) {
	known := []string{typeInline, typeAWSManaged, typeUserManaged, typeBoundary, typeSCP, typeRCP}
	if !slices.Contains(known, policyType) {
		return nil, wire.NotInEnum("policyExclusionList.policyType", known...)
	}
	return func(a attachment) bool { return a.policyType == policyType }, nil
}

// excludeARN returns an exclusion of the attached managed policies that match arn, where * and ?
// are wildcards. The exclusion does not apply to the boundary, which has its own policy type.
func (c call) excludeARN(arn string) (func(attachment) bool, error) {
	a, ok := awsarn.Parse(arn)
	bad := !ok || strings.ContainsAny(a.Partition+a.Service+a.Region+a.Account, "*?") ||
		a.Partition == "" || (a.Service != "iam" && a.Service != "organizations") ||
		strings.Count(arn, "*") > 1
	if !bad {
		name, isPolicy := strings.CutPrefix(a.Resource, "policy/")
		bad = !isPolicy || name == ""
	}
	if bad {
		return nil, invalidInput("Invalid policy ARN in the policy exclusion list: %s", arn)
	}
	pattern := exclusionTokens(arn)
	return func(a attachment) bool { return a.arn != "" && overlap(literalTokens(a.arn), pattern) },
		nil
}

func excludeInline(id *wire.Form) (func(attachment) bool, error) {
	const at = "policyExclusionList.inlinePolicyIdentifier."
	name, holder, k := id.Get("PolicyName"), id.Get("AttachmentName"),
		service.Kind(id.Get("AttachmentType"))
	switch {
	case !id.Has("PolicyName"):
		return nil, wire.Required(at + "policyName")
	case !id.Has("AttachmentName"):
		return nil, wire.Required(at + "attachmentName")
	case !id.Has("AttachmentType"):
		return nil, wire.Required(at + "attachmentType")
	case k != service.KindUser && k != service.KindGroup && k != service.KindRole:
		return nil, wire.NotInEnum(at+"attachmentType", string(service.KindUser),
			string(service.KindGroup), string(service.KindRole))
	case !awsname.IsIAMName(name):
		return nil, invalidInput("Invalid inline policy name in the policy exclusion list: %s", name)
	case strings.Count(holder, "*") > 1 ||
		!awsname.IsIAMName(strings.NewReplacer("*", "x", "?", "x").Replace(holder)):
		return nil, invalidInput("Invalid attachment name in the policy exclusion list: %s", holder)
	}
	pattern := exclusionTokens(holder)
	return func(a attachment) bool {
		return a.holder != nil && a.holder.kind == k && a.name == name &&
			overlap(literalTokens(a.holder.name), pattern)
	}, nil
}

// exclusionTokens splits a pattern into tokens, where a question mark matches any one character.
func exclusionTokens(pattern string) []int {
	return patternTokens(strings.ReplaceAll(pattern, "?", "\x00"))
}
