package awsemu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// mayAssume returns an error unless the role trusts the caller and the caller's own policies permit
// sts:AssumeRole. A nil role does not exist; STS gives the same error as for a role that does not
// trust the caller.
//
// A trust policy that names the caller grants the action; a trust policy that names the account
// leaves the decision to the account's policies. The statements that match the caller become an
// identity policy, so that package iampolicy can evaluate them. AWS does not apply the boundary of
// a user that the trust policy names; the emulator does.
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

// trust returns the statements of a role's trust policy that match the caller, each as a policy on
// all resources, and the subset that needs no grant from the account's policies. It returns none
// for a trust policy that does not parse.
func (c *call) trust(role *entity) (trusting, naming []iampolicy.Policy) {
	statements, err := trustStatements(role.trust.text)
	if err != nil {
		return nil, nil
	}
	for _, s := range statements {
		concerns, names := c.matchesCaller(s.principals)
		if s.inverted {
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

// matchesCaller reports whether principals include the caller, and whether they do so by its ARN or
// by the star rather than by the account.
func (c *call) matchesCaller(principals []principal) (concerns, names bool) {
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

// A trustStatement is a statement of a trust policy.
type trustStatement struct {
	principals []principal
	inverted   bool                // principals is NotPrincipal
	document   *iampolicy.Document // the rest of the statement, as an identity policy on all resources
}

// A principal is AWS with an ARN, Service with a name, or the bare star, which has no kind.
type principal struct{ kind, name string }

// trustStatements splits a trust policy into statements. It calls ParseTrust first, because
// encoding/json accepts duplicate keys and keys in the wrong case.
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
		principals := members["Principal"]
		if principals == nil {
			principals, s.inverted = members["NotPrincipal"], true
		}
		if s.principals, err = principalsIn(principals); err != nil {
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
