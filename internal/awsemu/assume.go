package awsemu

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// mayAssume refuses a caller whom a role does not trust, or whose own policies stand in the way. A role of
// nil is one that is not there, which STS does not tell from one that does not trust the caller.
//
// A trust policy that names the caller itself grants the action; one that names the account leaves that to the
// account's policies. What of it concerns the caller is put as an identity policy, so that package
// iampolicy decides about it all the same. Of a user who is named, AWS would not ask the boundary either;
// here it has a say.
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

// trust returns the statements of a role's trust policy that concern the caller, each as a policy on
// everything, and those of them that grant by themselves. A trust policy that does not parse has none.
func (c *call) trust(role *entity) (trusting, naming []iampolicy.Policy) {
	doc, err := iampolicy.ParseTrust(role.trust.text)
	if err != nil {
		return nil, nil
	}
	for _, s := range doc.Statements {
		concerns, names := c.concerned(s)
		if !concerns {
			continue
		}
		policies := appendPolicy(nil, "trust policy", newDocument(withoutPrincipal(doc.Version, s)))
		trusting = append(trusting, policies...)
		if names {
			naming = append(naming, policies...)
		}
	}
	return trusting, naming
}

// concerned reports whether a statement's principals take in the caller, and whether by name or as one
// of everybody rather than as one of the account.
func (c *call) concerned(s iampolicy.Statement) (concerns, names bool) {
	for _, p := range slices.Concat(s.Principal, s.NotPrincipal) {
		switch {
		case p.Type != "AWS" && p.Type != "":
		case p.Name == "*", p.Name == c.caller.arn, p.Name == c.store.arn(c.caller.entity):
			concerns, names = true, true
		case p.Name == c.store.account, strings.HasPrefix(p.Name, "arn:") && strings.HasSuffix(p.Name, ":iam::"+c.store.account+":root"):
			concerns = true
		}
	}
	if s.NotPrincipal != nil {
		return !concerns, !concerns
	}
	return concerns, names
}

// withoutPrincipal writes a statement of a trust policy as an identity policy.
func withoutPrincipal(version string, s iampolicy.Statement) string {
	statement := map[string]any{"Effect": s.Effect.String(), "Resource": "*"}
	if s.NotAction != nil {
		statement["NotAction"] = s.NotAction
	} else {
		statement["Action"] = s.Action
	}
	if len(s.Conditions) > 0 {
		conditions := make(map[string]map[string][]string)
		for _, condition := range s.Conditions {
			keys := conditions[condition.Operator]
			if keys == nil {
				keys = make(map[string][]string)
				conditions[condition.Operator] = keys
			}
			keys[condition.Key] = append([]string{}, condition.Values...)
		}
		statement["Condition"] = conditions
	}
	document := map[string]any{"Statement": []any{statement}}
	if version != "" {
		document["Version"] = version
	}
	text, err := json.Marshal(document)
	if err != nil { // maps of strings
		return ""
	}
	return string(text)
}
