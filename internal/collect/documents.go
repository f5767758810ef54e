package collect

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// policyHolder is an entity with policies: a user, a group or a role.
type policyHolder struct {
	kind, name string
	// suffix ends the name of a policy in problems: "" for a policy of the principal itself, ` of
	// group "g"` for a policy of a group.
	suffix string

	inlineNames func(context.Context) ([]string, error)
	inline      func(ctx context.Context, policy string) (document string, err error)
	attached    func(context.Context) ([]types.AttachedPolicy, error)
}

// documents reads all identity policies of a principal: inline, managed, and those of its groups.
func (r *run) documents(ctx context.Context, principal string) snapshot {
	switch kind, name := entity(principal); kind {
	case "user":
		return parallel(2, func(i int) snapshot {
			if i == 0 {
				return r.readHolder(ctx, r.user(name))
			}
			return r.groups(ctx, name)
		})
	case "role":
		return r.readHolder(ctx, r.role(name))
	}
	return snapshot{}
}

// groupsOf lists the groups of a user.
func (r *run) groupsOf(ctx context.Context, user string) (groups []types.Group, err error) {
	pages := iam.NewListGroupsForUserPaginator(r.iam, &iam.ListGroupsForUserInput{UserName: &user})
	err = eachPage(ctx, pages.HasMorePages, pages.NextPage, func(out *iam.ListGroupsForUserOutput) {
		groups = append(groups, out.Groups...)
	})
	return groups, err
}

func (r *run) groups(ctx context.Context, user string) snapshot {
	return listed[types.Group]{
		what: "the list of groups", action: "iam:ListGroupsForUser",
		list: func(ctx context.Context) ([]types.Group, error) { return r.groupsOf(ctx, user) },
		id:   func(g types.Group) string { return fmt.Sprintf("group %q", aws.ToString(g.GroupName)) },
		key:  func(g types.Group) string { return aws.ToString(g.GroupName) },
		read: func(ctx context.Context, g types.Group, _ int) snapshot {
			group := r.readHolder(ctx, r.group(aws.ToString(g.GroupName)))
			// The group was deleted, not the user.
			group.gone, group.existence = group.missed != nil, existence{}
			group.problems, _ = r.readScopeProblem(group.problems,
				fmt.Sprintf("group %q", aws.ToString(g.GroupName)), aws.ToString(g.Arn),
				"iam:ListGroupPolicies", "iam:ListAttachedGroupPolicies")
			return group
		},
	}.readAll(ctx)
}

// readHolder reads the policies of one holder.
func (r *run) readHolder(ctx context.Context, h policyHolder) snapshot {
	kind := map[string]string{"user": "User", "group": "Group", "role": "Role"}[h.kind]
	return parallel(2, func(i int) snapshot {
		if i == 0 {
			inlineID := func(name string) string {
				return fmt.Sprintf("inline policy %q%s", name, h.suffix)
			}
			return listed[string]{
				what: "the list of inline policies" + h.suffix, action: "iam:List" + kind + "Policies",
				list: h.inlineNames, id: inlineID, key: func(name string) string { return name },
				read: func(ctx context.Context, name string, _ int) snapshot {
					text, err := h.inline(ctx, name)
					read := r.snapshotOf(ctx, inlineID(name), "iam:Get"+kind+"Policy", text, err)
					return read.storedIn(iampolicy.Location{Kind: iampolicy.InlineLocation,
						Holder: h.kind + "/" + h.name, Name: name})
				},
			}.readAll(ctx)
		}
		managedID := func(p types.AttachedPolicy) string {
			return fmt.Sprintf("managed policy %q%s", aws.ToString(p.PolicyName), h.suffix)
		}
		return listed[types.AttachedPolicy]{
			what:   "the list of attached policies" + h.suffix,
			action: "iam:ListAttached" + kind + "Policies", list: h.attached, id: managedID,
			key: func(p types.AttachedPolicy) string { return aws.ToString(p.PolicyArn) },
			read: func(ctx context.Context, p types.AttachedPolicy, look int) snapshot {
				return r.readManaged(ctx, managedID(p), iampolicy.Location{
					Kind: iampolicy.ManagedLocation, Holder: h.kind + "/" + h.name,
					ARN: aws.ToString(p.PolicyArn)}, look)
			},
		}.readAll(ctx)
	})
}

