package awsemu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// mayAssume refuses a caller that the role does not trust or whose own policies do not allow the
// call. A nil role does not exist; STS returns the same error for it.
//
// A trust policy that names the caller grants the action. One that names the account leaves the
// decision to the account's policies. mayAssume turns the statements about the caller into an
// identity policy, which package iampolicy evaluates. AWS ignores the boundary of a user that the
// trust policy names; mayAssume applies it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (c *call) mayAssume(role *entity) *apiError {
	p := c.service.permissions[c.operation][0]
	plain := refuse(http.StatusForbidden, c.service.denial, "%s", c.notAuthorized(p))
	if role == nil {
		return plain
	}
	if !c.EnforceIAM || c.caller.administrator {
		return nil
	}
	trusting, naming := c.trust(role)
	arn, _ := c.resourceOf(p)
	if c.decide(iampolicy.Grants{Identity: trusting}, p, arn).Decision != iampolicy.Allowed {
		return plain
	}
	grants := c.store.grantsOf(c.caller.entity, nil)
	grants.Identity = slices.Concat(grants.Identity, naming)
	if r := c.decide(grants, p, arn); r.Decision != iampolicy.Allowed {
		return c.refusal(p, r)
	}
	return nil
}

// trust returns the statements of a role's trust policy about the caller, each as an identity
// policy on all resources, and those that grant without another policy. A trust policy that does
// not parse has none.
func (c *call) trust(role *entity) (trusting, naming []iampolicy.Policy) {
	statements, err := trustStatements(role.trust.text)
	if err != nil {
		return nil, nil
	}
	for _, s := range statements {
		concerns, names := c.concerned(s.principals)
		if s.not {
			concerns, names = !concerns, !concerns
		}
		policy := iampolicy.Policy{ID: "trust policy", Document: s.document}
		if concerns {
			trusting = append(trusting, policy)
		}
		if names {
			naming = append(naming, policy)
		}
	}
	return trusting, naming
}

// concerned reports whether principals include the caller, and whether by name or as "*" instead of
// through the account.
func (c *call) concerned(principals []principal) (concerns, names bool) {
	for _, p := range principals {
		switch {
		case p.kind != "AWS" && p.kind != "":
		case p.name == "*", p.name == c.caller.arn, p.name == c.store.arn(c.caller.entity):
			concerns, names = true, true
		case p.name == c.store.account, strings.HasPrefix(p.name, "arn:") &&
			strings.HasSuffix(p.name, ":iam::"+c.store.account+":root"):
			concerns = true
		}
	}
	return concerns, names
}

// trustStatement is a statement of a trust policy: its Principal or NotPrincipal, and the rest as
// the only statement of an identity policy on all resources.
type trustStatement struct {
	principals []principal
	not        bool
	document   *iampolicy.Document
}

// principal is AWS with an ARN, Service with a name, or "*" without a kind.
type principal struct{ kind, name string }

// trustStatements splits a trust policy that ParseTrust accepts. ParseTrust has checked that keys
// are exact and unique, which encoding/json does not.
func trustStatements(text string) ([]trustStatement, error) {
	if _, err := iampolicy.ParseTrust(text); err != nil {
		return nil, err
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	raw, err := oneOrMany[map[string]json.RawMessage](doc["Statement"])
	if err != nil {
		return nil, err
	}
	var all []trustStatement
	for _, members := range raw {
		var s trustStatement
		about := members["Principal"]
		if about == nil {
			about, s.not = members["NotPrincipal"], true
		}
		if s.principals, err = principalsIn(about); err != nil {
			return nil, err
		}
		delete(members, "Principal")
		delete(members, "NotPrincipal")
		members["Resource"] = json.RawMessage(`"*"`)
		identity := map[string]any{"Statement": members}
		if version := doc["Version"]; version != nil {
			identity["Version"] = version
		}
		text, err := json.Marshal(identity)
		if err != nil {
			return nil, err
		}
		if s.document, err = iampolicy.Parse(string(text)); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func principalsIn(raw json.RawMessage) ([]principal, error) {
	var star string
	if json.Unmarshal(raw, &star) == nil {
		return []principal{{name: star}}, nil
	}
	var byKind map[string]json.RawMessage
	if err := json.Unmarshal(raw, &byKind); err != nil {
		return nil, err
	}
	var all []principal
	for kind, names := range byKind {
		list, err := oneOrMany[string](names)
		if err != nil {
			return nil, err
		}
		for _, name := range list {
			all = append(all, principal{kind, name})
		}
	}
	return all, nil
}

// oneOrMany reads a list, or a single value as a list of one.
func oneOrMany[T any](raw json.RawMessage) ([]T, error) {
	var many []T
	if json.Unmarshal(raw, &many) == nil {
		return many, nil
	}
	one := make([]T, 1)
	return one, json.Unmarshal(raw, &one[0])
}
