package awsemu

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

var stsService = &service{
	name: "sts", scope: "sts", prefix: "sts", version: "2011-06-15",
	xmlns:  "https://sts.amazonaws.com/doc/2011-06-15/",
	denial: "AccessDenied",
	throttled: func() *apiError {
		return refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
	},
	operations: map[string]func(*call) (any, error){
		"GetCallerIdentity": getCallerIdentity,
		"AssumeRole":        assumeRole,
	},
}

func getCallerIdentity(c *call) (any, error) {
	return struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	}{c.caller.arn, c.caller.userID, c.store.account}, nil
}

// assumeRole gives keys that are then the role's session. Anybody may assume any role: trust policies are
// for the auditor to judge, and are not enforced here.
func assumeRole(c *call) (any, error) {
	session := c.form.get("RoleSessionName")
	switch {
	case !c.form.has("RoleSessionName"):
		return nil, required("roleSessionName")
	case len(session) < 2:
		return nil, constraint("roleSessionName", "Member must have length greater than or equal to 2")
	case len(session) > 64 || !isName(session):
		return nil, constraint("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	arn := c.form.get("RoleArn")
	k, name, ok := entityOfARN(arn)
	if !ok || k != kindRole {
		return nil, validationError("%s is invalid", arn)
	}
	role := c.store.entities[kindRole][name]
	if role == nil || c.store.arn(role) != arn {
		// As STS does, without a word about whether the role exists.
		return nil, refuse(http.StatusForbidden, "AccessDenied",
			"User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.caller.arn, arn)
	}

	c.store.made++
	key := uniqueID(prefixSession, arn, session, fmt.Sprint(c.store.made))
	who := identity{
		// The session's ARN has lost the role's path.
		arn:    fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", c.store.partition, c.store.account, name, session),
		userID: role.id + ":" + session,
		entity: role,
	}
	c.store.keys[key] = who

	type credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	type assumedRole struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		ARN           string `xml:"Arn"`
	}
	return struct {
		Credentials     credentials
		AssumedRoleUser assumedRole
	}{
		credentials{key, secretOf(key), "session-of-" + strings.ToLower(key), stamp(c.time().Add(time.Hour))},
		assumedRole{who.userID, who.arn},
	}, nil
}

// secretOf makes the secret of a key: forty characters, as clients expect, and no secret at all.
func secretOf(key string) string { return digest([]string{"secret", key})[:40] }