// snapshotOf returns the policy that was read, or the problem of the read.
func (r *run) snapshotOf(ctx context.Context, id, action, text string, err error) snapshot {
	switch {
	case err == nil:
		return r.policy(id, text)
	case isGone(err):
		return snapshot{gone: true}
	}
	return problemOf(ctx, id, action, err)
}

// listFailed returns the snapshot of a list that failed.
func listFailed(ctx context.Context, what, action string, err error) snapshot {
	if isGone(err) {
		return snapshot{existence: existence{missed: []string{action}}}
	}
	return problemOf(ctx, what, action, err)
}

// managedPolicy is a policy that a run reads once, for all principals that the policy is attached
// to.
type managedPolicy struct {
	once sync.Once
	text string
	// attachments is the number of principals that the policy is attached to, bounded the number of
	// those that it is the boundary of; both are 0 if unknown.
	attachments, bounded int
	tags                 map[string]string
	action               string // the last action that fetch called
	err                  error
}

// managedRead identifies a read of a managed policy: the ARN, and 1 for the second look.
type managedRead struct {
	arn  string
	look int
}

// readManaged reads the managed policy that at.ARN names. It adds what GetPolicy returns to at.
// look is 0 for the first look and 1 for the second.
func (r *run) readManaged(ctx context.Context, id string, at iampolicy.Location,
	look int) snapshot {
	policy := at.ARN
	r.mu.Lock()
	m := r.managed[managedRead{policy, look}]
	if m == nil {
		m = &managedPolicy{}
		r.managed[managedRead{policy, look}] = m
	}
	r.mu.Unlock()
	m.once.Do(func() { m.fetch(ctx, r.iam, policy) })
	at.Name, at.Tags, at.Attachments = arn.Name(policy), m.tags, m.attachments
	if at.Kind == iampolicy.BoundaryLocation {
		at.Attachments = m.bounded
	}
	read := r.snapshotOf(ctx, id, m.action, m.text, m.err).storedIn(at)
	for i := range read.policies {
		read.policies[i].ByAWS = strings.Contains(policy, ":iam::aws:policy/")
	}
	if strings.HasPrefix(policy, r.arn("policy/")) { // the deployment need not name AWS's policies
		// The problem has the name of the policy only, so that a policy with two attachments is one
		// problem.
		read.problems, _ = r.readScopeProblem(read.problems,
			fmt.Sprintf("managed policy %q", arn.Name(policy)), policy, "iam:GetPolicy")
	}
	return read
}

// fetch reads the default version. If GetPolicyVersion does not find the version, another version
// replaced it after GetPolicy, and fetch tries once more.
func (m *managedPolicy) fetch(ctx context.Context, client *iam.Client, arn string) {
	for range 2 {
		m.action = "iam:GetPolicy"
		out, err := client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
		if err != nil || out.Policy == nil {
			m.err = err
			return
		}
		m.attachments = int(max(0, aws.ToInt32(out.Policy.AttachmentCount)))
		m.bounded = int(max(0, aws.ToInt32(out.Policy.PermissionsBoundaryUsageCount)))
		if len(out.Policy.Tags) > 0 {
			m.tags = tagsOf(out.Policy.Tags)
		}
		m.action = "iam:GetPolicyVersion"
		version, err := client.GetPolicyVersion(ctx,
			&iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: out.Policy.DefaultVersionId})
		m.err = err
		if err == nil && version.PolicyVersion != nil {
			m.text = aws.ToString(version.PolicyVersion.Document)
		}
		if !isGone(err) {
			return
		}
	}
}

// readBoundary reads the boundary of a principal, user/NAME or role/NAME. A boundary that IAM does
// not find, twice, must not count as no boundary.
func (r *run) readBoundary(ctx context.Context, principal, arn string) snapshot {
	if arn == "" {
		return snapshot{}
	}
	id := fmt.Sprintf("permissions boundary %q", arn)
	kind, name := entity(principal)
	at := iampolicy.Location{Kind: iampolicy.BoundaryLocation, Holder: kind + "/" + name, ARN: arn}
	boundary := r.readManaged(ctx, id, at, 0)
	if boundary.gone {
		boundary = r.readManaged(ctx, id, at, 1)
	}
	if boundary.gone {
		boundary.problems = []audit.Problem{{What: id, Why: "IAM did not find the policy",
			Remedy: "create the policy, or remove the boundary"}}
	}
	return boundary
}

