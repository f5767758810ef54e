// Package authz decides who may call: it finds the caller of an access key, and checks the
// permissions that operations need and the trust policies of roles.
package authz

import (
	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
)

// Callers finds the callers of access keys.
type Callers struct {
	Account *service.Account
	// Users finds users by name and by access key.
	Users Users
	// Sessions finds the sessions of roles by access key.
	Sessions Sessions
}

// Users finds users. Package iam implements it.
type Users interface {
	User(name string) (service.Principal, bool)
	UserOfKey(id string) (service.Principal, bool)
}

// Sessions finds sessions of roles. Package sts implements it.
type Sessions interface {
	Session(key string) (service.Caller, bool)
}

// Of returns the caller with an access key: a user, a session of a role, or else the administrator.
func (c Callers) Of(key string) service.Caller {
	if user, found := c.Users.UserOfKey(key); found {
		return callerOf(user)
	}
	if session, found := c.Sessions.Session(key); found {
		return session
	}
	return c.administrator()
}

func callerOf(user service.Principal) service.Caller {
	return service.Caller{ARN: user.ARN(), UserID: user.ID(), Principal: user}
}

// administrator returns the caller for access keys that belong to no user and no session. A client
// can therefore prepare the account with any other credentials.
func (c Callers) administrator() service.Caller {
	const name = "administrator"
	admin := service.Caller{
		ARN: awsarn.IAM(c.Account.Partition, c.Account.ID, "user/"+name),
		UserID: service.UniqueID(service.PrefixUser, c.Account.ID, string(service.KindUser),
			name),
	}
	if user, found := c.Users.User(name); found {
		admin = callerOf(user)
	}
	admin.Administrator = true
	return admin
}
