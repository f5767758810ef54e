package cloudtrail

import "strings"

// actor says who made the call, and from where, if that says more. account is where it was made:
// whoever is of another is told as that.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func (o object) actor(account string) (who, from string) {
	id := o.object("userIdentity")
	session := id.object("sessionContext")
	issuer := session.object("sessionIssuer")
	arn, by, name := id.text("arn", maxARN), id.text("invokedBy", maxName),
		id.text("userName", maxName)
	from = o.text("sourceIPAddress", maxName)
	switch kind := id.text("type", maxName); kind {
	case "IAMUser":
		who = "user/" + or(name, last(arn))
	case "AssumedRole":
		// arn:aws:sts::123456789012:assumed-role/ROLE/SESSION
		_, rest, _ := strings.Cut(arn, ":assumed-role/")
		role, in, _ := strings.Cut(rest, "/")
		who = "role/" + or(issuer.text("userName", maxName), role)
		if source := session.text("sourceIdentity", maxName); source != "" && source != in {
			in += ", source identity " + source
		}
		who += parenthesis("session ", in)
	case "Root":
		who = "the root user"
	case "AWSService":
		who = "AWS service " + or(by, name)
	case "FederatedUser":
		who = "federated user " + or(name, last(arn)) +
			parenthesis("of user/", issuer.text("userName", maxName))
	case "SAMLUser", "WebIdentityUser":
		who = map[string]string{"SAMLUser": "SAML user ", "WebIdentityUser": "web identity "}[kind] +
			or(name, id.text("principalId", maxName)) +
			parenthesis("of ", id.text("identityProvider", maxName))
	case "IdentityCenterUser":
		who = "Identity Center user " + or(id.object("onBehalfOf").text("userId", maxName),
			id.text("principalId", maxName))
	case "AWSAccount":
		return "account " + or(id.text("accountId", maxName), id.text("principalId", maxName)), from
	case "":
		who = or(name, or(arn, id.text("principalId", maxName)))
	default:
		who = kind + " " + or(name, or(arn, id.text("principalId", maxName)))
	}
	if of := id.text("accountId", maxName); of != "" && account != "" && of != account {
		who += " of account " + of
	}
	if by != "" && !strings.HasSuffix(who, by) {
		who += " through " + by
	}
	if from == by { // a service that calls in somebody's name is its own address
		from = ""
	}
	return cut(who, maxActor), from
}

// maxActor bounds what is said of an actor: two names, and what they are.
const maxActor = 400

func or(name, other string) string {
	switch {
	case name != "":
		return name
	case other != "":
		return other
	}
	return "somebody whom the record does not name"
}

func parenthesis(what, name string) string {
	if name == "" {
		return ""
	}
	return " (" + what + name + ")"
}
