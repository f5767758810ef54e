package awsemu

import (
	"strings"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
)

// An identity is the caller that signed a request.
type identity struct {
	arn    string
	userID string
	entity *entity // nil for an administrator that is not a user of the account
	// administrator is true if the access key belongs to no user and no session. The server permits
	// all calls of the administrator.
	administrator bool
}

func (st *store) identityOf(e *entity) identity {
	return identity{arn: st.arn(e), userID: e.id, entity: e}
}

// administrator returns the identity for access keys that belong to no user and no session. A
// client can therefore prepare the account with any other credentials.
func (st *store) administrator() identity {
	const name = "administrator"
	id := identity{
		arn:    awsarn.IAM(st.partition, st.account, "user/"+name),
		userID: uniqueID(prefixUser, st.account, string(kindUser), name),
	}
	if e := st.entities[kindUser][name]; e != nil {
		id = st.identityOf(e)
	}
	id.administrator = true
	return id
}

func (st *store) caller(key string) identity {
	if id, known := st.keys[key]; known {
		return id
	}
	return st.administrator()
}

// A scope is the access key id and the credential scope of a signature.
type scope struct {
	key, region, service string
}

// parseScope reads the credential scope from an Authorization header, or from the query of a
// presigned URL.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func parseScope(header, query string) (scope, bool) {
	credential := query
	if header != "" {
		_, rest, found := strings.Cut(header, "Credential=")
		if !found {
			return scope{}, false
		}
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	n := len(parts)
	if n < 4 || parts[n-1] != "aws4_request" {
		return scope{}, false
	}
	sc := scope{key: parts[0], service: parts[n-2]}
	if n > 4 { // a SigV4A scope names no region
		sc.region = parts[n-3]
	}
	return sc, sc.key != ""
}
