package authz

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// MayAssume returns an error if the role does not trust the caller, or if the caller's own policies
// do not permit sts:AssumeRole. A nil role means that the role does not exist: STS returns the same
// error as for a role that does not trust the caller. For the administrator, and if the guard does
// not enforce policies, it is enough that the role exists.
//
// If the trust policy names the caller, it also grants the action. If it names the account, the
// caller's own policies have to grant the action. The statements that match the caller become
// identity policies on all resources, so that package iampolicy can evaluate them. If the trust
// policy names a user, AWS does not apply the user's permissions boundary, but the emulator does.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (g Guard) MayAssume(c *service.Call, role service.Role) error {
	p := c.Service.Operations[c.Operation].Needs[0]
	plain := wire.Refuse(http.StatusForbidden, c.Service.Denial, "%s", notAuthorized(c, p))
	if role == nil {
		return plain
	}
	if g.free(c) {
		return nil
	}
	trusting, naming := trust(c.Caller, role)
	arn, _ := resourceOf(c, p)
	if g.decide(c, iampolicy.Grants{Identity: trusting}, p, arn).Decision != iampolicy.Allowed {
		return plain
	}
	grants := c.Caller.Principal.Grants()
	grants.Identity = slices.Concat(grants.Identity, naming)
	if r := g.decide(c, grants, p, arn); r.Decision != iampolicy.Allowed {
		return refusal(c, p, r)
	}
	return nil
}

// Trusts returns an error if the role does not trust a service, such as lambda.amazonaws.com.
func (Guard) Trusts(role service.Role, servicePrincipal string) error {
	trust, err := iampolicy.ParseTrust(role.Trust())
	if err != nil {
		return fmt.Errorf("role %s: trust policy: %w", role.Name(), err)
	}
	if trust.Trusts(servicePrincipal).Decision != iampolicy.Allowed {
		return fmt.Errorf("role %s does not trust %s: let its trust policy allow that service "+
			"sts:AssumeRole", role.Name(), servicePrincipal)
	}
	return nil
}

// trust returns the statements of a role's trust policy that match the caller, each as a policy on
// all resources. naming contains the statements that apply to the caller itself and not only to the
// account: they need no grant from the caller's own policies. Both lists are empty if the trust
// policy does not parse.
func trust(caller service.Caller, role service.Role) (trusting, naming []iampolicy.Policy) {
	document, err := iampolicy.ParseTrust(role.Trust())
	if err != nil {
		return nil, nil
	}
	for _, s := range document.Statements {
		concerns, names := matchesCaller(s.Principal, caller)
		if s.NotPrincipal != nil {
			excluded, _ := matchesCaller(s.NotPrincipal, caller)
			concerns, names = !excluded, !excluded
		}
		s.NotResource = []string{} // a trust policy has no resources: the statement excludes none
		policy := iampolicy.Policy{ID: "trust policy", Document: &iampolicy.Document{
			Version: document.Version, Statements: []iampolicy.Statement{s}}}
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
func matchesCaller(principals []iampolicy.Principal,
	caller service.Caller) (concerns, names bool) {
	arn := caller.Principal.ARN()
	own, _ := awsarn.Parse(arn)
	for _, p := range principals {
		switch {
		case p.Type != "AWS" && p.Type != "":
		case p.Name == "*", p.Name == caller.ARN, p.Name == arn:
			concerns, names = true, true
		case p.Name == own.Account, awsarn.HasPrefix(p.Name) &&
			strings.HasSuffix(p.Name, ":iam::"+own.Account+":root"):
			concerns = true
		}
	}
	return concerns, names
}
