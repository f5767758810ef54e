package awsemu

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
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
		"GetCallerIdentity": {}, // needs no permission, and policies cannot deny it
		"AssumeRole":        {{resource: parameterARN("RoleArn"), decidedByOperation: true}},
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

// assumeRole returns the keys of a new session of a role. Without Server.EnforceIAM, every caller
// may assume every role: the trust policies are only data for the auditor.
func assumeRole(c *call) (any, error) {
	session := c.form.get("RoleSessionName")
	switch {
	case !c.form.has("RoleSessionName"):
		return nil, required("roleSessionName")
	case len(session) < 2:
		return nil, constraint("roleSessionName", "Member must have length greater than or equal to 2")
	case len(session) > 64 || !awsname.IsIAMName(session):
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

	key, assumed := c.store.session(role, session)
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
		assumedRole{assumed.userID, assumed.arn},
	}, nil
}

// session creates a session of a role, and returns its access key id and its identity.
func (st *store) session(role *entity, name string) (key string, id identity) {
	st.made++
	key = uniqueID(prefixSession, st.arn(role), name, fmt.Sprint(st.made))
	id = identity{
		// The ARN of a session does not contain the role's path.
		arn: awsarn.ARN{Partition: st.partition, Service: "sts", Account: st.account,
			Resource: "assumed-role/" + role.name + "/" + name}.String(),
		userID: role.id + ":" + name,
		entity: role,
	}
	st.keys[key] = id
	return key, id
}

// Keys are credentials for signing requests.
type Keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// ServiceSession returns the keys of a new session of a role that a service assumes, as Lambda does
// for a function. service is the service principal, such as lambda.amazonaws.com. ServiceSession
// returns an error if the role does not trust the service.
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

// secretOf returns the secret of an access key: 40 characters, as clients expect. The secret is
// derived from the key id and protects nothing.
func secretOf(key string) string { return digest([]string{"secret", key})[:40] }

// tokenOf returns the session token of a key. The server does not check tokens.
func tokenOf(key string) string { return "session-of-" + strings.ToLower(key) }
