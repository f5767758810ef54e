package cloudtrail

import (
	"cmp"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// actor returns the name of the principal that made the call, and the address that the call came
// from. The address is empty if name already contains the calling service. account is the account
// of the call; the name of a principal in another account includes that account.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func (o object) actor(account string) (name, from string) {
	id := o.object("userIdentity")
	session := id.object("sessionContext")
	issuer := session.object("sessionIssuer")
	principal, service, userName := id.text("arn", maxARN), id.text("invokedBy", maxName),
		id.text("userName", maxName)
	from = o.text("sourceIPAddress", maxName)
	switch kind := id.text("type", maxName); kind {
	case "IAMUser":
		name = "user/" + firstOf(userName, arn.Name(principal))
	case "AssumedRole":
		parsed, _ := arn.Parse(principal)
		role, sessionName := parsed.Session()
		name = "role/" + firstOf(issuer.text("userName", maxName), role)
		if source := session.text("sourceIdentity", maxName); source != "" && source != sessionName {
			sessionName += ", source identity " + source
		}
		name += parenthesis("session ", sessionName)
	case "Root":
		name = "the root user"
	case "AWSService":
		name = "AWS service " + firstOf(service, userName)
	case "FederatedUser":
		name = "federated user " + firstOf(userName, arn.Name(principal)) +
			parenthesis("of user/", issuer.text("userName", maxName))
	case "SAMLUser", "WebIdentityUser":
		name = map[string]string{"SAMLUser": "SAML user ", "WebIdentityUser": "web identity "}[kind] +
			firstOf(userName, id.text("principalId", maxName)) +
			parenthesis("of ", id.text("identityProvider", maxName))
	case "IdentityCenterUser":
		name = "Identity Center user " + firstOf(id.object("onBehalfOf").text("userId", maxName),
			id.text("principalId", maxName))
	case "AWSAccount":
		name = firstOf(id.text("accountId", maxName), id.text("principalId", maxName))
		return "account " + name, from
	case "":
		name = firstOf(userName, principal, id.text("principalId", maxName))
	default:
		name = kind + " " + firstOf(userName, principal, id.text("principalId", maxName))
	}
	accountID := id.text("accountId", maxName)
	if accountID != "" && account != "" && accountID != account {
		name += " of account " + accountID
	}
	if service != "" && !strings.HasSuffix(name, service) {
		name += " through " + service
	}
	if from == service { // a call through a service has the service's name as its address
		from = ""
	}
	return textfmt.Truncate(name, maxActor), from
}

// maxActor is the maximum length of an actor's name in characters: enough for two names and their
// kinds.
const maxActor = 400

// firstOf returns the first name that is not empty, or a text for a record without a name.
func firstOf(names ...string) string {
	return cmp.Or(cmp.Or(names...), "an unnamed principal")
}

func parenthesis(label, name string) string {
	if name == "" {
		return ""
	}
	return " (" + label + name + ")"
}
