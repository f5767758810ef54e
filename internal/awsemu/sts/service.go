// Package sts emulates GetCallerIdentity, AssumeRole and DecodeAuthorizationMessage of STS.
package sts

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// A Service contains the sessions of roles.
type Service struct {
	account  *service.Account
	roles    Roles
	guard    Guard
	sessions map[string]service.Caller // by access key
	disabled []string                  // the disabled regions
}

// Roles finds roles. Package iam implements it.
type Roles interface {
	Role(name string) (service.Role, bool)
}

// A Guard decides who may assume a role. Package authz implements it.
type Guard interface {
	// MayAssume returns the error for a caller that may not assume the role. A nil role means that the
	// role does not exist.
	MayAssume(c *service.Call, role service.Role) error
	// Trusts returns an error if the role does not trust a service.
	Trusts(role service.Role, servicePrincipal string) error
}

// New returns a service without sessions. GetCallerIdentity fails in the disabled regions.
func New(account *service.Account, roles Roles, guard Guard, disabledRegions []string) *Service {
	return &Service{account: account, roles: roles, guard: guard, disabled: disabledRegions,
		sessions: make(map[string]service.Caller)}
}

// A call is a call of STS.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	// GetCallerIdentity needs no permission, and policies cannot deny it.
	"GetCallerIdentity": {Do: getCallerIdentity, Needs: []service.Need[call]{}},
	"AssumeRole": {Do: assumeRole, Needs: []service.Need[call]{{
		Resource:           func(c call) string { return c.Form.Get("RoleArn") },
		DecidedByOperation: true,
	}}},
	"DecodeAuthorizationMessage": {Do: decodeMessage, Needs: []service.Need[call]{{}}},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "sts", Scope: "sts", Prefix: "sts", Version: "2011-06-15",
		XMLNS:  "https://sts.amazonaws.com/doc/2011-06-15/",
		Denial: "AccessDenied",
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "Throttling",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
		ConditionKeys: func(c *service.Call, set func(key, value string)) {
			set("sts:RoleSessionName", c.Form.Get("RoleSessionName"))
			set("sts:ExternalId", c.Form.Get("ExternalId"))
		},
	}
}

// Session returns the session with an access key.
func (s *Service) Session(key string) (service.Caller, bool) {
	session, found := s.sessions[key]
	return session, found
}

// getCallerIdentity returns the caller. As on AWS, a disabled region does not recognize the
// account's credentials.
func getCallerIdentity(c call) (any, error) {
	if slices.Contains(c.disabled, c.Region) {
		return nil, wire.Refuse(http.StatusForbidden, "InvalidClientTokenId",
			"The security token included in the request is invalid.")
	}
	return struct {
		ARN     string `xml:"Arn"`
		UserID  string `xml:"UserId"`
		Account string
	}{c.Caller.ARN, c.Caller.UserID, c.account.ID}, nil
}

// assumeRole returns the keys of a new session of a role. Without enforcement, every caller
// may assume every role: the trust policies are only data for the auditor.
func assumeRole(c call) (any, error) {
	session := c.Form.Get("RoleSessionName")
	switch {
	case !c.Form.Has("RoleSessionName"):
		return nil, wire.Required("roleSessionName")
	case len(session) < 2:
		return nil, wire.Constraint(
			"roleSessionName", "Member must have length greater than or equal to 2")
	case len(session) > 64 || !awsname.IsIAMName(session):
		return nil,
			wire.Constraint("roleSessionName", `Member must satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	arn := c.Form.Get("RoleArn")
	k, name, ok := service.EntityOfARN(arn)
	if !ok || k != service.KindRole {
		return nil, wire.ValidationError("%s is invalid", arn)
	}
	role, found := c.roles.Role(name)
	if !found || role.ARN() != arn {
		role = nil
	}
	if err := c.guard.MayAssume(c.Call, role); err != nil {
		return nil, err
	}

	key, assumed := c.start(role, session)
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
		credentials{key, service.Secret(key), tokenOf(key), wire.Stamp(c.Now().Add(time.Hour))},
		assumedRole{assumed.UserID, assumed.ARN},
	}, nil
}

// maxEncoded is the maximum length of an encoded message.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
const maxEncoded = 10240

// EncodeMessage returns an encoded authorization message. AWS encrypts these messages; the emulator
// only encodes them, because no emulated service returns one.
func EncodeMessage(decoded string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(decoded))
}

// decodeMessage returns the JSON of an encoded message.
func decodeMessage(c call) (any, error) {
	switch encoded := c.Form.Get("EncodedMessage"); {
	case encoded == "":
		return nil, wire.Required("encodedMessage")
	case len(encoded) > maxEncoded:
		return nil, wire.Constraint("encodedMessage",
			"Member must have length less than or equal to 10240")
	default:
		decoded, err := base64.RawURLEncoding.DecodeString(encoded)
		if err != nil || !json.Valid(decoded) {
			return nil, wire.Refuse(http.StatusBadRequest, "InvalidAuthorizationMessageException",
				"Message is not valid")
		}
		return struct{ DecodedMessage string }{string(decoded)}, nil
	}
}

// start starts a session of a role, and returns its access key id and its identity.
func (s *Service) start(role service.Role, name string) (key string, session service.Caller) {
	key = service.UniqueID(service.PrefixSession, role.ARN(), name, fmt.Sprint(s.account.Next()))
	session = service.Caller{
		// The ARN of a session does not contain the role's path.
		ARN: awsarn.ARN{Partition: s.account.Partition, Service: "sts", Account: s.account.ID,
			Resource: "assumed-role/" + role.Name() + "/" + name}.String(),
		UserID:    role.ID() + ":" + name,
		Principal: role,
	}
	s.sessions[key] = session
	return key, session
}

// Keys are credentials for signing requests.
type Keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// ServiceSession returns the keys of a new session of a role that a service assumes, as Lambda does
// for a function. principal is the service principal, such as lambda.amazonaws.com. ServiceSession
// returns an error if the role does not trust the service.
func (s *Service) ServiceSession(principal, role, session string) (Keys, error) {
	r, found := s.roles.Role(role)
	if !found {
		return Keys{}, fmt.Errorf("there is no role %s: add it to the account", role)
	}
	if err := s.guard.Trusts(r, principal); err != nil {
		return Keys{}, err
	}
	key, _ := s.start(r, session)
	return Keys{key, service.Secret(key), tokenOf(key)}, nil
}

// tokenOf returns the session token of a key. The server does not check tokens.
func tokenOf(key string) string { return "session-of-" + strings.ToLower(key) }
