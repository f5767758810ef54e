package collect

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxNames is the number of users or roles among which a missing one is searched. IAM returns them
// in one answer, except that it may return fewer names with a marker. maxNamePages bounds such
// answers.
const (
	maxNames     = 1000
	maxNamePages = 10
)

// findNamesake sets the name of an existing principal that nearly is the name of an absent target,
// because the configuration or the account may have a typo. It is a hint only: a list that AWS
// refuses is no problem.
func (r *run) findNamesake(ctx context.Context, t *target) {
	if t.facts.Presence != audit.Absent || r.plan.Named {
		return
	}
	kind, name := entity(t.facts.Name)
	var names []string
	switch kind {
	case "role":
		names = r.roleNames(ctx)
	case "user":
		names = r.userNames(ctx)
	case "sso":
		names = t.permissionSets
	}
	if near := nearest(name, names); near != "" {
		t.facts.Namesake = kind + "/" + near
	}
}

// listRoleNames returns the names of the first roles of the account.
func (r *run) listRoleNames(ctx context.Context) (names []string) {
	pages := iam.NewListRolesPaginator(r.iam, &iam.ListRolesInput{MaxItems: aws.Int32(maxNames)})
	for n := 0; n < maxNamePages && pages.HasMorePages() && len(names) < maxNames; n++ {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return names
		}
		for _, role := range out.Roles {
			names = append(names, aws.ToString(role.RoleName))
		}
	}
	return names
}

// listUserNames returns the names of the first users of the account, if the plan allows the list.
func (r *run) listUserNames(ctx context.Context) (names []string) {
	if !r.plan.ListUsers {
		return nil
	}
	pages := iam.NewListUsersPaginator(r.iam, &iam.ListUsersInput{MaxItems: aws.Int32(maxNames)})
	for n := 0; n < maxNamePages && pages.HasMorePages() && len(names) < maxNames; n++ {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return names
		}
		for _, user := range out.Users {
			names = append(names, aws.ToString(user.UserName))
		}
	}
	return names
}

// onceWith returns a function that calls list once, and returns its result each time.
func onceWith(list func(context.Context) []string) func(context.Context) []string {
	var once sync.Once
	var names []string
	return func(ctx context.Context) []string {
		once.Do(func() { names = list(ctx) })
		return names
	}
}

// nearest returns the name that differs least from another name, and at most in a fifth of its
// characters, or in one. Case makes no difference. nearest returns "" if no name is near.
func nearest(name string, names []string) (near string) {
	least := max(1, len(name)/5) + 1
	for _, other := range names {
		d := textfmt.EditDistance(strings.ToLower(name), strings.ToLower(other))
		if d < least || d == least && near != "" && other < near {
			near, least = other, d
		}
	}
	return near
}