func (r *run) user(name string) policyHolder {
	return policyHolder{
		kind: "user", name: name,
		inlineNames: func(ctx context.Context) (names []string, err error) {
			p := iam.NewListUserPoliciesPaginator(r.iam, &iam.ListUserPoliciesInput{UserName: &name})
			err = eachPage(ctx, p.HasMorePages, p.NextPage, func(out *iam.ListUserPoliciesOutput) {
				names = append(names, out.PolicyNames...)
			})
			return names, err
		},
		inline: func(ctx context.Context, policy string) (string, error) {
			out, err := r.iam.GetUserPolicy(ctx,
				&iam.GetUserPolicyInput{UserName: &name, PolicyName: &policy})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.PolicyDocument), nil
		},
		attached: func(ctx context.Context) (list []types.AttachedPolicy, err error) {
			p := iam.NewListAttachedUserPoliciesPaginator(r.iam,
				&iam.ListAttachedUserPoliciesInput{UserName: &name})
			err = eachPage(ctx, p.HasMorePages, p.NextPage, func(out *iam.ListAttachedUserPoliciesOutput) {
				list = append(list, out.AttachedPolicies...)
			})
			return list, err
		},
	}
}

func (r *run) group(name string) policyHolder {
	return policyHolder{
		kind: "group", name: name, suffix: fmt.Sprintf(" of group %q", name),
		inlineNames: func(ctx context.Context) (names []string, err error) {
			p := iam.NewListGroupPoliciesPaginator(r.iam, &iam.ListGroupPoliciesInput{GroupName: &name})
			err = eachPage(ctx, p.HasMorePages, p.NextPage, func(out *iam.ListGroupPoliciesOutput) {
				names = append(names, out.PolicyNames...)
			})
			return names, err
		},
		inline: func(ctx context.Context, policy string) (string, error) {
			out, err := r.iam.GetGroupPolicy(ctx,
				&iam.GetGroupPolicyInput{GroupName: &name, PolicyName: &policy})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.PolicyDocument), nil
		},
		attached: func(ctx context.Context) (list []types.AttachedPolicy, err error) {
			p := iam.NewListAttachedGroupPoliciesPaginator(r.iam,
				&iam.ListAttachedGroupPoliciesInput{GroupName: &name})
			err = eachPage(ctx, p.HasMorePages, p.NextPage, func(out *iam.ListAttachedGroupPoliciesOutput) {
				list = append(list, out.AttachedPolicies...)
			})
			return list, err
		},
	}
}

func (r *run) role(name string) policyHolder {
	return policyHolder{
		kind: "role", name: name,
		inlineNames: func(ctx context.Context) (names []string, err error) {
			p := iam.NewListRolePoliciesPaginator(r.iam, &iam.ListRolePoliciesInput{RoleName: &name})
			err = eachPage(ctx, p.HasMorePages, p.NextPage, func(out *iam.ListRolePoliciesOutput) {
				names = append(names, out.PolicyNames...)
			})
			return names, err
		},
		inline: func(ctx context.Context, policy string) (string, error) {
			out, err := r.iam.GetRolePolicy(ctx,
				&iam.GetRolePolicyInput{RoleName: &name, PolicyName: &policy})
			if err != nil {
				return "", err
			}
			return aws.ToString(out.PolicyDocument), nil
		},
		attached: func(ctx context.Context) (list []types.AttachedPolicy, err error) {
			p := iam.NewListAttachedRolePoliciesPaginator(r.iam,
				&iam.ListAttachedRolePoliciesInput{RoleName: &name})
			err = eachPage(ctx, p.HasMorePages, p.NextPage, func(out *iam.ListAttachedRolePoliciesOutput) {
				list = append(list, out.AttachedPolicies...)
			})
			return list, err
		},
	}
}
