package awsemu

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
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
	permissions: permissions{
		"GetCallerIdentity": {}, // always allowed
		"AssumeRole":        {{resource: param("RoleArn"), own: true}},
	},
	context: func(c *call, set func(key, value string)) {
		set("sts:RoleSessionName", c.form.get("RoleSessionName"))
		set("sts:ExternalId", c.form.get("ExternalId"))
	},
}

func getCallerIdentity(c *call) (any, error) {
	return struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	}{c.caller.arn, c.caller.userID, c.store.account}, nil
}

// assumeRole returns keys of a session of the role. Without Server.EnforceIAM any caller may
// assume any role: trust policies are for the auditor to judge.
func assumeRole(c *call) (any, error) {
	session := c.form.get("RoleSessionName")
	switch {
	case !c.form.has("RoleSessionName"):
		return nil, required("roleSessionName")
	case len(session) < 2:
		return nil, constraint("roleSessionName", "Member must have length greater than or equal to 2")
	case len(session) > 64 || !isName(session):
		return nil,
			constraint("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	arn := c.form.get("RoleArn")
	k, name, ok := entityOfARN(arn)
	if !ok || k != kindRole {
		return nil, validationError("%s is invalid", arn)
	}
	role := c.store.entities[kindRole][name]
	if role != nil && c.store.arn(role) != arn {
		role = nil
	}
	if problem := c.mayAssume(role); problem != nil {
		return nil, problem
	}

	key, who := c.store.session(role, session)
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
		credentials{key, secretOf(key), tokenOf(key), stamp(c.time().Add(time.Hour))},
		assumedRole{who.userID, who.arn},
	}, nil
}

// session makes a key that is a role's session from now on.
func (st *store) session(role *entity, name string) (key string, who identity) {
	st.made++
	key = uniqueID(prefixSession, st.arn(role), name, fmt.Sprint(st.made))
	who = identity{
		// The session's ARN has lost the role's path.
		arn: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", st.partition, st.account, role.name,
			name),
		userID: role.id + ":" + name,
		entity: role,
	}
	st.keys[key] = who
	return key, who
}

// Keys are credentials a client can sign with.
type Keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// ServiceSession gives the keys of a session of a role, as a service gets them for what it runs:
// Lambda for a function. service is its principal, such as lambda.amazonaws.com, which the role has
// to trust.
func (s *Server) ServiceSession(service, role, session string) (Keys, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(); err != nil {
		return Keys{}, err
	}
	e := s.store.entities[kindRole][role]
	if e == nil {
		return Keys{}, fmt.Errorf("there is no role %s: add it to the account", role)
	}
	trust, err := iampolicy.ParseTrust(e.trust.text)
	if err != nil {
		return Keys{}, fmt.Errorf("role %s: trust policy: %w", role, err)
	}
	if trust.Trusts(service).Decision != iampolicy.Allowed {
		return Keys{},
			fmt.Errorf("role %s does not trust %s: let its trust policy allow that service sts:AssumeRole",
				role, service)
	}
	key, _ := s.store.session(e, session)
	return Keys{key, secretOf(key), tokenOf(key)}, nil
}

// secretOf makes the secret of a key: forty characters, as clients expect, and no secret at all.
func secretOf(key string) string { return digest([]string{"secret", key})[:40] }

// tokenOf returns the token of a session's key. No code checks it.
func tokenOf(key string) string { return "session-of-" + strings.ToLower(key) }
