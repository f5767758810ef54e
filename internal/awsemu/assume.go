package awsemu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// mayAssume refuses a caller whom a role does not trust, or whose own policies stand in the way. A
// role of nil is one that is not there, which STS does not tell from one that does not trust the
// caller.
//
// A trust policy that names the caller itself grants the action; one that names the account leaves
// that to the account's policies. What of it concerns the caller is put as an identity policy, so
// that package iampolicy decides about it all the same. Of a user who is named, AWS would not ask
// the boundary either; here it has a say.
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

// trust returns the statements of a role's trust policy that concern the caller, each as a policy
// on everything, and those of them that grant by themselves. A trust policy that does not parse has
// none.
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

// concerned reports whether principals take in the caller, and whether by name or as one of
// everybody rather than as one of the account.
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

// A trustStatement is a statement of a trust policy: whom it is about, or not about, and what it
// says as the one statement of an identity policy on everything.
type trustStatement struct {
	principals []principal
	not        bool
	document   *iampolicy.Document
}

// A principal is AWS and an ARN, Service and a name, or the bare star, which has no kind.
type principal struct{ kind, name string }

// trustStatements takes a trust policy apart. That ParseTrust accepts it means that its keys are
// exact and that none is there twice, which encoding/json would not notice.
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
	var everybody string
	if json.Unmarshal(raw, &everybody) == nil {
		return []principal{{name: everybody}}, nil
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

// oneOrMany reads a value that may stand alone for a list of one.
func oneOrMany[T any](raw json.RawMessage) ([]T, error) {
	var many []T
	if json.Unmarshal(raw, &many) == nil {
		return many, nil
	}
	one := make([]T, 1)
	return one, json.Unmarshal(raw, &one[0])
}
