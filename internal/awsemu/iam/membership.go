package iam

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
)

// membershipWrites are the operations that change the users of a group.
var membershipWrites = table{
	"AddUserToGroup":      {Do: addUserToGroup, Needs: onGroup},
	"RemoveUserFromGroup": {Do: removeUserFromGroup, Needs: onGroup},
}

// membership returns the group and the user that a call names.
func (c call) membership() (group, user *entity, err error) {
	if group, err = c.find(service.KindGroup); err != nil {
		return nil, nil, err
	}
	user, err = c.find(service.KindUser)
	return group, user, err
}

func addUserToGroup(c call) (any, error) {
	g, u, err := c.membership()
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(u.groups, g): // adding a member again succeeds
		return nil, nil
	case len(u.groups) >= maxGroupsPerUser:
		return nil, limitExceeded("Cannot exceed quota for GroupsPerUser: %d", maxGroupsPerUser)
	}
	u.groups = append(u.groups, g)
	return nil, nil
}

func removeUserFromGroup(c call) (any, error) {
	g, u, err := c.membership()
	if err != nil {
		return nil, err
	}
	i := slices.Index(u.groups, g)
	if i < 0 {
		return nil, noSuchEntity("User %s is not in group %s", u.name, g.name)
	}
	u.groups = slices.Delete(u.groups, i, i+1)
	return nil, nil
}
