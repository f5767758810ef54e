package service

import (
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A Kind is the type of an IAM entity, spelled as in its ARN.
type Kind string

// The kinds of entities.
const (
	KindUser  Kind = "user"
	KindGroup Kind = "group"
	KindRole  Kind = "role"
)

// Title returns the kind with an upper case letter, as in the names of IAM's parameters.
func (k Kind) Title() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

// A Principal is a user or a role of the account.
type Principal interface {
	Kind() Kind
	Name() string
	ARN() string
	// ID returns the unique id, such as AIDAIOSFODNN7EXAMPLE.
	ID() string
	// Grants returns the policies that decide about the calls of the principal.
	Grants() iampolicy.Grants
	// Tags returns the tags of the principal.
	Tags() map[string]string
}

// A Role is a role of the account.
type Role interface {
	Principal
	// Trust returns the text of the trust policy.
	Trust() string
}

// EntityOfARN returns the kind and the name of the user, group or role in an ARN, without the path.
// It returns false for any other ARN.
func EntityOfARN(arn string) (kind Kind, name string, ok bool) {
	a, ok := awsarn.Parse(arn)
	if !ok || a.Service != "iam" {
		return "", "", false
	}
	k, rest, found := strings.Cut(a.Resource, "/")
	switch kind = Kind(k); kind {
	case KindUser, KindGroup, KindRole:
		name = awsarn.Name(rest)
		return kind, name, found && name != ""
	default:
		return "", "", false
	}
}

// PrincipalContext returns the condition keys that IAM sets for a principal. arn is the value of
// aws:PrincipalArn, and userID is the value of aws:userid.
func PrincipalContext(kind Kind, name, arn, userID string) iampolicy.Context {
	a, _ := awsarn.Parse(arn)
	context := iampolicy.Context{
		"aws:PrincipalArn":     {arn},
		"aws:PrincipalAccount": {a.Account},
		"aws:userid":           {userID},
	}
	if kind == KindUser {
		context["aws:username"] = []string{name}
	}
	return context
}

// Denies reports whether a statement of a layer denies the request.
func Denies(r iampolicy.Result, layer iampolicy.Layer) bool {
	return slices.ContainsFunc(r.Matched, func(m iampolicy.Match) bool {
		return m.Layer == layer && m.Effect == iampolicy.Deny
	})
}
