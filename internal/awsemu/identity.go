package awsemu

import "fmt"

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
		arn:    fmt.Sprintf("arn:%s:iam::%s:user/%s", st.partition, st.account, name),
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
