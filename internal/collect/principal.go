package collect

import (
	"context"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsanswer"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// ssoPath is the path of the roles of IAM Identity Center.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
const ssoPath = "/aws-reserved/sso.amazonaws.com/"

// permissionSetRole returns the pattern of the role names of a permission set.
func permissionSetRole(set string) string {
	return "^AWSReservedSSO_" + regexp.QuoteMeta(set) + "_[0-9a-f]{16}$"
}

// anySetRole matches the names of the roles of all permission sets.
const anySetRole = `^AWSReservedSSO_(.+)_[0-9a-f]{16}$`

// findPermissionSet replaces the name sso/PERMISSION-SET of a target by the name of its role, or
// marks the target as absent. The name of the role ends in a suffix that changes with each new
// assignment of the permission set.
func (r *run) findPermissionSet(ctx context.Context, t *target) {
	kind, set := entity(t.facts.Name)
	if kind != "sso" {
		return
	}
	pattern, anySet := regexp.MustCompile(permissionSetRole(set)), regexp.MustCompile(anySetRole)
	var err error
	for range 2 { // one answer without the role is no proof
		pages := iam.NewListRolesPaginator(r.iam, &iam.ListRolesInput{PathPrefix: aws.String(ssoPath)})
		err = eachPage(ctx, pages.HasMorePages, pages.NextPage, func(out *iam.ListRolesOutput) {
			for _, role := range out.Roles {
				if name := aws.ToString(role.RoleName); pattern.MatchString(name) {
					t.facts.Name = "role/" + name
				} else if m := anySet.FindStringSubmatch(name); m != nil {
					t.permissionSets = append(t.permissionSets, m[1])
				}
			}
		})
		if found, _ := entity(t.facts.Name); found == "role" {
			return
		}
		if err != nil {
			break
		}
	}
	t.facts.ARN = r.arn("role" + ssoPath + "AWSReservedSSO_" + set + "_*")
	if err != nil {
		t.lookup = problemOf(ctx, "the role of permission set "+set, "iam:ListRoles", err)
		return
	}
	t.facts.Presence = audit.Absent
	t.lookup.missed = []string{"iam:ListRoles"}
}

// readTarget reads the principal itself: its existence, path and boundary, and the trust policy of
// a role. It does not believe a single NoSuchEntity.
func (r *run) readTarget(ctx context.Context, t *target) {
	kind, name := entity(t.facts.Name)
	var boundary *types.AttachedPermissionsBoundary
	var action string
	var read func() error
	switch kind {
	case "user":
		action = "iam:GetUser"
		read = func() error {
			out, err := r.iam.GetUser(ctx, &iam.GetUserInput{UserName: &name})
			if err == nil {
				t.facts.ARN, boundary = aws.ToString(out.User.Arn), out.User.PermissionsBoundary
				t.facts.Tags = tagsOf(out.User.Tags)
			}
			return err
		}
	case "role":
		action = "iam:GetRole"
		read = func() error {
			out, err := r.iam.GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
			if err == nil {
				t.facts.ARN, boundary = aws.ToString(out.Role.Arn), out.Role.PermissionsBoundary
				t.facts.Tags = tagsOf(out.Role.Tags)
				t.readTrust(aws.ToString(out.Role.AssumeRolePolicyDocument))
			}
			return err
		}
	default: // a permission set that was not found
		return
	}
	err := read()
	if isGone(err) {
		err = read()
	}
	switch {
	case err == nil:
		t.facts.Presence, t.lookup.found = audit.Present, []string{action}
		if boundary != nil {
			t.boundaryARN = aws.ToString(boundary.PermissionsBoundaryArn)
		}
		return
	case isGone(err):
		t.facts.Presence, t.lookup.missed = audit.Absent, []string{action}
	default:
		t.lookup = problemOf(ctx, fmt.Sprintf("the %s %q itself", kind, name), action, err)
		t.facts.TrustProblem = t.lookup.problems[0]
	}
	if t.facts.ARN == "" {
		t.facts.ARN = r.arn(t.facts.Name)
	}
}

// The limits of IAM for the tags of a principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxTags, maxTagKey, maxTagValue = 50, 128, 256

// tagsOf returns the tags in an answer. It drops what IAM does not store, because the simulator
// would refuse the whole request.
func tagsOf(list []types.Tag) map[string]string {
	tags := map[string]string{}
	for _, tag := range list {
		key, value := aws.ToString(tag.Key), aws.ToString(tag.Value)
		if key != "" && utf8.RuneCountInString(key) <= maxTagKey &&
			utf8.RuneCountInString(value) <= maxTagValue && len(tags) < maxTags {
			tags[key] = value
		}
	}
	return tags
}

func (t *target) readTrust(encoded string) {
	if encoded == "" {
		t.facts.TrustProblem = audit.Problem{What: "trust policy",
			Why:    (&awsanswer.Incomplete{Operation: "GetRole", Lacks: "the trust policy"}).Error(),
			Remedy: incompleteRemedy}
		return
	}
	doc, problem := parseDocument("trust policy", encoded, iampolicy.ParseTrust)
	t.facts.Trust = doc
	if problem != nil {
		t.facts.TrustProblem = *problem
	}
}
