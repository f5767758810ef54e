package awsemu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// mayAssume returns an error if the role does not trust the caller, or if the caller's own policies
// do not permit sts:AssumeRole. A nil role means that the role does not exist: STS returns the same
// error as for a role that does not trust the caller. Without Server.EnforceIAM, and for the
// administrator, it is enough that the role exists.
//
// If the trust policy names the caller, it also grants the action. If it names the account, the
// caller's own policies have to grant the action. The statements that match the caller become
// identity policies, so that package iampolicy can evaluate them. If the trust policy names a user,
// AWS does not apply the user's permissions boundary, but the emulator applies it.
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
// all resources. naming contains the statements that apply to the caller itself and not only to the
// account: they need no grant from the caller's own policies. Both lists are empty if the trust
// policy does not parse.
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

// matchesCaller reports whether principals include the caller (concerns), and whether they include
// the caller by its ARN or by the star, not only by the account (names).
func (c *call) matchesCaller(principals []principal) (concerns, names bool) {
	for _, p := range principals {
		switch {
		case p.kind != "AWS" && p.kind != "":
		case p.name == "*", p.name == c.caller.arn, p.name == c.store.arn(c.caller.entity):
			concerns, names = true, true
		case p.name == c.store.account, awsarn.HasPrefix(p.name) &&
			strings.HasSuffix(p.name, ":iam::"+c.store.account+":root"):
			concerns = true
		}
	}
	return concerns, names
}

// A trustStatement is a statement of a trust policy.
type trustStatement struct {
	principals []principal
	inverted   bool                // the statement has NotPrincipal, not Principal
	document   *iampolicy.Document // the rest of the statement, as an identity policy on all resources
}

// A principal is one principal of a trust policy. kind is its type, such as AWS or Service, and
// name is its ARN, account id or service name. The bare star has no kind.
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

// oneOrMany decodes a list. It returns a single value as a list with one element.
func oneOrMany[T any](raw json.RawMessage) ([]T, error) {
	var many []T
	if json.Unmarshal(raw, &many) == nil {
		return many, nil
	}
	one := make([]T, 1)
	return one, json.Unmarshal(raw, &one[0])
}
